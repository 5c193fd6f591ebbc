/* Asynchronous handlers on reactors of the server's own: what outlives it, and what must not. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "farcall/rpc.h"
#include "farcall/server.h"
#include "support/check.h"
#include "support/failing_alloc.h"

struct pair {
  fc_server *server;
  fc_channel *channel;
};

static void open_pair(struct pair *p, uint32_t reactors, fc_handler_fn fn, void *user) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  fc_handler h = FC_HANDLER_INIT;
  char target[32];
  int port;
  o.reactors = reactors;
  h.pattern = FC_PATTERN_UNARY_UNARY;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = fn;
  h.user = user;
  assert_int_equal(fc_server_create(&o, &p->server, NULL), FC_OK);
  assert_int_equal(fc_server_register(p->server, "/t/Method", &h, NULL), FC_OK);
  assert_int_equal(fc_server_listen(p->server, "127.0.0.1:0", &port, NULL), FC_OK);
  assert_int_equal(fc_server_start(p->server, NULL), FC_OK);
  snprintf(target, sizeof target, "127.0.0.1:%d", port);
  assert_int_equal(fc_channel_create(target, NULL, &p->channel, NULL), FC_OK);
}

static fc_call *start(struct pair *p) {
  fc_call *call;
  assert_int_equal(fc_unary_unary_future(p->channel, "/t/Method", TEXT("hello"), NULL, &call, NULL),
                   FC_OK);
  return call;
}

static void respond(fc_call *call) {
  fc_bytes *request;
  assert_int_equal(fc_call_recv(call, &request), FC_OK);
  if (fc_call_respond(call, request) != FC_OK) fc_bytes_unref(request);
}

/* ---- tests ---- */

static void keep(fc_call *call, void *user) { atomic_store((_Atomic(fc_call *) *)user, call); }

static void a_kept_call_outlives_server_and_reactor(void **state) {
  (void)state;
  for (int round = 0; round < 20; round++) {
    struct pair p;
    _Atomic(fc_call *) kept = NULL;
    open_pair(&p, 2, keep, &kept);
    fc_call *call = start(&p);
    while (!atomic_load(&kept)) usleep(100);
    fc_server_destroy(p.server);
    assert_int_equal(fc_call_status(call)->code, FC_CODE_UNAVAILABLE);
    fc_call_destroy(call);
    fc_channel_destroy(p.channel);
    assert_int_equal(fc_call_status(kept)->code, FC_CODE_CANCELLED);
    assert_int_equal(fc_call_finish(kept, FC_CODE_OK, NULL, (fc_slice){0}), FC_ERR_CLOSED);
    fc_call_destroy(kept);
  }
}

static void respond_and_dawdle(fc_call *call, void *user) {
  respond(call);
  fc_call_destroy(call);
  usleep(20000);
  ++*(int *)user;
}

static void no_handler_runs_after_destruction(void **state) {
  (void)state;
  for (int round = 0; round < 5; round++) {
    struct pair p;
    int *count = calloc(1, sizeof *count);
    open_pair(&p, 1, respond_and_dawdle, count);
    fc_call *call = start(&p);
    assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
    fc_call_destroy(call);
    fc_server_destroy(p.server);
    assert_int_equal(*count, 1);
    free(count);
    fc_channel_destroy(p.channel);
  }
}

static void respond_at_once(fc_call *call, void *user) {
  (void)user;
  respond(call);
  fc_call_destroy(call);
}

/* Row 66 of the hostile inputs: each call is answered once, by one server or the other. */
static void calls_survive_a_rolling_restart(void **state) {
  (void)state;
  enum { CALLS = 2000, WINDOW = 50 };
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  fc_handler h = FC_HANDLER_INIT;
  struct pair p;
  fc_server *next = NULL;
  fc_call *calls[WINDOW] = {0};
  char target[64];
  int port;
  h.pattern = FC_PATTERN_UNARY_UNARY;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = respond_at_once;
  o.reuse_port = true;
  for (int i = 0; i < 2; i++) {
    fc_server **server = i == 0 ? &p.server : &next;
    assert_int_equal(fc_server_create(&o, server, NULL), FC_OK);
    assert_int_equal(fc_server_register(*server, "/t/Method", &h, NULL), FC_OK);
  }
  assert_int_equal(fc_server_listen(p.server, "127.0.0.1:0", &port, NULL), FC_OK);
  assert_int_equal(fc_server_start(p.server, NULL), FC_OK);
  snprintf(target, sizeof target, "127.0.0.1:%d", port);
  assert_int_equal(fc_channel_create(target, NULL, &p.channel, NULL), FC_OK);
  for (int i = 0; i < CALLS + WINDOW; i++) {
    fc_call **slot = &calls[i % WINDOW];
    if (*slot && fc_call_status(*slot)->code != FC_CODE_OK) {
      fail_msg("call %d: %s", i - WINDOW, fc_call_status(*slot)->message);
    }
    fc_call_destroy(*slot);
    *slot = i < CALLS ? start(&p) : NULL;
    if (i != CALLS / 2) continue;
    assert_int_equal(fc_server_listen(next, target, NULL, NULL), FC_OK);
    assert_int_equal(fc_server_start(next, NULL), FC_OK);
    assert_int_equal(fc_server_shutdown(p.server, FC_NEVER), FC_OK);
  }
  assert_int_equal(fc_server_wait(p.server, 10 * FC_SECOND), FC_OK);
  fc_channel_destroy(p.channel);
  fc_server_destroy(p.server);
  fc_server_destroy(next);
}

/* With reactors of its own a server has more to take back when memory ends. */
static void creation_fails_cleanly(void **state) {
  (void)state;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  fc_server *server;
  o.reactors = 3;
  for (size_t n = 0;; n++) {
    size_t before = failing_alloc_live();
    failing_alloc_arm(n, FAILING_ALLOC_ONCE);
    fc_result r = fc_server_create(&o, &server, NULL);
    bool reached = failing_alloc_disarm();
    assert_int_equal(r, reached ? FC_ERR_NO_MEMORY : FC_OK);
    fc_server_destroy(server);
    assert_int_equal(failing_alloc_live(), before);
    if (!reached) break;
  }
}

int main(void) {
  failing_alloc_install();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(creation_fails_cleanly),
      cmocka_unit_test(a_kept_call_outlives_server_and_reactor),
      cmocka_unit_test(no_handler_runs_after_destruction),
      cmocka_unit_test(calls_survive_a_rolling_restart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
