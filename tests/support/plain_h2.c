/* Frames, and what must come of them. */
#include "support/plain_h2.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct fc__h2_events *const tell = &h2_record_events;

static size_t below(struct plain_h2 *p, size_t limit) { return fc__random_below(p->random, limit); }

void plain_h2_begin(struct plain_h2 *p, struct fc__random *random, bool server) {
  p->random = random;
  h2_script_begin(&p->script, server);
  plain_hpack_init(&p->hpack, FC__HPACK_TABLE_DEFAULT);
  h2_record_init(&p->told);
  p->told.hoard = true;
  p->said_len = p->count = p->pings = p->run_len = 0;
  p->next_id = 1;
  p->goaway_last = UINT32_MAX;
}

void plain_h2_finish(struct plain_h2 *p) {
  plain_hpack_finish(&p->hpack);
  h2_record_finish(&p->told);
}

void plain_h2_say(struct plain_h2 *p, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int len = vsnprintf(p->said + p->said_len, sizeof p->said - p->said_len, format, args);
  va_end(args);
  p->said_len += (size_t)len;
  if (p->said_len >= sizeof p->said) abort();
}

/* ---- streams ---- */

static size_t owned_count(const struct plain_h2 *p) {
  size_t count = 0;
  for (size_t i = 0; i < p->count; i++) count += p->streams[i].owned != NULL;
  return count;
}

struct plain_h2_stream *plain_h2_open(struct plain_h2 *p, uint32_t id, bool other_ended) {
  if (p->count == PLAIN_H2_STREAMS) abort();
  struct plain_h2_stream *s = &p->streams[p->count++];
  *s = (struct plain_h2_stream){.id = id, .other_ended = other_ended};
  p->next_id = id + 2;
  return s;
}

static void close_stream(struct plain_h2 *p, struct plain_h2_stream *s, enum plain_h2_state state,
                         uint32_t code, bool remote) {
  tell->on_closed(&p->told, s->owned, code, remote);
  s->owned = NULL;
  s->state = state;
}

/* RFC 9113 section 5.4.2 */
static void stream_error(struct plain_h2 *p, struct plain_h2_stream *s, uint32_t code) {
  plain_h2_say(p, "RST_STREAM %" PRIu32 " %s\n", s->id, fc__h2_error_name(code));
  close_stream(p, s, PLAIN_H2_CUT, code, false);
}

static void end_stream(struct plain_h2 *p, struct plain_h2_stream *s) {
  s->state = PLAIN_H2_ENDED;
  if (s->other_ended) close_stream(p, s, PLAIN_H2_OVER, FC__H2_NO_ERROR, false);
}

/* A frame on a stream that is not there any more: RFC 9113 section 5.1. */
static bool is_late(struct plain_h2 *p, const struct plain_h2_stream *s) {
  if (s->owned) return false;
  if (s->state == PLAIN_H2_RESET) plain_h2_say(p, "RST_STREAM %" PRIu32 " STREAM_CLOSED\n", s->id);
  return true;
}

/* ---- HEADERS ---- */

/* Flags and the bit of the stream id that mean nothing. */
static void put_frame(struct plain_h2 *p, unsigned type, unsigned flags, unsigned ignored,
                      uint32_t id, fc_slice payload) {
  ignored &= (unsigned)below(p, 256);
  if (below(p, 4) == 0) flags |= ignored, id |= UINT32_C(1) << 31;
  h2_script_frame(&p->script, type, flags, id, payload);
}

static void put_padded(struct plain_h2 *p, unsigned type, unsigned flags, unsigned ignored,
                       uint32_t id, fc_slice body) {
  static uint8_t payload[32768];
  bool padded = below(p, 3) == 0, priority = type == FC__H2_HEADERS && below(p, 4) == 0;
  size_t padding = padded ? below(p, below(p, 2) ? 256 : 4) : 0, len = 0;
  if (padded) payload[len++] = (uint8_t)padding;
  if (priority) {
    fc__h2_put_u32(payload + len, (id ^ 1) | (uint32_t)below(p, 2) << 31);
    payload[len + 4] = (uint8_t)below(p, 256);
    len += 5;
  }
  if (body.len) memcpy(payload + len, body.data, body.len);
  memset(payload + len + body.len, 0, padding);
  flags |= (padded ? FC__H2_PADDED : 0) | (priority ? FC__H2_HAS_PRIORITY : 0);
  put_frame(p, type, flags, ignored, id, (fc_slice){payload, len + body.len + padding});
}

static void put_fragments(struct plain_h2 *p, uint32_t id, fc_slice block, bool end) {
  unsigned left = below(p, 3) ? 0 : (unsigned)below(p, 9), type = FC__H2_HEADERS;
  do {
    size_t len = left ? below(p, block.len + 1) : block.len;
    while (len > 14000 && left) len /= 2;
    unsigned flags = (left ? 0 : FC__H2_END_HEADERS);
    fc_slice fragment = {block.data, len};
    if (type == FC__H2_HEADERS) {
      put_padded(p, type, flags | (end ? FC__H2_END_STREAM : 0), 0xd2, id, fragment);
    } else {
      put_frame(p, type, flags, 0xfb, id, fragment);
    }
    block.data += len;
    block.len -= len;
    type = FC__H2_CONTINUATION;
  } while (left-- > 0);
}

/* How many fields come before the one that is over a limit. */
static size_t count_within(const struct plain_h2 *p, const struct plain_h2_block *block) {
  size_t bytes = 0, i = 0;
  for (; i < block->count && i < p->script.config.max_header_fields; i++) {
    bytes += block->fields[i].name.len + block->fields[i].value.len + 32;
    if (bytes > p->script.config.max_header_list_bytes) break;
  }
  return i;
}

static void tell_fields(struct plain_h2 *p, struct plain_h2_stream *s,
                        const struct plain_h2_block *block, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const struct plain_field *f = &block->fields[i];
    struct fc__field field = {.name = f->name, .value = plain_fields_trim(f->value)};
    tell->on_field(&p->told, s->owned, &field, s->headers_sent);
  }
}

static bool length_is_right(struct plain_h2_stream *s, const struct plain_h2_block *block,
                            const struct plain_judgement *j) {
  if (!s->headers_sent && j->length >= 0) {
    s->has_length = true;
    s->left = (uint64_t)j->length;
  }
  return !(block->end && s->has_length && s->left > 0);
}

/* Past a limit fields are not judged any more. */
static void tell_block(struct plain_h2 *p, struct plain_h2_stream *s,
                       const struct plain_h2_block *block) {
  bool trailers = s->headers_sent;
  struct plain_judgement j =
      plain_fields_judge(block->fields, block->count, p->script.server, trailers, block->end);
  size_t within = count_within(p, block);
  bool large = within < block->count, malformed = j.good < within;
  tell_fields(p, s, block, malformed ? j.good : within);
  if (malformed || (large ? trailers && !block->end : !j.right || !length_is_right(s, block, &j))) {
    stream_error(p, s, FC__H2_PROTOCOL_ERROR);
    return;
  }
  bool status = !p->script.server && !trailers && j.status >= 100 && j.status < 200;
  struct fc__h2_block told = {.end_stream = block->end,
                              .trailers = trailers,
                              .too_large = large,
                              .informational = status && !block->end};
  if (!told.informational) s->headers_sent = true;
  tell->on_block(&p->told, s->owned, &told);
  if (block->end) end_stream(p, s);
}

static void open_request(struct plain_h2 *p, struct plain_h2_stream *s) {
  if (owned_count(p) < p->script.config.max_concurrent_streams) {
    s->owned = tell->on_open(&p->told, s->id);
    s->owned->id = s->id;
  } else {
    plain_h2_say(p, "RST_STREAM %" PRIu32 " REFUSED_STREAM\n", s->id);
    s->state = PLAIN_H2_CUT;
  }
}

static void note_run(struct plain_h2 *p) {
  const uint8_t *block = p->hpack.block;
  size_t len = 0;
  while (len < p->hpack.len && len < PLAIN_H2_FIELDS && block[len] > 0x80 && block[len] < 0xff)
    len++;
  if (len < 3) return;
  p->run_len = len;
  for (size_t i = 0; i < len; i++) p->run[i] = block[i] & 0x7f;
}

static void write_block(struct plain_h2 *p, const struct plain_h2_block *block) {
  static const size_t sizes[] = {0, 60, 150, 4096};
  size_t i = 0;
  plain_hpack_begin(&p->hpack);
  if (!block->again && below(p, 15) == 0) plain_hpack_update(&p->hpack, sizes[below(p, 4)]);
  for (; i < block->again; i++) plain_hpack_indexed(&p->hpack, p->run[i]);
  for (; i < block->count; i++) {
    const struct plain_field *f = &block->fields[i];
    plain_hpack_put(&p->hpack, p->random, f->name, f->value, below(p, 10) == 0);
  }
  note_run(p);
}

void plain_h2_repeat(const struct plain_h2 *p, struct plain_h2_block *block) {
  for (block->again = 0; block->again < p->run_len; block->again++) {
    struct plain_field *f = &block->fields[block->again];
    if (!plain_hpack_at(&p->hpack, p->run[block->again], &f->name, &f->value)) break;
  }
  block->count = block->again;
}

void plain_h2_put_block(struct plain_h2 *p, struct plain_h2_stream *s,
                        const struct plain_h2_block *block) {
  bool request = p->script.server && !s->owned && s->state == PLAIN_H2_OPEN;
  if (request) open_request(p, s);
  if (s->owned) {
    tell_block(p, s, block);
  } else if (!request) {
    (void)is_late(p, s);
  }
  /* After the events: fields of the block may lie in the table. */
  write_block(p, block);
  put_fragments(p, s->id, plain_hpack_block(&p->hpack), block->end);
}

void plain_h2_put_undecodable(struct plain_h2 *p, struct plain_h2_stream *s) {
  struct plain_h2_block b = {.count = 0};
  plain_h2_repeat(p, &b);
  if (p->script.server && !s->owned && s->state == PLAIN_H2_OPEN) open_request(p, s);
  if (s->owned) {
    struct plain_judgement j =
        plain_fields_judge(b.fields, b.count, p->script.server, s->headers_sent, false);
    size_t within = count_within(p, &b);
    tell_fields(p, s, &b, j.good < within ? j.good : within);
  }
  plain_hpack_begin(&p->hpack);
  for (size_t i = 0; i < b.again; i++) plain_hpack_indexed(&p->hpack, p->run[i]);
  if (b.again < p->run_len) {
    for (size_t i = b.again; i < p->run_len; i++) plain_hpack_indexed(&p->hpack, p->run[i]);
  } else {
    plain_hpack_update(&p->hpack, 0);
  }
  fc_slice block = plain_hpack_block(&p->hpack), rest = {block.data + b.again, block.len - b.again};
  bool cut = below(p, 2);
  if (cut) block.len = b.again;
  h2_script_frame(&p->script, FC__H2_HEADERS, cut ? 0 : FC__H2_END_HEADERS, s->id, block);
  if (cut) h2_script_frame(&p->script, FC__H2_CONTINUATION, FC__H2_END_HEADERS, s->id, rest);
}

/* ---- DATA and ends ---- */

void plain_h2_put_data(struct plain_h2 *p, struct plain_h2_stream *s, size_t len, bool end) {
  static uint8_t data[32768];
  for (size_t i = 0; i < len; i++) data[i] = (uint8_t)below(p, 256);
  put_padded(p, FC__H2_DATA, end ? FC__H2_END_STREAM : 0, 0xf6, s->id, (fc_slice){data, len});
  if (is_late(p, s)) return;
  bool too_long = s->has_length && len > s->left;
  if (!s->headers_sent || too_long || (s->has_length && end && len < s->left)) {
    stream_error(p, s, FC__H2_PROTOCOL_ERROR);
    return;
  }
  s->left -= s->has_length ? len : 0;
  if (len || end) tell->on_data(&p->told, s->owned, (fc_slice){data, len}, end);
  if (end) end_stream(p, s);
}

void plain_h2_put_reset(struct plain_h2 *p, struct plain_h2_stream *s, uint32_t code) {
  h2_script_u32(&p->script, FC__H2_RST_STREAM, s->id, code);
  if (s->owned) {
    close_stream(p, s, PLAIN_H2_RESET, code, true);
  } else if (s->state != PLAIN_H2_OVER) {
    s->state = PLAIN_H2_RESET;
  }
}

void plain_h2_reset(struct plain_h2 *p, struct plain_h2_stream *s, uint32_t code) {
  h2_script_stop(&p->script, H2_STOP_RESET, s->id, code);
  plain_h2_say(p, "RST_STREAM %" PRIu32 " %s\n", s->id, fc__h2_error_name(code));
  h2_record_reset(&p->told, s->owned, code);
  s->owned = NULL;
  s->state = PLAIN_H2_CUT;
}

void plain_h2_answer(struct plain_h2 *p, struct plain_h2_stream *s) {
  h2_script_stop(&p->script, H2_STOP_FINISH, s->id, 0);
  plain_h2_say(p, "HEADERS %" PRIu32 " :status=200\nHEADERS %" PRIu32 " end grpc-status=0\n", s->id,
               s->id);
  /* RFC 9113 section 8.1: the client may stop. */
  bool ended = s->state == PLAIN_H2_ENDED;
  if (!ended) plain_h2_say(p, "RST_STREAM %" PRIu32 " NO_ERROR\n", s->id);
  close_stream(p, s, ended ? PLAIN_H2_OVER : PLAIN_H2_CUT, FC__H2_NO_ERROR, false);
}
