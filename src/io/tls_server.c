/*
 * The TLS of a server's credentials: which certificate a client is shown, and what it must show.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/error.h"
#include "io/tls_context.h"

enum { CLIENT_AUTHORITIES_MAX = 16 * 1024 }; /* bytes; the protocol has room for 64 KiB */

/* ---- in a handshake ---- */

/* Refused with the alert that RFC 7301 section 3.2 prescribes. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *user) {
  (void)ssl, (void)user;
  for (unsigned at = 0; at < in_len; at += 1u + in[at]) {
    if (in[at] != 2 || memcmp(in + at + 1, "h2", 2) != 0) continue;
    *out = in + at + 1;
    *out_len = 2;
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool names_host(const struct fc__tls_identity *identity, const char *host) {
  return X509_check_host(fc__tls_identity_leaf(identity), host, 0,
                         X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                         NULL) == 1;
}

/* The very first is in the SSL_CTX. */
static int choose_identity(SSL *ssl, void *user) {
  (void)user;
  const struct fc__tls_material *m = fc__tls_material_of(SSL_get_SSL_CTX(ssl));
  const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  for (size_t i = 0; host && i < m->identity_count; i++) {
    if (!names_host(&m->identities[i], host)) continue;
    return i == 0 || fc__tls_identity_use(&m->identities[i], ssl);
  }
  return 1;
}

/* ---- an SSL_CTX ---- */

/* Names the authorities, so that a client with several certificates can choose. More than there is room for are left
 * out: an empty list admits any. */
static bool name_authorities(SSL_CTX *context, const STACK_OF(X509) * roots) {
  size_t total = 0;
  for (int i = 0; i < sk_X509_num(roots); i++) {
    int len = i2d_X509_NAME(X509_get_subject_name(sk_X509_value(roots, i)), NULL);
    if (len < 0) return false;
    total += (size_t)len + 2; /* RFC 8446 section 4.2.4 */
  }
  if (total > CLIENT_AUTHORITIES_MAX) return true;
  for (int i = 0; i < sk_X509_num(roots); i++) {
    if (SSL_CTX_add_client_CA(context, sk_X509_value(roots, i)) != 1) return false;
  }
  return true;
}

static bool ask_clients(struct fc__tls *tls, SSL_CTX *context, const STACK_OF(X509) * roots) {
  bool require = tls->client_auth == FC_TLS_CLIENT_AUTH_REQUIRE ||
                 tls->client_auth == FC_TLS_CLIENT_AUTH_INSECURE_REQUIRE;
  if (tls->client_auth == FC_TLS_CLIENT_AUTH_NONE) return true;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     NULL);
  if (tls->insecure) fc__tls_trust_anybody(context);
  return fc__tls_trust(context, roots) && name_authorities(context, roots) &&
         fc__tls_tickets_keep_chains(context);
}

/* Each is tried on, so that none turns out unfit in a handshake. */
static bool try_identities(SSL_CTX *context, const struct fc__tls_material *m) {
  SSL *ssl = SSL_new(context);
  bool fine = ssl != NULL;
  for (size_t i = 1; fine && i < m->identity_count; i++) {
    fine = fc__tls_identity_use(&m->identities[i], ssl);
  }
  SSL_free(ssl);
  return fine;
}

static bool prepare(struct fc__tls *tls, SSL_CTX *context, const struct fc__tls_material *m) {
  static const unsigned char id[] = "farcall";
  /* Sessions lie in tickets, with their clients. */
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
  if (m->identity_count > 1) SSL_CTX_set_cert_cb(context, choose_identity, NULL);
  return SSL_CTX_set_session_id_context(context, id, sizeof id - 1) == 1 &&
         fc__tls_identity_show(&m->identities[0], context) &&
         ask_clients(tls, context, m->roots.certs) && try_identities(context, m);
}

/* ---- options ---- */

static fc_result check(const fc_tls_server_options *o, fc_error *err) {
  if (!o->identities || o->identity_count == 0) {
    return fc__error(err, FC_ERR_INVALID, "identities is empty; give at least one");
  }
  if ((unsigned)o->client_auth > FC_TLS_CLIENT_AUTH_INSECURE_REQUIRE) {
    return fc__error(err, FC_ERR_INVALID, "client_auth is %d; give one of FC_TLS_CLIENT_AUTH_",
                     (int)o->client_auth);
  }
  bool verifies =
      o->client_auth == FC_TLS_CLIENT_AUTH_REQUEST || o->client_auth == FC_TLS_CLIENT_AUTH_REQUIRE;
  if (verifies && o->client_roots.len == 0 && !o->client_roots_file) {
    return fc__error(err, FC_ERR_INVALID,
                     "client_auth verifies clients, but client_roots is not given");
  }
  return FC_OK;
}

static fc_result set_up(struct fc__tls *tls, const fc_tls_server_options *o,
                        fc_server_credentials *credentials, fc_error *err) {
  struct fc__tls_given given = {
      o->identities, o->identity_count, o->client_roots, o->client_roots_file, NULL, NULL};
  struct fc__tls_material *material;
  tls->server = true;
  tls->prepare = prepare;
  tls->credentials = credentials;
  tls->client_auth = o->client_auth;
  tls->insecure = o->client_auth >= FC_TLS_CLIENT_AUTH_INSECURE_REQUEST;
  fc_result r = fc__tls_material_create(tls, &given, &material, err);
  return r == FC_OK ? fc__tls_context(tls, material, &tls->context, err) : r;
}

fc_result fc__tls_server_create(const fc_tls_server_options *options,
                                fc_server_credentials *credentials, struct fc__tls **out,
                                fc_error *err) {
  fc_tls_server_options o;
  *out = NULL;
  fc_result r = fc__options_read(&o, sizeof o, options, "fc_tls_server_options", err);
  if (r == FC_OK) r = check(&o, err);
  if (r != FC_OK) return r;
  struct fc__tls_choices choices = {o.min_version, o.max_version, o.ciphers,
                                    o.insecure_key_log_file};
  struct fc__tls *tls;
  r = fc__tls_create(&choices, &tls, err);
  if (r != FC_OK) return r;
  r = set_up(tls, &o, credentials, err);
  if (r != FC_OK) {
    fc__tls_destroy(tls);
    return r;
  }
  tls->on_handshake = o.on_handshake;
  tls->handshake_user = o.handshake_user;
  tls->handshake_drop = o.handshake_drop;
  tls->verify = o.verify;
  tls->verify_user = o.verify_user;
  tls->verify_drop = o.verify_drop;
  *out = tls;
  return FC_OK;
}
