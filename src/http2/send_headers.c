/*
 * Header blocks are built where they will be sent from, behind room for a frame header. Trailers
 * whose stream has data waiting are encoded stateless, beside, for the encoder's table may look
 * different when they leave.
 */
#include <assert.h>

#include "base/mem.h"
#include "http2/conn_internal.h"

enum { TRAILERS_MAX = 1024 * 1024 }; /* encoded, waiting behind data */

/* ---- building ---- */

void fc__h2_block_begin(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  struct fc__h2_block_out *b = &c->building;
  b->stream = s;
  b->stateless = s && s->first_chunk && !s->local_end;
  b->failed = false;
  b->list_size = 0;
  b->generation = fc__hpack_encoder_generation(c->encoder);
  b->to = &c->out.buf;
  b->at = c->out.buf.len;
  if (b->stateless) {
    if (!s->trailers.data) fc__buf_init(&s->trailers, TRAILERS_MAX);
    s->trailers.len = 0;
    b->to = &s->trailers;
    return;
  }
  c->out.open_frame_id = 0;
  b->failed = !fc__h2_out_room(c, FC__H2_HEADER_LEN);
  if (!b->failed) c->out.buf.len += FC__H2_HEADER_LEN;
}

/* What the application calls a secret is erased once it is written. */
FC__H2_RARE static void note_secret(struct fc__h2_conn *c) { c->building.to->secret = true; }

void fc__h2_block_field(struct fc__h2_conn *c, fc_slice name, fc_slice value,
                        enum fc__hpack_indexing how) {
  struct fc__h2_block_out *b = &c->building;
  b->list_size += name.len + value.len + FC__HPACK_ENTRY_OVERHEAD;
  if (b->failed) return;
  b->failed = b->stateless ? !fc__hpack_encode_stateless(b->to, name, value, how == FC__HPACK_NEVER)
                           : !fc__hpack_encode(c->encoder, b->to, name, value, how);
  if (how == FC__HPACK_NEVER) note_secret(c);
}

FC__H2_RARE static void encode_run(struct fc__h2_conn *c, const struct fc__h2_replay_field *fields,
                                   size_t count) {
  for (size_t i = 0; i < count; i++) {
    fc__h2_block_field(c, fields[i].name, fields[i].value, FC__HPACK_INDEX);
  }
}

/* Keeps the bytes of a run if they say the same fields next time: nothing was inserted and no
 * size update written while they were made. */
FC__H2_RARE static void record(struct fc__h2_conn *c, struct fc__h2_replay *replay, size_t at,
                               uint64_t generation, size_t list_size) {
  const struct fc__h2_block_out *b = &c->building;
  size_t len = b->to->len - at;
  replay->len = 0;
  if (b->failed || len == 0 || len > sizeof replay->bytes) return;
  if (generation != fc__hpack_encoder_generation(c->encoder)) return;
  memcpy(replay->bytes, b->to->data + at, len);
  replay->len = (uint8_t)len;
  replay->list_size = (uint32_t)list_size;
  replay->generation = generation;
}

void fc__h2_block_replay(struct fc__h2_conn *c, struct fc__h2_replay *replay,
                         const struct fc__h2_replay_field *fields, size_t count) {
  struct fc__h2_block_out *b = &c->building;
  uint64_t generation = fc__hpack_encoder_generation(c->encoder);
  if (b->stateless || replay->len == 0 || replay->generation != generation) {
    size_t at = b->to->len, before = b->list_size;
    encode_run(c, fields, count);
    if (!b->stateless) record(c, replay, at, generation, b->list_size - before);
    return;
  }
  b->list_size += replay->list_size;
  uint8_t *to = b->failed ? NULL : fc__h2_out_room(c, sizeof replay->bytes);
  if (!to) {
    b->failed = true;
    return;
  }
  memcpy(to, replay->bytes, sizeof replay->bytes); /* all of it: a fixed size is cheaper */
  b->to->len += replay->len;
}

/* ---- ending ---- */

/* Cuts a block that is longer than the peer's frames: room is made in front of each further
 * part, from the last to the first. False: no memory. */
FC__H2_RARE static bool split(struct fc__h2_conn *c, size_t at, uint32_t id, uint8_t flags) {
  struct fc__buf *b = &c->out.buf;
  size_t max = c->peer_max_frame, len = b->len - at - FC__H2_HEADER_LEN;
  size_t parts = (len + max - 1) / max;
  if (!fc__h2_out_room(c, (parts - 1) * FC__H2_HEADER_LEN)) return false;
  uint8_t *block = b->data + at + FC__H2_HEADER_LEN;
  for (size_t i = parts; i-- > 1;) {
    bool last = i == parts - 1;
    size_t part = last ? len - i * max : max;
    uint8_t *to = block + i * (max + FC__H2_HEADER_LEN);
    memmove(to, block + i * max, part);
    fc__h2_frame_write(to - FC__H2_HEADER_LEN,
                       (struct fc__h2_frame){.len = (uint32_t)part,
                                             .type = FC__H2_CONTINUATION,
                                             .flags = last ? FC__H2_END_HEADERS : 0,
                                             .id = id});
  }
  fc__h2_frame_write(b->data + at,
                     (struct fc__h2_frame){
                         .len = (uint32_t)max, .type = FC__H2_HEADERS, .flags = flags, .id = id});
  b->len += (parts - 1) * FC__H2_HEADER_LEN;
  return true;
}

/* Completes the frames of the block that starts, with room for a header, at a position of the
 * output. */
static bool finish_frames(struct fc__h2_conn *c, size_t at, uint32_t id, bool end_stream) {
  struct fc__buf *b = &c->out.buf;
  uint8_t flags = end_stream ? FC__H2_END_STREAM : 0;
  size_t len = b->len - at - FC__H2_HEADER_LEN;
  if (len > c->peer_max_frame) {
    if (!split(c, at, id, flags)) return false;
  } else {
    fc__h2_frame_write(b->data + at, (struct fc__h2_frame){.len = (uint32_t)len,
                                                           .type = FC__H2_HEADERS,
                                                           .flags = flags | FC__H2_END_HEADERS,
                                                           .id = id});
  }
  fc__h2_note_sent(c, FC__H2_UPDATES_FOR_STREAM);
  return true;
}

/* Cuts an unfinished block off the output. */
FC__H2_RARE static void drop_block(struct fc__h2_conn *c, size_t at) {
  struct fc__buf *b = &c->out.buf;
  if (b->secret) fc__erase(b->data + at, b->len - at);
  b->len = at;
}

/* As if the block had never been begun. What it put into the encoder's table is unknown to the
 * peer. */
FC__H2_RARE static fc_result take_back(struct fc__h2_conn *c, fc_result result) {
  struct fc__h2_block_out *b = &c->building;
  if (b->stateless) {
    fc__buf_finish(&b->stream->trailers);
  } else {
    drop_block(c, b->at);
    if (b->generation != fc__hpack_encoder_generation(c->encoder)) {
      fc__hpack_encoder_restart(c->encoder);
    }
  }
  b->to = NULL;
  return result;
}

static fc_result check_block(const struct fc__h2_conn *c) {
  const struct fc__h2_block_out *b = &c->building;
  assert(b->to && "a block is begun before it is ended");
  if (c->result) return FC_ERR_CLOSED;
  if (b->failed) return FC_ERR_NO_MEMORY;
  return b->list_size > c->peer_max_header_list ? FC_ERR_LIMIT : FC_OK;
}

fc_result fc__h2_block_end_request(struct fc__h2_conn *c, struct fc__h2_stream *s,
                                   bool end_stream) {
  assert(!c->server && !c->building.stream && "requests are the client's");
  fc_result result = check_block(c);
  if (result != FC_OK) return take_back(c, result);
  if (!fc__h2_can_open(c)) return take_back(c, FC_ERR_CLOSED);
  uint32_t id = c->history.last ? c->history.last + 2 : 1;
  if (!finish_frames(c, c->building.at, id, end_stream) || !fc__h2_stream_open(c, s, id)) {
    return take_back(c, FC_ERR_NO_MEMORY);
  }
  fc__h2_history_open(&c->history, id);
  s->local_end = end_stream;
  c->building.to = NULL;
  return FC_OK;
}

fc_result fc__h2_block_end(struct fc__h2_conn *c, struct fc__h2_stream *s, bool end_stream) {
  struct fc__h2_block_out *b = &c->building;
  assert(b->stream == s && "a block is ended on the stream that it was begun for");
  fc_result result = check_block(c);
  if (result == FC_OK && (!s->open || s->local_end)) result = FC_ERR_CLOSED;
  if (result != FC_OK) return take_back(c, result);
  if (b->stateless) {
    assert(end_stream && "a block behind data is trailers");
    s->local_end = s->end_queued = true;
  } else if (!finish_frames(c, b->at, s->id, end_stream)) {
    return take_back(c, FC_ERR_NO_MEMORY);
  } else if (end_stream) {
    s->local_end = true;
    fc__h2_send_ended(c, s);
  }
  b->to = NULL;
  return FC_OK;
}

bool fc__h2_send_waiting_trailers(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  struct fc__buf *b = &c->out.buf;
  size_t at = b->len;
  if (!fc__h2_out_room(c, FC__H2_HEADER_LEN)) return false;
  b->len += FC__H2_HEADER_LEN;
  c->out.open_frame_id = 0;
  if (s->trailers.secret) b->secret = true;
  /* A change of the table's size must open the next block, whatever that is. */
  bool done = fc__hpack_encode_updates(c->encoder, b) &&
              fc__buf_append(b, s->trailers.data, s->trailers.len) &&
              finish_frames(c, at, s->id, true);
  if (!done) drop_block(c, at);
  fc__buf_finish(&s->trailers);
  return done;
}
