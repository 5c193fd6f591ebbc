/*
 * What counters equal: those of the engine and of one connection. Calls, servers and channels are in
 * sim_counts_owners.c. Streams and calls are found by their lists, never by what is under test.
 */
#include "sim/sim_counts.h"

#include "call/link_internal.h"
#include "http2/conn_internal.h"

static int64_t after(int64_t from, int64_t span) {
  return span == FC_NEVER || from > FC_NEVER - span ? FC_NEVER : from + span;
}

/* ---- the engine ---- */

/* Payload of the frame that is being received which the owner has not seen yet, though the windows have. */
static size_t on_its_way(const struct fc__h2_conn *c, const struct fc__h2_stream *s) {
  bool inside = c->in.state == FC__H2_IN_BODY && c->in.frame.type == FC__H2_DATA;
  return inside && c->data_stream == s ? c->in.left : 0;
}

/* Every byte that the peer may not send now is the owner's, or waits to be announced: RFC 9113 section 5.2. */
static void check_receive_window(const struct sim *sim, const struct fc__h2_conn *c,
                                 const struct fc__h2_stream *s) {
  int64_t window = c->window_unacked ? FC__H2_DEFAULT_WINDOW : c->stream_target;
  const fc_call *call = (const fc_call *)s;
  int64_t used = (int64_t)call->uncredited + s->recv_credit + (int64_t)on_its_way(c, s);
  if (s->remote_end) return;
  SIM_MUST(sim, s->recv_window + used - s->recv_advance == window);
}

static size_t check_streams(const struct sim *sim, const struct fc__h2_conn *c) {
  size_t count = 0, queued = 0;
  for (const struct fc__node *n = c->all.next; n != &c->all; n = n->next, count++) {
    const struct fc__h2_stream *s = FC__CONTAINER(n, struct fc__h2_stream, all);
    SIM_MUST(sim, s->open && s->conn == c && !s->done);
    SIM_MUST(sim, fc__h2_table_find(&c->table, s->id) == s);
    queued += s->queued;
    if (c->result) continue; /* it goes under in the middle of something */
    SIM_MUST(sim, !s->end_queued || (s->local_end && s->first_chunk));
    SIM_MUST(sim, !s->first_chunk == !s->queued);
    check_receive_window(sim, c, s);
  }
  SIM_MUST(sim, count == fc__h2_stream_count(c));
  return queued;
}

static void check_engine(const struct sim *sim, const struct fc__h2_conn *c) {
  size_t queued = check_streams(sim, c);
  SIM_MUST(sim, c->recv_window + c->recv_credit == c->recv_target);
  SIM_MUST(sim, fc__h2_buffered(c) >= queued);
  SIM_MUST(sim, queued > 0 || fc__h2_wants_write(c) || fc__h2_buffered(c) == 0);
  bool limited = c->config.settings_timeout != FC_NEVER;
  SIM_MUST(sim, (limited && c->settings_unacked > 0) == (c->ack_deadline != FC_NEVER));
}

/* ---- one connection ---- */

/* The timer may fire too early, never too late. */
static void check_timer(const struct sim *sim, const struct fc__link *link) {
  const struct fc__link_config *o = &link->config;
  int64_t at = link->timer.at;
  bool calls = o->keepalive_without_calls || fc__h2_stream_count(link->h2) > 0;
  SIM_MUST(sim, at == FC_NEVER || fc__timer_is_set(&link->timer));
  SIM_MUST(sim, at <= fc__h2_next_at(link->h2));
  SIM_MUST(sim, at <= after(link->stalled_since, o->stall_timeout));
  SIM_MUST(sim, link->stalled_since == FC_NEVER || fc__h2_buffered(link->h2) > 0);
  if (link->ping_sent != FC_NEVER) {
    SIM_MUST(sim, at <= after(link->ping_sent, o->keepalive_timeout));
  } else if (calls) {
    SIM_MUST(sim, at <= after(link->last_read, o->keepalive_time));
  }
}

static void check_link(const struct sim *sim, const struct fc__link *link) {
  SIM_MUST(sim, link->busy == 0 && !link->destroyed);
  if (link->total) SIM_MUST(sim, link->counted == fc__h2_buffered(link->h2));
  if (link->down) return;
  check_engine(sim, link->h2);
  check_timer(sim, link);
}

/* ---- all of a simulation ---- */

static const struct fc__link *link_of(const struct sim_transport *t) {
  return t->closed || t->base.on_ready != fc__link_on_ready ? NULL : t->base.user;
}

/* Nobody is in the middle of anything: the one thread that there is waits for the network. */
void sim_check_counts(const struct sim *sim) {
  for (const struct fc__node *n = sim->transports.next; n != &sim->transports; n = n->next) {
    const struct fc__link *link = link_of(FC__CONTAINER(n, struct sim_transport, all));
    if (!link) continue;
    check_link(sim, link);
    sim_check_owner(sim, link);
  }
}
