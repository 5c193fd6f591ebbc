/*
 * Callers that are blocked on one reactor: one of them polls, and whoever leaves, woken or by timeout, hands that on.
 * Each must come back when it is due, and one that waits without end whenever it is woken.
 */
#include "threads/caller.h"

#define MS FC_MILLISECOND

enum { CALLERS = 4, ROUNDS = 3 };

static struct node *node;
static fc_reactor *reactor;
static struct caller callers[CALLERS];
static int caller_count, done;

static const struct caller_plan for_ever = {FC_NEVER, FC_NEVER, false, false};

static void open_node(int count) {
  static const char *const names[] = {"caller 1 comes back", "caller 2 comes back",
                                      "caller 3 comes back", "caller 4 comes back"};
  node = node_open(FC_REACTOR_AUTO, &reactor);
  caller_count = count;
  done = 0;
  for (int i = 0; i < count; i++) caller_init(&callers[i], node, reactor, names[i]);
}

static void start(int i, void *(*run)(void *)) {
  MUST(pthread_create(&callers[i].thread, NULL, run, &callers[i]) == 0);
}

static void join_all(void) {
  for (int i = 0; i < caller_count; i++) MUST(pthread_join(callers[i].thread, NULL) == 0);
}

/* ---- two callers ---- */

static void *wait_1_ms(void *user) {
  MUST(!caller_wait(user, &(struct caller_plan){1 * MS, FC_NEVER, false, false}));
  return NULL;
}

static void *wait_for_timer(void *user) {
  MUST(caller_wait(user, &(struct caller_plan){FC_NEVER, 2 * MS, false, false}));
  return NULL;
}

static void *wait_for_event(void *user) {
  MUST(caller_wait(user, &(struct caller_plan){FC_NEVER, FC_NEVER, true, false}));
  return NULL;
}

static void one_leaves_by_timeout(void) {
  open_node(2);
  start(0, wait_1_ms);
  start(1, wait_for_timer);
  join_all();
  fc_reactor_destroy(reactor);
}

static void one_leaves_woken(void) {
  open_node(2);
  start(0, wait_for_event);
  start(1, wait_for_timer);
  join_all();
  fc_reactor_destroy(reactor);
}

static void *wait_idly_1_ms(void *user) {
  MUST(!caller_wait(user, &(struct caller_plan){1 * MS, FC_NEVER, false, true}));
  return NULL;
}

static void *wait_idly_for_timer(void *user) {
  MUST(caller_wait(user, &(struct caller_plan){FC_NEVER, 2 * MS, false, true}));
  return NULL;
}

static void an_idle_one_leaves_by_timeout(void) {
  open_node(2);
  start(0, wait_idly_1_ms);
  start(1, wait_idly_for_timer);
  join_all();
  fc_reactor_destroy(reactor);
}

static void *wait_idly_for_event(void *user) {
  MUST(caller_wait(user, &(struct caller_plan){FC_NEVER, FC_NEVER, true, true}));
  return NULL;
}

/* It need not hand polling to idle ones, but to one that is not. */
static void an_idle_one_leaves_woken(void) {
  open_node(2);
  start(0, wait_idly_for_event);
  start(1, wait_for_timer);
  join_all();
  fc_reactor_destroy(reactor);
}

static void *wait_for_both(void *user) {
  (void)user;
  MUST(caller_wait(&callers[0], &(struct caller_plan){FC_NEVER, 1 * MS, false, false}));
  MUST(caller_wait(&callers[0], &(struct caller_plan){1 * MS, FC_NEVER, false, false}) == false);
  return NULL;
}

static void one_comes_back(void) {
  open_node(2);
  start(0, wait_for_both);
  start(1, wait_for_timer);
  join_all();
  fc_reactor_destroy(reactor);
}

static void *wait_to_be_woken(void *user) {
  MUST(caller_wait(user, &for_ever));
  return NULL;
}

static bool all_wait(void *user) {
  (void)user;
  int count = 0;
  for (int i = 0; i < caller_count; i++) count += callers[i].waits;
  return count == caller_count;
}

static void until_all_wait(void) {
  sched_wait(&(struct sched_wait){.what = "lets all wait", .ready = all_wait, .until = FC_NEVER});
}

static void one_wakes_another(void) {
  open_node(2);
  start(0, wait_to_be_woken);
  start(1, wait_to_be_woken);
  until_all_wait();
  caller_wake(&callers[0]);
  caller_wake(&callers[1]);
  join_all();
  fc_reactor_destroy(reactor);
}

/* By a thread that does not wait, and earlier than the poller would look. */
static void a_timer_is_set_while_one_polls(void) {
  open_node(2);
  start(0, wait_to_be_woken);
  start(1, wait_to_be_woken);
  until_all_wait();
  fc__loop_lock(callers[1].loop);
  caller_expect_locked(&callers[1], fc__loop_now(callers[1].loop) + MS);
  fc__loop_timer_set(callers[1].loop, &callers[1].timer, fc__loop_now(callers[1].loop) + MS);
  fc__loop_unlock(callers[1].loop);
  MUST(pthread_join(callers[1].thread, NULL) == 0);
  caller_wake(&callers[0]);
  MUST(pthread_join(callers[0].thread, NULL) == 0);
  fc_reactor_destroy(reactor);
}

/* ---- by chance ---- */

static int64_t some_time(void) { return (int64_t)sched_random(8) * MS / 2; }

/* Without end only where something wakes it. */
static struct caller_plan some_plan(void) {
  struct caller_plan plan = for_ever;
  if (sched_random(2)) plan.timeout = some_time();
  if (sched_random(3) == 0) plan.timer = some_time();
  if (sched_random(4) == 0) plan.event = true;
  return plan;
}

static void *wait_by_chance(void *user) {
  for (int i = 0; i < ROUNDS; i++) {
    struct caller_plan plan = some_plan();
    (void)caller_wait(user, &plan);
    if (sched_random(4) == 0) sched_sleep(some_time());
    struct caller *other = &callers[sched_random((uint64_t)caller_count)];
    if (sched_random(2)) caller_wake(other);
  }
  done++;
  return NULL;
}

/* Until all have done: those who wait without end are woken again and again. */
static void wake_by_chance(void) {
  while (done < caller_count) {
    sched_sleep(some_time());
    caller_wake(&callers[sched_random((uint64_t)caller_count)]);
  }
}

static void change_holds(bool on, bool hold) {
  struct fc__loop *loop = fc__reactor_loop(reactor);
  fc__loop_lock(loop);
  if (on && hold) fc__loop_hold(loop);
  if (on && !hold) fc__loop_keep(loop);
  if (!on && hold) fc__loop_unhold(loop);
  if (!on && !hold) fc__loop_unkeep(loop);
  fc__loop_unlock(loop);
}

static void some_callers(void) {
  open_node(2 + (int)sched_random(CALLERS - 1));
  for (int i = 0; i < caller_count; i++) start(i, wait_by_chance);
  wake_by_chance();
  join_all();
  fc_reactor_destroy(reactor);
}

/* The background thread polls as well, or cannot be made. */
static void callers_beside_the_thread(void) {
  bool hold = sched_random(2);
  open_node(1 + (int)sched_random(3));
  for (int i = 0; i < caller_count; i++) start(i, wait_by_chance);
  if (sched_random(3) == 0) sched_fail_threads(60);
  change_holds(true, hold);
  if (sched_random(2)) sched_sleep(some_time());
  if (sched_random(2)) {
    change_holds(false, hold);
    change_holds(true, hold);
  }
  wake_by_chance();
  join_all();
  change_holds(false, hold);
  fc_reactor_destroy(reactor);
}

int main(int argc, char **argv) {
  static const struct sched_case cases[] = {
      SCHED_SMALL(one_leaves_by_timeout),
      SCHED_SMALL(one_leaves_woken),
      SCHED_SMALL(one_comes_back),
      SCHED_SMALL(an_idle_one_leaves_by_timeout),
      SCHED_SMALL(an_idle_one_leaves_woken),
      SCHED_SMALL(one_wakes_another),
      SCHED_SMALL(a_timer_is_set_while_one_polls),
      SCHED_CASE(some_callers),
      SCHED_CASE(callers_beside_the_thread),
  };
  return sched_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
