/*
 * The output of a connection, either side: random messages, header blocks, ends, resets, windows and SETTINGS, and writes
 * that take any number of bytes. Whatever leaves is compared with what was sent, see output_peer.h.
 */
#include <stdlib.h>
#include <string.h>

#include "models/model.h"
#include "models/output_peer.h"
#include "support/failing_alloc.h"
#include "support/h2_peer.h"

const unsigned model_short_rounds = 150;

enum { STEPS = 500, LIVE = 8, PARTS_MAX = 40, LARGEST = 80000, WINDOW_ENOUGH = 1 << 28 };

/* A stream as the application sees it. */
struct live {
  uint32_t id; /* 0: none */
  bool headers_sent, ended, peer_ended;
};

static struct fc__random *random_;
static struct h2_peer peer;
static struct output_peer seen;
static struct live live[LIVE];
static uint32_t next_id, list_limit;
static bool server;
static size_t bodies; /* given to the connection and not released */
static struct fc__h2_replay replays[4];

static uint64_t below(uint64_t n) { return fc__random_below(random_, n); }
static bool chance(unsigned percent) { return model_chance(random_, percent); }

static struct fc__h2_stream *stream_of(const struct live *l) {
  return l->id ? h2_record_find(&peer.record, l->id) : NULL;
}

static bool broken(void) { return *fc__h2_failure(peer.conn, &(uint32_t){0}) != 0; }

/* ---- messages ---- */

static void release_body(void *user) {
  free(user);
  bodies--;
}

/* Sizes at both sides of what is decided by them: what is copied, a chunk, a frame. */
static size_t any_size(void) {
  static const size_t edges[] = {1, 96, 512, 2048, 2064, 16384};
  switch (below(4)) {
    case 0:
      return 1 + below(200);
    case 1:
      return 1 + below(3000);
    case 2:
      return edges[below(6)] + below(3) - (chance(50) ? 1 : 0);
    default:
      return 1 + below(LARGEST);
  }
}

static bool is_refused(fc_result r) {
  MODEL_CHECK(r == FC_OK || seen.failed, "a send is refused with %d", r);
  return r != FC_OK;
}

static void send_message(struct live *l, size_t len, bool end) {
  struct output_stream *o = output_stream(&seen, l->id);
  size_t head_len = len > 5 && chance(70) ? 5 : 0;
  uint8_t head[5], *text = malloc(len);
  output_fill(l->id, o->sent, head, head_len);
  output_fill(l->id, o->sent + head_len, text, len - head_len);
  fc_slice rest = {text, len - head_len};
  fc_bytes *body = chance(60) ? fc_bytes_wrap(text, rest.len, release_body, text) : NULL;
  bodies += body != NULL;
  fc_result r = fc__h2_send(peer.conn, stream_of(l), (fc_slice){head, head_len}, body,
                            body ? (fc_slice){NULL, 0} : rest, end);
  if (body) {
    fc_bytes_unref(body);
  } else {
    free(text);
  }
  if (is_refused(r)) return;
  o->sent += len;
  o->ended = l->ended = end;
}

/* Small ones that are copied together, or ones just large enough to be written from where they lie, which are more
 * pieces than one write takes. */
static void send_burst(struct live *l) {
  static const size_t ranges[][2] = {{1, 60}, {1, 2000}, {2049, 300}};
  const size_t *range = ranges[below(3)];
  for (uint64_t i = below(80); i > 0; i--) send_message(l, range[0] + below(range[1]), false);
}

static void send_end(struct live *l) {
  if (is_refused(fc__h2_send_end(peer.conn, stream_of(l)))) return;
  output_stream(&seen, l->id)->ended = l->ended = true;
}

/* ---- header blocks ---- */

struct block {
  uint64_t hash;
  size_t list_size;
};

static void put_field(struct block *b, fc_slice name, fc_slice value, enum fc__hpack_indexing how) {
  fc__h2_block_field(peer.conn, name, value, how);
  b->hash = output_hash_field(b->hash, name, value, how == FC__HPACK_NEVER);
  b->list_size += name.len + value.len + FC__HPACK_ENTRY_OVERHEAD;
}

/* The first two are two bytes where fields may be inserted. The last two are, where none may be, as long as what is kept
 * of a run, and a byte longer. */
static void put_replay(struct block *b) {
  static const char *const values[4][2] = {
      {"one", "two"},
      {"two", "one"},
      {"~~~~~~~~~~~~~~~", "~~~~~~~~~~~~~~~"},
      {"~~~~~~~~~~~~~~~", "~~~~~~~~~~~~~~~~"},
  };
  struct fc__h2_replay_field fields[2] = {{TEXT("x-first"), TEXT("")},
                                          {TEXT("x-second"), TEXT("")}};
  uint64_t which = below(4);
  for (int i = 0; i < 2; i++) {
    fields[i].value = fc_slice_from_string(values[which][i]);
    b->hash = output_hash_field(b->hash, fields[i].name, fields[i].value, false);
    b->list_size += fields[i].name.len + fields[i].value.len + FC__HPACK_ENTRY_OVERHEAD;
  }
  fc__h2_block_replay(peer.conn, &replays[which], fields, 2);
}

static void put_random_field(struct block *b) {
  static char value[60000];
  static const char *const names[] = {"x-a", "x-b", "x-c", "user-agent", "grpc-message"};
  size_t len = chance(3) ? below(sizeof value) : below(chance(70) ? 4 : 80);
  memset(value, 'a' + (int)below(20), len);
  put_field(b, fc_slice_from_string(names[below(5)]), (fc_slice){(const uint8_t *)value, len},
            (enum fc__hpack_indexing)below(3));
}

static void put_block(struct block *b) {
  if (chance(40)) put_replay(b);
  for (uint64_t i = below(5); i > 0; i--) put_random_field(b);
  if (chance(20)) put_replay(b);
}

/* True: it was taken. One above the peer's limit is refused, and then was never there. */
static bool block_is_taken(fc_result r, const struct block *b) {
  bool too_large = b->list_size > list_limit;
  if (r == FC_ERR_LIMIT && too_large) return false;
  MODEL_CHECK(!too_large || r != FC_OK, "a block larger than the peer's limit is taken");
  return !is_refused(r);
}

static void note_block(struct live *l, const struct block *b, bool end) {
  struct output_stream *o = output_stream(&seen, l->id);
  o->hashes[o->blocks_sent++] = b->hash;
  o->ended = l->ended = end;
  l->headers_sent = true;
}

static void send_block(struct live *l, bool end) {
  struct block b = {0};
  struct fc__h2_stream *s = stream_of(l);
  fc__h2_block_begin(peer.conn, s);
  put_field(&b, TEXT(":status"), TEXT("200"), FC__HPACK_INDEX);
  put_block(&b);
  if (block_is_taken(fc__h2_block_end(peer.conn, s, end), &b)) note_block(l, &b, end);
}

static void send_request(struct live *l) {
  struct block b = {0};
  struct fc__h2_stream *s = h2_record_new_stream(&peer.record);
  fc__h2_block_begin(peer.conn, NULL);
  put_field(&b, TEXT(":method"), TEXT("POST"), FC__HPACK_INDEX);
  put_block(&b);
  if (!block_is_taken(fc__h2_block_end_request(peer.conn, s, false), &b)) {
    h2_record_reset(&peer.record, s, FC__H2_CANCEL);
    return;
  }
  *l = (struct live){.id = s->id};
  (void)output_stream_open(&seen, s->id);
  note_block(l, &b, false);
  next_id = s->id + 2;
}

/* ---- what the peer does ---- */

static void feed(void) {
  int r = h2_feed(&peer);
  MODEL_CHECK(r == 0 || seen.failed, "the peer's frames are refused with %d", r);
}

static void take_request(struct live *l) {
  bool whole = chance(50);
  *l = (struct live){.id = next_id, .peer_ended = whole};
  output_stream_open(&seen, next_id)->may_be_told_to_stop = !whole;
  h2_put_request(&peer, next_id, whole ? FC__H2_END_STREAM : 0);
  next_id += 2;
  feed();
}

static void peer_ends(struct live *l) {
  if (l->peer_ended) return;
  l->peer_ended = true;
  if (server) {
    h2_put_data(&peer, l->id, FC__H2_END_STREAM, "");
  } else {
    h2_put_headers(&peer, l->id, FC__H2_END_STREAM, H2_RESPONSE);
  }
  feed();
}

static void peer_resets(struct live *l) {
  struct output_stream *o = output_stream(&seen, l->id);
  o->cut_short = true;
  o->no_more = fc__h2_buffered(peer.conn) == 0;
  h2_put_u32(&peer, FC__H2_RST_STREAM, l->id, FC__H2_CANCEL);
  l->id = 0;
  feed();
}

static uint32_t any_increment(void) {
  switch (below(3)) {
    case 0:
      return 1 + (uint32_t)below(20);
    case 1:
      return 1 + (uint32_t)below(3000);
    default:
      return 1 + (uint32_t)below(400000);
  }
}

static void peer_opens_window(struct live *l) {
  uint32_t by = any_increment();
  if (seen.window < WINDOW_ENOUGH) {
    seen.window += by;
    h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 0, by);
  }
  if (stream_of(l) && chance(80)) {
    struct output_stream *o = output_stream(&seen, l->id);
    if (o->window < WINDOW_ENOUGH) {
      o->window += by;
      h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, l->id, by);
    }
  }
  feed();
}

static uint32_t any_value_of(unsigned setting) {
  switch (setting) {
    case FC__H2_INITIAL_WINDOW_SIZE:
      return (uint32_t)below(chance(50) ? 300 : 400000);
    case FC__H2_MAX_FRAME_SIZE:
      return FC__H2_FRAME_MIN_MAX + (uint32_t)below(chance(50) ? 3 : 50000);
    case FC__H2_HEADER_TABLE_SIZE:
      return (uint32_t)below(chance(30) ? 1 : 6000);
    default:
      return list_limit = chance(50) ? UINT32_MAX : 100 + (uint32_t)below(2000);
  }
}

static void peer_sets(void) {
  static const unsigned names[] = {FC__H2_INITIAL_WINDOW_SIZE, FC__H2_MAX_FRAME_SIZE,
                                   FC__H2_HEADER_TABLE_SIZE, FC__H2_MAX_HEADER_LIST_SIZE};
  if (seen.settings_sent == OUTPUT_SETTINGS || seen.settings_sent > seen.settings_got + 100) return;
  struct output_setting setting = {.name = names[below(4)]};
  setting.value = any_value_of(setting.name);
  seen.settings[seen.settings_sent++] = setting;
  peer.table_size_count = 0; /* its own decoder reads nothing */
  h2_put_setting(&peer, setting.name, setting.value);
  feed();
}

static void peer_pings(void) {
  if (seen.pings_sent == OUTPUT_PINGS || seen.pings_sent > seen.pings_got + 100) return;
  uint64_t opaque = fc__random_next(random_);
  seen.pings[seen.pings_sent++] = opaque;
  h2_put_ping(&peer, opaque, false);
  feed();
}

/* ---- writing ---- */

static size_t how_many(size_t total) {
  switch (below(6)) {
    case 0:
      return 0;
    case 1:
      return below(total + 1);
    case 2:
      return total - below(total < 100 ? total + 1 : 100);
    case 3:
      return below(total < 100 ? total + 1 : 100);
    default:
      return total;
  }
}

static void read_left(const struct iovec *iov, int count, size_t len) {
  for (int i = 0; i < count && len > 0; i++) {
    size_t part = iov[i].iov_len < len ? iov[i].iov_len : len;
    output_peer_read(&seen, (fc_slice){iov[i].iov_base, part});
    len -= part;
  }
}

/* False: nothing waits. */
static bool write_some(bool all) {
  struct iovec iov[FC__H2_IOV_MAX];
  int count = fc__h2_output(peer.conn, iov, peer.now);
  size_t total = 0;
  for (int i = 0; i < count; i++) total += iov[i].iov_len;
  MODEL_CHECK(count <= FC__H2_IOV_MAX && (count == 0 || total > 0), "%d entries to write", count);
  size_t len = all ? total : how_many(total);
  failing_alloc_pause(true);
  read_left(iov, count, len);
  failing_alloc_pause(false);
  fc__h2_written(peer.conn, len, peer.now);
  return count > 0;
}

static void write_all(void) {
  while (write_some(true)) {
  }
}

/* ---- rounds ---- */

static void open_stream(struct live *l) {
  if (next_id / 2 >= OUTPUT_STREAMS) return;
  if (server) {
    take_request(l);
  } else {
    send_request(l);
  }
}

static void reset(struct live *l) {
  struct output_stream *o = output_stream(&seen, l->id);
  o->reset = true;
  o->reset_code = FC__H2_CANCEL;
  /* Over already, which is told with the next write: then there is nothing to reset. */
  bool over = stream_of(l)->done;
  h2_record_reset(&peer.record, stream_of(l), FC__H2_CANCEL);
  if (over) o->reset = false;
  l->id = 0;
}

enum op { MESSAGE, BURST, BLOCK, END, RESET, PEER_END, PEER_RESET, WINDOW, SET, PING, WRITE, OPS };

/* Whether the application may send something on the stream now. */
static bool can_send(const struct live *l) { return stream_of(l) && !l->ended; }

static void act_on(struct live *l, enum op op) {
  bool end = chance(6);
  if (op == BLOCK && !l->headers_sent) {
    send_block(l, end);
  } else if (op == BLOCK) {
    if (chance(10)) send_block(l, true);
  } else if (op == RESET) {
    if (chance(20)) reset(l);
  } else if (op == MESSAGE && l->headers_sent) {
    send_message(l, any_size(), end);
  } else if (op == BURST && l->headers_sent) {
    send_burst(l);
  } else if (op == END && l->headers_sent && end) {
    send_end(l);
  }
}

static void step(enum op op) {
  struct live *l = &live[below(LIVE)];
  peer.now += (int64_t)below(FC_MILLISECOND);
  if (op == WRITE) {
    (void)write_some(false);
  } else if (op == SET) {
    peer_sets();
  } else if (op == PING) {
    peer_pings();
  } else if (op == WINDOW) {
    peer_opens_window(l);
  } else if (!stream_of(l)) {
    open_stream(l);
  } else if (op == PEER_END) {
    peer_ends(l);
  } else if (op == PEER_RESET) {
    if (chance(20)) peer_resets(l);
  } else if (can_send(l)) {
    act_on(l, op);
  }
  (void)h2_events(&peer);
}

/* Each round leaves some operations out, so that others meet more often. */
static void play_steps(int steps) {
  uint64_t weights[OPS], total = 0;
  for (int i = 0; i < OPS; i++) {
    weights[i] = chance(35) && i != WRITE ? 0 : 1 + below(10);
    total += weights[i];
  }
  for (int i = 0; i < steps && !broken(); i++) {
    uint64_t at = below(total);
    int op = 0;
    while (at >= weights[op]) at -= weights[op++];
    step((enum op)op);
  }
}

/* An allocation fails: an operation is refused as if it had never been, or the connection ends in good order. */
static void run_out_of_memory(void) {
  seen.failed = true;
  for (int i = 0; i < 5 && !broken(); i++) {
    failing_alloc_arm(below(8), chance(50) ? FAILING_ALLOC_ONCE : FAILING_ALLOC_FROM_THEN);
    play_steps(30);
    (void)failing_alloc_disarm();
  }
  if (broken()) write_all();
}

/* With open windows everything leaves, up to the last byte. */
static void let_all_leave(void) {
  write_all();
  output_peer_expect_all(&seen);
  seen.window += WINDOW_ENOUGH;
  h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, 0, WINDOW_ENOUGH);
  for (uint32_t id = 1; id < next_id; id += 2) {
    if (!h2_record_find(&peer.record, id)) continue;
    output_stream(&seen, id)->window += WINDOW_ENOUGH;
    h2_put_u32(&peer, FC__H2_WINDOW_UPDATE, id, WINDOW_ENOUGH);
  }
  feed();
  write_all();
  output_peer_expect_all(&seen);
  MODEL_CHECK(fc__h2_buffered(peer.conn) == 0, "%zu bytes are kept although all is written",
              fc__h2_buffered(peer.conn));
  MODEL_CHECK(bodies == 0, "%zu messages are kept although all is written", bodies);
}

static void start(void) {
  memset(live, 0, sizeof live);
  memset(replays, 0, sizeof replays);
  next_id = 1;
  list_limit = UINT32_MAX;
  output_peer_init(&seen);
  h2_peer_init(&peer, server);
  peer.config.bucket_burst = 1 << 30;
  peer.config.ping_min_interval = 0;
  peer.config.settings_timeout = FC_NEVER;
  h2_peer_started(&peer);
}

void model_round(struct fc__random *random) {
  random_ = random;
  failing_alloc_install();
  server = chance(60);
  start();
  play_steps(STEPS);
  if (chance(35)) run_out_of_memory();
  if (!broken()) let_all_leave();
  h2_peer_finish(&peer);
  output_peer_finish(&seen);
  MODEL_CHECK(bodies == 0, "%zu messages outlive their connection", bodies);
  MODEL_CHECK(failing_alloc_live() == 0, "%zu blocks of memory are lost", failing_alloc_live());
}
