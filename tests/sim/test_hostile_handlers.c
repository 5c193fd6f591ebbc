/* Handlers that do what they should not: row 46 of the table of hostile inputs. The server lives,
 * its clients get one status. */
#include <stdlib.h>

#include "sim/request_world.h"

/* A unary call whose handler runs and keeps the handle. */
static fc_call *hold(void) {
  int before = requests.rig.held_count;
  requests_ask(REQUEST("/t/Hold"));
  assert_string_equal(requests.said, "");
  assert_int_equal(requests.rig.held_count, before + 1);
  return requests.rig.held[before];
}

static void expect_told(fc_code code, const char *part) {
  requests_go();
  requests_expect(code, part);
  rig_finish_all(&requests.rig);
  requests_expect_good_call();
}

static void row_46_a_handler_that_gives_up_is_unknown(void **state) {
  (void)state;
  requests_ask(REQUEST("/t/GiveUp"));
  requests_expect(FC_CODE_UNKNOWN, "without finishing");
  requests_expect_good_call();
}

static void row_46_a_status_that_does_not_exist_is_unknown(void **state) {
  (void)state;
  static const int codes[] = {-1, 17, 99, INT32_MAX};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    fc_call *call = hold();
    assert_int_equal(fc_call_finish(call, (fc_code)codes[i], "x", (fc_slice){0}), FC_ERR_INVALID);
    assert_int_equal(fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0}), FC_ERR_CLOSED);
    expect_told(FC_CODE_UNKNOWN, "which is no status code");
  }
}

static void row_46_text_is_cleaned_and_encoded(void **state) {
  (void)state;
  static const struct {
    const char *text, *encoded;
  } texts[] = {
      {"two\r\nlines", "=two%0D%0Alines\n"},
      {"100%", "=100%25\n"},
      {"caf\xc3\xa9", "=caf%C3%A9\n"},
      {"bad \xff\xc3", "=bad %EF%BF%BD%EF%BF%BD\n"},
      {"half \xf0\x9f\x98", "=half %EF%BF%BD"},
      {"\x01\x7f", "=%01%7F\n"},
      {" \t ", "=%20%09%20\n"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    fc_call *call = hold();
    assert_int_equal(fc_call_finish(call, FC_CODE_ABORTED, texts[i].text, (fc_slice){0}), FC_OK);
    expect_told(FC_CODE_ABORTED, texts[i].encoded);
  }
}

static void row_46_the_first_status_counts(void **state) {
  (void)state;
  fc_call *call = hold();
  assert_int_equal(fc_call_finish(call, FC_CODE_ABORTED, "first", (fc_slice){0}), FC_OK);
  assert_int_equal(fc_call_finish(call, FC_CODE_OK, "second", (fc_slice){0}), FC_ERR_CLOSED);
  fc_call_cancel(call, FC_CODE_INTERNAL, "third");
  assert_int_equal(fc_call_status(call)->code, FC_CODE_ABORTED);
  expect_told(FC_CODE_ABORTED, "first");
}

static void row_46_nothing_follows_the_status(void **state) {
  (void)state;
  fc_call *call = hold();
  assert_int_equal(fc_call_finish(call, FC_CODE_ABORTED, "over", (fc_slice){0}), FC_OK);
  assert_int_equal(fc_call_send_copy(call, TEXT("late"), 0), FC_ERR_CLOSED);
  assert_int_equal(fc_call_send_initial_metadata(call, NULL), FC_ERR_CLOSED);
  assert_int_equal(fc_call_set_trailing_metadata(call, NULL), FC_ERR_CLOSED);
  expect_told(FC_CODE_ABORTED, "over");
}

static void row_46_a_second_response_is_refused(void **state) {
  (void)state;
  fc_call *call = hold();
  assert_int_equal(fc_call_send_copy(call, TEXT("one"), 0), FC_OK);
  assert_int_equal(fc_call_send_copy(call, TEXT("two"), 0), FC_ERR_INVALID);
  assert_int_equal(fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0}), FC_OK);
  requests_go();
  requests_expect(FC_CODE_OK, "");
  assert_int_equal(requests_data_len(), 8);
  rig_finish_all(&requests.rig);
  requests_expect_good_call();
}

/* More than the client has announced to take. */
static void row_46_a_status_too_long_for_the_client_is_told_without_text(void **state) {
  (void)state;
  char *text = malloc(20001);
  assert_non_null(text);
  memset(text, 'x', 20000);
  text[20000] = 0;
  h2_put_setting(&requests.end.peer, FC__H2_MAX_HEADER_LIST_SIZE, 16384);
  requests_go();
  fc_call *call = hold();
  assert_int_equal(fc_call_finish(call, FC_CODE_ABORTED, text, (fc_slice){0}), FC_OK);
  free(text);
  expect_told(FC_CODE_RESOURCE_EXHAUSTED, "");
}

/* It never ends: its client may go, and the server serves on. */
static void row_46_a_handler_that_blocks_holds_up_nobody(void **state) {
  (void)state;
  hold();
  uint32_t held = requests.id;
  requests_expect_good_call();
  h2_put_u32(&requests.end.peer, FC__H2_RST_STREAM, held, FC__H2_CANCEL);
  requests_go();
  assert_int_equal(requests.rig.over, 1);
  assert_int_equal(requests.rig.code, FC_CODE_CANCELLED);
  assert_string_equal(requests.said, "");
  requests_expect_good_call();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      REQUEST_TEST(row_46_a_handler_that_gives_up_is_unknown),
      REQUEST_TEST(row_46_a_status_that_does_not_exist_is_unknown),
      REQUEST_TEST(row_46_text_is_cleaned_and_encoded),
      REQUEST_TEST(row_46_the_first_status_counts),
      REQUEST_TEST(row_46_nothing_follows_the_status),
      REQUEST_TEST(row_46_a_second_response_is_refused),
      REQUEST_TEST(row_46_a_status_too_long_for_the_client_is_told_without_text),
      REQUEST_TEST(row_46_a_handler_that_blocks_holds_up_nobody),
  };
  return requests_run(tests, sizeof tests / sizeof *tests);
}
