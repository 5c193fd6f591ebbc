/* What breaks a rule at the end of a conversation of the model of input. */
#include "models/input_steps.h"

#define SLICE(text) fc_slice_from_string(text)

enum where { ZERO, IDLE, EVEN, FIRST };

static const struct broken {
  uint8_t type, flags;
  enum where where;
  const char *payload; /* a letter for each byte, digits for their value */
  enum fc__h2_error code;
} all_broken[] = {
    {FC__H2_PING, 0, ZERO, "1234567", FC__H2_FRAME_SIZE_ERROR},
    {FC__H2_PING, 0, ZERO, "123456789", FC__H2_FRAME_SIZE_ERROR},
    {FC__H2_PING, 0, FIRST, "12345678", FC__H2_PROTOCOL_ERROR},
    {FC__H2_SETTINGS, 0, ZERO, "00000", FC__H2_FRAME_SIZE_ERROR},
    {FC__H2_SETTINGS, 0, FIRST, "", FC__H2_PROTOCOL_ERROR},
    {FC__H2_SETTINGS, FC__H2_ACK, ZERO, "000000", FC__H2_FRAME_SIZE_ERROR},
    {FC__H2_SETTINGS, FC__H2_ACK, ZERO, "", FC__H2_PROTOCOL_ERROR},
    {FC__H2_SETTINGS, 0, ZERO, "020002", FC__H2_PROTOCOL_ERROR},
    {FC__H2_SETTINGS, 0, ZERO, "04~000", FC__H2_FLOW_CONTROL_ERROR},
    {FC__H2_SETTINGS, 0, ZERO, "050000", FC__H2_PROTOCOL_ERROR},
    {FC__H2_SETTINGS, 0, ZERO, "051000", FC__H2_PROTOCOL_ERROR},
    {FC__H2_SETTINGS, 0, ZERO, "0500?~", FC__H2_PROTOCOL_ERROR}, /* 16,383 */
    {FC__H2_WINDOW_UPDATE, 0, ZERO, "0000", FC__H2_PROTOCOL_ERROR},
    {FC__H2_WINDOW_UPDATE, 0, FIRST, "0000", FC__H2_PROTOCOL_ERROR},
    {FC__H2_WINDOW_UPDATE, 0, FIRST, "!000", FC__H2_PROTOCOL_ERROR}, /* the reserved bit alone */
    {FC__H2_WINDOW_UPDATE, 0, FIRST, "000", FC__H2_FRAME_SIZE_ERROR},
    {FC__H2_WINDOW_UPDATE, 0, IDLE, "0001", FC__H2_PROTOCOL_ERROR},
    {FC__H2_WINDOW_UPDATE, 0, EVEN, "0001", FC__H2_PROTOCOL_ERROR},
    {FC__H2_RST_STREAM, 0, FIRST, "000", FC__H2_FRAME_SIZE_ERROR},
    {FC__H2_RST_STREAM, 0, FIRST, "00000", FC__H2_FRAME_SIZE_ERROR},
    {FC__H2_RST_STREAM, 0, ZERO, "0000", FC__H2_PROTOCOL_ERROR},
    {FC__H2_RST_STREAM, 0, IDLE, "0000", FC__H2_PROTOCOL_ERROR},
    {FC__H2_RST_STREAM, 0, EVEN, "0000", FC__H2_PROTOCOL_ERROR},
    {FC__H2_PRIORITY, 0, FIRST, "0000", FC__H2_FRAME_SIZE_ERROR},
    {FC__H2_PRIORITY, 0, FIRST, "00010", FC__H2_PROTOCOL_ERROR},
    {FC__H2_PRIORITY, 0, ZERO, "00030", FC__H2_PROTOCOL_ERROR},
    {FC__H2_GOAWAY, 0, ZERO, "0000000", FC__H2_FRAME_SIZE_ERROR},
    {FC__H2_GOAWAY, 0, FIRST, "00000000", FC__H2_PROTOCOL_ERROR},
    {FC__H2_DATA, 0, ZERO, "1", FC__H2_PROTOCOL_ERROR},
    {FC__H2_DATA, 0, IDLE, "1", FC__H2_PROTOCOL_ERROR},
    {FC__H2_DATA, 0, EVEN, "1", FC__H2_PROTOCOL_ERROR},
    {FC__H2_DATA, FC__H2_PADDED, FIRST, "20", FC__H2_PROTOCOL_ERROR},
    {FC__H2_DATA, FC__H2_PADDED, FIRST, "", FC__H2_FRAME_SIZE_ERROR},
    {FC__H2_HEADERS, FC__H2_END_HEADERS, ZERO, "", FC__H2_PROTOCOL_ERROR},
    {FC__H2_HEADERS, FC__H2_END_HEADERS, EVEN, "", FC__H2_PROTOCOL_ERROR},
    {FC__H2_HEADERS, FC__H2_END_HEADERS | FC__H2_PADDED, FIRST, "3a", FC__H2_PROTOCOL_ERROR},
    {FC__H2_HEADERS, FC__H2_HAS_PRIORITY, FIRST, "0003", FC__H2_FRAME_SIZE_ERROR},
    {FC__H2_HEADERS, FC__H2_HAS_PRIORITY, FIRST, "00010", FC__H2_PROTOCOL_ERROR},
    {FC__H2_HEADERS, FC__H2_HAS_PRIORITY | FC__H2_PADDED, FIRST, "000010", FC__H2_PROTOCOL_ERROR},
    {FC__H2_CONTINUATION, FC__H2_END_HEADERS, FIRST, "", FC__H2_PROTOCOL_ERROR},
    {FC__H2_PUSH_PROMISE, FC__H2_END_HEADERS, FIRST, "0002", FC__H2_PROTOCOL_ERROR},
};

/* '0' to '9' are their value, '!' is 0x80, '~' is 0xff; the others, as '?' for 0x3f, themselves. */
static size_t write_payload(uint8_t *to, const char *from) {
  size_t len = strlen(from);
  for (size_t i = 0; i < len; i++) {
    to[i] = (uint8_t)(from[i] >= '0' && from[i] <= '9' ? from[i] - '0' : from[i]);
    if (from[i] == '!') to[i] = 0x80;
    if (from[i] == '~') to[i] = 0xff;
  }
  return len;
}

static void put_broken(struct plain_h2 *p, const struct broken *b) {
  const uint32_t ids[] = {[ZERO] = 0, [IDLE] = p->next_id, [EVEN] = 2, [FIRST] = 1};
  uint8_t payload[16];
  size_t len = write_payload(payload, b->payload);
  h2_script_frame(&p->script, b->type, b->flags, ids[b->where], (fc_slice){payload, len});
}

/* A block that is begun on a stream, and what must not follow. */
static enum fc__h2_error put_broken_block(struct plain_h2 *p, uint32_t id) {
  struct h2_script *script = &p->script;
  static const char *const bad[] = {"\x80", "\x3f\xff\xff\xff\xff\x7f", "\x40\x7f\xff",
                                    "\xff\xff\xff"};
  unsigned kind = (unsigned)model_between(p->random, 0, 6);
  if (kind == 0) {
    h2_script_frame(script, FC__H2_HEADERS, FC__H2_END_HEADERS, id,
                    SLICE(MODEL_PICK(p->random, bad)));
    return FC__H2_COMPRESSION_ERROR;
  }
  h2_script_frame(script, FC__H2_HEADERS, 0, id, TEXT("\x83"));
  if (kind == 1) input_ping(p, 1, false);
  if (kind == 2) h2_script_frame(script, FC__H2_CONTINUATION, 4, id ^ 2, TEXT("\x86"));
  if (kind == 3) h2_script_frame(script, 77, 4, id, TEXT("\x86"));
  if (kind == 4) h2_script_frame(script, FC__H2_DATA, 0, id, TEXT("data"));
  if (kind == 5) h2_script_frame(script, FC__H2_HEADERS, 4, id ^ 2, TEXT("\x86"));
  if (kind < 6) return FC__H2_PROTOCOL_ERROR;
  for (int i = 0; i < 9; i++) h2_script_frame(script, FC__H2_CONTINUATION, 0, id, TEXT(""));
  return FC__H2_ENHANCE_YOUR_CALM;
}

/* RFC 9113 section 5.1: half-closed (remote), closed. */
static enum fc__h2_error put_after_end(struct plain_h2 *p, uint32_t id) {
  bool data = model_chance(p->random, 50);
  h2_script_frame(&p->script, data ? FC__H2_DATA : FC__H2_HEADERS, 0, id, TEXT(""));
  return FC__H2_STREAM_CLOSED;
}

/* Frames that are wrong because of what came before or was agreed. */
static enum fc__h2_error put_misplaced(struct plain_h2 *p) {
  static const uint8_t entries[33 * 6];
  struct h2_script *script = &p->script;
  uint32_t max = script->config.max_frame_size + 1;
  const uint8_t header[] = {
      (uint8_t)(max >> 16), (uint8_t)(max >> 8), (uint8_t)max, 0, 0, 0, 0, 0, 1};
  const uint8_t away[] = {0, 0, 0, (uint8_t)(p->goaway_last + 1), 0, 0, 0, 0};
  if (p->goaway_last != UINT32_MAX &&
      model_chance(p->random, 50)) { /* section 6.8: it may not rise */
    h2_script_frame(script, FC__H2_GOAWAY, 0, 0, (fc_slice){away, sizeof away});
    return FC__H2_PROTOCOL_ERROR;
  }
  switch (model_between(p->random, script->server ? 1 : 0, 3)) {
    case 0: /* section 6.5.2: a server may not set it, a client may */
      h2_script_frame(script, FC__H2_SETTINGS, 0, 0, TEXT("\0\2\0\0\0\1"));
      return FC__H2_PROTOCOL_ERROR;
    case 1:
      h2_script_bytes(script, (fc_slice){header, sizeof header});
      return FC__H2_FRAME_SIZE_ERROR;
    case 2: /* section 6.9.1 */
      h2_script_u32(script, FC__H2_WINDOW_UPDATE, 0, FC__H2_WINDOW_MAX - 65534);
      h2_script_u32(script, FC__H2_WINDOW_UPDATE, 0, 65535);
      return FC__H2_FLOW_CONTROL_ERROR;
    default:
      h2_script_frame(script, FC__H2_SETTINGS, 0, 0, (fc_slice){entries, sizeof entries});
      return FC__H2_ENHANCE_YOUR_CALM;
  }
}

/* An id that the client has passed over is closed: RFC 9113 section 5.1.1. */
static enum fc__h2_error put_on_skipped(struct plain_h2 *p) {
  for (size_t i = 1; i < p->count; i++) {
    if (p->streams[i].id == p->streams[i - 1].id + 2) continue;
    unsigned type = model_chance(p->random, 50) ? FC__H2_DATA : FC__H2_HEADERS;
    h2_script_frame(&p->script, type, 0, p->streams[i].id - 2, TEXT(""));
    return FC__H2_PROTOCOL_ERROR;
  }
  return put_misplaced(p);
}

/* A block of nothing but a smaller table, on a stream that does not matter any more. */
static void shrink_table(struct plain_h2 *p) {
  for (size_t i = 0; i < p->count; i++) {
    if (p->streams[i].state != PLAIN_H2_CUT) continue;
    plain_hpack_begin(&p->hpack);
    plain_hpack_update(&p->hpack, model_between(p->random, 0, p->hpack.size));
    h2_script_frame(&p->script, FC__H2_HEADERS, FC__H2_END_HEADERS, p->streams[i].id,
                    plain_hpack_block(&p->hpack));
    return;
  }
}

/* The run of fields that the connection may have kept is the one that is broken next. */
static void repeat_run(struct plain_h2 *p) {
  if (!p->script.server || p->count + 1 >= PLAIN_H2_STREAMS) return;
  struct plain_h2_block block = {.count = 0};
  plain_h2_repeat(p, &block);
  plain_h2_put_block(p, plain_h2_open(p, p->next_id, false), &block);
}

static enum fc__h2_error put_undecodable(struct plain_h2 *p) {
  if (model_chance(p->random, 70)) repeat_run(p);
  if (model_chance(p->random, 70)) shrink_table(p);
  struct plain_h2_stream *s = input_some_stream(p);
  if (p->script.server && p->count < PLAIN_H2_STREAMS) s = plain_h2_open(p, p->next_id, false);
  if (p->run_len == 0 || !s || (s->state != PLAIN_H2_OPEN && s->state != PLAIN_H2_CUT))
    return put_misplaced(p);
  plain_h2_put_undecodable(p, s);
  return FC__H2_COMPRESSION_ERROR;
}

static enum fc__h2_error put_misplaced_on_stream(struct plain_h2 *p) {
  if (model_chance(p->random, 50) && p->run_len > 0) return put_undecodable(p);
  struct plain_h2_stream *s = input_some_stream(p);
  if (!s) return put_misplaced(p);
  if (model_chance(p->random, 20)) return put_on_skipped(p);
  if (s->state == PLAIN_H2_OVER || s->state == PLAIN_H2_ENDED) return put_after_end(p, s->id);
  if (s->state != PLAIN_H2_RESET) return put_broken_block(p, s->id);
  return put_misplaced(p);
}

enum fc__h2_error input_put_broken(struct plain_h2 *p) {
  if (model_chance(p->random, 20)) return FC__H2_NO_ERROR;
  if (model_chance(p->random, 40)) return put_misplaced_on_stream(p);
  const struct broken *b = &MODEL_PICK(p->random, all_broken);
  if (!p->script.server && p->count == 0 && b->where == FIRST) return FC__H2_NO_ERROR;
  put_broken(p, b);
  return b->code;
}

/* What comes first is the preface and SETTINGS: RFC 9113 section 3.4. */
enum fc__h2_error input_put_broken_beginning(struct plain_h2 *p) {
  struct h2_script *script = &p->script;
  if (script->server && model_chance(p->random, 50)) {
    script->bytes[model_between(p->random, 0, script->len - 1)] ^= 1;
  } else if (model_chance(p->random, 50)) {
    input_ping(p, 1, false);
  } else {
    h2_script_frame(script, FC__H2_SETTINGS, FC__H2_ACK, 0, TEXT(""));
  }
  return FC__H2_PROTOCOL_ERROR;
}
