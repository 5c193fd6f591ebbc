#ifndef FC_BASE_AUTH_CONTEXT_H
#define FC_BASE_AUTH_CONTEXT_H
/* How an auth context is made: filled by whoever secures the connection, then constant and counted. */
#include "farcall/auth_context.h"

/* The security of a connection that proves nothing: transport_security_type "insecure". Constant, not counted. */
const fc_auth_context *fc__auth_insecure(void);
/* A peer on this machine: "local"; over a Unix socket nobody else can listen. Constant, not counted. */
const fc_auth_context *fc__auth_local(bool over_unix);
/* No properties: a call without a connection. Constant, not counted. */
const fc_auth_context *fc__auth_empty(void);

/* One reference, no properties; NULL: no memory. */
fc_auth_context *fc__auth_create(void);
/* name is a constant; value is copied. false: no memory. */
bool fc__auth_add(fc_auth_context *context, const char *name, fc_slice value);
/* name is a constant. */
void fc__auth_set_identity(fc_auth_context *context, const char *name);

/* Any thread. The constant ones may be passed too. */
fc_auth_context *fc__auth_ref(const fc_auth_context *context);
void fc__auth_unref(const fc_auth_context *context); /* NULL is fine */

#endif
