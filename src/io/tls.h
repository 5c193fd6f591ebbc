#ifndef FC_IO_TLS_H
#define FC_IO_TLS_H
/*
 * TLS as a filter: a transport over a transport. What the connections of one credentials object share (settings, trusted
 * roots, certificates, sessions) is a struct fc__tls; each connection is a transport that fc__tls_wrap makes.
 *
 *   tls_context.c                one fc__tls through its life: before and after each handshake, files read again
 *   tls_client.c, tls_server.c   what either side makes of its options
 *   tls_settings.c               what both sides ask of OpenSSL: versions, ciphers, no renegotiation
 *   tls_material.c, tls_pem.c, tls_file.c   identities and roots that fit together; PEM texts; files that change
 *   tls_verify.c                 roots, names, pinned keys, and all of them again for a session
 *   tls_sessions.c, tls_tickets.c   sessions of a client, to be resumed; clients' chains in a server's tickets
 *   tls_peer.c                   what the auth context says of a certificate
 *   tls_filter.h                 the transport: handshake, reading, writing, closing
 *   tls_error.c                  OpenSSL's reasons in words
 */
#include "base/loop.h"
#include "base/net.h"
#include "farcall/tls.h"

struct fc__tls; /* counted; of any thread and any loop */

fc_result fc__tls_client_create(const fc_tls_client_options *options, struct fc__tls **out,
                                fc_error *err);
/* credentials is what on_handshake is given; it outlives the fc__tls. */
fc_result fc__tls_server_create(const fc_tls_server_options *options,
                                fc_server_credentials *credentials, struct fc__tls **out,
                                fc_error *err);
fc_result fc__tls_server_update(struct fc__tls *tls, const fc_tls_identity *identities,
                                size_t identity_count, fc_slice client_roots, fc_error *err);
struct fc__tls *fc__tls_ref(struct fc__tls *tls);
void fc__tls_unref(struct fc__tls *tls); /* without a loop's lock; drop functions run in the last */

/*
 * [locked] Puts TLS over a connected transport and begins the handshake. name: the host to ask for and to verify (a name, or
 * an IPv4 or IPv6 address without brackets); NULL on a server. Takes below over on success only. Whoever wraps keeps his
 * reference to tls until he has closed the transport.
 *
 * The owner sets on_ready and user before it lets go of the lock. The outcome of the handshake comes as FC__READY_WRITE, as
 * that of a connect does: ask finish_connect, and failure and auth of the transport. It is never told from inside this
 * call. There is no time limit in it: the owner closes the transport when it has waited enough.
 * 0, or a negative errno.
 */
int fc__tls_wrap(struct fc__tls *tls, struct fc__loop *loop, struct fc__transport *below,
                 const char *name, struct fc__transport **out);

#endif
