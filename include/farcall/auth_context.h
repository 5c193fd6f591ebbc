#ifndef FARCALL_AUTH_CONTEXT_H
#define FARCALL_AUTH_CONTEXT_H
/*
 * What a connection knows of its peer: properties by name, some of which are the peer's identity. Every call has one, on
 * either side, see fc_call_auth_context. Names and values are those of gRPC's other implementations:
 *
 *   transport_security_type         "ssl", "local" or "insecure"
 *   security_level                  "TSI_PRIVACY_AND_INTEGRITY" or "TSI_SECURITY_NONE"
 *   ssl_session_reused              "true" or "false"
 *   ssl_negotiated_key_exchange_group   such as "X25519"
 *   x509_subject                    the certificate's subject, RFC 2253 form
 *   x509_common_name                its common name
 *   x509_subject_alternative_name   each DNS name, URI, e-mail and IP address, in the certificate's order
 *   peer_dns, peer_uri, peer_email, peer_ip   the same, by kind
 *   x509_pem_cert, x509_pem_cert_chain        the certificate; the chain that the peer sent
 */
#include "farcall/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc_auth_context fc_auth_context;

/** One property; a name may occur more than once. */
typedef struct fc_auth_property {
  const char *name;
  fc_slice value;
} fc_auth_property;

/**
 * Counts the properties; a NULL context has none.
 *
 * Owns:    nothing
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API size_t fc_auth_context_count(const fc_auth_context *context);

/**
 * Gives the property at an index below fc_auth_context_count.
 *
 * Owns:    name and value live as long as the context
 * Errors:  an index out of range gives an empty value and the name ""
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API fc_auth_property fc_auth_context_at(const fc_auth_context *context, size_t index);

/**
 * Finds the first value of a property; says whether there is one.
 *
 * Owns:    *value lives as long as the context; value may be NULL
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API bool fc_auth_context_find(const fc_auth_context *context, const char *name, fc_slice *value);

/**
 * The name of the properties that identify the peer: "x509_subject_alternative_name" where its verified certificate has
 * such names, else "x509_common_name"; NULL when the peer has proven no identity, as over an insecure
 * connection, without a client certificate, or with one that was accepted unverified.
 *
 * Owns:    lives as long as the context
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API const char *fc_auth_context_identity(const fc_auth_context *context);

#ifdef __cplusplus
}
#endif
#endif
