#ifndef ENGINE_WATCH_H
#define ENGINE_WATCH_H
/* Watching the state of a channel. */
#include "client.h"

/* A Watch that keeps the channel; callback(state) runs on the driver's thread. NULL with an exception. */
PyObject *engine_watch_create(struct engine_channel *channel, PyObject *callback);

int engine_watch_add_type(PyObject *module);

#endif
