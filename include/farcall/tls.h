#ifndef FARCALL_TLS_H
#define FARCALL_TLS_H
/*
 * How TLS is done: the options of secure channel and server credentials (credentials.h). With all options zero a client
 * verifies the server's certificate against the system's roots and the channel's authority, both sides speak TLS 1.2 or
 * 1.3 with the cipher suites that HTTP/2 allows (RFC 9113 section 9.2), ALPN "h2" is required, and there is no
 * renegotiation, compression or early data. A name below that weakens this says "insecure".
 *
 * PEM texts come from memory, or from a file that is read again when it has changed: handshakes that begin later
 * use it. A file that cannot be read or used then, such as a half-written one or a key that does not match its certificate,
 * changes nothing: what was in use stays in use.
 */
#include "farcall/auth_context.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A certificate chain, leaf first, and its private key, both PEM; the key unencrypted. Each from memory or from a file. */
typedef struct fc_tls_identity {
  fc_slice certificate_chain;
  fc_slice private_key;
  const char *certificate_chain_file;
  const char *private_key_file;
} fc_tls_identity;

typedef enum fc_tls_version {
  FC_TLS_VERSION_UNSET = 0, /* as low as TLS 1.2, as high as the TLS library goes */
  FC_TLS_VERSION_1_2 = 1,
  FC_TLS_VERSION_1_3 = 2,
} fc_tls_version;

/**
 * A say in whether a peer is accepted, after the verification that the options ask for has succeeded. peer holds what is
 * known of it; name is the one it was verified against, "" on a server. FC_OK accepts; anything else refuses it, and
 * err->message is the reason that the channel's failures give. Runs once a connection, on the driver's thread,
 * under no lock; must not block.
 */
typedef fc_result (*fc_tls_verify_fn)(const fc_auth_context *peer, const char *name, fc_error *err,
                                      void *user);

/** All zero is the default of each. */
typedef struct fc_tls_client_options {
  size_t size;
  /* The certificate authorities to trust, PEM, in memory or in a file. Neither: the file that the environment variable
   * GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names, else the system's. */
  fc_slice roots;
  const char *roots_file;
  const fc_tls_identity *identity; /* of this client, for mutual TLS; NULL: none */
  /* SHA-256 digests of the public keys (SubjectPublicKeyInfo, RFC 7469 section 2.4), 32 bytes each, one behind the other:
   * one certificate of the verified chain must have one of these, besides being verified. With insecure_skip_verify,
   * the server's own certificate must. */
  fc_slice pinned_keys;
  fc_tls_verify_fn verify; /* or NULL */
  void *verify_user;
  fc_drop_fn verify_drop; /* told when verify_user is no longer used; may be NULL */
  /* Accepts any certificate and any name: whoever is on the way may read and change everything. */
  bool insecure_skip_verify;
  bool no_session_resumption; /* each connection makes a full handshake */
  /* Takes the common name of a certificate without subjectAltName for a name of its host, as was usual before RFC 6125:
   * an authority may have signed that name without a look. */
  bool insecure_common_name;
  fc_tls_version min_version, max_version;
  const char *ciphers; /* for TLS 1.2, OpenSSL's names with colons; only such as HTTP/2 allows */
  /* Writes the secrets of every connection to the end of this file, so that tools can decrypt it. NULL: never. */
  const char *insecure_key_log_file;
} fc_tls_client_options;

#define FC_TLS_CLIENT_OPTIONS_INIT                                                                 \
  { .size = sizeof(fc_tls_client_options) }

/** Whether a server wants its clients' certificates. */
typedef enum fc_tls_client_auth {
  FC_TLS_CLIENT_AUTH_NONE = 0,
  FC_TLS_CLIENT_AUTH_REQUEST = 1, /* verified if the client sends one */
  FC_TLS_CLIENT_AUTH_REQUIRE = 2, /* verified; a client without one is refused */
  /* The same without verification: anybody may claim anything. For servers that verify by themselves. */
  FC_TLS_CLIENT_AUTH_INSECURE_REQUEST = 3,
  FC_TLS_CLIENT_AUTH_INSECURE_REQUIRE = 4,
} fc_tls_client_auth;

typedef struct fc_server_credentials fc_server_credentials;

/**
 * Told that a handshake begins, so that the certificates may be replaced first with fc_server_credentials_update. Runs on
 * the driver's thread, under no lock; with several reactors on several threads at once. Other connections of the reactor
 * wait meanwhile: it should not block.
 */
typedef void (*fc_tls_handshake_fn)(fc_server_credentials *credentials, void *user);

/** All zero is the default of each, but identities must be given. */
typedef struct fc_tls_server_options {
  size_t size;
  /* The first whose certificate names the host that the client asks for (SNI) is shown, else the very first. */
  const fc_tls_identity *identities;
  size_t identity_count;
  fc_tls_client_auth client_auth;
  /* The authorities that clients' certificates are verified against; needed by REQUEST and REQUIRE. */
  fc_slice client_roots;
  const char *client_roots_file;
  fc_tls_handshake_fn on_handshake; /* or NULL */
  void *handshake_user;
  fc_drop_fn handshake_drop; /* told when handshake_user is no longer used; may be NULL */
  fc_tls_verify_fn verify;   /* asked when the client has shown a certificate; or NULL */
  void *verify_user;
  fc_drop_fn verify_drop;
  fc_tls_version min_version, max_version;
  const char *ciphers;
  const char *insecure_key_log_file;
} fc_tls_server_options;

#define FC_TLS_SERVER_OPTIONS_INIT                                                                 \
  { .size = sizeof(fc_tls_server_options) }

#ifdef __cplusplus
}
#endif
#endif
