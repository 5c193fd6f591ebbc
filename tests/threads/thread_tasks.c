/*
 * Tasks, deferred by several threads: they run once, in order and one at a time, on a thread that is there for them,
 * also when the one before waits inside of its callback. And what must go on although nobody waits, by holds and
 * keeps.
 */
#include "threads/caller.h"

#define MS FC_MILLISECOND

enum { TASKS = 6, CALLERS = 2 };

static struct node *node;
static fc_reactor *reactor;
static struct expected tasks[TASKS];
static struct caller callers[CALLERS];
static int deferred, ran;
static int place[TASKS]; /* by number, in the order of deferring */
static int inside;       /* tasks that run */
static pthread_t runner;

static void in_order(struct expected *e) {
  MUST(place[e - tasks] == ran);
  MUST(inside == 0 || pthread_equal(runner, pthread_self()));
  ran++;
  inside++;
  runner = pthread_self();
  sched_point("is inside of a task");
  inside--;
}

static void open_tasks(void) {
  static const char *const what[] = {"task 1", "task 2", "task 3", "task 4", "task 5", "task 6"};
  static const char *const names[] = {"caller 1 comes back", "caller 2 comes back"};
  node = node_open(FC_REACTOR_AUTO, &reactor);
  deferred = ran = inside = 0;
  for (int i = 0; i < TASKS; i++) {
    expected_init(&tasks[i], node, reactor, what[i]);
    tasks[i].then = in_order;
  }
  for (int i = 0; i < CALLERS; i++) caller_init(&callers[i], node, reactor, names[i]);
}

static void defer(int i) {
  fc__loop_lock(tasks[i].loop);
  place[i] = deferred++;
  expected_task_locked(&tasks[i]);
  fc__loop_unlock(tasks[i].loop);
}

/* ---- in small ---- */

static void *defer_second(void *user) {
  (void)user;
  defer(1);
  return NULL;
}

static void two_threads_defer(void) {
  pthread_t thread;
  open_tasks();
  MUST(pthread_create(&thread, NULL, defer_second, NULL) == 0);
  defer(0);
  MUST(pthread_join(thread, NULL) == 0);
  expected_await(&tasks[0]);
  expected_await(&tasks[1]);
  fc_reactor_destroy(reactor);
}

static void *wait_2_ms(void *user) {
  MUST(!caller_wait(user, &(struct caller_plan){2 * MS, FC_NEVER, false, false}));
  return NULL;
}

static void while_a_caller_polls(void) {
  open_tasks();
  MUST(pthread_create(&callers[0].thread, NULL, wait_2_ms, &callers[0]) == 0);
  defer(0);
  expected_await(&tasks[0]);
  MUST(pthread_join(callers[0].thread, NULL) == 0);
  fc_reactor_destroy(reactor);
}

static void while_the_thread_polls(void) {
  open_tasks();
  caller_change(reactor, CALLER_HOLD);
  sched_sleep(MS);
  defer(0);
  expected_await(&tasks[0]);
  caller_change(reactor, CALLER_UNHOLD);
  fc_reactor_destroy(reactor);
}

static const struct caller_plan for_ever = {FC_NEVER, FC_NEVER, false, false};

static void then_wait_for_the_next(struct expected *e) {
  in_order(e);
  inside++;
  MUST(caller_wait(&callers[0], &for_ever));
  inside--;
}

static void then_wake(struct expected *e) {
  in_order(e);
  callers[0].waits ? caller_wake(&callers[0]) : sched_fail("the first task does not wait");
}

/* The first task waits until the second has run, which is deferred before, meanwhile or after. */
static void a_task_waits_for_the_next(void) {
  open_tasks();
  tasks[0].then = then_wait_for_the_next;
  tasks[1].then = then_wake;
  defer(0);
  defer(1);
  expected_await(&tasks[1]);
  fc_reactor_destroy(reactor);
}

/* The same while another thread polls, so that the task sleeps. */
static void a_task_sleeps(void) {
  open_tasks();
  tasks[0].then = then_wait_for_the_next;
  tasks[1].then = then_wake;
  MUST(pthread_create(&callers[1].thread, NULL, wait_2_ms, &callers[1]) == 0);
  defer(0);
  defer(1);
  MUST(pthread_join(callers[1].thread, NULL) == 0);
  expected_await(&tasks[1]);
  fc_reactor_destroy(reactor);
}

/* ---- by chance ---- */

static int64_t some_time(void) { return (int64_t)sched_random(8) * MS / 2; }

static void then_wait_a_while(struct expected *e) {
  in_order(e);
  inside++;
  struct caller_plan plan = {some_time(), FC_NEVER, false, false};
  (void)caller_wait(&callers[0], &plan);
  inside--;
}

static void then_defer_another(struct expected *e) {
  in_order(e);
  defer(TASKS - 1);
}

static void *defer_by_chance(void *user) {
  for (int i = *(int *)user; i < 4; i += 2) {
    if (sched_random(3) == 0) sched_sleep(some_time());
    defer(i);
  }
  return NULL;
}

static void *wait_by_chance(void *user) {
  for (int i = 0; i < 2; i++) {
    struct caller_plan plan = {some_time(), FC_NEVER, sched_random(3) == 0, false};
    if (sched_random(2)) plan.timer = some_time();
    (void)caller_wait(user, &plan);
  }
  return NULL;
}

static void all_at_once(void) {
  static int first[] = {0, 1};
  pthread_t threads[3];
  bool hold = sched_random(2);
  open_tasks();
  if (sched_random(2)) tasks[0].then = then_wait_a_while;
  if (sched_random(2)) tasks[1].then = then_defer_another;
  if (hold) caller_change(reactor, CALLER_HOLD);
  for (int i = 0; i < 2; i++)
    MUST(pthread_create(&threads[i], NULL, defer_by_chance, &first[i]) == 0);
  MUST(pthread_create(&threads[2], NULL, wait_by_chance, &callers[1]) == 0);
  for (int i = 0; i < 3; i++) MUST(pthread_join(threads[i], NULL) == 0);
  for (int i = 0; i < 4; i++) expected_await(&tasks[i]);
  if (tasks[1].then == then_defer_another) expected_await(&tasks[TASKS - 1]);
  if (hold) caller_change(reactor, CALLER_UNHOLD);
  fc_reactor_destroy(reactor);
}

/* Blocked callers run the tasks then. */
static void no_thread_can_be_made(void) {
  static int first[] = {0, 1};
  pthread_t threads[3];
  open_tasks();
  for (int i = 0; i < TASKS; i++) tasks[i].grace = FC_NEVER;
  for (int i = 0; i < 2; i++)
    MUST(pthread_create(&threads[i], NULL, defer_by_chance, &first[i]) == 0);
  MUST(pthread_create(&threads[2], NULL, wait_by_chance, &callers[1]) == 0);
  sched_fail_threads(sched_random(2) ? 100 : 70);
  for (int i = 0; i < 3; i++) MUST(pthread_join(threads[i], NULL) == 0);
  for (int i = 0; i < 4; i++) {
    while (!tasks[i].happened)
      (void)caller_wait(&callers[0], &(struct caller_plan){MS, FC_NEVER, false, false});
  }
  fc_reactor_destroy(reactor);
}

static void a_thread_can_be_made_later(void) {
  open_tasks();
  sched_fail_threads(100);
  tasks[0].grace = FC_NEVER;
  defer(0);
  sched_fail_threads(0);
  fc__loop_lock(tasks[0].loop); /* the next occasion */
  fc__loop_unlock(tasks[0].loop);
  sched_sleep(MS);
  MUST(tasks[0].happened || sched_slow());
  expected_await(&tasks[0]);
  fc_reactor_destroy(reactor);
}

/* ---- although nobody waits ---- */

static void somebody_is_there_for_holds(void) {
  open_tasks();
  for (int i = 0; i < TASKS; i++) tasks[i].then = NULL;
  caller_change(reactor, CALLER_HOLD);
  expected_event(&tasks[0]);
  expected_timer(&tasks[1], MS);
  expected_await(&tasks[0]);
  expected_await(&tasks[1]);
  caller_change(reactor, CALLER_UNHOLD);
  fc_reactor_destroy(reactor);
}

/* Soon, but not at once: callers that come back are not to be disturbed. */
static void somebody_is_there_for_keeps(void) {
  open_tasks();
  for (int i = 0; i < TASKS; i++) tasks[i].then = NULL;
  caller_change(reactor, CALLER_KEEP);
  MUST(!caller_wait(&callers[0], &(struct caller_plan){MS, FC_NEVER, false, false}));
  tasks[0].grace = 3 * MS;
  expected_event(&tasks[0]);
  expected_await(&tasks[0]);
  expected_event(&tasks[1]); /* now somebody polls */
  expected_await(&tasks[1]);
  MUST(!caller_wait(&callers[0], &(struct caller_plan){MS, FC_NEVER, false, false}));
  tasks[2].grace = 3 * MS;
  expected_event(&tasks[2]);
  expected_await(&tasks[2]);
  caller_change(reactor, CALLER_UNKEEP);
  fc_reactor_destroy(reactor);
}

static void *wait_to_be_woken(void *user) {
  MUST(caller_wait(user, &for_ever));
  return NULL;
}

/* So that it reads its answer with no other thread woken. Where threads are slow the other way is right too. */
static void a_caller_takes_the_threads_place(void) {
  open_tasks();
  caller_change(reactor, CALLER_KEEP);
  sched_sleep(5 * MS);
  MUST(pthread_create(&callers[0].thread, NULL, wait_to_be_woken, &callers[0]) == 0);
  sched_sleep(MS);
  MUST(node_is_polled_by(node, callers[0].thread) || sched_slow());
  while (!callers[0].waits) sched_sleep(MS);
  caller_wake(&callers[0]);
  MUST(pthread_join(callers[0].thread, NULL) == 0);
  caller_change(reactor, CALLER_UNKEEP);
  fc_reactor_destroy(reactor);
}

static void a_caller_that_comes_back_is_not_disturbed(void) {
  open_tasks();
  caller_change(reactor, CALLER_KEEP);
  for (int i = 0; i < 4; i++) {
    MUST(!caller_wait(&callers[0], &(struct caller_plan){MS, FC_NEVER, false, false}));
    sched_sleep(MS / 2);
    MUST(!node_is_polled(node) || sched_slow());
  }
  caller_change(reactor, CALLER_UNKEEP);
  fc_reactor_destroy(reactor);
}

static void the_thread_rests_without_holds(void) {
  open_tasks();
  for (enum caller_count change = CALLER_HOLD; change <= CALLER_KEEP; change += CALLER_KEEP) {
    caller_change(reactor, change);
    sched_sleep(5 * MS);
    MUST(node_is_polled(node) || sched_slow());
    caller_change(reactor, change + 1);
    sched_sleep(MS);
    MUST(!node_is_polled(node) || sched_slow());
  }
  caller_change(reactor, CALLER_KEEP); /* and waits a while before it polls for a new one */
  sched_sleep(MS);
  MUST(!node_is_polled(node) || sched_slow());
  caller_change(reactor, CALLER_UNKEEP);
  fc_reactor_destroy(reactor);
}

static void *wait_idly(void *user) {
  MUST(caller_wait(user, &(struct caller_plan){FC_NEVER, FC_NEVER, false, true}));
  return NULL;
}

static bool both_have_come(void *user) {
  (void)user;
  return callers[0].has_come && callers[1].has_come;
}

/* One that waited idly leaves polling to nobody, since it will be back and nothing is held. Then something is. */
static void a_hold_comes_while_idle_ones_sleep(void) {
  open_tasks();
  caller_change(reactor, CALLER_KEEP);
  for (int i = 0; i < 2; i++)
    MUST(pthread_create(&callers[i].thread, NULL, wait_idly, &callers[i]) == 0);
  sched_wait(
      &(struct sched_wait){.what = "lets both wait", .ready = both_have_come, .until = FC_NEVER});
  caller_wake(&callers[0]);
  MUST(pthread_join(callers[0].thread, NULL) == 0);
  caller_change(reactor, CALLER_HOLD);
  caller_change(reactor, CALLER_UNKEEP);
  tasks[0].then = NULL;
  expected_event(&tasks[0]);
  expected_await(&tasks[0]);
  caller_wake(&callers[1]);
  MUST(pthread_join(callers[1].thread, NULL) == 0);
  caller_change(reactor, CALLER_UNHOLD);
  fc_reactor_destroy(reactor);
}

/* The thread, which was about to leave polling to it, tells it first and naps then. */
static void an_idle_one_is_woken_by_the_thread(void) {
  open_tasks();
  caller_change(reactor, CALLER_KEEP);
  sched_sleep(5 * MS);
  MUST(caller_wait(&callers[0], &(struct caller_plan){FC_NEVER, FC_NEVER, true, true}));
  caller_change(reactor, CALLER_UNKEEP);
  fc_reactor_destroy(reactor);
}

/* Nor is another idle one woken to poll. */
static void an_idle_one_that_comes_back_wakes_nobody(void) {
  open_tasks();
  for (int i = 0; i < 2; i++)
    MUST(pthread_create(&callers[i].thread, NULL, wait_idly, &callers[i]) == 0);
  sched_sleep(MS);
  while (!callers[0].waits || !callers[1].waits) sched_sleep(MS);
  int polls = node_is_polled_by(node, callers[1].thread);
  caller_wake(&callers[polls]);
  MUST(pthread_join(callers[polls].thread, NULL) == 0);
  sched_sleep(MS);
  MUST(!node_is_polled(node) || sched_slow());
  caller_wake(&callers[!polls]);
  MUST(pthread_join(callers[!polls].thread, NULL) == 0);
  fc_reactor_destroy(reactor);
}

static void *wait_and_leave(void *user) {
  for (int i = 0; i < 2; i++) {
    struct caller_plan plan = {some_time(), FC_NEVER, sched_random(2), false};
    (void)caller_wait(user, &plan);
    sched_sleep(some_time());
  }
  return NULL;
}

static void holds_and_keeps_change(void) {
  int holds = 0, keeps = 0;
  open_tasks();
  for (int i = 0; i < TASKS; i++) tasks[i].then = NULL;
  MUST(pthread_create(&callers[0].thread, NULL, wait_and_leave, &callers[0]) == 0);
  for (int i = 0; i < TASKS; i++) {
    bool hold = sched_random(2);
    caller_change(reactor, hold ? CALLER_HOLD : CALLER_KEEP);
    hold ? holds++ : keeps++;
    if (sched_random(2)) sched_sleep(some_time());
    tasks[i].grace = holds > 0 ? 0 : 10 * MS;
    expected_event(&tasks[i]);
    expected_await(&tasks[i]);
    if (holds > 0 && sched_random(2)) holds--, caller_change(reactor, CALLER_UNHOLD);
    if (keeps > 0 && sched_random(2)) keeps--, caller_change(reactor, CALLER_UNKEEP);
  }
  MUST(pthread_join(callers[0].thread, NULL) == 0);
  while (holds-- > 0) caller_change(reactor, CALLER_UNHOLD);
  while (keeps-- > 0) caller_change(reactor, CALLER_UNKEEP);
  fc_reactor_destroy(reactor);
}

int main(int argc, char **argv) {
  static const struct sched_case cases[] = {
      SCHED_SMALL(two_threads_defer),
      SCHED_SMALL(while_a_caller_polls),
      SCHED_SMALL(while_the_thread_polls),
      SCHED_SMALL(a_task_waits_for_the_next),
      SCHED_SMALL(a_task_sleeps),
      SCHED_CASE(all_at_once),
      SCHED_CASE(no_thread_can_be_made),
      SCHED_SMALL(a_thread_can_be_made_later),
      SCHED_SMALL(somebody_is_there_for_holds),
      SCHED_SMALL(somebody_is_there_for_keeps),
      SCHED_SMALL(a_caller_takes_the_threads_place),
      SCHED_SMALL(a_caller_that_comes_back_is_not_disturbed),
      SCHED_SMALL(the_thread_rests_without_holds),
      SCHED_SMALL(a_hold_comes_while_idle_ones_sleep),
      SCHED_SMALL(an_idle_one_is_woken_by_the_thread),
      SCHED_SMALL(an_idle_one_that_comes_back_wakes_nobody),
      SCHED_CASE(holds_and_keeps_change),
  };
  return sched_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
