/*
 * What calls of condition, futex and thread functions become: the linker sends them here (-Wl,--wrap=NAME); those of
 * mutexes go to sched_mutex.c.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "threads/sched_internal.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker makes these names */

struct sched_condition {
  uint32_t state; /* 0 or SCHED_DESTROYED */
};

/* Of a thread that waits for a condition or futex. */
struct signal {
  bool given;
};

static bool is_given(void *signal) { return ((struct signal *)signal)->given; }

static struct sched_condition *of(pthread_cond_t *condition) { return (void *)condition; }

void sched_must_live(uint32_t state, const char *what) {
  if (state == SCHED_DESTROYED) sched_fail("a %s is used after it was destroyed", what);
}

/* ---- conditions ---- */

static int waiting_at(const void *object, struct sched_thread **out) {
  int count = 0;
  for (int i = 0; i < SCHED_THREADS; i++) {
    struct sched_thread *t = &sched.threads[i];
    if (t->state != SCHED_WAITING || t->wait->object != object || t->wait->ready != is_given)
      continue;
    if (!is_given(t->wait->user)) out[count++] = t;
  }
  return count;
}

static void give(struct sched_thread *t) { ((struct signal *)t->wait->user)->given = true; }

/* A wait may also end by itself. */
static enum sched_end wait_at(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until) {
  struct signal signal = {.given = sched_any(50) == 1};
  struct sched_condition *c = of(condition);
  sched_must_live(c->state, "condition");
  sched_point("is about to wait"); /* a signal by a thread without the mutex may come here */
  sched_unlock(mutex);
  enum sched_end end = sched_wait(&(struct sched_wait){.what = "waits for a condition",
                                                       .object = c,
                                                       .ready = is_given,
                                                       .user = &signal,
                                                       .until = until});
  sched_lock(mutex);
  return end;
}

int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes) {
  (void)attributes;
  memset(condition, 0, sizeof *condition);
  return 0;
}

int __wrap_pthread_cond_destroy(pthread_cond_t *condition);
int __wrap_pthread_cond_destroy(pthread_cond_t *condition) {
  struct sched_thread *waiting[SCHED_THREADS];
  sched_must_live(of(condition)->state, "condition");
  if (waiting_at(condition, waiting) > 0)
    sched_fail("a condition is destroyed while a thread waits for it");
  of(condition)->state = SCHED_DESTROYED;
  return 0;
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
  wait_at(condition, mutex, FC_NEVER);
  return 0;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *time);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *time) {
  int64_t until = (int64_t)time->tv_sec * FC_SECOND + time->tv_nsec;
  return wait_at(condition, mutex, until) == SCHED_TIMEOUT ? ETIMEDOUT : 0;
}

static void wake(const void *object, int most, const char *what) {
  struct sched_thread *waiting[SCHED_THREADS];
  sched_point(what);
  for (int count; most > 0 && (count = waiting_at(object, waiting)) > 0; most--)
    give(waiting[sched_any(count)]);
}

int __wrap_pthread_cond_signal(pthread_cond_t *condition);
int __wrap_pthread_cond_signal(pthread_cond_t *condition) {
  wake(condition, 1, "signals a condition");
  sched_must_live(of(condition)->state, "condition");
  return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition) {
  wake(condition, SCHED_THREADS, "signals a condition");
  return 0;
}

/* ---- futexes ---- */

long __real_syscall(long number, ...);

static long futex_wait(const uint32_t *word, uint32_t value, int64_t until) {
  struct signal signal = {false};
  sched_point("is about to sleep");
  if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != value) {
    errno = EAGAIN;
    return -1;
  }
  enum sched_end end = sched_wait(&(struct sched_wait){.what = "sleeps at a futex",
                                                       .object = word,
                                                       .ready = is_given,
                                                       .user = &signal,
                                                       .until = until,
                                                       .interruptible = true});
  if (end == SCHED_READY) return 0;
  errno = end == SCHED_TIMEOUT ? ETIMEDOUT : EINTR;
  return -1;
}

/* What io/sleep.c asks for: to wait until an absolute time, and to wake. */
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  if (number != SYS_futex) return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  const struct timespec *time = (const void *)a[3];
  switch (a[1] & ~FUTEX_PRIVATE_FLAG) {
    case FUTEX_WAIT_BITSET:
      return futex_wait((const void *)a[0], (uint32_t)a[2],
                        time ? (int64_t)time->tv_sec * FC_SECOND + time->tv_nsec : FC_NEVER);
    case FUTEX_WAKE:
      wake((const void *)a[0], (int)a[2], "wakes a sleeper");
      return 0;
    default:
      sched_fail("futex operation %ld is not known here", a[1]);
  }
}

/* ---- threads ---- */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument) {
  int detached = PTHREAD_CREATE_JOINABLE;
  if (attributes) pthread_attr_getdetachstate(attributes, &detached);
  sched_point("makes a thread");
  if (sched.fail_percent && sched_draw(&sched.scenario, 100) < sched.fail_percent) return EAGAIN;
  struct sched_thread *t = sched_spawn(start, argument);
  if (t == NULL) return EAGAIN;
  t->detached = detached == PTHREAD_CREATE_DETACHED;
  *thread = t->system;
  return 0;
}

static struct sched_thread *find_thread(pthread_t thread) {
  for (int i = 1; i < SCHED_THREADS; i++) {
    struct sched_thread *t = &sched.threads[i];
    if (t->exists && t->state != SCHED_FREE && pthread_equal(t->system, thread)) return t;
  }
  sched_fail("a thread is joined or detached that does not exist");
}

static bool has_ended(void *thread) {
  return ((struct sched_thread *)thread)->state == SCHED_ENDED;
}

int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result) {
  struct sched_thread *t = find_thread(thread);
  if (t->detached) sched_fail("a thread is joined that was detached");
  sched_wait(&(struct sched_wait){
      .what = "joins a thread", .ready = has_ended, .user = t, .until = FC_NEVER});
  sched_acquire(t);
  if (result) *result = t->result;
  t->state = SCHED_FREE;
  return 0;
}

int __wrap_pthread_detach(pthread_t thread);
int __wrap_pthread_detach(pthread_t thread) {
  struct sched_thread *t = find_thread(thread);
  t->detached = true;
  if (t->state == SCHED_ENDED) t->state = SCHED_FREE;
  return 0;
}

/* ---- fork ---- */

void sched_fork(void (*child)(void *user), void *user) {
  sched_point("forks");
  pid_t pid = fork();
  if (pid == 0) {
    sched_watch();
    child(user);
    _exit(0);
  }
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) sched_fail("no child can be made");
  if (status != 0) sched_fail("the child has failed");
}
/* NOLINTEND(bugprone-reserved-identifier) */
