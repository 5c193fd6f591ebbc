/* Hooks on a server's calls: who has the message when sending it goes wrong. */
#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/raw_client.h"
#include "support/server_rig.h"

enum { LARGE = 200 * 1024 };

static struct rig rig;
static struct raw_client client;
static struct raw_call call;
static size_t failing;
static int responses, seen, released;
static uint8_t large[LARGE];
static bool reached;
static fc_bytes *kept; /* our own reference to the response */

static fc_bytes *see(fc_call *c, fc_bytes *message, void *user) {
  (void)c;
  (void)user;
  seen++;
  return message;
}

static void release(void *user) { ++*(int *)user; }

static void respond(fc_call *c, void *user) {
  fc_bytes *message = fc_bytes_wrap(large, LARGE, release, &released);
  int64_t now = sim_now(rig.sim);
  (void)user;
  kept = fc_bytes_ref(message);
  failing_alloc_arm(failing, FAILING_ALLOC_ONCE);
  fc_result r = fc_call_respond(c, message);
  reached = failing_alloc_disarm();
  assert_int_equal(sim_now(rig.sim), now);
  responses += r == FC_OK;
  if (r != FC_OK) fc_bytes_unref(message);
  fc_call_destroy(c);
}

static void add_hooks(fc_server_next *next, fc_call *c, void *user) {
  fc_call_hooks hooks = FC_CALL_HOOKS_INIT;
  (void)user;
  hooks.on_send = see;
  assert_int_equal(fc_call_add_hooks(c, &hooks), FC_OK);
  fc_server_next_call(next, c);
}

static void open_server(fc_pattern pattern, fc_handler_fn fn) {
  static const fc_server_interceptor interceptor = {add_hooks, NULL};
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  fc_handler h = FC_HANDLER_INIT;
  o.interceptors = &interceptor;
  o.interceptor_count = 1;
  rig_create(&rig, &o);
  h.pattern = pattern;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = fn;
  assert_int_equal(fc_server_register(rig.server, "/t/Respond", &h, NULL), FC_OK);
  rig_start(&rig);
  raw_open(&client, sim_reactor(rig.sim), RIG_ADDRESS);
  sim_run_for(rig.sim, 20 * FC_MILLISECOND);
}

static void ask(void) {
  assert_true(raw_request(&client, &call, "/t/Respond", NULL));
  sim_run_for(rig.sim, FC_SECOND);
}

static void close_server(void) {
  raw_close(&client);
  rig_close(&rig);
  assert_int_equal(released, 0);
  fc_bytes_unref(kept);
  assert_int_equal(released, 1);
  released = 0;
}

/* Also where the message is taken and the status that follows it finds no memory. */
static void a_response_is_taken_or_it_is_not(void **state) {
  (void)state;
  size_t live = failing_alloc_live();
  responses = seen = 0;
  reached = true;
  for (failing = 0; reached; failing++) {
    open_server(FC_PATTERN_UNARY_UNARY, respond);
    ask();
    close_server();
    assert_int_equal(failing_alloc_live(), live);
  }
  assert_true(responses > 0);
  assert_int_equal(seen, (int)failing);
}

/* The window is closed before it: an asynchronous handler must not wait for that. */
static void respond_behind(fc_call *c, void *user) {
  fc_bytes *message = fc_bytes_wrap(large, LARGE, NULL, NULL);
  assert_int_equal(fc_call_send(c, message, 0), FC_OK);
  failing = SIZE_MAX;
  respond(c, user);
}

static void responding_does_not_wait_for_room(void **state) {
  (void)state;
  responses = 0;
  open_server(FC_PATTERN_UNARY_STREAM, respond_behind);
  ask();
  assert_int_equal(responses, 1);
  assert_int_equal(call.status, FC_CODE_OK);
  assert_int_equal(call.bytes, 2 * (LARGE + 5));
  close_server();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_response_is_taken_or_it_is_not),
      cmocka_unit_test(responding_does_not_wait_for_room),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
