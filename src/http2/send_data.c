/*
 * Payload. A small message goes straight into the output when nothing stands in its way; otherwise
 * it is queued, and streams with data take turns to fill frames as windows and the output allow.
 */
#include <assert.h>

#include "http2/conn_internal.h"

enum { QUANTUM = 65536 }; /* of one stream before the next has its turn */

static void write_header(uint8_t *to, const struct fc__h2_stream *s, size_t len, bool end) {
  fc__h2_frame_write(to, (struct fc__h2_frame){.len = (uint32_t)len,
                                               .type = FC__H2_DATA,
                                               .flags = end ? FC__H2_END_STREAM : 0,
                                               .id = s->id});
}

/* ---- straight into the output ---- */

/* Adds to the DATA frame of s that ends the output. False: there is none, or it cannot take that much. */
static bool extend_open_frame(struct fc__h2_conn *c, const struct fc__h2_stream *s, fc_slice a,
                              fc_slice b, bool end) {
  struct fc__h2_out *out = &c->out;
  if (out->open_frame_id != s->id) return false;
  size_t len = out->buf.len - out->open_frame - FC__H2_HEADER_LEN + a.len + b.len;
  if (len > c->peer_max_frame) return false;
  uint8_t *to = fc__h2_out_room(c, a.len + b.len);
  if (!to) return false;
  fc__h2_append(to, a, b);
  out->buf.len += a.len + b.len;
  write_header(out->buf.data + out->open_frame, s, len, end);
  return true;
}

static bool put_data(struct fc__h2_conn *c, struct fc__h2_stream *s, fc_slice a, fc_slice b,
                     bool end) {
  struct fc__h2_out *out = &c->out;
  size_t len = a.len + b.len;
  if (!extend_open_frame(c, s, a, b, end)) {
    uint8_t *to = fc__h2_out_room(c, FC__H2_HEADER_LEN + len);
    if (!to) return false;
    write_header(to, s, len, end);
    fc__h2_append(to + FC__H2_HEADER_LEN, a, b);
    out->open_frame = out->buf.len;
    out->open_frame_id = s->id;
    out->buf.len += FC__H2_HEADER_LEN + len;
  }
  s->send_window -= (int64_t)len;
  c->send_window -= (int64_t)len;
  fc__h2_note_sent(c, FC__H2_UPDATES_FOR_DATA);
  return true;
}

static bool fits_now(const struct fc__h2_conn *c, const struct fc__h2_stream *s, size_t len) {
  return !s->first_chunk && (int64_t)len <= s->send_window && (int64_t)len <= c->send_window &&
         len <= c->peer_max_frame && fc__h2_out_pending(&c->out) < FC__H2_OUT_LIMIT;
}

/* ---- called by the owner ---- */

static fc_result send_small(struct fc__h2_conn *c, struct fc__h2_stream *s, fc_slice head,
                            fc_slice body, bool end) {
  if (!put_data(c, s, head, body, end)) return FC_ERR_NO_MEMORY;
  if (end) {
    s->local_end = true;
    fc__h2_send_ended(c, s);
  }
  return FC_OK;
}

static bool can_send(const struct fc__h2_conn *c, const struct fc__h2_stream *s) {
  return s->open && !s->local_end && c->result == 0;
}

fc_result fc__h2_send(struct fc__h2_conn *c, struct fc__h2_stream *s, fc_slice head, fc_bytes *body,
                      fc_slice inline_body, bool end_stream) {
  assert(head.len <= FC__H2_HEAD_MAX && "a head is a message prefix");
  if (!can_send(c, s)) return FC_ERR_CLOSED;
  fc_slice bytes = body ? fc_bytes_slice(body) : inline_body;
  if (head.len + bytes.len == 0) return end_stream ? fc__h2_send_end(c, s) : FC_OK;
  bool small = bytes.len <= FC__H2_INLINE_MAX;
  if (small && fits_now(c, s, head.len + bytes.len))
    return send_small(c, s, head, bytes, end_stream);
  fc_result result;
  if (small) {
    result = fc__h2_queue(c, s, head, NULL, bytes);
  } else {
    fc_bytes *copy = body ? NULL : fc_bytes_copy(bytes.data, bytes.len);
    if (!body && !copy) return FC_ERR_NO_MEMORY;
    result = fc__h2_queue(c, s, head, body ? body : copy, (fc_slice){NULL, 0});
    fc_bytes_unref(copy);
  }
  if (result != FC_OK) return result;
  s->local_end = s->end_queued = end_stream;
  fc__h2_make_ready(c, s);
  return FC_OK;
}

fc_result fc__h2_send_end(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  if (!can_send(c, s)) return FC_ERR_CLOSED;
  if (s->first_chunk) {
    s->local_end = s->end_queued = true;
    return FC_OK;
  }
  return send_small(c, s, (fc_slice){NULL, 0}, (fc_slice){NULL, 0}, true);
}

/* ---- queued data to frames ---- */

void fc__h2_make_ready(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  if (s->first_chunk && s->send_window > 0 && !fc__node_linked(&s->ready)) {
    fc__list_push_back(&c->ready, &s->ready);
  }
}

static size_t frame_size(const struct fc__h2_conn *c, const struct fc__h2_stream *s,
                         size_t budget) {
  size_t n = s->queued;
  if (n > c->peer_max_frame) n = c->peer_max_frame;
  if ((int64_t)n > s->send_window) n = s->send_window > 0 ? (size_t)s->send_window : 0;
  if ((int64_t)n > c->send_window) n = c->send_window > 0 ? (size_t)c->send_window : 0;
  return n < budget ? n : budget;
}

/* One DATA frame of up to most bytes from what is queued. How many; 0: no memory, and nothing has changed. */
static size_t produce_frame(struct fc__h2_conn *c, struct fc__h2_stream *s, size_t most) {
  struct fc__h2_payload payload = fc__h2_queue_peek(s, most);
  size_t n = payload.copied + payload.body;
  uint8_t *header = fc__h2_out_room(c, FC__H2_HEADER_LEN + payload.copied);
  if (!header || !fc__h2_out_reserve_segment(&c->out)) return 0;
  write_header(header, s, n, n == s->queued && s->end_queued && !s->trailers.data);
  c->out.buf.len += FC__H2_HEADER_LEN;
  c->out.open_frame_id = 0;
  fc__h2_queue_move(c, s, payload);
  s->send_window -= (int64_t)n;
  c->send_window -= (int64_t)n;
  fc__h2_note_sent(c, FC__H2_UPDATES_FOR_DATA);
  return n;
}

/* The turn of one stream. It is in no list meanwhile. */
static void produce_stream(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  size_t before = s->queued, budget = QUANTUM;
  for (size_t n; (n = frame_size(c, s, budget)) > 0; budget -= n) {
    n = produce_frame(c, s, n);
    if (n == 0) {
      fc__h2_fail_memory(c);
      return;
    }
  }
  if (s->queued > 0) {
    fc__h2_make_ready(c, s);
  } else if (s->end_queued) {
    if (s->trailers.data && !fc__h2_send_waiting_trailers(c, s)) {
      fc__h2_fail_memory(c);
      return;
    }
    fc__h2_send_ended(c, s);
  }
  bool crossed = before > FC__H2_LOW_WATER && s->queued <= FC__H2_LOW_WATER;
  if (crossed && c->events->on_writable) c->events->on_writable(c->owner, s);
}

void fc__h2_produce(struct fc__h2_conn *c) {
  while (c->result == 0 && fc__h2_can_produce(c) &&
         fc__h2_out_pending(&c->out) < FC__H2_OUT_LIMIT) {
    struct fc__node *n = c->ready.next;
    fc__list_remove(n);
    produce_stream(c, FC__CONTAINER(n, struct fc__h2_stream, ready));
  }
}
