#ifndef FC_BASE_BYTES_H
#define FC_BASE_BYTES_H
/* The inside of fc_bytes, for code that fills a message piece by piece before anybody shares it. */
#include <stdatomic.h>

#include "farcall/base.h"

struct fc_bytes {
  atomic_uint refs;
  bool packed;   /* in a queue of received messages: still compressed */
  uint8_t *data; /* behind this header, or elsewhere when wrapped or grown */
  size_t len;
  fc_release_fn release; /* wrapped memory only */
  void *user;
  fc_bytes *next; /* in a queue of messages, or of garbage, that nobody shares */
  size_t cap;     /* of memory that can be filled or grown; 0 when wrapped */
};

/* Grows the room of an unshared object to cap bytes; *b may move. False when out of memory. */
bool fc__bytes_grow(fc_bytes **b, size_t cap);

/* Drops a reference where a release function must not run, under a lock: an object whose last reference it was and that
 * has such a function goes to *garbage, to be swept without the lock. NULL is fine. */
void fc__bytes_discard(fc_bytes **garbage, fc_bytes *bytes);
void fc__bytes_sweep(fc_bytes *garbage);

/* Gives back the memory that is kept for the next large message. */
void fc__bytes_drop_spare(void);

#endif
