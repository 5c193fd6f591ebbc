/*
 * The reactor as the struct fc__loop of what lies above: the lock, and the lists of what is to be done. Waiting is
 * in drivers.c.
 */
#include <assert.h>

#include "io/reactor.h"

static void loop_lock(struct fc__loop *loop) {
  pthread_mutex_lock(&fc__reactor_from_loop(loop)->mutex);
}

/* What a task queues is flushed when its batch ends: one write for all the answers of a turn. */
static void loop_unlock(struct fc__loop *loop) {
  fc_reactor *r = fc__reactor_from_loop(loop);
  if (!fc__list_empty(&r->flushes) && !fc__reactor_is_runner(r)) fc__reactor_flush(r);
  fc__reactor_leave(r);
}

static int64_t loop_now(struct fc__loop *loop) {
  return fc__reactor_now(fc__reactor_from_loop(loop));
}

static void loop_timer_set(struct fc__loop *loop, struct fc__timer *timer, int64_t at) {
  fc_reactor *r = fc__reactor_from_loop(loop);
  fc__timers_set(&r->timers, timer, at);
  if (r->host || (r->asleep && at < r->poll_until)) r->unsettled = true;
}

static void loop_timer_stop(struct fc__loop *loop, struct fc__timer *timer) {
  fc__timers_stop(&fc__reactor_from_loop(loop)->timers, timer);
}

static void loop_defer(struct fc__loop *loop, struct fc__task *task) {
  fc_reactor *r = fc__reactor_from_loop(loop);
  fc__list_push_back(&r->tasks, &task->link);
  r->unsettled = true;
}

static void loop_flush(struct fc__loop *loop, struct fc__flush *flush) {
  if (fc__node_linked(&flush->link)) return;
  fc__list_push_back(&fc__reactor_from_loop(loop)->flushes, &flush->link);
}

/* An idle waiter that returns while nothing is held hands polling over to nobody, see fc__reactor_wait. With the first hold
 * somebody must poll: one of those that are still idle. */
static void loop_hold(struct fc__loop *loop) {
  fc_reactor *r = fc__reactor_from_loop(loop);
  if (r->holds++ > 0) return;
  r->unsettled = true;
  if (!r->polling && !fc__list_empty(&r->idlers)) fc__reactor_hand_over(r);
}

static void loop_unhold(struct fc__loop *loop) {
  fc_reactor *r = fc__reactor_from_loop(loop);
  assert(r->holds > 0);
  if (--r->holds == 0 && r->asleep && r->background_polls) r->unsettled = true;
}

static void loop_keep(struct fc__loop *loop) {
  fc_reactor *r = fc__reactor_from_loop(loop);
  if (r->keeps++ == 0) r->unsettled = true;
}

static void loop_unkeep(struct fc__loop *loop) {
  fc_reactor *r = fc__reactor_from_loop(loop);
  assert(r->keeps > 0);
  if (--r->keeps > 0) return;
  r->quiet = false;
  if (r->asleep && r->background_polls) r->unsettled = true;
}

static void loop_ref(struct fc__loop *loop) { fc__reactor_ref(fc__reactor_from_loop(loop)); }

static void loop_unref(struct fc__loop *loop) { fc__reactor_unref(fc__reactor_from_loop(loop)); }

const struct fc__loop_ops fc__reactor_loop_ops = {
    .lock = loop_lock,
    .unlock = loop_unlock,
    .now = loop_now,
    .timer_set = loop_timer_set,
    .timer_stop = loop_timer_stop,
    .defer = loop_defer,
    .flush = loop_flush,
    .wait = fc__reactor_wait,
    .wake = fc__reactor_wake,
    .hold = loop_hold,
    .unhold = loop_unhold,
    .keep = loop_keep,
    .unkeep = loop_unkeep,
    .ref = loop_ref,
    .unref = loop_unref,
};
