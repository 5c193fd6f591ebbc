/*
 * The host's loop beside blocked callers and beside threads that set timers, defer tasks and make the network ready:
 * whoever of them polls, all of it happens at once.
 */
#include "threads/caller.h"

#define MS FC_MILLISECOND

enum {
  CALLERS = 2,
  THINGS = 4,
  LINKS = 64 /* as many batches as follow from one another, in io/turn.c */
};

static const struct caller_plan for_ever = {FC_NEVER, FC_NEVER, false, false};

/* The host, when it was refused because another thread dispatches, looks again after a microsecond. */
static const int64_t grace = 50 * FC_MICROSECOND;

static struct node *node;
static fc_reactor *reactor;
static pthread_t host;
static bool stop, host_ended;
static struct caller callers[CALLERS];
static struct expected things[THINGS];

static void *run_host(void *user) {
  (void)user;
  while (!stop) {
    fc_result r = node_host_turn(node, reactor, FC_NEVER);
    MUST(r == FC_OK || r == FC_ERR_BUSY);
  }
  host_ended = true;
  return NULL;
}

static void open_host(void) {
  static const char *const names[] = {"caller 1 comes back", "caller 2 comes back"};
  static const char *const what[] = {"thing 1", "thing 2", "thing 3", "thing 4"};
  node = node_open(FC_REACTOR_HOST, &reactor);
  stop = host_ended = false;
  for (int i = 0; i < CALLERS; i++) {
    caller_init(&callers[i], node, reactor, names[i]);
    callers[i].grace = grace;
  }
  for (int i = 0; i < THINGS; i++) {
    expected_init(&things[i], node, reactor, what[i]);
    things[i].grace = grace;
  }
  MUST(pthread_create(&host, NULL, run_host, NULL) == 0);
}

static void close_host(void) {
  stop = true;
  while (!host_ended) {
    (void)sched_interrupt(host);
    sched_sleep(MS);
  }
  MUST(pthread_join(host, NULL) == 0);
  fc_reactor_destroy(reactor);
}

/* ---- what other threads do while the host waits ---- */

static void a_timer_is_set(void) {
  open_host();
  expected_timer(&things[0], MS);
  expected_timer(&things[1], 0);
  expected_await(&things[1]);
  expected_await(&things[0]);
  close_host();
}

static void tasks_are_deferred(void) {
  open_host();
  expected_task(&things[0]);
  expected_await(&things[0]);
  expected_task(&things[1]);
  expected_await(&things[1]);
  close_host();
}

static void *wait_1_ms(void *user) {
  MUST(!caller_wait(user, &(struct caller_plan){MS, FC_NEVER, false, false}));
  return NULL;
}

/* The caller polls; what it leaves undone when it goes is the host's. */
static void a_caller_leaves(void) {
  open_host();
  MUST(pthread_create(&callers[0].thread, NULL, wait_1_ms, &callers[0]) == 0);
  expected_timer(&things[0], 2 * MS);
  expected_task(&things[1]);
  MUST(pthread_join(callers[0].thread, NULL) == 0);
  expected_await(&things[0]);
  expected_await(&things[1]);
  close_host();
}

static void then_wait(struct expected *e) {
  (void)e;
  MUST(caller_wait(&callers[0], &(struct caller_plan){FC_NEVER, MS, false, false}));
}

static void a_task_waits(void) {
  open_host();
  things[0].then = then_wait;
  expected_task(&things[0]);
  expected_task(&things[1]);
  expected_timer(&things[2], 2 * MS);
  expected_await(&things[0]);
  expected_await(&things[2]);
  close_host();
}

static void *wait_for_timer(void *user) {
  MUST(caller_wait(user, &(struct caller_plan){FC_NEVER, 2 * MS, false, false}));
  return NULL;
}

/* A caller that came meanwhile has to poll for itself afterwards. */
static void the_host_dispatches_once(void) {
  node = node_open(FC_REACTOR_HOST, &reactor);
  caller_init(&callers[0], node, reactor, "a caller comes back");
  MUST(pthread_create(&callers[0].thread, NULL, wait_for_timer, &callers[0]) == 0);
  fc_result r = fc_reactor_dispatch(reactor);
  MUST(r == FC_OK || r == FC_ERR_BUSY);
  MUST(pthread_join(callers[0].thread, NULL) == 0);
  fc_reactor_destroy(reactor);
}

/* ---- more tasks than are run at once ---- */

static struct fc__task chained;
static int links;

static void run_link(struct fc__task *task) {
  fc__loop_lock(things[0].loop);
  if (++links < LINKS) {
    fc__loop_defer(things[0].loop, task);
  } else {
    caller_wake_locked(&callers[1]);
    expected_task_locked(&things[0]);
  }
  fc__loop_unlock(things[0].loop);
}

static void *wait_to_be_woken(void *user) {
  MUST(caller_wait(user, &for_ever));
  return NULL;
}

/* Each of which defers the next. The caller that runs them is woken by the last before it looks up, and what that has left
 * undone is for the one who polls. */
static void a_caller_leaves_a_chain(void) {
  node = node_open(FC_REACTOR_HOST, &reactor);
  expected_init(&things[0], node, reactor, "the task behind");
  caller_init(&callers[0], node, reactor, "the caller that polls comes back");
  caller_init(&callers[1], node, reactor, "the caller that runs the tasks comes back");
  chained.run = run_link;
  fc__node_init(&chained.link);
  links = 0;
  MUST(pthread_create(&callers[0].thread, NULL, wait_to_be_woken, &callers[0]) == 0);
  while (!node_is_polled(node)) sched_sleep(MS);
  fc__loop_lock(things[0].loop);
  fc__loop_defer(things[0].loop, &chained);
  MUST(caller_wait_locked(&callers[1], &for_ever));
  fc__loop_unlock(things[0].loop);
  expected_await(&things[0]);
  caller_wake(&callers[0]);
  MUST(pthread_join(callers[0].thread, NULL) == 0);
  fc_reactor_destroy(reactor);
}

/* ---- tasks that take long ---- */

/* By one of the callers, which cannot come back meanwhile; the other one can. */
static void then_take_long(struct expected *e) {
  struct caller *other = &callers[pthread_equal(callers[0].thread, pthread_self())];
  fc__loop_lock(e->loop);
  other->grace = 0;
  if (other->waits) caller_expect_locked(other, other->due);
  fc__loop_unlock(e->loop);
  sched_sleep(5 * MS);
}

static void a_caller_runs_a_long_task(void) {
  node = node_open(FC_REACTOR_HOST, &reactor);
  for (int i = 0; i < CALLERS; i++) {
    caller_init(&callers[i], node, reactor, "a caller comes back");
    callers[i].grace = 5 * MS;
    MUST(pthread_create(&callers[i].thread, NULL, wait_for_timer, &callers[i]) == 0);
  }
  expected_init(&things[0], node, reactor, "a task");
  things[0].grace = FC_NEVER;
  things[0].then = then_take_long;
  expected_task(&things[0]);
  for (int i = 0; i < CALLERS; i++) MUST(pthread_join(callers[i].thread, NULL) == 0);
  while (!things[0].happened) MUST(fc_reactor_dispatch(reactor) == FC_OK);
  fc_reactor_destroy(reactor);
}

/* ---- by chance ---- */

static int64_t some_time(void) { return (int64_t)sched_random(8) * MS / 2; }

static void *wait_by_chance(void *user) {
  for (int i = 0; i < 3; i++) {
    struct caller_plan plan = {FC_NEVER, FC_NEVER, sched_random(3) == 0, false};
    if (sched_random(2)) plan.timer = some_time();
    if (plan.timer == FC_NEVER || sched_random(2)) plan.timeout = some_time();
    (void)caller_wait(user, &plan);
    if (sched_random(3) == 0) sched_sleep(some_time());
  }
  return NULL;
}

static void expect_by_chance(struct expected *e) {
  switch (sched_random(3)) {
    case 0:
      expected_timer(e, some_time());
      break;
    case 1:
      expected_task(e);
      break;
    default:
      expected_event(e);
  }
}

static void all_at_once(void) {
  open_host();
  int count = (int)sched_random(CALLERS + 1);
  for (int i = 0; i < count; i++)
    MUST(pthread_create(&callers[i].thread, NULL, wait_by_chance, &callers[i]) == 0);
  for (int i = 0; i < THINGS; i++) {
    expect_by_chance(&things[i]);
    if (sched_random(2)) sched_sleep(some_time());
  }
  for (int i = 0; i < THINGS; i++) expected_await(&things[i]);
  for (int i = 0; i < count; i++) MUST(pthread_join(callers[i].thread, NULL) == 0);
  close_host();
}

int main(int argc, char **argv) {
  static const struct sched_case cases[] = {
      SCHED_SMALL(a_timer_is_set),           SCHED_SMALL(tasks_are_deferred),
      SCHED_SMALL(a_caller_leaves),          SCHED_SMALL(a_task_waits),
      SCHED_SMALL(the_host_dispatches_once), SCHED_SMALL(a_caller_runs_a_long_task),
      SCHED_CASE(a_caller_leaves_a_chain),   SCHED_CASE(all_at_once),
  };
  return sched_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
