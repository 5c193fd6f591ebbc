/* How channels connect: all addresses in order, timeouts, backoff, names. Spec:
 * doc/connection-backoff.md */
#include <errno.h>

#include "sim/channel_world.h"
#include "support/check.h"

#define S FC_SECOND
#define MS FC_MILLISECOND

static const struct sim_attempt *attempts(struct world *w, size_t expected) {
  size_t count;
  const struct sim_attempt *list = sim_attempts(w->sim, &count);
  assert_int_equal(count, expected);
  return list;
}

/* ---- addresses ---- */

static void every_address_is_tried_in_order(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.3:80,10.0.0.2:80,10.0.0.1:80,10.0.0.4:80");
  world_exchange(&w);
  const struct sim_attempt *a = attempts(&w, 3);
  assert_string_equal(a[0].address, "ipv4:10.0.0.3:80");
  assert_string_equal(a[1].address, "ipv4:10.0.0.2:80");
  assert_string_equal(a[2].address, "ipv4:10.0.0.1:80");
  world_close(&w);
}

static void an_address_that_fails_at_once_is_passed_over(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  sim_link(w.sim, "ipv4:10.0.0.2:80")->connect_now = -ENETUNREACH;
  world_channel(&w, "ipv4:10.0.0.2:80,10.0.0.1:80");
  world_exchange(&w);
  world_close(&w);
}

static void the_failure_tells_step_address_reason_and_count(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.3:80,10.0.0.2:80");
  fc_call *call = world_call(&w, "/s/m", 0, false);
  world_run(&w, 10 * MS);
  world_expect(call, FC_CODE_UNAVAILABLE,
               "failed to connect to all addresses (2 tried); last error: connect to "
               "ipv4:10.0.0.2:80: Connection refused");
  sim_link(w.sim, NULL)->connect_now = -EMFILE;
  world_run(&w, 2 * S);
  call = world_call(&w, "/s/m", 0, false);
  world_expect(call, FC_CODE_UNAVAILABLE, "ipv4:10.0.0.2:80: Too many open files");
  world_close(&w);
}

/* ---- timeouts ---- */

static void a_black_hole_is_left_after_20_s(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  sim_link(w.sim, "ipv4:10.0.0.2:80")->connect_unanswered = true;
  world_channel(&w, "ipv4:10.0.0.2:80,10.0.0.1:80");
  fc_call *call = world_call(&w, "/s/m", 0, false);
  world_run(&w, 19999 * MS);
  attempts(&w, 1);
  world_run(&w, 10 * MS);
  attempts(&w, 2);
  world_expect(call, FC_CODE_OK, "");
  world_close(&w);
}

/* hostile.md 58 */
static void a_server_without_settings_times_out(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.manners = RAW_MUTE;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call = world_call(&w, "/s/m", 0, false), *hasty = world_call(&w, "/s/m", 3 * S, false);
  world_run(&w, 4 * S);
  world_expect(hasty, FC_CODE_DEADLINE_EXCEEDED, "");
  world_run(&w, 15999 * MS);
  world_expect_running(call);
  world_run(&w, 1 * MS);
  world_expect(call, FC_CODE_UNAVAILABLE,
               "HTTP/2 handshake with ipv4:10.0.0.1:80: no SETTINGS within 20 s");
  world_run(&w, 10 * MS);
  assert_int_equal(w.server.accepted, 2);
  assert_int_equal(w.server.open, 1);
  world_close(&w);
}

static void the_timeout_is_an_option(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.manners = RAW_MUTE;
  w.options.connect_timeout_ns = 1500 * MS;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call = world_call(&w, "/s/m", 0, false);
  world_run(&w, 1499 * MS);
  world_expect_running(call);
  world_run(&w, 1 * MS);
  world_expect(call, FC_CODE_UNAVAILABLE, "no SETTINGS within 1.5 s");
  world_close(&w);
}

/* hostile.md 58 */
static void a_server_that_speaks_something_else_fails_at_once(void **state) {
  (void)state;
  static const char *const greetings[] = {
      "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
      "220 mail.test ESMTP\r\n",
      "\x16\x03\x01\x02\x3c\x01\x02\x02\x38",
  };
  for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
    struct world w;
    world_open(&w);
    w.server.manners = RAW_BYTES;
    w.server.bytes = greetings[i];
    world_channel(&w, "ipv4:10.0.0.1:80");
    fc_call *call = world_call(&w, "/s/m", 0, false);
    world_run(&w, 10 * MS);
    world_expect(call, FC_CODE_UNAVAILABLE, "HTTP/2 handshake: ");
    world_close(&w);
  }
}

static void a_server_that_hangs_up_fails_at_once(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.manners = RAW_SLAM;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call = world_call(&w, "/s/m", 0, false);
  world_run(&w, 10 * MS);
  world_expect(call, FC_CODE_UNAVAILABLE, "HTTP/2 handshake: ");
  world_close(&w);
}

/* ---- backoff ---- */

static void expect_about(int64_t value, double target) {
  if ((double)value < target * 0.8 - 1 || (double)value > target * 1.2 + 1) {
    fail_msg("%.3f s, where about %.3f s is due", (double)value / 1e9, target / 1e9);
  }
}

static void rounds_come_as_the_backoff_says(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.2:80");
  fc_call *call = world_call(&w, "/s/m", 0, true);
  world_run(&w, 1000 * S);
  size_t count;
  const struct sim_attempt *a = sim_attempts(w.sim, &count);
  double span = 1e9;
  assert_in_range(count, 14, 25);
  for (size_t i = 1; i < count; i++) {
    expect_about(a[i].at - a[i - 1].at, span);
    span = span * 1.6 < 120e9 ? span * 1.6 : 120e9;
  }
  fc_call_destroy(call);
  world_close(&w);
}

/* The time between the second and the third attempt at an address. */
static int64_t second_span(const struct sim *sim, const char *address) {
  size_t count, seen = 0;
  int64_t at[3] = {0};
  const struct sim_attempt *a = sim_attempts(sim, &count);
  for (size_t i = 0; i < count && seen < 3; i++) {
    if (strcmp(a[i].address, address) == 0) at[seen++] = a[i].at;
  }
  return at[2] - at[1];
}

static void jitter_keeps_channels_apart(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.2:80");
  fc_channel *other;
  assert_int_equal(fc_channel_create("ipv4:10.0.0.3:80", &w.options, &other, NULL), FC_OK);
  assert_int_equal(fc_channel_state(w.channel, true), FC_CONNECTIVITY_CONNECTING);
  assert_int_equal(fc_channel_state(other, true), FC_CONNECTIVITY_CONNECTING);
  world_run(&w, 10 * S);
  assert_true(second_span(w.sim, "ipv4:10.0.0.2:80") != second_span(w.sim, "ipv4:10.0.0.3:80"));
  fc_channel_destroy(other);
  world_close(&w);
}

static void the_backoff_is_an_option(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.options.min_backoff_ns = 100 * MS;
  w.options.max_backoff_ns = 200 * MS;
  world_channel(&w, "ipv4:10.0.0.2:80");
  fc_call *call = world_call(&w, "/s/m", 0, true);
  world_run(&w, 10 * S);
  size_t count;
  const struct sim_attempt *a = sim_attempts(w.sim, &count);
  assert_in_range(count, 40, 65);
  expect_about(a[1].at - a[0].at, 100e6);
  expect_about(a[2].at - a[1].at, 160e6);
  expect_about(a[9].at - a[8].at, 200e6);
  fc_call_destroy(call);
  world_close(&w);
}

static void success_ends_the_backoff(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  raw_server_unlisten(&w.server);
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call = world_call(&w, "/s/m", 0, true);
  world_run(&w, 20 * S);
  raw_server_listen(&w.server, "10.0.0.1:80");
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  world_expect(call, FC_CODE_OK, "");
  size_t before, after;
  (void)sim_attempts(w.sim, &before);
  raw_server_close(&w.server);
  world_run(&w, S);
  int64_t start = world_now(&w);
  call = world_call(&w, "/s/m", 0, true);
  world_run(&w, 500 * MS);
  (void)sim_attempts(w.sim, &after);
  assert_int_equal(after, before + 1); /* at once, and the second a second later */
  world_run(&w, 1000 * MS);
  const struct sim_attempt *a = sim_attempts(w.sim, &after);
  assert_int_equal(after, before + 2);
  assert_true(a[before + 1].at - a[before].at == S);
  assert_true(a[before].at - 1000 * S == start);
  fc_call_destroy(call);
  world_close(&w);
}

static void dropped_connections_that_no_call_used_count_as_failures(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.max_streams = 0; /* calls wait for ever... */
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call = world_call(&w, "/s/m", 0, true);
  for (int i = 0; i < 600; i++) {
    world_run(&w, 100 * MS);
    raw_server_hang_up(&w.server); /* ...and their connections end */
  }
  assert_in_range(w.server.accepted, 5, 12);
  fc_call_destroy(call);
  world_close(&w);
}

/* ---- names ---- */

static void names_are_resolved_off_the_callers_deadline(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  sim_add_host(w.sim, "example.test", "10.0.0.1", 5 * S);
  world_channel(&w, "example.test:80");
  fc_call *call = world_call(&w, "/s/m", 2 * S, false);
  world_run(&w, 2 * S);
  world_expect(call, FC_CODE_DEADLINE_EXCEEDED, "");
  call = world_call(&w, "/s/m", 10 * S, false);
  world_run(&w, 4 * S);
  world_expect(call, FC_CODE_OK, "");
  assert_int_equal(sim_lookups(w.sim), 1);
  world_close(&w);
}

static void a_name_that_fails_is_told_and_asked_again(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  sim_fail_host(w.sim, "example.test", "no such name", 10 * MS);
  world_channel(&w, "dns:///example.test:80");
  fc_call *call = world_call(&w, "/s/m", 0, false), *patient = world_call(&w, "/s/m", 0, true);
  world_run(&w, 100 * MS);
  world_expect(call, FC_CODE_UNAVAILABLE,
               "DNS resolution failed: cannot resolve example.test: no such name");
  sim_add_host(w.sim, "example.test", "10.0.0.1", 10 * MS);
  sim_fail_host(w.sim, "example.test", NULL, 10 * MS);
  world_run(&w, 2 * S);
  world_expect(patient, FC_CODE_OK, "");
  assert_int_equal(sim_lookups(w.sim), 2);
  world_close(&w);
}

static void names_are_resolved_again_after_a_failure(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  sim_add_host(w.sim, "example.test", "10.0.0.7", MS);
  world_channel(&w, "example.test:80");
  fc_call *call = world_call(&w, "/s/m", 0, true);
  world_run(&w, 500 * MS);
  sim_remove_host(w.sim, "example.test");
  sim_add_host(w.sim, "example.test", "10.0.0.1", MS);
  world_run(&w, S);
  world_expect(call, FC_CODE_OK, "");
  world_close(&w);
}

static void old_addresses_serve_while_the_resolver_fails(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  sim_add_host(w.sim, "example.test", "10.0.0.1", MS);
  world_channel(&w, "example.test:80");
  world_exchange(&w);
  sim_fail_host(w.sim, "example.test", "the name server is down", MS);
  raw_server_hang_up(&w.server);
  world_run(&w, 10 * MS);
  world_exchange(&w);
  world_close(&w);
}

static void a_resolver_that_never_answers_holds_nobody(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  sim_add_host(w.sim, "example.test", "10.0.0.1", FC_NEVER);
  world_channel(&w, "example.test:80");
  fc_call *call = world_call(&w, "/s/m", S, false);
  world_run(&w, S);
  world_expect(call, FC_CODE_DEADLINE_EXCEEDED, "");
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_address_is_tried_in_order),
      cmocka_unit_test(an_address_that_fails_at_once_is_passed_over),
      cmocka_unit_test(the_failure_tells_step_address_reason_and_count),
      cmocka_unit_test(a_black_hole_is_left_after_20_s),
      cmocka_unit_test(a_server_without_settings_times_out),
      cmocka_unit_test(the_timeout_is_an_option),
      cmocka_unit_test(a_server_that_speaks_something_else_fails_at_once),
      cmocka_unit_test(a_server_that_hangs_up_fails_at_once),
      cmocka_unit_test(rounds_come_as_the_backoff_says),
      cmocka_unit_test(jitter_keeps_channels_apart),
      cmocka_unit_test(the_backoff_is_an_option),
      cmocka_unit_test(success_ends_the_backoff),
      cmocka_unit_test(dropped_connections_that_no_call_used_count_as_failures),
      cmocka_unit_test(names_are_resolved_off_the_callers_deadline),
      cmocka_unit_test(a_name_that_fails_is_told_and_asked_again),
      cmocka_unit_test(names_are_resolved_again_after_a_failure),
      cmocka_unit_test(old_addresses_serve_while_the_resolver_fails),
      cmocka_unit_test(a_resolver_that_never_answers_holds_nobody),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
