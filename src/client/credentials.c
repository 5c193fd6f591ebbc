/*
 * Call credentials made of a token. The token is erased before its memory goes back, wherever that
 * is.
 */
#include "farcall/credentials.h"

#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum { TOKEN_MAX = 64 * 1024 };

struct fc_call_credentials {
  atomic_uint refs;
  size_t len;
  char token[];
};

/* A volatile store is not left out although nobody reads the memory again. */
static void erase(char *secret, size_t len) {
  for (volatile char *at = secret; len > 0; len--) *at++ = 0;
}

/* No byte of the token may enter a message. */
static fc_result check(const char *token, size_t len, fc_error *err) {
  if (len == 0 || len > TOKEN_MAX) {
    return fc__error(err, FC_ERR_INVALID, "the token has %zu characters; give 1 to %d", len,
                     (int)TOKEN_MAX);
  }
  for (size_t i = 0; i < len; i++) {
    if (token[i] >= ' ' && token[i] < 0x7f) continue;
    return fc__error(err, FC_ERR_INVALID,
                     "the token has an unprintable byte at %zu; give printable ASCII", i);
  }
  return FC_OK;
}

fc_result fc_call_credentials_from_token(const char *token, fc_call_credentials **out,
                                         fc_error *err) {
  if (!out) return fc__error(err, FC_ERR_INVALID, "out is NULL");
  *out = NULL;
  if (!token) return fc__error(err, FC_ERR_INVALID, "the token is NULL");
  size_t len = strlen(token);
  fc_result r = check(token, len, err);
  if (r != FC_OK) return r;
  fc_call_credentials *c = fc__alloc(sizeof *c + len + 1);
  if (!c) return fc__error_no_memory(err);
  atomic_init(&c->refs, 1);
  c->len = len;
  memcpy(c->token, token, len + 1);
  *out = c;
  return FC_OK;
}

void fc_call_credentials_destroy(fc_call_credentials *c) {
  if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) return;
  erase(c->token, c->len);
  fc__free(c);
}
