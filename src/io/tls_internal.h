#ifndef FC_IO_TLS_INTERNAL_H
#define FC_IO_TLS_INTERNAL_H
/* What the files of TLS share. Only they include OpenSSL. */
#include <openssl/ssl.h>

#include "base/auth_context.h"
#include "io/tls.h"

/*
 * Before each handshake, in this order: where fc__tls_has_hook says so, fc__tls_hook without the lock; then
 * fc__tls_begin; the filter gives the SSL its BIO and does the handshake; then fc__tls_check; then, where
 * fc__tls_has_verifier says so, fc__tls_verify without the lock. None of them needs a lock of the caller's: what they
 * share is under the fc__tls's own.
 */
bool fc__tls_has_hook(const struct fc__tls *tls); /* on_handshake */
void fc__tls_hook(struct fc__tls *tls);

/* Reads files again that have changed, and makes an SSL with all settings, client or server state, name and a session to be
 * resumed. NULL, with the reason in err. */
SSL *fc__tls_begin(struct fc__tls *tls, const char *name, fc_error *err);

/* The handshake is over: ALPN is "h2", pins hold, and *auth says what is known of the peer (one reference). The chain was
 * verified in the handshake. Otherwise the sentence that says what is wrong. */
fc_result fc__tls_check(struct fc__tls *tls, SSL *ssl, fc_auth_context **auth, fc_error *err);

bool fc__tls_has_verifier(const struct fc__tls *tls, SSL *ssl);
fc_result fc__tls_verify(struct fc__tls *tls, const char *name, const fc_auth_context *auth,
                         fc_error *err);

/* The latest failure of an SSL function in words: "certificate verify failed: certificate has expired",
 * "tlsv1 alert unknown ca". Empties OpenSSL's queue of errors. ssl may be NULL. */
void fc__tls_reason(SSL *ssl, char *out, size_t size);

#endif
