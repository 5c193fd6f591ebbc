/* Large messages on their way out of a client: when the next may follow, and what becomes of the rest. */
#include "sim/answer_world.h"
#include "support/failing_alloc.h"

enum { LARGE = 200 * 1024 };

static fc_bytes *large_message(void) {
  uint8_t *data;
  fc_bytes *message = fc_bytes_create(LARGE, &data);
  assert_non_null(message);
  memset(data, 'x', LARGE);
  return message;
}

static void sent(fc_call *call, fc_result result, void *user) {
  (void)call;
  *(fc_result *)user = result;
}

/* More than the first windows let through. */
static fc_call *send_large(unsigned flags, fc_result *result) {
  fc_call *call = answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  *result = FC_ERR_BUSY;
  assert_int_equal(fc_call_send_async(call, large_message(), flags, sent, result), FC_OK);
  answers_go();
  assert_int_equal(*result, FC_ERR_BUSY);
  return call;
}

static void open_windows(void) {
  h2_put_u32(&answers.end.peer, FC__H2_WINDOW_UPDATE, 0, LARGE);
  h2_put_u32(&answers.end.peer, FC__H2_WINDOW_UPDATE, answers.id, LARGE);
  answers_go();
}

static void answer_ok(void) {
  answers_headers(H2_RESPONSE, 0);
  answers_trailers(ANSWER_STATUS("0"));
  answers_go();
}

static void a_send_is_told_when_its_message_has_left(void **state) {
  (void)state;
  fc_result result;
  fc_call *call = send_large(0, &result);
  open_windows();
  assert_int_equal(result, FC_OK);
  assert_int_equal(fc_call_close_send(call), FC_OK);
  answer_ok();
  answers_expect_alive(call, FC_CODE_OK, "");
}

static void the_last_send_is_told_too(void **state) {
  (void)state;
  fc_result result;
  fc_call *call = send_large(FC_SEND_LAST, &result);
  open_windows();
  assert_int_equal(result, FC_OK);
  answer_ok();
  answers_expect_alive(call, FC_CODE_OK, "");
}

static void closing_behind_a_send_does_not_lose_its_end(void **state) {
  (void)state;
  fc_result result;
  fc_call *call = send_large(0, &result);
  assert_int_equal(fc_call_close_send(call), FC_OK);
  open_windows();
  assert_int_equal(result, FC_OK);
  answer_ok();
  answers_expect_alive(call, FC_CODE_OK, "");
}

/* RFC 9113 section 8.1: the server need not read the rest, nor say so. */
static void the_rest_of_a_request_is_not_kept_behind_an_early_answer(void **state) {
  (void)state;
  fc_result result;
  fc_call *call = send_large(FC_SEND_LAST, &result);
  answers_headers(H2_RESPONSE, 0);
  answers_trailers(ANSWER_STATUS("8"));
  answers_go();
  assert_non_null(strstr(answers.said, "RST_STREAM 1 NO_ERROR"));
  assert_int_equal(result, FC_ERR_CLOSED);
  answers_expect_alive(call, FC_CODE_RESOURCE_EXHAUSTED, "");
}

/* So many small messages, and then one alone, that the connection gives its large buffer back. */
static fc_call *without_a_buffer(void) {
  static const uint8_t text[2000];
  fc_call *call = answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  for (int i = 0; i < 66; i++)
    assert_int_equal(fc_call_send_copy(call, (fc_slice){text, sizeof text}, 0), FC_OK);
  open_windows();
  assert_int_equal(fc_call_send_copy(call, TEXT("small"), 0), FC_OK);
  answers_go();
  return call;
}

static void closing_without_memory_ends_the_call(void **state) {
  (void)state;
  fc_call *call = without_a_buffer();
  failing_alloc_arm(0, FAILING_ALLOC_ONCE);
  assert_int_equal(fc_call_close_send(call), FC_OK);
  assert_true(failing_alloc_disarm());
  answers_go();
  answers_expect_alive(call, FC_CODE_RESOURCE_EXHAUSTED, "out of memory");
}

/* The window cannot be given back, and the server would wait for that for ever. */
static void receiving_without_memory_ends_the_connection(void **state) {
  (void)state;
  static const uint8_t text[50000];
  fc_bytes *message;
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  options.initial_window_bytes = 65535; /* fixed: nothing is measured, so nothing else is sent */
  answers_restart(options);
  fc_call *call = without_a_buffer();
  answers_headers(H2_RESPONSE, 0);
  answers_message((fc_slice){text, sizeof text});
  answers_go();
  failing_alloc_arm(0, FAILING_ALLOC_FROM_THEN);
  assert_int_equal(fc_call_recv(call, &message), FC_OK);
  assert_true(failing_alloc_disarm());
  fc_bytes_unref(message);
  answers_go();
  answers_expect_dead(call, FC_CODE_UNAVAILABLE, "out of memory");
}

/* Sends so many bytes, a part at a time and all through the windows, then has the server refuse the stream. */
static fc_call *send_and_be_refused(size_t bytes) {
  enum { PART = 16 * 1024 };
  static const uint8_t part[PART];
  fc_call *call = answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  h2_put_u32(&answers.end.peer, FC__H2_WINDOW_UPDATE, 0, 1 << 20);
  h2_put_u32(&answers.end.peer, FC__H2_WINDOW_UPDATE, answers.id, 1 << 20);
  answers_go();
  for (size_t i = 0; i < bytes / PART; i++) {
    assert_int_equal(fc_call_send_copy(call, (fc_slice){part, PART}, 0), FC_OK);
    answers_go();
  }
  h2_put_u32(&answers.end.peer, FC__H2_RST_STREAM, answers.id, FC__H2_REFUSED_STREAM);
  answers_go();
  return call;
}

/* gRFC A6: messages are kept for a second try, but no more than 256 KiB of them, however small each is. */
static void what_is_kept_for_a_second_try_is_bounded(void **state) {
  (void)state;
  fc_call *call = send_and_be_refused(240 * 1024);
  assert_non_null(strstr(answers.said, "HEADERS 3 "));
  answers.id = 3;
  answer_ok();
  answers_expect_alive(call, FC_CODE_OK, "");
  call = send_and_be_refused(272 * 1024);
  answers_expect_alive(call, FC_CODE_UNAVAILABLE, "REFUSED_STREAM");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ANSWER_TEST(a_send_is_told_when_its_message_has_left),
      ANSWER_TEST(the_last_send_is_told_too),
      ANSWER_TEST(closing_behind_a_send_does_not_lose_its_end),
      ANSWER_TEST(closing_without_memory_ends_the_call),
      ANSWER_TEST(receiving_without_memory_ends_the_connection),
      ANSWER_TEST(the_rest_of_a_request_is_not_kept_behind_an_early_answer),
      ANSWER_TEST_WHOLE(what_is_kept_for_a_second_try_is_bounded),
  };
  return answers_run(tests, sizeof tests / sizeof *tests);
}
