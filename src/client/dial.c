/*
 * The way to a connection: connect(), then the TLS handshake where the channel's credentials ask for it, then HTTP/2.
 * No byte of HTTP/2 is sent before the peer has been accepted.
 */
#include <errno.h>

#include "base/error.h"
#include "base/mem.h"
#include "client/conn.h"

void fc__conn_give_up_dialling(struct fc__conn *conn) {
  if (conn->transport) conn->transport->ops->close(conn->transport);
  conn->transport = NULL;
}

static void fail(struct fc__conn *conn, const char *text, int64_t now) {
  struct fc_channel *ch = conn->channel;
  fc__conn_give_up_dialling(conn);
  fc__conn_free(conn);
  fc__connect_failed(ch, text, now);
}

static void fail_system(struct fc__conn *conn, const char *step, int system, int64_t now) {
  fc_error err;
  (void)fc__error_system(&err, system, "%s %s", step, conn->peer);
  fail(conn, err.message, now);
}

/* ---- HTTP/2 ---- */

static void begin_http2(struct fc__conn *conn, int64_t now) {
  struct fc_channel *ch = conn->channel;
  struct fc__transport *transport = conn->transport;
  conn->stage = FC__CONN_HTTP2;
  conn->transport = NULL;
  conn->link = fc__link_create(ch->loop, transport, conn->peer, &ch->config.link,
                               &fc__conn_link_ops, conn, now);
  if (!conn->link) {
    fail(conn, "out of memory for a connection", now);
    return;
  }
  const fc_auth_context *local = fc__security_local_auth(fc__channel_security(&ch->config));
  if (local) conn->link->auth = local;
}

/* ---- TLS ---- */

static void fail_tls(struct fc__conn *conn, int system, int64_t now) {
  struct fc__transport *t = conn->transport;
  const char *reason = t->ops->failure ? t->ops->failure(t) : NULL;
  if (!reason) {
    fail_system(conn, "TLS handshake with", system, now);
    return;
  }
  fc_error err;
  (void)fc__error(&err, FC_ERR_SYSTEM, "%s: %s", conn->peer, reason);
  fail(conn, err.message, now);
}

static void on_secured(struct fc__transport *transport, unsigned ready, int64_t now) {
  struct fc__conn *conn = transport->user;
  (void)ready;
  int failed = transport->ops->finish_connect(transport);
  if (failed == -EINPROGRESS || failed == -EAGAIN) return;
  if (failed < 0) {
    fail_tls(conn, -failed, now);
  } else {
    begin_http2(conn, now);
  }
}

static void begin_tls(struct fc__conn *conn, int64_t now) {
  struct fc_channel *ch = conn->channel;
  struct fc__transport *secured;
  conn->stage = FC__CONN_TLS;
  int failed =
      fc__tls_wrap(ch->config.credentials->tls, ch->loop, conn->transport, ch->tls_name, &secured);
  if (failed < 0) {
    fail_system(conn, "TLS handshake with", -failed, now);
    return;
  }
  conn->transport = secured;
  secured->on_ready = on_secured;
  secured->user = conn;
}

/* ---- connect() ---- */

static void on_connected(struct fc__transport *transport, unsigned ready, int64_t now) {
  struct fc__conn *conn = transport->user;
  (void)ready;
  int failed = transport->ops->finish_connect(transport);
  if (failed == -EINPROGRESS || failed == -EAGAIN) return;
  if (failed < 0) {
    fail_system(conn, "connect to", -failed, now);
  } else if (fc__channel_security(&conn->channel->config) == FC__SECURITY_TLS) {
    begin_tls(conn, now);
  } else {
    begin_http2(conn, now);
  }
}

static struct fc__conn *conn_new(struct fc_channel *ch, const struct fc__addr *addr) {
  struct fc__conn *conn = fc__alloc_zero(sizeof *conn);
  if (!conn) return NULL;
  conn->channel = ch;
  fc__node_init(&conn->draining);
  fc__addr_text(addr, conn->peer);
  return conn;
}

struct fc__conn *fc__conn_open(struct fc_channel *ch, const struct fc__addr *addr, int64_t now,
                               fc_error *err) {
  (void)now;
  enum fc__security security = fc__channel_security(&ch->config);
  if (fc__security_check_address(security, addr, err) != FC_OK) return NULL;
  struct fc__conn *conn = conn_new(ch, addr);
  if (!conn) {
    (void)fc__error(err, FC_ERR_NO_MEMORY, "out of memory for a connection");
    return NULL;
  }
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
