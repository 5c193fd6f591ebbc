/*
 * Connecting in rounds: resolve the name, try every address in order (pick_first), and after the
 * last one fail and wait. Spec: grpc/grpc doc/connection-backoff.md, doc/load-balancing.md
 */
#include "client/channel.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/conn.h"

enum { RESOLVED_MAX = 64 };

static const double backoff_multiplier = 1.6; /* doc/connection-backoff.md MULTIPLIER */
static const double backoff_jitter = 0.2;     /* ... JITTER */

/* A timer that fires later than this fires late because nobody drove the loop, which says nothing
 * of the peer. */
static const int64_t late = FC_SECOND;

/* A connection may have been closed while nobody polled; asking it costs a read or two. So calls that begin together, all long
 * after the last byte, share one look. */
static const int64_t probe_after = FC_MILLISECOND;

static void begin_round(struct fc_channel *ch, int64_t now);

static void note_error(struct fc__connector *c, const char *error) {
  snprintf(c->last_error, sizeof c->last_error, "%s", error);
}

/* ---- failure and backoff ---- */

static double random_unit(struct fc_channel *ch) {
  return (double)(ch->net->ops->random(ch->net) >> 11) / (double)(INT64_C(1) << 53);
}

/* The time from the beginning of this round to that of the next. */
static int64_t next_backoff(struct fc_channel *ch) {
  struct fc__connector *c = &ch->connector;
  const struct fc__channel_config *o = &ch->config;
  if (c->backoff == 0) return c->backoff = o->min_backoff;
  double grown = (double)c->backoff * backoff_multiplier;
  c->backoff = grown < (double)o->max_backoff ? (int64_t)grown : o->max_backoff;
  double spread = (double)c->backoff * backoff_jitter * (2 * random_unit(ch) - 1);
  return c->backoff + (int64_t)spread;
}

static void back_off(struct fc_channel *ch, int64_t now) {
  struct fc__connector *c = &ch->connector;
  c->phase = FC__CONNECT_BACKOFF;
  c->conn = NULL;
  fc__channel_set_state(ch, FC_CONNECTIVITY_TRANSIENT_FAILURE);
  fc__loop_timer_set(ch->loop, &c->timer, c->retry_at > now ? c->retry_at : now);
  fc__line_fail(ch, now);
}

/* ---- addresses ---- */

/* doc/connection-backoff.md gives an attempt until the round's backoff is over if that is later. */
static int64_t attempt_end(const struct fc_channel *ch, int64_t now) {
  int64_t timeout = ch->config.connect_timeout, retry_at = ch->connector.retry_at;
  int64_t end = timeout < FC_NEVER - now ? now + timeout : FC_NEVER;
  return !ch->config.connect_timeout_given && retry_at > end ? retry_at : end;
}

static void try_next(struct fc_channel *ch, int64_t now) {
  struct fc__connector *c = &ch->connector;
  c->phase = FC__CONNECT_TRYING;
  c->conn = NULL;
  while (c->next < c->count) {
    fc_error err = FC_ERROR_INIT;
    c->conn = fc__conn_open(ch, &c->addrs[c->next++], now, &err);
    if (c->conn) {
      fc__loop_timer_set(ch->loop, &c->timer, attempt_end(ch, now));
      return;
    }
    note_error(c, err.message);
  }
  snprintf(ch->failure, sizeof ch->failure,
           "failed to connect to all addresses (%zu tried); last error: %s", c->count,
           c->last_error);
  back_off(ch, now);
}

void fc__connect_failed(struct fc_channel *ch, const char *error, int64_t now) {
  ch->connector.conn = NULL;
  fc__channel_check_fork(ch, now);
  if (ch->connector.phase != FC__CONNECT_TRYING) return;
  note_error(&ch->connector, error);
  try_next(ch, now);
}

static void attempt_timed_out(struct fc_channel *ch, int64_t now) {
  static const char *const steps[] = {
      [FC__CONN_CONNECT] = "connect to",
      [FC__CONN_TLS] = "TLS handshake with",
      [FC__CONN_HTTP2] = "HTTP/2 handshake with",
  };
  struct fc__connector *c = &ch->connector;
  struct fc__conn *conn = c->conn;
  double seconds = (double)ch->config.connect_timeout / (double)FC_SECOND;
  snprintf(c->last_error, sizeof c->last_error, "%s %s: no %s within %g s", steps[conn->stage],
           conn->peer, conn->stage == FC__CONN_HTTP2 ? "SETTINGS" : "answer", seconds);
  fc__conn_close(conn, c->last_error, now);
  try_next(ch, now);
}

/* ---- names ---- */

static bool keep_resolved(struct fc__connector *c, const struct fc__addr *addrs, size_t count) {
  if (count > RESOLVED_MAX) count = RESOLVED_MAX;
  struct fc__addr *copy = fc__alloc(count * sizeof *copy);
  if (!copy) return false;
  memcpy(copy, addrs, count * sizeof *copy);
  fc__free(c->resolved);
  c->resolved = copy;
  c->resolved_count = count;
  return true;
}

static void resolve_done(struct fc__resolve *r, const struct fc__addr *addrs, size_t count,
                         const char *error, int64_t now) {
  struct fc_channel *ch = r->user;
  struct fc__connector *c = &ch->connector;
  if (!error && count == 0) error = "the name has no addresses";
  if (!error && !keep_resolved(c, addrs, count)) error = "out of memory";
  if (error && c->resolved_count == 0) {
    snprintf(ch->failure, sizeof ch->failure, "DNS resolution failed: %s", error);
    back_off(ch, now);
    return;
  }
  /* Addresses that were good before are better than none. */
  c->addrs = c->resolved;
  c->count = c->resolved_count;
  try_next(ch, now);
}

static void resolve(struct fc_channel *ch, int64_t now) {
  struct fc__connector *c = &ch->connector;
  c->phase = FC__CONNECT_RESOLVING;
  c->resolve = (struct fc__resolve){.done = resolve_done, .user = ch};
  int failed = ch->net->ops->resolve(ch->net, ch->target.host, ch->target.port, &c->resolve);
  if (failed == 0) return;
  char error[64];
  snprintf(error, sizeof error, "the resolver cannot be started (errno %d)", -failed);
  resolve_done(&c->resolve, NULL, 0, error, now);
}

/* ---- rounds ---- */

static void begin_round(struct fc_channel *ch, int64_t now) {
  struct fc__connector *c = &ch->connector;
  int64_t span = next_backoff(ch);
  c->retry_at = span < FC_NEVER - now ? now + span : FC_NEVER;
  c->next = 0;
  note_error(c, "");
  fc__loop_timer_stop(ch->loop, &c->timer);
  if (ch->state == FC_CONNECTIVITY_IDLE) fc__channel_leave_idle(ch, now);
  fc__channel_set_state(ch, FC_CONNECTIVITY_CONNECTING);
  if (ch->target.host) {
    resolve(ch, now);
  } else {
    c->addrs = ch->target.addrs;
    c->count = ch->target.count;
    try_next(ch, now);
  }
}

static void timer_fired(struct fc__timer *timer, int64_t now) {
  struct fc_channel *ch = FC__CONTAINER(timer, struct fc_channel, connector.timer);
  fc__channel_check_fork(ch, now);
  if (ch->connector.phase == FC__CONNECT_BACKOFF) {
    begin_round(ch, now);
  } else if (ch->connector.phase != FC__CONNECT_TRYING) {
    return;
  } else if (now - timer->at > late) {
    fc__loop_timer_set(ch->loop, timer, attempt_end(ch, now));
  } else {
    attempt_timed_out(ch, now);
  }
}

void fc__connect_begin(struct fc_channel *ch, int64_t now) {
  struct fc__connector *c = &ch->connector;
  if (c->phase != FC__CONNECT_OFF || ch->closed) return;
  c->timer.fire = timer_fired;
  begin_round(ch, now);
}

void fc__connect_poll(struct fc_channel *ch, int64_t now) {
  struct fc__connector *c = &ch->connector;
  if (c->phase == FC__CONNECT_BACKOFF && now >= c->retry_at) begin_round(ch, now);
}

void fc__connect_stop(struct fc_channel *ch, const char *reason, int64_t now) {
  struct fc__connector *c = &ch->connector;
  struct fc__conn *conn = c->conn;
  if (c->phase == FC__CONNECT_RESOLVING) ch->net->ops->resolve_cancel(ch->net, &c->resolve);
  fc__loop_timer_stop(ch->loop, &c->timer);
  c->phase = FC__CONNECT_OFF;
  c->backoff = 0;
  c->conn = NULL;
  if (conn) fc__conn_close(conn, reason, now);
}

void fc__connect_up(struct fc_channel *ch, int64_t now) {
  struct fc__connector *c = &ch->connector;
  c->phase = FC__CONNECT_UP;
  ch->failure[0] = 0;
  fc__loop_timer_stop(ch->loop, &c->timer);
  fc__channel_set_state(ch, FC_CONNECTIVITY_READY);
  fc__line_run(ch, now);
}

/*
 * The next call connects again, or those that wait do. A peer that lets clients connect and then
 * drops them before a call could use the connection is treated as one that cannot be reached, or
 * both sides would spin.
 */
void fc__connect_lost(struct fc_channel *ch, const char *reason, bool used, int64_t lived,
                      int64_t now) {
  struct fc__connector *c = &ch->connector;
  c->phase = FC__CONNECT_OFF;
  c->conn = NULL;
  fc__channel_check_fork(ch, now);
  bool waiting = !fc__line_is_empty(ch);
  if (waiting && !used && lived < ch->config.min_backoff) {
    snprintf(ch->failure, sizeof ch->failure,
             "the connection was lost before a call could use it: %s", reason);
    back_off(ch, now);
    return;
  }
  c->backoff = 0;
  fc__channel_set_state(ch, FC_CONNECTIVITY_IDLE);
  fc__channel_settle(ch);
}

void fc__connect_probe(struct fc_channel *ch, int64_t now) {
  if (ch->connector.phase != FC__CONNECT_UP) return;
  struct fc__link *link = ch->connector.conn->link;
  if (now - link->looked_at >= probe_after) fc__link_probe(link, now);
}
