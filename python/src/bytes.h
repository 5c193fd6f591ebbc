#ifndef ENGINE_BYTES_H
#define ENGINE_BYTES_H
/* Messages: Python's bytes on one side, fc_bytes on the other. */
#include "module.h"

/* Up to here a copy costs less than keeping the object. */
enum { ENGINE_COPY_MAX = 16 * 1024 };

/* A message of the content of a bytes-like object: small ones are copied, large ones stay where they are and keep the
 * object alive. NULL with an exception. */
fc_bytes *engine_bytes_from_object(PyObject *object);

/* The content as bytes; takes the reference, also when it fails. */
PyObject *engine_bytes_to_object(fc_bytes *message);

/* Drops the objects whose messages have gone since the last time. Every operation does so, which costs a look at a
 * variable: what the library releases, on any thread, may not take Python's lock. */
void engine_bytes_sweep(void);

#endif
