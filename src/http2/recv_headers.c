/*
 * HEADERS and CONTINUATION: whose block it is, its fields through HPACK and the field rules, its
 * end. Whatever is wrong with the message, its block is decoded to the end, so that later ones
 * decode right (CVE-2023-32731).
 */
#include "http2/conn_internal.h"

enum {
  CONTINUATIONS_MAX = 8,   /* CVE-2024-27316; more where a larger header list is allowed */
  DROPPED_FOR_TOKEN = 256, /* fields decoded only to keep the table in step */
};

/* ---- the stream of a block ---- */

void fc__h2_refuse_with(struct fc__h2_conn *c, uint32_t code) { c->refuse_code = code; }

FC__H2_RARE static void refuse(struct fc__h2_conn *c, uint32_t id) {
  fc__h2_put_u32_frame(c, FC__H2_RST_STREAM, id, c->refuse_code);
  fc__h2_charge(c);
}

static struct fc__h2_stream *open_request(struct fc__h2_conn *c, uint32_t id) {
  struct fc__h2_stream *s = NULL;
  fc__h2_history_open(&c->history, id);
  c->refuse_code = FC__H2_REFUSED_STREAM;
  bool ignored = c->goaway_sent == FC__H2_GOAWAY_FINAL; /* section 6.8 */
  bool full = c->table.count >= c->config.max_concurrent_streams;
  if (!ignored && !full) s = c->events->on_open(c->owner, id);
  if (s && c->result == 0 && fc__h2_stream_open(c, s, id)) return s;
  fc__h2_history_close(&c->history, id, FC__H2_LOCAL_RESET);
  if (ignored) return NULL;
  if (s) c->events->on_closed(c->owner, s, FC__H2_REFUSED_STREAM, false);
  if (c->result == 0) refuse(c, id);
  return NULL;
}

static struct fc__h2_stream *stream_of_block(struct fc__h2_conn *c, uint32_t id) {
  struct fc__h2_stream *s = fc__h2_table_find(&c->table, id);
  if (!s) {
    if (c->server && id % 2 == 1 && id > c->history.last) return open_request(c, id);
    fc__h2_late_frame(c, id);
    return NULL;
  }
  if (s->remote_end) fc__h2_fail(c, FC__H2_STREAM_CLOSED, "HEADERS after END_STREAM");
  c->block.check.trailers = s->headers_seen;
  return s;
}

/* ---- frames ---- */

static void count_wire(struct fc__h2_conn *c) {
  struct fc__h2_block_in *b = &c->block;
  b->wire_bytes += c->in.frame.len;
  uint64_t most = (1 + CONTINUATIONS_MAX) * FC__H2_FRAME_MIN_MAX +
                  4 * (uint64_t)c->config.max_header_list_bytes;
  if (b->wire_bytes > most) fc__h2_fail(c, FC__H2_ENHANCE_YOUR_CALM, "header block too long");
}

void fc__h2_recv_headers(struct fc__h2_conn *c, uint32_t depends_on) {
  const struct fc__h2_frame *f = &c->in.frame;
  struct fc__h2_block_in *b = &c->block;
  if (depends_on == f->id) {
    fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "a stream that depends on itself");
    return;
  }
  *b = (struct fc__h2_block_in){.active = true,
                                .end_stream = f->flags & FC__H2_END_STREAM,
                                .id = f->id,
                                .deadline = FC_NEVER,
                                .check.server = c->server};
  c->traffic = true;
  if (c->updates_free < FC__H2_UPDATES_MOST) c->updates_free += FC__H2_UPDATES_FOR_STREAM;
  if (c->in.left == 0 && !b->end_stream) fc__h2_charge(c); /* CVE-2019-9518 */
  count_wire(c);
  if (c->result == 0) b->stream = stream_of_block(c, f->id);
}

/* A list of the largest size that is allowed fits into frames of the smallest maximum. */
static uint32_t continuations_most(const struct fc__h2_conn *c) {
  uint32_t needed = c->config.max_header_list_bytes / FC__H2_FRAME_MIN_MAX;
  return needed > CONTINUATIONS_MAX ? needed : (uint32_t)CONTINUATIONS_MAX;
}

void fc__h2_recv_continuation(struct fc__h2_conn *c) {
  if (!c->block.active) {
    fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "CONTINUATION without HEADERS");
    return;
  }
  if (++c->block.continuations > continuations_most(c)) {
    fc__h2_fail(c, FC__H2_ENHANCE_YOUR_CALM, "too many CONTINUATION frames");
    return;
  }
  if (c->in.left == 0 && !(c->in.frame.flags & FC__H2_END_HEADERS)) fc__h2_charge(c);
  count_wire(c);
}

/* ---- fields ---- */

static void drop_field(struct fc__h2_conn *c) {
  if (c->block.fields % DROPPED_FOR_TOKEN == 0) fc__h2_charge(c);
}

static void take_field(void *user, const struct fc__field *given, size_t size, bool too_large) {
  struct fc__h2_conn *c = user;
  struct fc__h2_block_in *b = &c->block;
  b->fields++;
  b->bytes += size;
  if (!b->stream || b->malformed || b->too_large) {
    drop_field(c);
    return;
  }
  if (too_large || b->bytes > c->config.max_header_list_bytes ||
      b->fields > c->config.max_header_fields) {
    b->too_large = true;
    return;
  }
  struct fc__field field = *given;
  if (!fc__h2_check_field(&b->check, &field)) {
    b->malformed = true;
    return;
  }
  c->events->on_field(c->owner, b->stream, &field, b->check.trailers);
}

/* ---- the end of a block ---- */

/* Section 8.1.1: what content-length promised must have come when the stream ends. */
static bool length_is_right(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  const struct fc__h2_block_in *b = &c->block;
  if (b->check.has_length && !b->check.trailers) {
    s->has_length = true;
    s->length_left = b->check.length;
  }
  return !(b->end_stream && s->has_length && s->length_left > 0);
}

static bool block_is_right(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  const struct fc__h2_block_in *b = &c->block;
  if (b->malformed) return false;
  /* Fields past the limit were not judged, but trailers without an end are wrong in any case. */
  if (b->too_large) return !b->check.trailers || b->end_stream;
  return fc__h2_check_block(&b->check, b->end_stream) && length_is_right(c, s);
}

static bool is_informational(const struct fc__h2_conn *c) {
  const struct fc__h2_check *k = &c->block.check;
  return !c->server && !k->trailers && k->status >= 100 && k->status < 200;
}

static void end_block(struct fc__h2_conn *c) {
  struct fc__h2_block_in *b = &c->block;
  struct fc__h2_stream *s = b->stream;
  b->active = false;
  if (!s) return;
  if (!block_is_right(c, s)) {
    fc__h2_stream_error(c, s, FC__H2_PROTOCOL_ERROR);
    return;
  }
  struct fc__h2_block block = {.end_stream = b->end_stream,
                               .trailers = b->check.trailers,
                               .too_large = b->too_large,
                               .informational = !b->end_stream && is_informational(c)};
  if (block.too_large && c->server) fc__h2_reject(c, s);
  if (!block.informational) s->headers_seen = true;
  s->remote_end = b->end_stream;
  c->events->on_block(c->owner, s, &block);
  /* The owner may have reset it, or ended its side: then b->stream is gone. */
  if (b->stream && b->end_stream) fc__h2_stream_half_ended(c, s);
  b->stream = NULL;
}

/* A run that is whole in a first fragment is kept, or known from the last block. */
static enum fc__hpack_result decode(struct fc__h2_conn *c, fc_slice fragment, bool end) {
  size_t len = fc__h2_run_again(c, fragment, end);
  if (len > 0) {
    if (len == fragment.len) return FC__HPACK_OK; /* the decoder has not seen any of the block */
  } else if ((len = fc__h2_run_begins(c, fragment)) > 0) {
    fc_slice run = {fragment.data, len};
    enum fc__hpack_result result = fc__hpack_decode(c->decoder, run, false, take_field, c);
    if (result != FC__HPACK_OK) return result;
    fc__h2_run_keep(c, run);
  }
  fc_slice rest = {fragment.data + len, fragment.len - len};
  return fc__hpack_decode(c->decoder, rest, end, take_field, c);
}

void fc__h2_recv_fragment(struct fc__h2_conn *c, fc_slice fragment, bool last) {
  bool end = last && (c->in.frame.flags & FC__H2_END_HEADERS);
  enum fc__hpack_result result = decode(c, fragment, end);
  c->block.begun = c->block.begun || fragment.len > 0;
  if (c->result) return;
  if (result == FC__HPACK_ERROR) {
    fc__h2_fail(c, FC__H2_COMPRESSION_ERROR, "a header block cannot be decompressed");
  } else if (result == FC__HPACK_NO_MEMORY) {
    fc__h2_fail_memory(c);
  } else if (end) {
    end_block(c);
  }
}
