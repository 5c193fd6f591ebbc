/* The background thread: polls when nobody blocks, runs the callbacks, parks. */
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/failing_alloc.h"
#include "support/loop_reactor.h"

/* A task that tells that it ran, and where. */
struct told {
  struct fc__task task;
  struct signal ran;
  pthread_t thread;
};

static void tell(struct fc__task *task) {
  struct told *t = FC__CONTAINER(task, struct told, task);
  t->thread = pthread_self();
  signal_give(&t->ran);
}

#define TOLD_INIT                                                                                  \
  { .task = {.run = tell}, .ran = SIGNAL_INIT }

static void defer(struct fc__loop *loop, struct fc__task *task) {
  fc__loop_lock(loop);
  fc__loop_defer(loop, task);
  fc__loop_unlock(loop);
}

/* Returns under the lock. */
static void until_parked(fc_reactor *r) {
  fc__loop_lock(fc__reactor_loop(r));
  while (r->background != FC__BACKGROUND_PARKED) {
    fc__loop_unlock(fc__reactor_loop(r));
    sched_yield();
    fc__loop_lock(fc__reactor_loop(r));
  }
}

static void what_nobody_waits_for_is_driven_in_the_background(void **state) {
  struct pair p;
  struct told answered = TOLD_INIT;
  pair_open(&p, reactor_for(state, FC_REACTOR_AUTO));
  for (int i = 0; i < 20; i++) {
    echo_client_exchange_later(&p.client, 1000, &answered.task);
    signal_take(&answered.ran);
    assert_false(pthread_equal(answered.thread, pthread_self()));
  }
  assert_int_equal(p.client.error, 0);
  until_parked(p.reactor);
  fc__loop_unlock(p.loop);
  pair_close(&p);
}

/* Returns under the lock, while the thread waits in the kernel. */
static void until_it_polls(fc_reactor *r) {
  fc__loop_lock(fc__reactor_loop(r));
  while (!r->asleep || !r->background_polls) {
    fc__loop_unlock(fc__reactor_loop(r));
    sched_yield();
    fc__loop_lock(fc__reactor_loop(r));
  }
}

static void hold(struct fc__loop *loop) {
  fc__loop_lock(loop);
  fc__loop_hold(loop);
  fc__loop_unlock(loop);
}

/* Its poller must leave the kernel when the last hold goes, lest a blocked caller has to wake it each time. */
static void the_thread_parks_without_holds(void **state) {
  fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
  struct fc__loop *loop = fc__reactor_loop(r);
  hold(loop);
  until_it_polls(r);
  fc__loop_unhold(loop);
  fc__loop_unlock(loop);
  until_parked(r);
  assert_false(r->polling);
  fc__loop_unlock(loop);
  fc_reactor_destroy(r);
}

static void a_blocked_caller_is_woken_while_the_thread_polls(void **state) {
  struct pair p;
  struct fc__waiter waiter = {0};
  pair_open(&p, reactor_for(state, FC_REACTOR_AUTO));
  hold(p.loop);
  for (int i = 0; i < 20; i++) {
    until_it_polls(p.reactor);
    fc__loop_unlock(p.loop);
    assert_true(echo_client_exchange(&p.client, 10, FC_NEVER));
  }
  until_it_polls(p.reactor);
  assert_false(fc__loop_wait(p.loop, &waiter, fc__loop_now(p.loop) + FC_MILLISECOND));
  assert_true(p.reactor->background_polls);
  fc__loop_unhold(p.loop);
  fc__loop_unlock(p.loop);
  pair_close(&p);
}

/* Each end of a call gives the thread a chance to poll, which the next call takes away again. */
static void blocked_callers_and_the_thread_take_turns(void **state) {
  struct pair p;
  pair_open(&p, reactor_for(state, FC_REACTOR_AUTO));
  hold(p.loop);
  for (int i = 0; i < 500; i++) assert_true(echo_client_exchange(&p.client, 10, FC_NEVER));
  fc__loop_lock(p.loop);
  fc__loop_unhold(p.loop);
  fc__loop_unlock(p.loop);
  pair_close(&p);
}

/* ---- callbacks ---- */

static void a_callback_never_runs_on_a_blocked_callers_thread(void **state) {
  struct pair p;
  struct told t = TOLD_INIT;
  pair_open(&p, reactor_for(state, FC_REACTOR_AUTO));
  for (int i = 0; i < 20; i++) {
    p.client.answered = &t.task; /* deferred by the turn that ends the wait */
    assert_true(echo_client_exchange(&p.client, 10, FC_NEVER));
    signal_take(&t.ran);
    assert_false(pthread_equal(t.thread, pthread_self()));
  }
  pair_close(&p);
}

struct ordered {
  struct fc__task task;
  size_t number, *next;
  bool in_order;
  struct signal *last;
};

static void run_ordered(struct fc__task *task) {
  struct ordered *o = FC__CONTAINER(task, struct ordered, task);
  o->in_order = o->number == (*o->next)++;
  if (o->last) signal_give(o->last);
}

static void callbacks_run_in_the_order_deferred(void **state) {
  fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
  struct signal last = SIGNAL_INIT;
  struct ordered tasks[1000];
  size_t next = 0;
  for (size_t i = 0; i < 1000; i++) {
    tasks[i] = (struct ordered){{.run = run_ordered}, i, &next, false, i == 999 ? &last : NULL};
    defer(fc__reactor_loop(r), &tasks[i].task);
  }
  signal_take(&last);
  for (size_t i = 0; i < 1000; i++) assert_true(tasks[i].in_order);
  fc_reactor_destroy(r);
}

struct counted_flush {
  struct fc__flush flush;
  size_t runs;
  struct signal ran;
};

static void count_flush(struct fc__flush *flush, int64_t now) {
  struct counted_flush *f = FC__CONTAINER(flush, struct counted_flush, flush);
  (void)now;
  f->runs++;
  signal_give(&f->ran);
}

struct flusher {
  struct fc__task task;
  struct fc__loop *loop;
  struct counted_flush *flush;
  size_t runs_seen;
};

static void run_flusher(struct fc__task *task) {
  struct flusher *f = FC__CONTAINER(task, struct flusher, task);
  fc__loop_lock(f->loop);
  f->runs_seen = f->flush->runs;
  fc__loop_flush(f->loop, &f->flush->flush);
  fc__loop_unlock(f->loop);
}

static void what_callbacks_queue_is_flushed_once_after_them(void **state) {
  fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
  struct fc__loop *loop = fc__reactor_loop(r);
  struct counted_flush flush = {.flush = {.run = count_flush}, .ran = SIGNAL_INIT};
  struct flusher tasks[3];
  fc__node_init(&flush.flush.link);
  fc__loop_lock(loop);
  for (int i = 0; i < 3; i++) {
    tasks[i] = (struct flusher){{.run = run_flusher}, loop, &flush, 9};
    fc__loop_defer(loop, &tasks[i].task);
  }
  fc__loop_unlock(loop);
  signal_take(&flush.ran);
  fc__loop_lock(loop);
  assert_int_equal(flush.runs, 1);
  assert_int_equal(tasks[2].runs_seen, 0);
  fc__loop_flush(loop, &flush.flush); /* outside of a callback: at once */
  fc__loop_unlock(loop);
  assert_int_equal(flush.runs, 2);
  fc_reactor_destroy(r);
}

/* ---- callbacks that block ---- */

struct blocking {
  struct fc__task task;
  struct pair *pair;
  struct told *inner; /* deferred and waited for */
  struct fc__waiter *wakes;
  bool fine;
  struct signal ran;
};

static void run_exchange(struct fc__task *task) {
  struct blocking *b = FC__CONTAINER(task, struct blocking, task);
  b->fine = echo_client_exchange(&b->pair->client, 10, FC_NEVER);
  signal_give(&b->ran);
}

static void a_callback_may_block(void **state) {
  struct pair p;
  pair_open(&p, reactor_for(state, FC_REACTOR_AUTO));
  struct blocking b = {.task = {.run = run_exchange}, .pair = &p, .ran = SIGNAL_INIT};
  defer(p.loop, &b.task);
  signal_take(&b.ran);
  assert_true(b.fine);
  pair_close(&p);
}

struct waking {
  struct fc__task task;
  struct fc__loop *loop;
  struct fc__waiter waiter;
};

static void run_waking(struct fc__task *task) {
  struct waking *w = FC__CONTAINER(task, struct waking, task);
  fc__loop_lock(w->loop);
  fc__loop_wake(w->loop, &w->waiter);
  fc__loop_unlock(w->loop);
}

struct dependent {
  struct fc__task task;
  struct waking second;
  struct signal ran;
};

static void run_dependent(struct fc__task *task) {
  struct dependent *d = FC__CONTAINER(task, struct dependent, task);
  struct fc__loop *loop = d->second.loop;
  fc__loop_lock(loop);
  fc__loop_defer(loop, &d->second.task);
  fc__loop_wait(loop, &d->second.waiter, FC_NEVER);
  fc__loop_unlock(loop);
  signal_give(&d->ran);
}

static void a_callback_may_wait_for_a_later_callback(void **state) {
  fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
  struct dependent d = {.task = {.run = run_dependent},
                        .second = {.task = {.run = run_waking}, .loop = fc__reactor_loop(r)},
                        .ran = SIGNAL_INIT};
  defer(fc__reactor_loop(r), &d.task);
  signal_take(&d.ran);
  fc_reactor_destroy(r);
}

/* The callback sleeps, since the main thread polls; what it waits for comes from a turn of that thread. */
struct deferring_timer {
  struct fc__timer timer;
  struct fc__loop *loop;
  struct waking *task;
};

static void defer_task(struct fc__timer *timer, int64_t now) {
  struct deferring_timer *t = FC__CONTAINER(timer, struct deferring_timer, timer);
  (void)now;
  fc__loop_defer(t->loop, &t->task->task);
}

struct sleeping {
  struct fc__task task;
  struct waking second;
  struct fc__waiter *wakes;
};

static void run_sleeping(struct fc__task *task) {
  struct sleeping *s = FC__CONTAINER(task, struct sleeping, task);
  struct fc__loop *loop = s->second.loop;
  fc__loop_lock(loop);
  fc__loop_wait(loop, &s->second.waiter, FC_NEVER);
  fc__loop_wake(loop, s->wakes);
  fc__loop_unlock(loop);
}

static void a_callback_that_sleeps_is_woken_to_run_the_next(void **state) {
  fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
  struct fc__loop *loop = fc__reactor_loop(r);
  struct fc__waiter waiter = {0};
  struct sleeping s = {.task = {.run = run_sleeping},
                       .second = {.task = {.run = run_waking}, .loop = loop},
                       .wakes = &waiter};
  struct deferring_timer t = {{.fire = defer_task}, loop, &s.second};
  fc__loop_lock(loop);
  fc__loop_defer(loop, &s.task);
  fc__loop_timer_set(loop, &t.timer, fc__loop_now(loop) + 20 * FC_MILLISECOND);
  assert_true(fc__loop_wait(loop, &waiter, FC_NEVER));
  fc__loop_unlock(loop);
  fc_reactor_destroy(r);
}

static void a_callback_may_wait_for_another_of_its_batch(void **state) {
  fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
  struct fc__loop *loop = fc__reactor_loop(r);
  struct fc__waiter waiter = {0};
  struct sleeping s = {.task = {.run = run_sleeping},
                       .second = {.task = {.run = run_waking}, .loop = loop},
                       .wakes = &waiter};
  fc__loop_lock(loop);
  fc__loop_defer(loop, &s.task);
  fc__loop_defer(loop, &s.second.task);
  assert_true(fc__loop_wait(loop, &waiter, FC_NEVER));
  fc__loop_unlock(loop);
  fc_reactor_destroy(r);
}

/* ---- the end ---- */

struct destroying {
  struct fc__task task;
  fc_reactor *reactor;
  struct signal *go, began;
};

static void run_destroying(struct fc__task *task) {
  struct destroying *d = FC__CONTAINER(task, struct destroying, task);
  if (d->reactor) fc_reactor_destroy(d->reactor);
  signal_give(&d->began);
  if (d->go) signal_take(d->go);
}

/* Reactors of the tests before, too: a thread that is inside a callback frees its reactor later. */
static void until_all_is_freed(void) {
  while (failing_alloc_live() > 0) sched_yield();
}

static void a_callback_may_drop_the_last_reference(void **state) {
  fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
  struct destroying d = {{.run = run_destroying}, r, NULL, SIGNAL_INIT};
  struct fc__loop *loop = fc__reactor_loop(r);
  fc__loop_lock(loop);
  fc__loop_defer(loop, &d.task);
  fc__loop_unlock(loop);
  signal_take(&d.began);
  until_all_is_freed();
}

static void destroying_does_not_wait_for_a_callback(void **state) {
  fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
  struct signal go = SIGNAL_INIT;
  struct destroying d = {{.run = run_destroying}, NULL, &go, SIGNAL_INIT};
  defer(fc__reactor_loop(r), &d.task);
  signal_take(&d.began);
  fc_reactor_destroy(r);
  signal_give(&go);
  until_all_is_freed();
}

static void a_polling_thread_ends_with_its_reactor(void **state) {
  for (int i = 0; i < 20; i++) {
    struct told t = TOLD_INIT;
    fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
    defer(fc__reactor_loop(r), &t.task);
    signal_take(&t.ran);
    fc_reactor_destroy(r);
  }
  until_all_is_freed();
}

/* ---- no thread can be had ---- */

/* In a process of its own, without the right to make threads. */
static int without_threads(void **state) {
  struct rlimit none = {0, 0};
  if (setrlimit(RLIMIT_NPROC, &none) != 0) return 2;
  if (geteuid() == 0 && setuid(65534) != 0) return 2;
  struct pair p;
  struct told t = TOLD_INIT;
  pair_open(&p, reactor_for(state, FC_REACTOR_AUTO));
  defer(p.loop, &t.task);
  if (p.reactor->background != FC__BACKGROUND_NONE) return 3;
  if (!echo_client_exchange(&p.client, 10, FC_NEVER)) return 4;
  signal_take(&t.ran);
  if (!pthread_equal(t.thread, pthread_self())) return 5;
  pair_close(&p);
  return 0;
}

static void without_a_thread_blocked_callers_run_the_callbacks(void **state) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) _exit(without_threads(state));
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

#define OVER_BOTH_POLLERS(test)                                                                    \
  {#test " (system's poller)", test, NULL, NULL, NULL}, {                                          \
#test " (poll)", test, NULL, NULL, (void *)(uintptr_t)&poll_poller                             \
  }

int main(void) {
  static const fc__poller_create_fn poll_poller = fc__poller_poll_create;
  failing_alloc_install();
  const struct CMUnitTest tests[] = {
      OVER_BOTH_POLLERS(without_a_thread_blocked_callers_run_the_callbacks),
      OVER_BOTH_POLLERS(what_nobody_waits_for_is_driven_in_the_background),
      OVER_BOTH_POLLERS(the_thread_parks_without_holds),
      OVER_BOTH_POLLERS(a_blocked_caller_is_woken_while_the_thread_polls),
      OVER_BOTH_POLLERS(blocked_callers_and_the_thread_take_turns),
      OVER_BOTH_POLLERS(a_callback_never_runs_on_a_blocked_callers_thread),
      OVER_BOTH_POLLERS(callbacks_run_in_the_order_deferred),
      OVER_BOTH_POLLERS(what_callbacks_queue_is_flushed_once_after_them),
      OVER_BOTH_POLLERS(a_callback_may_block),
      OVER_BOTH_POLLERS(a_callback_may_wait_for_a_later_callback),
      OVER_BOTH_POLLERS(a_callback_that_sleeps_is_woken_to_run_the_next),
      OVER_BOTH_POLLERS(a_callback_may_wait_for_another_of_its_batch),
      OVER_BOTH_POLLERS(a_callback_may_drop_the_last_reference),
      OVER_BOTH_POLLERS(destroying_does_not_wait_for_a_callback),
      OVER_BOTH_POLLERS(a_polling_thread_ends_with_its_reactor),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
