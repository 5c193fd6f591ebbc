/*
 * Compressed messages that are not what they should be, to a server: rows 41 to 44 of the table of
 * hostile inputs.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "sim/request_world.h"
#include "support/failing_alloc.h"
#include "wire/compress.h"

#define GZIP REQUEST("/t/Answer") "grpc-encoding: gzip\n"
#define DEFLATE REQUEST("/t/Answer") "grpc-encoding: deflate\n"
#define MIB ((size_t)1 << 20)

/* ---- row 41: the flag ---- */

static void ask_flagged(const char *fields, unsigned flag, fc_slice message) {
  requests_begin(fields, 0);
  raw_end_message(&requests.end, requests.id, FC__H2_END_STREAM, flag, message);
  requests_go();
}

static void row_41_flags_that_mean_nothing_are_internal(void **state) {
  (void)state;
  for (unsigned flag = 2; flag < 256; flag++) {
    ask_flagged(REQUEST("/t/Answer") "grpc-encoding: gzip\n", flag, TEXT("request"));
    requests_expect(FC_CODE_INTERNAL, "compression flag");
    assert_int_equal(requests.rig.begun, 0);
  }
  requests_expect_good_call();
}

static void row_41_compressed_without_an_encoding_is_internal(void **state) {
  (void)state;
  ask_flagged(REQUEST("/t/Answer"), 1, TEXT("request"));
  requests_expect_refused(FC_CODE_INTERNAL, "grpc-encoding");
  ask_flagged(REQUEST("/t/Answer") "grpc-encoding: identity\n", 1, TEXT("request"));
  requests_expect_refused(FC_CODE_INTERNAL, "grpc-encoding");
}

static void row_41_uncompressed_with_an_encoding_is_served(void **state) {
  (void)state;
  ask_flagged(REQUEST("/t/Answer") "grpc-encoding: gzip\n", 0, TEXT("request"));
  requests_expect(FC_CODE_OK, "");
}

/* ---- row 42: the encoding ---- */

static void row_42_an_unknown_encoding_is_unimplemented_and_told_which_are_known(void **state) {
  (void)state;
  static const char *const unknown[] = {REQUEST("/t/Answer") "grpc-encoding: snappy\n",
                                        REQUEST("/t/Answer") "grpc-encoding: GZIP\n",
                                        REQUEST("/t/Answer") "grpc-encoding: \n",
                                        REQUEST("/t/Answer") "grpc-encoding: gzip, deflate\n"};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
    requests_ask(unknown[i]);
    assert_non_null(strstr(requests.said, "grpc-accept-encoding=identity, deflate, gzip"));
    requests_expect_refused(FC_CODE_UNIMPLEMENTED, "grpc-encoding");
  }
}

/* ---- row 43: corrupt ---- */

/* A compressed message with room behind it; the caller changes it as it likes. */
struct packed {
  uint8_t bytes[65536];
  size_t len;
};

static void pack(struct packed *p, enum fc__encoding encoding, fc_slice plain) {
  fc_bytes *small;
  assert_int_equal(fc__compress(encoding, plain, SIZE_MAX, &small), FC_OK);
  fc_slice bytes = fc_bytes_slice(small);
  assert_true(bytes.len <= sizeof p->bytes);
  memcpy(p->bytes, bytes.data, bytes.len);
  p->len = bytes.len;
  fc_bytes_unref(small);
}

static void ask_packed(const char *fields, const struct packed *p) {
  ask_flagged(fields, 1, (fc_slice){p->bytes, p->len});
}

static void expect_corrupt(const char *fields, const struct packed *p) {
  ask_packed(fields, p);
  requests_expect_refused(FC_CODE_INTERNAL, "is not valid");
}

static void corrupt_in_every_way(const char *fields, enum fc__encoding encoding) {
  struct packed good, bad;
  pack(&good, encoding, TEXT("a request that says the same the same the same"));
  ask_packed(fields, &good);
  requests_expect(FC_CODE_OK, "");
  bad.len = 0;
  expect_corrupt(fields, &bad);
  for (size_t len = 1; len < good.len; len += 5) { /* truncated */
    bad = good;
    bad.len = len;
    expect_corrupt(fields, &bad);
  }
  bad = good;
  bad.bytes[bad.len++] = 0; /* trailing garbage */
  expect_corrupt(fields, &bad);
  bad = good;
  bad.bytes[bad.len - 1] ^= 1; /* the check at the end */
  expect_corrupt(fields, &bad);
  bad = good;
  bad.bytes[0] ^= 0x80;
  expect_corrupt(fields, &bad);
  bad = good;
  memcpy(bad.bytes + good.len, good.bytes, good.len); /* several members */
  bad.len += good.len;
  expect_corrupt(fields, &bad);
}

static void row_43_corrupt_gzip_is_internal(void **state) {
  (void)state;
  corrupt_in_every_way(GZIP, FC__ENCODING_GZIP);
}

static void row_43_corrupt_deflate_is_internal(void **state) {
  (void)state;
  corrupt_in_every_way(DEFLATE, FC__ENCODING_DEFLATE);
}

static void row_43_one_encoding_is_not_the_other(void **state) {
  (void)state;
  struct packed p;
  pack(&p, FC__ENCODING_GZIP, TEXT("request"));
  expect_corrupt(DEFLATE, &p);
  pack(&p, FC__ENCODING_DEFLATE, TEXT("request"));
  expect_corrupt(GZIP, &p);
}

/* ---- row 44: bombs ---- */

static void pack_zeros(struct packed *p, size_t len) {
  uint8_t *zeros = calloc(1, len);
  assert_non_null(zeros);
  pack(p, FC__ENCODING_GZIP, (fc_slice){zeros, len});
  free(zeros);
}

/* grpc/grpc#43012, CVE-2024-37168 */
static void row_44_a_bomb_is_stopped_at_the_limit(void **state) {
  (void)state;
  struct packed p;
  pack_zeros(&p, 50 * MIB);
  size_t live = failing_alloc_live_bytes();
  failing_alloc_restart();
  ask_packed(GZIP, &p);
  size_t peak = failing_alloc_peak_bytes() - live;
  requests_expect_refused(FC_CODE_RESOURCE_EXHAUSTED, "expands to more than max (4194304)");
  if (peak > 9 * MIB) fail_msg("%zu bytes at once", peak); /* growing, it is there twice */
}

static void row_44_one_byte_over_the_limit_is_too_much(void **state) {
  (void)state;
  struct packed p;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_receive_message_bytes = 10000;
  requests_restart(&o);
  pack_zeros(&p, 10000);
  ask_packed(GZIP, &p);
  requests_expect(FC_CODE_OK, "");
  pack_zeros(&p, 10001);
  ask_packed(GZIP, &p);
  requests_expect_refused(FC_CODE_RESOURCE_EXHAUSTED, "expands to more than max (10000)");
}

static void row_44_a_bomb_as_the_second_message_ends_the_stream(void **state) {
  (void)state;
  struct packed p;
  requests_begin(REQUEST("/t/Stream") "grpc-encoding: gzip\n", 0);
  pack_zeros(&p, 10);
  raw_end_message(&requests.end, requests.id, 0, 1, (fc_slice){p.bytes, p.len});
  requests_go();
  assert_int_equal(requests.rig.held_count, 1);
  pack_zeros(&p, 5 * MIB);
  raw_end_message(&requests.end, requests.id, 0, 1, (fc_slice){p.bytes, p.len});
  requests_go();
  requests_expect(FC_CODE_RESOURCE_EXHAUSTED, "expands to more than max");
  assert_int_equal(requests.rig.over, 1);
  requests_expect_good_call();
}

/* Each is within the limit, and all that the window lets in would be sixty times as much. */
static void row_44_many_small_bombs_wait_as_they_came(void **state) {
  (void)state;
  enum { BOMBS = 15 };
  struct packed p;
  pack_zeros(&p, 4 * MIB);
  size_t live = failing_alloc_live_bytes();
  failing_alloc_restart();
  requests_begin(REQUEST("/t/Stream") "grpc-encoding: gzip\n", 0);
  for (int i = 0; i < BOMBS; i++) {
    raw_end_message(&requests.end, requests.id, 0, 1, (fc_slice){p.bytes, p.len});
  }
  requests_go();
  fc_call *call = requests.rig.held[0];
  for (int i = 0; i < BOMBS; i++) {
    fc_bytes *message;
    assert_int_equal(fc_call_recv(call, &message), FC_OK);
    assert_int_equal(fc_bytes_slice(message).len, 4 * MIB);
    fc_bytes_unref(message);
  }
  size_t peak = failing_alloc_peak_bytes() - live;
  if (peak > 14 * MIB) fail_msg("%zu bytes at once", peak);
  rig_finish(&requests.rig, 0, FC_CODE_OK);
  requests_go();
  requests_expect(FC_CODE_OK, "");
  requests_expect_good_call();
}

static void row_44_without_memory_for_a_waiting_message_the_call_ends(void **state) {
  (void)state;
  struct packed p;
  fc_bytes *message;
  pack_zeros(&p, MIB);
  requests_begin(REQUEST("/t/Stream") "grpc-encoding: gzip\n", 0);
  for (int i = 0; i < 3; i++) {
    raw_end_message(&requests.end, requests.id, 0, 1, (fc_slice){p.bytes, p.len});
  }
  requests_go();
  fc_call *call = requests.rig.held[0];
  assert_int_equal(fc_call_recv(call, &message), FC_OK);
  fc_bytes_unref(message);
  failing_alloc_arm(0, FAILING_ALLOC_ONCE);
  assert_int_equal(fc_call_recv(call, &message), FC_END);
  assert_true(failing_alloc_disarm());
  requests_go();
  requests_expect(FC_CODE_RESOURCE_EXHAUSTED, "out of memory");
  assert_int_equal(requests.rig.over, 1);
  requests_expect_good_call();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      REQUEST_TEST(row_41_flags_that_mean_nothing_are_internal),
      REQUEST_TEST(row_41_compressed_without_an_encoding_is_internal),
      REQUEST_TEST(row_41_uncompressed_with_an_encoding_is_served),
      REQUEST_TEST(row_42_an_unknown_encoding_is_unimplemented_and_told_which_are_known),
      REQUEST_TEST(row_43_corrupt_gzip_is_internal),
      REQUEST_TEST(row_43_corrupt_deflate_is_internal),
      REQUEST_TEST(row_43_one_encoding_is_not_the_other),
      REQUEST_TEST(row_44_a_bomb_is_stopped_at_the_limit),
      REQUEST_TEST(row_44_one_byte_over_the_limit_is_too_much),
      REQUEST_TEST(row_44_a_bomb_as_the_second_message_ends_the_stream),
      REQUEST_TEST(row_44_many_small_bombs_wait_as_they_came),
      REQUEST_TEST(row_44_without_memory_for_a_waiting_message_the_call_ends),
  };
  return requests_run(tests, sizeof tests / sizeof *tests);
}
