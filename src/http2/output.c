/*
 * Bytes waiting to be written: one buffer that frames are built in, and references to large
 * payloads inserted between them. Writing consumes from the front; the buffer starts over when all
 * is written, and is moved together now and then when it never is.
 */
#include <assert.h>

#include "base/mem.h"
#include "http2/conn_internal.h"

enum {
  OUT_MAX = 64 * 1024 * 1024, /* header blocks and small messages of very many streams */
  OUT_KEPT = 65536,           /* a larger buffer is given back when it was used but little */
  ACKS_MAX = 1000,            /* not written yet: CVE-2019-9512, CVE-2019-9515 */
  CONTROLS_MAX = 5000,        /* of all kinds: CVE-2019-9514 */
};

void fc__h2_out_init(struct fc__h2_out *out) { fc__buf_init(&out->buf, OUT_MAX); }

void fc__h2_out_finish(struct fc__h2_conn *c) {
  struct fc__h2_out *out = &c->out;
  for (uint32_t i = out->refs_first; i < out->refs_count; i++) {
    fc__h2_unref(c, out->refs[i].owner);
  }
  fc__free(out->refs);
  fc__buf_finish(&out->buf);
}

/* Drops the written bytes at the front. Moving costs no more than writing them did, since they
 * are the larger part. */
static void move_together(struct fc__h2_out *out) {
  size_t by = out->start;
  if (by < OUT_KEPT || by < out->buf.len / 2) return;
  fc__buf_consume(&out->buf, by);
  out->start = 0;
  out->sealed -= by;
  out->tail -= by;
  for (uint32_t i = out->refs_first; i < out->refs_count; i++) out->refs[i].at -= by;
}

uint8_t *fc__h2_out_grow(struct fc__h2_conn *c, size_t len) {
  return fc__buf_reserve(&c->out.buf, len);
}

static bool grow_refs(struct fc__h2_out *out) {
  if (out->refs_first > 0 && out->refs_first >= out->refs_cap / 2) {
    out->refs_count -= out->refs_first;
    memmove(out->refs, out->refs + out->refs_first, out->refs_count * sizeof *out->refs);
    out->refs_first = 0;
    return true;
  }
  uint32_t cap = out->refs_cap ? 2 * out->refs_cap : 16;
  struct fc__h2_ref *refs = fc__resize(out->refs, cap * sizeof *refs);
  if (!refs) return false;
  out->refs = refs;
  out->refs_cap = cap;
  return true;
}

bool fc__h2_out_ref(struct fc__h2_conn *c, const uint8_t *data, size_t len, fc_bytes *owner) {
  struct fc__h2_out *out = &c->out;
  if (out->refs_count == out->refs_cap && !grow_refs(out)) return false;
  out->refs[out->refs_count++] = (struct fc__h2_ref){
      .at = out->buf.len, .data = data, .len = len, .owner = fc_bytes_ref(owner)};
  out->ref_bytes += len;
  return true;
}

void fc__h2_out_cut(struct fc__h2_conn *c, size_t at, uint32_t refs) {
  struct fc__h2_out *out = &c->out;
  out->buf.len = at;
  while (out->refs_count - out->refs_first > refs) {
    struct fc__h2_ref *ref = &out->refs[--out->refs_count];
    out->ref_bytes -= ref->len;
    fc__h2_unref(c, ref->owner);
  }
}

/* ---- control frames ---- */

/* Frames queued before the mark are written once the mark is. So a count is at most two rounds
 * of writing old, and exact while nothing is written at all. */
static void forget_written(struct fc__h2_out *out) {
  if (out->written < out->mark) return;
  out->mark = out->written + fc__h2_out_pending(out);
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
  c->out.tail_id = 0;
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

static int fill(const struct fc__h2_out *out, struct iovec *iov) {
  size_t at = out->start;
  uint32_t next = out->refs_first;
  int count = 0;
  for (; next < out->refs_count && count < FC__H2_IOV_MAX; next++) {
    const struct fc__h2_ref *ref = &out->refs[next];
    if (ref->at > at) iov[count++] = (struct iovec){out->buf.data + at, ref->at - at};
    at = ref->at;
    if (count == FC__H2_IOV_MAX) return count;
    iov[count++] = (struct iovec){(void *)(uintptr_t)ref->data, ref->len};
  }
  if (at < out->buf.len && count < FC__H2_IOV_MAX) {
    iov[count++] = (struct iovec){out->buf.data + at, out->buf.len - at};
  }
  return count;
}

int fc__h2_output(struct fc__h2_conn *c, struct iovec iov[FC__H2_IOV_MAX], int64_t now) {
  c->now = now;
  if (!fc__list_empty(&c->done)) fc__h2_report_done(c);
  if (c->closed) return 0;
  if (c->result == 0 && fc__h2_can_produce(c)) fc__h2_produce(c);
  c->out.sealed = c->out.buf.len;
  return fill(&c->out, iov);
}

/* Takes up to len bytes off the front: a reference that lies there, or buffered bytes before the
 * next one. */
static size_t take_front(struct fc__h2_conn *c, size_t len) {
  struct fc__h2_out *out = &c->out;
  struct fc__h2_ref *ref = out->refs_first < out->refs_count ? &out->refs[out->refs_first] : NULL;
  if (!ref || ref->at > out->start) {
    size_t most = (ref ? ref->at : out->buf.len) - out->start;
    if (len > most) len = most;
    out->start += len;
    return len;
  }
  if (len > ref->len) len = ref->len;
  ref->data += len;
  ref->len -= len;
  out->ref_bytes -= len;
  if (ref->len == 0) {
    fc__h2_unref(c, ref->owner);
    if (++out->refs_first == out->refs_count) out->refs_first = out->refs_count = 0;
  }
  return len;
}

static void start_over(struct fc__h2_out *out) {
  if (out->secrets) fc__erase(out->buf.data, out->buf.len);
  out->secrets = false;
  if (out->buf.cap > OUT_KEPT && out->buf.len < out->buf.cap / 8) fc__buf_finish(&out->buf);
  out->start = out->sealed = 0;
  out->buf.len = 0;
  out->tail_id = 0;
  out->refs_first = out->refs_count = 0;
  out->controls[0] = out->controls[1] = out->acks[0] = out->acks[1] = 0;
  out->mark = out->written;
}

void fc__h2_written(struct fc__h2_conn *c, size_t len, int64_t now) {
  struct fc__h2_out *out = &c->out;
  c->now = now;
  assert(len <= fc__h2_out_pending(out) && "more was written than waited");
  out->written += len;
  while (len > 0) len -= take_front(c, len);
  if (fc__h2_out_pending(out) == 0) {
    start_over(out);
  } else {
    forget_written(out);
    move_together(out);
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
