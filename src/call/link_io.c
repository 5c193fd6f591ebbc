/*
 * Reading into the engine, and one gathered write for everything that was queued in a turn.
 */
#include <errno.h>

#include "call/link_internal.h"

enum {
  READS_PER_TURN = 4, /* then other connections have their turn; level triggering brings the rest */
  READS_TO_THE_END = 64, /* a connection with more to read than that has not ended */
};

/* ---- writing ---- */

static void set_blocked(struct fc__link *link, bool blocked) {
  if (blocked == link->writing_blocked) return;
  link->writing_blocked = blocked;
  unsigned write = blocked ? (unsigned)FC__READY_WRITE : 0;
  link->transport->ops->want(link->transport, FC__READY_READ | write);
}

/* The peer takes nothing: its socket is full, or its windows are shut (a slow read, CVE-2019-9511, CVE-2019-9517). What is
 * written on any stream counts as progress, so only a connection on which nothing moves stalls. */
static void note_stall(struct fc__link *link, bool wrote, int64_t now) {
  if (fc__h2_buffered(link->h2) == 0) {
    link->stalled_since = FC_NEVER;
  } else if (wrote || link->stalled_since == FC_NEVER) {
    link->stalled_since = now;
  }
}

int fc__link_write_out(struct fc__link *link, int64_t now) {
  struct iovec iov[FC__H2_IOV_MAX];
  bool wrote = false, full = false;
  for (int count; !full && (count = fc__h2_output(link->h2, iov, now)) > 0;) {
    size_t total = 0;
    for (int i = 0; i < count; i++) total += iov[i].iov_len;
    ssize_t n = link->transport->ops->write(link->transport, iov, count);
    if (n == -EAGAIN) n = 0;
    if (n < 0) return (int)n;
    if (n > 0) fc__h2_written(link->h2, (size_t)n, now);
    wrote = wrote || n > 0;
    full = (size_t)n < total;
  }
  set_blocked(link, full);
  note_stall(link, wrote, now);
  return 0;
}

/* ---- reading ---- */

/* How many bytes came; 0: none lay there, or the link is down. */
static size_t read_once(struct fc__link *link, int64_t now) {
  struct iovec iov = {link->loop->scratch, FC__LOOP_SCRATCH};
  link->looked_at = now;
  ssize_t n = link->transport->ops->read(link->transport, &iov, 1);
  if (n == -EAGAIN) return 0;
  if (n <= 0) {
    if (n < 0) {
      fc__link_down_system(link, "reading from", (int)-n, now);
    } else {
      fc__link_down(link, now, "%s closed the connection", link->peer);
    }
    return 0;
  }
  link->last_read = now;
  link->ping_sent = FC_NEVER;
  if (fc__h2_receive(link->h2, (fc_slice){link->loop->scratch, (size_t)n}, now) < 0) {
    if (!link->down) fc__link_fail(link, now);
    return 0;
  }
  return link->down ? 0 : (size_t)n;
}

/* A short read does not show that nothing lies behind: the end of a stream is found by the next one. */
static void read_to_the_end(struct fc__link *link, int64_t now) {
  for (int i = 0; i < READS_TO_THE_END && !link->down && read_once(link, now) > 0; i++) {
  }
}

/* What waited to be written may have gone with a stream that the peer has reset. */
static void forget_stall(struct fc__link *link) {
  if (link->stalled_since != FC_NEVER && fc__h2_buffered(link->h2) == 0)
    link->stalled_since = FC_NEVER;
}

static void after_reading(struct fc__link *link) {
  forget_stall(link);
  if (!link->down && (link->closing || fc__h2_wants_write(link->h2))) fc__link_touch(link);
  fc__link_schedule(link);
}

void fc__link_probe(struct fc__link *link, int64_t now) {
  fc__link_enter(link);
  read_to_the_end(link, now);
  after_reading(link);
  fc__link_leave(link);
}

void fc__link_on_ready(struct fc__transport *transport, unsigned ready, int64_t now) {
  struct fc__link *link = transport->user;
  fc__link_enter(link);
  if (link->lingers) {
    fc__link_read_lingering(link, now);
  } else if (ready & FC__READY_READ) {
    for (int i = 0; i < READS_PER_TURN && read_once(link, now) == FC__LOOP_SCRATCH; i++) {
    }
  }
  if (!link->down && (ready & FC__READY_WRITE)) fc__link_touch(link);
  after_reading(link);
  fc__link_leave(link);
}

/* ---- the end of a turn ---- */

/* A connection that goes away ends with its last stream. */
static bool is_drained(const struct fc__link *link) {
  return link->closing && fc__h2_stream_count(link->h2) == 0 && !fc__h2_wants_write(link->h2);
}

void fc__link_flush_run(struct fc__flush *flush, int64_t now) {
  struct fc__link *link = FC__CONTAINER(flush, struct fc__link, flush);
  if (link->down) return;
  fc__link_enter(link);
  int failed = fc__link_write_out(link, now);
  if (failed < 0) {
    read_to_the_end(link, now); /* a peer that has closed may have answered before */
    fc__link_down_system(link, "writing to", -failed, now);
  } else if (is_drained(link)) {
    fc__link_down_gently(link, now, "the connection with %s went away", link->peer);
  }
  fc__link_schedule(link);
  fc__link_leave(link);
}
