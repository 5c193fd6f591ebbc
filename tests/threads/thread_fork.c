/*
 * A fork at any moment, while other threads are inside of the reactor: wait, poll, run tasks, call. The child has the
 * forking thread alone; what it does on the same reactor and channel goes as in a fresh process, and the parent
 * notices nothing.
 */
#include <string.h>

#include "server/server.h"
#include "threads/caller.h"
#include "threads/pair.h"

#define MS FC_MILLISECOND

enum { CALLERS = 2, TASKS = 3 };

static struct node *node;
static fc_reactor *reactor;
static struct caller callers[CALLERS], forker;
static struct expected tasks[TASKS], later;
static int lost;

static int64_t some_time(void) { return (int64_t)sched_random(6) * MS / 2; }

static void note_loss(struct fc__waiter *waiter) {
  (void)waiter;
  lost++;
}

static void open_reactor(void) {
  static const char *const what[] = {"task 1", "task 2", "task 3"};
  node = node_open(FC_REACTOR_AUTO, &reactor);
  lost = 0;
  for (int i = 0; i < CALLERS; i++) {
    caller_init(&callers[i], node, reactor, "a caller comes back");
    callers[i].lost = note_loss;
  }
  for (int i = 0; i < TASKS; i++) expected_init(&tasks[i], node, reactor, what[i]);
  caller_init(&forker, node, reactor, "the thread that forks comes back");
  expected_init(&later, node, reactor, "what the child expects");
}

static void start(int i, void *(*run)(void *)) {
  MUST(pthread_create(&callers[i].thread, NULL, run, &callers[i]) == 0);
}

static void join_all(int count) {
  for (int i = 0; i < count; i++) MUST(pthread_join(callers[i].thread, NULL) == 0);
}

/* ---- in the child ---- */

static void expect(void (*by)(struct expected *e)) {
  expected_init(&later, node, reactor, "what the child expects");
  by(&later);
  expected_await(&later);
}

/* Only the forking thread waits, polls, runs; a thread for what is deferred can be made. */
static void use_all(void *user) {
  (void)user;
  int waited = callers[0].waits + callers[1].waits;
  MUST(lost >= waited && lost <= CALLERS);
  MUST(!caller_wait(&forker, &(struct caller_plan){MS, FC_NEVER, false, false}));
  MUST(caller_wait(&forker, &(struct caller_plan){FC_NEVER, MS, false, false}));
  MUST(caller_wait(&forker, &(struct caller_plan){FC_NEVER, FC_NEVER, true, false}));
  expect(expected_task);
  caller_change(reactor, CALLER_HOLD);
  expect(expected_event);
  caller_change(reactor, CALLER_UNHOLD);
}

/* ---- beside callers ---- */

static void *wait_1_ms(void *user) {
  (void)caller_wait(user, &(struct caller_plan){MS, FC_NEVER, false, false});
  return NULL;
}

static void while_one_polls(void) {
  open_reactor();
  start(0, wait_1_ms);
  sched_fork(use_all, NULL);
  join_all(1);
  fc_reactor_destroy(reactor);
}

static void *wait_by_chance(void *user) {
  for (int i = 0; i < 2; i++) {
    struct caller_plan plan = {some_time(), FC_NEVER, sched_random(3) == 0, sched_random(3) == 0};
    (void)caller_wait(user, &plan);
  }
  return NULL;
}

static void while_some_wait(void) {
  open_reactor();
  bool hold = sched_random(2), keep = !hold && sched_random(2);
  for (int i = 0; i < CALLERS; i++) callers[i].grace = 10 * MS; /* of those that wait idly */
  if (hold) caller_change(reactor, CALLER_HOLD);
  if (keep) caller_change(reactor, CALLER_KEEP);
  for (int i = 0; i < CALLERS; i++) start(i, wait_by_chance);
  if (sched_random(2)) sched_sleep(some_time());
  sched_fork(use_all, NULL);
  join_all(CALLERS);
  if (hold) caller_change(reactor, CALLER_UNHOLD);
  if (keep) caller_change(reactor, CALLER_UNKEEP);
  fc_reactor_destroy(reactor);
}

/* ---- beside tasks ---- */

static void defer_first(int count) {
  fc__loop_lock(tasks[0].loop);
  for (int i = 0; i < count; i++) expected_task_locked(&tasks[i]);
  fc__loop_unlock(tasks[0].loop);
}

/* All tasks but the one that another thread was inside of run in the child. */
static void tasks_go_on(void *user) {
  int happened = 0;
  (void)user;
  MUST(!reactor->runner_sleeper); /* a thread that slept inside of a task was the parent's */
  expect(expected_task);
  for (int i = 0; i < TASKS; i++) happened += tasks[i].happened;
  MUST(happened == TASKS);
}

static ptrdiff_t last_begun;

static void in_order(struct expected *e) {
  MUST(e - tasks > last_begun);
  last_begun = e - tasks;
}

static void then_stay(struct expected *e) {
  in_order(e);
  sched_point("is inside of a task");
}

static void then_wait(struct expected *e) {
  in_order(e);
  (void)caller_wait(&callers[0], &(struct caller_plan){MS, FC_NEVER, false, false});
}

static void while_tasks_run(void) {
  open_reactor();
  for (int i = 0; i < TASKS; i++) tasks[i].then = then_stay;
  if (sched_random(2)) tasks[0].then = then_wait;
  last_begun = -1;
  defer_first(2); /* the third comes while these run, or before */
  expected_task(&tasks[2]);
  sched_fork(tasks_go_on, NULL);
  for (int i = 0; i < TASKS; i++) expected_await(&tasks[i]);
  fc_reactor_destroy(reactor);
}

/* A thread that is inside of a task runs those behind it while it waits. */
static void tasks_go_on_here(void *user) {
  (void)user;
  expected_task(&later);
  MUST(!caller_wait(&forker, &(struct caller_plan){MS, FC_NEVER, false, false}));
  MUST(tasks[2].happened && later.happened);
}

static bool has_forked;

static void then_fork(struct expected *e) {
  (void)e;
  sched_fork(tasks_go_on_here, NULL);
  has_forked = true;
}

static void by_a_task(void) {
  open_reactor();
  has_forked = false;
  tasks[1].then = then_fork;
  defer_first(TASKS);
  for (int i = 0; i < TASKS; i++) expected_await(&tasks[i]);
  while (!has_forked) sched_sleep(MS);
  fc_reactor_destroy(reactor);
}

/* ---- with a host ---- */

static void turn_once(void *user) {
  (void)user;
  MUST(fc_reactor_dispatch(reactor) == FC_OK);
  expected_init(&later, node, reactor, "what the child expects");
  expected_task(&later);
  while (!later.happened) MUST(node_host_turn(node, reactor, FC_NEVER) == FC_OK);
}

static void of_a_host(void) {
  node = node_open(FC_REACTOR_HOST, &reactor);
  caller_init(&callers[0], node, reactor, "a caller comes back");
  start(0, wait_1_ms);
  sched_fork(turn_once, NULL);
  join_all(1);
  fc_reactor_destroy(reactor);
}

static void own_wait_stays(void *user) {
  (void)user;
  MUST(lost == 0);
  MUST(!caller_wait(&forker, &(struct caller_plan){MS, FC_NEVER, false, false}));
}

static void then_fork_while_waiting(struct expected *e) {
  (void)e;
  sched_fork(own_wait_stays, NULL);
}

/* A blocked caller runs the host's tasks, so that the one that forks is inside of a wait. */
static void by_a_caller(void) {
  node = node_open(FC_REACTOR_HOST, &reactor);
  lost = 0;
  caller_init(&callers[0], node, reactor, "a caller comes back");
  caller_init(&forker, node, reactor, "the thread that forks comes back");
  callers[0].lost = note_loss;
  expected_init(&tasks[0], node, reactor, "a task");
  tasks[0].then = then_fork_while_waiting;
  expected_task(&tasks[0]);
  MUST(!caller_wait(&callers[0], &(struct caller_plan){MS, FC_NEVER, false, false}));
  MUST(tasks[0].happened);
  fc_reactor_destroy(reactor);
}

/* ---- with a channel ---- */

static struct pair pair;

/* The child's server is another one: the parent's has lost its listener. */
static void call_again(void *user) {
  struct pair own = {.channel = pair.channel, .client_node = pair.client_node};
  (void)user;
  pair_open_server(&own, NULL);
  MUST(pair_call(&own, "/t/Answer", "x", 0, sched_now()) == FC_CODE_OK);
  MUST(pair_call(&own, "/t/Work", "x", 0, sched_now()) == FC_CODE_OK);
  pair_close(&own);
}

static void *call_some(void *user) {
  (void)user;
  for (int i = 0; i < 2; i++) {
    MUST(pair_call(&pair, sched_random(2) ? "/t/Answer" : "/t/Work", sched_random(2) ? "x" : "slow",
                   0, sched_now() + 200 * MS) == FC_CODE_OK);
  }
  return NULL;
}

static void while_another_calls(void) {
  pthread_t client;
  pair_open(&pair, NULL);
  MUST(pthread_create(&client, NULL, call_some, NULL) == 0);
  if (sched_random(2)) sched_sleep(some_time());
  sched_fork(call_again, NULL);
  MUST(pthread_join(client, NULL) == 0);
  pair_close(&pair);
}

static void *take_all(void *user) {
  fc_call *call;
  (void)user;
  while (fc_server_await(pair.server, 0, FC_NEVER) == FC_OK) {
    unsigned flags = FC_TAKE_SENT_FOR;
    for (; fc_server_take(pair.server, 0, flags, &call, NULL) == FC_OK; flags = 0) {
      pair_answer(&pair, call);
      fc_call_destroy(call);
    }
  }
  return NULL;
}

/* Threads that wait for calls, for the end, and workers are the parent's: the child's server can go. */
static void end_server(void *user) {
  struct sched_promise promise = {.what = NULL};
  (void)user;
  MUST(fc__list_empty(&pair.server->shards[0].waiters));
  MUST(fc__list_empty(&pair.server->queues[0].takers));
  sched_promise(&promise, "the child's server goes", sched_now() + 10 * MS);
  MUST(fc_server_await(pair.server, 0, MS) != FC_ERR_INVALID);
  MUST(fc_server_shutdown(pair.server, 0) == FC_OK);
  sched_kept(&promise);
}

static void *wait_for_the_end(void *user) {
  (void)user;
  MUST(fc_server_wait(pair.server, FC_NEVER) == FC_OK);
  return NULL;
}

static void while_threads_take(void) {
  pthread_t taker, waiter, client;
  pair_open(&pair, NULL);
  MUST(pthread_create(&taker, NULL, take_all, NULL) == 0);
  MUST(pthread_create(&waiter, NULL, wait_for_the_end, NULL) == 0);
  MUST(pthread_create(&client, NULL, call_some, NULL) == 0);
  sched_fork(end_server, NULL);
  MUST(pthread_join(client, NULL) == 0);
  MUST(pair_call(&pair, "/t/Take", "x", 0, sched_now() + 10 * MS) == FC_CODE_OK);
  MUST(fc_server_shutdown(pair.server, 0) == FC_OK);
  MUST(pthread_join(taker, NULL) == 0);
  MUST(pthread_join(waiter, NULL) == 0);
  pair_close(&pair);
}

int main(int argc, char **argv) {
  static const struct sched_case cases[] = {
      SCHED_SMALL(while_one_polls),    SCHED_CASE(while_some_wait),    SCHED_CASE(while_tasks_run),
      SCHED_SMALL(by_a_task),          SCHED_SMALL(of_a_host),         SCHED_SMALL(by_a_caller),
      SCHED_CASE(while_another_calls), SCHED_CASE(while_threads_take),
  };
  return sched_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
