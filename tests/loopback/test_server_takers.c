/* Threads of the application that take calls, on real sockets: they poll by themselves, and a call that comes while all of
 * them are away is not forgotten. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>

#include "farcall/rpc.h"
#include "farcall/server_take.h"
#include "support/check.h"

enum { TAKERS = 3, CLIENTS = 4, CALLS = 300 };

struct world {
  fc_server *server;
  fc_channel *channel;
  pthread_t takers[TAKERS];
  atomic_int taken, busy, most;
  sem_t open, begun; /* of handlers that wait */
};

static const char wait_method[] = "/t/Wait";

/* ---- takers ---- */

static void answer(struct world *w, fc_call *call) {
  fc_bytes *request;
  int now = atomic_fetch_add(&w->busy, 1) + 1, seen = atomic_load(&w->most);
  while (now > seen && !atomic_compare_exchange_weak(&w->most, &seen, now)) continue;
  atomic_fetch_add(&w->taken, 1);
  if (strcmp(fc_call_method(call), wait_method) == 0) {
    sem_post(&w->begun);
    sem_wait(&w->open);
  }
  if (fc_call_recv(call, &request) == FC_OK && fc_call_respond(call, request) != FC_OK)
    fc_bytes_unref(request);
  atomic_fetch_sub(&w->busy, 1);
  fc_call_destroy(call);
}

/* Until the server is shut down. */
static void *take_all(void *user) {
  struct world *w = user;
  for (;;) {
    fc_call *call;
    fc_result r = fc_server_await(w->server, 0, FC_NEVER);
    if (r == FC_ERR_CLOSED) return NULL;
    assert_int_equal(r, FC_OK);
    unsigned flags = FC_TAKE_SENT_FOR;
    while (fc_server_take(w->server, 0, flags, &call, NULL) == FC_OK) {
      answer(w, call);
      flags = 0;
    }
  }
}

/* ---- the world ---- */

static void start_server(struct world *w, int *port) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  fc_handler h = FC_HANDLER_INIT;
  fc_error err = FC_ERROR_INIT;
  h.kind = FC_HANDLER_TAKEN;
  h.pattern = FC_PATTERN_UNARY_UNARY;
  assert_int_equal(fc_server_create(&o, &w->server, &err), FC_OK);
  assert_int_equal(fc_server_register(w->server, "/t/Answer", &h, &err), FC_OK);
  assert_int_equal(fc_server_register(w->server, wait_method, &h, &err), FC_OK);
  assert_int_equal(fc_server_listen(w->server, "127.0.0.1:0", port, &err), FC_OK);
  assert_int_equal(fc_server_start(w->server, &err), FC_OK);
}

static void open_world(struct world *w, int takers) {
  int port;
  char target[32];
  memset(w, 0, sizeof *w);
  sem_init(&w->open, 0, 0);
  sem_init(&w->begun, 0, 0);
  start_server(w, &port);
  snprintf(target, sizeof target, "127.0.0.1:%d", port);
  assert_int_equal(fc_channel_create(target, NULL, &w->channel, NULL), FC_OK);
  for (int i = 0; i < takers; i++)
    assert_int_equal(pthread_create(&w->takers[i], NULL, take_all, w), 0);
}

static void close_world(struct world *w, int takers) {
  assert_int_equal(fc_server_shutdown(w->server, 0), FC_OK);
  for (int i = 0; i < takers; i++) pthread_join(w->takers[i], NULL);
  fc_channel_destroy(w->channel);
  fc_server_destroy(w->server);
  sem_destroy(&w->open);
  sem_destroy(&w->begun);
}

static void call_once(struct world *w) {
  fc_bytes *response;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_error err = FC_ERROR_INIT;
  o.timeout_ns = 20 * FC_SECOND;
  fc_code code = fc_unary_unary(w->channel, "/t/Answer", fc_slice_from_string("question"), &o,
                                &response, NULL, &err);
  if (code != FC_CODE_OK) fail_msg("%s: %s", fc_code_name(code), err.message);
  assert_true(fc_slice_equals(fc_bytes_slice(response), "question"));
  fc_bytes_unref(response);
}

static void *call_many(void *user) {
  for (int i = 0; i < CALLS; i++) call_once(user);
  return NULL;
}

static fc_call *begin_to_wait(struct world *w) {
  fc_call *call;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.pattern = FC_PATTERN_UNARY_UNARY;
  o.request = fc_bytes_copy("wait", 4);
  assert_int_equal(fc_channel_call(w->channel, wait_method, &o, &call, NULL), FC_OK);
  fc_bytes_unref(o.request);
  assert_false(fc_call_is_done(call)); /* sends it on its way, though nobody waits for it */
  sem_wait(&w->begun);
  return call;
}

static void let_go(struct world *w, fc_call *call) {
  sem_post(&w->open);
  assert_int_equal(fc_call_wait(call, 20 * FC_SECOND), FC_OK);
  assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
  fc_call_destroy(call);
}

/* ---- tests ---- */

static void calls_one_after_the_other_need_one_thread(void **state) {
  (void)state;
  struct world w;
  open_world(&w, 1);
  call_many(&w);
  assert_int_equal(atomic_load(&w.taken), CALLS);
  close_world(&w, 1);
}

static void many_clients_are_answered_by_several_threads(void **state) {
  (void)state;
  struct world w;
  pthread_t clients[CLIENTS];
  open_world(&w, TAKERS);
  for (int i = 0; i < CLIENTS; i++)
    assert_int_equal(pthread_create(&clients[i], NULL, call_many, &w), 0);
  for (int i = 0; i < CLIENTS; i++) pthread_join(clients[i], NULL);
  assert_int_equal(atomic_load(&w.taken), CLIENTS * CALLS);
  assert_in_range(atomic_load(&w.most), 1, TAKERS);
  close_world(&w, TAKERS);
}

/* Quick handlers have taught the server that nobody need watch while one runs; then one waits. */
static void a_handler_that_waits_holds_up_nobody(void **state) {
  (void)state;
  struct world w;
  open_world(&w, 2);
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < 30; i++) call_once(&w);
    fc_call *waiting = begin_to_wait(&w);
    for (int i = 0; i < 30; i++) call_once(&w);
    let_go(&w, waiting);
  }
  close_world(&w, 2);
}

/* What needs no handler is answered also while the only thread is away, which is not known to stay so long. */
static void with_all_threads_away_connections_are_still_served(void **state) {
  (void)state;
  struct world w;
  open_world(&w, 1);
  for (int i = 0; i < 30; i++) call_once(&w);
  fc_call *waiting = begin_to_wait(&w);
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_bytes *response;
  fc_error err = FC_ERROR_INIT;
  o.timeout_ns = 20 * FC_SECOND;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(
        fc_unary_unary(w.channel, "/t/None", FC_SLICE_EMPTY, &o, &response, NULL, &err),
        FC_CODE_UNIMPLEMENTED);
  }
  let_go(&w, waiting);
  close_world(&w, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calls_one_after_the_other_need_one_thread),
      cmocka_unit_test(many_clients_are_answered_by_several_threads),
      cmocka_unit_test(a_handler_that_waits_holds_up_nobody),
      cmocka_unit_test(with_all_threads_away_connections_are_still_served),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
