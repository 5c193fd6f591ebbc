#ifndef FC_TESTS_SCHED_H
#define FC_TESTS_SCHED_H
/*
 * A deterministic scheduler: of a program's threads one runs at a time, and at each call of a mutex, condition, futex
 * or thread function the schedule decides which one goes on. Time is virtual, and to let it pass is one of the
 * choices. The calls of library and program alike are redirected at link time (sched_wrap.c), so nothing in their
 * sources knows of it.
 *
 *   static void two_callers(void) {          // one schedule: begins and ends with nothing
 *     pthread_t thread;
 *     pthread_create(&thread, NULL, other, NULL);
 *     ...
 *     pthread_join(thread, NULL);
 *   }
 *   int main(int argc, char **argv) {
 *     static const struct sched_case cases[] = {SCHED_SMALL(two_callers)};
 *     return sched_main(argc, argv, cases, 1);
 *   }
 *
 * A schedule fails, with a report of where every thread stands and the seed that shows it again, when
 *   - no thread can go on and no time would help: a deadlock or a lost wake-up;
 *   - a promise is not kept in time, see below;
 *   - a mutex is misused, or two are locked in both orders;
 *   - threads or library memory are left at its end, or it does not end;
 *   - MUST(condition) does not hold, an assertion fails, or a sanitizer complains.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "farcall/base.h"

struct sched_case {
  const char *name;
  void (*run)(void);
  bool small; /* asks sched_random nothing: its schedules are tried systematically too */
};

#define SCHED_CASE(function)                                                                       \
  { #function, function, false }
#define SCHED_SMALL(function)                                                                      \
  { #function, function, true }

int sched_main(int argc, char **argv, const struct sched_case *cases, size_t count);

/* The scenario's own choice, 0 to limit - 1. It depends on the seed alone, not on the order of threads as long as one
 * thread asks; 0 while schedules are tried systematically. */
uint64_t sched_random(uint64_t limit);
/* From now on pthread_create fails that often, in percent. */
void sched_fail_threads(unsigned percent);

int64_t sched_now(void); /* virtual nanoseconds; a schedule begins at 1,000 s */

/* ---- waiting, for what stands in for the system ---- */

struct sched_wait {
  const char *what;          /* "polls the network": for reports */
  const void *object;        /* the mutex or futex that it waits for, or NULL */
  bool (*ready)(void *user); /* asked by the scheduler whenever it chooses; has no effects */
  void *user;
  int64_t until; /* a virtual time, or FC_NEVER */
  bool interruptible;
};

enum sched_end { SCHED_READY, SCHED_TIMEOUT, SCHED_INTERRUPTED };

enum sched_end sched_wait(const struct sched_wait *wait);
void sched_sleep(int64_t duration); /* of the calling thread, in virtual time */
bool sched_slow(void);              /* time was let pass while threads could go on */
void sched_point(const char *what); /* another thread may go on here */

/* Like a signal whose handler returns: ends the thread's wait if it can be interrupted; says whether it did. The wait
 * still says SCHED_READY if it has become so when the thread goes on. */
bool sched_interrupt(pthread_t thread);

/* ---- promises ---- */

/* Something that must have happened by a time. It is late when no thread can go on, and time would have to pass
 * beyond `by` before one can: somebody has not been woken. Time that was let pass while threads could go on is added
 * to `by`. */
struct sched_promise {
  struct fc__node link;
  const char *what;
  int64_t by, slip;
};

/* Must be kept, or dropped with the same function, before its memory goes. */
void sched_promise(struct sched_promise *promise, const char *what, int64_t by);
void sched_kept(struct sched_promise *promise); /* idempotent */

/* ---- failing ---- */

#define MUST(condition)                                                                            \
  ((condition) ? (void)0 : sched_fail("%s:%d: %s", __FILE__, __LINE__, #condition))
_Noreturn void sched_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line for who looks at a trace. */
void sched_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs child in a process made by fork, and fails when it does. */
void sched_fork(void (*child)(void *user), void *user);

#endif
