/*
 * One connection of a channel to one address, once HTTP/2 has begun. Until the peer's SETTINGS have come it is an
 * attempt, which fails or comes up; then it is the one that takes calls, until it is lost or the peer goes away.
 */
#include "client/conn.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static const int64_t patience = 2 * FC_MILLISECOND;

void fc__conn_free(struct fc__conn *conn) {
  fc__loop_timer_stop(conn->channel->loop, &conn->patience);
  fc__list_remove(&conn->draining);
  fc__link_destroy(conn->link);
  fc__free(conn);
}

/* ---- what the link tells ---- */

static void on_up(struct fc__link *link, int64_t now) {
  struct fc__conn *conn = link->owner;
  conn->up = true;
  conn->up_at = now;
  fc__connect_up(conn->channel, now);
}

static bool is_current(const struct fc__conn *conn) {
  return conn->channel->connector.conn == conn;
}

static void on_room(struct fc__link *link, int64_t now) {
  struct fc__conn *conn = link->owner;
  if (is_current(conn)) fc__line_run(conn->channel, now);
}

/* gRFC A8: this client has asked too often whether the server lives. */
static void slow_keepalive(struct fc__link_config *config) {
  if (config->keepalive_time <= FC_NEVER / 2) config->keepalive_time *= 2;
}

/* The calls that it has go on here; all others need another connection. */
static void retire(struct fc__conn *conn, const char *reason, int64_t now) {
  fc__list_push_back(&conn->channel->draining, &conn->draining);
  fc__link_goaway(conn->link, FC__H2_NO_ERROR, "", true, now);
  fc__connect_lost(conn->channel, reason, conn->attached > 0, now - conn->up_at, now);
}

static void on_goaway(struct fc__link *link, uint32_t code, fc_slice debug, int64_t now) {
  struct fc__conn *conn = link->owner;
  if (code == FC__H2_ENHANCE_YOUR_CALM && fc_slice_equals(debug, "too_many_pings")) {
    slow_keepalive(&conn->channel->config.link);
  }
  if (!conn->up || !is_current(conn)) return;
  char reason[FC__ADDR_TEXT_MAX + 80];
  snprintf(reason, sizeof reason, "%s went away (GOAWAY %s)", conn->peer, fc__h2_error_name(code));
  retire(conn, reason, now);
}

/* ---- room ---- */

bool fc__conn_has_room(const struct fc__conn *conn) {
  if (conn->crowded && fc__h2_stream_count(conn->link->h2) >= conn->crowd) return false;
  return fc__link_has_room(conn->link);
}

static void patience_ended(struct fc__timer *timer, int64_t now) {
  struct fc__conn *conn = FC__CONTAINER(timer, struct fc__conn, patience);
  conn->crowded = false;
  if (is_current(conn)) fc__line_run(conn->channel, now);
}

void fc__conn_refused(struct fc__conn *conn, int64_t now) {
  conn->crowded = true;
  conn->crowd = fc__h2_stream_count(conn->link->h2);
  conn->patience.fire = patience_ended;
  fc__loop_timer_set(conn->channel->loop, &conn->patience, now + patience);
}

void fc__conn_attach(struct fc__conn *conn, fc_call *call, int64_t now) {
  conn->attached++;
  conn->crowded = false;
  fc__call_attach(call, conn->link, now);
  if (conn->attached >= FC__CONN_CALLS_MAX && is_current(conn)) retire(conn, "no stream ids", now);
}

static void on_down(struct fc__link *link, const char *reason, int64_t now) {
  struct fc__conn *conn = link->owner;
  struct fc_channel *ch = conn->channel;
  char text[sizeof link->reason];
  snprintf(text, sizeof text, "%s", reason);
  bool report = !conn->given_up && is_current(conn), up = conn->up, used = conn->attached > 0;
  int64_t lived = now - conn->up_at;
  fc__conn_free(conn);
  if (!report) return;
  if (up) {
    fc__connect_lost(ch, text, used, lived, now);
  } else {
    char failure[sizeof text + 24];
    snprintf(failure, sizeof failure, "HTTP/2 handshake: %s", text);
    fc__connect_failed(ch, failure, now);
  }
}

const struct fc__link_ops fc__conn_link_ops = {
    .on_up = on_up, .on_room = on_room, .on_goaway = on_goaway, .on_down = on_down};

void fc__conn_close(struct fc__conn *conn, const char *reason, int64_t now) {
  conn->given_up = true;
  if (conn->link) {
    fc__link_close(conn->link, FC__H2_NO_ERROR, reason, now); /* frees it in on_down */
  } else {
    fc__conn_give_up_dialling(conn);
    fc__conn_free(conn);
  }
}
