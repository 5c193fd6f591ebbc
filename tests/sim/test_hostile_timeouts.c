/*
 * Requests whose time is malformed, over, or longer than time is: rows 33 and 34 of the table of
 * hostile inputs.
 */
#include <stdio.h>

#include "sim/request_world.h"

/* ---- row 33: malformed ---- */

static void ask_in(const char *timeout) {
  char fields[256];
  snprintf(fields, sizeof fields, REQUEST("/t/Answer") "grpc-timeout: %s\n", timeout);
  requests_ask(fields);
}

static void row_33_a_malformed_timeout_is_internal(void **state) {
  (void)state;
  static const char *const malformed[] = {"",     "1",   "S",   "10s",  "10x",
                                          "-1S",  "+1S", "1 S", "1S S", "1.5S",
                                          "0x1S", "m10", "1SS", "1S,1", "99999999999999999999"};
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    ask_in(malformed[i]);
    requests_expect_refused(FC_CODE_INTERNAL, "grpc-timeout");
  }
}

static void row_33_two_timeouts_are_internal(void **state) {
  (void)state;
  requests_ask(REQUEST("/t/Answer") "grpc-timeout: 10S\ngrpc-timeout: 10S\n");
  requests_expect_refused(FC_CODE_INTERNAL, "grpc-timeout");
}

static int64_t remaining;

static void tell_remaining(fc_call *call, void *user) {
  (void)user;
  requests.rig.begun++;
  remaining = fc_call_time_remaining(call);
  (void)!fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0});
  fc_call_destroy(call);
}

static void with_clock(void) {
  fc_handler h = FC_HANDLER_INIT;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = tell_remaining;
  requests_stop(NULL);
  requests_create(NULL);
  assert_int_equal(fc_server_register(requests.rig.server, "/t/Clock", &h, NULL), FC_OK);
  requests_connect();
}

static void row_33_long_timeouts_never_wrap(void **state) {
  (void)state;
  static const char *const timeouts[] = {"99999999H",
                                         "100000000n",
                                         "123456789S",
                                         "2562047789H",
                                         "18446744073709551616n",
                                         "9223372036854775808n",
                                         "00000000001S",
                                         "5124095576030431H"};
  with_clock();
  for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
    char fields[256];
    snprintf(fields, sizeof fields, REQUEST("/t/Clock") "grpc-timeout: %s\n", timeouts[i]);
    requests_ask(fields);
    requests_expect(FC_CODE_OK, "");
    assert_true(remaining > 3600 * FC_SECOND);
  }
}

static void row_33_every_unit_is_known(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t least, most;
  } timeouts[] = {
      {"90000000n", 50 * FC_MILLISECOND, 90 * FC_MILLISECOND},
      {"90000u", 50 * FC_MILLISECOND, 90 * FC_MILLISECOND},
      {"90m", 50 * FC_MILLISECOND, 90 * FC_MILLISECOND},
      {"2S", FC_SECOND, 2 * FC_SECOND},
      {"2M", 119 * FC_SECOND, 120 * FC_SECOND},
      {"2H", 7199 * FC_SECOND, 7200 * FC_SECOND},
  };
  with_clock();
  for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
    char fields[256];
    snprintf(fields, sizeof fields, REQUEST("/t/Clock") "grpc-timeout: %s\n", timeouts[i].text);
    requests_ask(fields);
    requests_expect(FC_CODE_OK, "");
    assert_in_range((uintmax_t)remaining, (uintmax_t)timeouts[i].least,
                    (uintmax_t)timeouts[i].most);
  }
}

/* ---- row 34: late ---- */

static void row_34_no_time_left_on_arrival_is_deadline_exceeded(void **state) {
  (void)state;
  static const char *const nothing[] = {"0n", "0u", "0m", "0S", "0M", "0H", "00000000S"};
  for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
    ask_in(nothing[i]);
    requests_expect_refused(FC_CODE_DEADLINE_EXCEEDED, "");
  }
}

/* Once the deadline has passed no handler begins, however late the request's message is. */
static void row_34_a_deadline_that_passes_before_the_message_runs_nothing(void **state) {
  (void)state;
  requests_begin(REQUEST("/t/Answer") "grpc-timeout: 5m\n", 0);
  requests_go();
  requests_expect(FC_CODE_DEADLINE_EXCEEDED, "");
  raw_end_message(&requests.end, requests.id, FC__H2_END_STREAM, 0, TEXT("request"));
  requests_go();
  assert_string_equal(requests.said, "");
  assert_int_equal(requests.rig.begun, 0);
  requests_expect_good_call();
}

/* A handler that never ends does not keep the status from its client. */
static void row_34_the_deadline_is_told_on_time(void **state) {
  (void)state;
  requests_ask(REQUEST("/t/Hold") "grpc-timeout: 15m\n");
  requests_expect(FC_CODE_DEADLINE_EXCEEDED, "");
  assert_int_equal(requests.rig.over, 1);
  assert_int_equal(requests.rig.code, FC_CODE_DEADLINE_EXCEEDED);
  requests_expect_good_call();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      REQUEST_TEST(row_33_a_malformed_timeout_is_internal),
      REQUEST_TEST(row_33_two_timeouts_are_internal),
      REQUEST_TEST(row_33_long_timeouts_never_wrap),
      REQUEST_TEST(row_33_every_unit_is_known),
      REQUEST_TEST(row_34_no_time_left_on_arrival_is_deadline_exceeded),
      REQUEST_TEST(row_34_a_deadline_that_passes_before_the_message_runs_nothing),
      REQUEST_TEST(row_34_the_deadline_is_told_on_time),
  };
  return requests_run(tests, sizeof tests / sizeof *tests);
}
