/*
 * Answers that begin with the same indexed fields as the one before are not decoded that far: to
 * callers it must make no difference. Each test runs byte by byte too, which takes the way without
 * that.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "http2/hpack.h"
#include "sim/answer_world.h"

static struct raw_block block;

static void insert(const char *name, const char *value) {
  raw_block_literal(&block, RAW_INSERTED, name, fc_slice_from_string(value));
}

static void begin(const char *bytes) {
  block.len = 0;
  for (; *bytes; bytes++) raw_block_index(&block, (uint8_t)*bytes & 0x7f);
}

static void put_block(unsigned flags) {
  raw_end_block(&answers.end, answers.id, flags, raw_block_slice(&block));
}

#define OK_200 "\x88" /* of the static table */

/* What a caller can see of an answer. */
static const char *look(fc_call *call) {
  static char seen[4096];
  const fc_status *status = fc_call_status(call);
  const fc_metadata *lists[2];
  fc_bytes *message;
  assert_int_equal(fc_call_initial_metadata(call, 0, &lists[0]), FC_OK);
  lists[1] = fc_call_trailing_metadata(call);
  int len = snprintf(seen, sizeof seen, "%d %s %zu", (int)status->code, status->message,
                     status->details.len);
  for (int k = 0; k < 2; k++) {
    for (size_t i = 0; i < fc_metadata_count(lists[k]); i++) {
      fc_metadata_entry e = fc_metadata_at(lists[k], i);
      len += snprintf(seen + len, sizeof seen - (size_t)len, " %s%.*s=%.*s", k ? "end:" : "",
                      (int)e.key.len, (const char *)e.key.data, (int)e.value.len,
                      e.value.len ? (const char *)e.value.data : "");
    }
  }
  while (fc_call_recv(call, &message) == FC_OK) {
    len += snprintf(seen + len, sizeof seen - (size_t)len, " (%zu)", fc_bytes_slice(message).len);
    fc_bytes_unref(message);
  }
  return seen;
}

/* The block is the whole answer, or its headers before a message and the status. */
static void expect_answer(bool whole, const char *expected) {
  fc_call *call = answers_call();
  put_block(whole ? FC__H2_END_STREAM : 0);
  if (!whole) {
    answers_message(TEXT("response"));
    answers_trailers(ANSWER_STATUS("0"));
  }
  answers_go();
  assert_string_equal(look(call), expected);
  answers.call = NULL;
  fc_call_destroy(call);
}

static void the_same_headers_are_the_same_answer(void **state) {
  (void)state;
  begin(OK_200);
  insert("content-type", "application/grpc");
  insert("a", "1");
  for (int i = 0; i < 4; i++) {
    expect_answer(false, "0  0 a=1 (8)");
    begin(OK_200 "\xbf\xbe");
  }
  raw_block_literal(&block, RAW_PLAIN, "b", TEXT("2"));
  expect_answer(false, "0  0 a=1 b=2 (8)");
  begin(OK_200 "\xbf\xbe");
  insert("c", "3");
  expect_answer(false, "0  0 a=1 c=3 (8)");
  begin(OK_200 "\xc0\xbf\xbe");
  expect_answer(false, "0  0 a=1 c=3 (8)");
  begin(OK_200 "\xc0\xbf");
  expect_answer(false, "0  0 a=1 (8)");
}

/* A failure in one block, all of it in the table, text and details too. */
static void the_same_failure_is_told_in_full(void **state) {
  (void)state;
  begin(OK_200);
  insert("content-type", "application/grpc");
  insert("grpc-status", "5");
  insert("grpc-message", "no such thing");
  insert("grpc-status-details-bin", "CAUSAXg");
  insert("t", "1");
  for (int i = 0; i < 3; i++) {
    expect_answer(true, "5 no such thing 5 end:t=1");
    begin(OK_200 "\xc2\xc1\xc0\xbf\xbe");
  }
  begin(OK_200 "\xc2\xc1\xc0");
  for (int i = 0; i < 3; i++) expect_answer(true, "5 no such thing 0");
  begin(OK_200 "\xc2\xc1\xbf");
  for (int i = 0; i < 3; i++) expect_answer(true, "5  5");
  begin(OK_200 "\xc2\xc1\xbe");
  for (int i = 0; i < 3; i++) expect_answer(true, "5  0 end:t=1");
}

/* The status of headers that do not end the stream says nothing, in a run as well. */
static void a_status_in_headers_says_nothing(void **state) {
  (void)state;
  begin(OK_200);
  insert("content-type", "application/grpc");
  insert("grpc-status", "5");
  insert("a", "1");
  for (int i = 0; i < 3; i++) {
    expect_answer(false, "0  0 a=1 (8)");
    begin(OK_200 "\xc0\xbf\xbe");
    expect_answer(true, "5  0 end:a=1");
  }
}

static void wrong_answers_are_wrong_each_time(void **state) {
  (void)state;
  begin(OK_200);
  insert("content-type", "application/grpc");
  insert("grpc-status", "99");
  insert("k-bin", "%");
  const char *bad = "13 a binary metadata value is not base64 0";
  for (int i = 0; i < 3; i++) {
    expect_answer(true, bad);
    begin(OK_200 "\xc0\xbf\xbe");
  }
  begin(OK_200 "\xc0\xbf");
  for (int i = 0; i < 3; i++) expect_answer(true, "2 grpc-status is not a status code 0");
  begin(OK_200 "\xc0\xbf\xbf");
  for (int i = 0; i < 3; i++) expect_answer(true, "2 grpc-status is not a status code 0");
  begin(OK_200 "\xbf\xbf");
  for (int i = 0; i < 3; i++) expect_answer(true, "2 grpc-status is not a status code 0");
}

static void other_http_statuses_are_not_taken_for_the_usual(void **state) {
  (void)state;
  begin("");
  insert(":status", "503");
  insert("content-type", "text/html");
  insert("a", "1");
  for (int i = 0; i < 3; i++) {
    fc_call *call = answers_call();
    put_block(FC__H2_END_STREAM);
    answers_go();
    answers_expect_alive(call, FC_CODE_UNAVAILABLE, "503");
    begin("\xc0\xbf\xbe");
  }
}

/* Headers that come first, and mean nothing, begin like those that count. */
static void informational_headers_leave_nothing(void **state) {
  (void)state;
  begin("");
  insert(":status", "103");
  insert("content-type", "application/grpc");
  insert("a", "1");
  insert("grpc-message", "early");
  for (int i = 0; i < 3; i++) {
    fc_call *call = answers_call();
    put_block(0);
    put_block(0);
    begin(OK_200 "\xc0\xbf\xbf");
    put_block(0);
    answers_message(TEXT("response"));
    answers_trailers(ANSWER_STATUS("0"));
    answers_go();
    assert_string_equal(look(call), "0  0 a=1 a=1 (8)");
    answers_expect_alive(call, FC_CODE_OK, "");
    begin("\xc1\xc0\xbf\xbe");
  }
}

static void an_encoding_in_the_run_holds_for_its_answer_only(void **state) {
  (void)state;
  begin(OK_200);
  insert("content-type", "application/grpc");
  insert("grpc-encoding", "gzip");
  insert("a", "1");
  for (int i = 0; i < 3; i++) {
    fc_call *call = answers_call();
    put_block(0);
    answers_data(0, TEXT("\1\0\0\0\1x"));
    answers_trailers(ANSWER_STATUS("0"));
    answers_go();
    answers_expect_alive(call, FC_CODE_INTERNAL, "not valid gzip");
    begin(OK_200 "\xc0\xbe\xbe");
    call = answers_call();
    put_block(0);
    answers_data(0, TEXT("\1\0\0\0\1x"));
    answers_trailers(ANSWER_STATUS("0"));
    answers_go();
    answers_expect_alive(call, FC_CODE_INTERNAL, "no grpc-encoding");
    begin(OK_200 "\xc0\xbf\xbe");
  }
}

/* ---- random answers, whole and in pieces ---- */

static const char *const fields[][2] = {
    {":status", "200"},
    {":status", "503"},
    {":status", "103"},
    {"content-type", "application/grpc"},
    {"content-type", "x"},
    {"grpc-status", "0"},
    {"grpc-status", "5"},
    {"grpc-status", "x"},
    {"grpc-message", "text"},
    {"grpc-message", "\x88\xbe\xbe\xbe\xbf"},
    {"k", "v"},
    {"k-bin", "AAEC"},
    {"k-bin", "%"},
    {"grpc-status-details-bin", "CAUSAXg"},
    {"te", "x"},
    {"grpc-encoding", "gzip"},
};

static void random_block(struct fc__random *random, struct fc__hpack_encoder *encoder, bool whole,
                         struct fc__buf *out) {
  static const uint8_t usual[] = {0, 3, 6, 8, 10};
  out->len = 0;
  for (size_t i = 0; i < sizeof usual; i++) {
    uint64_t odd = fc__random_below(random, 12);
    size_t which = usual[i];
    if (odd == 0) which = (size_t)fc__random_below(random, sizeof fields / sizeof *fields);
    if (odd == 1 || (!whole && (i == 2 || i == 3))) continue;
    enum fc__hpack_indexing how = odd == 2 ? FC__HPACK_LITERAL : FC__HPACK_INDEX;
    assert_true(fc__hpack_encode(encoder, out, fc_slice_from_string(fields[which][0]),
                                 fc_slice_from_string(fields[which][1]), how));
  }
}

static void put_random_answer(struct fc__random *random, struct fc__hpack_encoder *encoder,
                              struct fc__buf *out) {
  bool whole = fc__random_below(random, 2);
  random_block(random, encoder, whole, out);
  raw_end_block(&answers.end, answers.id, whole ? FC__H2_END_STREAM : 0,
                (fc_slice){out->data, out->len});
  if (whole) return;
  answers_message(TEXT("response"));
  answers_trailers(ANSWER_STATUS("0"));
}

/* What the caller sees of the conversation that a seed gives. */
static char *converse(uint64_t seed, size_t read_max) {
  enum { CALLS = 40, MOST = 1 << 20 };
  struct fc__random random;
  struct fc__buf out;
  answers.read_max = read_max;
  answers_restart((fc_channel_options)FC_CHANNEL_OPTIONS_INIT);
  struct fc__hpack_encoder *encoder = fc__hpack_encoder_create();
  char *all = calloc(1, MOST);
  assert_true(encoder && all);
  fc__buf_init(&out, SIZE_MAX);
  fc__random_init(&random, seed);
  for (int i = 0; i < CALLS; i++) {
    fc_call *call = answers_call();
    put_random_answer(&random, encoder, &out);
    answers_go();
    fc_call_cancel(call, FC_CODE_CANCELLED, "unanswered");
    size_t len = strlen(all);
    snprintf(all + len, MOST - len, "%d: %s\n", i, look(call));
    answers.call = NULL;
    fc_call_destroy(call);
    answers_go();
  }
  fc__hpack_encoder_destroy(encoder);
  fc__buf_finish(&out);
  return all;
}

static void random_answers_are_the_same_in_pieces(void **state) {
  (void)state;
  static const size_t pieces[] = {1, 3, 7, 20};
  for (uint64_t seed = 1; seed <= 30; seed++) {
    char *whole = converse(seed, 0);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
      char *cut = converse(seed, pieces[i]);
      assert_string_equal(cut, whole);
      free(cut);
    }
    free(whole);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ANSWER_TEST(the_same_headers_are_the_same_answer),
      ANSWER_TEST(the_same_failure_is_told_in_full),
      ANSWER_TEST(a_status_in_headers_says_nothing),
      ANSWER_TEST(wrong_answers_are_wrong_each_time),
      ANSWER_TEST(other_http_statuses_are_not_taken_for_the_usual),
      ANSWER_TEST(informational_headers_leave_nothing),
      ANSWER_TEST(an_encoding_in_the_run_holds_for_its_answer_only),
      ANSWER_TEST_WHOLE(random_answers_are_the_same_in_pieces),
  };
  return answers_run(tests, sizeof tests / sizeof *tests);
}
