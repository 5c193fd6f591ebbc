#ifndef FARCALL_CREDENTIALS_H
#define FARCALL_CREDENTIALS_H
/*
 * Credentials of channels, of single calls, and of servers. They are counted: whoever uses them keeps a reference of its
 * own, so each may be destroyed as soon as it was handed over.
 *
 * Call credentials travel over secure channels only: over TLS, and over Unix sockets with local credentials. On others
 * the call ends UNAUTHENTICATED and nothing of them is sent. Spec: gRFC L62
 */
#include "farcall/call.h"
#include "farcall/tls.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc_channel_credentials fc_channel_credentials;

/* ---- of a channel ---- */

/**
 * Credentials that encrypt with TLS and verify the server.
 *
 * options: NULL is all defaults: the system's roots, no client certificate
 * Owns:    options are copied; verify_user until verify_drop; the caller owns one reference
 * Errors:  FC_ERR_INVALID an option, a PEM text, an encrypted key, a key that does not match; FC_ERR_SYSTEM a file cannot be
 *          read; FC_ERR_NO_MEMORY; with err saying which and why. verify_drop does not run after a failure.
 *          A library built without TLS gives FC_ERR_INVALID
 * Threads: any. Blocks: while files are read
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_channel_credentials_tls(const fc_tls_client_options *options,
                                                        fc_channel_credentials **out,
                                                        fc_error *err);

/**
 * Credentials without encryption or verification: what a channel without credentials has.
 *
 * Owns:    the caller owns one reference
 * Errors:  FC_ERR_NO_MEMORY
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_channel_credentials_insecure(fc_channel_credentials **out,
                                                             fc_error *err);

/** Which peers local credentials take. Nothing is encrypted: what is on this machine is trusted. */
typedef enum fc_local_type {
  FC_LOCAL_UNIX = 0, /* Unix sockets; they carry call credentials */
  FC_LOCAL_TCP = 1,  /* loopback addresses; they carry none */
} fc_local_type;

/**
 * Credentials for peers on this machine; connections to any other address fail.
 *
 * Owns:    the caller owns one reference
 * Errors:  FC_ERR_INVALID no such type; FC_ERR_NO_MEMORY
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_channel_credentials_local(fc_local_type type,
                                                          fc_channel_credentials **out,
                                                          fc_error *err);

/**
 * Channel credentials whose calls all carry call credentials too, before those of their own.
 *
 * Owns:    takes references of its own; the caller owns one to the result
 * Errors:  FC_ERR_INVALID one is NULL, or channel is insecure; FC_ERR_NO_MEMORY
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_channel_credentials_composite(fc_channel_credentials *channel,
                                                              fc_call_credentials *call,
                                                              fc_channel_credentials **out,
                                                              fc_error *err);

/**
 * Drops a reference; NULL is fine. Channels that use the credentials keep their own.
 *
 * Owns:    takes the caller's reference
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API void fc_channel_credentials_destroy(fc_channel_credentials *credentials);

/* ---- of a call ---- */

/**
 * Credentials that add "authorization: Bearer <token>" to a call.
 *
 * Owns:    token is copied, and erased from memory with the object; the caller owns one reference
 * Errors:  FC_ERR_INVALID token is NULL, empty or not printable ASCII; FC_ERR_NO_MEMORY
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_credentials_from_token(const char *token,
                                                            fc_call_credentials **out,
                                                            fc_error *err);

/** A call that waits for a plugin's answer. */
typedef struct fc_auth_request fc_auth_request;

/**
 * The URL of the service that is called, "https://host/package.Service": what a token is asked for (its audience). The
 * port is left out where it is 443.
 *
 * Owns:    lives until the request is answered
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API const char *fc_auth_request_service_url(const fc_auth_request *request);

/**
 * The method that is called, without its service: "Method".
 *
 * Owns:    lives until the request is answered
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API const char *fc_auth_request_method(const fc_auth_request *request);

/**
 * Answers a request, exactly once: the call goes on with the metadata, or ends with UNAVAILABLE when failure is not NULL.
 * A call that ended meanwhile takes no notice.
 *
 * Owns:    takes the request; metadata (NULL: none) and failure are copied, the copy of metadata is erased after use
 * Errors:  none; metadata that cannot be sent, such as a reserved key, ends the call with UNAVAILABLE
 * Threads: any; may be called from inside the plugin. Blocks: never
 * Since:   0.1
 */
FC_API void fc_auth_request_answer(fc_auth_request *request, const fc_metadata *metadata,
                                   const char *failure);

/**
 * Asked for the metadata of one call. It answers with fc_auth_request_answer, then or later, from any thread; the call's
 * deadline runs meanwhile. Runs on the thread that makes the call or that answered the plugin before, under no lock.
 * One that blocks makes whoever starts the call wait.
 */
typedef void (*fc_auth_plugin_fn)(fc_auth_request *request, void *user);

/**
 * Credentials that ask a function for each call's metadata.
 *
 * name:    for messages, such as "oauth2"; NULL is "plugin"
 * Owns:    user until drop (may be NULL) has run; the caller owns one reference
 * Errors:  FC_ERR_INVALID plugin is NULL; FC_ERR_NO_MEMORY. drop does not run after a failure
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_credentials_from_plugin(const char *name,
                                                             fc_auth_plugin_fn plugin, void *user,
                                                             fc_drop_fn drop,
                                                             fc_call_credentials **out,
                                                             fc_error *err);

/**
 * Credentials that are two others: the metadata of first goes before that of second.
 *
 * Owns:    takes references of its own; the caller owns one to the result
 * Errors:  FC_ERR_INVALID one is NULL; FC_ERR_NO_MEMORY
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_credentials_composite(fc_call_credentials *first,
                                                           fc_call_credentials *second,
                                                           fc_call_credentials **out,
                                                           fc_error *err);

/**
 * Drops a reference; NULL is fine. Calls that use the credentials keep their own.
 *
 * Owns:    takes the caller's reference
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API void fc_call_credentials_destroy(fc_call_credentials *credentials);

/* ---- of a server ---- */

/**
 * Credentials that encrypt with TLS and show the server's certificate.
 *
 * Owns:    options are copied; their user pointers until their drop functions have run; the caller owns one reference
 * Errors:  those of fc_channel_credentials_tls
 * Threads: any. Blocks: while files are read
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_server_credentials_tls(const fc_tls_server_options *options,
                                                       fc_server_credentials **out, fc_error *err);

/**
 * Replaces certificates and client roots: handshakes that begin from now on use them, connections that stand are not
 * touched. Sessions of before are not resumed.
 *
 * identities: as in fc_tls_server_options; client_roots: PEM, empty to keep those in use
 * Owns:    everything is copied
 * Errors:  those of fc_server_credentials_tls; what was in use stays in use then
 * Threads: any; may be called in on_handshake. Blocks: while files are read
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_server_credentials_update(fc_server_credentials *credentials,
                                                          const fc_tls_identity *identities,
                                                          size_t identity_count,
                                                          fc_slice client_roots, fc_error *err);

/**
 * Credentials without encryption: what fc_server_listen has.
 *
 * Owns:    the caller owns one reference
 * Errors:  FC_ERR_NO_MEMORY
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_server_credentials_insecure(fc_server_credentials **out,
                                                            fc_error *err);

/**
 * Credentials for clients on this machine; connections from any other address are closed.
 *
 * Owns:    the caller owns one reference
 * Errors:  FC_ERR_INVALID no such type; FC_ERR_NO_MEMORY
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_server_credentials_local(fc_local_type type,
                                                         fc_server_credentials **out,
                                                         fc_error *err);

/**
 * Drops a reference; NULL is fine. Servers that use the credentials keep their own.
 *
 * Owns:    takes the caller's reference
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API void fc_server_credentials_destroy(fc_server_credentials *credentials);

#ifdef __cplusplus
}
#endif
#endif
