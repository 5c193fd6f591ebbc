/*
 * Answers that go wrong behind good messages, to a client: what came before is still given, in order, and then the status
 * tells what happened. Only who gives a call up himself gets nothing more of it.
 */
#include "sim/answer_world.h"

/* A stream with two good messages, which nobody has read yet. */
static fc_call *two_messages(const char *fields) {
  fc_call *call = answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  answers_headers(fields, 0);
  answers_message(TEXT("one"));
  answers_message(TEXT("two"));
  return call;
}

static void expect_message(fc_call *call, const char *text) {
  fc_bytes *message;
  assert_int_equal(fc_call_recv(call, &message), FC_OK);
  assert_true(fc_slice_equals(fc_bytes_slice(message), text));
  fc_bytes_unref(message);
}

static void expect_no_message(fc_call *call) {
  fc_bytes *message;
  assert_int_equal(fc_call_recv(call, &message), FC_END);
  assert_null(message);
}

static void expect_two_messages(fc_call *call) {
  assert_true(fc_call_is_done(call));
  expect_message(call, "one");
  expect_message(call, "two");
  expect_no_message(call);
}

static void messages_before_a_missing_status_are_given(void **state) {
  (void)state;
  fc_call *call = two_messages(H2_RESPONSE);
  answers_data(FC__H2_END_STREAM, TEXT(""));
  answers_go();
  expect_two_messages(call);
  answers_expect_alive(call, FC_CODE_INTERNAL, "without a status");
  call = two_messages(H2_RESPONSE);
  answers_trailers("a: b\n");
  answers_go();
  expect_two_messages(call);
  answers_expect_alive(call, FC_CODE_UNKNOWN, "without grpc-status");
}

static void messages_before_a_cut_one_are_given(void **state) {
  (void)state;
  fc_call *call = two_messages(H2_RESPONSE);
  answers_data(0, TEXT("\0\0\0\0\12cut"));
  answers_trailers(ANSWER_STATUS("0"));
  answers_go();
  expect_two_messages(call);
  answers_expect_alive(call, FC_CODE_INTERNAL, "inside a message");
}

static void messages_before_a_wrong_one_are_given(void **state) {
  (void)state;
  fc_call *call = two_messages(H2_RESPONSE);
  answers_data(0, TEXT("\2\0\0\0\1x"));
  answers_go();
  expect_two_messages(call);
  answers_expect_alive(call, FC_CODE_INTERNAL, "compression flag");
  call = two_messages(H2_RESPONSE);
  answers_data(0, TEXT("\0\xff\xff\xff\xff"));
  answers_go();
  expect_two_messages(call);
  answers_expect_alive(call, FC_CODE_RESOURCE_EXHAUSTED, "larger than max");
  call = two_messages(H2_RESPONSE "grpc-encoding: gzip\n");
  answers_data(0, raw_end_framed(1, TEXT("no gzip")));
  answers_go();
  expect_two_messages(call);
  answers_expect_alive(call, FC_CODE_INTERNAL, "not valid gzip");
}

static void messages_before_a_reset_are_given(void **state) {
  (void)state;
  fc_call *call = two_messages(H2_RESPONSE);
  h2_put_frame(&answers.end.peer, FC__H2_RST_STREAM, 0, answers.id, TEXT("\0\0\0\2"));
  answers_go();
  expect_two_messages(call);
  answers_expect_alive(call, FC_CODE_INTERNAL, "INTERNAL_ERROR");
}

static void messages_before_the_end_of_the_connection_are_given(void **state) {
  (void)state;
  fc_call *call = two_messages(H2_RESPONSE);
  answers_go();
  raw_end_hang_up(&answers.end);
  answers_go();
  expect_two_messages(call);
  answers_expect_dead(call, FC_CODE_UNAVAILABLE, "closed the connection");
}

static void a_cancelled_call_gives_nothing_more(void **state) {
  (void)state;
  fc_call *call = two_messages(H2_RESPONSE);
  answers_go();
  expect_message(call, "one");
  fc_call_cancel(call, FC_CODE_ABORTED, "enough");
  expect_no_message(call);
  answers_go();
  answers_expect_alive(call, FC_CODE_ABORTED, "enough");
}

/* Of a call with one response it counts with the status OK alone: PROTOCOL-HTTP2.md, Responses. */
static void one_response_goes_with_its_error(void **state) {
  (void)state;
  static const char *const trailers[] = {ANSWER_STATUS("5"), ANSWER_STATUS("x"), "a: b\n"};
  static const fc_code codes[] = {FC_CODE_NOT_FOUND, FC_CODE_UNKNOWN, FC_CODE_UNKNOWN};
  for (size_t i = 0; i < 3; i++) {
    fc_call *call = answers_call_pattern(FC_PATTERN_STREAM_UNARY);
    answers_headers(H2_RESPONSE, 0);
    answers_message(TEXT("one"));
    answers_trailers(trailers[i]);
    answers_go();
    expect_no_message(call);
    answers_expect_alive(call, codes[i], "");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ANSWER_TEST(messages_before_a_missing_status_are_given),
      ANSWER_TEST(messages_before_a_cut_one_are_given),
      ANSWER_TEST(messages_before_a_wrong_one_are_given),
      ANSWER_TEST(messages_before_a_reset_are_given),
      ANSWER_TEST(messages_before_the_end_of_the_connection_are_given),
      ANSWER_TEST(a_cancelled_call_gives_nothing_more),
      ANSWER_TEST(one_response_goes_with_its_error),
  };
  return answers_run(tests, sizeof tests / sizeof *tests);
}
