#ifndef ENGINE_CALLBACK_H
#define ENGINE_CALLBACK_H
/* Callbacks of a call's end. */
#include "client.h"

/* Has function() called at the end, or function(argument) where there is an argument. 1; 0 when the call is over; -1 with an
 * exception. */
int engine_callback_add(struct engine_call *call, PyObject *function, PyObject *argument);

/* Of a call that is over: lets the callbacks begin before the thread that waited goes on, as they do in grpcio. Releases
 * Python's lock. */
void engine_callbacks_first(struct engine_flight *flight);

#endif
