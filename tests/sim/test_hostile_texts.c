/*
 * Status texts and details that are not what they should be, to a client: rows 50 and 51 of the
 * table of hostile inputs; and header lists that are too large, row 37.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim/answer_world.h"
#include "support/failing_alloc.h"

static fc_call *concluded(const char *trailers) {
  fc_call *call = answers_call();
  answers_headers(H2_RESPONSE, 0);
  answers_trailers(trailers);
  answers_go();
  return call;
}

static fc_call *concluded_by_block(fc_slice block) {
  fc_call *call = answers_call();
  answers_headers(H2_RESPONSE, 0);
  raw_end_block(&answers.end, answers.id, FC__H2_END_STREAM, block);
  answers_go();
  return call;
}

/* ---- row 50: grpc-message ---- */

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static void row_50_any_text_is_kept_and_made_utf8(void **state) {
  (void)state;
  static const struct {
    const char *wire, *text;
  } texts[] = {
      {"plain", "plain"},
      {"100%25", "100%"},
      {"caf%C3%A9", "caf\xc3\xa9"},
      {"caf\xc3\xa9", "caf\xc3\xa9"},
      {"%", "%"},
      {"a%", "a%"},
      {"a%4", "a%4"},
      {"%zz%4G", "%zz%4G"},
      {"%e4b", BAD "b"},
      {"\xff\xfe", BAD BAD},
      {"%F0%9F%98x", BAD "x"},
      {"%C0%80", BAD BAD},
      {"%ED%A0%80", BAD BAD BAD},
      {"a%00b", "a" BAD "b"},
      {"a%0D%0Ab", "a\r\nb"},
      {"", ""},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char fields[256];
    snprintf(fields, sizeof fields, "grpc-status: 10\ngrpc-message: %s\n", texts[i].wire);
    fc_call *call = concluded(fields);
    assert_string_equal(fc_call_status(call)->message, texts[i].text);
    answers_expect_alive(call, FC_CODE_ABORTED, "");
  }
}

static struct raw_block block;

/* A NUL byte is no part of a field, RFC 9113 section 8.2.1: the answer is malformed. */
static void row_50_a_nul_byte_is_internal(void **state) {
  (void)state;
  raw_block_begin(&block, ANSWER_STATUS("10"));
  raw_block_literal(&block, RAW_PLAIN, "grpc-message", TEXT("a\0b"));
  answers_expect_alive(concluded_by_block(raw_block_slice(&block)), FC_CODE_INTERNAL,
                       "broke the protocol");
}

/* A literal field with that many x for its value. */
static fc_slice huge_block(const char *fields, const char *name, size_t len) {
  static uint8_t memory[1200000];
  fc_slice head = h2_block_of(fields);
  size_t at = head.len;
  memcpy(memory, head.data, head.len);
  memory[at++] = 0;
  memory[at++] = (uint8_t)strlen(name);
  memcpy(memory + at, name, strlen(name));
  at += strlen(name);
  memory[at++] = 127;
  size_t left = len - 127;
  for (; left >= 128; left >>= 7) memory[at++] = (uint8_t)(left | 128);
  memory[at++] = (uint8_t)left;
  memset(memory + at, 'x', len);
  return (fc_slice){memory, at + len};
}

/* Who wants such texts raises the limit; what is kept of them has one too. */
static void row_50_a_text_of_a_megabyte_keeps_its_status(void **state) {
  (void)state;
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  o.max_metadata_bytes = 2000000;
  answers_restart(o);
  fc_call *call = concluded_by_block(huge_block(ANSWER_STATUS("10"), "grpc-message", 1000000));
  assert_true(strlen(fc_call_status(call)->message) >= 10000);
  answers_expect_alive(call, FC_CODE_ABORTED, "xxxxxxxxxx");
}

/* ---- row 37, on this side ---- */

static void expect_too_large(fc_call *call, size_t live) {
  size_t peak = failing_alloc_peak_bytes() - live;
  if (peak > 100000) fail_msg("%zu bytes were taken", peak);
  answers_expect_alive(call, FC_CODE_RESOURCE_EXHAUSTED, "metadata is larger than the limit");
}

static void row_37_trailers_over_the_limit_are_refused(void **state) {
  (void)state;
  size_t live = failing_alloc_live_bytes();
  failing_alloc_restart();
  expect_too_large(concluded_by_block(huge_block(ANSWER_STATUS("10"), "grpc-message", 100000)),
                   live);
  expect_too_large(concluded_by_block(huge_block(ANSWER_STATUS("0"), "a", 17000)), live);
}

static void row_37_headers_over_the_limit_are_refused(void **state) {
  (void)state;
  fc_call *call = answers_call();
  size_t live = failing_alloc_live_bytes();
  failing_alloc_restart();
  raw_end_block(&answers.end, answers.id, 0, huge_block(H2_RESPONSE, "a", 100000));
  answers_message(TEXT("late"));
  answers_go();
  expect_too_large(call, live);
  call = answers_call();
  raw_block_begin(&block, H2_RESPONSE);
  for (int i = 0; i < 127; i++) raw_block_literal(&block, RAW_PLAIN, "a", TEXT("b"));
  raw_end_block(&answers.end, answers.id, 0, raw_block_slice(&block));
  answers_go();
  expect_too_large(call, live);
}

/* ---- row 51: details ---- */

/* google.rpc.Status in base64, of code 5 and of code 3; the second's code is behind its text. */
#define DETAILS_5 "CAUSAXg"
#define DETAILS_3 "EgF4CAM"

static void expect_details(const char *trailers, fc_code code, size_t len) {
  fc_call *call = concluded(trailers);
  const fc_status *status = fc_call_status(call);
  assert_int_equal(status->details.len, len);
  if (len) assert_memory_equal(status->details.data, "\x08\x05\x12\x01x", len);
  assert_int_equal(status->origin, FC_ORIGIN_PEER);
  answers_expect_alive(call, code, "text");
}

#define DETAILS(code, details)                                                                     \
  "grpc-status: " code "\ngrpc-message: text\ngrpc-status-details-bin: " details "\n"

static void row_51_good_details_are_given(void **state) {
  (void)state;
  expect_details(DETAILS("5", DETAILS_5), FC_CODE_NOT_FOUND, 5);
  expect_details(DETAILS("5", DETAILS_5 "="), FC_CODE_NOT_FOUND, 5);
}

static void row_51_details_that_are_not_base64_are_dropped(void **state) {
  (void)state;
  expect_details(DETAILS("5", "%%%"), FC_CODE_NOT_FOUND, 0);
  expect_details(DETAILS("5",
                         "CAUSAX"
                         "g!"),
                 FC_CODE_NOT_FOUND, 0);
  expect_details(DETAILS("5", DETAILS_5 "," DETAILS_5), FC_CODE_NOT_FOUND, 0);
}

static void row_51_details_that_contradict_the_status_are_dropped(void **state) {
  (void)state;
  expect_details(DETAILS("5", DETAILS_3), FC_CODE_NOT_FOUND, 0);
  expect_details(DETAILS("3", DETAILS_5), FC_CODE_INVALID_ARGUMENT, 0);
}

/* For programs that compare the two by themselves. */
static void contradicting_details_are_metadata(void **state) {
  (void)state;
  fc_slice value;
  fc_call *call = concluded(DETAILS("5", DETAILS_3));
  const fc_metadata *trailing = fc_call_trailing_metadata(call);
  assert_true(fc_metadata_find(trailing, "grpc-status-details-bin", &value));
  assert_int_equal(value.len, 5);
  assert_memory_equal(value.data, "\x12\x01x\x08\x03", value.len);
  answers_expect_alive(call, FC_CODE_NOT_FOUND, "text");
}

/* The response is there, or OK would be an error of its own. */
static void row_51_details_with_ok_are_dropped(void **state) {
  (void)state;
  fc_call *call = answers_call();
  answers_headers(H2_RESPONSE, 0);
  answers_message(TEXT("response"));
  answers_trailers(DETAILS("0", "CAASAXg"));
  answers_go();
  assert_int_equal(fc_call_status(call)->details.len, 0);
  answers_expect_alive(call, FC_CODE_OK, "text");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ANSWER_TEST(row_37_trailers_over_the_limit_are_refused),
      ANSWER_TEST(row_37_headers_over_the_limit_are_refused),
      ANSWER_TEST(row_50_any_text_is_kept_and_made_utf8),
      ANSWER_TEST(row_50_a_nul_byte_is_internal),
      ANSWER_TEST_WHOLE(row_50_a_text_of_a_megabyte_keeps_its_status),
      ANSWER_TEST(row_51_good_details_are_given),
      ANSWER_TEST(row_51_details_that_are_not_base64_are_dropped),
      ANSWER_TEST(row_51_details_that_contradict_the_status_are_dropped),
      ANSWER_TEST(row_51_details_with_ok_are_dropped),
      ANSWER_TEST(contradicting_details_are_metadata),
  };
  return answers_run(tests, sizeof tests / sizeof *tests);
}
