#ifndef ENGINE_SERVER_CREDENTIALS_H
#define ENGINE_SERVER_CREDENTIALS_H
/* Credentials of servers as Python objects. */
#include "farcall/credentials.h"
#include "module.h"

/* Of an engine's object, for as long as it lives. NULL with TypeError. */
fc_server_credentials *engine_server_credentials_of(struct engine *engine, PyObject *object);

#endif
