/* The state of a channel. Spec: doc/connectivity-semantics-and-api.md */
#include <stdio.h>

#include "sim/channel_world.h"
#include "support/check.h"

#define S FC_SECOND
#define MS FC_MILLISECOND

static const char letters[] = "ICRFS"; /* idle, connecting, ready, transient failure, shutdown */

struct seen {
  char states[200];
  size_t count;
  fc_watch *watch;
  size_t cancel_at; /* states until the callback cancels its watch */
  fc_channel *close;
};

static void watched(fc_channel *channel, fc_connectivity state, void *user) {
  struct seen *seen = user;
  assert_non_null(channel);
  assert_true(seen->count + 1 < sizeof seen->states);
  seen->states[seen->count++] = letters[state];
  if (seen->count == seen->cancel_at) fc_watch_cancel(seen->watch);
  if (seen->close) fc_channel_close(seen->close);
}

static void watch(struct world *w, struct seen *seen) {
  assert_int_equal(fc_channel_watch(w->channel, watched, seen, &seen->watch), FC_OK);
}

static void expect_state(struct world *w, char letter) {
  char now = letters[fc_channel_state(w->channel, false)];
  if (now != letter) fail_msg("the state is %c instead of %c", now, letter);
}

static void connect_world(struct world *w, const char *target) {
  world_open(w);
  world_channel(w, target);
  assert_int_equal(fc_channel_state(w->channel, true), FC_CONNECTIVITY_CONNECTING);
}

/* ---- states ---- */

static void a_channel_is_idle_until_it_is_used(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.1:80");
  expect_state(&w, 'I');
  world_run(&w, S);
  expect_state(&w, 'I');
  assert_int_equal(fc_channel_state(w.channel, true), FC_CONNECTIVITY_CONNECTING);
  world_run(&w, S);
  expect_state(&w, 'R');
  world_close(&w);
}

static void every_state_is_told_in_order(void **state) {
  (void)state;
  struct world w;
  struct seen seen = {0};
  world_open(&w);
  raw_server_unlisten(&w.server);
  world_channel(&w, "ipv4:10.0.0.1:80");
  watch(&w, &seen);
  world_run(&w, S);
  assert_string_equal(seen.states, "I");
  assert_int_equal(fc_channel_state(w.channel, true), FC_CONNECTIVITY_CONNECTING);
  world_run(&w, 1900 * MS);
  assert_string_equal(seen.states, "ICFCF");
  raw_server_listen(&w.server, "10.0.0.1:80");
  world_run(&w, 2 * S);
  assert_string_equal(seen.states, "ICFCFCR");
  fc_channel_close(w.channel);
  world_run(&w, MS);
  assert_string_equal(seen.states, "ICFCFCRS");
  fc_watch_cancel(seen.watch);
  world_close(&w);
}

struct sleeper {
  struct world *world;
  size_t told;
  fc_connectivity last;
};

/* Twenty failed rounds are more states than wait to be told, and end before the channel is idle. */
static void sleep_through_failures(fc_channel *channel, fc_connectivity state, void *user) {
  struct sleeper *s = user;
  (void)channel;
  s->last = state;
  if (s->told++ > 0) return;
  world_run(s->world, 1400 * S);
  raw_server_listen(&s->world->server, "10.0.0.1:80");
  world_run(s->world, 200 * S);
}

static void a_callback_that_sleeps_is_told_the_last_state(void **state) {
  (void)state;
  struct world w;
  fc_watch *watch;
  struct sleeper s = {.world = &w};
  world_open(&w);
  raw_server_unlisten(&w.server);
  world_channel(&w, "ipv4:10.0.0.1:80");
  assert_int_equal(fc_channel_state(w.channel, true), FC_CONNECTIVITY_CONNECTING);
  assert_int_equal(fc_channel_watch(w.channel, sleep_through_failures, &s, &watch), FC_OK);
  world_run(&w, S);
  assert_true(s.told > 2);
  assert_int_equal(s.last, FC_CONNECTIVITY_READY);
  fc_watch_cancel(watch);
  world_close(&w);
}

static void a_lost_connection_leaves_an_idle_channel(void **state) {
  (void)state;
  struct world w;
  struct seen seen = {0};
  connect_world(&w, "ipv4:10.0.0.1:80");
  watch(&w, &seen);
  world_run(&w, S);
  raw_server_hang_up(&w.server);
  world_run(&w, 100 * S);
  assert_string_equal(seen.states, "CRI");
  assert_int_equal(w.server.accepted, 1);
  fc_watch_cancel(seen.watch);
  world_close(&w);
}

static void a_goaway_leaves_an_idle_channel(void **state) {
  (void)state;
  struct world w;
  connect_world(&w, "ipv4:10.0.0.1:80");
  world_run(&w, S);
  raw_server_goaway(&w.server, 0, FC__H2_NO_ERROR, "");
  world_run(&w, S);
  expect_state(&w, 'I');
  assert_int_equal(w.server.open, 0);
  world_close(&w);
}

static void waiting_calls_make_a_lost_connection_anew(void **state) {
  (void)state;
  struct world w;
  struct seen seen = {0};
  world_open(&w);
  w.server.max_streams = 1;
  w.server.hold = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *first = world_call(&w, "/s/1", 0, false), *second = world_call(&w, "/s/2", 0, false);
  watch(&w, &seen);
  world_run(&w, S);
  raw_server_hang_up(&w.server);
  world_run(&w, S);
  assert_string_equal(seen.states, "CRICR");
  fc_call_destroy(first);
  fc_call_destroy(second);
  fc_watch_cancel(seen.watch);
  world_close(&w);
}

/* ---- idleness ---- */

static void a_channel_without_calls_disconnects_after_30_minutes(void **state) {
  (void)state;
  struct world w;
  connect_world(&w, "ipv4:10.0.0.1:80");
  world_run(&w, 29 * 60 * S);
  expect_state(&w, 'R');
  world_exchange(&w);
  world_run(&w, 29 * 60 * S);
  expect_state(&w, 'R');
  world_run(&w, 61 * S);
  expect_state(&w, 'I');
  assert_int_equal(w.server.open, 0);
  world_exchange(&w);
  expect_state(&w, 'R');
  world_close(&w);
}

static void a_call_keeps_the_channel_from_idling(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.options.idle_timeout_ns = S;
  w.server.hold = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call = world_call(&w, "/s/m", 0, false);
  world_run(&w, 100 * S);
  raw_server_answer(&w.server, 1);
  world_run(&w, 10 * MS);
  world_expect(call, FC_CODE_OK, "");
  expect_state(&w, 'R');
  world_run(&w, 2 * S);
  expect_state(&w, 'I');
  world_close(&w);
}

static void an_unreachable_server_is_given_up_after_the_idle_timeout(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.options.idle_timeout_ns = 10 * S;
  world_channel(&w, "ipv4:10.0.0.2:80");
  fc_call *call = world_call(&w, "/s/m", 60 * S, true);
  world_run(&w, 60 * S);
  world_expect(call, FC_CODE_DEADLINE_EXCEEDED, "");
  world_run(&w, 11 * S);
  expect_state(&w, 'I');
  size_t before, after;
  (void)sim_attempts(w.sim, &before);
  world_run(&w, 3600 * S);
  (void)sim_attempts(w.sim, &after);
  assert_int_equal(before, after);
  world_close(&w);
}

static void idling_can_be_turned_off(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.options.idle_timeout_ns = FC_NEVER;
  world_channel(&w, "ipv4:10.0.0.1:80");
  world_exchange(&w);
  world_run(&w, 100 * 3600 * S);
  expect_state(&w, 'R');
  world_close(&w);
}

/* ---- watches ---- */

static void a_watch_can_be_cancelled_in_its_callback(void **state) {
  (void)state;
  struct world w;
  struct seen seen = {.cancel_at = 2}, other = {0};
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.1:80");
  watch(&w, &seen);
  watch(&w, &other);
  assert_int_equal(fc_channel_state(w.channel, true), FC_CONNECTIVITY_CONNECTING);
  world_run(&w, S);
  assert_string_equal(seen.states, "IC");
  assert_string_equal(other.states, "ICR");
  fc_watch_cancel(other.watch);
  world_close(&w);
}

static void a_cancelled_watch_is_not_told(void **state) {
  (void)state;
  struct world w;
  struct seen seen = {0};
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.1:80");
  watch(&w, &seen);
  fc_watch_cancel(seen.watch);
  world_run(&w, S);
  assert_string_equal(seen.states, "");
  world_close(&w);
}

static void a_callback_may_close_the_channel(void **state) {
  (void)state;
  struct world w;
  struct seen seen = {0};
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.1:80");
  seen.close = w.channel;
  watch(&w, &seen);
  world_run(&w, S);
  assert_string_equal(seen.states, "IS");
  fc_watch_cancel(seen.watch);
  world_close(&w);
}

/* ---- waiting ---- */

static void waiting_for_ready_connects(void **state) {
  (void)state;
  struct world w;
  fc_error err = FC_ERROR_INIT;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.1:80");
  assert_int_equal(fc_channel_wait_ready(w.channel, S, &err), FC_OK);
  expect_state(&w, 'R');
  assert_int_equal(fc_channel_wait_ready(w.channel, 0, &err), FC_OK);
  world_close(&w);
}

static void waiting_for_ready_ends_in_time_and_tells_the_reason(void **state) {
  (void)state;
  struct world w;
  fc_error err = FC_ERROR_INIT;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.2:80");
  int64_t start = world_now(&w);
  assert_int_equal(fc_channel_wait_ready(w.channel, 7 * S, &err), FC_ERR_TIMEOUT);
  assert_int_equal(world_now(&w) - start, 7 * S);
  assert_non_null(strstr(err.message, "Connection refused"));
  assert_int_equal(fc_channel_wait_ready(w.channel, -1, &err), FC_ERR_INVALID);
  assert_int_equal(fc_channel_wait_ready(NULL, 0, &err), FC_ERR_INVALID);
  fc_channel_close(w.channel);
  assert_int_equal(fc_channel_wait_ready(w.channel, FC_NEVER, &err), FC_ERR_CLOSED);
  world_close(&w);
}

static void close_channel(void *user) { fc_channel_close(user); }

static void closing_ends_the_waiting(void **state) {
  (void)state;
  struct world w;
  fc_error err = FC_ERROR_INIT;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.2:80");
  sim_at(w.sim, sim_now(w.sim) + S, close_channel, w.channel);
  assert_int_equal(fc_channel_wait_ready(w.channel, FC_NEVER, &err), FC_ERR_CLOSED);
  assert_int_equal(world_now(&w), S);
  world_close(&w);
}

static void a_change_can_be_waited_for(void **state) {
  (void)state;
  struct world w;
  connect_world(&w, "ipv4:10.0.0.2:80");
  assert_int_equal(fc_channel_wait_change(w.channel, FC_CONNECTIVITY_READY, 0), FC_OK);
  assert_int_equal(fc_channel_wait_change(w.channel, FC_CONNECTIVITY_CONNECTING, S), FC_OK);
  expect_state(&w, 'F');
  assert_int_equal(fc_channel_wait_change(w.channel, FC_CONNECTIVITY_TRANSIENT_FAILURE, 10 * MS),
                   FC_ERR_TIMEOUT);
  assert_int_equal(fc_channel_wait_change(w.channel, FC_CONNECTIVITY_TRANSIENT_FAILURE, -1),
                   FC_ERR_INVALID);
  assert_int_equal(fc_channel_wait_change(w.channel, (fc_connectivity)5, 0), FC_ERR_INVALID);
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_channel_is_idle_until_it_is_used),
      cmocka_unit_test(every_state_is_told_in_order),
      cmocka_unit_test(a_callback_that_sleeps_is_told_the_last_state),
      cmocka_unit_test(a_lost_connection_leaves_an_idle_channel),
      cmocka_unit_test(a_goaway_leaves_an_idle_channel),
      cmocka_unit_test(waiting_calls_make_a_lost_connection_anew),
      cmocka_unit_test(a_channel_without_calls_disconnects_after_30_minutes),
      cmocka_unit_test(a_call_keeps_the_channel_from_idling),
      cmocka_unit_test(an_unreachable_server_is_given_up_after_the_idle_timeout),
      cmocka_unit_test(idling_can_be_turned_off),
      cmocka_unit_test(a_watch_can_be_cancelled_in_its_callback),
      cmocka_unit_test(a_cancelled_watch_is_not_told),
      cmocka_unit_test(a_callback_may_close_the_channel),
      cmocka_unit_test(waiting_for_ready_connects),
      cmocka_unit_test(waiting_for_ready_ends_in_time_and_tells_the_reason),
      cmocka_unit_test(closing_ends_the_waiting),
      cmocka_unit_test(a_change_can_be_waited_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
