/*
 * Threads that take turns: each waits for its baton, and whoever comes to a point or has to wait hands it on as the
 * strategy says. The clock moves here too.
 */
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "threads/sched_internal.h"

enum { STEPS_MAX = 50000 };
static const int64_t beginning = 1000 * FC_SECOND;
static const int64_t slowest = FC_SECOND / 10;   /* so much passes while threads could go on */
static const int64_t longest = 3600 * FC_SECOND; /* of virtual time that a schedule may take */

struct sched sched;
_Thread_local struct sched_thread *sched_self;

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker makes these names */
long __real_syscall(long number, ...);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
/* NOLINTEND(bugprone-reserved-identifier) */

/* ---- the baton ---- */

static void await(uint32_t *flag) {
  while (__atomic_load_n(flag, __ATOMIC_ACQUIRE) == 0)
    __real_syscall(SYS_futex, flag, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void raise_flag(uint32_t *flag) {
  __atomic_store_n(flag, 1, __ATOMIC_RELEASE);
  __real_syscall(SYS_futex, flag, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void await_baton(struct sched_thread *self) {
  await(&self->baton);
  self->baton = 0;
}

static void pass_baton(struct sched_thread *to) {
  sched.current = to;
  raise_flag(&to->baton);
}

/* ---- the clock ---- */

static int64_t next_time(void) {
  int64_t next = FC_NEVER;
  for (int i = 0; i < SCHED_THREADS; i++) {
    const struct sched_thread *t = &sched.threads[i];
    if (t->state == SCHED_WAITING && t->wait->until > sched.now && t->wait->until < next)
      next = t->wait->until;
  }
  return next;
}

static void check_promises(int64_t next) {
  for (struct fc__node *n = sched.promises.next; n != &sched.promises; n = n->next) {
    const struct sched_promise *p = FC__CONTAINER(n, struct sched_promise, link);
    if (p->by == FC_NEVER) continue;
    int64_t by = p->by + sched.slip - p->slip;
    if (by < next)
      sched_fail("late: %s (by %+.3f ms; nothing happens before %+.3f ms)", p->what,
                 (double)(by - sched.now) / 1e6, (double)(next - sched.now) / 1e6);
  }
}

static void move_clock(bool idle) {
  int64_t next = next_time();
  if (idle) {
    check_promises(next);
  } else {
    sched.slip += next - sched.now;
  }
  sched.now = next;
  sched_trace("time passes", NULL);
  if (sched.now > beginning + longest) sched_fail("time goes on and on, and nothing happens");
}

int64_t sched_now(void) { return sched.now; }

bool sched_slow(void) { return sched.slip > 0; }

/* ---- whose turn it is ---- */

bool sched_can_go(const struct sched_thread *t) {
  if (t->state != SCHED_WAITING) return t->state == SCHED_RUNNING;
  const struct sched_wait *w = t->wait;
  return (w->ready && w->ready(w->user)) || w->until <= sched.now || t->interrupted;
}

/* A machine may be slow, but not for longer than people who set timeouts reckon with. */
static bool may_pass(bool idle) {
  int64_t next = next_time();
  return next != FC_NEVER && (idle || sched.slip + next - sched.now <= slowest);
}

static struct sched_choice choices_at(struct sched_thread *self) {
  struct sched_choice c = {.count = 0};
  for (int i = 0; i < SCHED_THREADS; i++) {
    struct sched_thread *t = &sched.threads[(self->number + i) % SCHED_THREADS];
    if (sched_can_go(t)) c.threads[c.count++] = t;
  }
  c.current_goes = c.count > 0 && c.threads[0] == self;
  c.clock = may_pass(c.count == 0);
  return c;
}

/* Somebody is there: a thread that has come to its end asks too. */
static struct sched_thread *choose(struct sched_thread *self) {
  for (;;) {
    struct sched_choice c = choices_at(self);
    if (c.count == 0 && !c.clock) sched_fail("deadlock or lost wake-up: nobody can go on");
    int picked = sched_choice_count(&c) > 1 ? sched_pick(&c) : 0;
    if (picked < c.count) return c.threads[picked];
    move_clock(c.count == 0);
  }
}

static void next_turn(struct sched_thread *self) {
  if (++sched.steps > STEPS_MAX) sched_fail("no end after %d steps", STEPS_MAX);
  struct sched_thread *next = choose(self);
  if (next == self) return;
  sched_trace("goes on", next);
  pass_baton(next);
  await_baton(self);
}

void sched_point(const char *what) {
  sched_self->point = what;
  next_turn(sched_self);
}

enum sched_end sched_wait(const struct sched_wait *wait) {
  struct sched_thread *self = sched_self;
  self->wait = wait;
  self->interrupted = false;
  self->state = SCHED_WAITING;
  next_turn(self);
  self->state = SCHED_RUNNING;
  self->wait = NULL;
  self->point = wait->what;
  if (wait->ready && wait->ready(wait->user)) return SCHED_READY;
  return self->interrupted ? SCHED_INTERRUPTED : SCHED_TIMEOUT;
}

void sched_sleep(int64_t duration) {
  sched_wait(&(struct sched_wait){.what = "sleeps for a while", .until = sched.now + duration});
}

bool sched_interrupt(pthread_t thread) {
  sched_point("interrupts a thread");
  for (int i = 0; i < SCHED_THREADS; i++) {
    struct sched_thread *t = &sched.threads[i];
    if (t->state != SCHED_WAITING || !pthread_equal(t->system, thread)) continue;
    t->interrupted = t->wait->interruptible && !sched_can_go(t);
    return t->interrupted;
  }
  return false;
}

/* ---- threads ---- */

/* The thread's slot is free when it has been joined, or at once if nobody will. */
static void *run_threads(void *thread) {
  struct sched_thread *self = thread;
  sched_self = self;
  raise_flag(&self->started);
  for (;;) {
    await_baton(self);
    sched_acquire(self);
    sched_trace("begins", self);
    self->result = self->start(self->argument);
    sched_trace("ends", self);
    if (self->held_count > 0) sched_fail("a thread ends with a mutex locked");
    sched_release(self);
    self->state = self->detached ? SCHED_FREE : SCHED_ENDED;
    sched.steps++;
    pass_baton(choose(self));
  }
  return NULL;
}

/* Until it is there: what the C library and sanitizers allocate for a new thread would otherwise go on beside the others, and
 * their locks would be found taken by a child that is forked then. */
static void create(struct sched_thread *t) {
  if (__real_pthread_create(&t->system, NULL, run_threads, t) != 0)
    sched_fail("the system has no thread left");
  await(&t->started);
  t->exists = true;
}

struct sched_thread *sched_spawn(void *(*start)(void *), void *argument) {
  struct sched_thread *t = &sched.threads[1];
  while (t < sched.threads + SCHED_THREADS && t->state != SCHED_FREE) t++;
  if (t == sched.threads + SCHED_THREADS) return NULL;
  t->start = start;
  t->argument = argument;
  t->detached = t->interrupted = false;
  t->point = "is about to begin";
  t->held_count = 0;
  t->passed_over = 0;
  t->baton = 0;
  if (!t->exists) create(t);
  sched_release(t);
  t->state = SCHED_RUNNING;
  sched_new_thread(t);
  return t;
}

/* ---- schedules ---- */

void sched_begin(void) {
  struct sched_thread *self = &sched.threads[0];
  for (int i = 0; i < SCHED_THREADS; i++) sched.threads[i].number = i;
  sched_self = sched.current = self;
  self->system = pthread_self();
  self->exists = true;
  self->state = SCHED_RUNNING;
  self->point = "begins";
  self->held_count = 0;
  sched.now = beginning;
  sched.slip = 0;
  sched.steps = 0;
  sched.fail_percent = 0;
  fc__node_init(&sched.promises);
  sched_forget_order();
  sched_new_thread(self);
}

static bool others_have_ended(void *user) {
  (void)user;
  for (int i = 1; i < SCHED_THREADS; i++) {
    if (sched.threads[i].state != SCHED_FREE) return false;
  }
  return true;
}

void sched_end(void) {
  sched_wait(&(struct sched_wait){.what = "has come to its end and waits for all others",
                                  .ready = others_have_ended,
                                  .until = FC_NEVER});
  for (int i = 1; i < SCHED_THREADS; i++) sched_acquire(&sched.threads[i]);
  if (!fc__list_empty(&sched.promises)) sched_fail("a promise was neither kept nor dropped");
}

/* The threads of the system that the parent keeps are not here. */
void sched_after_fork(void) {
  struct sched_thread *self = sched_self;
  sched.child = true;
  for (int i = 0; i < SCHED_THREADS; i++) {
    struct sched_thread *t = &sched.threads[i];
    if (t == self) continue;
    *t = (struct sched_thread){.number = t->number};
  }
  fc__node_init(&sched.promises);
  sched_forget_order();
}

/* ---- promises ---- */

void sched_promise(struct sched_promise *p, const char *what, int64_t by) {
  p->what = what;
  p->by = by;
  p->slip = sched.slip;
  fc__list_push_back(&sched.promises, &p->link);
}

void sched_kept(struct sched_promise *p) {
  if (p->link.next && fc__node_linked(&p->link)) fc__list_remove(&p->link);
}
