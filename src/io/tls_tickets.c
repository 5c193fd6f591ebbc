/*
 * Tickets of a server that verifies its clients. OpenSSL puts a client's own certificate into them; what the client sent
 * with it is added here, so that all of it can be verified again when the ticket comes back: a certificate that has
 * expired meanwhile makes a full handshake necessary, which then fails for the right reason.
 */
#include <openssl/err.h>
#include <string.h>

#include "base/buf.h"
#include "io/tls_context.h"

enum {
  CHAIN_MAX = 8 * 1024
}; /* a ticket has 64 KiB, and every ClientHello that offers it carries it */

/* ---- writing ---- */

static bool append_der(struct fc__buf *buf, const X509 *cert) {
  uint8_t *der = NULL;
  int len = i2d_X509(cert, &der);
  bool fine = len > 0 && fc__buf_append(buf, der, (size_t)len);
  OPENSSL_free(der);
  return fine;
}

/* Without room the ticket holds none of them, and may not verify then. */
static int write_chain(SSL *ssl, void *user) {
  (void)user;
  STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);
  if (sk_X509_num(sent) < 1) return 1; /* none, or that of the ticket it was resumed with stays */
  struct fc__buf buf;
  fc__buf_init(&buf, CHAIN_MAX);
  bool fine = true;
  for (int i = 0; fine && i < sk_X509_num(sent); i++)
    fine = append_der(&buf, sk_X509_value(sent, i));
  if (fine) (void)SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), buf.data, buf.len);
  fc__buf_finish(&buf);
  ERR_clear_error();
  return 1;
}

/* ---- reading ---- */

STACK_OF(X509) * fc__tls_ticket_chain(const SSL_SESSION *session) {
  void *data = NULL;
  size_t len = 0;
  STACK_OF(X509) *chain = sk_X509_new_null();
  SSL_SESSION_get0_ticket_appdata((SSL_SESSION *)(uintptr_t)session, &data, &len);
  const uint8_t *at = data;
  const uint8_t *end = at ? at + len : NULL;
  while (chain && at < end) {
    X509 *cert = d2i_X509(NULL, &at, (long)(end - at));
    if (!cert) break;
    if (sk_X509_push(chain, cert)) continue;
    X509_free(cert);
    break;
  }
  ERR_clear_error();
  return chain;
}

static bool still_good(SSL *ssl, const SSL_SESSION *session) {
  X509 *leaf = SSL_SESSION_get0_peer((SSL_SESSION *)(uintptr_t)session);
  if (!leaf || fc__tls_material_of(SSL_get_SSL_CTX(ssl))->tls->insecure) return true;
  STACK_OF(X509) *sent = fc__tls_ticket_chain(session);
  STACK_OF(X509) *chain = sent ? fc__tls_verify_again(ssl, leaf, sent) : NULL;
  bool good = chain != NULL;
  sk_X509_pop_free(chain, X509_free);
  sk_X509_pop_free(sent, X509_free);
  return good;
}

static SSL_TICKET_RETURN read_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                     size_t name_len, SSL_TICKET_STATUS status, void *user) {
  (void)name, (void)name_len, (void)user;
  switch (status) {
    case SSL_TICKET_SUCCESS:
    case SSL_TICKET_SUCCESS_RENEW:
      if (!still_good(ssl, session)) return SSL_TICKET_RETURN_IGNORE_RENEW;
      return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
    case SSL_TICKET_EMPTY:
    case SSL_TICKET_NO_DECRYPT:
      return SSL_TICKET_RETURN_IGNORE_RENEW;
    default:
      return SSL_TICKET_RETURN_ABORT;
  }
}

bool fc__tls_tickets_keep_chains(SSL_CTX *context) {
  return SSL_CTX_set_session_ticket_cb(context, write_chain, read_ticket, NULL) == 1;
}
