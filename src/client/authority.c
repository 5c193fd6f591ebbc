/*
 * The host in an authority. RFC 3986 section 3.2
 */
#include "client/authority.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* An IPv6 address without its brackets and its zone, which means something on one machine only (RFC 6874). */
static fc_slice bracketed(const char *text) {
  size_t len = strcspn(text, "]%");
  return (fc_slice){(const uint8_t *)text, text[len] ? len : 0};
}

/* A name, perhaps fully qualified by a dot at its end, which neither certificates nor server names have (RFC 6066
 * section 3); or an address. */
static fc_slice plain(const char *text) {
  const char *colon = strchr(text, ':');
  bool port = colon && !strchr(colon + 1, ':');
  size_t len = port ? (size_t)(colon - text) : strlen(text);
  if (len > 1 && text[len - 1] == '.') len--;
  return (fc_slice){(const uint8_t *)text, len};
}

fc_result fc__authority_host(const char *authority, char **out, fc_error *err) {
  fc_slice host = authority[0] == '[' ? bracketed(authority + 1) : plain(authority);
  *out = NULL;
  if (host.len == 0) {
    return fc__error(err, FC_ERR_INVALID,
                     "\"%.100s\" names no host that a certificate could be verified against; set "
                     "tls_target_name",
                     authority);
  }
  *out = fc__strndup((const char *)host.data, host.len);
  return *out ? FC_OK : fc__error_no_memory(err);
}
