/* Sleeping until woken, see sleep.h. */
#include "io/sleep.h"

#include <errno.h>
#include <time.h>

#include "base/loop.h"
#include "farcall/base.h"

/* Where time_t has 32 bits its end comes early: whoever sleeps so long looks again then. */
static struct timespec to_timespec(int64_t time) {
  const int64_t most = sizeof(time_t) > 4 ? INT64_MAX : INT32_MAX;
  int64_t seconds = time / FC_SECOND;
  return (struct timespec){.tv_sec = (time_t)(seconds < most ? seconds : most),
                           .tv_nsec = (long)(time % FC_SECOND)};
}

#ifdef __linux__

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Systems of 32 bits whose time_t has 64 have a call of their own for it. */
#ifdef SYS_futex_time64
#define FUTEX_NUMBER (sizeof(time_t) > sizeof(long) ? SYS_futex_time64 : SYS_futex)
#else
#define FUTEX_NUMBER SYS_futex
#endif

bool fc__sleep_init(struct fc__sleep *s, const pthread_condattr_t *monotonic) {
  (void)monotonic;
  atomic_init(&s->woken, 0);
  return true;
}

void fc__sleep_finish(struct fc__sleep *s) { (void)s; }

/* FUTEX_WAIT_BITSET is what takes a point in time, of the monotonic clock. */
bool fc__sleep_wait(struct fc__sleep *s, pthread_mutex_t *mutex, int64_t until) {
  const struct timespec time = to_timespec(until);
  pthread_mutex_unlock(mutex);
  long r = syscall(FUTEX_NUMBER, &s->woken, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0,
                   until == FC_NEVER ? NULL : &time, NULL, FUTEX_BITSET_MATCH_ANY);
  bool interrupted = r != 0 && errno == EINTR;
  pthread_mutex_lock(mutex);
  return interrupted;
}

/* The sleeper cannot go before it has the mutex again. */
void fc__sleep_wake(struct fc__sleep *s) {
  atomic_store(&s->woken, 1);
  (void)syscall(FUTEX_NUMBER, &s->woken, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

#else

bool fc__sleep_init(struct fc__sleep *s, const pthread_condattr_t *monotonic) {
  return pthread_cond_init(&s->condition, monotonic) == 0;
}

void fc__sleep_finish(struct fc__sleep *s) { pthread_cond_destroy(&s->condition); }

bool fc__sleep_wait(struct fc__sleep *s, pthread_mutex_t *mutex, int64_t until) {
  const struct timespec time = to_timespec(until);
  if (until == FC_NEVER) {
    pthread_cond_wait(&s->condition, mutex);
  } else {
    pthread_cond_timedwait(&s->condition, mutex, &time);
  }
  return false;
}

void fc__sleep_wake(struct fc__sleep *s) { pthread_cond_signal(&s->condition); }

#endif
