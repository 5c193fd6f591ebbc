/*
 * Sessions of a client, by the name that it verified. Each is offered once: a ticket of TLS 1.3 that is used twice ties two
 * connections together for whoever watches (RFC 8446 appendix C.4), and one that failed is not tried again. What is kept is
 * a copy, since OpenSSL goes on writing to a connection's own.
 */
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/tls_context.h"

/* ---- the table ---- */

static void clear_name(struct fc__tls_session_name *name) {
  for (size_t i = 0; i < FC__TLS_SESSIONS_EACH; i++) SSL_SESSION_free(name->newest[i]);
  fc__free(name->name);
  memset(name, 0, sizeof *name);
}

void fc__tls_sessions_clear(struct fc__tls_sessions *s) {
  for (size_t i = 0; i < s->count; i++) clear_name(&s->names[i]);
  s->count = 0;
}

static size_t find(const struct fc__tls_sessions *s, const char *name) {
  size_t at = 0;
  while (at < s->count && strcmp(s->names[at].name, name) != 0) at++;
  return at;
}

/* To the front, with what is before it moved back by one. */
static struct fc__tls_session_name *move_to_front(struct fc__tls_sessions *s, size_t at) {
  struct fc__tls_session_name moved = s->names[at];
  memmove(s->names + 1, s->names, at * sizeof *s->names);
  s->names[0] = moved;
  return &s->names[0];
}

/* The place of a name, made if there is none, at the cost of the one that was used least lately. NULL: no memory. */
static struct fc__tls_session_name *place_of(struct fc__tls_sessions *s, const char *name) {
  size_t at = find(s, name);
  if (at < s->count) return move_to_front(s, at);
  char *copy = fc__strdup(name);
  if (!copy) return NULL;
  if (s->count < FC__TLS_SESSION_NAMES) {
    s->count++;
  } else {
    clear_name(&s->names[--at]);
  }
  memset(&s->names[at], 0, sizeof s->names[at]);
  s->names[at].name = copy;
  return move_to_front(s, at);
}

static void put(struct fc__tls_session_name *name, SSL_SESSION *session) {
  SSL_SESSION_free(name->newest[FC__TLS_SESSIONS_EACH - 1]);
  memmove(name->newest + 1, name->newest, (FC__TLS_SESSIONS_EACH - 1) * sizeof *name->newest);
  name->newest[0] = session;
}

/* ---- what a connection is known by ---- */

/* The name that it expects, as fc__tls_expect has put it. false: none. */
static bool key_of(SSL *ssl, char out[FC__TLS_KEY_MAX]) {
  X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
  const char *host = X509_VERIFY_PARAM_get0_host(param, 0);
  char *address = host ? NULL : X509_VERIFY_PARAM_get1_ip_asc(param);
  int len = snprintf(out, FC__TLS_KEY_MAX, "%s", host ? host : address ? address : "");
  OPENSSL_free(address);
  return len > 0 && len < FC__TLS_KEY_MAX;
}

/* ---- keeping ---- */

static void keep(struct fc__tls *tls, SSL *ssl, const SSL_SESSION *session) {
  char key[FC__TLS_KEY_MAX];
  if (!SSL_SESSION_is_resumable(session) || !key_of(ssl, key)) return;
  SSL_SESSION *copy = SSL_SESSION_dup(session);
  if (!copy) return;
  pthread_mutex_lock(&tls->lock);
  /* Verified with roots that are not trusted any more, it is worth nothing. */
  bool current = SSL_get_SSL_CTX(ssl) == tls->context;
  struct fc__tls_session_name *place = current ? place_of(&tls->sessions, key) : NULL;
  if (place) put(place, copy);
  pthread_mutex_unlock(&tls->lock);
  if (!place) SSL_SESSION_free(copy);
}

static int on_new_session(SSL *ssl, SSL_SESSION *session) {
  keep(fc__tls_material_of(SSL_get_SSL_CTX(ssl))->tls, ssl, session);
  return 0; /* the reference stays OpenSSL's */
}

void fc__tls_sessions_collect(SSL_CTX *context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
}

/* A session of TLS 1.2 that was resumed is as good as before. */
void fc__tls_session_used(struct fc__tls *tls, SSL *ssl) {
  if (!tls->resume || !SSL_session_reused(ssl) || SSL_version(ssl) != TLS1_2_VERSION) return;
  keep(tls, ssl, SSL_get_session(ssl));
  ERR_clear_error();
}

/* ---- offering ---- */

SSL_SESSION *fc__tls_session_take(struct fc__tls *tls, SSL *ssl) {
  char key[FC__TLS_KEY_MAX];
  if (!tls->resume || !key_of(ssl, key)) return NULL;
  size_t at = find(&tls->sessions, key);
  if (at == tls->sessions.count) return NULL;
  struct fc__tls_session_name *name = move_to_front(&tls->sessions, at);
  SSL_SESSION *session = name->newest[0];
  memmove(name->newest, name->newest + 1, (FC__TLS_SESSIONS_EACH - 1) * sizeof *name->newest);
  name->newest[FC__TLS_SESSIONS_EACH - 1] = NULL;
  return session;
}

/* What its full handshake verified must hold today: certificates expire. */
static bool still_good(struct fc__tls *tls, SSL *ssl) {
  STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl); /* of the session that was set */
  X509 *leaf = SSL_get0_peer_certificate(ssl);
  if (!leaf || !sent) return false;
  if (tls->insecure) return fc__tls_pinned(tls, sent);
  STACK_OF(X509) *chain = fc__tls_verify_again(ssl, leaf, sent);
  bool good = chain && fc__tls_pinned(tls, chain);
  sk_X509_pop_free(chain, X509_free);
  return good;
}

void fc__tls_session_offer(struct fc__tls *tls, SSL *ssl, SSL_SESSION *session) {
  if (!session) return;
  if (!SSL_set_session(ssl, session) || !still_good(tls, ssl)) (void)SSL_set_session(ssl, NULL);
  SSL_SESSION_free(session);
  ERR_clear_error();
}
