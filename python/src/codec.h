#ifndef ENGINE_CODEC_H
#define ENGINE_CODEC_H
/* The user's serializers, and what their failure is: a status of the call, told to the log, unless it is an exception that
 * ends threads, such as KeyboardInterrupt. */
#include "module.h"

/* The serialized message: a new reference to what is bytes-like. NULL without an exception: the serializer failed, or gave
 * None. A NULL serializer leaves the message as it is. */
PyObject *engine_serialize(struct engine *engine, PyObject *serializer, PyObject *message);

/* The message of bytes, which are taken over. NULL as for engine_serialize. */
PyObject *engine_deserialize(struct engine *engine, PyObject *deserializer, fc_bytes *bytes);

/* The exception that is set, taken out of the thread's state, with its traceback. */
PyObject *engine_take_exception(void);

/* Tells the package's log of the exception that is set, and drops it. */
void engine_log_exception(struct engine *engine, const char *text);
void engine_log_server_exception(struct engine *engine, const char *text); /* the server's log */

#endif
