#ifndef ENGINE_LAUNCH_H
#define ENGINE_LAUNCH_H
/* Calls that are handed out at once. */
#include "args.h"
#include "client.h"

/* A new call object, whose requests are on their way; also for a call that cannot be started, which has ended then. NULL with
 * an exception. */
PyObject *engine_launch(struct engine_method *self, const struct engine_args *args);

#endif
