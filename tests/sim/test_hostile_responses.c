/*
 * Messages that are not what they should be, to a client: rows 49 and 53 of the table of hostile
 * inputs, and rows 38 to 44 as a server can commit them too.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "sim/answer_world.h"
#include "support/failing_alloc.h"
#include "wire/compress.h"

#define OK_STATUS ANSWER_STATUS("0")
#define MIB ((size_t)1 << 20)

/* A unary call, answered with headers, these bytes of DATA, and trailers. */
static fc_call *answered(const char *headers, fc_slice bytes, const char *trailers) {
  fc_call *call = answers_call();
  answers_headers(headers, 0);
  answers_data(0, bytes);
  answers_trailers(trailers);
  answers_go();
  return call;
}

static fc_call *answered_with(const char *headers, unsigned flag, fc_slice message) {
  return answered(headers, raw_end_framed(flag, message), OK_STATUS);
}

/* ---- row 49: how many ---- */

static void row_49_ok_without_a_response_is_unimplemented(void **state) {
  (void)state;
  fc_call *call = answers_call();
  answers_headers(H2_RESPONSE, 0);
  answers_trailers(OK_STATUS);
  answers_go();
  answers_expect_alive(call, FC_CODE_UNIMPLEMENTED, "no response");
  call = answers_call();
  answers_trailers(H2_RESPONSE OK_STATUS);
  answers_go();
  answers_expect_alive(call, FC_CODE_UNIMPLEMENTED, "no response");
  call = answers_call_pattern(FC_PATTERN_STREAM_UNARY);
  answers_headers(H2_RESPONSE, 0);
  answers_trailers(OK_STATUS);
  answers_go();
  answers_expect_alive(call, FC_CODE_UNIMPLEMENTED, "no response");
}

static void row_49_two_responses_are_unimplemented(void **state) {
  (void)state;
  static const fc_pattern patterns[] = {FC_PATTERN_UNARY_UNARY, FC_PATTERN_STREAM_UNARY};
  for (int i = 0; i < 2; i++) {
    fc_call *call = i ? answers_call_pattern(patterns[i]) : answers_call();
    answers_headers(H2_RESPONSE, 0);
    answers_message(TEXT("one"));
    answers_message(TEXT(""));
    answers_trailers(OK_STATUS);
    answers_go();
    fc_bytes *response;
    assert_int_equal(fc_call_recv(call, &response), FC_END);
    answers_expect_alive(call, FC_CODE_UNIMPLEMENTED, "more than one");
  }
}

static void row_49_a_failure_needs_no_response_and_gives_none(void **state) {
  (void)state;
  fc_bytes *response;
  fc_call *call = answered_with(H2_RESPONSE, 0, TEXT("fine"));
  answers_expect_alive(call, FC_CODE_OK, "");
  call = answered(H2_RESPONSE, raw_end_framed(0, TEXT("partial")), ANSWER_STATUS("15"));
  assert_int_equal(fc_call_recv(call, &response), FC_END);
  answers_expect_alive(call, FC_CODE_DATA_LOSS, "");
  call = answered(H2_RESPONSE, TEXT(""), ANSWER_STATUS("15"));
  answers_expect_alive(call, FC_CODE_DATA_LOSS, "");
}

/* ---- row 53: content-type, encoding, flag ---- */

static void row_53_another_content_type_is_unknown(void **state) {
  (void)state;
  static const char *const types[] = {":status: 200\ncontent-type: image/jpeg\n",
                                      ":status: 200\ncontent-type: text/html\n",
                                      ":status: 200\ncontent-type: application/grpcx\n",
                                      ":status: 200\ncontent-type: \n", ":status: 200\n"};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    fc_call *call = answered_with(types[i], 0, TEXT("response"));
    answers_expect_alive(call, FC_CODE_UNKNOWN, "content-type");
  }
}

static void row_53_another_message_format_is_internal(void **state) {
  (void)state;
  const char *json = ":status: 200\ncontent-type: application/grpc+json\n";
  answers_expect_alive(answered_with(json, 0, TEXT("{}")), FC_CODE_INTERNAL, "format");
  const char *proto = ":status: 200\ncontent-type: application/grpc+proto\n";
  answers_expect_alive(answered_with(proto, 0, TEXT("")), FC_CODE_OK, "");
}

static void row_53_an_unknown_encoding_is_internal(void **state) {
  (void)state;
  const char *br = H2_RESPONSE "grpc-encoding: br\n";
  answers_expect_alive(answered_with(br, 1, TEXT("x")), FC_CODE_INTERNAL, "unknown grpc-encoding");
  answers_expect_alive(answered_with(br, 0, TEXT("x")), FC_CODE_INTERNAL, "unknown grpc-encoding");
}

static void row_53_compressed_without_an_encoding_is_internal(void **state) {
  (void)state;
  const char *identity = H2_RESPONSE "grpc-encoding: identity\n";
  fc_call *call = answered_with(identity, 1, TEXT("x"));
  answers_expect_alive(call, FC_CODE_INTERNAL, "no grpc-encoding");
  answers_expect_alive(answered_with(H2_RESPONSE, 1, TEXT("x")), FC_CODE_INTERNAL,
                       "no grpc-encoding");
}

/* ---- rows 38 to 40: longer than the limit, promised, cut ---- */

static void row_38_a_response_over_the_limit_is_refused_at_the_fifth_byte(void **state) {
  (void)state;
  size_t live = failing_alloc_live_bytes();
  failing_alloc_restart();
  fc_call *call = answers_call();
  answers_headers(H2_RESPONSE, 0);
  answers_data(0, TEXT("\0\0\x40\0"));
  answers_go();
  assert_false(fc_call_is_done(call));
  answers_data(0, TEXT("\1"));
  answers_go();
  assert_non_null(strstr(answers.said, "RST_STREAM"));
  assert_true(failing_alloc_peak_bytes() < live + 64 * 1024);
  answers_expect_alive(call, FC_CODE_RESOURCE_EXHAUSTED,
                       "CLIENT: Received message larger than max (4194305 vs. 4194304)");
}

/* More than the connection's window in all. */
static void row_38_the_window_of_a_refused_response_is_given_back(void **state) {
  (void)state;
  for (int i = 0; i < 100; i++) {
    fc_call *call = answers_call();
    answers_headers(H2_RESPONSE, 0);
    answers_data(0, TEXT("\0\xff\xff\xff\xff"));
    for (int k = 0; k < 3; k++) h2_put_zeros(&answers.end.peer, answers.id, 0, 16384);
    answers_go();
    answers_expect(call, FC_CODE_RESOURCE_EXHAUSTED, "larger than max");
  }
  assert_int_equal(answers.end.accepted, 1);
  answers_expect_good_call();
}

static void row_39_a_promise_of_4_gib_allocates_nothing(void **state) {
  (void)state;
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  o.max_receive_message_bytes = SIZE_MAX;
  answers_restart(o);
  answers_expect_good_call();
  size_t live = failing_alloc_live_bytes();
  failing_alloc_restart();
  fc_call *call = answers_call(), *promised = call;
  answers_headers(H2_RESPONSE, 0);
  answers_data(0, TEXT("\0\xff\xff\xff\xff and no more"));
  answers_go();
  assert_true(failing_alloc_peak_bytes() < live + 16 * 1024);
  answers_expect_good_call();
  fc_call_cancel(promised, FC_CODE_CANCELLED, NULL);
  answers_go();
  assert_int_equal(fc_call_status(promised)->code, FC_CODE_CANCELLED);
  fc_call_destroy(promised);
  answers_expect_good_call();
}

static void row_40_an_end_inside_a_response_is_internal(void **state) {
  (void)state;
  static const char framed[] = "\0\0\0\0\4four";
  for (size_t len = 1; len < sizeof framed - 1; len++) {
    fc_slice part = {(const uint8_t *)framed, len};
    fc_call *call = answered(H2_RESPONSE, part, OK_STATUS);
    answers_expect_alive(call, FC_CODE_INTERNAL, "inside a message");
    call = answers_call();
    answers_headers(H2_RESPONSE, 0);
    answers_data(FC__H2_END_STREAM, part);
    answers_go();
    answers_expect_alive(call, FC_CODE_INTERNAL, "without a status");
  }
}

/* ---- rows 41, 43 and 44: compression ---- */

static void row_41_flags_that_mean_nothing_are_internal(void **state) {
  (void)state;
  for (unsigned flag = 2; flag < 256; flag = flag * 2 + 1) {
    fc_call *call = answered_with(H2_RESPONSE "grpc-encoding: gzip\n", flag, TEXT("x"));
    answers_expect_alive(call, FC_CODE_INTERNAL, "compression flag");
  }
}

static fc_bytes *packed_zeros(size_t len) {
  uint8_t *zeros = calloc(1, len);
  fc_bytes *packed;
  assert_non_null(zeros);
  assert_int_equal(fc__compress(FC__ENCODING_GZIP, (fc_slice){zeros, len}, SIZE_MAX, &packed),
                   FC_OK);
  free(zeros);
  return packed;
}

static void row_43_corrupt_gzip_is_internal(void **state) {
  (void)state;
  fc_bytes *packed = packed_zeros(1000);
  fc_slice good = fc_bytes_slice(packed);
  answers_expect_alive(answered_with(H2_RESPONSE "grpc-encoding: gzip\n", 1, good), FC_CODE_OK, "");
  for (size_t len = 0; len < good.len; len += 3) {
    fc_call *call =
        answered_with(H2_RESPONSE "grpc-encoding: gzip\n", 1, (fc_slice){good.data, len});
    answers_expect_alive(call, FC_CODE_INTERNAL, "not valid gzip");
  }
  answers_expect_alive(answered_with(H2_RESPONSE "grpc-encoding: deflate\n", 1, good),
                       FC_CODE_INTERNAL, "not valid deflate");
  fc_bytes_unref(packed);
}

static void row_44_a_bomb_is_stopped_at_the_limit(void **state) {
  (void)state;
  fc_bytes *packed = packed_zeros(15 * MIB);
  size_t live = failing_alloc_live_bytes();
  failing_alloc_restart();
  fc_call *call = answered_with(H2_RESPONSE "grpc-encoding: gzip\n", 1, fc_bytes_slice(packed));
  assert_true(failing_alloc_peak_bytes() < live + 9 * MIB);
  answers_expect_alive(call, FC_CODE_RESOURCE_EXHAUSTED, "expands to more than max (4194304)");
  fc_bytes_unref(packed);
}

/* They wait compressed, also when the status has come, and trailers cannot change what they are. */
static void row_44_many_small_bombs_wait_as_they_came(void **state) {
  (void)state;
  enum { BOMBS = 15 };
  fc_bytes *packed = packed_zeros(4 * MIB), *message;
  fc_call *call = answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  size_t live = failing_alloc_live_bytes();
  failing_alloc_restart();
  answers_headers(H2_RESPONSE "grpc-encoding: gzip\n", 0);
  for (int i = 0; i < BOMBS; i++) {
    raw_end_message(&answers.end, answers.id, 0, 1, fc_bytes_slice(packed));
  }
  answers_trailers(OK_STATUS "grpc-encoding: identity\n");
  answers_go();
  assert_true(fc_call_is_done(call));
  assert_true(failing_alloc_peak_bytes() < live + 9 * MIB);
  for (int i = 0; i < BOMBS; i++) {
    if (i == BOMBS / 2) { /* without memory it waits */
      failing_alloc_arm(0, FAILING_ALLOC_ONCE);
      assert_int_equal(fc_call_recv(call, &message), FC_ERR_NO_MEMORY);
      assert_true(failing_alloc_disarm());
    }
    assert_int_equal(fc_call_recv(call, &message), FC_OK);
    assert_int_equal(fc_bytes_slice(message).len, 4 * MIB);
    fc_bytes_unref(message);
  }
  assert_int_equal(fc_call_recv(call, &message), FC_END);
  assert_true(failing_alloc_peak_bytes() < live + 14 * MIB);
  answers_expect_alive(call, FC_CODE_OK, "");
  fc_bytes_unref(packed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ANSWER_TEST(row_49_ok_without_a_response_is_unimplemented),
      ANSWER_TEST(row_49_two_responses_are_unimplemented),
      ANSWER_TEST(row_49_a_failure_needs_no_response_and_gives_none),
      ANSWER_TEST(row_53_another_content_type_is_unknown),
      ANSWER_TEST(row_53_another_message_format_is_internal),
      ANSWER_TEST(row_53_an_unknown_encoding_is_internal),
      ANSWER_TEST(row_53_compressed_without_an_encoding_is_internal),
      ANSWER_TEST(row_38_a_response_over_the_limit_is_refused_at_the_fifth_byte),
      ANSWER_TEST_WHOLE(row_38_the_window_of_a_refused_response_is_given_back),
      ANSWER_TEST(row_39_a_promise_of_4_gib_allocates_nothing),
      ANSWER_TEST(row_40_an_end_inside_a_response_is_internal),
      ANSWER_TEST(row_41_flags_that_mean_nothing_are_internal),
      ANSWER_TEST(row_43_corrupt_gzip_is_internal),
      ANSWER_TEST(row_44_a_bomb_is_stopped_at_the_limit),
      ANSWER_TEST(row_44_many_small_bombs_wait_as_they_came),
  };
  return answers_run(tests, sizeof tests / sizeof *tests);
}
