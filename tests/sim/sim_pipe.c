/*
 * One direction of a simulated connection: segments that arrive in order, each after the link's latency, then
 * perhaps an end or a reset. State follows from the clock alone; times are noted so that it moves there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim_internal.h"

void sim_pipe_init(struct sim_pipe *p) {
  memset(p, 0, sizeof *p);
  p->end_at = p->reset_at = FC_NEVER;
}

static void drop_first(struct sim_pipe *p) {
  struct sim_segment *s = p->first;
  p->held -= s->len - s->taken;
  p->first = s->next;
  if (p->first == NULL) p->last = NULL;
  free(s);
}

void sim_pipe_finish(struct sim_pipe *p) {
  while (p->first) drop_first(p);
}

/* ---- reading ---- */

static bool has_bytes(const struct sim *sim, const struct sim_pipe *p) {
  return p->first && p->first->at <= sim->now;
}

static bool is_reset(const struct sim *sim, const struct sim_pipe *p) {
  return p->reset_at <= sim->now && !has_bytes(sim, p);
}

static bool is_at_end(const struct sim *sim, const struct sim_pipe *p) {
  return p->first == NULL && p->end_at <= sim->now;
}

bool sim_pipe_readable(const struct sim *sim, const struct sim_pipe *p) {
  return has_bytes(sim, p) || is_at_end(sim, p) || is_reset(sim, p);
}

/* How many bytes a read gives at most, as the link says. */
static size_t read_limit(struct sim_connection *c) {
  const struct sim_link *link = &c->link;
  if (link->read_max == 0) return SIZE_MAX;
  size_t least = link->read_min ? link->read_min : 1;
  if (least >= link->read_max) return link->read_max;
  return least + (size_t)fc__random_below(&c->sim->random, link->read_max - least + 1);
}

static size_t take(const struct sim *sim, struct sim_pipe *p, uint8_t *to, size_t max) {
  size_t done = 0;
  while (done < max && has_bytes(sim, p)) {
    struct sim_segment *s = p->first;
    size_t n = s->len - s->taken < max - done ? s->len - s->taken : max - done;
    memcpy(to + done, s->bytes + s->taken, n);
    done += n;
    s->taken += n;
    p->held -= n;
    if (s->taken == s->len) drop_first(p);
  }
  return done;
}

ssize_t sim_pipe_read(struct sim_connection *c, struct sim_pipe *p, const struct iovec *iov,
                      int count) {
  struct sim *sim = c->sim;
  if (is_reset(sim, p)) return -ECONNRESET;
  if (!has_bytes(sim, p)) return is_at_end(sim, p) ? 0 : -EAGAIN;
  size_t limit = read_limit(c), total = 0;
  for (int i = 0; i < count && total < limit; i++) {
    size_t max = iov[i].iov_len < limit - total ? iov[i].iov_len : limit - total;
    size_t n = take(sim, p, iov[i].iov_base, max);
    total += n;
    if (n < max) break;
  }
  sim_note(sim, 2 * total);
  return (ssize_t)total;
}

/* ---- writing ---- */

static int64_t arrival(struct sim_connection *c, struct sim_pipe *p) {
  int64_t at = c->sim->now + c->link.latency;
  if (c->link.jitter > 0) {
    at += (int64_t)fc__random_below(&c->sim->random, (uint64_t)c->link.jitter + 1);
  }
  if (at < p->arrival) at = p->arrival;
  p->arrival = at;
  sim_note_time(c->sim, at);
  return at;
}

static size_t room(struct sim_connection *c, const struct sim_pipe *p) {
  size_t left = c->link.buffer > p->held ? c->link.buffer - p->held : 0;
  if (c->link.write_max == 0 || left == 0) return left;
  size_t most = 1 + (size_t)fc__random_below(&c->sim->random, c->link.write_max);
  return most < left ? most : left;
}

static size_t gather(const struct iovec *iov, int count, uint8_t *to, size_t max) {
  size_t done = 0;
  for (int i = 0; i < count && done < max; i++) {
    size_t n = iov[i].iov_len < max - done ? iov[i].iov_len : max - done;
    if (n == 0) continue;
    if (to) memcpy(to + done, iov[i].iov_base, n);
    done += n;
  }
  return done;
}

/* Bytes past a cut count as written, and are lost. */
static size_t before_cut(const struct sim_connection *c, const struct sim_pipe *p, size_t len) {
  if (p->deaf) return 0;
  if (c->link.cut == SIM_CUT_NONE || p != &c->pipes[c->link.cut_direction]) return len;
  uint64_t left = c->link.cut_at > p->written ? c->link.cut_at - p->written : 0;
  return left < len ? (size_t)left : len;
}

static void append(struct sim_connection *c, struct sim_pipe *p, const struct iovec *iov, int count,
                   size_t len) {
  struct sim_segment *s = sim_alloc(sizeof *s + len);
  s->len = gather(iov, count, s->bytes, len);
  s->at = arrival(c, p);
  if (p->last) {
    p->last->next = s;
  } else {
    p->first = s;
  }
  p->last = s;
  p->held += len;
}

ssize_t sim_pipe_write(struct sim_connection *c, struct sim_pipe *p, const struct iovec *iov,
                       int count) {
  size_t space = room(c, p), len = gather(iov, count, NULL, space);
  if (space == 0) return -EAGAIN;
  size_t arriving = before_cut(c, p, len);
  if (arriving > 0) append(c, p, iov, count, arriving);
  p->written += len;
  sim_note(c->sim, 2 * len + 1);
  sim_connection_cut_if_due(c);
  return (ssize_t)len;
}

/* ---- ends ---- */

void sim_pipe_end(struct sim_connection *c, struct sim_pipe *p) {
  if (!p->deaf && p->end_at == FC_NEVER) p->end_at = arrival(c, p);
}

void sim_pipe_reset(struct sim_connection *c, struct sim_pipe *p, int64_t delay) {
  int64_t at = c->sim->now + delay;
  if (at < p->arrival) at = p->arrival;
  if (p->deaf || at >= p->reset_at) return;
  p->reset_at = at;
  sim_note_time(c->sim, at);
}

void sim_connection_cut(struct sim_connection *c, enum sim_cut_kind kind) {
  struct sim_pipe *there = &c->pipes[c->link.cut_direction];
  struct sim_pipe *back = &c->pipes[!c->link.cut_direction];
  if (kind == SIM_CUT_RESET) {
    sim_pipe_reset(c, there, c->link.latency);
    sim_pipe_reset(c, back, c->link.latency);
  } else if (kind == SIM_CUT_END) {
    sim_pipe_end(c, there);
  }
  if (kind != SIM_CUT_NONE) there->deaf = true;
  if (kind == SIM_CUT_BLACK_HOLE || kind == SIM_CUT_RESET) back->deaf = true;
}

void sim_connection_cut_if_due(struct sim_connection *c) {
  if (c->link.cut == SIM_CUT_NONE) return;
  if (c->pipes[c->link.cut_direction].written < c->link.cut_at) return;
  enum sim_cut_kind kind = c->link.cut;
  c->link.cut = SIM_CUT_NONE;
  sim_connection_cut(c, kind);
}
