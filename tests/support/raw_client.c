/* The client of raw_client.h. */
#include "support/raw_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http2/conn_internal.h"
#include "io/reactor.h"
#include "support/check.h"

/* ---- what the server says ---- */

static void copy_text(char *out, size_t size, fc_slice text) {
  snprintf(out, size, "%.*s", (int)text.len, text.data ? (const char *)text.data : "");
}

static void on_field(void *owner, struct fc__h2_stream *s, const struct fc__field *field,
                     bool trailers) {
  struct raw_call *call = (struct raw_call *)s;
  char value[16];
  (void)owner;
  (void)trailers;
  copy_text(value, sizeof value, field->value);
  if (field->token == FC__TOKEN_STATUS) call->http_status = atoi(value);
  if (field->token == FC__TOKEN_GRPC_STATUS) call->status = atoi(value);
  if (field->token == FC__TOKEN_GRPC_MESSAGE) {
    copy_text(call->message, sizeof call->message, field->value);
  }
}

static void on_block(void *owner, struct fc__h2_stream *s, const struct fc__h2_block *block) {
  (void)owner, (void)s, (void)block;
}

static void on_data(void *owner, struct fc__h2_stream *s, fc_slice data, bool end_stream) {
  struct raw_client *c = owner;
  (void)end_stream;
  ((struct raw_call *)s)->bytes += data.len;
  fc__h2_consume(c->h2, s, data.len);
}

static void on_closed(void *owner, struct fc__h2_stream *s, uint32_t code, bool remote) {
  struct raw_call *call = (struct raw_call *)s;
  (void)owner;
  call->closed = true;
  call->reset = remote;
  call->code = code;
}

static void on_writable(void *owner, struct fc__h2_stream *s) { (void)owner, (void)s; }

static void on_goaway(void *owner, uint32_t last_id, uint32_t code, fc_slice debug) {
  struct raw_client *c = owner;
  if (c->goaway_count == RAW_GOAWAYS) return;
  struct raw_goaway *g = &c->goaways[c->goaway_count++];
  g->last_id = last_id;
  g->code = code;
  g->at = fc__loop_now(c->loop);
  copy_text(g->debug, sizeof g->debug, debug);
}

static void on_settings(void *owner) { (void)owner; }
static void on_ping_ack(void *owner, uint64_t opaque, int64_t now) {
  (void)owner, (void)opaque, (void)now;
}

static const struct fc__h2_events events = {
    .on_field = on_field,
    .on_block = on_block,
    .on_data = on_data,
    .on_closed = on_closed,
    .on_writable = on_writable,
    .on_goaway = on_goaway,
    .on_settings = on_settings,
    .on_ping_ack = on_ping_ack,
};

/* ---- the transport ---- */

static void lose(struct raw_client *c) {
  if (!c->transport) return;
  c->closed = true;
  c->closed_at = fc__loop_now(c->loop);
  c->transport->ops->close(c->transport);
  c->transport = NULL;
  fc__h2_close(c->h2, FC__H2_CANCEL, true);
}

static void write_out(struct raw_client *c) {
  struct iovec iov[FC__H2_IOV_MAX];
  int64_t now = fc__loop_now(c->loop);
  if (!c->transport || !c->connected || c->silent || c->held) return;
  for (int count; (count = fc__h2_output(c->h2, iov, now)) > 0;) {
    ssize_t n = c->transport->ops->write(c->transport, iov, count);
    if (n < 0 && n != -EAGAIN) {
      lose(c);
      return;
    }
    if (n > 0) fc__h2_written(c->h2, (size_t)n, now);
    if (n <= 0) break;
  }
  bool more = fc__h2_wants_write(c->h2);
  c->transport->ops->want(c->transport, (c->deaf ? 0U : (unsigned)FC__READY_READ) |
                                            (more ? (unsigned)FC__READY_WRITE : 0U));
}

static void read_in(struct raw_client *c, int64_t now) {
  uint8_t bytes[16384];
  struct iovec iov = {bytes, sizeof bytes};
  while (c->transport && !c->deaf) {
    ssize_t n = c->transport->ops->read(c->transport, &iov, 1);
    if (n == -EAGAIN) return;
    if (n <= 0) {
      lose(c);
      return;
    }
    c->bytes_read += (uint64_t)n;
    if (!c->silent) (void)fc__h2_receive(c->h2, (fc_slice){bytes, (size_t)n}, now);
  }
}

static void on_ready(struct fc__transport *t, unsigned ready, int64_t now) {
  struct raw_client *c = t->user;
  if (!c->connected && (ready & FC__READY_WRITE)) {
    if (t->ops->finish_connect(t) != 0) {
      lose(c);
      return;
    }
    c->connected = true;
  }
  if (ready & FC__READY_READ) read_in(c, now);
  write_out(c);
}

/* ---- life ---- */

void raw_open(struct raw_client *c, fc_reactor *reactor, const char *address) {
  struct fc__h2_config config;
  struct fc__addr addr;
  struct fc__net *net = fc__reactor_net(reactor);
  memset(c, 0, sizeof *c);
  c->reactor = reactor;
  c->loop = fc__reactor_loop(reactor);
  fc__h2_config_defaults(&config, false);
  fc__loop_lock(c->loop);
  c->h2 = fc__h2_conn_create(&config, &events, c, fc__loop_now(c->loop));
  assert_non_null(c->h2);
  assert_true(net->ops->parse(net, "ipv4", address, &addr));
  assert_int_equal(net->ops->connect(net, &addr, &c->transport), 0);
  c->transport->user = c;
  c->transport->on_ready = on_ready;
  fc__loop_unlock(c->loop);
}

void raw_open_silent(struct raw_client *c, fc_reactor *reactor, const char *address) {
  raw_open(c, reactor, address);
  c->silent = true;
}

void raw_close(struct raw_client *c) {
  if (!c->h2) return;
  fc__loop_lock(c->loop);
  if (c->transport) c->transport->ops->close(c->transport);
  c->transport = NULL;
  fc__h2_conn_destroy(c->h2);
  c->h2 = NULL;
  fc__loop_unlock(c->loop);
}

/* ---- sending ---- */

void raw_hold(struct raw_client *c) { c->held = true; }

void raw_release(struct raw_client *c) {
  fc__loop_lock(c->loop);
  c->held = false;
  write_out(c);
  fc__loop_unlock(c->loop);
}

void raw_ignore_limits(struct raw_client *c) { c->h2->peer_max_streams = UINT32_MAX; }

static void add_field(struct raw_client *c, const char *name, const char *value) {
  fc__h2_block_field(c->h2, fc_slice_from_string(name), fc_slice_from_string(value),
                     FC__HPACK_INDEX);
}

static bool begin_locked(struct raw_client *c, struct raw_call *call, const char *path,
                         const char *timeout) {
  memset(call, 0, sizeof *call);
  call->client = c;
  call->status = -1;
  fc__h2_block_begin(c->h2, NULL);
  add_field(c, ":method", "POST");
  add_field(c, ":scheme", "http");
  add_field(c, ":path", path);
  add_field(c, ":authority", "test");
  add_field(c, "te", "trailers");
  add_field(c, "content-type", "application/grpc");
  if (timeout) add_field(c, "grpc-timeout", timeout);
  bool begun = fc__h2_block_end_request(c->h2, &call->stream, false) == FC_OK;
  write_out(c);
  return begun;
}

bool raw_begin(struct raw_client *c, struct raw_call *call, const char *path, const char *timeout) {
  fc__loop_lock(c->loop);
  bool begun = begin_locked(c, call, path, timeout);
  fc__loop_unlock(c->loop);
  return begun;
}

void raw_send(struct raw_call *call, const char *text, bool last) {
  struct raw_client *c = call->client;
  fc_slice body = fc_slice_from_string(text);
  uint8_t head[5] = {0, 0, 0, (uint8_t)(body.len >> 8), (uint8_t)body.len};
  fc__loop_lock(c->loop);
  if (call->stream.open) {
    (void)fc__h2_send(c->h2, &call->stream, (fc_slice){head, sizeof head}, NULL, body, last);
  }
  write_out(c);
  fc__loop_unlock(c->loop);
}

bool raw_request(struct raw_client *c, struct raw_call *call, const char *path,
                 const char *timeout) {
  if (!raw_begin(c, call, path, timeout)) return false;
  raw_send(call, "request", true);
  return true;
}

void raw_reset(struct raw_call *call) {
  struct raw_client *c = call->client;
  fc__loop_lock(c->loop);
  fc__h2_reset(c->h2, &call->stream, FC__H2_CANCEL);
  write_out(c);
  fc__loop_unlock(c->loop);
}
