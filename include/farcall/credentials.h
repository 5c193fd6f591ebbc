#ifndef FARCALL_CREDENTIALS_H
#define FARCALL_CREDENTIALS_H
/* Credentials of single calls. They travel over secure channels only: on others the call ends UNAUTHENTICATED and
 * nothing of them is sent (gRFC L62). */
#include "farcall/call.h"

#ifdef __cplusplus
extern "C" {
#endif

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

/**
 * Drops a reference; NULL is fine. Calls that use the credentials keep their own.
 *
 * Owns:    takes the caller's reference
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API void fc_call_credentials_destroy(fc_call_credentials *credentials);

#ifdef __cplusplus
}
#endif
#endif
