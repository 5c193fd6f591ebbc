/*
 * Mutexes that know their owner and the order in which they are locked. The state of one lies in its own memory, so a
 * mutex that is zeroed, statically initialised or copied by fork is what it should be.
 */
#include <string.h>

#include "threads/sched_internal.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker makes these names */

enum { ORDERS = 128 };

struct sched_mutex {
  struct sched_thread *owner;
  uint32_t state; /* 0 or SCHED_DESTROYED */
};

_Static_assert(sizeof(struct sched_mutex) <= sizeof(pthread_mutex_t), "it lies there");

static struct sched_mutex *of(pthread_mutex_t *mutex) { return (void *)mutex; }

struct sched_thread *sched_owner(const struct sched_mutex *mutex) {
  return mutex->owner;
}

/* ---- the order of locks ---- */

static struct { const struct sched_mutex *outer, *inner; } orders[ORDERS];
static int order_count;

void sched_forget_order(void) { order_count = 0; }

static void forget_mutex(const struct sched_mutex *m) {
  for (int i = order_count; i-- > 0;) {
    if (orders[i].outer == m || orders[i].inner == m) orders[i] = orders[--order_count];
  }
}

static bool is_within(const struct sched_mutex *outer, const struct sched_mutex *inner) {
  if (outer == inner) return true;
  for (int i = 0; i < order_count; i++) {
    if (orders[i].outer == outer && is_within(orders[i].inner, inner)) return true;
  }
  return false;
}

static void note_order(const struct sched_mutex *outer, const struct sched_mutex *inner) {
  for (int i = 0; i < order_count; i++) {
    if (orders[i].outer == outer && orders[i].inner == inner) return;
  }
  if (is_within(inner, outer)) sched_fail("two mutexes are locked in both orders");
  if (order_count == ORDERS) return;
  orders[order_count].outer = outer;
  orders[order_count++].inner = inner;
}

/* ---- mutexes ---- */

static bool is_unlocked(void *mutex) { return ((struct sched_mutex *)mutex)->owner == NULL; }

void sched_lock(pthread_mutex_t *mutex) {
  struct sched_mutex *m = of(mutex);
  struct sched_thread *self = sched_self;
  sched_must_live(m->state, "mutex");
  if (m->owner == self) sched_fail("a mutex is locked by the thread that holds it");
  sched_wait(&(struct sched_wait){
      .what = "locks a mutex", .object = m, .ready = is_unlocked, .user = m, .until = FC_NEVER});
  sched_must_live(m->state, "mutex");
  for (int i = 0; i < self->held_count; i++) note_order(self->held[i], m);
  if (self->held_count == SCHED_HELD) sched_fail("a thread holds more than %d mutexes", SCHED_HELD);
  sched_acquire(m);
  m->owner = self;
  self->held[self->held_count++] = m;
}

/* Out of what the thread holds, if it is there: a child of a fork makes anew what its thread has locked. */
static void let_go(struct sched_mutex *m) {
  struct sched_thread *self = sched_self;
  int i = 0;
  while (i < self->held_count && self->held[i] != m) i++;
  if (i == self->held_count) return;
  self->held_count--;
  memmove(self->held + i, self->held + i + 1,
          (size_t)(self->held_count - i) * sizeof self->held[0]);
}

void sched_unlock(pthread_mutex_t *mutex) {
  struct sched_mutex *m = of(mutex);
  sched_must_live(m->state, "mutex");
  if (m->owner != sched_self) sched_fail("a mutex is unlocked by a thread that does not hold it");
  sched_release(m);
  m->owner = NULL;
  let_go(m);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes) {
  (void)attributes;
  memset(mutex, 0, sizeof *mutex);
  forget_mutex(of(mutex));
  let_go(of(mutex));
  return 0;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex) {
  sched_must_live(of(mutex)->state, "mutex");
  if (of(mutex)->owner) sched_fail("a mutex is destroyed while it is locked");
  of(mutex)->state = SCHED_DESTROYED;
  forget_mutex(of(mutex));
  return 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex) {
  sched_lock(mutex);
  return 0;
}

/* Fewer steps for the systematic search: what follows begins with a point of its own. */
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex) {
  sched_unlock(mutex);
  if (!sched_is_systematic()) sched_point("has unlocked a mutex");
  return 0;
}

/* NOLINTEND(bugprone-reserved-identifier) */
