/*
 * Threads of the application that take a server's calls: a call is taken at once while one of them waits, or one is
 * asked for; who leaves by timeout leaves no call behind; and while they are away the server's connections are
 * attended.
 */
#include "threads/pair.h"

#define MS FC_MILLISECOND

enum { TAKERS = 3, CLIENTS = 2, CALLS = 3 };

static struct pair pair;
static pthread_t takers[TAKERS], clients[CLIENTS];
static int taker_count, asked_for, gone;
static int on_way; /* threads that were sent for and have not come: at most one */
static bool closing;

static int64_t soon(void) { return sched_now() + 500 * MS; } /* all handlers may be slow */

/* ---- those who take ---- */

static void take_all(unsigned flags) {
  fc_call *call;
  on_way -= flags & FC_TAKE_SENT_FOR;
  while (fc_server_take(pair.server, 0, flags, &call, NULL) == FC_OK) {
    pair_answer(&pair, call);
    fc_call_destroy(call);
    flags = 0;
  }
}

static fc_result await(int64_t timeout) {
  struct sched_promise promise = {.what = NULL};
  int64_t now = sched_now();
  sched_promise(&promise, "a thread that takes calls comes back",
                timeout == FC_NEVER ? FC_NEVER : now + timeout);
  fc_result r = fc_server_await(pair.server, 0, timeout);
  sched_kept(&promise);
  sched_note("fc_server_await: %d", (int)r);
  if (r == FC_OK) MUST(++on_way == 1);
  return r;
}

/* One that was sent for may leave the call to another one. */
static bool leaves_it(void) {
  if (sched_random(8) > 0) return false;
  on_way--;
  MUST(fc_server_take(pair.server, 0, FC_TAKE_SENT_FOR | FC_TAKE_NOTHING, NULL, NULL) ==
       FC_ERR_TIMEOUT);
  return true;
}

static void *take_for_ever(void *user) {
  fc_result r = FC_OK;
  (void)user;
  while (r != FC_ERR_CLOSED) {
    r = await(sched_random(2) ? (int64_t)sched_random(5) * MS / 2 : FC_NEVER);
    if (r == FC_OK && !leaves_it()) take_all(FC_TAKE_SENT_FOR);
    if (r == FC_ERR_TIMEOUT && sched_random(4) == 0) sched_sleep((int64_t)sched_random(3) * MS);
  }
  return NULL;
}

static void *take_simply(void *user) {
  (void)user;
  while (await(FC_NEVER) == FC_OK) take_all(FC_TAKE_SENT_FOR);
  return NULL;
}

static void start_takers(int count, void *(*run)(void *)) {
  on_way = 0;
  taker_count = count;
  for (int i = 0; i < count; i++) MUST(pthread_create(&takers[i], NULL, run, NULL) == 0);
}

/* They must all be told of the end at once. */
static void close_all(void) {
  struct sched_promise promise = {.what = NULL};
  MUST(fc_server_shutdown(pair.server, 0) == FC_OK);
  sched_promise(&promise, "threads that take calls end", sched_now() + 5 * pair_slow);
  for (int i = 0; i < taker_count; i++) MUST(pthread_join(takers[i], NULL) == 0);
  sched_kept(&promise);
  MUST(fc_server_wait(pair.server, FC_NEVER) == FC_OK);
  pair_close(&pair);
}

/* ---- in small ---- */

static void one_takes_one_call(void) {
  pair_open(&pair, NULL);
  start_takers(1, take_simply);
  MUST(pair_call(&pair, "/t/Take", "x", 0, soon()) == FC_CODE_OK);
  close_all();
}

static void *call_once(void *user) {
  MUST(pair_call(&pair, "/t/Take", user, 0, soon()) == FC_CODE_OK);
  return NULL;
}

static void *call_slowly(void *user) {
  (void)user;
  MUST(pair_call(&pair, "/t/Take", "slow", 0, sched_now() + pair_slow + 10 * MS) == FC_CODE_OK);
  return NULL;
}

/* Each by its own thread: a slow one holds up nobody. */
static void two_take_two_calls(void) {
  pair_open(&pair, NULL);
  start_takers(2, take_simply);
  MUST(pthread_create(&clients[0], NULL, call_slowly, NULL) == 0);
  MUST(pair_call(&pair, "/t/Take", "x", 0, sched_now() + 10 * MS) == FC_CODE_OK);
  MUST(pthread_join(clients[0], NULL) == 0);
  close_all();
}

/* One of them is enough for the call that waits already. */
static void two_come_to_one_call(void) {
  pair_open(&pair, NULL);
  MUST(pthread_create(&clients[0], NULL, call_once, "x") == 0);
  sched_sleep(MS);
  start_takers(2, take_simply);
  MUST(pthread_join(clients[0], NULL) == 0);
  close_all();
}

/* ---- by chance ---- */

static void *call_by_chance(void *user) {
  (void)user;
  for (int i = 0; i < CALLS; i++) {
    int64_t timeout = sched_random(4) == 0 ? (int64_t)(1 + sched_random(3)) * MS : 0;
    fc_code code =
        pair_call(&pair, sched_random(4) ? "/t/Take" : "/t/Answer", sched_random(4) ? "x" : "slow",
                  timeout, timeout ? sched_now() + timeout : soon());
    MUST(code == FC_CODE_OK || (timeout && code == FC_CODE_DEADLINE_EXCEEDED));
    if (sched_random(4) == 0) sched_sleep((int64_t)sched_random(5) * MS);
  }
  return NULL;
}

static void call_all(void) {
  int count = 1 + (int)sched_random(CLIENTS);
  for (int i = 0; i < count; i++)
    MUST(pthread_create(&clients[i], NULL, call_by_chance, NULL) == 0);
  for (int i = 0; i < count; i++) MUST(pthread_join(clients[i], NULL) == 0);
}

static void several_take(void) {
  pair_open(&pair, NULL);
  start_takers(1 + (int)sched_random(TAKERS), take_for_ever);
  call_all();
  close_all();
}

/* Handlers that are over soon let the server believe that they will be; then one is slow. */
static void quick_ones_before_a_slow_one(void) {
  pair_open(&pair, NULL);
  start_takers(1 + (int)sched_random(2), take_simply);
  for (int i = 0; i < 6; i++) call_once("x");
  MUST(pthread_create(&clients[0], NULL, call_once, "slow") == 0);
  if (sched_random(2)) sched_sleep(MS);
  MUST(pair_call(&pair, "/t/Answer", "x", 0, sched_now() + 10 * MS) == FC_CODE_OK);
  call_once("x");
  MUST(pthread_join(clients[0], NULL) == 0);
  close_all();
}

static void *take_until_a_timeout(void *user) {
  (void)user;
  while (await(MS) == FC_OK) take_all(FC_TAKE_SENT_FOR);
  return NULL;
}

/* Then nobody will be back soon: the library's thread is needed at once. */
static void the_last_one_leaves(void) {
  pair_open(&pair, NULL);
  start_takers(1, take_until_a_timeout);
  for (int i = 0; i < 6; i++) {
    fc_code code = pair_call(&pair, "/t/Take", "x", MS, sched_now() + MS);
    MUST(code == FC_CODE_OK || code == FC_CODE_DEADLINE_EXCEEDED); /* it has left */
  }
  MUST(pthread_join(takers[0], NULL) == 0);
  taker_count = 0;
  MUST(pair_call(&pair, "/t/Answer", "x", 0, sched_now()) == FC_CODE_OK);
  close_all();
}

/* ---- threads that are asked for ---- */

static void *take_and_end(void *user) {
  (void)user;
  take_all(FC_TAKE_SENT_FOR);
  gone++;
  return NULL;
}

static bool all_are_gone(void *user) {
  (void)user;
  return gone == asked_for;
}

static void one_is_asked_for(fc_server *server, uint32_t queue, void *user) {
  pthread_t thread;
  (void)user;
  MUST(server == pair.server && queue == 0);
  if (closing) return;
  MUST(++on_way == 1);
  asked_for++;
  MUST(pthread_create(&thread, NULL, take_and_end, NULL) == 0);
  MUST(pthread_detach(thread) == 0);
}

static void threads_come_when_asked_for(void) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.on_untaken = one_is_asked_for;
  asked_for = gone = 0;
  closing = false;
  pair_open(&pair, &o);
  start_takers((int)sched_random(2), take_for_ever);
  call_all();
  closing = true;
  sched_wait(&(struct sched_wait){
      .what = "lets those go who were asked for", .ready = all_are_gone, .until = FC_NEVER});
  close_all();
}

int main(int argc, char **argv) {
  static const struct sched_case cases[] = {
      SCHED_SMALL(one_takes_one_call),          SCHED_SMALL(two_take_two_calls),
      SCHED_SMALL(two_come_to_one_call),        SCHED_CASE(several_take),
      SCHED_CASE(quick_ones_before_a_slow_one), SCHED_CASE(the_last_one_leaves),
      SCHED_CASE(threads_come_when_asked_for),
  };
  return sched_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
