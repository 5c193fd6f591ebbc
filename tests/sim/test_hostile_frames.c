/*
 * Frames that a server should not send, resets and GOAWAY, to a client: rows 54 to 56 of the table
 * of hostile inputs, and what becomes of the calls.
 */
#include <stdio.h>

#include "sim/answer_world.h"

static struct h2_peer *peer(void) { return &answers.end.peer; }

static void expect_goaway(uint32_t code) {
  char part[64];
  snprintf(part, sizeof part, "GOAWAY 0 %s", fc__h2_error_name(code));
  assert_non_null(strstr(answers.said, part));
}

static void finish_well(fc_call *call) {
  answers_headers(H2_RESPONSE, 0);
  answers_message(TEXT("response"));
  answers_trailers(ANSWER_STATUS("0"));
  answers_go();
  answers_expect_alive(call, FC_CODE_OK, "");
}

/* ---- row 54 ---- */

static void expect_the_end(fc_call *call, uint32_t code) {
  answers_go();
  expect_goaway(code);
  answers_expect_dead(call, FC_CODE_UNAVAILABLE, fc__h2_error_name(code));
}

static void row_54_push_promise_ends_the_connection(void **state) {
  (void)state;
  fc_call *call = answers_call();
  h2_put_frame(peer(), FC__H2_PUSH_PROMISE, FC__H2_END_HEADERS, answers.id,
               TEXT("\0\0\0\2\x83\x86\x84"));
  expect_the_end(call, FC__H2_PROTOCOL_ERROR);
}

static void row_54_streams_of_the_servers_end_the_connection(void **state) {
  (void)state;
  fc_call *call = answers_call();
  h2_put_headers(peer(), 2, 0, H2_RESPONSE);
  expect_the_end(call, FC__H2_PROTOCOL_ERROR);
  call = answers_call();
  h2_put_headers(peer(), answers.id + 2, 0, H2_RESPONSE); /* idle */
  expect_the_end(call, FC__H2_PROTOCOL_ERROR);
}

static void row_54_enabling_push_ends_the_connection(void **state) {
  (void)state;
  fc_call *call = answers_call();
  h2_put_setting(peer(), FC__H2_ENABLE_PUSH, 1);
  expect_the_end(call, FC__H2_PROTOCOL_ERROR);
}

static void row_54_data_before_headers_is_internal(void **state) {
  (void)state;
  fc_call *call = answers_call();
  answers_data(0, TEXT("early"));
  answers_go();
  assert_non_null(strstr(answers.said, "PROTOCOL_ERROR"));
  answers_expect_alive(call, FC_CODE_INTERNAL, "broke the protocol");
}

/* CVE-2021-36153. The call that they follow has its status, and keeps it. */
static void row_54_headers_after_trailers_end_the_connection(void **state) {
  (void)state;
  fc_call *call = answers_call();
  answers_trailers(H2_RESPONSE ANSWER_STATUS("5"));
  answers_trailers(ANSWER_STATUS("6"));
  answers_go();
  expect_goaway(FC__H2_STREAM_CLOSED);
  answers_expect_dead(call, FC_CODE_NOT_FOUND, "");
}

static void row_54_trailers_without_an_end_are_internal(void **state) {
  (void)state;
  fc_call *call = answers_call();
  answers_headers(H2_RESPONSE, 0);
  answers_headers(ANSWER_STATUS("0"), 0);
  answers_go();
  answers_expect_alive(call, FC_CODE_INTERNAL, "broke the protocol");
}

/* ---- row 55 ---- */

static const struct {
  uint32_t h2;
  fc_code code;
} resets[] = {
    {FC__H2_NO_ERROR, FC_CODE_INTERNAL},
    {FC__H2_PROTOCOL_ERROR, FC_CODE_INTERNAL},
    {FC__H2_INTERNAL_ERROR, FC_CODE_INTERNAL},
    {FC__H2_FLOW_CONTROL_ERROR, FC_CODE_INTERNAL},
    {FC__H2_SETTINGS_TIMEOUT, FC_CODE_INTERNAL},
    {FC__H2_STREAM_CLOSED, FC_CODE_INTERNAL},
    {FC__H2_FRAME_SIZE_ERROR, FC_CODE_INTERNAL},
    {FC__H2_CANCEL, FC_CODE_CANCELLED},
    {FC__H2_COMPRESSION_ERROR, FC_CODE_INTERNAL},
    {FC__H2_CONNECT_ERROR, FC_CODE_INTERNAL},
    {FC__H2_ENHANCE_YOUR_CALM, FC_CODE_RESOURCE_EXHAUSTED},
    {FC__H2_INADEQUATE_SECURITY, FC_CODE_PERMISSION_DENIED},
    {FC__H2_HTTP_1_1_REQUIRED, FC_CODE_INTERNAL},
    {14, FC_CODE_INTERNAL},
    {UINT32_MAX, FC_CODE_INTERNAL},
};

static void reset(uint32_t code) { h2_put_u32(peer(), FC__H2_RST_STREAM, answers.id, code); }

static void row_55_each_reset_has_its_code(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof resets / sizeof *resets; i++) {
    fc_call *call = answers_call();
    reset(resets[i].h2);
    answers_go();
    answers_expect_alive(call, resets[i].code, fc__h2_error_name(resets[i].h2));
    call = answers_call();
    answers_headers(H2_RESPONSE, 0);
    answers_message(TEXT("response"));
    reset(resets[i].h2);
    answers_go();
    answers_expect_alive(call, resets[i].code, fc__h2_error_name(resets[i].h2));
  }
}

static void row_55_a_refused_stream_is_tried_again_once(void **state) {
  (void)state;
  fc_call *call = answers_call();
  uint32_t first = answers.id;
  reset(FC__H2_REFUSED_STREAM);
  answers_go();
  assert_false(fc_call_is_done(call));
  assert_non_null(strstr(answers.said, ":path=/s/m"));
  answers.id = first + 2;
  reset(FC__H2_REFUSED_STREAM);
  answers_go();
  assert_null(strstr(answers.said, ":path=/s/m"));
  answers_expect_alive(call, FC_CODE_UNAVAILABLE, "REFUSED_STREAM");
  call = answers_call();
  reset(FC__H2_REFUSED_STREAM);
  answers_go();
  answers.id += 2;
  finish_well(call);
}

/* The server has begun to answer: it has seen the call. */
static void row_55_an_answered_stream_is_not_tried_again(void **state) {
  (void)state;
  fc_call *call = answers_call();
  answers_headers(H2_RESPONSE, 0);
  reset(FC__H2_REFUSED_STREAM);
  answers_go();
  assert_null(strstr(answers.said, ":path"));
  answers_expect_alive(call, FC_CODE_UNAVAILABLE, "REFUSED_STREAM");
}

static void row_55_a_cancel_at_the_deadline_is_deadline_exceeded(void **state) {
  (void)state;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  answers_expect_good_call();
  o.timeout_ns = 25 * FC_MILLISECOND;
  assert_int_equal(fc_unary_unary_future(answers.channel, "/s/m", TEXT(""), &o, &call, NULL),
                   FC_OK);
  sim_run_for(answers.sim, 24 * FC_MILLISECOND);
  answers.id += 2;
  reset(FC__H2_CANCEL); /* arrives in the last moment */
  answers_go();
  assert_int_equal(fc_call_status(call)->code, FC_CODE_DEADLINE_EXCEEDED);
  fc_call_destroy(call);
  answers_expect_good_call();
}

static void row_55_a_reset_after_good_trailers_changes_nothing(void **state) {
  (void)state;
  for (int open = 0; open < 2; open++) {
    fc_call *call = open ? answers_call_pattern(FC_PATTERN_STREAM_UNARY) : answers_call();
    answers_headers(H2_RESPONSE, 0);
    answers_message(TEXT("response"));
    answers_trailers(ANSWER_STATUS("0"));
    reset(FC__H2_NO_ERROR);
    answers_go();
    answers_expect_alive(call, FC_CODE_OK, "");
  }
}

static void row_55_late_data_eats_no_window(void **state) {
  (void)state;
  for (int i = 0; i < 60; i++) {
    fc_call *call = answers_call();
    reset(FC__H2_INTERNAL_ERROR);
    for (int k = 0; k < 2; k++) h2_put_zeros(peer(), answers.id, 0, 16384);
    answers_go();
    answers_expect(call, FC_CODE_INTERNAL, "");
  }
  assert_int_equal(answers.end.accepted, 1);
  answers_expect_good_call();
}

/* ---- row 56 ---- */

static void row_56_calls_above_the_last_id_are_made_again(void **state) {
  (void)state;
  fc_call *call = answers_call();
  h2_put_goaway(peer(), 0, FC__H2_NO_ERROR, "");
  answers_go();
  assert_int_equal(answers.end.accepted, 2);
  assert_non_null(strstr(answers.said, "HEADERS 1 :method=POST"));
  answers.id = 1;
  finish_well(call);
}

/* CVE-2022-24777: a second GOAWAY where one has come. */
static void row_56_but_only_once(void **state) {
  (void)state;
  fc_call *call = answers_call();
  h2_put_goaway(peer(), 0, FC__H2_NO_ERROR, "");
  answers_go();
  h2_put_goaway(peer(), 0, FC__H2_NO_ERROR, "bye");
  answers_go();
  answers_expect(call, FC_CODE_UNAVAILABLE, "");
  answers_expect_good_call();
  assert_int_equal(answers.end.accepted, 3);
}

static void row_56_calls_at_or_below_go_on(void **state) {
  (void)state;
  fc_call *call = answers_call();
  h2_put_goaway(peer(), FC__H2_ID_MAX, FC__H2_NO_ERROR, "");
  answers_go();
  h2_put_goaway(peer(), answers.id, FC__H2_NO_ERROR, "");
  h2_put_goaway(peer(), answers.id, FC__H2_NO_ERROR, ""); /* again */
  answers_go();
  assert_int_equal(answers.end.accepted, 1);
  answers_headers(H2_RESPONSE, 0);
  answers_message(TEXT("response"));
  answers_trailers(ANSWER_STATUS("0"));
  answers_go();
  answers_expect(call, FC_CODE_OK, "");
  answers_expect_good_call();
  assert_int_equal(answers.end.accepted, 2);
}

static void row_56_no_call_begins_on_a_connection_that_goes(void **state) {
  (void)state;
  fc_call *old;
  assert_int_equal(fc_unary_unary_future(answers.channel, "/s/old", TEXT(""), NULL, &old, NULL),
                   FC_OK);
  answers_go();
  h2_put_goaway(peer(), 1, FC__H2_NO_ERROR, "");
  answers_go();
  answers_expect_good_call(); /* its connection takes the place of the first, which is hung up */
  assert_int_equal(answers.end.accepted, 2);
  assert_int_equal(fc_call_status(old)->code, FC_CODE_UNAVAILABLE);
  fc_call_destroy(old);
}

static void row_56_a_last_id_that_rises_ends_the_connection(void **state) {
  (void)state;
  fc_call *call = answers_call();
  h2_put_goaway(peer(), answers.id, FC__H2_NO_ERROR, "");
  h2_put_goaway(peer(), answers.id + 2, FC__H2_NO_ERROR, "");
  expect_the_end(call, FC__H2_PROTOCOL_ERROR);
}

/* gRFC A8 */
static void row_56_too_many_pings_double_the_keepalive_time(void **state) {
  (void)state;
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  o.keepalive_time_ns = 20 * FC_SECOND;
  o.keepalive_without_calls = true;
  answers_restart(o);
  sim_run_for(answers.sim, 25 * FC_SECOND);
  assert_non_null(strstr(raw_end_said(&answers.end), "PING"));
  h2_put_ping(peer(), 1, true);
  h2_put_goaway(peer(), 0, FC__H2_ENHANCE_YOUR_CALM, "too_many_pings");
  answers_go();
  answers_expect_good_call();
  sim_run_for(answers.sim, 25 * FC_SECOND);
  assert_null(strstr(raw_end_said(&answers.end), "PING"));
  sim_run_for(answers.sim, 20 * FC_SECOND);
  assert_non_null(strstr(raw_end_said(&answers.end), "PING"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ANSWER_TEST(row_54_push_promise_ends_the_connection),
      ANSWER_TEST(row_54_streams_of_the_servers_end_the_connection),
      ANSWER_TEST(row_54_enabling_push_ends_the_connection),
      ANSWER_TEST(row_54_data_before_headers_is_internal),
      ANSWER_TEST(row_54_headers_after_trailers_end_the_connection),
      ANSWER_TEST(row_54_trailers_without_an_end_are_internal),
      ANSWER_TEST(row_55_each_reset_has_its_code),
      ANSWER_TEST(row_55_a_refused_stream_is_tried_again_once),
      ANSWER_TEST(row_55_an_answered_stream_is_not_tried_again),
      ANSWER_TEST(row_55_a_cancel_at_the_deadline_is_deadline_exceeded),
      ANSWER_TEST(row_55_a_reset_after_good_trailers_changes_nothing),
      ANSWER_TEST_WHOLE(row_55_late_data_eats_no_window),
      ANSWER_TEST(row_56_calls_above_the_last_id_are_made_again),
      ANSWER_TEST(row_56_but_only_once),
      ANSWER_TEST(row_56_calls_at_or_below_go_on),
      ANSWER_TEST(row_56_no_call_begins_on_a_connection_that_goes),
      ANSWER_TEST(row_56_a_last_id_that_rises_ends_the_connection),
      ANSWER_TEST(row_56_too_many_pings_double_the_keepalive_time),
  };
  return answers_run(tests, sizeof tests / sizeof *tests);
}
