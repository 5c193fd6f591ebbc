#ifndef FC_IO_TIMERS_H
#define FC_IO_TIMERS_H
/* A pairing heap of struct fc__timer: setting is O(1), removal O(log n) amortised, nothing is allocated. */
#include <stddef.h>

#include "base/loop.h"

struct fc__timers {
  struct fc__timer *first; /* the earliest, or NULL */
  size_t count;
};

static inline bool fc__timer_is_set(const struct fc__timer *t) { return t->prev != NULL; }

void fc__timers_set(struct fc__timers *timers, struct fc__timer *t,
                    int64_t at);                                      /* moves a set one */
void fc__timers_stop(struct fc__timers *timers, struct fc__timer *t); /* idempotent */

/* Fires what is due. A timer that is set again for a time not after now waits for the next turn once as many
 * have fired as were set at the beginning, so that the turn ends. */
void fc__timers_fire(struct fc__timers *timers, int64_t now);

static inline int64_t fc__timers_next_at(const struct fc__timers *timers) {
  return timers->first ? timers->first->at : INT64_MAX;
}

#endif
