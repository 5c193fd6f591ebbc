/*
 * Receive windows. The connection's is credited as data arrives, a stream's as its owner takes the
 * data, so one stream that is not read holds up no other. Updates are sent when half a window is
 * used.
 *
 * Tuning: a full pipe holds bandwidth times delay. Bytes that arrive between a PING and its ack,
 * one round trip, are a sample of that. A window that is given back by halves carries it while it
 * is three times as large; when a sample says that it is not, the window is doubled. Small calls
 * are never measured: a sample begins when DATA has used more than half of a stream's window, or a
 * connection's update is due. Servers of grpc count PINGs, and forgive them when they send DATA or
 * HEADERS (gRFC A8). Each PING here answers DATA that came later than the ack of the PING before
 * it, hence was sent after that PING was counted: none is ever a strike.
 */
#include <assert.h>

#include "http2/conn_internal.h"

enum {
  PAUSE_MAX = 15,        /* occasions left out after samples that showed no need */
  EXPECT_MOST = 1 << 30, /* so that a window tuned later stays in range */
};

static const uint64_t OWN_PING = UINT64_C(1) << 63;

static void send_ping(struct fc__h2_conn *c, uint64_t opaque) {
  uint8_t payload[8];
  fc__h2_put_u32(payload, (uint32_t)(opaque >> 32));
  fc__h2_put_u32(payload + 4, (uint32_t)opaque);
  fc__h2_put_frame(c, FC__H2_PING, 0, 0, payload, sizeof payload);
}

void fc__h2_flow_sample(struct fc__h2_conn *c) {
  if (!c->tuning || c->tune_ping) return;
  if (c->tune_skip > 0) {
    c->tune_skip--;
    return;
  }
  c->tune_ping = true;
  c->tune_bytes = 0;
  c->tune_opaque = (c->tune_opaque + 1) | OWN_PING;
  send_ping(c, c->tune_opaque);
}

static void credit_connection(struct fc__h2_conn *c, int64_t increment) {
  c->recv_window += increment;
  fc__h2_put_u32_frame(c, FC__H2_WINDOW_UPDATE, 0, (uint32_t)increment);
}

void fc__h2_shift_recv_windows(struct fc__h2_conn *c, int64_t by) {
  for (struct fc__node *n = c->all.next; n != &c->all; n = n->next) {
    FC__CONTAINER(n, struct fc__h2_stream, all)->recv_window += by;
  }
}

static void grow_windows(struct fc__h2_conn *c) {
  uint32_t most = c->config.max_window;
  uint32_t window = c->stream_target > most / 2 ? most : 2 * c->stream_target;
  fc__h2_settings_send_window(c, window);
  /* The connection's window serves several streams, and is credited by halves. */
  int64_t target = window > FC__H2_WINDOW_MAX / 2 ? FC__H2_WINDOW_MAX : 2 * (int64_t)window;
  if (target > c->recv_target) {
    credit_connection(c, target - c->recv_target);
    c->recv_target = target;
  }
  c->tuning = window < most;
}

void fc__h2_flow_ack(struct fc__h2_conn *c, uint64_t opaque) {
  if (!c->tune_ping || opaque != c->tune_opaque) return;
  c->tune_ping = false;
  if (c->tune_bytes >= c->stream_target / 3) {
    grow_windows(c);
    c->tune_pause = 0;
  } else if (c->tune_pause < PAUSE_MAX) {
    c->tune_pause = 2 * c->tune_pause + 1;
  }
  c->tune_skip = c->tune_pause;
}

bool fc__h2_flow_arrived(struct fc__h2_conn *c, uint32_t len) {
  if (len > c->recv_window) return false;
  c->recv_window -= len;
  c->recv_credit += len;
  if (c->tune_bytes <= UINT32_MAX - len) c->tune_bytes += len;
  if (c->recv_credit >= c->recv_target / 2) {
    fc__h2_flow_sample(c);
    credit_connection(c, c->recv_credit);
    c->recv_credit = 0;
  }
  return true;
}

static void credit_stream(struct fc__h2_conn *c, struct fc__h2_stream *s, uint32_t increment) {
  s->recv_window += increment;
  fc__h2_put_u32_frame(c, FC__H2_WINDOW_UPDATE, s->id, increment);
}

static bool can_be_credited(const struct fc__h2_conn *c, const struct fc__h2_stream *s) {
  return s->open && !s->remote_end && !s->done && c->result == 0;
}

void fc__h2_consume(struct fc__h2_conn *c, struct fc__h2_stream *s, size_t len) {
  if (!can_be_credited(c, s)) return;
  if (s->recv_advance > 0) { /* announced already, by fc__h2_expect */
    size_t before = len < s->recv_advance ? len : s->recv_advance;
    s->recv_advance -= (uint32_t)before;
    len -= before;
  }
  assert(len <= FC__H2_WINDOW_MAX && "more was consumed than can have come");
  s->recv_credit += (uint32_t)len;
  if (s->recv_credit < c->stream_target / 2 || s->recv_credit == 0) return;
  credit_stream(c, s, s->recv_credit);
  s->recv_credit = 0;
}

void fc__h2_expect(struct fc__h2_conn *c, struct fc__h2_stream *s, size_t len) {
  if (!can_be_credited(c, s)) return;
  if (len > EXPECT_MOST) len = EXPECT_MOST;
  if ((int64_t)len <= s->recv_window) return;
  uint32_t increment = (uint32_t)((int64_t)len - s->recv_window);
  credit_stream(c, s, increment);
  /* What was consumed but not announced is announced with it; the rest is on account of later
   * consumption. */
  uint32_t due = s->recv_credit < increment ? s->recv_credit : increment;
  s->recv_credit -= due;
  s->recv_advance += increment - due;
}

void fc__h2_ping(struct fc__h2_conn *c, uint64_t opaque) {
  assert(!(opaque & OWN_PING) && "the highest bit marks the connection's own pings");
  if (c->result) return;
  c->pings_out++;
  send_ping(c, opaque);
}
