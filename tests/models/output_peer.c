/* What leaves a connection, read and compared, see output_peer.h. */
#include "models/output_peer.h"

#include <inttypes.h>
#include <string.h>

#include "http2/frame.h"
#include "models/model.h"

void output_peer_init(struct output_peer *p) {
  memset(p, 0, sizeof *p);
  p->decoder = fc__hpack_decoder_create(FC__HPACK_TABLE_DEFAULT, SIZE_MAX);
  MODEL_CHECK(p->decoder, "no memory");
  fc__buf_init(&p->bytes, SIZE_MAX);
  fc__buf_init(&p->block, SIZE_MAX);
  p->window = p->initial_window = FC__H2_DEFAULT_WINDOW;
  p->max_frame = FC__H2_FRAME_MIN_MAX;
}

void output_peer_finish(struct output_peer *p) {
  fc__hpack_decoder_destroy(p->decoder);
  fc__buf_finish(&p->bytes);
  fc__buf_finish(&p->block);
}

struct output_stream *output_stream(struct output_peer *p, uint32_t id) {
  MODEL_CHECK(id % 2 == 1 && id / 2 < OUTPUT_STREAMS, "a frame of stream %" PRIu32, id);
  return &p->streams[id / 2];
}

struct output_stream *output_stream_open(struct output_peer *p, uint32_t id) {
  struct output_stream *s = output_stream(p, id);
  *s = (struct output_stream){.opened = true, .window = p->initial_window};
  return s;
}

void output_fill(uint32_t id, uint64_t from, uint8_t *to, size_t len) {
  for (size_t i = 0; i < len; i++) {
    uint64_t at = from + i;
    to[i] = (uint8_t)(id * 31 + at * 7 + (at >> 8) * 13 + (at >> 16) * 5);
  }
}

uint64_t output_hash_field(uint64_t hash, fc_slice name, fc_slice value, bool never_indexed) {
  const fc_slice parts[] = {name, value};
  hash = hash * 31 + never_indexed;
  for (int i = 0; i < 2; i++) {
    hash = hash * UINT64_C(1099511628211) + parts[i].len + 1;
    for (size_t j = 0; j < parts[i].len; j++)
      hash = (hash ^ parts[i].data[j]) * UINT64_C(1099511628211);
  }
  return hash;
}

/* ---- DATA ---- */

static void take_window(struct output_peer *p, struct output_stream *s, uint32_t id, uint32_t len) {
  s->window -= len;
  p->window -= len;
  if (len == 0) return;
  MODEL_CHECK(s->window >= 0, "stream %" PRIu32 ": its window is exceeded by %" PRId64, id,
              -s->window);
  MODEL_CHECK(p->window >= 0, "the connection's window is exceeded by %" PRId64, -p->window);
}

static void check_may_send(const struct output_stream *s, uint32_t id, const char *what) {
  MODEL_CHECK(s->opened, "%s on stream %" PRIu32 ", which nobody has opened", what, id);
  MODEL_CHECK(!s->end_seen, "%s on stream %" PRIu32 " after its end", what, id);
  MODEL_CHECK(!s->reset_seen, "%s on stream %" PRIu32 " after its reset", what, id);
  MODEL_CHECK(!s->no_more, "%s on stream %" PRIu32 ", which the peer has reset", what, id);
}

static void see_end(struct output_stream *s, uint32_t id) {
  s->end_seen = true;
  MODEL_CHECK(s->ended, "stream %" PRIu32 " ends, and nobody has ended it", id);
  MODEL_CHECK(s->got == s->sent, "stream %" PRIu32 " ends after %" PRIu64 " of %" PRIu64 " bytes",
              id, s->got, s->sent);
  MODEL_CHECK(s->blocks_got == s->blocks_sent, "stream %" PRIu32 " ends without its trailers", id);
}

static void read_data(struct output_peer *p, struct fc__h2_frame frame, const uint8_t *payload) {
  struct output_stream *s = output_stream(p, frame.id);
  check_may_send(s, frame.id, "DATA");
  MODEL_CHECK(s->blocks_got > 0, "DATA on stream %" PRIu32 " before its headers", frame.id);
  take_window(p, s, frame.id, frame.len);
  MODEL_CHECK(s->got + frame.len <= s->sent, "stream %" PRIu32 ": more came than was sent",
              frame.id);
  for (uint32_t i = 0; i < frame.len; i++) {
    uint8_t expected;
    output_fill(frame.id, s->got + i, &expected, 1);
    MODEL_CHECK(payload[i] == expected, "stream %" PRIu32 ": byte %" PRIu64 " is wrong", frame.id,
                s->got + i);
  }
  s->got += frame.len;
  if (frame.flags & FC__H2_END_STREAM) see_end(s, frame.id);
}

/* ---- header blocks ---- */

static void hash_field(void *user, const struct fc__field *field, size_t size, bool too_large) {
  uint64_t *hash = user;
  (void)size;
  MODEL_CHECK(!too_large, "a field is too large for a decoder without limits");
  *hash = output_hash_field(*hash, field->name, field->value, field->never_indexed);
}

static void end_block(struct output_peer *p) {
  uint32_t id = p->block_id;
  struct output_stream *s = output_stream(p, id);
  uint64_t hash = 0;
  p->block_id = 0;
  fc_slice block = {p->block.data, p->block.len};
  MODEL_CHECK(fc__hpack_decode(p->decoder, block, true, hash_field, &hash) == FC__HPACK_OK,
              "a block of stream %" PRIu32 " cannot be decoded", id);
  MODEL_CHECK(s->blocks_got < s->blocks_sent, "a block too many on stream %" PRIu32, id);
  MODEL_CHECK(hash == s->hashes[s->blocks_got], "block %" PRIu64 " of stream %" PRIu32 " differs",
              s->blocks_got, id);
  s->blocks_got++;
  if (p->block_ends) see_end(s, id);
}

static void read_block(struct output_peer *p, struct fc__h2_frame frame, const uint8_t *payload) {
  if (frame.type == FC__H2_HEADERS) {
    check_may_send(output_stream(p, frame.id), frame.id, "HEADERS");
    p->block_id = frame.id;
    p->block_ends = frame.flags & FC__H2_END_STREAM;
    p->block.len = 0;
  }
  MODEL_CHECK(p->block_id == frame.id, "CONTINUATION of stream %" PRIu32 " in a block of %" PRIu32,
              frame.id, p->block_id);
  MODEL_CHECK(fc__buf_append(&p->block, payload, frame.len), "no memory");
  if (frame.flags & FC__H2_END_HEADERS) end_block(p);
}

/* ---- control frames ---- */

static void read_reset(struct output_peer *p, struct fc__h2_frame frame, const uint8_t *payload) {
  struct output_stream *s = output_stream(p, frame.id);
  uint32_t code = fc__h2_get_u32(payload);
  bool told_to_stop = s->end_seen && s->may_be_told_to_stop && code == 0;
  MODEL_CHECK(!s->reset_seen, "stream %" PRIu32 " is reset twice", frame.id);
  MODEL_CHECK(told_to_stop || (s->reset && code == s->reset_code),
              "stream %" PRIu32 " is reset with code %" PRIu32, frame.id, code);
  s->reset_seen = true;
}

/* What a setting says holds from its acknowledgement on, RFC 9113 section 6.5.3. */
static void apply_setting(struct output_peer *p, struct output_setting setting) {
  switch (setting.name) {
    case FC__H2_INITIAL_WINDOW_SIZE:
      for (size_t i = 0; i < OUTPUT_STREAMS; i++)
        p->streams[i].window += (int64_t)setting.value - p->initial_window;
      p->initial_window = setting.value;
      break;
    case FC__H2_MAX_FRAME_SIZE:
      p->max_frame = setting.value;
      break;
    case FC__H2_HEADER_TABLE_SIZE:
      fc__hpack_decoder_set_table_max(p->decoder, setting.value);
      break;
    default:
      break;
  }
}

static void read_settings(struct output_peer *p, struct fc__h2_frame frame) {
  if (!(frame.flags & FC__H2_ACK)) return;
  MODEL_CHECK(p->settings_got < p->settings_sent, "SETTINGS are acknowledged that nobody has sent");
  apply_setting(p, p->settings[p->settings_got++]);
}

static void read_ping(struct output_peer *p, struct fc__h2_frame frame, const uint8_t *payload) {
  uint64_t opaque = (uint64_t)fc__h2_get_u32(payload) << 32 | fc__h2_get_u32(payload + 4);
  if (!(frame.flags & FC__H2_ACK)) {
    if (opaque >> 63 == 0) MODEL_CHECK(opaque == p->own_pings_got++, "a PING is lost");
    return;
  }
  MODEL_CHECK(p->pings_got < p->pings_sent, "a PING is answered that nobody has sent");
  MODEL_CHECK(opaque == p->pings[p->pings_got], "a PING is answered with %" PRIx64, opaque);
  p->pings_got++;
}

static void read_goaway(struct output_peer *p, const uint8_t *payload, uint32_t len) {
  p->goaway_seen = true;
  MODEL_CHECK(p->failed, "GOAWAY: %.*s", (int)(len - 8), (const char *)payload + 8);
}

/* ---- frames ---- */

static void read_frame(struct output_peer *p, struct fc__h2_frame frame, const uint8_t *payload) {
  bool in_block = p->block_id != 0;
  MODEL_CHECK(in_block == (frame.type == FC__H2_CONTINUATION), "frame of type %d %s a header block",
              frame.type, in_block ? "within" : "without");
  MODEL_CHECK(!p->goaway_seen, "a frame of type %d follows GOAWAY", frame.type);
  switch (frame.type) {
    case FC__H2_DATA:
      read_data(p, frame, payload);
      break;
    case FC__H2_HEADERS:
    case FC__H2_CONTINUATION:
      read_block(p, frame, payload);
      break;
    case FC__H2_RST_STREAM:
      read_reset(p, frame, payload);
      break;
    case FC__H2_SETTINGS:
      read_settings(p, frame);
      break;
    case FC__H2_PING:
      read_ping(p, frame, payload);
      break;
    case FC__H2_GOAWAY:
      read_goaway(p, payload, frame.len);
      break;
    case FC__H2_WINDOW_UPDATE:
      MODEL_CHECK(fc__h2_get_u32(payload) > 0, "WINDOW_UPDATE of nothing");
      break;
    default:
      MODEL_CHECK(false, "frame of type %d", frame.type);
  }
}

void output_peer_read(struct output_peer *p, fc_slice bytes) {
  size_t at = 0;
  MODEL_CHECK(fc__buf_append(&p->bytes, bytes.data, bytes.len), "no memory");
  while (p->bytes.len - at >= FC__H2_HEADER_LEN) {
    const uint8_t *header = p->bytes.data + at;
    struct fc__h2_frame frame = fc__h2_frame_read(header);
    MODEL_CHECK(frame.len <= p->max_frame, "a frame of type %d has %" PRIu32 " bytes", frame.type,
                frame.len);
    if (p->bytes.len - at < FC__H2_HEADER_LEN + frame.len) break;
    read_frame(p, frame, header + FC__H2_HEADER_LEN);
    at += FC__H2_HEADER_LEN + frame.len;
  }
  fc__buf_consume(&p->bytes, at);
}

/* ---- the end ---- */

static void expect_all_of(const struct output_peer *p, const struct output_stream *s, uint32_t id) {
  if (!s->opened || s->cut_short) return;
  if (s->reset) {
    MODEL_CHECK(s->reset_seen, "the reset of stream %" PRIu32 " is missing", id);
    return;
  }
  bool held_back = s->got < s->sent && (s->window <= 0 || p->window <= 0);
  if (held_back) return;
  MODEL_CHECK(s->got == s->sent,
              "stream %" PRIu32 " stands still at %" PRIu64 " of %" PRIu64 " bytes", id, s->got,
              s->sent);
  MODEL_CHECK(s->blocks_got == s->blocks_sent, "a block of stream %" PRIu32 " is missing", id);
  MODEL_CHECK(s->end_seen == s->ended, "the end of stream %" PRIu32 " is missing", id);
}

void output_peer_expect_all(const struct output_peer *p) {
  MODEL_CHECK(p->bytes.len == 0 && p->block_id == 0, "a frame or a block is not whole");
  MODEL_CHECK(p->pings_got == p->pings_sent, "a PING is not answered");
  MODEL_CHECK(p->settings_got == p->settings_sent, "SETTINGS are not acknowledged");
  MODEL_CHECK(p->own_pings_got == p->own_pings, "a PING was not sent");
  for (uint32_t i = 0; i < OUTPUT_STREAMS; i++) expect_all_of(p, &p->streams[i], 2 * i + 1);
}
