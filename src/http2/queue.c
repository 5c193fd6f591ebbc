/*
 * What waits to be sent on a stream: chunks from a list of spare ones, in which small messages are
 * copied together and large ones referenced.
 */
#include <assert.h>

#include "base/mem.h"
#include "base/slice.h"
#include "http2/conn_internal.h"

enum {
  ROOM_SMALL = 96,                                  /* bytes of a chunk's own: one small message */
  ROOM_LARGE = FC__H2_HEAD_MAX + FC__H2_INLINE_MAX, /* many, or the largest that is copied */
  COPY_MAX = 512, /* a piece this small is cheaper to copy than one more vector to write */
  SPARE_MAX = 32, /* chunks of each size kept for later */
};

/* Own bytes first, then the body. Small messages that wait share a chunk. */
struct fc__h2_chunk {
  struct fc__h2_chunk *next;
  uint32_t start, len, cap; /* of room */
  fc_bytes *body;
  const uint8_t *data; /* of body, not produced yet */
  size_t left;
  uint8_t room[];
};

static struct fc__h2_chunk *chunk_take(struct fc__h2_conn *c, size_t need) {
  bool large = need > ROOM_SMALL;
  uint32_t cap = large ? ROOM_LARGE : ROOM_SMALL;
  struct fc__h2_spare *spare = &c->spare[large];
  struct fc__h2_chunk *chunk = spare->first;
  if (chunk) {
    spare->first = chunk->next;
    spare->count--;
  } else {
    chunk = fc__alloc(sizeof *chunk + cap);
    if (!chunk) return NULL;
  }
  *chunk = (struct fc__h2_chunk){.cap = cap};
  return chunk;
}

static void chunk_release(struct fc__h2_conn *c, struct fc__h2_chunk *chunk) {
  c->queued -= chunk->len + fc_bytes_slice(chunk->body).len;
  if (chunk->body) fc__h2_unref(c, chunk->body);
  struct fc__h2_spare *spare = &c->spare[chunk->cap == ROOM_LARGE];
  if (spare->count >= SPARE_MAX) {
    fc__free(chunk);
    return;
  }
  chunk->next = spare->first;
  spare->first = chunk;
  spare->count++;
}

void fc__h2_spare_finish(struct fc__h2_conn *c) {
  for (int i = 0; i < 2; i++) {
    for (struct fc__h2_chunk *chunk; (chunk = c->spare[i].first);) {
      c->spare[i].first = chunk->next;
      fc__free(chunk);
    }
  }
}

void fc__h2_drop_queue(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  for (struct fc__h2_chunk *chunk; (chunk = s->first_chunk);) {
    s->first_chunk = chunk->next;
    chunk_release(c, chunk);
  }
  s->last_chunk = NULL;
  s->queued = 0;
  s->end_queued = false;
  fc__buf_finish(&s->trailers);
}

/* The last chunk, if it has room for more bytes of its own, or a new one behind it. */
static struct fc__h2_chunk *chunk_for(struct fc__h2_conn *c, struct fc__h2_stream *s, size_t need) {
  struct fc__h2_chunk *last = s->last_chunk;
  if (last && !last->body && last->cap - last->len >= need) return last;
  /* Where one message waits more will: they get a large chunk. */
  struct fc__h2_chunk *chunk = chunk_take(c, last ? ROOM_LARGE : need);
  if (!chunk) return NULL;
  if (last) {
    last->next = chunk;
  } else {
    s->first_chunk = chunk;
  }
  return s->last_chunk = chunk;
}

fc_result fc__h2_queue(struct fc__h2_conn *c, struct fc__h2_stream *s, fc_slice head,
                       fc_bytes *body, fc_slice inline_body) {
  struct fc__h2_chunk *chunk = chunk_for(c, s, head.len + inline_body.len);
  if (!chunk) return FC_ERR_NO_MEMORY;
  fc__h2_append(chunk->room + chunk->len, head, inline_body);
  chunk->len += (uint32_t)(head.len + inline_body.len);
  s->queued += head.len + inline_body.len;
  c->queued += head.len + inline_body.len + fc_bytes_slice(body).len;
  if (body) {
    fc_slice bytes = fc_bytes_slice(body);
    chunk->body = fc_bytes_ref(body);
    chunk->data = bytes.data;
    chunk->left = bytes.len;
    s->queued += bytes.len;
  }
  return FC_OK;
}

/* ---- to frames ---- */

/* So many of the bytes that are left of a chunk's body are better copied. */
static bool is_copied(size_t len) { return len <= COPY_MAX; }

/* A part of a message that is not copied ends the frame, so that a frame is never more than one segment of the output. */
struct fc__h2_payload fc__h2_queue_peek(const struct fc__h2_stream *s, size_t most) {
  struct fc__h2_payload payload = {0};
  for (const struct fc__h2_chunk *chunk = s->first_chunk; chunk && payload.copied < most;
       chunk = chunk->next) {
    payload.copied += fc__smaller(chunk->len - chunk->start, most - payload.copied);
    size_t body = fc__smaller(chunk->left, most - payload.copied);
    if (!is_copied(body)) {
      payload.body = body;
      break;
    }
    payload.copied += body;
  }
  return payload;
}

static void copy(struct fc__h2_conn *c, const uint8_t *data, size_t len) {
  struct fc__buf *out = &c->out.buf;
  if (len == 0) return;
  memcpy(out->data + out->len, data, len);
  out->len += len;
}

/* Copies up to most of the bytes that a chunk holds of its own, then of its body. How many. */
static size_t copy_front(struct fc__h2_conn *c, struct fc__h2_chunk *chunk, size_t most) {
  size_t own = fc__smaller(chunk->len - chunk->start, most);
  copy(c, chunk->room + chunk->start, own);
  chunk->start += (uint32_t)own;
  size_t body = fc__smaller(chunk->left, most - own);
  if (body == 0) return own;
  copy(c, chunk->data, body);
  chunk->data += body;
  chunk->left -= body;
  return own + body;
}

static void release_if_empty(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  struct fc__h2_chunk *chunk = s->first_chunk;
  if (chunk->start < chunk->len || chunk->left > 0) return;
  s->first_chunk = chunk->next;
  if (!chunk->next) s->last_chunk = NULL;
  chunk_release(c, chunk);
}

void fc__h2_queue_move(struct fc__h2_conn *c, struct fc__h2_stream *s,
                       struct fc__h2_payload payload) {
  assert(payload.copied + payload.body <= s->queued && "no more is moved than is queued");
  s->queued -= payload.copied + payload.body;
  while (payload.copied > 0) {
    payload.copied -= copy_front(c, s->first_chunk, payload.copied);
    release_if_empty(c, s);
  }
  if (payload.body == 0) return;
  struct fc__h2_chunk *chunk = s->first_chunk;
  fc__h2_out_add_body(&c->out, (fc_slice){chunk->data, payload.body}, chunk->body);
  chunk->data += payload.body;
  chunk->left -= payload.body;
  release_if_empty(c, s);
}
