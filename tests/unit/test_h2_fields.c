/* The rules for fields of requests, RFC 9113 section 8, each with the nearest request that is
 * still right. */
#include <stdio.h>

#include "support/h2_peer.h"

#define BASE ":method: POST\n:scheme: http\n:path: /s/m\n"

static struct h2_peer peer;

static int start_server(void **state) {
  (void)state;
  h2_peer_start(&peer, true);
  return 0;
}

static int stop(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  return 0;
}

/* Ids rise over all tests; each connection is new. */
static uint32_t next_id(void) {
  static uint32_t id = 1;
  id += 2;
  return id - 2;
}

static void expect_malformed(const char *fields) {
  uint32_t id = next_id();
  h2_put_headers(&peer, id, FC__H2_END_STREAM, fields);
  h2_expect_reset(&peer, id, FC__H2_PROTOCOL_ERROR);
  assert_null(strstr(h2_events(&peer), "block"));
}

static void expect_served(const char *fields, const char *event) {
  h2_put_headers(&peer, next_id(), FC__H2_END_STREAM, fields);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "");
  assert_non_null(strstr(h2_events(&peer), event));
}

static void pseudo_headers_must_all_be_there(void **state) {
  (void)state;
  expect_served(BASE, "block");
  expect_malformed(":scheme: http\n:path: /s/m\n");
  expect_malformed(":method: POST\n:path: /s/m\n");
  expect_malformed(":method: POST\n:scheme: http\n");
  expect_malformed("a: b\n");
}

static void row_32_pseudo_headers_come_once(void **state) {
  (void)state;
  static const char *const again[] = {":method: POST\n", ":scheme: http\n", ":path: /s/m\n"};
  for (size_t i = 0; i < 3; i++) {
    char fields[256];
    snprintf(fields, sizeof fields, BASE "%s", again[i]);
    expect_malformed(fields);
  }
  expect_malformed(BASE ":authority: a\n:authority: a\n");
}

static void row_32_pseudo_headers_come_first(void **state) {
  (void)state;
  expect_served(BASE ":authority: a\nb: c\n", "block");
  expect_malformed(BASE "b: c\n:authority: a\n");
  expect_malformed(BASE "te: trailers\n:authority: a\n");
  expect_malformed(BASE "content-length: 0\n:authority: a\n");
  expect_malformed(BASE "user-agent: x\n:authority: a\n");
}

static void row_32_unknown_and_empty_pseudo_headers_are_malformed(void **state) {
  (void)state;
  expect_malformed(BASE ":protocol: x\n");
  expect_malformed(BASE ":status: 200\n");
  expect_malformed(BASE ":: x\n");
  expect_malformed(":method: POST\n:scheme: http\n:path: \n");
  expect_malformed(":method: \n:scheme: http\n:path: /s/m\n");
  expect_malformed(BASE ":authority: \n");
}

static void row_32_names_are_lower_case_and_printable(void **state) {
  (void)state;
  expect_served(BASE "a_b-c.d0!#$%&'*+^`|~: x\n", "field");
  expect_malformed(BASE "Te: trailers\n");
  expect_malformed(BASE "a b: x\n");
  expect_malformed(BASE "a\x7f: x\n");
  expect_malformed(BASE "a\x80: x\n");
  expect_malformed(BASE "a\t: x\n");
  expect_malformed(BASE "a:b: x\n");
}

/* The text form of the other tests cannot hold these. */
static void row_32_nul_cr_and_lf_are_malformed_wherever_they_are(void **state) {
  (void)state;
  static const uint8_t forbidden[] = {0, '\n', '\r'};
  for (size_t len = 1; len < 20; len++) {
    for (size_t at = 0; at < len; at++) {
      for (size_t k = 0; k < 4; k++) {
        fc_slice base = h2_block_of(BASE);
        uint8_t block[128];
        memcpy(block, base.data, base.len);
        uint8_t *p = block + base.len;
        *p++ = 0;
        *p++ = 1;
        *p++ = 'k';
        *p++ = (uint8_t)len;
        memset(p, 'v', len);
        p[at] = k < 3 ? forbidden[k] : 0x01; /* other control characters are let through */
        p += len;
        uint32_t id = next_id();
        peer.now += FC_SECOND;
        h2_put_frame(&peer, FC__H2_HEADERS, FC__H2_END_HEADERS | FC__H2_END_STREAM, id,
                     (fc_slice){block, (size_t)(p - block)});
        if (k < 3) {
          h2_expect_reset(&peer, id, FC__H2_PROTOCOL_ERROR);
        } else {
          assert_int_equal(h2_feed(&peer), 0);
          h2_record_reset(&peer.record, h2_record_find(&peer.record, id), FC__H2_CANCEL);
        }
      }
    }
  }
}

/* Row 36: bytes above 0x7e are legal in HTTP; whitespace around a value is cut off. */
static void row_36_odd_values_are_no_error(void **state) {
  (void)state;
  expect_served(BASE "k: \xff\x80 \x7f\n", "k: \\xff\\x80 \\x7f\n");
  expect_served(BASE "k:  \t v w\t \n", "k: v w\n");
  expect_served(BASE "k:    \n", "k: \n");
  expect_served(BASE "k: \n", "k: \n");
}

static void row_32_fields_of_a_connection_are_malformed(void **state) {
  (void)state;
  expect_malformed(BASE "connection: close\n");
  expect_malformed(BASE "keep-alive: 1\n");
  expect_malformed(BASE "proxy-connection: x\n");
  expect_malformed(BASE "transfer-encoding: chunked\n");
  expect_malformed(BASE "upgrade: h2c\n");
  expect_malformed(BASE "te: trailers, deflate\n");
  expect_malformed(BASE "te: gzip\n");
  expect_served(BASE "te: trailers\n", "te: trailers\n");
}

static void connect_has_an_authority_alone(void **state) {
  (void)state;
  expect_served(":method: CONNECT\n:authority: a\n", "block");
  expect_malformed(":method: CONNECT\n:authority: a\n:path: /\n");
  expect_malformed(":method: CONNECT\n");
}

static void content_length_is_a_number_said_once(void **state) {
  (void)state;
  expect_served(BASE "content-length: 0\n", "block");
  expect_served(BASE "content-length: 0\ncontent-length: 00\n", "block");
  expect_malformed(BASE "content-length: \n");
  expect_malformed(BASE "content-length: -1\n");
  expect_malformed(BASE "content-length: 1x\n");
  expect_malformed(BASE "content-length: 0\ncontent-length: 1\n");
  expect_malformed(BASE "content-length: 9999999999999999999\n");
}

static void put_with_length(uint32_t id, const char *length) {
  char fields[128];
  snprintf(fields, sizeof fields, BASE "content-length: %s\n", length);
  h2_put_headers(&peer, id, 0, fields);
}

static void data_must_be_as_long_as_content_length_says(void **state) {
  (void)state;
  expect_malformed(BASE "content-length: 5\n"); /* the headers end the stream */
  uint32_t id = next_id();
  put_with_length(id, "5");
  h2_put_data(&peer, id, 0, "123");
  h2_put_data(&peer, id, FC__H2_END_STREAM, "45");
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "");
  put_with_length(id = next_id(), "5");
  h2_put_data(&peer, id, 0, "123");
  h2_put_data(&peer, id, 0, "456");
  h2_expect_reset(&peer, id, FC__H2_PROTOCOL_ERROR);
  put_with_length(id = next_id(), "5");
  h2_put_data(&peer, id, FC__H2_END_STREAM, "123");
  h2_expect_reset(&peer, id, FC__H2_PROTOCOL_ERROR);
  put_with_length(id = next_id(), "5");
  h2_put_data(&peer, id, 0, "123");
  h2_put_headers(&peer, id, FC__H2_END_STREAM, "a: b\n");
  h2_expect_reset(&peer, id, FC__H2_PROTOCOL_ERROR);
  put_with_length(id = next_id(), "3");
  h2_put_data(&peer, id, 0, "123");
  h2_put_headers(&peer, id, FC__H2_END_STREAM, "a: b\n");
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "");
}

static void trailers_hold_no_pseudo_headers_and_end_the_stream(void **state) {
  (void)state;
  uint32_t id = next_id();
  h2_put_headers(&peer, id, 0, BASE);
  h2_put_headers(&peer, id, FC__H2_END_STREAM, ":path: /\n");
  h2_expect_reset(&peer, id, FC__H2_PROTOCOL_ERROR);
  h2_put_headers(&peer, id = next_id(), 0, BASE);
  h2_put_headers(&peer, id, 0, "a: b\n");
  h2_expect_reset(&peer, id, FC__H2_PROTOCOL_ERROR);
  h2_put_headers(&peer, id = next_id(), 0, BASE);
  h2_put_headers(&peer, id, FC__H2_END_STREAM, "a: b\n");
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_events(&peer), " end trailers\n"));
}

static void fields_of_a_malformed_request_stop_at_the_fault(void **state) {
  (void)state;
  uint32_t id = next_id();
  h2_put_headers(&peer, id, 0, BASE "a: b\nBad: x\nc: d\n");
  h2_expect_reset(&peer, id, FC__H2_PROTOCOL_ERROR);
  const char *events = h2_events(&peer);
  assert_non_null(strstr(events, " a: b\n"));
  assert_null(strstr(events, " c: d\n"));
  assert_non_null(strstr(events, " PROTOCOL_ERROR local\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_server, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(pseudo_headers_must_all_be_there),
      TEST(row_32_pseudo_headers_come_once),
      TEST(row_32_pseudo_headers_come_first),
      TEST(row_32_unknown_and_empty_pseudo_headers_are_malformed),
      TEST(row_32_names_are_lower_case_and_printable),
      TEST(row_32_nul_cr_and_lf_are_malformed_wherever_they_are),
      TEST(row_36_odd_values_are_no_error),
      TEST(row_32_fields_of_a_connection_are_malformed),
      TEST(connect_has_an_authority_alone),
      TEST(content_length_is_a_number_said_once),
      TEST(data_must_be_as_long_as_content_length_says),
      TEST(trailers_hold_no_pseudo_headers_and_end_the_stream),
      TEST(fields_of_a_malformed_request_stop_at_the_fault),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
