#ifndef ENGINE_BYTES_H
#define ENGINE_BYTES_H
/* Messages: Python's bytes on one side, fc_bytes on the other. */
#include "module.h"

/* Up to here a copy costs less than keeping the object. */
enum { ENGINE_COPY_MAX = 16 * 1024 };

/* What grpcio says of a message that may not be sent, by "CLIENT" or "SERVER": its length and the limit. */
#define ENGINE_SENT_TOO_MUCH(side) side ": Sent message larger than max (%zu vs. %zu)"

/* The limit that an option max_send_message_bytes makes; without one it is what the prefix of a message can tell. */
static inline size_t engine_max_send(size_t option) {
  return option > 0 && option < UINT32_MAX ? option : UINT32_MAX;
}

/* A message of the content of a bytes-like object: small ones are copied, large ones stay where they are and keep the
 * object alive. NULL with an exception. */
fc_bytes *engine_bytes_from_object(PyObject *object);

/* The content as bytes; takes the reference, also when it fails. */
PyObject *engine_bytes_to_object(fc_bytes *message);

/* Drops the objects whose messages have gone since the last time. Every operation does so, which costs a look at a
 * variable: what the library releases, on any thread, may not take Python's lock. */
void engine_bytes_sweep(void);

#endif
