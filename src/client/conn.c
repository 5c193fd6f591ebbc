/*
 * One connection of a channel to one address. Until the peer's SETTINGS have come it is an attempt,
 * which fails or comes up; then it is the one that takes calls, until it is lost or the peer goes
 * away.
 */
#include "client/conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static const int64_t patience = 2 * FC_MILLISECOND;

static void conn_free(struct fc__conn *conn) {
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
  conn_free(conn);
  if (!report) return;
  if (up) {
    fc__connect_lost(ch, text, used, lived, now);
  } else {
    char failure[sizeof text + 24];
    snprintf(failure, sizeof failure, "HTTP/2 handshake: %s", text);
    fc__connect_failed(ch, failure, now);
  }
}

static const struct fc__link_ops link_ops = {
    .on_up = on_up, .on_room = on_room, .on_goaway = on_goaway, .on_down = on_down};

/* ---- connecting ---- */

static void give_up_connecting(struct fc__conn *conn) {
  if (conn->transport) conn->transport->ops->close(conn->transport);
  conn->transport = NULL;
}

static void fail_connecting(struct fc__conn *conn, const char *text, int64_t now) {
  struct fc_channel *ch = conn->channel;
  give_up_connecting(conn);
  conn_free(conn);
  fc__connect_failed(ch, text, now);
}

static void on_connected(struct fc__transport *transport, unsigned ready, int64_t now) {
  struct fc__conn *conn = transport->user;
  (void)ready;
  int failed = transport->ops->finish_connect(transport);
  if (failed == -EINPROGRESS || failed == -EAGAIN) return;
  if (failed < 0) {
    fc_error err;
    (void)fc__error_system(&err, -failed, "connect to %s", conn->peer);
    fail_connecting(conn, err.message, now);
    return;
  }
  struct fc_channel *ch = conn->channel;
  conn->transport = NULL;
  conn->link =
      fc__link_create(ch->loop, transport, conn->peer, &ch->config.link, &link_ops, conn, now);
  if (!conn->link) fail_connecting(conn, "out of memory for a connection", now);
}

struct fc__conn *fc__conn_open(struct fc_channel *ch, const struct fc__addr *addr, int64_t now,
                               fc_error *err) {
  (void)now;
  struct fc__conn *conn = fc__alloc_zero(sizeof *conn);
  if (!conn) {
    (void)fc__error(err, FC_ERR_NO_MEMORY, "out of memory for a connection");
    return NULL;
  }
  conn->channel = ch;
  fc__node_init(&conn->draining);
  fc__addr_text(addr, conn->peer);
  int failed = ch->net->ops->connect(ch->net, addr, &conn->transport);
  if (failed < 0) {
    (void)fc__error_system(err, -failed, "connect to %s", conn->peer);
    fc__free(conn);
    return NULL;
  }
  conn->transport->on_ready = on_connected;
  conn->transport->user = conn;
  return conn;
}

void fc__conn_close(struct fc__conn *conn, const char *reason, int64_t now) {
  conn->given_up = true;
  if (conn->link) {
    fc__link_close(conn->link, FC__H2_NO_ERROR, reason, now); /* frees it in on_down */
  } else {
    give_up_connecting(conn);
    conn_free(conn);
  }
}
