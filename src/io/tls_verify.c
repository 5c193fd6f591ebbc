/*
 * Whom a peer must be: the roots that are trusted, the name that is expected, pinned keys, and all of it once more when a
 * session is to be resumed, which shows no certificate. Spec: RFC 9525, RFC 7469 section 2.4
 */
#include <arpa/inet.h>
#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "io/tls_context.h"

/* ---- roots ---- */

bool fc__tls_trust(SSL_CTX *context, const STACK_OF(X509) * roots) {
  X509_STORE *store = SSL_CTX_get_cert_store(context);
  for (int i = 0; i < sk_X509_num(roots); i++) {
    if (!X509_STORE_add_cert(store, sk_X509_value(roots, i))) return false;
  }
  /* Whoever names an intermediate authority, or a server's very certificate, means it. */
  return X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

static int accept_anybody(X509_STORE_CTX *store, void *user) {
  (void)user;
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

void fc__tls_trust_anybody(SSL_CTX *context) {
  SSL_CTX_set_cert_verify_callback(context, accept_anybody, NULL);
}

/* ---- the name ---- */

/* An address is looked for among the certificate's addresses, without the zone that only this machine knows: RFC 4007. */
static bool read_address(const char *name, uint8_t out[16], size_t *len) {
  char text[INET6_ADDRSTRLEN];
  size_t bare = strcspn(name, "%");
  if (bare >= sizeof text) return false;
  memcpy(text, name, bare);
  text[bare] = '\0';
  *len = 4;
  if (inet_pton(AF_INET, name, out) == 1) return true;
  *len = 16;
  return inet_pton(AF_INET6, text, out) == 1;
}

static fc_result expect_host(SSL *ssl, const char *name, fc_error *err) {
  char host[FC__TLS_KEY_MAX];
  size_t len = strlen(name);
  if (len > 1 && name[len - 1] == '.') len--; /* RFC 6066 section 3: without the trailing dot */
  /* To OpenSSL a leading dot means: any name below. */
  if (len == 0 || len >= sizeof host || name[0] == '.') {
    return fc__error(err, FC_ERR_INVALID, "no host can have the name \"%s\"", name);
  }
  memcpy(host, name, len);
  host[len] = '\0';
  X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
  const struct fc__tls *tls = fc__tls_material_of(SSL_get_SSL_CTX(ssl))->tls;
  /* A common name is no name of a host, and a star stands for a whole label: RFC 9525 sections 2 and 6.3. */
  X509_VERIFY_PARAM_set_hostflags(param,
                                  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                      (tls->common_name ? 0 : X509_CHECK_FLAG_NEVER_CHECK_SUBJECT));
  if (X509_VERIFY_PARAM_set1_host(param, host, len) && SSL_set_tlsext_host_name(ssl, host)) {
    return FC_OK;
  }
  return fc__tls_error(err, "the name \"%s\" cannot be asked for", host);
}

fc_result fc__tls_expect(SSL *ssl, const char *name, fc_error *err) {
  uint8_t address[16];
  size_t len;
  /* Addresses are not asked for: RFC 6066 section 3. */
  if (!read_address(name, address, &len)) return expect_host(ssl, name, err);
  if (X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), address, len)) return FC_OK;
  return fc__tls_error(err, "the address \"%s\" cannot be verified", name);
}

/* ---- once more ---- */

static bool verify(X509_STORE_CTX *store, SSL *ssl) {
  X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(store);
  X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(ssl));
  return X509_STORE_CTX_set_default(store, SSL_is_server(ssl) ? "ssl_client" : "ssl_server") &&
         X509_VERIFY_PARAM_set1(param, SSL_get0_param(ssl)) && X509_verify_cert(store) == 1;
}

STACK_OF(X509) * fc__tls_verify_again(SSL *ssl, X509 *leaf, STACK_OF(X509) * sent) {
  STACK_OF(X509) *chain = NULL;
  X509_STORE *roots = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
  X509_STORE_CTX *store = X509_STORE_CTX_new();
  if (store && X509_STORE_CTX_init(store, roots, leaf, sent) && verify(store, ssl)) {
    chain = X509_STORE_CTX_get1_chain(store);
  }
  X509_STORE_CTX_free(store);
  ERR_clear_error();
  return chain;
}

/* ---- pinned keys ---- */

static bool is_pinned(const struct fc__tls *tls, const X509 *cert) {
  uint8_t digest[FC__TLS_PIN_SIZE], *key = NULL;
  int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &key);
  bool known = len > 0 && EVP_Digest(key, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1;
  OPENSSL_free(key);
  for (size_t i = 0; known && i < tls->pin_count; i++) {
    if (memcmp(tls->pins + i * FC__TLS_PIN_SIZE, digest, FC__TLS_PIN_SIZE) == 0) return true;
  }
  return false;
}

bool fc__tls_pinned(const struct fc__tls *tls, const STACK_OF(X509) * chain) {
  if (tls->pin_count == 0) return true;
  /* Unverified, a peer may send any certificate after its own: only of that one has it shown to have the key. */
  int count = tls->insecure && sk_X509_num(chain) > 1 ? 1 : sk_X509_num(chain);
  for (int i = 0; i < count; i++) {
    if (is_pinned(tls, sk_X509_value(chain, i))) return true;
  }
  return false;
}
