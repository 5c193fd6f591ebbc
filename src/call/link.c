/*
 * The glue between one transport and one HTTP/2 connection: reading, one gathered write for everything that was
 * queued, the connection's timers, its end. What the streams say goes to call/events.c.
 */
#include "call/link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "call/events.h"
#include "call/internal.h"

enum {
  LINGER_BYTES = 1 << 20,
  READS_PER_TURN = 4, /* then other connections have their turn; level triggering brings the rest */
  KEEPALIVE_PING = 1, /* opaque value of our own pings */
};

static void count_buffered(struct fc__link *link, size_t bytes) {
  if (!link->total) return;
  *link->total += bytes - link->counted;
  link->counted = bytes;
}

static void link_free(struct fc__link *link) {
  count_buffered(link, 0);
  if (fc__node_linked(&link->flush.link)) fc__list_remove(&link->flush.link);
  fc__loop_timer_stop(link->loop, &link->timer);
  fc__h2_conn_destroy(link->h2);
  fc__repeat_finish(link);
  fc__free(link);
}

static void enter(struct fc__link *link) { link->busy++; }

/* The owner may have destroyed the link in an event: it is freed here, when nothing of it is on the
 * stack. Whatever was queued or written meanwhile, the owner's sum is right again. */
static void leave(struct fc__link *link) {
  if (--link->busy > 0) return;
  if (link->destroyed) {
    link_free(link);
  } else {
    count_buffered(link, fc__h2_buffered(link->h2));
  }
}

static const int64_t linger_time = FC_SECOND;

static void close_transport(struct fc__link *link) {
  fc__loop_timer_stop(link->loop, &link->timer);
  link->transport->ops->close(link->transport);
  link->transport = NULL;
}

/* The engine is told, and the calls by it; the transport is still there. */
static void end_engine(struct fc__link *link, const char *format, va_list args) {
  vsnprintf(link->reason, sizeof link->reason, format, args);
  size_t len = strlen(link->reason);
  if (link->farewell[0])
    snprintf(link->reason + len, sizeof link->reason - len, " (%s)", link->farewell);
  link->down = true;
  fc__h2_close(link->h2, FC__H2_CANCEL, true);
}

static void go_down(struct fc__link *link, int64_t now, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void go_down(struct fc__link *link, int64_t now, const char *format, ...) {
  if (link->down) return;
  va_list args;
  va_start(args, format);
  end_engine(link, format, args);
  va_end(args);
  close_transport(link);
  link->ops->on_down(link, link->reason, now);
}

/*
 * A server's last words. Closing a socket whose input was not read makes the system send a reset, which can destroy what
 * the client has not read yet, GOAWAY included: so the server only stops writing, and closes when the client has,
 * or after a while.
 */
static void go_down_gently(struct fc__link *link, int64_t now, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void go_down_gently(struct fc__link *link, int64_t now, const char *format, ...) {
  if (link->down) return;
  va_list args;
  va_start(args, format);
  end_engine(link, format, args);
  va_end(args);
  if (link->config.h2.server && link->transport->ops->shutdown) {
    link->transport->ops->shutdown(link->transport);
    link->transport->ops->want(link->transport, FC__READY_READ);
    link->lingers = LINGER_BYTES;
    fc__loop_timer_set(link->loop, &link->timer, now + linger_time);
  } else {
    close_transport(link);
    link->ops->on_down(link, link->reason, now);
  }
}

static void end_linger(struct fc__link *link, int64_t now) {
  link->lingers = 0;
  close_transport(link);
  link->ops->on_down(link, link->reason, now);
}

static void read_lingering(struct fc__link *link, int64_t now) {
  struct iovec iov = {link->loop->scratch, FC__LOOP_SCRATCH};
  ssize_t n = link->transport->ops->read(link->transport, &iov, 1);
  if (n == -EAGAIN) return;
  if (n <= 0 || (size_t)n >= link->lingers) {
    end_linger(link, now);
  } else {
    link->lingers -= (size_t)n;
  }
}

static void go_down_system(struct fc__link *link, const char *step, int system, int64_t now) {
  fc_error err;
  (void)fc__error_system(&err, system, "%s %s", step, link->peer);
  go_down(link, now, "%s", err.message);
}

static int write_out(struct fc__link *link, int64_t now);

/* The engine refuses to go on: its GOAWAY is written if the socket takes it now. */
static void fail_by_engine(struct fc__link *link, int64_t now) {
  uint32_t code;
  const char *text = fc__h2_failure(link->h2, &code);
  (void)write_out(link, now);
  go_down_gently(link, now, "HTTP/2 connection with %s: %s (%s)", link->peer, text,
                 fc__h2_error_name(code));
}

/* ---- timers ---- */

static int64_t after(int64_t from, int64_t span) {
  return span == FC_NEVER || from > FC_NEVER - span ? FC_NEVER : from + span;
}

static bool keepalive_is_due(const struct fc__link *link) {
  if (link->config.keepalive_time == FC_NEVER) return false;
  return link->config.keepalive_without_calls || fc__h2_stream_count(link->h2) > 0;
}

static int64_t next_at(const struct fc__link *link) {
  int64_t at = fc__h2_next_at(link->h2), other = FC_NEVER;
  if (link->writing_blocked) other = after(link->last_progress, link->config.stall_timeout);
  if (other < at) at = other;
  other = FC_NEVER;
  if (link->ping_sent != FC_NEVER) {
    other = after(link->ping_sent, link->config.keepalive_timeout);
  } else if (keepalive_is_due(link)) {
    other = after(link->last_read, link->config.keepalive_time);
  }
  return other < at ? other : at;
}

/* Moves the timer only to an earlier time: one that fires too early looks again, so a busy connection touches the
 * timer once a period and not with each message. */
static void schedule(struct fc__link *link) {
  if (link->down) return;
  int64_t at = next_at(link);
  if (at < link->timer.at) fc__loop_timer_set(link->loop, &link->timer, at);
}

static void check_keepalive(struct fc__link *link, int64_t now) {
  if (link->ping_sent != FC_NEVER) {
    if (now >= after(link->ping_sent, link->config.keepalive_timeout)) {
      go_down(link, now, "keepalive: no answer from %s to a ping", link->peer);
    }
  } else if (keepalive_is_due(link) && now >= after(link->last_read, link->config.keepalive_time)) {
    link->ping_sent = now;
    fc__h2_ping(link->h2, KEEPALIVE_PING);
    fc__link_touch(link);
  }
}

static void timer_fire(struct fc__timer *timer, int64_t now) {
  struct fc__link *link = FC__CONTAINER(timer, struct fc__link, timer);
  enter(link);
  link->timer.at = FC_NEVER;
  if (link->lingers) end_linger(link, now);
  if (!link->down && link->writing_blocked &&
      now >= after(link->last_progress, link->config.stall_timeout)) {
    go_down(link, now, "writing to %s: no progress, the peer does not read", link->peer);
  }
  if (!link->down && now >= fc__h2_next_at(link->h2) && fc__h2_tick(link->h2, now) < 0) {
    fail_by_engine(link, now);
  }
  if (!link->down) check_keepalive(link, now);
  if (!link->down && fc__h2_wants_write(link->h2)) fc__link_touch(link);
  schedule(link);
  leave(link);
}

/* ---- writing ---- */

static void set_blocked(struct fc__link *link, bool blocked, int64_t now) {
  if (blocked && !link->writing_blocked) link->last_progress = now;
  if (blocked == link->writing_blocked) return;
  link->writing_blocked = blocked;
  unsigned write = blocked ? (unsigned)FC__READY_WRITE : 0;
  link->transport->ops->want(link->transport, FC__READY_READ | write);
}

/* Writes until all is out, the socket is full, or writing fails (a negative errno). */
static int write_out(struct fc__link *link, int64_t now) {
  struct iovec iov[FC__H2_IOV_MAX];
  for (int count; (count = fc__h2_output(link->h2, iov, now)) > 0;) {
    size_t total = 0;
    for (int i = 0; i < count; i++) total += iov[i].iov_len;
    ssize_t n = link->transport->ops->write(link->transport, iov, count);
    if (n == -EAGAIN) n = 0;
    if (n < 0) return (int)n;
    if (n > 0) {
      fc__h2_written(link->h2, (size_t)n, now);
      link->last_progress = now;
    }
    if ((size_t)n < total) {
      set_blocked(link, true, now);
      return 0;
    }
  }
  set_blocked(link, false, now);
  return 0;
}

/* A connection that goes away ends with its last stream. */
static bool is_drained(const struct fc__link *link) {
  return link->closing && fc__h2_stream_count(link->h2) == 0 && !fc__h2_wants_write(link->h2);
}

static void flush_run(struct fc__flush *flush, int64_t now) {
  struct fc__link *link = FC__CONTAINER(flush, struct fc__link, flush);
  if (link->down) return;
  enter(link);
  int failed = write_out(link, now);
  if (failed < 0) {
    go_down_system(link, "writing to", -failed, now);
  } else if (is_drained(link)) {
    go_down_gently(link, now, "the connection with %s went away", link->peer);
  }
  schedule(link);
  leave(link);
}

void fc__link_touch(struct fc__link *link) {
  if (!link->down) fc__loop_flush(link->loop, &link->flush);
}

/* ---- reading ---- */

static bool read_once(struct fc__link *link, int64_t now) {
  struct iovec iov = {link->loop->scratch, FC__LOOP_SCRATCH};
  ssize_t n = link->transport->ops->read(link->transport, &iov, 1);
  if (n == -EAGAIN) return false;
  if (n <= 0) {
    if (n < 0) {
      go_down_system(link, "reading from", (int)-n, now);
    } else {
      go_down(link, now, "%s closed the connection", link->peer);
    }
    return false;
  }
  link->last_read = now;
  link->ping_sent = FC_NEVER;
  if (fc__h2_receive(link->h2, (fc_slice){link->loop->scratch, (size_t)n}, now) < 0) {
    if (!link->down) fail_by_engine(link, now);
    return false;
  }
  return !link->down && (size_t)n == FC__LOOP_SCRATCH;
}

static void on_ready(struct fc__transport *transport, unsigned ready, int64_t now) {
  struct fc__link *link = transport->user;
  enter(link);
  if (link->lingers) {
    read_lingering(link, now);
  } else if (ready & FC__READY_READ) {
    for (int i = 0; i < READS_PER_TURN && read_once(link, now); i++) {
    }
  }
  if (!link->down && ((ready & FC__READY_WRITE) || link->closing || fc__h2_wants_write(link->h2))) {
    fc__link_touch(link);
  }
  schedule(link);
  leave(link);
}

/* ---- life ---- */

static bool give_scratch(struct fc__loop *loop) {
  if (!loop->scratch) loop->scratch = fc__alloc(FC__LOOP_SCRATCH);
  return loop->scratch != NULL;
}

struct fc__link *fc__link_create(struct fc__loop *loop, struct fc__transport *transport,
                                 const char *peer_text, const struct fc__link_config *config,
                                 const struct fc__link_ops *ops, void *owner, int64_t now) {
  struct fc__link *link = give_scratch(loop) ? fc__alloc_zero(sizeof *link) : NULL;
  if (link) link->h2 = fc__h2_conn_create(&config->h2, &fc__call_events, link, now);
  if (!link || !link->h2) {
    transport->ops->close(transport);
    fc__free(link);
    return NULL;
  }
  link->loop = loop;
  link->transport = transport;
  link->ops = ops;
  link->owner = owner;
  link->config = *config;
  link->flush.run = flush_run;
  fc__node_init(&link->flush.link);
  link->timer.fire = timer_fire;
  link->timer.at = FC_NEVER;
  link->last_read = link->last_progress = now;
  link->ping_sent = FC_NEVER;
  snprintf(link->peer, sizeof link->peer, "%s", peer_text);
  link->peer_len = strlen(link->peer);
  transport->user = link;
  transport->on_ready = on_ready;
  transport->ops->want(transport, FC__READY_READ);
  fc__link_touch(link);
  schedule(link);
  return link;
}

bool fc__link_has_room(const struct fc__link *link) {
  return link->up && !link->down && !link->going_away && fc__h2_can_open(link->h2);
}

void fc__link_close(struct fc__link *link, uint32_t h2_code, const char *reason, int64_t now) {
  enter(link);
  if (link->lingers) end_linger(link, now);
  if (!link->down) {
    fc__h2_goaway(link->h2, h2_code, "", true);
    (void)write_out(link, now);
    go_down(link, now, "%s", reason);
  }
  leave(link);
}

void fc__link_goaway(struct fc__link *link, uint32_t code, const char *debug, bool final,
                     int64_t now) {
  if (link->down) return;
  fc__h2_goaway(link->h2, code, debug, final);
  link->going_away = true;
  if (final) link->closing = true;
  fc__link_touch(link);
  (void)now;
}

/* RFC 9113 section 6.8: the debug data is for people, but it is a peer's, and any bytes. */
static void describe_goaway(struct fc__link *link, uint32_t code, fc_slice debug) {
  int len = snprintf(link->farewell, sizeof link->farewell, "GOAWAY %s%s", fc__h2_error_name(code),
                     debug.len ? ": " : "");
  char *to = link->farewell + len;
  for (size_t i = 0; i < debug.len && to < link->farewell + sizeof link->farewell - 1; i++)
    *to++ = debug.data[i] >= ' ' && debug.data[i] <= '~' ? (char)debug.data[i] : '?';
  *to = '\0';
}

void fc__link_went_away(struct fc__link *link, uint32_t code, fc_slice debug, int64_t now) {
  link->going_away = link->closing = true;
  describe_goaway(link, code, debug);
  fc__link_touch(link);
  if (link->ops->on_goaway) link->ops->on_goaway(link, code, debug, now);
}

void fc__link_ping(struct fc__link *link, uint64_t opaque) {
  if (link->down) return;
  fc__h2_ping(link->h2, opaque);
  fc__link_touch(link);
}

void fc__link_destroy(struct fc__link *link) {
  if (!link || link->destroyed) return;
  bool was_down = link->down;
  if (link->transport) close_transport(link);
  if (!was_down) {
    link->down = true;
    snprintf(link->reason, sizeof link->reason, "the connection was given up");
    fc__h2_close(link->h2, FC__H2_CANCEL, true);
  }
  link->destroyed = true;
  if (link->busy == 0) link_free(link);
}
