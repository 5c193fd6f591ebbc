#ifndef FC_IO_SLEEP_H
#define FC_IO_SLEEP_H
/*
 * One thread's sleep until another wakes it, under a mutex that both hold. Unlike a condition variable it ends
 * when a signal's handler interrupts it, and so it can be told; on Linux it is a futex, elsewhere a condition variable,
 * which notices signals only when it is woken.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct fc__sleep {
#ifdef __linux__
  _Atomic uint32_t woken;
#else
  pthread_cond_t condition;
#endif
};

/* False: the system has run out of what it takes. */
bool fc__sleep_init(struct fc__sleep *s, const pthread_condattr_t *monotonic);
void fc__sleep_finish(struct fc__sleep *s);

/* [locked] Releases the mutex until woken, until the time comes (FC_NEVER: never), or earlier. Says whether a signal's
 * handler has interrupted it. */
bool fc__sleep_wait(struct fc__sleep *s, pthread_mutex_t *mutex, int64_t until);
void fc__sleep_wake(struct fc__sleep *s); /* [locked] */

#endif
