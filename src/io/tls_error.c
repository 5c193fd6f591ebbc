/*
 * OpenSSL's reasons in words. Its queue of errors belongs to the thread: it is emptied here, so that nothing of now is taken for
 * the reason of something later.
 */
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "io/tls_context.h"

/* How much an error explains: want of memory looks like anything else to the functions above it, and what TLS says is
 * more than what the libraries below it say. */
static int weight(unsigned long code) {
  if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) return 2;
  return ERR_GET_LIB(code) == ERR_LIB_SSL;
}

/* Empties the queue. The first of those that explain most, or 0. */
static unsigned long take_cause(void) {
  unsigned long cause = 0, code;
  while ((code = ERR_get_error()) != 0) {
    if (!cause || weight(code) > weight(cause)) cause = code;
  }
  return cause;
}

static void describe(unsigned long code, char *out, size_t size) {
  const char *text = code ? ERR_reason_error_string(code) : "no reason is known";
  if (text) {
    snprintf(out, size, "%s", text);
  } else {
    snprintf(out, size, "error %lx of OpenSSL", code);
  }
}

/* What a certificate is for says more than that it is for something else. */
static void describe_names(SSL *ssl, char *out, size_t size) {
  STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
  if (sk_X509_num(chain) < 1) return;
  char names[128];
  fc__tls_peer_names(sk_X509_value(chain, 0), names, sizeof names);
  if (names[0]) snprintf(out, size, " (the certificate is for %s)", names);
}

static void describe_certificate(SSL *ssl, char *out, size_t size) {
  long result = SSL_get_verify_result(ssl);
  if (result == X509_V_OK) return;
  int len = snprintf(out, size, ": %s", X509_verify_cert_error_string(result));
  if (len < 0 || (size_t)len >= size) return;
  if (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    describe_names(ssl, out + len, size - (size_t)len);
  }
}

void fc__tls_reason(SSL *ssl, char *out, size_t size) {
  unsigned long cause = take_cause();
  describe(cause, out, size);
  if (!ssl || ERR_GET_LIB(cause) != ERR_LIB_SSL ||
      ERR_GET_REASON(cause) != SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return;
  }
  size_t len = strlen(out);
  describe_certificate(ssl, out + len, size - len);
}

fc_result fc__tls_error(fc_error *err, const char *format, ...) {
  unsigned long cause = take_cause();
  if (ERR_GET_REASON(cause) == ERR_R_MALLOC_FAILURE) return fc__error_no_memory(err);
  char sentence[sizeof err->message], reason[128];
  va_list args;
  va_start(args, format);
  vsnprintf(sentence, sizeof sentence, format, args);
  va_end(args);
  describe(cause, reason, sizeof reason);
  return fc__error(err, FC_ERR_INVALID, "%s: %s", sentence, reason);
}
