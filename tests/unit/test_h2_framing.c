/*
 * Framing, stream states and header compression as a server meets them: rows 19 to 28 of the table
 * of hostile inputs, RFC 9113 sections 3 to 6.
 */
#include <stdio.h>

#include "support/h2_peer.h"

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

static void restart(void) {
  h2_peer_finish(&peer);
  h2_peer_start(&peer, true);
}

/* A server's connection to which nothing was said yet. */
static void restart_silent(void) {
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  h2_peer_open(&peer);
}

static void put_raw(unsigned type, unsigned flags, uint32_t id, const void *data, size_t len) {
  h2_put_frame(&peer, type, flags, id, (fc_slice){data, len});
}

/* ---- the start, row 19 ---- */

static void row_19_a_preface_wrong_at_any_position_ends_the_connection(void **state) {
  (void)state;
  for (size_t i = 0; i < 24; i++) {
    restart_silent();
    h2_put_preface(&peer);
    peer.in.data[i] ^= 0x20;
    h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
  }
}

static void row_19_an_http_1_request_ends_the_connection(void **state) {
  (void)state;
  restart_silent();
  h2_put_bytes(&peer, TEXT("POST /s/m HTTP/1.1\r\nHost: a\r\n\r\n"));
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
}

static void the_first_frame_must_be_settings(void **state) {
  (void)state;
  restart_silent();
  h2_put_preface(&peer);
  h2_put_request(&peer, 1, 0);
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
  restart_silent();
  h2_put_preface(&peer);
  h2_put_settings_ack(&peer);
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
}

static void a_server_announces_its_limits(void **state) {
  (void)state;
  restart_silent();
  assert_string_equal(h2_sent(&peer), "SETTINGS 3=100 6=16384\nWINDOW_UPDATE 0 983041\n");
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  peer.config.initial_window = 1000;
  peer.config.max_frame_size = 100000;
  peer.config.connection_window = 1;
  h2_peer_open(&peer);
  assert_string_equal(h2_sent(&peer), "SETTINGS 3=100 4=1000 5=100000 6=16384\n");
}

/* ---- lengths, row 20 ---- */

static void row_20_a_frame_longer_than_allowed_ends_the_connection(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  h2_put_zeros(&peer, 1, 0, 16384);
  assert_int_equal(h2_feed(&peer), 0);
  h2_put_zeros(&peer, 1, 0, 16385);
  h2_expect_failure(&peer, FC__H2_FRAME_SIZE_ERROR);
}

static void row_20_control_frames_of_wrong_length_end_the_connection(void **state) {
  (void)state;
  static const struct {
    unsigned type, flags;
    uint32_t id;
    size_t right;
  } frames[] = {
      {FC__H2_PRIORITY, 0, 1, 5},      {FC__H2_RST_STREAM, 0, 1, 4},
      {FC__H2_SETTINGS, 0, 0, 6},      {FC__H2_PING, 0, 0, 8},
      {FC__H2_WINDOW_UPDATE, 0, 0, 4}, {FC__H2_SETTINGS, FC__H2_ACK, 0, 0},
  };
  static const uint8_t payload[16] = {0, 0, 0, 9};
  for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
    for (size_t len = frames[i].right ? frames[i].right - 1 : 1; len <= frames[i].right + 1;
         len++) {
      if (len == frames[i].right) continue;
      restart();
      h2_put_request(&peer, 1, 0);
      put_raw(frames[i].type, frames[i].flags, frames[i].id, payload, len);
      h2_expect_failure(&peer, FC__H2_FRAME_SIZE_ERROR);
    }
  }
}

static void row_20_a_goaway_too_short_ends_the_connection(void **state) {
  (void)state;
  put_raw(FC__H2_GOAWAY, 0, 0, "\0\0\0\0\0\0\0", 7);
  h2_expect_failure(&peer, FC__H2_FRAME_SIZE_ERROR);
}

static void a_frame_too_short_for_its_fixed_part_ends_the_connection(void **state) {
  (void)state;
  put_raw(FC__H2_HEADERS, FC__H2_END_HEADERS | FC__H2_HAS_PRIORITY, 1, "\0\0\0\0", 4);
  h2_expect_failure(&peer, FC__H2_FRAME_SIZE_ERROR);
  restart();
  put_raw(FC__H2_HEADERS, FC__H2_END_HEADERS | FC__H2_PADDED, 1, "", 0);
  h2_expect_failure(&peer, FC__H2_FRAME_SIZE_ERROR);
}

/* ---- stream ids, row 21 ---- */

static void expect_conn_error(unsigned type, uint32_t id, const void *data, size_t len) {
  restart();
  h2_put_request(&peer, 5, 0);
  put_raw(type, FC__H2_END_HEADERS, id, data, len);
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
}

static void row_21_even_decreasing_idle_and_zero_ids_end_the_connection(void **state) {
  (void)state;
  fc_slice block = h2_block_of(H2_REQUEST);
  uint8_t copy[256];
  memcpy(copy, block.data, block.len);
  const uint32_t headers_ids[] = {0, 2, 3};
  for (size_t i = 0; i < 3; i++) expect_conn_error(FC__H2_HEADERS, headers_ids[i], copy, block.len);
  const uint32_t data_ids[] = {0, 2, 3, 7};
  for (size_t i = 0; i < 4; i++) expect_conn_error(FC__H2_DATA, data_ids[i], "x", 1);
  const uint32_t idle_ids[] = {2, 7};
  for (size_t i = 0; i < 2; i++) {
    expect_conn_error(FC__H2_RST_STREAM, idle_ids[i], "\0\0\0\x8", 4);
    expect_conn_error(FC__H2_WINDOW_UPDATE, idle_ids[i], "\0\0\0\1", 4);
  }
  expect_conn_error(FC__H2_RST_STREAM, 0, "\0\0\0\x8", 4);
  expect_conn_error(FC__H2_PRIORITY, 0, "\0\0\0\1\0", 5);
  expect_conn_error(FC__H2_PING, 1, "12345678", 8);
  expect_conn_error(FC__H2_SETTINGS, 1, "", 0);
  expect_conn_error(FC__H2_GOAWAY, 1, "\0\0\0\0\0\0\0\0", 8);
}

static void row_21_frames_after_both_ends_end_the_connection(void **state) {
  (void)state;
  for (unsigned type = FC__H2_DATA; type <= FC__H2_HEADERS; type++) {
    restart();
    peer.record.answer = true;
    h2_put_request(&peer, 1, FC__H2_END_STREAM);
    put_raw(type, FC__H2_END_HEADERS, 1, "\x83", 1);
    h2_expect_failure(&peer, FC__H2_STREAM_CLOSED);
  }
}

static void row_21_frames_after_the_peers_reset_are_a_stream_error(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  h2_put_u32(&peer, FC__H2_RST_STREAM, 1, FC__H2_CANCEL);
  h2_put_data(&peer, 1, 0, "late");
  h2_expect_reset(&peer, 1, FC__H2_STREAM_CLOSED);
  h2_put_request(&peer, 1, 0);
  h2_expect_reset(&peer, 1, FC__H2_STREAM_CLOSED);
  assert_null(strstr(h2_events(&peer), "data"));
}

static void row_21_frames_after_our_reset_are_ignored(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  assert_int_equal(h2_feed(&peer), 0);
  h2_record_reset(&peer.record, h2_record_find(&peer.record, 1), FC__H2_CANCEL);
  assert_string_equal(h2_sent(&peer), "RST_STREAM 1 CANCEL\n");
  (void)h2_events(&peer);
  h2_put_data(&peer, 1, 0, "late");
  h2_put_headers(&peer, 1, FC__H2_END_STREAM, "a: b\n");
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 1, 5);
  h2_put_u32(&peer, FC__H2_RST_STREAM, 1, FC__H2_CANCEL);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "");
  assert_string_equal(h2_events(&peer), "");
}

static void late_data_still_counts_for_the_connections_window(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  assert_int_equal(h2_feed(&peer), 0);
  h2_record_reset(&peer.record, h2_record_find(&peer.record, 1), FC__H2_CANCEL);
  (void)h2_sent(&peer);
  for (int i = 0; i < 32; i++) h2_put_zeros(&peer, 1, 0, 16384);
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_sent(&peer), "WINDOW_UPDATE 0 524288\n"));
}

static void streams_long_gone_are_forgiven(void **state) {
  (void)state;
  peer.record.answer = true;
  for (uint32_t id = 1; id < 2000; id += 2) {
    h2_put_request(&peer, id, FC__H2_END_STREAM);
    assert_int_equal(h2_feed(&peer), 0);
    (void)h2_sent(&peer);
  }
  h2_put_data(&peer, 1, 0, "x");
  assert_int_equal(h2_feed(&peer), 0);
  h2_put_data(&peer, 1999 - 2 * 511, 0, "x");
  h2_expect_failure(&peer, FC__H2_STREAM_CLOSED);
}

static void a_stream_that_depends_on_itself_ends_the_connection(void **state) {
  (void)state;
  put_raw(FC__H2_HEADERS, FC__H2_END_HEADERS | FC__H2_HAS_PRIORITY, 1, "\x80\0\0\1\x0f\x83", 6);
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
}

/* ---- header blocks, row 22 ---- */

static void row_22_continuation_must_follow_its_headers(void **state) {
  (void)state;
  put_raw(FC__H2_CONTINUATION, FC__H2_END_HEADERS, 1, "\x83", 1);
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
  restart();
  h2_put_request(&peer, 1, 0);
  put_raw(FC__H2_CONTINUATION, FC__H2_END_HEADERS, 1, "\x83", 1);
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
  for (unsigned type = FC__H2_DATA; type <= 11; type++) {
    restart();
    h2_put_frame(&peer, FC__H2_HEADERS, 0, 1, h2_block_of(H2_REQUEST));
    put_raw(type, FC__H2_END_HEADERS, type == FC__H2_CONTINUATION ? 3 : 1, "\x83", 1);
    h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
  }
}

static void a_block_may_be_cut_anywhere(void **state) {
  (void)state;
  fc_slice whole = h2_block_of(H2_REQUEST);
  uint8_t block[256];
  memcpy(block, whole.data, whole.len);
  char expected[1024];
  h2_put_request(&peer, 1, FC__H2_END_STREAM);
  assert_int_equal(h2_feed(&peer), 0);
  snprintf(expected, sizeof expected, "%s", h2_events(&peer));
  for (size_t at = 0; at <= whole.len; at++) {
    restart();
    put_raw(FC__H2_HEADERS, FC__H2_END_STREAM, 1, block, at);
    put_raw(FC__H2_CONTINUATION, FC__H2_END_HEADERS, 1, block + at, whole.len - at);
    assert_int_equal(h2_feed(&peer), 0);
    assert_string_equal(h2_events(&peer), expected);
  }
}

static void a_priority_in_headers_is_ignored(void **state) {
  (void)state;
  fc_slice whole = h2_block_of(H2_REQUEST);
  uint8_t frame[300] = {4, 0x80, 0, 0, 3, 0xff};
  memcpy(frame + 6, whole.data, whole.len);
  put_raw(FC__H2_HEADERS, FC__H2_END_HEADERS | FC__H2_PADDED | FC__H2_HAS_PRIORITY, 1, frame,
          6 + whole.len + 4);
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_events(&peer), "field 1 te: trailers\n"));
}

/* ---- unknown frames and padding, row 23 ---- */

static void row_23_what_is_unknown_is_ignored(void **state) {
  (void)state;
  for (unsigned type = 10; type < 256; type++) {
    put_raw(type, type & 0xff, type, "anything", type % 9);
  }
  h2_put_setting(&peer, 0x7777, 5);
  put_raw(FC__H2_PING, 0xfe, 0, "12345678", 8);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "SETTINGS ack\nPING 3132333435363738 ack\n");
  assert_string_equal(h2_events(&peer), "settings\n");
}

static void row_23_padding_of_every_size_is_removed(void **state) {
  (void)state;
  uint8_t payload[1 + 4 + 255] = {0, 'd', 'a', 't', 'a'};
  h2_put_request(&peer, 1, 0);
  for (unsigned pad = 0; pad < 256; pad++) {
    payload[0] = (uint8_t)pad;
    put_raw(FC__H2_DATA, FC__H2_PADDED, 1, payload, 5 + pad);
  }
  put_raw(FC__H2_DATA, FC__H2_PADDED | FC__H2_END_STREAM, 1, "\3\0\0\0", 4);
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_events(&peer), "data 1 1024 bytes 19d2bdc5 end\n"));
}

static void row_23_padding_longer_than_its_frame_ends_the_connection(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  put_raw(FC__H2_DATA, FC__H2_PADDED, 1, "\4abc", 4);
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
  restart();
  put_raw(FC__H2_HEADERS, FC__H2_PADDED | FC__H2_HAS_PRIORITY | FC__H2_END_HEADERS, 1,
          "\2\0\0\0\0\0x", 7);
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
}

static void padding_is_given_back_to_the_window(void **state) {
  (void)state;
  uint8_t payload[256] = {255};
  h2_put_request(&peer, 1, 0);
  for (int i = 0; i < 128; i++) put_raw(FC__H2_DATA, FC__H2_PADDED, 1, payload, 256);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "WINDOW_UPDATE 1 32768\n");
}

/* ---- settings, row 24 ---- */

static void row_24_illegal_settings_end_the_connection(void **state) {
  (void)state;
  static const struct {
    unsigned setting;
    uint32_t value, code;
  } settings[] = {
      {FC__H2_ENABLE_PUSH, 2, FC__H2_PROTOCOL_ERROR},
      {FC__H2_INITIAL_WINDOW_SIZE, UINT32_C(1) << 31, FC__H2_FLOW_CONTROL_ERROR},
      {FC__H2_INITIAL_WINDOW_SIZE, UINT32_MAX, FC__H2_FLOW_CONTROL_ERROR},
      {FC__H2_MAX_FRAME_SIZE, 16383, FC__H2_PROTOCOL_ERROR},
      {FC__H2_MAX_FRAME_SIZE, 16777216, FC__H2_PROTOCOL_ERROR},
  };
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    restart();
    h2_put_setting(&peer, settings[i].setting, settings[i].value);
    h2_expect_failure(&peer, settings[i].code);
  }
}

static void row_24_settings_at_their_limits_are_legal(void **state) {
  (void)state;
  h2_put_setting(&peer, FC__H2_ENABLE_PUSH, 1);
  h2_put_setting(&peer, FC__H2_INITIAL_WINDOW_SIZE, FC__H2_WINDOW_MAX);
  h2_put_setting(&peer, FC__H2_MAX_FRAME_SIZE, 16384);
  h2_put_setting(&peer, FC__H2_MAX_FRAME_SIZE, 16777215);
  h2_put_setting(&peer, FC__H2_HEADER_TABLE_SIZE, UINT32_MAX);
  h2_put_setting(&peer, FC__H2_MAX_HEADER_LIST_SIZE, UINT32_MAX);
  h2_put_setting(&peer, FC__H2_MAX_CONCURRENT_STREAMS, UINT32_MAX);
  assert_int_equal(h2_feed(&peer), 0);
  const char *sent = h2_sent(&peer);
  for (int i = 0; i < 7; i++) sent += strlen("SETTINGS ack\n");
  assert_string_equal(sent, "");
}

static void row_24_a_shrunken_window_goes_negative_and_recovers(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  assert_int_equal(h2_feed(&peer), 0);
  struct fc__h2_stream *s = h2_record_find(&peer.record, 1);
  uint8_t payload[2000] = {0};
  fc_slice bytes = {payload, sizeof payload};
  assert_int_equal(fc__h2_send(peer.conn, s, TEXT(""), NULL, bytes, false), FC_OK);
  assert_string_equal(h2_sent(&peer), "DATA 1 2000\n");
  h2_put_setting(&peer, FC__H2_INITIAL_WINDOW_SIZE, 500);
  assert_int_equal(h2_feed(&peer), 0);
  assert_int_equal(s->send_window, 500 - 2000);
  assert_int_equal(fc__h2_send(peer.conn, s, TEXT(""), NULL, bytes, false), FC_OK);
  assert_string_equal(h2_sent(&peer), "SETTINGS ack\n");
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 1, 1500);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "");
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 1, 1);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "DATA 1 1\n");
  h2_put_setting(&peer, FC__H2_INITIAL_WINDOW_SIZE, 100000);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "SETTINGS ack\nDATA 1 1999\n");
}

static void row_24_a_window_that_settings_overflow_ends_the_connection(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 1, FC__H2_WINDOW_MAX - FC__H2_DEFAULT_WINDOW);
  assert_int_equal(h2_feed(&peer), 0);
  h2_put_setting(&peer, FC__H2_INITIAL_WINDOW_SIZE, FC__H2_DEFAULT_WINDOW + 1);
  h2_expect_failure(&peer, FC__H2_FLOW_CONTROL_ERROR);
}

static void an_ack_of_settings_never_sent_ends_the_connection(void **state) {
  (void)state;
  h2_put_settings_ack(&peer);
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
}

/* ---- windows, row 25 ---- */

static void row_25_data_beyond_a_streams_window_ends_the_stream(void **state) {
  (void)state;
  peer.record.hoard = true;
  h2_put_request(&peer, 1, 0);
  for (int i = 0; i < 3; i++) h2_put_zeros(&peer, 1, 0, 16384);
  h2_put_zeros(&peer, 1, 0, 16383);
  assert_int_equal(h2_feed(&peer), 0);
  assert_null(strstr(h2_sent(&peer), "RST_STREAM"));
  h2_put_zeros(&peer, 1, 0, 1);
  h2_expect_reset(&peer, 1, FC__H2_FLOW_CONTROL_ERROR);
}

static void row_25_data_beyond_the_connections_window_ends_it(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  peer.config.max_frame_size = 1 << 20;
  peer.config.initial_window = 1 << 20;
  peer.config.connection_window = FC__H2_DEFAULT_WINDOW;
  h2_peer_started(&peer);
  h2_put_request(&peer, 1, 0);
  h2_put_zeros(&peer, 1, 0, 65536);
  h2_expect_failure(&peer, FC__H2_FLOW_CONTROL_ERROR);
}

static void row_25_a_connection_window_that_overflows_ends_it(void **state) {
  (void)state;
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 0, FC__H2_WINDOW_MAX - FC__H2_DEFAULT_WINDOW);
  assert_int_equal(h2_feed(&peer), 0);
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 0, 1);
  h2_expect_failure(&peer, FC__H2_FLOW_CONTROL_ERROR);
}

static void row_25_a_connection_update_by_nothing_ends_it(void **state) {
  (void)state;
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 0, 0);
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
}

/* A first window below the default holds once it is acknowledged, not before: section 6.9.3. */
static void a_small_first_window_holds_from_its_ack_on(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  peer.config.initial_window = 100;
  h2_peer_open(&peer);
  peer.record.hoard = true;
  h2_put_preface(&peer);
  h2_put_frame(&peer, FC__H2_SETTINGS, 0, 0, TEXT(""));
  h2_put_request(&peer, 1, 0);
  h2_put_zeros(&peer, 1, 0, 16384);
  h2_put_settings_ack(&peer);
  h2_put_request(&peer, 3, 0);
  h2_put_zeros(&peer, 3, 0, 100);
  assert_int_equal(h2_feed(&peer), 0);
  assert_null(strstr(h2_sent(&peer), "RST_STREAM"));
  h2_put_zeros(&peer, 3, 0, 1);
  h2_expect_reset(&peer, 3, FC__H2_FLOW_CONTROL_ERROR);
}

/* ---- HPACK, rows 26 and 27 ---- */

static void row_26_a_block_that_does_not_decompress_ends_the_connection(void **state) {
  (void)state;
  static const struct {
    const char *block;
    size_t len;
  } blocks[] = {
      {"\x80", 1},             /* index 0 */
      {"\xbe", 1},             /* nothing in the dynamic table */
      {"\x83\x40\x81\xff", 4}, /* Huffman padding of 8 bits */
      {"\x3f\xe2\x1f", 3},     /* size update beyond 4,096 */
      {"\x83\x20", 2},         /* size update after a field */
      {"\x20\x20\x20", 3},     /* too many of them */
      {"\xff\xff\xff\xff\xff\xff\xff\x0f", 8},
      {"\x83\x40\x05k", 4}, /* ends inside a string */
  };
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
    restart();
    put_raw(FC__H2_HEADERS, FC__H2_END_HEADERS, 1, blocks[i].block, blocks[i].len);
    h2_expect_failure(&peer, FC__H2_COMPRESSION_ERROR);
  }
}

static void row_27_a_rejected_block_leaves_the_table_in_step(void **state) {
  (void)state;
  /* Malformed in its first field, inserts k: v, l: w afterwards. */
  put_raw(FC__H2_HEADERS, FC__H2_END_HEADERS, 1, "\0\1A\1x\x40\1k\1v\x40\1l\1w", 15);
  h2_expect_reset(&peer, 1, FC__H2_PROTOCOL_ERROR);
  fc_slice request = h2_block_of(":method: POST\n:scheme: http\n:path: /s/m\n");
  uint8_t block[256];
  memcpy(block, request.data, request.len);
  block[request.len] = 0xbf;
  block[request.len + 1] = 0xbe;
  put_raw(FC__H2_HEADERS, FC__H2_END_HEADERS, 3, block, request.len + 2);
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_events(&peer), "field 3 k: v\nfield 3 l: w\nblock 3\n"));
}

/* ---- after the end, row 28 ---- */

static void row_28_bytes_after_our_goaway_are_harmless(void **state) {
  (void)state;
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 0, 0);
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
  for (uint32_t id = 1; id < 50; id += 2) {
    h2_put_request(&peer, id, 0);
    h2_put_data(&peer, id, FC__H2_END_STREAM, "x");
  }
  assert_int_equal(h2_feed(&peer), FC_ERR_PROTOCOL);
  assert_string_equal(h2_events(&peer), "");
  assert_string_equal(h2_sent(&peer), "");
}

static void row_28_odd_pseudo_headers_and_too_many_bytes_are_survived(void **state) {
  (void)state;
  static char fields[20000] = ":scheme: \x01\nte: no\n";
  size_t len = strlen(fields);
  memcpy(fields + len, "a: ", 3);
  memset(fields + len + 3, 'b', 18000 - len);
  strcpy(fields + 18003, "\n");
  fc_slice block = h2_block_of(fields);
  put_raw(FC__H2_HEADERS, 0, 1, block.data, 16384);
  put_raw(FC__H2_CONTINUATION, FC__H2_END_HEADERS, 1, block.data + 16384, block.len - 16384);
  h2_expect_reset(&peer, 1, FC__H2_PROTOCOL_ERROR);
}

static void an_answer_before_the_request_has_ended_stops_the_client(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  assert_int_equal(h2_feed(&peer), 0);
  struct fc__h2_stream *s = h2_record_find(&peer.record, 1);
  (void)h2_events(&peer);
  fc__h2_block_begin(peer.conn, s);
  fc__h2_block_field(peer.conn, TEXT(":status"), TEXT("200"), FC__HPACK_INDEX);
  assert_int_equal(fc__h2_block_end(peer.conn, s, true), FC_OK);
  assert_true(s->open); /* on_closed never comes from inside */
  assert_string_equal(h2_sent(&peer), "HEADERS 1 end :status=200\nRST_STREAM 1 NO_ERROR\n");
  assert_string_equal(h2_events(&peer), "closed 1 NO_ERROR local\n");
  h2_put_data(&peer, 1, FC__H2_END_STREAM, "late");
  assert_int_equal(h2_feed(&peer), 0);
}

static void a_closed_connection_tells_each_stream_once(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  h2_put_request(&peer, 3, FC__H2_END_STREAM);
  assert_int_equal(h2_feed(&peer), 0);
  (void)h2_events(&peer);
  fc__h2_close(peer.conn, FC__H2_CANCEL, true);
  assert_string_equal(h2_events(&peer), "closed 1 CANCEL remote\nclosed 3 CANCEL remote\n");
  fc__h2_close(peer.conn, FC__H2_CANCEL, true);
  assert_string_equal(h2_events(&peer), "");
  h2_put_request(&peer, 5, 0);
  assert_true(h2_feed(&peer) < 0);
}

/* ---- going away ---- */

static void a_server_goes_away_in_two_steps(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  assert_int_equal(h2_feed(&peer), 0);
  fc__h2_goaway(peer.conn, FC__H2_NO_ERROR, "max_age", false);
  fc__h2_goaway(peer.conn, FC__H2_NO_ERROR, "max_age", false);
  assert_true(fc__h2_going_away(peer.conn));
  assert_string_equal(h2_sent(&peer), "GOAWAY 2147483647 NO_ERROR max_age\n");
  h2_put_request(&peer, 3, 0); /* was on its way */
  assert_int_equal(h2_feed(&peer), 0);
  fc__h2_goaway(peer.conn, FC__H2_NO_ERROR, "", true);
  fc__h2_goaway(peer.conn, FC__H2_NO_ERROR, "", true);
  assert_string_equal(h2_sent(&peer), "GOAWAY 3 NO_ERROR \n");
  (void)h2_events(&peer);
  h2_put_request(&peer, 5, FC__H2_END_STREAM);
  h2_put_data(&peer, 3, FC__H2_END_STREAM, "still served");
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_events(&peer), "data 3 \"still served\" end\n");
  assert_string_equal(h2_sent(&peer), "");
}

static void a_client_that_goes_away_is_served_to_the_end(void **state) {
  (void)state;
  peer.record.answer = true;
  h2_put_request(&peer, 1, 0);
  h2_put_goaway(&peer, 0, FC__H2_NO_ERROR, "bye");
  h2_put_data(&peer, 1, FC__H2_END_STREAM, "x");
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_events(&peer), "goaway 0 NO_ERROR bye\ndata 1 \"x\" end\nclosed 1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_server, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(row_19_a_preface_wrong_at_any_position_ends_the_connection),
      TEST(row_19_an_http_1_request_ends_the_connection),
      TEST(the_first_frame_must_be_settings),
      TEST(a_server_announces_its_limits),
      TEST(row_20_a_frame_longer_than_allowed_ends_the_connection),
      TEST(row_20_control_frames_of_wrong_length_end_the_connection),
      TEST(row_20_a_goaway_too_short_ends_the_connection),
      TEST(a_frame_too_short_for_its_fixed_part_ends_the_connection),
      TEST(row_21_even_decreasing_idle_and_zero_ids_end_the_connection),
      TEST(row_21_frames_after_both_ends_end_the_connection),
      TEST(row_21_frames_after_the_peers_reset_are_a_stream_error),
      TEST(row_21_frames_after_our_reset_are_ignored),
      TEST(late_data_still_counts_for_the_connections_window),
      TEST(streams_long_gone_are_forgiven),
      TEST(a_stream_that_depends_on_itself_ends_the_connection),
      TEST(row_22_continuation_must_follow_its_headers),
      TEST(a_block_may_be_cut_anywhere),
      TEST(a_priority_in_headers_is_ignored),
      TEST(row_23_what_is_unknown_is_ignored),
      TEST(row_23_padding_of_every_size_is_removed),
      TEST(row_23_padding_longer_than_its_frame_ends_the_connection),
      TEST(padding_is_given_back_to_the_window),
      TEST(row_24_illegal_settings_end_the_connection),
      TEST(row_24_settings_at_their_limits_are_legal),
      TEST(row_24_a_shrunken_window_goes_negative_and_recovers),
      TEST(row_24_a_window_that_settings_overflow_ends_the_connection),
      TEST(an_ack_of_settings_never_sent_ends_the_connection),
      TEST(row_25_data_beyond_a_streams_window_ends_the_stream),
      TEST(row_25_data_beyond_the_connections_window_ends_it),
      TEST(row_25_a_connection_window_that_overflows_ends_it),
      TEST(row_25_a_connection_update_by_nothing_ends_it),
      TEST(a_small_first_window_holds_from_its_ack_on),
      TEST(row_26_a_block_that_does_not_decompress_ends_the_connection),
      TEST(row_27_a_rejected_block_leaves_the_table_in_step),
      TEST(row_28_bytes_after_our_goaway_are_harmless),
      TEST(row_28_odd_pseudo_headers_and_too_many_bytes_are_survived),
      TEST(an_answer_before_the_request_has_ended_stops_the_client),
      TEST(a_closed_connection_tells_each_stream_once),
      TEST(a_server_goes_away_in_two_steps),
      TEST(a_client_that_goes_away_is_served_to_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
