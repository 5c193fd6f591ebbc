/* One channel, many threads: blocking calls, callbacks, watches and the end, all at once. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "farcall/rpc.h"
#include "farcall/server.h"
#include "support/check.h"

enum { THREADS = 6, CALLS = 150 };

struct world {
  fc_server *server;
  fc_channel *channel;
  atomic_int ok, other, told, states;
};

static void answer(fc_call *call, void *user) {
  (void)user;
  fc_bytes *response = fc_bytes_copy("ok", 2);
  if (fc_call_respond(call, response) != FC_OK) fc_bytes_unref(response);
  fc_call_destroy(call);
}

/* So few streams that calls wait in line. */
static void open_world(struct world *w) {
  int port = 0;
  char target[64];
  fc_handler handler = FC_HANDLER_INIT;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  memset(w, 0, sizeof *w);
  handler.kind = FC_HANDLER_ASYNC;
  handler.pattern = FC_PATTERN_UNARY_UNARY;
  handler.fn = answer;
  o.max_concurrent_streams = 3;
  assert_int_equal(fc_server_create(&o, &w->server, NULL), FC_OK);
  assert_int_equal(fc_server_set_fallback(w->server, &handler, NULL), FC_OK);
  assert_int_equal(fc_server_listen(w->server, "127.0.0.1:0", &port, NULL), FC_OK);
  assert_int_equal(fc_server_start(w->server, NULL), FC_OK);
  snprintf(target, sizeof target, "127.0.0.1:%d", port);
  assert_int_equal(fc_channel_create(target, NULL, &w->channel, NULL), FC_OK);
}

static void close_world(struct world *w) {
  fc_channel_destroy(w->channel);
  fc_server_destroy(w->server);
}

static void run_threads(struct world *w, void *(*first)(void *), void *(*rest)(void *)) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, i ? rest : first, w), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static void *call_often(void *user) {
  struct world *w = user;
  for (int i = 0; i < CALLS; i++) {
    fc_bytes *response;
    fc_code code = fc_unary_unary(w->channel, "/s/m", TEXT("hello"), NULL, &response, NULL, NULL);
    fc_bytes_unref(response);
    atomic_fetch_add(code == FC_CODE_OK ? &w->ok : &w->other, 1);
  }
  return NULL;
}

static void tell(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct world *w = user;
  (void)call;
  atomic_fetch_add(status->code == FC_CODE_OK ? &w->ok : &w->other, 1);
  atomic_fetch_add(&w->told, 1);
  fc_bytes_unref(response);
}

static void *call_back(void *user) {
  struct world *w = user;
  for (int i = 0; i < CALLS; i++) {
    if (fc_unary_unary_async(w->channel, "/s/m", TEXT("hello"), NULL, tell, w, NULL, NULL))
      return NULL;
  }
  return NULL;
}

static void count_state(fc_channel *channel, fc_connectivity state, void *user) {
  struct world *w = user;
  (void)channel;
  (void)state;
  atomic_fetch_add(&w->states, 1);
}

static void *watch_often(void *user) {
  struct world *w = user;
  for (int i = 0; i < CALLS; i++) {
    fc_watch *watch;
    if (fc_channel_watch(w->channel, count_state, w, &watch) != FC_OK) return NULL;
    (void)fc_channel_state(w->channel, true);
    fc_watch_cancel(watch);
  }
  return NULL;
}

static void blocking_calls_share_a_connection(void **state) {
  (void)state;
  struct world w;
  open_world(&w);
  run_threads(&w, call_often, call_often);
  assert_int_equal(w.ok, THREADS * CALLS);
  close_world(&w);
}

static void callbacks_and_watches_go_on_beside_them(void **state) {
  (void)state;
  struct world w;
  open_world(&w);
  run_threads(&w, watch_often, call_often);
  run_threads(&w, call_often, call_back);
  while (atomic_load(&w.told) < (THREADS - 1) * CALLS) call_often(&w);
  assert_int_equal(w.other, 0);
  close_world(&w);
}

static void *close_soon(void *user) {
  struct world *w = user;
  while (atomic_load(&w->ok) < CALLS) sched_yield();
  fc_channel_close(w->channel);
  return NULL;
}

static void a_closed_channel_lets_everybody_go(void **state) {
  (void)state;
  struct world w;
  open_world(&w);
  run_threads(&w, close_soon, call_often);
  assert_int_equal(w.ok + w.other, (THREADS - 1) * CALLS);
  assert_true(w.other > 0);
  close_world(&w);
}

/* The channel goes while its calls run; the loop frees it with the last of them. */
static void calls_outlive_the_channel(void **state) {
  (void)state;
  for (int round = 0; round < 20; round++) {
    struct world w;
    fc_call *calls[8];
    open_world(&w);
    for (int i = 0; i < 8; i++) {
      assert_int_equal(fc_unary_unary_future(w.channel, "/s/m", TEXT("x"), NULL, &calls[i], NULL),
                       FC_OK);
    }
    fc_channel_destroy(w.channel);
    w.channel = NULL;
    for (int i = 0; i < 8; i++) {
      assert_int_equal(fc_call_wait(calls[i], FC_NEVER), FC_OK);
      assert_int_equal(fc_call_status(calls[i])->code, FC_CODE_OK);
      fc_call_destroy(calls[i]);
    }
    close_world(&w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocking_calls_share_a_connection),
      cmocka_unit_test(callbacks_and_watches_go_on_beside_them),
      cmocka_unit_test(a_closed_channel_lets_everybody_go),
      cmocka_unit_test(calls_outlive_the_channel),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
