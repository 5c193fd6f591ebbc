/* What leaves a connection: small messages, large bodies, turns, trailers behind data, long
 * header blocks. */
#include <stdio.h>
#include <stdlib.h>

#include "base/slice.h"
#include "support/failing_alloc.h"
#include "support/h2_peer.h"

enum { LARGE = 300000 };

static struct h2_peer peer;
static uint8_t large[LARGE];

/* A connection with a wide window and three requests: 1, 3 and 5. */
static int start(void **state) {
  (void)state;
  for (size_t i = 0; i < LARGE; i++) large[i] = (uint8_t)(i * 7 + i / 251);
  h2_peer_start(&peer, true);
  h2_put_setting(&peer, FC__H2_INITIAL_WINDOW_SIZE, 1 << 24);
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 0, 1 << 24);
  for (uint32_t id = 1; id <= 5; id += 2) h2_put_request(&peer, id, FC__H2_END_STREAM);
  assert_int_equal(h2_feed(&peer), 0);
  (void)h2_sent(&peer);
  (void)h2_events(&peer);
  return 0;
}

static int stop(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  return 0;
}

static struct fc__h2_stream *stream(uint32_t id) { return h2_record_find(&peer.record, id); }

static void send_text(uint32_t id, const char *text, bool end) {
  fc_slice bytes = fc_slice_from_string(text);
  assert_int_equal(fc__h2_send(peer.conn, stream(id), TEXT(""), NULL, bytes, end), FC_OK);
}

static void set_stream_window(uint32_t window) {
  h2_put_setting(&peer, FC__H2_INITIAL_WINDOW_SIZE, window);
  assert_int_equal(h2_feed(&peer), 0);
  (void)h2_sent(&peer);
}

static void widen(uint32_t id, uint32_t by) {
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, id, by);
  assert_int_equal(h2_feed(&peer), 0);
}

static fc_result trailers(uint32_t id, size_t count) {
  char name[32];
  fc__h2_block_begin(peer.conn, stream(id));
  for (size_t i = 0; i < count; i++) {
    snprintf(name, sizeof name, "t%zu", i);
    fc__h2_block_field(peer.conn, fc_slice_from_string(name), TEXT("v"), FC__HPACK_INDEX);
  }
  return fc__h2_block_end(peer.conn, stream(id), true);
}

/* The payload of all DATA frames of a stream in what is drained; the frames themselves are
 * counted. */
static size_t payload_of(uint32_t id, uint8_t *to, size_t *frames) {
  size_t len = 0;
  *frames = 0;
  for (size_t at = 0; at < peer.sent_bytes.len;) {
    struct fc__h2_frame f = fc__h2_frame_read(peer.sent_bytes.data + at);
    if (f.type == FC__H2_DATA && f.id == id) {
      memcpy(to + len, peer.sent_bytes.data + at + FC__H2_HEADER_LEN, f.len);
      len += f.len;
      ++*frames;
    }
    at += FC__H2_HEADER_LEN + f.len;
  }
  return len;
}

/* ---- small messages ---- */

static void small_messages_of_a_stream_share_a_frame(void **state) {
  (void)state;
  send_text(1, "one", false);
  send_text(1, "two", false);
  send_text(3, "three", false);
  send_text(1, "four", true);
  assert_string_equal(h2_sent(&peer), "DATA 1 6\nDATA 3 5\nDATA 1 4 end\n");
}

static void an_end_goes_with_the_frame_before_it(void **state) {
  (void)state;
  send_text(1, "one", false);
  assert_int_equal(fc__h2_send_end(peer.conn, stream(1)), FC_OK);
  assert_string_equal(h2_sent(&peer), "DATA 1 3 end\n");
}

/* What was handed out for writing may be half on its way: it must not change. */
static void a_frame_that_is_being_written_takes_nothing_in(void **state) {
  (void)state;
  struct iovec iov[FC__H2_IOV_MAX];
  send_text(1, "one", false);
  assert_int_equal(fc__h2_output(peer.conn, iov, peer.now), 1);
  send_text(1, "two", false);
  assert_int_equal(fc__h2_send_end(peer.conn, stream(1)), FC_OK);
  assert_string_equal(h2_sent(&peer), "DATA 1 3\nDATA 1 3 end\n");
}

/* The socket takes all but the last bytes of a frame, and more than was ever moved at once: the frame must stay as the peer
 * has begun to read it. */
static void a_frame_that_is_partly_written_takes_nothing_in(void **state) {
  (void)state;
  static const uint8_t text[1000];
  const fc_slice bytes = {text, sizeof text};
  struct iovec iov[FC__H2_IOV_MAX];
  size_t total = 0;
  for (int i = 0; i < 100; i++)
    assert_int_equal(fc__h2_send(peer.conn, stream(1), TEXT(""), NULL, bytes, false), FC_OK);
  int count = fc__h2_output(peer.conn, iov, peer.now);
  for (int i = 0; i < count; i++) total += iov[i].iov_len;
  fc__h2_written(peer.conn, total - 10, peer.now);
  assert_int_equal(fc__h2_send(peer.conn, stream(1), TEXT(""), NULL, bytes, false), FC_OK);
  assert_int_equal(fc__h2_buffered(peer.conn), 10 + 9 + sizeof text);
}

static void write_in_pieces_of(size_t most) {
  struct iovec iov[FC__H2_IOV_MAX];
  for (int count; (count = fc__h2_output(peer.conn, iov, peer.now)) > 0;) {
    size_t total = 0;
    for (int i = 0; i < count; i++) total += iov[i].iov_len;
    fc__h2_written(peer.conn, fc__smaller(total, most), peer.now);
  }
}

/* Once much has waited, the memory for it is kept no longer than it is needed, in whatever pieces what follows is written. */
static void a_large_buffer_is_given_back_when_little_is_in_it(void **state) {
  (void)state;
  static const size_t pieces[] = {SIZE_MAX, 5};
  enum { MESSAGES = 200, SIZE = 1000, KEPT_MAX = 65536 };
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    size_t before = failing_alloc_live_bytes();
    for (int k = 0; k < MESSAGES; k++)
      assert_int_equal(
          fc__h2_send(peer.conn, stream(1), TEXT(""), NULL, (fc_slice){large, SIZE}, false), FC_OK);
    write_in_pieces_of(SIZE_MAX);
    assert_true(failing_alloc_live_bytes() >= before + MESSAGES * SIZE);
    send_text(1, "little", false);
    write_in_pieces_of(pieces[i]);
    assert_true(failing_alloc_live_bytes() <= before + KEPT_MAX);
  }
}

static void a_shared_frame_is_no_longer_than_the_peer_allows(void **state) {
  (void)state;
  static const uint8_t text[1000];
  for (int i = 0; i < 20; i++) {
    fc_slice bytes = {text, sizeof text};
    assert_int_equal(fc__h2_send(peer.conn, stream(1), TEXT(""), NULL, bytes, false), FC_OK);
  }
  assert_string_equal(h2_sent(&peer), "DATA 1 16000\nDATA 1 4000\n");
}

static void nothing_is_sent_after_the_end(void **state) {
  (void)state;
  send_text(1, "x", true);
  assert_int_equal(fc__h2_send(peer.conn, stream(1), TEXT("y"), NULL, TEXT(""), false),
                   FC_ERR_CLOSED);
  assert_int_equal(fc__h2_send_end(peer.conn, stream(1)), FC_ERR_CLOSED);
  assert_int_equal(trailers(1, 1), FC_ERR_CLOSED);
  assert_string_equal(h2_sent(&peer), "DATA 1 1 end\n");
}

static void an_empty_message_without_end_sends_nothing(void **state) {
  (void)state;
  send_text(1, "", false);
  assert_string_equal(h2_sent(&peer), "");
  send_text(1, "", true);
  assert_string_equal(h2_sent(&peer), "DATA 1 0 end\n");
}

/* ---- large bodies ---- */

static void a_large_body_is_written_from_where_it_lies(void **state) {
  (void)state;
  fc_bytes *body = fc_bytes_wrap(large, LARGE, NULL, NULL);
  assert_int_equal(fc__h2_send(peer.conn, stream(1), TEXT("head:"), body, TEXT(""), true), FC_OK);
  fc_bytes_unref(body);
  struct iovec iov[FC__H2_IOV_MAX];
  int count = fc__h2_output(peer.conn, iov, peer.now);
  assert_true(count > 10);
  for (int i = 1; i < count; i += 2) {
    const uint8_t *at = iov[i].iov_base;
    assert_true(at >= large && at + iov[i].iov_len <= large + LARGE);
  }
  h2_drain(&peer);
  static uint8_t got[LARGE + 5];
  size_t frames;
  assert_int_equal(payload_of(1, got, &frames), LARGE + 5);
  assert_memory_equal(got, "head:", 5);
  assert_memory_equal(got + 5, large, LARGE);
  assert_int_equal(frames, (LARGE + 5 + 16383) / 16384);
}

static void a_body_may_be_written_in_pieces_of_any_size(void **state) {
  (void)state;
  for (size_t step = 1; step < 40000; step = step * 3 + 1) {
    stop(NULL);
    start(NULL);
    fc_bytes *body = fc_bytes_copy(large, 50000);
    assert_int_equal(fc__h2_send(peer.conn, stream(1), TEXT("head:"), body, TEXT(""), false),
                     FC_OK);
    send_text(1, "tail", true);
    fc_bytes_unref(body);
    static uint8_t got[60000];
    size_t len = 0;
    struct iovec iov[FC__H2_IOV_MAX];
    while (fc__h2_output(peer.conn, iov, peer.now) > 0) {
      size_t n = iov[0].iov_len < step ? iov[0].iov_len : step;
      memcpy(got + len, iov[0].iov_base, n);
      len += n;
      fc__h2_written(peer.conn, n, peer.now);
    }
    assert_int_equal(len, 5 + 50000 + 4 + 5 * 9); /* the body ends its last frame */
    assert_memory_equal(got + 9 + 5, large, 16379);
  }
}

static int released;

static void release(void *user) {
  (void)user;
  released++;
}

static void a_body_is_released_when_it_is_written(void **state) {
  (void)state;
  released = 0;
  fc_bytes *body = fc_bytes_wrap(large, 40000, release, NULL);
  assert_int_equal(fc__h2_send(peer.conn, stream(1), TEXT(""), body, TEXT(""), true), FC_OK);
  fc_bytes_unref(body);
  struct iovec iov[FC__H2_IOV_MAX];
  fc__h2_output(peer.conn, iov, peer.now);
  fc__h2_written(peer.conn, 40000, peer.now);
  assert_int_equal(released, 0);
  h2_drain(&peer);
  assert_int_equal(released, 1);
}

static void a_body_is_released_when_its_stream_is_reset(void **state) {
  (void)state;
  released = 0;
  set_stream_window(0);
  fc_bytes *body = fc_bytes_wrap(large, 40000, release, NULL);
  assert_int_equal(fc__h2_send(peer.conn, stream(1), TEXT(""), body, TEXT(""), true), FC_OK);
  fc_bytes_unref(body);
  h2_record_reset(&peer.record, stream(1), FC__H2_CANCEL);
  assert_int_equal(released, 1);
  assert_string_equal(h2_sent(&peer), "RST_STREAM 1 CANCEL\n");
}

static void a_body_is_released_with_its_connection(void **state) {
  (void)state;
  released = 0;
  fc_bytes *body = fc_bytes_wrap(large, 40000, release, NULL);
  assert_int_equal(fc__h2_send(peer.conn, stream(1), TEXT(""), body, TEXT(""), true), FC_OK);
  fc_bytes_unref(body);
  struct iovec iov[FC__H2_IOV_MAX];
  fc__h2_output(peer.conn, iov, peer.now);
  stop(NULL);
  assert_int_equal(released, 1);
  start(NULL);
}

static void a_large_message_without_an_object_is_copied(void **state) {
  (void)state;
  uint8_t *text = malloc(5000);
  assert_non_null(text);
  memcpy(text, large, 5000);
  assert_int_equal(fc__h2_send(peer.conn, stream(1), TEXT(""), NULL, (fc_slice){text, 5000}, true),
                   FC_OK);
  memset(text, 0, 5000);
  free(text);
  h2_drain(&peer);
  static uint8_t got[5000];
  size_t frames;
  assert_int_equal(payload_of(1, got, &frames), 5000);
  assert_memory_equal(got, large, 5000);
}

/* ---- windows and turns ---- */

static void streams_take_turns(void **state) {
  (void)state;
  for (uint32_t id = 1; id <= 5; id += 2) {
    fc_bytes *body = fc_bytes_wrap(large, 100000, NULL, NULL);
    assert_int_equal(fc__h2_send(peer.conn, stream(id), TEXT(""), body, TEXT(""), true), FC_OK);
    fc_bytes_unref(body);
  }
  const char *sent = h2_sent(&peer);
  /* 64 KiB of each, then the rest of each. */
  const char *second = strstr(sent, "DATA 3"), *again = strstr(second, "DATA 1");
  assert_non_null(second);
  assert_non_null(again);
  assert_int_equal(second - sent, 4 * strlen("DATA 1 16384\n"));
  assert_true(strstr(second, "DATA 5") < again);
}

static void queued_messages_share_frames(void **state) {
  (void)state;
  set_stream_window(0);
  for (int i = 0; i < 1000; i++) send_text(1, "message of some length", false);
  assert_int_equal(stream(1)->queued, 22000);
  assert_int_equal(fc__h2_send_end(peer.conn, stream(1)), FC_OK);
  widen(1, 20000);
  assert_string_equal(h2_sent(&peer), "DATA 1 16384\nDATA 1 3616\n");
  widen(1, 20000);
  h2_drain(&peer);
  static uint8_t got[22000];
  size_t frames;
  assert_int_equal(payload_of(1, got, &frames), 2000);
  assert_memory_equal(got, "ssage of some lengthmessage",
                      27); /* 20,000 is 909 messages and 2 bytes */
  assert_string_equal(h2_sent(&peer), "DATA 1 2000 end\n");
}

static void a_closed_connection_window_holds_all_streams_back(void **state) {
  (void)state;
  fc_bytes *body = fc_bytes_wrap(large, LARGE, NULL, NULL);
  h2_peer_finish(&peer);
  h2_peer_start(&peer, true);
  h2_put_setting(&peer, FC__H2_INITIAL_WINDOW_SIZE, 1 << 24);
  h2_put_request(&peer, 1, 0);
  h2_put_request(&peer, 3, 0);
  assert_int_equal(h2_feed(&peer), 0);
  assert_int_equal(fc__h2_send(peer.conn, stream(1), TEXT(""), body, TEXT(""), false), FC_OK);
  assert_int_equal(fc__h2_send(peer.conn, stream(3), TEXT(""), body, TEXT(""), false), FC_OK);
  fc_bytes_unref(body);
  h2_drain(&peer);
  assert_int_equal(stream(1)->queued + stream(3)->queued, 2 * LARGE - FC__H2_DEFAULT_WINDOW);
  assert_false(fc__h2_wants_write(peer.conn));
  (void)h2_sent(&peer);
  send_text(1, "queued behind", false);
  widen(0, 10);
  assert_true(fc__h2_wants_write(peer.conn));
  const char *sent = h2_sent(&peer);
  assert_true(strcmp(sent, "DATA 1 10\n") == 0 || strcmp(sent, "DATA 3 10\n") == 0);
}

static void writable_is_told_when_the_queue_has_shrunk(void **state) {
  (void)state;
  set_stream_window(0);
  fc_bytes *body = fc_bytes_wrap(large, 70000, NULL, NULL);
  assert_int_equal(fc__h2_send(peer.conn, stream(1), TEXT(""), body, TEXT(""), false), FC_OK);
  fc_bytes_unref(body);
  widen(1, 4463);
  h2_drain(&peer);
  assert_string_equal(h2_events(&peer), "settings\n");
  widen(1, 1);
  h2_drain(&peer);
  assert_string_equal(h2_events(&peer), "writable 1\n");
  widen(1, 1000);
  h2_drain(&peer);
  assert_string_equal(h2_events(&peer), "");
}

/* ---- trailers ---- */

static void trailers_wait_behind_data(void **state) {
  (void)state;
  set_stream_window(3);
  send_text(1, "message", false);
  assert_int_equal(trailers(1, 2), FC_OK);
  assert_string_equal(h2_sent(&peer), "DATA 1 3\n");
  assert_int_equal(trailers(1, 1), FC_ERR_CLOSED);
  /* The table changes meanwhile: what waits does not depend on it. */
  assert_int_equal(trailers(3, 3), FC_OK);
  assert_string_equal(h2_sent(&peer), "HEADERS 3 end t0=v t1=v t2=v\n");
  widen(1, 100);
  assert_string_equal(h2_sent(&peer), "DATA 1 4\nHEADERS 1 end t0=v t1=v\n");
  assert_string_equal(h2_events(&peer),
                      "settings\nclosed 3 NO_ERROR local\nclosed 1 NO_ERROR local\n");
}

/* RFC 7541 section 4.2: the update opens the next block, also one that was encoded before it was
 * due. */
static void waiting_trailers_carry_a_table_size_update(void **state) {
  (void)state;
  set_stream_window(3);
  assert_int_equal(trailers(3, 3), FC_OK);
  send_text(1, "message", false);
  assert_int_equal(trailers(1, 2), FC_OK);
  h2_put_setting(&peer, FC__H2_HEADER_TABLE_SIZE, 0);
  widen(1, 100);
  assert_string_equal(h2_sent(&peer),
                      "HEADERS 3 end t0=v t1=v t2=v\nSETTINGS ack\n"
                      "DATA 1 7\nHEADERS 1 end t0=v t1=v\n");
}

static void set_table_size(uint32_t size) {
  h2_put_setting(&peer, FC__H2_HEADER_TABLE_SIZE, size);
  assert_int_equal(h2_feed(&peer), 0);
}

/* The first fragment of the block that a stream is sent, as it is on the wire. */
static fc_slice block_of(uint32_t id) {
  for (size_t at = 0;;) {
    assert_true(at < peer.sent_bytes.len);
    const uint8_t *frame = peer.sent_bytes.data + at;
    struct fc__h2_frame f = fc__h2_frame_read(frame);
    if (f.type == FC__H2_HEADERS && f.id == id) return (fc_slice){frame + FC__H2_HEADER_LEN, f.len};
    at += FC__H2_HEADER_LEN + f.len;
  }
}

/* The block begins with these updates, and a field follows: RFC 7541 sections 4.2 and 6.3. */
static void expect_updates(uint32_t id, fc_slice updates) {
  fc_slice block = block_of(id);
  assert_true(block.len > updates.len);
  if (updates.len) assert_memory_equal(block.data, updates.data, updates.len);
  assert_true((block.data[updates.len] & 0xe0) != 0x20);
}

/* How many of stream 1's trailers there are: a few, or so many that they are cut. */
static void wait_with_trailers(size_t count) {
  set_stream_window(3);
  send_text(1, "message", false);
  assert_int_equal(trailers(1, count), FC_OK);
  (void)h2_sent(&peer);
}

static void let_trailers_go(void) {
  widen(1, 100);
  h2_drain(&peer);
}

static void a_block_that_waited_begins_with_the_update_that_is_due(void **state) {
  static const struct {
    uint32_t sizes[3];
    size_t count;
    const char *updates;
    size_t len;
  } cases[] = {
      {{0}, 0, "", 0},
      {{4096, 10000}, 2, "", 0}, /* not more than the encoder uses: nothing changes */
      {{0}, 1, "\x20", 1},
      {{30}, 1, "\x3e", 1},
      {{100}, 1, "\x3f\x45", 2},
      {{100, 50}, 2, "\x3f\x13", 2},
      {{0, 4096}, 2, "\x20\x3f\xe1\x1f", 4}, /* the smallest, then the last */
      {{50, 0, 100}, 3, "\x20\x3f\x45", 3},
  };
  for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
    size_t k = i / 2;
    if (i) stop(NULL), start(state);
    wait_with_trailers(i % 2 ? 5000 : 2);
    for (size_t s = 0; s < cases[k].count; s++) set_table_size(cases[k].sizes[s]);
    let_trailers_go();
    expect_updates(1, (fc_slice){(const uint8_t *)cases[k].updates, cases[k].len});
    assert_non_null(strstr(h2_said(&peer), " t0=v t1=v"));
    assert_int_equal(trailers(3, 1), FC_OK); /* it is due once */
    h2_drain(&peer);
    expect_updates(3, FC_SLICE_EMPTY);
    assert_non_null(strstr(h2_said(&peer), "HEADERS 3 end t0=v\n"));
  }
}

/* Whichever leaves first: what waits has nothing to do with the table. */
static void an_update_goes_with_the_next_block_alone(void **state) {
  (void)state;
  wait_with_trailers(2);
  set_table_size(0);
  assert_int_equal(trailers(3, 1), FC_OK);
  h2_drain(&peer);
  expect_updates(3, TEXT("\x20"));
  (void)h2_said(&peer);
  let_trailers_go();
  expect_updates(1, FC_SLICE_EMPTY);
  assert_string_equal(h2_said(&peer), "DATA 1 4\nHEADERS 1 end t0=v t1=v\n");
}

static void waiting_trailers_go_with_a_reset(void **state) {
  (void)state;
  set_stream_window(0);
  send_text(1, "message", false);
  assert_int_equal(trailers(1, 2), FC_OK);
  h2_put_u32(&peer, FC__H2_RST_STREAM, 1, FC__H2_CANCEL);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "");
  assert_string_equal(h2_events(&peer), "settings\nclosed 1 CANCEL remote\n");
}

/* ---- long blocks ---- */

static void long_blocks_are_split(void **state) {
  (void)state;
  static const size_t counts[] = {3000, 4000, 8000};
  for (size_t i = 0; i < 3; i++) {
    uint32_t id = (uint32_t)(2 * i + 1);
    assert_int_equal(trailers(id, counts[i]), FC_OK);
    const char *sent = h2_sent(&peer), *last;
    char field[32];
    snprintf(field, sizeof field, " t%zu=v\n", counts[i] - 1);
    assert_non_null(strstr(sent, " end more t0=v"));
    assert_non_null(last = strstr(sent, "CONTINUATION"));
    assert_non_null(strstr(last, field));
  }
}

static void long_trailers_that_waited_are_split(void **state) {
  (void)state;
  set_stream_window(0);
  send_text(1, "x", false);
  assert_int_equal(trailers(1, 4000), FC_OK);
  widen(1, 1);
  const char *sent = h2_sent(&peer);
  assert_non_null(strstr(sent, "DATA 1 1\nHEADERS 1 end more t0=v"));
  assert_non_null(strstr(sent, " t3999=v\n"));
}

/* ---- replayed fields ---- */

static void replayed_fields_are_the_same_after_any_change_of_the_table(void **state) {
  (void)state;
  static const struct fc__h2_replay_field fields[] = {
      {{(const uint8_t *)":status", 7}, {(const uint8_t *)"200", 3}},
      {{(const uint8_t *)"content-type", 12}, {(const uint8_t *)"application/grpc", 16}},
      {{(const uint8_t *)"own", 3}, {(const uint8_t *)"value", 5}},
  };
  struct fc__h2_replay replay = {0};
  int replayed = 0;
  for (uint32_t id = 7; id < 407; id += 2) {
    char value[16];
    snprintf(value, sizeof value, "%u", id / 8);
    h2_put_request(&peer, id, FC__H2_END_STREAM);
    if (id % 100 == 1) h2_put_setting(&peer, FC__H2_HEADER_TABLE_SIZE, id % 200 == 1 ? 0 : 4096);
    assert_int_equal(h2_feed(&peer), 0);
    fc__h2_block_begin(peer.conn, stream(id));
    if (id % 16 == 5) {
      fc__h2_block_field(peer.conn, TEXT("x"), fc_slice_from_string(value), FC__HPACK_INDEX);
    }
    fc__h2_block_replay(peer.conn, &replay, fields, 3);
    replayed += replay.len > 0;
    assert_int_equal(fc__h2_block_end(peer.conn, stream(id), true), FC_OK);
    const char *sent = h2_sent(&peer);
    assert_non_null(strstr(sent, " :status=200 content-type=application/grpc own=value\n"));
  }
  assert_true(replayed > 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(small_messages_of_a_stream_share_a_frame),
      TEST(an_end_goes_with_the_frame_before_it),
      TEST(a_frame_that_is_being_written_takes_nothing_in),
      TEST(a_frame_that_is_partly_written_takes_nothing_in),
      TEST(a_large_buffer_is_given_back_when_little_is_in_it),
      TEST(a_shared_frame_is_no_longer_than_the_peer_allows),
      TEST(nothing_is_sent_after_the_end),
      TEST(an_empty_message_without_end_sends_nothing),
      TEST(a_large_body_is_written_from_where_it_lies),
      TEST(a_body_may_be_written_in_pieces_of_any_size),
      TEST(a_body_is_released_when_it_is_written),
      TEST(a_body_is_released_when_its_stream_is_reset),
      TEST(a_body_is_released_with_its_connection),
      TEST(a_large_message_without_an_object_is_copied),
      TEST(streams_take_turns),
      TEST(queued_messages_share_frames),
      TEST(a_closed_connection_window_holds_all_streams_back),
      TEST(writable_is_told_when_the_queue_has_shrunk),
      TEST(trailers_wait_behind_data),
      TEST(waiting_trailers_carry_a_table_size_update),
      TEST(a_block_that_waited_begins_with_the_update_that_is_due),
      TEST(an_update_goes_with_the_next_block_alone),
      TEST(waiting_trailers_go_with_a_reset),
      TEST(long_blocks_are_split),
      TEST(long_trailers_that_waited_are_split),
      TEST(replayed_fields_are_the_same_after_any_change_of_the_table),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
