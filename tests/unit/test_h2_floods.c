/*
 * Floods and exhaustion, rows 1 to 15 of the table of hostile inputs, as far as one connection
 * answers them. Its other rows are the server's.
 */
#include <stdio.h>

#include "base/slice.h"
#include "support/h2_peer.h"

enum { CALM = FC__H2_ENHANCE_YOUR_CALM, BURST = 1000 };

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

/* Feeds what put(i) builds until the connection fails; after how many rounds. Nothing is left
 * unread. */
static unsigned rounds_until_failure(void (*put)(unsigned i), unsigned most) {
  for (unsigned i = 0; i < most; i++) {
    put(i);
    if (h2_feed(&peer) < 0) return i + 1;
    (void)h2_sent(&peer);
    (void)h2_events(&peer);
  }
  return most + 1;
}

static void expect_calm(void) {
  uint32_t code;
  (void)fc__h2_failure(peer.conn, &code);
  assert_int_equal(code, CALM);
  assert_non_null(strstr(h2_sent(&peer), "ENHANCE_YOUR_CALM"));
}

/* ---- row 1 ---- */

static void put_rapid_reset(unsigned i) {
  h2_put_request(&peer, 2 * i + 1, FC__H2_END_STREAM);
  h2_put_u32(&peer, FC__H2_RST_STREAM, 2 * i + 1, FC__H2_CANCEL);
}

static void row_01_rapid_reset_spends_the_budget(void **state) {
  (void)state;
  assert_int_equal(rounds_until_failure(put_rapid_reset, 2 * BURST), BURST + 1);
  expect_calm();
}

/* GHSA-hrxh-6v49-42gf: the reset causes no frame of ours, since the stream is over already. */
static void put_reset_of_ended(unsigned i) {
  if (i == 0) h2_put_request(&peer, 1, FC__H2_END_STREAM);
  h2_put_u32(&peer, FC__H2_RST_STREAM, 1, FC__H2_CANCEL);
}

static void row_01_resets_without_an_effect_count_too(void **state) {
  (void)state;
  peer.record.answer = true;
  assert_int_equal(rounds_until_failure(put_reset_of_ended, 2 * BURST), BURST + 1);
  expect_calm();
}

/* A server that answers before the request has ended stops the client, and some clients say
 * RST_STREAM to that. */
static void a_client_whose_calls_are_answered_early_is_served_for_ever(void **state) {
  (void)state;
  for (uint32_t id = 1; id < 10 * BURST; id += 2) {
    h2_put_request(&peer, id, 0);
    assert_int_equal(h2_feed(&peer), 0);
    struct fc__h2_stream *s = h2_record_find(&peer.record, id);
    fc__h2_block_begin(peer.conn, s);
    fc__h2_block_field(peer.conn, TEXT(":status"), TEXT("200"), FC__HPACK_INDEX);
    assert_int_equal(fc__h2_block_end(peer.conn, s, true), FC_OK);
    (void)h2_sent(&peer);
    h2_put_data(&peer, id, 0, "crossed");
    h2_put_u32(&peer, FC__H2_RST_STREAM, id, FC__H2_CANCEL);
    assert_int_equal(h2_feed(&peer), 0);
  }
}

static void a_reset_that_crossed_with_ours_is_the_last_frame(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  assert_int_equal(h2_feed(&peer), 0);
  h2_record_reset(&peer.record, h2_record_find(&peer.record, 1), FC__H2_CANCEL);
  h2_put_u32(&peer, FC__H2_RST_STREAM, 1, FC__H2_CANCEL);
  h2_put_data(&peer, 1, 0, "late");
  h2_expect_reset(&peer, 1, FC__H2_STREAM_CLOSED);
}

static void row_02_an_owner_can_charge_for_a_rejection(void **state) {
  (void)state;
  for (int i = 0; i < BURST; i++) fc__h2_charge(peer.conn);
  assert_int_equal(fc__h2_tick(peer.conn, peer.now), 0);
  fc__h2_charge(peer.conn);
  assert_int_equal(fc__h2_next_at(peer.conn), peer.now);
  assert_int_equal(fc__h2_tick(peer.conn, peer.now), FC_ERR_PROTOCOL);
  expect_calm();
}

static void row_01_the_budget_fills_with_time(void **state) {
  (void)state;
  assert_int_equal(rounds_until_failure(put_rapid_reset, BURST), BURST + 1);
  for (unsigned i = BURST; i < BURST + 33; i++) {
    peer.now += FC_SECOND / 33 + 1;
    put_rapid_reset(i);
    assert_int_equal(h2_feed(&peer), 0);
    (void)h2_sent(&peer);
  }
  put_rapid_reset(BURST + 33);
  assert_int_equal(h2_feed(&peer), FC_ERR_PROTOCOL);
}

static void put_pair(unsigned i) {
  h2_put_request(&peer, 4 * i + 1, FC__H2_END_STREAM);
  h2_put_request(&peer, 4 * i + 3, 0);
  h2_put_u32(&peer, FC__H2_RST_STREAM, 4 * i + 3, FC__H2_CANCEL);
}

static void a_client_that_cancels_every_second_call_is_served_for_ever(void **state) {
  (void)state;
  peer.record.answer = true;
  assert_int_equal(rounds_until_failure(put_pair, 10 * BURST), 10 * BURST + 1);
}

/* ---- row 2 ---- */

static void put_overflow(unsigned i) {
  h2_put_request(&peer, 2 * i + 1, 0);
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 2 * i + 1, FC__H2_WINDOW_MAX);
}

static void row_02_resets_that_the_client_provokes_spend_the_budget(void **state) {
  (void)state;
  put_overflow(0);
  h2_expect_reset(&peer, 1, FC__H2_FLOW_CONTROL_ERROR);
  assert_string_equal(strstr(h2_events(&peer), "closed"), "closed 1 FLOW_CONTROL_ERROR local\n");
  peer.now += 3600 * FC_SECOND;
  put_rapid_reset(1);
  assert_int_equal(h2_feed(&peer), 0);
  h2_peer_finish(&peer);
  h2_peer_start(&peer, true);
  assert_int_equal(rounds_until_failure(put_overflow, 2 * BURST), BURST + 1);
  expect_calm();
}

static void put_malformed(unsigned i) { h2_put_headers(&peer, 2 * i + 1, 0, ":method: POST\n"); }

static void row_02_malformed_requests_spend_the_budget(void **state) {
  (void)state;
  assert_int_equal(rounds_until_failure(put_malformed, 2 * BURST), BURST + 1);
  expect_calm();
}

static void put_rejected(unsigned i) {
  h2_put_request(&peer, 2 * i + 1, 0);
  assert_int_equal(h2_feed(&peer), 0);
  struct fc__h2_stream *s = h2_record_find(&peer.record, 2 * i + 1);
  if (s) h2_record_reset(&peer.record, s, FC__H2_PROTOCOL_ERROR);
}

static void row_02_requests_that_the_owner_rejects_spend_the_budget(void **state) {
  (void)state;
  for (unsigned i = 0; i < BURST; i++) put_rejected(i);
  assert_string_equal(fc__h2_failure(peer.conn, &(uint32_t){0}), "");
  put_rejected(BURST);
  assert_int_equal(fc__h2_tick(peer.conn, peer.now), FC_ERR_PROTOCOL);
  expect_calm();
}

static void row_02_frame_tricks_end_the_connection(void **state) {
  (void)state;
  static const struct {
    unsigned type;
    const char *payload;
    size_t len;
    uint32_t code;
  } tricks[] = {
      {FC__H2_WINDOW_UPDATE, "\0\0\0\0", 4, FC__H2_PROTOCOL_ERROR},
      {FC__H2_PRIORITY, "\0\0\0\1\0", 5, FC__H2_PROTOCOL_ERROR},
      {FC__H2_PRIORITY, "\0\0\0\3", 4, FC__H2_FRAME_SIZE_ERROR},
      {FC__H2_HEADERS, "\x83", 1, FC__H2_STREAM_CLOSED},
      {FC__H2_DATA, "x", 1, FC__H2_STREAM_CLOSED},
  };
  for (size_t i = 0; i < sizeof tricks / sizeof *tricks; i++) {
    h2_peer_finish(&peer);
    h2_peer_start(&peer, true);
    h2_put_request(&peer, 1, FC__H2_END_STREAM);
    h2_put_frame(&peer, tricks[i].type, FC__H2_END_HEADERS, 1,
                 (fc_slice){(const uint8_t *)tricks[i].payload, tricks[i].len});
    h2_expect_failure(&peer, tricks[i].code);
  }
}

/* ---- row 3 ---- */

static void begin_block(void) {
  h2_put_frame(&peer, FC__H2_HEADERS, 0, 1, h2_block_of(H2_REQUEST));
}

static void put_continuation(unsigned i) {
  (void)i;
  h2_put_frame(&peer, FC__H2_CONTINUATION, 0, 1, h2_block_of("a: b\n"));
}

static void row_03_continuation_flood_ends_with_enhance_your_calm(void **state) {
  (void)state;
  begin_block();
  assert_int_equal(rounds_until_failure(put_continuation, 100), 9);
  expect_calm();
}

static void put_empty_continuation(unsigned i) {
  (void)i;
  h2_put_frame(&peer, FC__H2_CONTINUATION, 0, 1, TEXT(""));
}

static void row_03_empty_continuations_end_with_enhance_your_calm(void **state) {
  (void)state;
  begin_block();
  assert_int_equal(rounds_until_failure(put_empty_continuation, 100), 9);
  expect_calm();
}

static void row_03_eight_continuations_are_served(void **state) {
  (void)state;
  begin_block();
  for (int i = 0; i < 7; i++) put_continuation(0);
  h2_put_frame(&peer, FC__H2_CONTINUATION, FC__H2_END_HEADERS, 1, TEXT(""));
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_events(&peer), "block 1\n"));
}

static void start_with_large_frames(void) {
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  peer.config.max_frame_size = 1 << 20;
  h2_peer_started(&peer);
}

static void expect_too_long(void) {
  h2_expect_failure(&peer, CALM);
  uint32_t code; /* before any fields of the last frame were looked at */
  assert_string_equal(fc__h2_failure(peer.conn, &code), "header block too long");
}

static void row_03_large_frames_do_not_widen_the_header_budget(void **state) {
  (void)state;
  static uint8_t block[1 << 20];
  memset(block, 0x83, sizeof block);
  start_with_large_frames();
  h2_put_frame(&peer, FC__H2_HEADERS, 0, 1, (fc_slice){block, sizeof block});
  expect_too_long();
  start_with_large_frames(); /* nine of the smallest, and four times the limit on the list */
  size_t most = 9 * FC__H2_FRAME_MIN_MAX + 4 * (size_t)peer.config.max_header_list_bytes;
  h2_put_frame(&peer, FC__H2_HEADERS, 0, 1, (fc_slice){block, most - 1000});
  h2_put_frame(&peer, FC__H2_CONTINUATION, 0, 1, (fc_slice){block, 1000});
  assert_int_equal(h2_feed(&peer), 0);
  h2_put_frame(&peer, FC__H2_CONTINUATION, 0, 1, TEXT("\x83"));
  expect_too_long();
}

static void row_03_a_header_block_must_end_in_time(void **state) {
  (void)state;
  begin_block();
  assert_int_equal(h2_feed(&peer), 0);
  assert_int_equal(fc__h2_next_at(peer.conn), peer.now + 20 * FC_SECOND);
  peer.now += 10 * FC_SECOND;
  put_continuation(0);
  assert_int_equal(h2_feed(&peer), 0);
  assert_int_equal(fc__h2_next_at(peer.conn), peer.now + 10 * FC_SECOND);
  assert_int_equal(fc__h2_tick(peer.conn, peer.now + 10 * FC_SECOND), FC_ERR_PROTOCOL);
  expect_calm();
}

static void row_03_a_block_that_has_ended_is_not_due(void **state) {
  (void)state;
  begin_block();
  assert_int_equal(h2_feed(&peer), 0);
  h2_put_frame(&peer, FC__H2_CONTINUATION, FC__H2_END_HEADERS, 1, TEXT(""));
  assert_int_equal(h2_feed(&peer), 0);
  assert_int_equal(fc__h2_next_at(peer.conn), FC_NEVER);
}

/* ---- rows 4 and 5 ---- */

/* A block that inserts one field of some 4,000 bytes and names it again and again. */
static void put_bomb(uint32_t id, size_t times) {
  static uint8_t memory[9 * 16384];
  size_t len = 0;
  fc_slice request = h2_block_of(H2_REQUEST);
  memcpy(memory, request.data, request.len);
  len += request.len;
  const uint8_t head[] = {
      0x40, 1, 'a', 127, (uint8_t)((4000 - 127) & 127) | 128, (4000 - 127) >> 7};
  memcpy(memory + len, head, sizeof head);
  len += sizeof head;
  memset(memory + len, 'x', 4000);
  len += 4000;
  if (times > sizeof memory - len) times = sizeof memory - len;
  memset(memory + len, 0xbe, times); /* the newest entry */
  len += times;
  for (size_t at = 0; at < len; at += 16384) {
    bool last = len - at <= 16384;
    h2_put_frame(
        &peer, at ? FC__H2_CONTINUATION : FC__H2_HEADERS,
        (at ? 0u : (unsigned)FC__H2_END_STREAM) | (last ? (unsigned)FC__H2_END_HEADERS : 0), id,
        (fc_slice){memory + at, last ? len - at : 16384});
  }
}

static void row_04_an_hpack_bomb_costs_only_its_stream(void **state) {
  (void)state;
  put_bomb(1, SIZE_MAX);
  assert_int_equal(h2_feed(&peer), 0);
  const char *events = h2_events(&peer);
  assert_non_null(strstr(events, "block 1 end large\n"));
  assert_true(strlen(events) < 20000);
  /* The table is in step: the entry is still there. */
  fc_slice request = h2_block_of(":method: POST\n:scheme: http\n:path: /s/m\n");
  uint8_t block[256];
  memcpy(block, request.data, request.len);
  block[request.len] = 0xbe;
  h2_put_frame(&peer, FC__H2_HEADERS, FC__H2_END_HEADERS, 3, (fc_slice){block, request.len + 1});
  assert_int_equal(h2_feed(&peer), 0);
  events = h2_events(&peer);
  assert_non_null(strstr(events, "field 3 a: xxxxx"));
  assert_non_null(strstr(events, "block 3\n"));
}

static void row_04_bombs_without_end_spend_the_budget(void **state) {
  (void)state;
  for (uint32_t id = 1;; id += 2) {
    put_bomb(id, SIZE_MAX);
    if (h2_feed(&peer) < 0) break;
    assert_true(id < 10);
  }
  expect_calm();
}

static void row_05_the_number_of_fields_is_limited(void **state) {
  (void)state;
  char fields[4096] = H2_REQUEST;
  for (int i = 0; i < 122; i++) strcat(fields, "a: b\n");
  h2_put_headers(&peer, 1, 0, fields); /* 128 */
  strcat(fields, "a: b\n");
  h2_put_headers(&peer, 3, 0, fields);
  assert_int_equal(h2_feed(&peer), 0);
  const char *events = h2_events(&peer);
  assert_non_null(strstr(events, "block 1\n"));
  assert_non_null(strstr(events, "block 3 large\n"));
}

static void row_37_the_size_of_fields_is_limited(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  peer.config.max_header_list_bytes = 1000;
  h2_peer_started(&peer);
  char fields[2048] = H2_REQUEST;
  size_t size = 0;
  for (const char *line = fields; *line; line = strchr(line, '\n') + 1) {
    size += (size_t)(strchr(line, '\n') - line) - 2 + 32;
  }
  size_t value = 1000 - size - 32 - 1;
  size_t len = strlen(fields);
  memset(fields + len, 'v', 3 + value + 1);
  memcpy(fields + len, "k: ", 3);
  fields[len + 3 + value] = '\n';
  fields[len + 3 + value + 1] = 0;
  h2_put_headers(&peer, 1, 0, fields);
  fields[len + 3 + value] = 'v';
  strcpy(fields + len + 3 + value + 1, "\n");
  h2_put_headers(&peer, 3, 0, fields);
  assert_int_equal(h2_feed(&peer), 0);
  const char *events = h2_events(&peer);
  assert_non_null(strstr(events, "block 1\n"));
  assert_non_null(strstr(events, "block 3 large\n"));
}

/* Part of a header block, in frames of the smallest maximum. */
static void put_part(unsigned type, fc_slice block, bool last) {
  for (size_t at = 0, len; at < block.len; at += len, type = FC__H2_CONTINUATION) {
    len = fc__smaller(block.len - at, FC__H2_FRAME_MIN_MAX);
    bool end = last && at + len == block.len;
    h2_put_frame(&peer, type, end ? FC__H2_END_HEADERS : 0, 1, (fc_slice){block.data + at, len});
  }
}

/* 256 KiB: more than is allowed for a header list of any size. */
static void put_long_request(void) {
  enum { FIELDS = 8, LONG = 32 * 1024 };
  static char field[LONG + 8];
  snprintf(field, sizeof field, "k: %*s\n", LONG, "v");
  put_part(FC__H2_HEADERS, h2_block_of(H2_REQUEST), false);
  for (int i = 1; i <= FIELDS; i++) put_part(FC__H2_CONTINUATION, h2_block_of(field), i == FIELDS);
}

/* As large as an application likes: sums of the limit wrapped where sizes have 32 bits. */
static void row_37_a_high_limit_on_fields_holds(void **state) {
  (void)state;
  const uint32_t limits[] = {512 * 1024, UINT32_C(1) << 30, UINT32_C(1) << 31, UINT32_MAX};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    h2_peer_finish(&peer);
    h2_peer_init(&peer, true);
    peer.config.max_header_list_bytes = limits[i];
    h2_peer_started(&peer);
    put_long_request();
    assert_int_equal(h2_feed(&peer), 0);
    assert_non_null(strstr(h2_events(&peer), "block 1\n"));
  }
}

/* ---- row 6 ---- */

static void row_06_output_waits_for_a_peer_that_does_not_read(void **state) {
  (void)state;
  h2_put_setting(&peer, FC__H2_INITIAL_WINDOW_SIZE, FC__H2_WINDOW_MAX);
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 0, FC__H2_WINDOW_MAX - FC__H2_DEFAULT_WINDOW);
  h2_put_request(&peer, 1, 0);
  assert_int_equal(h2_feed(&peer), 0);
  struct fc__h2_stream *s = h2_record_find(&peer.record, 1);
  uint8_t kilobyte[1024] = {0};
  for (int i = 0; i < 4096; i++) {
    assert_int_equal(fc__h2_send(peer.conn, s, TEXT(""), NULL, (fc_slice){kilobyte, 1024}, false),
                     0);
  }
  /* The rest is queued, where the owner sees it. */
  struct iovec iov[FC__H2_IOV_MAX];
  int count = fc__h2_output(peer.conn, iov, peer.now);
  size_t total = 0;
  for (int i = 0; i < count; i++) total += iov[i].iov_len;
  assert_true(total < 400 * 1024);
  assert_true(s->queued > 3600 * 1024);
  h2_drain(&peer);
  assert_non_null(strstr(h2_events(&peer), "writable 1\n"));
  assert_int_equal(s->queued, 0);
}

static void row_06_a_closed_window_holds_data_back(void **state) {
  (void)state;
  h2_put_setting(&peer, FC__H2_INITIAL_WINDOW_SIZE, 0);
  h2_put_request(&peer, 1, FC__H2_END_STREAM);
  peer.record.answer = true;
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer),
                      "SETTINGS ack\nHEADERS 1 :status=200 content-type=application/grpc\n");
  for (int i = 0; i < 4; i++) {
    h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 1, 1);
    assert_int_equal(h2_feed(&peer), 0);
    assert_string_equal(h2_sent(&peer), "DATA 1 1\n");
  }
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 1, 1);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "DATA 1 1\nHEADERS 1 end grpc-status=0\n");
}

/* Queued bytes of stream 1 that leave one by one, as its window is opened. */
static void queue_behind_a_window(void) {
  static const uint8_t kilobytes[4096];
  h2_put_setting(&peer, FC__H2_INITIAL_WINDOW_SIZE, 0);
  h2_put_request(&peer, 1, 0);
  assert_int_equal(h2_feed(&peer), 0);
  fc_slice bytes = {kilobytes, sizeof kilobytes};
  struct fc__h2_stream *s = h2_record_find(&peer.record, 1);
  assert_int_equal(fc__h2_send(peer.conn, s, TEXT(""), NULL, bytes, false), FC_OK);
  (void)h2_sent(&peer);
}

static void let_one_byte_go(void) {
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 1, 1);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "DATA 1 1\n");
}

/* Headers are all that is answered. */
static void answer_by_headers(uint32_t id) {
  struct fc__h2_stream *s = h2_record_find(&peer.record, id);
  fc__h2_block_begin(peer.conn, s);
  fc__h2_block_field(peer.conn, TEXT(":status"), TEXT("200"), FC__HPACK_INDEX);
  assert_int_equal(fc__h2_block_end(peer.conn, s, true), FC_OK);
  (void)h2_sent(&peer);
}

/* ---- rows 7 and 8 ---- */

static void start_with_free_pings(void) {
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  peer.config.ping_min_interval = 0;
  peer.config.bucket_burst = 50000;
  h2_peer_started(&peer);
}

static void row_07_a_thousand_unsent_acks_are_the_most(void **state) {
  (void)state;
  start_with_free_pings();
  for (uint64_t i = 0; i < 1000; i++) h2_put_ping(&peer, i, false);
  assert_int_equal(h2_feed(&peer), 0);
  h2_put_ping(&peer, 1000, false);
  h2_expect_failure(&peer, CALM);
}

static void row_07_acks_count_until_they_are_written(void **state) {
  (void)state;
  start_with_free_pings();
  for (uint64_t i = 0; i < 600; i++) h2_put_ping(&peer, i, false);
  assert_int_equal(h2_feed(&peer), 0);
  struct iovec iov[FC__H2_IOV_MAX];
  assert_int_equal(fc__h2_output(peer.conn, iov, peer.now), 1);
  fc__h2_written(peer.conn, 1, peer.now);
  for (uint64_t i = 0; i < 400; i++) h2_put_ping(&peer, i, false);
  assert_int_equal(h2_feed(&peer), 0);
  h2_put_ping(&peer, 0, false);
  assert_int_equal(h2_feed(&peer), FC_ERR_PROTOCOL);
}

static void row_07_acks_that_are_written_do_not_add_up(void **state) {
  (void)state;
  start_with_free_pings();
  for (int round = 0; round < 20; round++) {
    for (uint64_t i = 0; i < 400; i++) h2_put_ping(&peer, i, false);
    assert_int_equal(h2_feed(&peer), 0);
    struct iovec iov[FC__H2_IOV_MAX];
    size_t total = 0;
    int count = fc__h2_output(peer.conn, iov, peer.now);
    for (int j = 0; j < count; j++) total += iov[j].iov_len;
    fc__h2_written(peer.conn, total - 1, peer.now); /* never quite all */
  }
}

/* A byte that is written frees none of the acknowledgements behind it. */
static void row_07_acks_add_up_although_a_byte_is_written_now_and_then(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  peer.config.ping_min_interval = 0;
  peer.config.bucket_burst = 50000;
  h2_peer_started(&peer);
  for (int round = 0; round < 10; round++) {
    struct iovec iov[FC__H2_IOV_MAX];
    for (uint64_t i = 0; i < 100; i++) h2_put_ping(&peer, i, false);
    assert_int_equal(h2_feed(&peer), 0);
    assert_true(fc__h2_output(peer.conn, iov, peer.now) > 0);
    fc__h2_written(peer.conn, 1, peer.now);
  }
  h2_put_ping(&peer, 100, false);
  assert_int_equal(h2_feed(&peer), FC_ERR_PROTOCOL);
}

static void row_07_more_than_two_ping_strikes_end_the_connection(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0); /* a call is open: the interval is five minutes */
  for (int i = 0; i < 3; i++) h2_put_ping(&peer, 1, false);
  assert_int_equal(h2_feed(&peer), 0);
  h2_put_ping(&peer, 1, false);
  assert_int_equal(h2_feed(&peer), FC_ERR_PROTOCOL);
  assert_non_null(strstr(h2_sent(&peer), "GOAWAY 1 ENHANCE_YOUR_CALM too_many_pings\n"));
}

static void row_07_pings_in_their_interval_are_no_strikes(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  for (int i = 0; i < 20; i++) {
    h2_put_ping(&peer, 1, false);
    assert_int_equal(h2_feed(&peer), 0);
    peer.now += 300 * FC_SECOND;
  }
}

static void row_07_without_calls_the_interval_is_two_hours(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    h2_put_ping(&peer, 1, false);
    assert_int_equal(h2_feed(&peer), 0);
    peer.now += 7199 * FC_SECOND;
  }
  h2_put_ping(&peer, 1, false);
  h2_expect_failure(&peer, CALM);
}

static void row_07_pings_without_calls_can_be_allowed(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  peer.config.ping_without_calls = true;
  h2_peer_started(&peer);
  for (int i = 0; i < 20; i++) {
    h2_put_ping(&peer, 1, false);
    assert_int_equal(h2_feed(&peer), 0);
    peer.now += 300 * FC_SECOND;
  }
}

static void row_07_strikes_are_forgiven_when_data_is_sent(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  assert_int_equal(h2_feed(&peer), 0);
  for (int i = 0; i < 100; i++) {
    h2_put_ping(&peer, 1, false);
    h2_put_ping(&peer, 1, false);
    assert_int_equal(h2_feed(&peer), 0);
    struct fc__h2_stream *s = h2_record_find(&peer.record, 1);
    assert_int_equal(fc__h2_send(peer.conn, s, TEXT("x"), NULL, TEXT(""), false), FC_OK);
    (void)h2_sent(&peer);
  }
}

static void row_07_strikes_are_forgiven_when_queued_data_is_sent(void **state) {
  (void)state;
  queue_behind_a_window();
  for (int i = 0; i < 100; i++) {
    h2_put_ping(&peer, 1, false);
    h2_put_ping(&peer, 1, false);
    assert_int_equal(h2_feed(&peer), 0);
    (void)h2_sent(&peer);
    let_one_byte_go();
  }
}

static void row_07_strikes_are_forgiven_when_headers_are_sent(void **state) {
  (void)state;
  for (uint32_t id = 1; id < 200; id += 2) {
    h2_put_request(&peer, id, FC__H2_END_STREAM);
    h2_put_ping(&peer, 1, false);
    h2_put_ping(&peer, 1, false);
    assert_int_equal(h2_feed(&peer), 0);
    answer_by_headers(id);
  }
}

static void put_setting(unsigned i) { h2_put_setting(&peer, FC__H2_INITIAL_WINDOW_SIZE, i); }

static void row_08_a_settings_flood_spends_the_budget(void **state) {
  (void)state;
  assert_int_equal(rounds_until_failure(put_setting, 2 * BURST), BURST + 1);
  expect_calm();
}

static void row_08_settings_that_nobody_reads_end_the_connection(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  peer.config.bucket_burst = 50000;
  h2_peer_started(&peer);
  for (unsigned i = 0; i < 1001; i++) put_setting(i);
  h2_expect_failure(&peer, CALM);
}

static void row_08_more_than_32_settings_in_a_frame_are_too_many(void **state) {
  (void)state;
  static uint8_t entries[33 * 6]; /* unknown settings */
  h2_put_frame(&peer, FC__H2_SETTINGS, 0, 0, (fc_slice){entries, 32 * 6});
  assert_int_equal(h2_feed(&peer), 0);
  h2_put_frame(&peer, FC__H2_SETTINGS, 0, 0, (fc_slice){entries, 33 * 6});
  h2_expect_failure(&peer, CALM);
}

/* ---- rows 9 to 13 ---- */

static void row_09_unsent_control_frames_are_bounded(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  peer.config.bucket_burst = 100000;
  h2_peer_started(&peer);
  peer.record.refuse = peer.record.quiet = true;
  for (unsigned i = 0; i < 5000; i++) h2_put_request(&peer, 2 * i + 1, 0);
  assert_int_equal(h2_feed(&peer), 0);
  h2_put_request(&peer, 10001, 0);
  h2_expect_failure(&peer, CALM);
}

static void put_priority(unsigned i) {
  uint8_t payload[5] = {0, 0, 0, 3, 16};
  h2_put_frame(&peer, FC__H2_PRIORITY, 0, 5 + 2 * i, (fc_slice){payload, 5});
}

static void row_10_priority_churn_spends_the_budget(void **state) {
  (void)state;
  assert_int_equal(rounds_until_failure(put_priority, 2 * BURST), BURST + 1);
  expect_calm();
}

static void put_empty_data(unsigned i) {
  if (i == 0) h2_put_request(&peer, 1, 0);
  h2_put_data(&peer, 1, 0, "");
}

static void row_11_empty_data_spends_the_budget(void **state) {
  (void)state;
  assert_int_equal(rounds_until_failure(put_empty_data, 2 * BURST), BURST + 1);
  expect_calm();
}

static void put_padding_only(unsigned i) {
  if (i == 0) h2_put_request(&peer, 1, 0);
  h2_put_frame(&peer, FC__H2_DATA, FC__H2_PADDED, 1, TEXT("\3abc"));
}

static void row_11_data_of_padding_alone_spends_the_budget(void **state) {
  (void)state;
  assert_int_equal(rounds_until_failure(put_padding_only, 2 * BURST), BURST + 1);
  expect_calm();
}

static void row_11_an_empty_field_name_ends_its_stream(void **state) {
  (void)state;
  h2_put_headers(&peer, 1, 0, H2_REQUEST ": x\n");
  h2_expect_reset(&peer, 1, FC__H2_PROTOCOL_ERROR);
}

static void put_unknown(unsigned i) { h2_put_frame(&peer, 10 + i % 200, 0xff, i, TEXT("abc")); }

static void unknown_frames_spend_the_budget(void **state) {
  (void)state;
  assert_int_equal(rounds_until_failure(put_unknown, 2 * BURST), BURST + 1);
  expect_calm();
}

static void row_12_one_byte_data_frames_are_free(void **state) {
  (void)state;
  h2_put_request(&peer, 1, 0);
  for (int i = 0; i < 60000; i++) h2_put_data(&peer, 1, 0, "x");
  h2_put_data(&peer, 1, FC__H2_END_STREAM, "x");
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_events(&peer), "data 1 60001 bytes"));
}

static void put_update(unsigned i) {
  (void)i;
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 0, 1);
}

static void row_13_window_updates_beyond_the_data_spend_the_budget(void **state) {
  (void)state;
  assert_int_equal(rounds_until_failure(put_update, 3 * BURST), 100 + BURST + 1);
  expect_calm();
}

static void row_13_ten_window_updates_for_each_data_frame_are_free(void **state) {
  (void)state;
  peer.record.answer = true;
  for (unsigned i = 0; i < 1000; i++) {
    h2_put_request(&peer, 2 * i + 1, FC__H2_END_STREAM);
    assert_int_equal(h2_feed(&peer), 0);
    (void)h2_sent(&peer);
    for (int j = 0; j < 10; j++) put_update(0);
    assert_int_equal(h2_feed(&peer), 0);
  }
}

static void row_13_ten_are_free_for_queued_data_too(void **state) {
  (void)state;
  queue_behind_a_window();
  for (unsigned i = 0; i < 1000; i++) {
    for (int j = 0; j < 9; j++) put_update(0);
    let_one_byte_go();
  }
}

static void row_13_two_for_the_headers_of_each_side_are_free(void **state) {
  (void)state;
  for (uint32_t id = 1; id < 6000; id += 2) {
    h2_put_request(&peer, id, FC__H2_END_STREAM);
    assert_int_equal(h2_feed(&peer), 0);
    answer_by_headers(id);
    for (int i = 0; i < 4; i++) put_update(0);
    assert_int_equal(h2_feed(&peer), 0);
  }
}

/* ---- rows 14 and 15 ---- */

static void put_many_requests(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) h2_put_request(&peer, 2 * i + 1, FC__H2_END_STREAM);
}

static void expect_one_refused(uint32_t id) {
  char expected[64];
  snprintf(expected, sizeof expected, "RST_STREAM %u REFUSED_STREAM\n", id);
  const char *sent = strstr(h2_sent(&peer), "RST_STREAM");
  assert_string_equal(sent, expected);
  assert_int_equal(fc__h2_stream_count(peer.conn), 100);
  assert_int_equal(peer.record.count, 100);
}

static void row_14_a_stream_too_many_is_refused(void **state) {
  (void)state;
  put_many_requests(101);
  assert_int_equal(h2_feed(&peer), 0);
  expect_one_refused(201);
}

static void row_14_a_stream_too_many_before_the_ack_is_refused(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  h2_peer_open(&peer);
  h2_put_preface(&peer);
  h2_put_frame(&peer, FC__H2_SETTINGS, 0, 0, TEXT(""));
  put_many_requests(101);
  assert_int_equal(h2_feed(&peer), 0);
  expect_one_refused(201);
}

static void row_14_refused_streams_spend_the_budget(void **state) {
  (void)state;
  put_many_requests(100 + BURST);
  assert_int_equal(h2_feed(&peer), 0);
  h2_put_request(&peer, 2 * (100 + BURST) + 1, 0);
  h2_expect_failure(&peer, CALM);
}

static void row_14_the_block_of_a_refused_stream_is_decoded(void **state) {
  (void)state;
  peer.record.refuse = true;
  fc_slice request = h2_block_of(H2_REQUEST);
  uint8_t block[512];
  memcpy(block, request.data, request.len);
  memcpy(block + request.len, "\x40\1k\1v", 5); /* enters the table */
  h2_put_frame(&peer, FC__H2_HEADERS, FC__H2_END_HEADERS, 1, (fc_slice){block, request.len + 5});
  h2_expect_reset(&peer, 1, FC__H2_REFUSED_STREAM);
  peer.record.refuse = false;
  block[request.len] = 0xbe;
  h2_put_frame(&peer, FC__H2_HEADERS, FC__H2_END_HEADERS, 3, (fc_slice){block, request.len + 1});
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_events(&peer), "field 3 k: v\n"));
}

static void row_15_settings_must_come_in_time(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  h2_peer_open(&peer);
  h2_put_bytes(&peer, TEXT("PRI * HT"));
  assert_int_equal(h2_feed(&peer), 0);
  int64_t due = peer.now + 20 * FC_SECOND;
  assert_int_equal(fc__h2_next_at(peer.conn), due);
  assert_int_equal(fc__h2_tick(peer.conn, due - 1), 0);
  assert_int_equal(fc__h2_tick(peer.conn, due), FC_ERR_PROTOCOL);
  assert_non_null(strstr(h2_sent(&peer), "GOAWAY 0 SETTINGS_TIMEOUT"));
}

static void row_15_settings_must_be_acknowledged_in_time(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  h2_peer_init(&peer, true);
  h2_peer_open(&peer);
  h2_put_preface(&peer);
  h2_put_frame(&peer, FC__H2_SETTINGS, 0, 0, TEXT(""));
  assert_int_equal(h2_feed(&peer), 0);
  int64_t due = peer.now + 20 * FC_SECOND;
  assert_int_equal(fc__h2_next_at(peer.conn), due);
  assert_int_equal(fc__h2_tick(peer.conn, due), FC_ERR_PROTOCOL);
  assert_non_null(strstr(h2_sent(&peer), "SETTINGS_TIMEOUT"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_server, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(row_01_rapid_reset_spends_the_budget),
      TEST(row_01_resets_without_an_effect_count_too),
      TEST(a_client_whose_calls_are_answered_early_is_served_for_ever),
      TEST(a_reset_that_crossed_with_ours_is_the_last_frame),
      TEST(row_02_an_owner_can_charge_for_a_rejection),
      TEST(row_01_the_budget_fills_with_time),
      TEST(a_client_that_cancels_every_second_call_is_served_for_ever),
      TEST(row_02_resets_that_the_client_provokes_spend_the_budget),
      TEST(row_02_malformed_requests_spend_the_budget),
      TEST(row_02_requests_that_the_owner_rejects_spend_the_budget),
      TEST(row_02_frame_tricks_end_the_connection),
      TEST(row_03_continuation_flood_ends_with_enhance_your_calm),
      TEST(row_03_empty_continuations_end_with_enhance_your_calm),
      TEST(row_03_eight_continuations_are_served),
      TEST(row_03_large_frames_do_not_widen_the_header_budget),
      TEST(row_03_a_header_block_must_end_in_time),
      TEST(row_03_a_block_that_has_ended_is_not_due),
      TEST(row_04_an_hpack_bomb_costs_only_its_stream),
      TEST(row_04_bombs_without_end_spend_the_budget),
      TEST(row_05_the_number_of_fields_is_limited),
      TEST(row_37_the_size_of_fields_is_limited),
      TEST(row_37_a_high_limit_on_fields_holds),
      TEST(row_06_output_waits_for_a_peer_that_does_not_read),
      TEST(row_06_a_closed_window_holds_data_back),
      TEST(row_07_a_thousand_unsent_acks_are_the_most),
      TEST(row_07_acks_count_until_they_are_written),
      TEST(row_07_acks_that_are_written_do_not_add_up),
      TEST(row_07_acks_add_up_although_a_byte_is_written_now_and_then),
      TEST(row_07_more_than_two_ping_strikes_end_the_connection),
      TEST(row_07_pings_in_their_interval_are_no_strikes),
      TEST(row_07_without_calls_the_interval_is_two_hours),
      TEST(row_07_pings_without_calls_can_be_allowed),
      TEST(row_07_strikes_are_forgiven_when_data_is_sent),
      TEST(row_07_strikes_are_forgiven_when_queued_data_is_sent),
      TEST(row_07_strikes_are_forgiven_when_headers_are_sent),
      TEST(row_08_a_settings_flood_spends_the_budget),
      TEST(row_08_settings_that_nobody_reads_end_the_connection),
      TEST(row_08_more_than_32_settings_in_a_frame_are_too_many),
      TEST(row_09_unsent_control_frames_are_bounded),
      TEST(row_10_priority_churn_spends_the_budget),
      TEST(row_11_empty_data_spends_the_budget),
      TEST(row_11_data_of_padding_alone_spends_the_budget),
      TEST(row_11_an_empty_field_name_ends_its_stream),
      TEST(unknown_frames_spend_the_budget),
      TEST(row_12_one_byte_data_frames_are_free),
      TEST(row_13_window_updates_beyond_the_data_spend_the_budget),
      TEST(row_13_ten_window_updates_for_each_data_frame_are_free),
      TEST(row_13_ten_are_free_for_queued_data_too),
      TEST(row_13_two_for_the_headers_of_each_side_are_free),
      TEST(row_14_a_stream_too_many_is_refused),
      TEST(row_14_a_stream_too_many_before_the_ack_is_refused),
      TEST(row_14_refused_streams_spend_the_budget),
      TEST(row_14_the_block_of_a_refused_stream_is_decoded),
      TEST(row_15_settings_must_come_in_time),
      TEST(row_15_settings_must_be_acknowledged_in_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
