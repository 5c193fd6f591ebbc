/*
 * Bytes waiting to be written: a list of segments that do not change any more, and behind them the buffer that frames are
 * built in. The buffer becomes a segment when a write takes only a part of it, when it is handed out behind others, or when a
 * part of a message follows that is written from where it lies. No frame grows after it was handed out.
 */
#include <assert.h>

#include "base/mem.h"
#include "http2/conn_internal.h"

enum {
  /* Header blocks and small messages of very many streams. Twice as much in all: what is handed out, and what is not. */
  BUFFER_MAX = 32 * 1024 * 1024,
  BUFFER_KEPT = 65536, /* a larger buffer is given back when it was used but little */
  SEGMENTS_FIRST = 2,
  SEGMENTS_KEPT = 64,  /* room for more of them is given back when all is written */
  ACKS_MAX = 1000,     /* not written yet: CVE-2019-9512, CVE-2019-9515 */
  CONTROLS_MAX = 5000, /* of all kinds: CVE-2019-9514 */
};

static void set_segments(struct fc__h2_out *out, struct fc__h2_segment *segments, size_t count,
                         size_t cap) {
  out->segments = out->first = segments;
  out->end = segments + count;
  out->limit = segments + cap;
}

bool fc__h2_out_init(struct fc__h2_out *out) {
  fc__buf_init(&out->buf, BUFFER_MAX);
  struct fc__h2_segment *segments = fc__alloc(SEGMENTS_FIRST * sizeof *segments);
  if (segments) set_segments(out, segments, 0, SEGMENTS_FIRST);
  return segments != NULL;
}

/* ---- buffers ---- */

uint8_t *fc__h2_out_grow(struct fc__h2_conn *c, size_t len) {
  return fc__buf_reserve(&c->out.buf, len);
}

/* The bytes of the buffer are a segment's now. */
static void next_buffer(struct fc__h2_out *out) {
  out->buf.data = out->spare;
  out->buf.cap = out->spare_cap;
  out->buf.len = 0;
  out->buf.secret = false;
  out->spare = NULL;
  out->spare_cap = 0;
  out->open_frame_id = 0;
}

static bool is_too_large(size_t cap, size_t used) { return cap > BUFFER_KEPT && used < cap / 8; }

/* Keeps a buffer that is written for the next frames, if they have none. */
static void release_buffer(struct fc__h2_out *out, const struct fc__h2_segment *segment) {
  bool large = is_too_large(segment->own_cap, segment->own_len);
  if (segment->secret) fc__erase(segment->own, segment->own_len);
  if (!out->buf.data && !large) {
    out->buf.data = segment->own;
    out->buf.cap = segment->own_cap;
  } else if (!out->spare && !large) {
    out->spare = segment->own;
    out->spare_cap = segment->own_cap;
  } else {
    fc__free(segment->own);
  }
}

/* ---- segments ---- */

/* Room for one more where there was none; false: no memory. */
FC__H2_RARE static bool grow_segments(struct fc__h2_out *out) {
  size_t count = (size_t)(out->end - out->first), cap = (size_t)(out->limit - out->segments);
  if (count <= cap / 2) {
    memmove(out->segments, out->first, count * sizeof *out->first);
    set_segments(out, out->segments, count, cap);
    return true;
  }
  struct fc__h2_segment *grown = fc__alloc(2 * cap * sizeof *grown);
  if (!grown) return false;
  memcpy(grown, out->first, count * sizeof *grown);
  fc__free(out->segments);
  set_segments(out, grown, count, 2 * cap);
  return true;
}

bool fc__h2_out_reserve_segment(struct fc__h2_out *out) {
  return out->end < out->limit || grow_segments(out);
}

static struct fc__h2_segment *add_segment(struct fc__h2_out *out) {
  struct fc__h2_segment *segment = out->end++;
  segment->own = out->buf.data;
  segment->own_len = out->buf.len;
  segment->own_cap = out->buf.cap;
  segment->body_len = segment->written = 0;
  segment->owner = NULL;
  segment->secret = out->buf.secret;
  out->segment_bytes += out->buf.len;
  return segment;
}

/* Enough waits for the next writes: what follows is better gathered in the buffer. */
static bool enough_is_handed_out(const struct fc__h2_out *out) {
  return out->end - out->first >= FC__H2_IOV_MAX / 2 || out->segment_bytes >= FC__H2_OUT_LIMIT;
}

/* Without memory for one more segment those that are there are written first. */
static void hand_out_buffer(struct fc__h2_out *out) {
  if (out->buf.len == 0 || enough_is_handed_out(out) || !fc__h2_out_reserve_segment(out)) return;
  (void)add_segment(out);
  next_buffer(out);
}

void fc__h2_out_add_body(struct fc__h2_out *out, fc_slice body, fc_bytes *owner) {
  struct fc__h2_segment *segment = add_segment(out);
  segment->body = body.data;
  segment->body_len = body.len;
  segment->owner = fc_bytes_ref(owner);
  out->segment_bytes += body.len;
  if (segment->own_len <= sizeof segment->head && !segment->secret) {
    memcpy(segment->head, segment->own, segment->own_len);
    segment->own = NULL;
    out->buf.len = 0;
  } else {
    next_buffer(out);
  }
}

static void finish_segment(struct fc__h2_conn *c, struct fc__h2_segment *segment) {
  if (segment->own) release_buffer(&c->out, segment);
  if (segment->owner) fc__h2_unref(c, segment->owner);
}

void fc__h2_out_finish(struct fc__h2_conn *c) {
  struct fc__h2_out *out = &c->out;
  while (out->first < out->end) finish_segment(c, out->first++);
  fc__free(out->segments);
  fc__buf_finish(&out->buf);
  fc__free(out->spare);
}

/* ---- control frames ---- */

/* When all bytes queued before the present epoch are written, their count is dropped and the next epoch begins. The sum
 * may count too many, by one epoch, and is exact while nothing is written at all. */
static void forget_written(struct fc__h2_out *out) {
  if (out->written < out->epoch_at) return;
  out->epoch_at = out->written + fc__h2_out_pending(out);
  out->controls[0] = out->controls[1];
  out->acks[0] = out->acks[1];
  out->controls[1] = out->acks[1] = 0;
}

static void count_control(struct fc__h2_conn *c, bool ack) {
  struct fc__h2_out *out = &c->out;
  out->controls[1]++;
  out->acks[1] += ack;
  if (out->acks[0] + out->acks[1] > ACKS_MAX) {
    fc__h2_fail(c, FC__H2_ENHANCE_YOUR_CALM, "too many frames to acknowledge, and none is read");
  } else if (out->controls[0] + out->controls[1] > CONTROLS_MAX) {
    fc__h2_fail(c, FC__H2_ENHANCE_YOUR_CALM, "too many control frames, and none is read");
  }
}

void fc__h2_put_frame(struct fc__h2_conn *c, enum fc__h2_type type, uint8_t flags, uint32_t id,
                      const uint8_t *payload, uint32_t len) {
  uint8_t *p = fc__h2_out_room(c, FC__H2_HEADER_LEN + len);
  if (!p) {
    fc__h2_fail_memory(c);
    return;
  }
  fc__h2_frame_write(
      p, (struct fc__h2_frame){.len = len, .type = (uint8_t)type, .flags = flags, .id = id});
  if (len) memcpy(p + FC__H2_HEADER_LEN, payload, len);
  c->out.buf.len += FC__H2_HEADER_LEN + len;
  c->out.open_frame_id = 0;
}

void fc__h2_put_control(struct fc__h2_conn *c, enum fc__h2_type type, uint8_t flags, uint32_t id,
                        const uint8_t *payload, uint32_t len) {
  fc__h2_put_frame(c, type, flags, id, payload, len);
  count_control(c, (type == FC__H2_PING || type == FC__H2_SETTINGS) && (flags & FC__H2_ACK));
}

void fc__h2_put_u32_frame(struct fc__h2_conn *c, enum fc__h2_type type, uint32_t id,
                          uint32_t value) {
  uint8_t payload[4];
  fc__h2_put_u32(payload, value);
  fc__h2_put_control(c, type, 0, id, payload, sizeof payload);
}

/* ---- writing ---- */

/* The unwritten part of a segment, in at most two entries. */
static int fill_from(const struct fc__h2_segment *segment, struct iovec *iov) {
  size_t at = segment->written, own_len = segment->own_len;
  int count = 0;
  if (at < own_len) {
    const uint8_t *own = segment->own ? segment->own : segment->head;
    iov[count++] = (struct iovec){(void *)(uintptr_t)(own + at), own_len - at};
    at = own_len;
  }
  size_t body_at = at - own_len;
  if (body_at < segment->body_len) {
    iov[count++] =
        (struct iovec){(void *)(uintptr_t)(segment->body + body_at), segment->body_len - body_at};
  }
  return count;
}

static int fill(const struct fc__h2_out *out, struct iovec *iov) {
  int count = 0;
  for (const struct fc__h2_segment *s = out->first; s < out->end && count < FC__H2_IOV_MAX - 1; s++)
    count += fill_from(s, iov + count);
  return count;
}

int fc__h2_output(struct fc__h2_conn *c, struct iovec iov[FC__H2_IOV_MAX], int64_t now) {
  struct fc__h2_out *out = &c->out;
  c->now = now;
  if (!fc__list_empty(&c->done)) fc__h2_report_done(c);
  if (c->closed) return 0;
  if (c->result == 0 && fc__h2_can_produce(c)) fc__h2_produce(c);
  if (out->first < out->end) {
    hand_out_buffer(out);
    return fill(out, iov);
  }
  out->open_frame_id = 0; /* what is handed out must not grow */
  iov[0] = (struct iovec){out->buf.data, out->buf.len};
  return out->buf.len > 0;
}

/* Counts up to len bytes of the first segment as written. How many. */
static size_t write_first(struct fc__h2_conn *c, size_t len) {
  struct fc__h2_out *out = &c->out;
  struct fc__h2_segment *segment = out->first;
  assert(segment < out->end && "more was written than was handed out");
  size_t left = segment->own_len + segment->body_len - segment->written;
  if (len < left) {
    segment->written += len;
    out->segment_bytes -= len;
    return len;
  }
  out->segment_bytes -= left;
  out->first++;
  finish_segment(c, segment);
  if (out->first == out->end) out->first = out->end = out->segments;
  return left;
}

/* The buffer alone was handed out, and there is room for a segment. */
static void write_buffer(struct fc__h2_out *out, size_t len) {
  struct fc__buf *b = &out->buf;
  assert(len <= b->len && "more was written than was handed out");
  if (len < b->len) {
    add_segment(out)->written = len;
    out->segment_bytes -= len;
    next_buffer(out);
    return;
  }
  if (b->secret) fc__erase(b->data, b->len);
  b->secret = false;
  if (is_too_large(b->cap, b->len)) fc__buf_finish(b);
  b->len = 0;
}

/* Gives back what was needed only because the peer was slow. */
FC__H2_RARE static void shrink(struct fc__h2_out *out) {
  fc__free(out->spare);
  out->spare = NULL;
  out->spare_cap = 0;
  if (out->limit - out->segments <= SEGMENTS_KEPT) return;
  struct fc__h2_segment *fewer = fc__resize(out->segments, SEGMENTS_FIRST * sizeof *fewer);
  if (fewer) set_segments(out, fewer, 0, SEGMENTS_FIRST);
}

static void start_over(struct fc__h2_out *out) {
  out->controls[0] = out->controls[1] = out->acks[0] = out->acks[1] = 0;
  out->epoch_at = out->written;
  if (out->spare || out->limit - out->segments > SEGMENTS_KEPT) shrink(out);
}

void fc__h2_written(struct fc__h2_conn *c, size_t len, int64_t now) {
  struct fc__h2_out *out = &c->out;
  c->now = now;
  out->written += len;
  if (out->first == out->end) {
    write_buffer(out, len);
  } else {
    while (len > 0) len -= write_first(c, len);
  }
  if (fc__h2_out_pending(out) == 0) {
    start_over(out);
  } else {
    forget_written(out);
  }
}

size_t fc__h2_buffered(const struct fc__h2_conn *c) {
  return c->queued + fc__h2_out_pending(&c->out);
}

bool fc__h2_wants_write(const struct fc__h2_conn *c) {
  if (!fc__list_empty(&c->done)) return true;
  if (c->closed) return false;
  return fc__h2_out_pending(&c->out) > 0 || (c->result == 0 && fc__h2_can_produce(c));
}
