/*
 * One struct fc__tls through its life: made, asked before and after each handshake, its files read again, and its drop
 * functions run with the last reference.
 */
#include "io/tls_context.h"

#include <assert.h>
#include <openssl/err.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* ---- life ---- */

/* OpenSSL would take down at the exit what threads that still run are in the middle of; the system does it a moment later.
 * Whoever sets it up first decides. */
static void set_up_openssl(void) { (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL); }

fc_result fc__tls_create(const struct fc__tls_choices *choices, struct fc__tls **out,
                         fc_error *err) {
  struct fc__tls *tls = fc__alloc_zero(sizeof *tls);
  if (!tls) return fc__error_no_memory(err);
  set_up_openssl();
  fc_result r = fc__tls_settings_init(&tls->settings, choices, err);
  if (r != FC_OK) {
    fc__free(tls);
    return r;
  }
  atomic_init(&tls->refs, 1);
  pthread_mutex_init(&tls->lock, NULL);
  *out = tls;
  return FC_OK;
}

void fc__tls_destroy(struct fc__tls *tls) {
  fc__tls_sessions_clear(&tls->sessions);
  SSL_CTX_free(tls->context);
  fc__tls_settings_finish(&tls->settings);
  pthread_mutex_destroy(&tls->lock);
  fc__free(tls->pins);
  fc__free(tls);
}

struct fc__tls *fc__tls_ref(struct fc__tls *tls) {
  if (tls) atomic_fetch_add_explicit(&tls->refs, 1, memory_order_relaxed);
  return tls;
}

void fc__tls_unref(struct fc__tls *tls) {
  if (!tls || atomic_fetch_sub_explicit(&tls->refs, 1, memory_order_acq_rel) != 1) return;
  fc_drop_fn verify_drop = tls->verify_drop, handshake_drop = tls->handshake_drop;
  void *verify_user = tls->verify_user, *handshake_user = tls->handshake_user;
  fc__tls_destroy(tls);
  if (verify_drop) verify_drop(verify_user);
  if (handshake_drop) handshake_drop(handshake_user);
}

/* ---- the SSL_CTX of now ---- */

fc_result fc__tls_context(struct fc__tls *tls, struct fc__tls_material *material, SSL_CTX **out,
                          fc_error *err) {
  fc_result r = fc__tls_settings_context(&tls->settings, material, out, err);
  if (r != FC_OK) {
    fc__tls_material_destroy(material);
  } else if (!tls->prepare(tls, *out, material)) {
    r = fc__tls_error(err, "OpenSSL refuses a certificate or a key");
    SSL_CTX_free(*out);
    *out = NULL;
  }
  return r;
}

/* Sessions that were verified with other material go with it. Gives back what is to be freed without the lock. */
static SSL_CTX *replace_locked(struct fc__tls *tls, SSL_CTX *context) {
  SSL_CTX *old = tls->context;
  tls->context = context;
  fc__tls_sessions_clear(&tls->sessions);
  return old;
}

/* What cannot be read or used now is tried again at the next handshake. */
static SSL_CTX *read_again_locked(struct fc__tls *tls) {
  struct fc__tls_material *now = fc__tls_material_of(tls->context);
  struct fc__tls_material *material;
  SSL_CTX *context;
  if (!fc__tls_material_changed(now)) return NULL;
  if (fc__tls_material_again(now, &material, NULL) != FC_OK) return NULL;
  if (fc__tls_context(tls, material, &context, NULL) != FC_OK) return NULL;
  return replace_locked(tls, context);
}

fc_result fc__tls_server_update(struct fc__tls *tls, const fc_tls_identity *identities,
                                size_t identity_count, fc_slice client_roots, fc_error *err) {
  struct fc__tls_given given = {identities, identity_count, client_roots, NULL, NULL, NULL};
  struct fc__tls_material *material;
  SSL_CTX *context = NULL;
  if (!identities || identity_count == 0) {
    return fc__error(err, FC_ERR_INVALID, "identities is empty; give at least one");
  }
  pthread_mutex_lock(&tls->lock);
  given.kept_roots = &fc__tls_material_of(tls->context)->roots;
  fc_result r = fc__tls_material_create(tls, &given, &material, err);
  if (r == FC_OK) r = fc__tls_context(tls, material, &context, err);
  if (r == FC_OK) context = replace_locked(tls, context);
  pthread_mutex_unlock(&tls->lock);
  SSL_CTX_free(context);
  return r;
}

/* ---- before a handshake ---- */

bool fc__tls_has_hook(const struct fc__tls *tls) { return tls->on_handshake; }

void fc__tls_hook(struct fc__tls *tls) { tls->on_handshake(tls->credentials, tls->handshake_user); }

static bool prepare(SSL *ssl, const char *name, fc_error *err) {
  if (!ssl) {
    (void)fc__tls_error(err, "a connection cannot be made");
    return false;
  }
  if (!name) {
    SSL_set_accept_state(ssl);
    return true;
  }
  SSL_set_connect_state(ssl);
  return fc__tls_expect(ssl, name, err) == FC_OK;
}

SSL *fc__tls_begin(struct fc__tls *tls, const char *name, fc_error *err) {
  assert(tls->server == !name && "a client knows whom it wants to reach, a server does not");
  ERR_clear_error();
  pthread_mutex_lock(&tls->lock);
  SSL_CTX *old = read_again_locked(tls);
  ERR_clear_error();
  SSL *ssl = SSL_new(tls->context);
  bool prepared = prepare(ssl, name, err);
  SSL_SESSION *session = prepared ? fc__tls_session_take(tls, ssl) : NULL;
  pthread_mutex_unlock(&tls->lock);
  SSL_CTX_free(old);
  fc__tls_session_offer(tls, ssl, session);
  if (prepared) return ssl;
  SSL_free(ssl);
  return NULL;
}

/* ---- after it ---- */

/* Not agreed upon, the peer may expect another protocol. RFC 9113 section 3.2 */
static bool speaks_http2(const SSL *ssl) {
  const unsigned char *protocol;
  unsigned len;
  SSL_get0_alpn_selected(ssl, &protocol, &len);
  return len == 2 && memcmp(protocol, "h2", 2) == 0;
}

/* A session is offered only if pins hold. */
static bool pins_hold(struct fc__tls *tls, SSL *ssl) {
  if (tls->pin_count == 0 || SSL_session_reused(ssl)) return true;
  return fc__tls_pinned(
      tls, tls->insecure ? SSL_get_peer_cert_chain(ssl) : SSL_get0_verified_chain(ssl));
}

static fc_auth_context *describe_peer(struct fc__tls *tls, SSL *ssl) {
  STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl), *kept = NULL;
  if (tls->server && SSL_session_reused(ssl))
    sent = kept = fc__tls_ticket_chain(SSL_get_session(ssl));
  fc_auth_context *auth = fc__tls_peer(ssl, SSL_get0_peer_certificate(ssl), sent, !tls->insecure);
  sk_X509_pop_free(kept, X509_free);
  return auth;
}

fc_result fc__tls_check(struct fc__tls *tls, SSL *ssl, fc_auth_context **auth, fc_error *err) {
  *auth = NULL;
  if (!speaks_http2(ssl)) {
    return fc__error(err, FC_ERR_PROTOCOL,
                     tls->server ? "the client does not offer HTTP/2 (\"h2\" by ALPN)"
                                 : "the server does not choose HTTP/2 (\"h2\" by ALPN)");
  }
  if (!pins_hold(tls, ssl)) {
    return fc__error(err, FC_ERR_PROTOCOL, "no key of the certificate chain is pinned");
  }
  *auth = describe_peer(tls, ssl);
  if (!*auth) return fc__error_no_memory(err);
  fc__tls_session_used(tls, ssl);
  return FC_OK;
}

/* A server's verifier is asked about certificates, and a client may have none. */
bool fc__tls_has_verifier(const struct fc__tls *tls, SSL *ssl) {
  return tls->verify && (!tls->server || SSL_get0_peer_certificate(ssl));
}

fc_result fc__tls_verify(struct fc__tls *tls, const char *name, const fc_auth_context *auth,
                         fc_error *err) {
  fc_error reason = FC_ERROR_INIT;
  fc_result r = tls->verify(auth, name ? name : "", &reason, tls->verify_user);
  if (r == FC_OK) return FC_OK;
  reason.message[sizeof reason.message - 1] = '\0';
  return fc__error(err, r, "%s",
                   reason.message[0] ? reason.message : "the verifier refuses the certificate");
}
