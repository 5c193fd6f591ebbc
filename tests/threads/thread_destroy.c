/*
 * Destroying beside use: a channel, a call, a watch or a server goes by one thread while others are inside of it, or
 * while the library's thread runs their callbacks. Calls end once, callbacks do not come after they were cancelled,
 * memory goes.
 */
#include <string.h>

#include "threads/caller.h"
#include "threads/pair.h"

#define MS FC_MILLISECOND

static struct pair pair;

static int64_t some_time(void) { return (int64_t)sched_random(8) * MS / 2; }

static void start(pthread_t *thread, void *(*run)(void *), void *user) {
  MUST(pthread_create(thread, NULL, run, user) == 0);
}

static void join(pthread_t thread) { MUST(pthread_join(thread, NULL) == 0); }

/* ---- channels and calls ---- */

static bool is_an_end(fc_code code) {
  return code == FC_CODE_OK || code == FC_CODE_CANCELLED || code == FC_CODE_UNAVAILABLE;
}

static void *call_some(void *user) {
  (void)user;
  for (int i = 0; i < 2; i++)
    MUST(is_an_end(pair_call(&pair, "/t/Answer", "x", 0, sched_now() + 200 * MS)));
  return NULL;
}

static void *close_channel(void *user) {
  (void)user;
  if (sched_random(2)) sched_sleep(some_time());
  fc_channel_close(pair.channel);
  return NULL;
}

static void a_channel_closes_beside_calls(void) {
  pthread_t caller, closer;
  pair_open(&pair, NULL);
  start(&caller, call_some, NULL);
  start(&closer, close_channel, NULL);
  join(caller);
  join(closer);
  pair_close(&pair);
}

static fc_call *future(void) {
  fc_call *call;
  MUST(fc_unary_unary_future(pair.channel, "/t/Work", fc_slice_from_string("x"), NULL, &call,
                             NULL) == FC_OK);
  return call;
}

/* The channel goes first; the call lives on and ends. */
static void *wait_and_destroy(void *call) {
  struct sched_promise promise = {.what = NULL};
  sched_promise(&promise, "a call ends", sched_now() + 200 * MS);
  MUST(fc_call_wait(call, FC_NEVER) == FC_OK);
  sched_kept(&promise);
  MUST(is_an_end(fc_call_status(call)->code));
  fc_call_destroy(call);
  return NULL;
}

static void a_channel_goes_before_its_call(void) {
  pthread_t caller;
  pair_open(&pair, NULL);
  start(&caller, wait_and_destroy, future());
  fc_channel_destroy(pair.channel);
  pair.channel = NULL;
  join(caller);
  pair_close(&pair);
}

static int done_count;

static void count_done(fc_call *call, void *user) {
  (void)call;
  MUST(user == &done_count);
  done_count++;
}

static bool is_done(void *user) { return *(int *)user > 0; }

static void *cancel_it(void *call) {
  fc_call_cancel(call, FC_CODE_CANCELLED, "by another thread");
  return NULL;
}

/* Cancelled by one, ended by the network, given back by a third: told once. */
static void a_call_ends_once(void) {
  struct sched_promise promise = {.what = NULL};
  pthread_t canceller;
  pair_open(&pair, NULL);
  done_count = 0;
  fc_call *call = future();
  if (fc_call_on_done(call, count_done, &done_count) != FC_OK)
    done_count++; /* it is over already */
  sched_promise(&promise, "the end of a call is told", sched_now() + 200 * MS);
  start(&canceller, cancel_it, call);
  if (sched_random(2)) sched_sleep(some_time());
  join(canceller);
  fc_call_destroy(call);
  sched_wait(&(struct sched_wait){.what = "waits for the end of a call",
                                  .ready = is_done,
                                  .user = &done_count,
                                  .until = FC_NEVER});
  sched_kept(&promise);
  pair_close(&pair);
  MUST(done_count == 1);
}

/* ---- watches ---- */

static fc_watch *watch;
static bool cancelled, watching;
static int64_t watch_takes;

static void watched(fc_channel *channel, fc_connectivity state, void *user) {
  (void)channel;
  (void)state;
  (void)user;
  MUST(!cancelled && !watching);
  watching = true;
  sched_point("is inside of a watch's callback");
  if (watch_takes > 0) sched_sleep(watch_takes);
  watching = false;
}

static void begin_watch(void) {
  pair_open(&pair, NULL);
  cancelled = watching = false;
  watch_takes = sched_random(2) ? some_time() : 0;
  MUST(fc_channel_watch(pair.channel, watched, NULL, &watch) == FC_OK);
}

static void *cancel_watch(void *user) {
  struct sched_promise promise = {.what = NULL};
  (void)user;
  sched_promise(&promise, "a watch is cancelled", sched_now() + 2 * watch_takes);
  fc_watch_cancel(watch);
  cancelled = true;
  sched_kept(&promise);
  MUST(!watching);
  return NULL;
}

static void a_watch_is_cancelled_while_it_runs(void) {
  pthread_t canceller;
  begin_watch();
  start(&canceller, cancel_watch, NULL);
  (void)fc_channel_state(pair.channel, true);
  join(canceller);
  pair_close(&pair);
}

static bool is_watching(void *user) {
  (void)user;
  return watching;
}

static bool two_wait(void *user) {
  int count = 0;
  const struct fc__node *waits = user;
  for (const struct fc__node *n = waits->next; n != waits; n = n->next) count++;
  return count == 2;
}

static void until_two_wait(fc_channel *channel, fc_connectivity state, void *user) {
  (void)channel;
  (void)state;
  watching = true;
  sched_wait(&(struct sched_wait){
      .what = "lets both wait", .ready = two_wait, .user = user, .until = FC_NEVER});
  watching = false;
}

static void *cancel_too(void *user) {
  (void)user;
  fc_watch_cancel(watch);
  MUST(!watching);
  return NULL;
}

/* Each waits for the callback, and the last frees the watch. */
static void two_cancel_a_watch_while_it_runs(void) {
  pthread_t cancellers[2];
  pair_open(&pair, NULL);
  watching = false;
  struct fc__node *waits = &pair.client_reactor->waits;
  MUST(fc_channel_watch(pair.channel, until_two_wait, waits, &watch) == FC_OK);
  sched_wait(&(struct sched_wait){
      .what = "waits for the callback", .ready = is_watching, .until = FC_NEVER});
  for (int i = 0; i < 2; i++) start(&cancellers[i], cancel_too, NULL);
  for (int i = 0; i < 2; i++) join(cancellers[i]);
  pair_close(&pair);
}

static void a_channel_goes_with_its_watch(void) {
  pthread_t canceller;
  begin_watch();
  start(&canceller, cancel_watch, NULL);
  if (sched_random(2)) (void)fc_channel_state(pair.channel, true);
  fc_channel_destroy(pair.channel);
  pair.channel = NULL;
  join(canceller);
  pair_close(&pair);
}

/* ---- servers ---- */

static void *call_any(void *user) {
  (void)user;
  for (int i = 0; i < 3; i++) {
    (void)pair_call(&pair, sched_random(2) ? "/t/Work" : "/t/Answer",
                    sched_random(2) ? "x" : "slow", 15 * MS, sched_now() + 15 * MS);
  }
  return NULL;
}

static void a_server_goes_beside_calls(void) {
  pthread_t client;
  pair_open(&pair, NULL);
  start(&client, call_any, NULL);
  if (sched_random(2)) sched_sleep(some_time());
  if (sched_random(2)) MUST(fc_server_shutdown(pair.server, some_time()) == FC_OK);
  fc_server_destroy(pair.server);
  pair.server = NULL;
  join(client);
  pair_close(&pair);
}

static void *wait_for_the_end(void *user) {
  struct sched_promise promise = {.what = NULL};
  int64_t timeout = sched_random(2) ? FC_NEVER : 10 * MS;
  (void)user;
  if (timeout != FC_NEVER) sched_promise(&promise, "fc_server_wait returns", sched_now() + timeout);
  fc_result r = fc_server_wait(pair.server, timeout);
  if (timeout != FC_NEVER) sched_kept(&promise);
  MUST(r == FC_OK || (r == FC_ERR_TIMEOUT && timeout != FC_NEVER));
  return NULL;
}

static void a_server_is_shut_down_by_two(void) {
  struct sched_promise promise = {.what = NULL};
  pthread_t client, waiter;
  pair_open(&pair, NULL);
  start(&client, call_any, NULL);
  start(&waiter, wait_for_the_end, NULL);
  sched_sleep(some_time());
  MUST(fc_server_shutdown(pair.server, 5 * MS) == FC_OK);
  MUST(fc_server_shutdown(pair.server, some_time()) == FC_OK);
  sched_promise(&promise, "a server has shut down", sched_now() + 10 * MS + pair_slow);
  MUST(fc_server_wait(pair.server, FC_NEVER) == FC_OK);
  sched_kept(&promise);
  join(waiter);
  join(client);
  pair_close(&pair);
}

static bool server_gone;

static void destroy_it(fc_server *server, void *user) {
  (void)user;
  fc_server_destroy(server);
  server_gone = true;
}

static bool is_gone(void *user) { return *(bool *)user; }

static void the_end_destroys_the_server(void) {
  struct sched_promise promise = {.what = NULL};
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.on_end = destroy_it;
  server_gone = false;
  pair_open(&pair, &o);
  (void)pair_call(&pair, "/t/Answer", "x", 0, sched_now());
  fc_server *server = pair.server;
  pair.server = NULL;
  sched_promise(&promise, "the end of a server is told", sched_now() + 10 * MS);
  MUST(fc_server_shutdown(server, 0) == FC_OK);
  sched_wait(&(struct sched_wait){.what = "waits for the end of a server",
                                  .ready = is_gone,
                                  .user = &server_gone,
                                  .until = FC_NEVER});
  sched_kept(&promise);
  pair_close(&pair);
}

/* ---- reactors ---- */

static struct expected last_task;
static bool in_last_task;

static void then_take_long(struct expected *e) {
  (void)e;
  in_last_task = true;
  sched_sleep(MS);
  in_last_task = false;
}

static void a_reactor_goes_while_a_task_runs(void) {
  fc_reactor *reactor;
  struct node *node = node_open(FC_REACTOR_AUTO, &reactor);
  expected_init(&last_task, node, reactor, "a task");
  last_task.then = then_take_long;
  expected_task(&last_task);
  expected_await(&last_task);
  fc_reactor_destroy(reactor);
  while (in_last_task) sched_sleep(MS);
}

static void then_drop_the_last_reference(struct expected *e) {
  fc_reactor_destroy(fc__reactor_from_loop(e->loop));
}

static void a_reactor_goes_by_its_own_thread(void) {
  fc_reactor *reactor;
  struct node *node = node_open(FC_REACTOR_AUTO, &reactor);
  expected_init(&last_task, node, reactor, "a task");
  last_task.then = then_drop_the_last_reference;
  expected_task(&last_task);
  expected_await(&last_task);
}

static void *wait_1_ms(void *caller) {
  (void)caller_wait(caller, &(struct caller_plan){MS, FC_NEVER, false, false});
  fc_reactor_destroy(fc__reactor_from_loop(((struct caller *)caller)->loop));
  return NULL;
}

/* Each of two callers has a reference; the thread that polls in the background has none. */
static void two_callers_leave_a_reactor(void) {
  fc_reactor *reactor;
  static struct caller callers[2];
  struct node *node = node_open(FC_REACTOR_AUTO, &reactor);
  fc__reactor_ref(reactor);
  caller_change(reactor, CALLER_KEEP);
  caller_change(reactor, CALLER_UNKEEP);
  for (int i = 0; i < 2; i++) {
    caller_init(&callers[i], node, reactor, "a caller comes back");
    start(&callers[i].thread, wait_1_ms, &callers[i]);
  }
  for (int i = 0; i < 2; i++) join(callers[i].thread);
}

/* In a turn of the host, which is not over then. */
static void a_reactor_goes_by_its_host(void) {
  fc_reactor *reactor;
  struct node *node = node_open(FC_REACTOR_HOST, &reactor);
  expected_init(&last_task, node, reactor, "a task");
  last_task.then = then_drop_the_last_reference;
  expected_task(&last_task);
  MUST(fc_reactor_dispatch(reactor) == FC_OK);
  MUST(last_task.happened);
}

static void *use_the_default(void *user) {
  (void)user;
  for (int i = 0; i < 2; i++) {
    fc_reactor *reactor = fc__reactor_default(NULL);
    MUST(reactor != NULL && fc_reactor_timeout(reactor) == FC_NEVER);
    fc_reactor_destroy(reactor);
  }
  return NULL;
}

/* The process's own: made anew when the last one is on its way out. */
static void the_default_reactor_goes_and_comes(void) {
  pthread_t other;
  start(&other, use_the_default, NULL);
  use_the_default(NULL);
  join(other);
}

int main(int argc, char **argv) {
  static const struct sched_case cases[] = {
      SCHED_CASE(a_channel_closes_beside_calls),
      SCHED_CASE(a_channel_goes_before_its_call),
      SCHED_CASE(a_call_ends_once),
      SCHED_SMALL(a_watch_is_cancelled_while_it_runs),
      SCHED_SMALL(two_cancel_a_watch_while_it_runs),
      SCHED_CASE(a_channel_goes_with_its_watch),
      SCHED_CASE(the_end_destroys_the_server),
      SCHED_CASE(a_server_goes_beside_calls),
      SCHED_CASE(a_server_is_shut_down_by_two),
      SCHED_SMALL(a_reactor_goes_while_a_task_runs),
      SCHED_SMALL(a_reactor_goes_by_its_own_thread),
      SCHED_CASE(a_reactor_goes_by_its_host),
      SCHED_SMALL(the_default_reactor_goes_and_comes),
      SCHED_SMALL(two_callers_leave_a_reactor),
  };
  return sched_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
