/* The server of raw_server.h. */
#include "support/raw_server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "http2/frame.h"
#include "io/reactor.h"
#include "support/check.h"
#include "wire/deframer.h"

struct raw_connection {
  struct fc__node all;
  struct raw_server *server;
  struct fc__transport *transport;
  struct fc__h2_conn *h2; /* NULL unless it serves */
  struct fc__flush flush;
};

struct raw_request {
  struct fc__h2_stream stream; /* first */
  struct raw_connection *connection;
  struct fc__node held;
};

/* ---- connections ---- */

static void drop(struct raw_connection *c) {
  c->server->open--;
  fc__list_remove(&c->all);
  fc__list_remove(&c->flush.link);
  c->transport->ops->close(c->transport);
  if (c->h2) {
    fc__h2_close(c->h2, FC__H2_CANCEL, true);
    fc__h2_conn_destroy(c->h2);
  }
  fc__free(c);
}

static void put(struct raw_connection *c, fc_slice bytes) {
  struct iovec iov = {(void *)(uintptr_t)bytes.data, bytes.len};
  (void)c->transport->ops->write(c->transport, &iov, 1);
}

static bool write_out(struct raw_connection *c, int64_t now) {
  struct iovec iov[FC__H2_IOV_MAX];
  for (int count; (count = fc__h2_output(c->h2, iov, now)) > 0;) {
    ssize_t n = c->transport->ops->write(c->transport, iov, count);
    if (n < 0 && n != -EAGAIN) return false;
    if (n <= 0) break;
    fc__h2_written(c->h2, (size_t)n, now);
  }
  unsigned more = fc__h2_wants_write(c->h2) ? (unsigned)FC__READY_WRITE : 0;
  c->transport->ops->want(c->transport, FC__READY_READ | more);
  return true;
}

static void flush_run(struct fc__flush *flush, int64_t now) {
  struct raw_connection *c = FC__CONTAINER(flush, struct raw_connection, flush);
  if (!write_out(c, now)) drop(c);
}

static bool read_in(struct raw_connection *c, int64_t now) {
  uint8_t bytes[16384];
  struct iovec iov = {bytes, sizeof bytes};
  for (;;) {
    ssize_t n = c->transport->ops->read(c->transport, &iov, 1);
    if (n == -EAGAIN) return true;
    if (n <= 0) return false;
    if (c->h2 && fc__h2_receive(c->h2, (fc_slice){bytes, (size_t)n}, now) < 0) return false;
  }
}

static void on_ready(struct fc__transport *t, unsigned ready, int64_t now) {
  struct raw_connection *c = t->user;
  (void)ready;
  if (!read_in(c, now) || (c->h2 && !write_out(c, now))) drop(c);
}

/* ---- requests ---- */

static void answer_field(struct raw_connection *c, const char *name, const char *value) {
  fc__h2_block_field(c->h2, fc_slice_from_string(name), fc_slice_from_string(value),
                     FC__HPACK_LITERAL);
}

static void answer(struct raw_request *r) {
  struct raw_connection *c = r->connection;
  uint8_t prefix[FC__MESSAGE_PREFIX];
  fc__message_prefix(prefix, 2, false);
  fc__h2_block_begin(c->h2, &r->stream);
  answer_field(c, ":status", "200");
  answer_field(c, "content-type", "application/grpc");
  if (fc__h2_block_end(c->h2, &r->stream, false) != FC_OK) return;
  if (fc__h2_send(c->h2, &r->stream, (fc_slice){prefix, sizeof prefix}, NULL, TEXT("ok"), false) !=
      FC_OK) {
    return;
  }
  fc__h2_block_begin(c->h2, &r->stream);
  answer_field(c, "grpc-status", "0");
  (void)fc__h2_block_end(c->h2, &r->stream, true);
}

static void request_ended(struct raw_request *r) {
  struct raw_connection *c = r->connection;
  struct raw_server *s = c->server;
  s->requests++;
  if (s->resets > 0) {
    s->resets--;
    fc__h2_reset(c->h2, &r->stream, s->reset_code);
    fc__free(r);
  } else if (s->hold) {
    fc__list_push_back(&s->held, &r->held);
  } else {
    answer(r);
  }
}

static struct fc__h2_stream *on_open(void *owner, uint32_t id) {
  struct raw_request *r = fc__alloc_zero(sizeof *r);
  (void)id;
  if (!r) return NULL;
  r->connection = owner;
  fc__node_init(&r->held);
  return &r->stream;
}

static void on_field(void *owner, struct fc__h2_stream *stream, const struct fc__field *field,
                     bool trailers) {
  struct raw_server *s = ((struct raw_connection *)owner)->server;
  (void)stream;
  if (trailers || field->token != FC__TOKEN_PATH) return;
  size_t len = strlen(s->log);
  snprintf(s->log + len, sizeof s->log - len, "%.*s ", (int)field->value.len,
           (const char *)field->value.data);
}

static void on_block(void *owner, struct fc__h2_stream *stream, const struct fc__h2_block *block) {
  (void)owner;
  if (block->end_stream) request_ended((struct raw_request *)stream);
}

static void on_data(void *owner, struct fc__h2_stream *stream, fc_slice data, bool end_stream) {
  fc__h2_consume(((struct raw_connection *)owner)->h2, stream, data.len);
  if (end_stream) request_ended((struct raw_request *)stream);
}

static void on_closed(void *owner, struct fc__h2_stream *stream, uint32_t code, bool remote) {
  struct raw_request *r = (struct raw_request *)stream;
  (void)owner, (void)code, (void)remote;
  fc__list_remove(&r->held);
  fc__free(r);
}

static void on_goaway(void *owner, uint32_t last_id, uint32_t code, fc_slice debug) {
  (void)last_id, (void)code, (void)debug;
  ((struct raw_connection *)owner)->server->goaways++;
}

static void on_writable(void *owner, struct fc__h2_stream *s) { (void)owner, (void)s; }
static void on_settings(void *owner) { (void)owner; }
static void on_ping_ack(void *owner, uint64_t opaque, int64_t now) {
  (void)owner, (void)opaque, (void)now;
}

static const struct fc__h2_events events = {
    .on_open = on_open,
    .on_field = on_field,
    .on_block = on_block,
    .on_data = on_data,
    .on_closed = on_closed,
    .on_writable = on_writable,
    .on_goaway = on_goaway,
    .on_settings = on_settings,
    .on_ping_ack = on_ping_ack,
};

/* ---- accepting ---- */

static void serve(struct raw_connection *c, int64_t now) {
  struct fc__h2_config config;
  fc__h2_config_defaults(&config, true);
  config.max_concurrent_streams = c->server->max_streams;
  config.ping_min_interval = 0;
  c->h2 = fc__h2_conn_create(&config, &events, c, now);
  if (!c->h2 || !write_out(c, now)) drop(c);
}

static void greet(struct raw_server *s, struct fc__transport *t, int64_t now) {
  struct raw_connection *c = fc__alloc_zero(sizeof *c);
  if (!c) {
    t->ops->close(t);
    return;
  }
  c->server = s;
  c->transport = t;
  c->flush.run = flush_run;
  fc__node_init(&c->flush.link);
  fc__list_push_back(&s->connections, &c->all);
  s->open++;
  t->on_ready = on_ready;
  t->user = c;
  switch (s->manners) {
    case RAW_SERVE:
      serve(c, now);
      break;
    case RAW_BYTES:
      put(c, fc_slice_from_string(s->bytes));
      break;
    case RAW_SLAM:
      drop(c);
      break;
    case RAW_MUTE:
      break;
  }
}

static void on_connections(struct fc__listener *l, int64_t now) {
  struct raw_server *s = l->user;
  struct fc__transport *t;
  struct fc__addr peer;
  while (l->ops->accept(l, &t, &peer) == 0) {
    s->accepted++;
    greet(s, t, now);
  }
}

/* ---- what tests call ---- */

void raw_server_listen(struct raw_server *s, const char *address) {
  struct fc__addr addr;
  fc__loop_lock(s->loop);
  assert_true(s->net->ops->parse(s->net, "ipv4", address, &addr));
  assert_int_equal(s->net->ops->listen(s->net, &addr, NULL, &s->listener, NULL), 0);
  s->listener->on_ready = on_connections;
  s->listener->user = s;
  fc__loop_unlock(s->loop);
}

void raw_server_open(struct raw_server *s, fc_reactor *reactor, const char *address) {
  memset(s, 0, sizeof *s);
  s->reactor = reactor;
  s->loop = fc__reactor_loop(reactor);
  s->net = fc__reactor_net(reactor);
  s->max_streams = 100;
  fc__node_init(&s->connections);
  fc__node_init(&s->held);
  raw_server_listen(s, address);
}

static struct raw_connection *first_connection(struct raw_server *s) {
  struct fc__node *n = fc__list_first(&s->connections);
  return n ? FC__CONTAINER(n, struct raw_connection, all) : NULL;
}

void raw_server_hang_up(struct raw_server *s) {
  fc__loop_lock(s->loop);
  for (struct raw_connection *c; (c = first_connection(s));) drop(c);
  fc__loop_unlock(s->loop);
}

void raw_server_unlisten(struct raw_server *s) {
  fc__loop_lock(s->loop);
  if (s->listener) s->listener->ops->close(s->listener);
  s->listener = NULL;
  fc__loop_unlock(s->loop);
}

void raw_server_close(struct raw_server *s) {
  raw_server_unlisten(s);
  raw_server_hang_up(s);
}

void raw_server_answer(struct raw_server *s, size_t count) {
  fc__loop_lock(s->loop);
  for (struct fc__node *n; count > 0 && (n = fc__list_first(&s->held)); count--) {
    struct raw_request *r = FC__CONTAINER(n, struct raw_request, held);
    fc__list_remove(n);
    fc__loop_flush(s->loop, &r->connection->flush);
    answer(r);
  }
  fc__loop_unlock(s->loop);
}

static void put_u32(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> (24 - 8 * i));
}

void raw_server_say(struct raw_server *s, fc_slice bytes) {
  fc__loop_lock(s->loop);
  for (struct fc__node *n = s->connections.next; n != &s->connections; n = n->next) {
    put(FC__CONTAINER(n, struct raw_connection, all), bytes);
  }
  fc__loop_unlock(s->loop);
}

void raw_server_goaway(struct raw_server *s, uint32_t last_id, uint32_t code, const char *debug) {
  uint8_t frame[17 + 64] = {0};
  size_t len = strlen(debug);
  assert_true(len <= 64);
  frame[2] = (uint8_t)(8 + len); /* RFC 9113 section 6.8 */
  frame[3] = FC__H2_GOAWAY;
  put_u32(frame + 9, last_id);
  put_u32(frame + 13, code);
  memcpy(frame + 17, debug, len);
  raw_server_say(s, (fc_slice){frame, 17 + len});
}
