/* What callers.h says must happen by itself. */
#include "threads/caller.h"

static void happens(struct expected *e) {
  sched_note("%s: happens", e->what);
  MUST(!e->happened);
  e->happened = true;
  sched_kept(&e->promise);
  if (e->then) e->then(e);
}

static void timer_fired(struct fc__timer *timer, int64_t now) {
  MUST(now >= timer->at);
  happens(FC__CONTAINER(timer, struct expected, timer));
}

static void task_run(struct fc__task *task) { happens(FC__CONTAINER(task, struct expected, task)); }

static void event_told(struct node_event *event, int64_t now) {
  (void)now;
  happens(FC__CONTAINER(event, struct expected, event));
}

void expected_init(struct expected *e, struct node *node, fc_reactor *reactor, const char *what) {
  *e = (struct expected){.node = node, .loop = fc__reactor_loop(reactor), .what = what};
  e->timer.fire = timer_fired;
  e->task.run = task_run;
  e->event.told = event_told;
  fc__node_init(&e->task.link);
}

static void promise(struct expected *e, int64_t by) {
  sched_promise(&e->promise, e->what, e->grace == FC_NEVER ? FC_NEVER : by + e->grace);
}

void expected_timer(struct expected *e, int64_t span) {
  fc__loop_lock(e->loop);
  int64_t at = fc__loop_now(e->loop) + span;
  promise(e, at);
  fc__loop_timer_set(e->loop, &e->timer, at);
  fc__loop_unlock(e->loop);
}

void expected_task_locked(struct expected *e) {
  promise(e, sched_now());
  fc__loop_defer(e->loop, &e->task);
}

void expected_task(struct expected *e) {
  fc__loop_lock(e->loop);
  expected_task_locked(e);
  fc__loop_unlock(e->loop);
}

void expected_event(struct expected *e) {
  promise(e, sched_now());
  node_post(e->node, &e->event);
}

static bool has_happened(void *expected) { return ((struct expected *)expected)->happened; }

void expected_await(struct expected *e) {
  sched_wait(&(struct sched_wait){
      .what = "lets something happen", .ready = has_happened, .user = e, .until = FC_NEVER});
}

void caller_change(fc_reactor *reactor, enum caller_count change) {
  struct fc__loop *loop = fc__reactor_loop(reactor);
  fc__loop_lock(loop);
  switch (change) {
    case CALLER_HOLD:
      fc__loop_hold(loop);
      break;
    case CALLER_UNHOLD:
      fc__loop_unhold(loop);
      break;
    case CALLER_KEEP:
      fc__loop_keep(loop);
      break;
    case CALLER_UNKEEP:
      fc__loop_unkeep(loop);
      break;
  }
  fc__loop_unlock(loop);
}
