/* The small frames, which are taken whole: PING, GOAWAY, RST_STREAM, WINDOW_UPDATE and PRIORITY. */
#include "http2/conn_internal.h"

enum {
  STRIKES_MAX = 2,   /* of pings: gRFC A8 */
  SETTINGS_MAX = 32, /* entries of one frame: CVE-2020-11080 */
};

#define IDLE_PING_INTERVAL (2 * 3600 * FC_SECOND) /* without streams: gRFC A8 */

/* ---- PING ---- */

/* Frequent PINGs while nothing is sent: a strike each, forgiven when DATA or HEADERS go out. */
static bool is_strike(struct fc__h2_conn *c) {
  if (c->sent_since_ping) {
    c->ping_strikes = 0;
    c->last_ping = FC_NEVER;
    c->sent_since_ping = false;
  }
  int64_t last = c->last_ping, interval = c->config.ping_min_interval;
  c->last_ping = c->now;
  if (interval == 0 || last == FC_NEVER) return false;
  if (c->table.count == 0 && !c->config.ping_without_calls) interval = IDLE_PING_INTERVAL;
  return c->now < fc__h2_after(last, interval);
}

static void take_ack(struct fc__h2_conn *c, uint64_t opaque) {
  if (opaque >> 63) {
    fc__h2_flow_ack(c, opaque);
  } else if (c->pings_out > 0) {
    c->pings_out--;
    if (c->events->on_ping_ack) c->events->on_ping_ack(c->owner, opaque, c->now);
  } else {
    fc__h2_charge(c);
  }
}

static void recv_ping(struct fc__h2_conn *c, const uint8_t *payload) {
  if (c->in.frame.flags & FC__H2_ACK) {
    take_ack(c, (uint64_t)fc__h2_get_u32(payload) << 32 | fc__h2_get_u32(payload + 4));
    return;
  }
  if (c->server && is_strike(c) && ++c->ping_strikes > STRIKES_MAX) {
    fc__h2_fail(c, FC__H2_ENHANCE_YOUR_CALM, "too_many_pings");
    return;
  }
  /* Peers that measure bandwidth ping with every burst of data: with traffic between them pings
   * are free. */
  if (!c->traffic) fc__h2_charge(c);
  c->traffic = false;
  if (c->result == 0) fc__h2_put_control(c, FC__H2_PING, FC__H2_ACK, 0, payload, 8);
}

/* ---- GOAWAY ---- */

/* RFC 9113 section 6.8: streams above last were not processed, and may be tried again elsewhere. */
static void close_unprocessed(struct fc__h2_conn *c, uint32_t last) {
  struct fc__node above;
  fc__node_init(&above);
  for (struct fc__node *n = c->all.next, *next; n != &c->all; n = next) {
    next = n->next;
    if (FC__CONTAINER(n, struct fc__h2_stream, all)->id <= last) continue;
    fc__list_remove(n);
    fc__list_push_back(&above, n);
  }
  /* One at a time: an event may reset the others. */
  for (struct fc__node *n; (n = fc__list_first(&above));) {
    fc__h2_stream_close(c, FC__CONTAINER(n, struct fc__h2_stream, all), FC__H2_PEER_RESET,
                        FC__H2_REFUSED_STREAM, true);
  }
}

static void recv_goaway(struct fc__h2_conn *c, const uint8_t *payload, uint32_t len) {
  uint32_t last = fc__h2_get_u32(payload) & FC__H2_ID_MAX;
  uint32_t code = fc__h2_get_u32(payload + 4);
  if (c->goaway_received) {
    if (last > c->goaway_last) {
      fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "GOAWAY with a last stream id that rises");
      return;
    }
    fc__h2_charge(c);
    if (c->result) return;
  }
  c->goaway_received = true;
  c->goaway_last = last;
  c->events->on_goaway(c->owner, last, code, (fc_slice){payload + 8, len - 8});
  if (!c->server && c->result == 0) close_unprocessed(c, last);
}

/* ---- streams ---- */

/* A reset of a stream that is over, CVE-2023-44487 and GHSA-hrxh-6v49-42gf: it counts although
 * nothing comes of it. One that crossed with ours does not: a client whose calls are answered
 * early sends one for each. */
static void recv_late_reset(struct fc__h2_conn *c, uint32_t id) {
  enum fc__h2_past past = fc__h2_history_find(&c->history, id);
  if (past == FC__H2_IDLE) {
    fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "RST_STREAM on an idle stream");
  } else if (past == FC__H2_LOCAL_RESET) {
    fc__h2_history_close(&c->history, id, FC__H2_PEER_RESET);
  } else if (c->server || past != FC__H2_FORGOTTEN) {
    fc__h2_charge(c);
  }
}

static void recv_reset(struct fc__h2_conn *c, const uint8_t *payload) {
  uint32_t id = c->in.frame.id;
  struct fc__h2_stream *s = fc__h2_table_find(&c->table, id);
  if (!s) {
    recv_late_reset(c, id);
    return;
  }
  fc__h2_stream_close(c, s, FC__H2_PEER_RESET, fc__h2_get_u32(payload), true);
  if (c->server) fc__h2_charge(c); /* calls of a client are its own: the server cannot make more */
}

static void recv_priority(struct fc__h2_conn *c, const uint8_t *payload) {
  if ((fc__h2_get_u32(payload) & FC__H2_ID_MAX) == c->in.frame.id) {
    fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "a stream that depends on itself");
  } else {
    fc__h2_charge(c);
  }
}

/* ---- WINDOW_UPDATE ---- */

static void widen_stream(struct fc__h2_conn *c, struct fc__h2_stream *s, uint32_t increment) {
  if (s->send_window + increment > FC__H2_WINDOW_MAX) {
    fc__h2_stream_error(c, s, FC__H2_FLOW_CONTROL_ERROR);
    return;
  }
  s->send_window += increment;
  fc__h2_make_ready(c, s);
}

static void widen_connection(struct fc__h2_conn *c, uint32_t increment) {
  if (c->send_window + increment > FC__H2_WINDOW_MAX) {
    fc__h2_fail(c, FC__H2_FLOW_CONTROL_ERROR, "the connection's window overflows");
    return;
  }
  c->send_window += increment;
}

static void recv_window_update(struct fc__h2_conn *c, const uint8_t *payload) {
  uint32_t increment = fc__h2_get_u32(payload) & FC__H2_ID_MAX, id = c->in.frame.id;
  if (increment == 0) {
    fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "WINDOW_UPDATE by nothing");
    return;
  }
  if (c->updates_free > 0) {
    c->updates_free--;
  } else {
    fc__h2_charge(c);
  }
  if (c->result) return;
  struct fc__h2_stream *s = id ? fc__h2_table_find(&c->table, id) : NULL;
  if (id == 0) {
    widen_connection(c, increment);
  } else if (s) {
    widen_stream(c, s, increment);
  } else if (fc__h2_history_find(&c->history, id) == FC__H2_IDLE) {
    fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream");
  }
}

/* ---- lengths, streams, dispatch ---- */

void fc__h2_take_control(struct fc__h2_conn *c, const uint8_t *payload) {
  fc__h2_after_body(&c->in);
  switch (c->in.frame.type) {
    case FC__H2_PRIORITY:
      recv_priority(c, payload);
      break;
    case FC__H2_RST_STREAM:
      recv_reset(c, payload);
      break;
    case FC__H2_SETTINGS:
      fc__h2_recv_settings(c, payload);
      break;
    case FC__H2_PING:
      recv_ping(c, payload);
      break;
    case FC__H2_GOAWAY:
      recv_goaway(c, payload, c->in.need);
      break;
    default:
      recv_window_update(c, payload);
      break;
  }
}

/* Lengths: RFC 9113 sections 6.3, 6.4, 6.5, 6.7, 6.8, 6.9. */
static bool control_len_is_right(const struct fc__h2_frame *f) {
  switch (f->type) {
    case FC__H2_PRIORITY:
      return f->len == 5;
    case FC__H2_PING:
      return f->len == 8;
    case FC__H2_GOAWAY:
      return f->len >= 8;
    case FC__H2_SETTINGS:
      return f->flags & FC__H2_ACK ? f->len == 0 : f->len % 6 == 0;
    default:
      return f->len == 4;
  }
}

/* Frames of the connection are on stream 0, those of a stream are not; WINDOW_UPDATE is either. */
static bool control_id_is_right(const struct fc__h2_frame *f) {
  bool of_stream = f->type == FC__H2_PRIORITY || f->type == FC__H2_RST_STREAM;
  return f->type == FC__H2_WINDOW_UPDATE || of_stream == (f->id != 0);
}

void fc__h2_begin_control(struct fc__h2_conn *c) {
  struct fc__h2_in *in = &c->in;
  const struct fc__h2_frame *f = &in->frame;
  if (!control_len_is_right(f)) {
    fc__h2_fail(c, FC__H2_FRAME_SIZE_ERROR, "control frame of a wrong length");
  } else if (!control_id_is_right(f)) {
    fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "control frame on a wrong stream");
  } else if (f->type == FC__H2_SETTINGS && f->len > 6 * SETTINGS_MAX) {
    fc__h2_fail(c, FC__H2_ENHANCE_YOUR_CALM, "too many settings in one frame");
  } else {
    in->need = f->len < FC__H2_CONTROL_MAX ? f->len : FC__H2_CONTROL_MAX;
    in->skip = f->len - in->need;
    in->state = FC__H2_IN_CONTROL;
    if (in->need == 0) fc__h2_take_control(c, in->gather);
  }
}
