#ifndef ENGINE_AUTH_H
#define ENGINE_AUTH_H
/* What is known of a peer. */
#include "module.h"

/* A pair: a dictionary from names to lists of bytes, and the name that identifies the peer or None. A new reference; NULL
 * with an exception. */
PyObject *engine_auth_to_object(const fc_auth_context *context);

#endif
