/* The callers of caller.h. */
#include "threads/caller.h"

#include <math.h>

static void timer_fired(struct fc__timer *timer, int64_t now) {
  struct caller *c = FC__CONTAINER(timer, struct caller, timer);
  MUST(now >= timer->at);
  fc__loop_wake(c->loop, &c->waiter);
}

static void event_told(struct node_event *event, int64_t now) {
  struct caller *c = FC__CONTAINER(event, struct caller, event);
  (void)now;
  fc__loop_wake(c->loop, &c->waiter);
}

void caller_init(struct caller *c, struct node *node, fc_reactor *reactor, const char *what) {
  *c = (struct caller){.node = node, .loop = fc__reactor_loop(reactor), .what = what};
  c->timer.fire = timer_fired;
  c->event.told = event_told;
}

static int64_t after(int64_t now, int64_t span) { return span == FC_NEVER ? FC_NEVER : now + span; }

static int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

void caller_expect_locked(struct caller *c, int64_t by) {
  sched_note("%s in %+.3f ms", c->what,
             by == FC_NEVER ? HUGE_VAL : (double)(by - sched_now()) / 1e6);
  sched_kept(&c->promise);
  sched_promise(&c->promise, c->what, by == FC_NEVER ? FC_NEVER : by + c->grace);
}

bool caller_wait_locked(struct caller *c, const struct caller_plan *plan) {
  int64_t now = fc__loop_now(c->loop), until = after(now, plan->timeout);
  c->due = plan->event ? now : lesser(until, after(now, plan->timer));
  c->waiter = (struct fc__waiter){.idle = plan->idle, .lost = c->lost};
  if (plan->timer != FC_NEVER) fc__loop_timer_set(c->loop, &c->timer, now + plan->timer);
  caller_expect_locked(c, c->due);
  if (plan->event) node_post(c->node, &c->event);
  c->waits = c->has_come = true;
  bool woken = fc__loop_wait(c->loop, &c->waiter, until);
  c->waits = false;
  sched_kept(&c->promise);
  sched_note("%s: %s", c->what, woken ? "woken" : "timeout");
  node_withdraw(&c->event);
  fc__loop_timer_stop(c->loop, &c->timer);
  MUST(woken == c->waiter.ready);
  MUST(woken || c->waiter.interrupted || sched_now() >= until);
  return woken;
}

bool caller_wait(struct caller *c, const struct caller_plan *plan) {
  fc__loop_lock(c->loop);
  bool woken = caller_wait_locked(c, plan);
  fc__loop_unlock(c->loop);
  return woken;
}

void caller_wake_locked(struct caller *c) {
  if (!c->waits || c->waiter.ready) return;
  fc__loop_wake(c->loop, &c->waiter);
  caller_expect_locked(c, sched_now());
}

void caller_wake(struct caller *c) {
  fc__loop_lock(c->loop);
  caller_wake_locked(c);
  fc__loop_unlock(c->loop);
}
