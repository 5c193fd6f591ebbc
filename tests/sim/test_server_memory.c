/*
 * Every allocation of a server's life fails in turn, alone and with all that follow, while calls of all patterns are
 * made: each call ends with one status, the server comes to its end, nothing leaks. Row 69 of the hostile inputs
 */
#include "farcall/rpc.h"
#include "farcall/server.h"
#include "sim/sim_net.h"
#include "support/check.h"
#include "support/failing_alloc.h"

/* ---- handlers, which take every failure as it comes ---- */

static void end(fc_call *call, fc_code code) {
  (void)!fc_call_finish(call, code, "the end", (fc_slice){0});
  fc_call_destroy(call);
}

static void unary_unary(fc_call *call, void *user) {
  fc_bytes *message;
  (void)user;
  if (fc_call_recv(call, &message) == FC_OK && fc_call_respond(call, message) != FC_OK) {
    fc_bytes_unref(message);
  }
  fc_call_destroy(call);
}

static void unary_stream(fc_call *call, void *user) {
  (void)user;
  fc_result r = FC_OK;
  for (int i = 0; i < 3 && r == FC_OK; i++) r = fc_call_send_copy(call, TEXT("part"), 0);
  end(call, r == FC_OK ? FC_CODE_OK : FC_CODE_RESOURCE_EXHAUSTED);
}

static void take_next(fc_call *call, fc_bytes *message, void *user) {
  bool more = message != NULL;
  fc_bytes_unref(message);
  if (more && fc_call_recv_async(call, take_next, user) == FC_OK) return;
  if (!more) (void)!fc_call_send_copy(call, TEXT("sum"), 0);
  end(call, more ? FC_CODE_RESOURCE_EXHAUSTED : FC_CODE_OK);
}

static void stream_unary(fc_call *call, void *user) {
  if (fc_call_recv_async(call, take_next, user) != FC_OK) end(call, FC_CODE_RESOURCE_EXHAUSTED);
}

static void echo_next(fc_call *call, fc_bytes *message, void *user) {
  bool sent = message && fc_call_send(call, message, 0) == FC_OK;
  if (sent && fc_call_recv_async(call, echo_next, user) == FC_OK) return;
  if (!sent) fc_bytes_unref(message);
  end(call, message ? FC_CODE_RESOURCE_EXHAUSTED : FC_CODE_OK);
}

static void stream_stream(fc_call *call, void *user) {
  fc_metadata *metadata = fc_metadata_create();
  if (metadata && fc_metadata_add_string(metadata, "trailing", "value", NULL) == FC_OK) {
    (void)!fc_call_set_trailing_metadata(call, metadata);
    (void)!fc_call_send_initial_metadata(call, metadata);
  }
  fc_metadata_destroy(metadata);
  if (fc_call_recv_async(call, echo_next, user) != FC_OK) end(call, FC_CODE_RESOURCE_EXHAUSTED);
}

static void pass_on(fc_server_next *next, fc_call *call, void *user) {
  (void)user;
  fc_server_next_call(next, call);
}

/* ---- the server ---- */

struct life {
  struct sim *sim;
  fc_server *server; /* NULL: there was no memory for it */
  fc_channel *channel;
};

static bool add(fc_server *server, const char *name, fc_pattern pattern, fc_handler_fn fn) {
  fc_handler h = FC_HANDLER_INIT;
  h.pattern = pattern;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = fn;
  fc_result r =
      name ? fc_server_register(server, name, &h, NULL) : fc_server_set_fallback(server, &h, NULL);
  assert_true(r == FC_OK || r == FC_ERR_NO_MEMORY);
  return r == FC_OK;
}

static bool add_all(fc_server *s) {
  return add(s, "/t/UU", FC_PATTERN_UNARY_UNARY, unary_unary) &&
         add(s, "/t/US", FC_PATTERN_UNARY_STREAM, unary_stream) &&
         add(s, "/t/SU", FC_PATTERN_STREAM_UNARY, stream_unary) &&
         add(s, "/t/SS", FC_PATTERN_STREAM_STREAM, stream_stream) &&
         add(s, NULL, FC_PATTERN_STREAM_STREAM, stream_stream);
}

static bool start_server(struct life *life) {
  const fc_server_interceptor interceptor = {pass_on, NULL};
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.reactor = sim_reactor(life->sim);
  o.interceptors = &interceptor;
  o.interceptor_count = 1;
  o.max_connection_age_ns = 60 * FC_SECOND;
  o.max_connections = o.max_concurrent_calls = 1000; /* so that they are counted */
  fc_result r = fc_server_create(&o, &life->server, NULL);
  assert_true(r == FC_OK || r == FC_ERR_NO_MEMORY);
  if (r != FC_OK || !add_all(life->server)) return false;
  r = fc_server_listen(life->server, "10.0.0.1:80", NULL, NULL);
  if (r == FC_OK) r = fc_server_listen(life->server, "host.test:81", NULL, NULL);
  assert_true(r == FC_OK || r == FC_ERR_NO_MEMORY || r == FC_ERR_SYSTEM);
  return r == FC_OK && fc_server_start(life->server, NULL) == FC_OK;
}

static bool open_channel(struct life *life) {
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  o.reactor = sim_reactor(life->sim);
  fc_result r = fc_channel_create("ipv4:10.0.0.1:80", &o, &life->channel, NULL);
  assert_true(r == FC_OK || r == FC_ERR_NO_MEMORY);
  return r == FC_OK;
}

static void end_life(struct life *life) {
  fc_channel_destroy(life->channel);
  if (life->server) {
    assert_int_equal(fc_server_shutdown(life->server, 5 * FC_SECOND), FC_OK);
    assert_int_equal(fc_server_wait(life->server, 60 * FC_SECOND), FC_OK);
  }
  fc_server_destroy(life->server);
  sim_run_for(life->sim, FC_SECOND);
}

/* ---- calls ---- */

/* Sends and receives whatever goes; the call ends in any case. */
static fc_code converse(struct life *life, const char *method, fc_pattern pattern) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  fc_bytes *message;
  o.pattern = pattern;
  o.timeout_ns = 20 * FC_SECOND;
  o.wait_for_ready = FC_WAIT_FOR_READY_ON;
  if (fc_channel_call(life->channel, method, &o, &call, NULL) != FC_OK) {
    return FC_CODE_RESOURCE_EXHAUSTED;
  }
  int requests = pattern & FC_PATTERN_UNARY_STREAM ? 1 : 3;
  for (int i = 0; i < requests; i++) {
    if (fc_call_send_copy(call, TEXT("request"), 0) != FC_OK) break;
  }
  assert_int_equal(fc_call_close_send(call), FC_OK);
  while (fc_call_recv(call, &message) == FC_OK) fc_bytes_unref(message);
  fc_code code = fc_call_status(call)->code;
  fc_call_destroy(call);
  return code;
}

static void converse_all(struct life *life, bool must_succeed) {
  fc_code codes[] = {converse(life, "/t/UU", FC_PATTERN_UNARY_UNARY),
                     converse(life, "/t/US", FC_PATTERN_UNARY_STREAM),
                     converse(life, "/t/SU", FC_PATTERN_STREAM_UNARY),
                     converse(life, "/t/SS", FC_PATTERN_STREAM_STREAM),
                     converse(life, "/t/None", FC_PATTERN_STREAM_STREAM)};
  for (int i = 0; must_succeed && i < 5; i++) assert_int_equal(codes[i], FC_CODE_OK);
}

/* ---- the tests ---- */

/* Says whether the n-th allocation was reached. */
static bool live_with_failure(size_t n, enum failing_alloc_mode mode) {
  struct life life = {.sim = sim_create(3)};
  sim_add_host(life.sim, "host.test", "10.0.0.2", FC_MILLISECOND);
  failing_alloc_arm(n, mode);
  bool up = start_server(&life) && open_channel(&life);
  if (up) converse_all(&life, false);
  end_life(&life);
  bool reached = failing_alloc_disarm();
  sim_destroy(life.sim);
  return reached;
}

static bool recover_from_failure(size_t n, enum failing_alloc_mode mode) {
  struct life life = {.sim = sim_create(4)};
  sim_add_host(life.sim, "host.test", "10.0.0.2", FC_MILLISECOND);
  assert_true(start_server(&life) && open_channel(&life));
  failing_alloc_arm(n, mode);
  converse_all(&life, false);
  bool reached = failing_alloc_disarm();
  sim_run_for(life.sim, 5 * FC_SECOND);
  converse_all(&life, true);
  end_life(&life);
  sim_destroy(life.sim);
  return reached;
}

static void for_every_allocation(bool (*run)(size_t n, enum failing_alloc_mode mode),
                                 enum failing_alloc_mode mode) {
  bool reached = true;
  for (size_t n = 0; reached; n++) {
    size_t before = failing_alloc_live();
    reached = run(n, mode);
    assert_int_equal(failing_alloc_live(), before);
  }
}

static void a_server_lives_with_any_failure(void **state) {
  (void)state;
  for_every_allocation(live_with_failure, FAILING_ALLOC_ONCE);
}

static void a_server_ends_well_without_memory(void **state) {
  (void)state;
  for_every_allocation(live_with_failure, FAILING_ALLOC_FROM_THEN);
}

static void a_server_serves_again_after_a_failure(void **state) {
  (void)state;
  for_every_allocation(recover_from_failure, FAILING_ALLOC_ONCE);
}

static void a_server_serves_again_after_want_of_memory(void **state) {
  (void)state;
  for_every_allocation(recover_from_failure, FAILING_ALLOC_FROM_THEN);
}

int main(void) {
  failing_alloc_install();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_server_lives_with_any_failure),
      cmocka_unit_test(a_server_ends_well_without_memory),
      cmocka_unit_test(a_server_serves_again_after_a_failure),
      cmocka_unit_test(a_server_serves_again_after_want_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
