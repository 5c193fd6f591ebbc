/* Sending and receiving what takes no waiting, and messages that are written together. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/answer_world.h"

static fc_result try_send(fc_call *call, fc_slice text, unsigned flags) {
  fc_bytes *message = fc_bytes_copy(text.data, text.len);
  assert_non_null(message);
  fc_result r = fc_call_send(call, message, flags | FC_SEND_NO_WAIT);
  if (r != FC_OK) fc_bytes_unref(message);
  return r;
}

static void open_windows(void) {
  enum { MUCH = 1024 * 1024 };
  h2_put_u32(&answers.end.peer, FC__H2_WINDOW_UPDATE, 0, MUCH);
  h2_put_u32(&answers.end.peer, FC__H2_WINDOW_UPDATE, answers.id, MUCH);
  answers_go();
}

static void answer_ok(void) {
  answers_headers(H2_RESPONSE, 0);
  answers_trailers(ANSWER_STATUS("0"));
  answers_go();
}

static void a_send_that_would_wait_sends_nothing(void **state) {
  (void)state;
  static const uint8_t text[10000];
  fc_call *call = answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  int sent = 0;
  fc_result r;
  while ((r = try_send(call, (fc_slice){text, sizeof text}, 0)) == FC_OK) sent++;
  assert_int_equal(r, FC_ERR_TIMEOUT);
  assert_true(sent > 6); /* the first window has 65,535 bytes */
  open_windows();
  assert_int_equal(try_send(call, (fc_slice){text, sizeof text}, FC_SEND_LAST), FC_OK);
  assert_int_equal(try_send(call, TEXT("late"), 0), FC_ERR_CLOSED);
  answer_ok();
  answers_expect_alive(call, FC_CODE_OK, "");
}

/* More is written with what follows, be it a message or the end. */
static void expect_together(bool last) {
  fc_call *call = answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  assert_int_equal(fc_call_send_copy(call, TEXT("first"), FC_SEND_MORE), FC_OK);
  answers_go();
  assert_null(strstr(answers.said, "DATA"));
  if (last) {
    assert_int_equal(fc_call_close_send(call), FC_OK);
  } else {
    assert_int_equal(fc_call_send_copy(call, TEXT("second"), FC_SEND_LAST | FC_SEND_MORE), FC_OK);
  }
  answers_go();
  assert_non_null(strstr(answers.said, "DATA"));
  answer_ok();
  answers_expect_alive(call, FC_CODE_OK, "");
}

static void messages_are_written_together(void **state) {
  (void)state;
  expect_together(false);
}

static void the_end_is_written_with_the_message_before(void **state) {
  (void)state;
  expect_together(true);
}

/* Otherwise nobody could send the rest. */
static void what_fills_the_window_is_written_at_once(void **state) {
  (void)state;
  static const uint8_t text[10000];
  fc_call *call = answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  while (try_send(call, (fc_slice){text, sizeof text}, FC_SEND_MORE) == FC_OK) continue;
  open_windows();
  assert_int_equal(try_send(call, TEXT("end"), FC_SEND_LAST), FC_OK);
  answer_ok();
  answers_expect_alive(call, FC_CODE_OK, "");
}

static void a_receive_takes_what_is_there(void **state) {
  (void)state;
  fc_bytes *message;
  fc_call *call = answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  assert_int_equal(fc_call_try_recv(call, &message), FC_ERR_TIMEOUT);
  assert_null(message);
  answers_headers(H2_RESPONSE, 0);
  answers_message(TEXT("one"));
  answers_message(TEXT("two"));
  answers_go();
  const char *const texts[] = {"one", "two"};
  for (int i = 0; i < 2; i++) {
    assert_int_equal(fc_call_try_recv(call, &message), FC_OK);
    assert_true(fc_slice_equals(fc_bytes_slice(message), texts[i]));
    fc_bytes_unref(message);
  }
  assert_int_equal(fc_call_try_recv(call, &message), FC_ERR_TIMEOUT);
  answers_trailers(ANSWER_STATUS("0"));
  answers_go();
  assert_int_equal(fc_call_try_recv(call, &message), FC_END);
  answers_expect_alive(call, FC_CODE_OK, "");
}

static void send_part(fc_slice all, size_t from, size_t to) {
  for (size_t at = from; at < to; at += FC__H2_FRAME_MIN_MAX) {
    size_t left = to - at;
    answers_data(
        0, (fc_slice){all.data + at, left < FC__H2_FRAME_MIN_MAX ? left : FC__H2_FRAME_MIN_MAX});
  }
  answers_go();
}

static size_t window_given(void) {
  char text[40];
  size_t all = 0;
  int len = snprintf(text, sizeof text, "WINDOW_UPDATE %u ", answers.id);
  for (const char *at = answers.said; (at = strstr(at, text)); at += len)
    all += strtoul(at + len, NULL, 10);
  return all;
}

static void a_receive_asks_for_what_is_longer_than_the_window(void **state) {
  (void)state;
  enum { LEN = 200000, WINDOW = 65535 };
  static const uint8_t text[LEN];
  fc_bytes *message;
  fc_call *call = answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  fc_slice all = raw_end_framed(0, (fc_slice){text, LEN});
  answers_headers(H2_RESPONSE, 0);
  send_part(all, 0, WINDOW);
  assert_int_equal(fc_call_try_recv(call, &message), FC_ERR_TIMEOUT);
  answers_go();
  assert_true(window_given() >= all.len - WINDOW);
  send_part(all, WINDOW, all.len);
  assert_int_equal(fc_call_try_recv(call, &message), FC_OK);
  assert_int_equal(fc_bytes_slice(message).len, LEN);
  fc_bytes_unref(message);
  answers_trailers(ANSWER_STATUS("0"));
  answers_go();
  answers_expect_alive(call, FC_CODE_OK, "");
}

/* It counts only when the call has ended with OK. */
static void the_only_response_is_not_there_before_the_end(void **state) {
  (void)state;
  fc_bytes *message;
  fc_call *call = answers_call();
  answers_headers(H2_RESPONSE, 0);
  answers_message(TEXT("one"));
  answers_go();
  assert_int_equal(fc_call_try_recv(call, &message), FC_ERR_TIMEOUT);
  answers_trailers(ANSWER_STATUS("0"));
  answers_go();
  assert_int_equal(fc_call_try_recv(call, &message), FC_OK);
  assert_slice_is(fc_bytes_slice(message), "one");
  fc_bytes_unref(message);
  answers_expect_alive(call, FC_CODE_OK, "");
}

static void a_call_that_is_over_has_nothing_to_receive(void **state) {
  (void)state;
  fc_bytes *message;
  fc_call *call = answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  assert_int_equal(fc_call_try_recv(NULL, &message), FC_ERR_INVALID);
  assert_int_equal(fc_call_try_recv(call, NULL), FC_ERR_INVALID);
  fc_call_cancel(call, FC_CODE_ABORTED, "enough");
  assert_int_equal(fc_call_try_recv(call, &message), FC_END);
  answers_go();
  answers_expect_alive(call, FC_CODE_ABORTED, "enough");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ANSWER_TEST(a_send_that_would_wait_sends_nothing),
      ANSWER_TEST(messages_are_written_together),
      ANSWER_TEST(the_end_is_written_with_the_message_before),
      ANSWER_TEST(what_fills_the_window_is_written_at_once),
      ANSWER_TEST(a_receive_takes_what_is_there),
      ANSWER_TEST_WHOLE(a_receive_asks_for_what_is_longer_than_the_window),
      ANSWER_TEST(the_only_response_is_not_there_before_the_end),
      ANSWER_TEST(a_call_that_is_over_has_nothing_to_receive),
  };
  return answers_run(tests, sizeof tests / sizeof *tests);
}
