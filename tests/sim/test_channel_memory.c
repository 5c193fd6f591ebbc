/*
 * Every allocation of a conversation fails in turn, alone and with all that follow: each call ends
 * with one status, nothing leaks, and the channel works again afterwards.
 */
#include "sim/channel_world.h"
#include "support/check.h"
#include "support/failing_alloc.h"

#define S FC_SECOND
#define MS FC_MILLISECOND

static void count_done(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  (void)call;
  (void)status;
  fc_bytes_unref(response);
  ++*(int *)user;
}

static void ignore_state(fc_channel *channel, fc_connectivity state, void *user) {
  (void)channel;
  (void)state;
  (void)user;
}

/* Either starts, and then ends, or does not. */
static void try_call(struct world *w, bool wait_for_ready) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call = NULL;
  fc_metadata *metadata = fc_metadata_create();
  o.timeout_ns = 5 * S;
  o.wait_for_ready = wait_for_ready ? FC_WAIT_FOR_READY_ON : FC_WAIT_FOR_READY_OFF;
  if (metadata && fc_metadata_add_string(metadata, "key", "value", NULL) == FC_OK) {
    o.metadata = metadata;
  }
  fc_result r = fc_unary_unary_future(w->channel, "/s/m", TEXT("hello"), &o, &call, NULL);
  fc_metadata_destroy(metadata);
  assert_true(r == FC_OK || r == FC_ERR_NO_MEMORY);
  if (r != FC_OK) return;
  r = fc_call_wait(call, FC_NEVER);
  assert_true(r == FC_OK || (r == FC_ERR_CANCELLED && w->closed));
  fc_call_destroy(call);
}

static void try_async(struct world *w) {
  int done = 0;
  fc_result r = fc_unary_unary_async(w->channel, "/s/async", TEXT("hello"), NULL, count_done, &done,
                                     NULL, NULL);
  assert_true(r == FC_OK || r == FC_ERR_NO_MEMORY);
  world_run(w, 5 * S);
  assert_int_equal(done, r == FC_OK);
}

static void try_blocking(struct world *w) {
  fc_bytes *response;
  fc_code code = fc_unary_unary(w->channel, "/s/block", TEXT("hello"), NULL, &response, NULL, NULL);
  assert_true((response != NULL) == (code == FC_CODE_OK));
  fc_bytes_unref(response);
}

static bool try_channel(struct world *w, const char *target) {
  w->options.user_agent = "test/1";
  w->options.authority = "example.test";
  w->channel = NULL;
  fc_result r = fc_channel_create(target, &w->options, &w->channel, NULL);
  assert_true(r == FC_OK || r == FC_ERR_NO_MEMORY);
  return r == FC_OK;
}

static void everyday(struct world *w) {
  fc_watch *watch;
  if (!try_channel(w, "example.test:80")) return;
  if (fc_channel_watch(w->channel, ignore_state, NULL, &watch) != FC_OK) watch = NULL;
  try_call(w, true);
  try_blocking(w);
  try_async(w);
  raw_server_goaway(&w->server, 0x7fffffff, FC__H2_NO_ERROR, "");
  world_run(w, 10 * MS);
  try_call(w, false);
  fc_watch_cancel(watch);
}

static void refused(struct world *w) {
  if (!try_channel(w, "ipv4:10.0.0.2:80,10.0.0.3:80")) return;
  try_call(w, true);
  try_call(w, false);
  fc_channel_close(w->channel);
  w->closed = true;
  try_call(w, false);
}

/* Two calls, of which the peer processes none: they are made again. */
static void repeated(struct world *w) {
  fc_call *calls[2] = {NULL, NULL};
  if (!try_channel(w, "ipv4:10.0.0.1:80")) return;
  w->server.hold = true;
  for (int i = 0; i < 2; i++) {
    if (fc_unary_unary_future(w->channel, "/s/m", TEXT("x"), NULL, &calls[i], NULL) != FC_OK) {
      assert_null(calls[i]);
    }
  }
  world_run(w, 10 * MS);
  w->server.hold = false;
  raw_server_goaway(&w->server, 0, FC__H2_NO_ERROR, "");
  world_run(w, 10 * S);
  raw_server_answer(&w->server, 10); /* it may have had no memory for its half */
  world_run(w, 10 * S);
  raw_server_hang_up(&w->server);
  for (int i = 0; i < 2; i++) {
    if (calls[i]) assert_int_equal(fc_call_wait(calls[i], 10 * S), FC_OK);
    fc_call_destroy(calls[i]);
  }
}

static void recovers(struct world *w) {
  if (!w->channel) return;
  fc_channel_destroy(w->channel);
  world_channel(w, "ipv4:10.0.0.1:80");
  world_exchange(w);
}

static void fail_each(void (*scenario)(struct world *), enum failing_alloc_mode mode) {
  bool reached = true;
  for (size_t n = 0; reached; n++) {
    struct world w;
    size_t live = failing_alloc_live();
    world_open(&w);
    sim_add_host(w.sim, "example.test", "10.0.0.1", MS);
    failing_alloc_arm(n, mode);
    scenario(&w);
    reached = failing_alloc_disarm();
    w.server.hold = false;
    recovers(&w);
    world_close(&w);
    assert_int_equal(failing_alloc_live(), live);
  }
}

static void everyday_calls(void **state) {
  (void)state;
  fail_each(everyday, FAILING_ALLOC_ONCE);
  fail_each(everyday, FAILING_ALLOC_FROM_THEN);
}

static void failing_calls(void **state) {
  (void)state;
  fail_each(refused, FAILING_ALLOC_ONCE);
  fail_each(refused, FAILING_ALLOC_FROM_THEN);
}

static void calls_made_again(void **state) {
  (void)state;
  fail_each(repeated, FAILING_ALLOC_ONCE);
  fail_each(repeated, FAILING_ALLOC_FROM_THEN);
}

/* A warm blocking call needs memory for its request and its response, and for nothing else. */
static void warm_calls_allocate_their_messages_alone(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.1:80");
  for (int i = 0; i < 10; i++) world_exchange(&w);
  size_t server = 1; /* the raw server's, for its request */
  failing_alloc_restart();
  for (int i = 0; i < 100; i++) world_exchange(&w);
  assert_int_equal(failing_alloc_count(), 100 * (2 + server));
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everyday_calls),
      cmocka_unit_test(failing_calls),
      cmocka_unit_test(calls_made_again),
      cmocka_unit_test(warm_calls_allocate_their_messages_alone),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
