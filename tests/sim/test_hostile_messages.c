/*
 * Messages that are not what they should be, to a server: rows 38 to 40 and 45 of the table of
 * hostile inputs.
 */
#include <stdlib.h>

#include "sim/request_world.h"
#include "support/failing_alloc.h"

static struct h2_peer *peer(void) { return &requests.end.peer; }

/* The next request begins, with headers alone. */
static void begin(const char *fields) {
  requests_begin(fields, 0);
  requests_go();
  assert_string_equal(requests.said, "");
}

static void put(unsigned flags, fc_slice bytes) {
  h2_put_frame(peer(), FC__H2_DATA, flags, requests.id, bytes);
}

static void with_limit(size_t max) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_receive_message_bytes = max;
  requests_restart(&o);
}

/* A stream's handler has begun and was told of the end. */
static void expect_stream_over(fc_code code, const char *part) {
  requests_expect(code, part);
  assert_int_equal(requests.rig.begun, requests.begun + 1);
  assert_int_equal(requests.rig.over, 1);
  assert_int_equal(requests.rig.code, code);
  requests_expect_good_call();
}

/* ---- row 38: longer than the limit ---- */

/* grpc/grpc#43012, CVE-2024-37168 */
static void row_38_length_prefix_over_the_limit_is_refused_at_the_fifth_byte(void **state) {
  (void)state;
  static const char prefix[] = "\0\0\x40\0\1"; /* 4 MiB and a byte */
  size_t live = failing_alloc_live_bytes();
  failing_alloc_restart();
  begin(REQUEST("/t/Answer"));
  for (int i = 0; i < 4; i++) {
    put(0, (fc_slice){(const uint8_t *)prefix + i, 1});
    requests_go();
    assert_string_equal(requests.said, "");
  }
  put(0, (fc_slice){(const uint8_t *)prefix + 4, 1});
  requests_go();
  requests_expect_refused(FC_CODE_RESOURCE_EXHAUSTED, "larger than max (4194305 vs. 4194304)");
  assert_true(failing_alloc_peak_bytes() < live + 64 * 1024);
}

static void row_38_a_message_of_the_limit_is_taken(void **state) {
  (void)state;
  char message[1001] = "";
  with_limit(1000);
  begin(REQUEST("/t/Answer"));
  raw_end_message(&requests.end, requests.id, FC__H2_END_STREAM, 0,
                  (fc_slice){(uint8_t *)message, 1000});
  requests_go();
  requests_expect(FC_CODE_OK, "");
  begin(REQUEST("/t/Answer"));
  raw_end_message(&requests.end, requests.id, FC__H2_END_STREAM, 0,
                  (fc_slice){(uint8_t *)message, 1001});
  requests_go();
  requests_expect_refused(FC_CODE_RESOURCE_EXHAUSTED, "larger than max (1001 vs. 1000)");
}

static void row_38_a_second_message_over_the_limit_ends_the_stream(void **state) {
  (void)state;
  begin(REQUEST("/t/Stream"));
  raw_end_message(&requests.end, requests.id, 0, 0, TEXT("first"));
  put(0, TEXT("\0\x7f\xff\xff\xff"));
  requests_go();
  expect_stream_over(FC_CODE_RESOURCE_EXHAUSTED, "larger than max");
}

static void row_38_other_streams_go_on(void **state) {
  (void)state;
  begin(REQUEST("/t/Answer"));
  uint32_t other = requests.id;
  put(0, TEXT("\0\0\0\0"));
  begin(REQUEST("/t/Answer"));
  put(0, TEXT("\0\xff\xff\xff\xff"));
  requests_go();
  requests_expect(FC_CODE_RESOURCE_EXHAUSTED, "");
  requests_expect_good_call();
  requests.id = other;
  put(FC__H2_END_STREAM, TEXT("\2hi"));
  requests_go();
  requests_expect(FC_CODE_OK, "");
  assert_int_equal(requests_data_len(), 7);
}

/* What still comes on refused streams is far more than the connection's window. */
static void row_38_the_window_of_a_refused_message_is_given_back(void **state) {
  (void)state;
  for (int i = 0; i < 100; i++) {
    requests_begin(REQUEST("/t/Answer"), 0);
    put(0, TEXT("\0\xff\xff\xff\xff"));
    for (int k = 0; k < 3; k++) h2_put_zeros(peer(), requests.id, 0, 16384);
    requests_go();
    requests_expect(FC_CODE_RESOURCE_EXHAUSTED, "larger than max");
  }
  requests_expect_good_call();
}

/* ---- row 39: promised and not sent ---- */

/* CVE-2021-36155 */
static void row_39_a_promise_of_4_gib_allocates_nothing(void **state) {
  (void)state;
  with_limit(SIZE_MAX);
  requests_expect_good_call();
  size_t live = failing_alloc_live_bytes();
  failing_alloc_restart();
  begin(REQUEST("/t/Answer") "grpc-timeout: 1S\n");
  uint32_t promised = requests.id;
  put(0, TEXT("\0\xff\xff\xff\xff and no more"));
  raw_end_go(&requests.end);
  assert_true(failing_alloc_peak_bytes() < live + 16 * 1024);
  (void)raw_end_said(&requests.end); /* the window that such a message needs */
  requests_expect_good_call();
  sim_run_for(requests.rig.sim, FC_SECOND);
  requests.id = promised;
  requests_go();
  requests_expect(FC_CODE_DEADLINE_EXCEEDED, "");
  requests.id += 2;
  requests_expect_good_call();
}

/* Messages of many streams, CVE-2026-84304: each in frames of one byte. */
static void row_39_what_is_held_follows_what_came(void **state) {
  (void)state;
  enum { STREAMS = 50, BYTES = 2000 };
  requests_expect_good_call();
  size_t live = failing_alloc_live_bytes();
  uint32_t first = requests.id + 2;
  for (int i = 0; i < STREAMS; i++) begin(REQUEST("/t/Answer"));
  for (int i = 0; i < STREAMS; i++) {
    requests.id = first + 2 * (uint32_t)i;
    put(0, TEXT("\0\0\x3f\xff\xff"));
    for (int k = 0; k < BYTES; k++) put(0, TEXT("x"));
    requests_go();
    assert_null(strstr(requests.said, "status"));
  }
  size_t held = failing_alloc_live_bytes() - live;
  if (held > STREAMS * (2 * BYTES + 4096)) fail_msg("%zu bytes are held", held);
  for (int i = 0; i < STREAMS; i++) {
    h2_put_u32(peer(), FC__H2_RST_STREAM, first + 2 * (uint32_t)i, FC__H2_CANCEL);
  }
  requests_expect_good_call();
}

/* CVE-2021-36154: they are taken in a loop. */
static void row_39_many_empty_messages_in_one_read_are_no_burden(void **state) {
  (void)state;
  enum { MESSAGES = 13000 };
  static uint8_t prefixes[5 * MESSAGES];
  fc_bytes *message;
  begin(REQUEST("/t/Stream"));
  for (size_t at = 0; at < sizeof prefixes; at += 16000) {
    size_t left = sizeof prefixes - at;
    put(left <= 16000 ? FC__H2_END_STREAM : 0,
        (fc_slice){prefixes + at, left < 16000 ? left : 16000});
  }
  requests_go();
  fc_call *call = requests.rig.held[0];
  for (int i = 0; i < MESSAGES; i++) {
    assert_int_equal(fc_call_recv(call, &message), FC_OK);
    fc_bytes_unref(message);
  }
  assert_int_equal(fc_call_recv(call, &message), FC_END);
  rig_finish(&requests.rig, 0, FC_CODE_OK);
  requests_go();
  requests_expect(FC_CODE_OK, "");
  requests_expect_good_call();
}

/* ---- row 40: cut ---- */

enum end { BY_LAST_DATA, BY_EMPTY_DATA, BY_TRAILERS, ENDS };

static void cut_off(const char *fields, fc_slice bytes, enum end end) {
  begin(fields);
  put(end == BY_LAST_DATA ? FC__H2_END_STREAM : 0, bytes);
  if (end == BY_EMPTY_DATA) put(FC__H2_END_STREAM, TEXT(""));
  if (end == BY_TRAILERS) h2_put_headers(peer(), requests.id, FC__H2_END_STREAM, "a: b\n");
  requests_go();
}

static void row_40_an_end_inside_the_prefix_or_message_is_internal(void **state) {
  (void)state;
  static const char framed[] = "\0\0\0\0\4four\0\0\0\0\1x";
  for (size_t len = 1; len < sizeof framed - 1; len++) {
    if (len == 9) continue; /* one whole message */
    for (enum end end = 0; end < ENDS; end++) {
      cut_off(REQUEST("/t/Answer"), (fc_slice){(const uint8_t *)framed, len}, end);
      requests_expect_refused(FC_CODE_INTERNAL, "inside a message");
    }
  }
}

static void row_40_an_end_inside_a_streams_message_is_internal(void **state) {
  (void)state;
  for (enum end end = 0; end < ENDS; end++) {
    cut_off(REQUEST("/t/Stream"), TEXT("\0\0\0\0\1x\0\0"), end);
    expect_stream_over(FC_CODE_INTERNAL, "inside a message");
    requests.rig.over = 0;
  }
}

/* ---- row 45: how many ---- */

static void row_45_no_request_is_unimplemented(void **state) {
  (void)state;
  requests_begin(REQUEST("/t/Answer"), 0);
  put(FC__H2_END_STREAM, TEXT(""));
  requests_go();
  requests_expect_refused(FC_CODE_UNIMPLEMENTED, "no request");
  requests_begin(REQUEST("/t/Answer"), FC__H2_END_STREAM);
  requests_go();
  requests_expect_refused(FC_CODE_UNIMPLEMENTED, "no request");
  requests_begin(REQUEST("/t/Answer"), 0);
  h2_put_headers(peer(), requests.id, FC__H2_END_STREAM, "a: b\n");
  requests_go();
  requests_expect_refused(FC_CODE_UNIMPLEMENTED, "no request");
}

static void row_45_two_requests_are_unimplemented(void **state) {
  (void)state;
  requests_begin(REQUEST("/t/Answer"), 0);
  raw_end_message(&requests.end, requests.id, 0, 0, TEXT("first"));
  raw_end_message(&requests.end, requests.id, FC__H2_END_STREAM, 0, TEXT("second"));
  requests_go();
  requests_expect_refused(FC_CODE_UNIMPLEMENTED, "more than one");
  begin(REQUEST("/t/Answer"));
  raw_end_message(&requests.end, requests.id, 0, 0, TEXT("first"));
  requests_go();
  assert_string_equal(requests.said, ""); /* it may not run yet */
  raw_end_message(&requests.end, requests.id, 0, 0, TEXT(""));
  requests_go();
  requests_expect_refused(FC_CODE_UNIMPLEMENTED, "more than one");
}

static void never(fc_call *call, void *user) {
  (void)user;
  requests.rig.begun++;
  fc_call_destroy(call);
}

static void row_45_a_server_stream_has_one_request_too(void **state) {
  (void)state;
  fc_handler h = FC_HANDLER_INIT;
  h.kind = FC_HANDLER_ASYNC;
  h.pattern = FC_PATTERN_UNARY_STREAM;
  h.fn = never;
  requests_stop(NULL);
  requests_create(NULL);
  assert_int_equal(fc_server_register(requests.rig.server, "/t/List", &h, NULL), FC_OK);
  requests_connect();
  requests_begin(REQUEST("/t/List"), FC__H2_END_STREAM);
  requests_go();
  requests_expect_refused(FC_CODE_UNIMPLEMENTED, "no request");
  requests_begin(REQUEST("/t/List"), 0);
  for (int i = 0; i < 3; i++) raw_end_message(&requests.end, requests.id, 0, 0, TEXT("one"));
  requests_go();
  requests_expect_refused(FC_CODE_UNIMPLEMENTED, "more than one");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      REQUEST_TEST(row_38_length_prefix_over_the_limit_is_refused_at_the_fifth_byte),
      REQUEST_TEST(row_38_a_message_of_the_limit_is_taken),
      REQUEST_TEST(row_38_a_second_message_over_the_limit_ends_the_stream),
      REQUEST_TEST(row_38_other_streams_go_on),
      REQUEST_TEST_WHOLE(row_38_the_window_of_a_refused_message_is_given_back),
      REQUEST_TEST(row_39_a_promise_of_4_gib_allocates_nothing),
      REQUEST_TEST_WHOLE(row_39_what_is_held_follows_what_came),
      REQUEST_TEST_WHOLE(row_39_many_empty_messages_in_one_read_are_no_burden),
      REQUEST_TEST(row_40_an_end_inside_the_prefix_or_message_is_internal),
      REQUEST_TEST(row_40_an_end_inside_a_streams_message_is_internal),
      REQUEST_TEST(row_45_no_request_is_unimplemented),
      REQUEST_TEST(row_45_two_requests_are_unimplemented),
      REQUEST_TEST(row_45_a_server_stream_has_one_request_too),
  };
  return requests_run(tests, sizeof tests / sizeof *tests);
}
