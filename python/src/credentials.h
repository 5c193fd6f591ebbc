#ifndef ENGINE_CREDENTIALS_H
#define ENGINE_CREDENTIALS_H
/* Credentials as Python objects: counted on both sides. */
#include "module.h"

/* Of an object like the package's CallCredentials, which keeps the engine's in its attribute _credentials. The credentials live as long as it.
 * -1 with TypeError. */
int engine_call_credentials_from_object(struct engine *engine, PyObject *object,
                                        fc_call_credentials **out);

/* Of the engine's own object, or None, which is NULL. -1 with TypeError. */
int engine_channel_credentials_from_object(struct engine *engine, PyObject *object,
                                           fc_channel_credentials **out);

#endif
