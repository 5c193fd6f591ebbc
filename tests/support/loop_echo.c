/* An echo server and its client upon fc__loop and fc__net alone. */
#include "support/loop_echo.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* ---- server ---- */

static void forget(struct echo_end *end) {
  end->transport->ops->close(end->transport);
  end->transport = NULL;
}

/* Reads only when everything read before was sent back. */
static bool echo(struct echo_end *end) {
  struct fc__transport *t = end->transport;
  for (;;) {
    struct iovec iov = {end->bytes, sizeof end->bytes};
    if (end->len == 0) {
      ssize_t got = t->ops->read(t, &iov, 1);
      if (got <= 0) return got == -EAGAIN;
      end->len = (size_t)got;
    }
    iov.iov_len = end->len;
    ssize_t sent = t->ops->write(t, &iov, 1);
    if (sent < 0 && sent != -EAGAIN) return false;
    if (sent > 0) end->len -= (size_t)sent; /* all bytes are the same */
    t->ops->want(t, end->len ? FC__READY_WRITE : FC__READY_READ);
    if (sent < 0) return true;
  }
}

static void server_ready(struct fc__transport *t, unsigned ready, int64_t now) {
  struct echo_end *end = t->user;
  (void)ready;
  (void)now;
  if (!echo(end)) forget(end);
}

static struct echo_end *free_end(struct echo_server *s) {
  for (size_t i = 0; i < ECHO_MAX; i++) {
    if (s->ends[i].transport == NULL) return &s->ends[i];
  }
  return NULL;
}

static void server_accept(struct fc__listener *l, int64_t now) {
  struct echo_server *s = l->user;
  struct fc__transport *t;
  struct fc__addr peer;
  struct echo_end *end;
  (void)now;
  while ((end = free_end(s)) != NULL && l->ops->accept(l, &t, &peer) == 0) {
    t->on_ready = server_ready;
    t->user = end;
    end->transport = t;
    end->len = 0;
  }
}

void echo_server_start(struct echo_server *s, struct fc__loop *loop, struct fc__net *net,
                       const char *kind, const char *text) {
  struct fc__addr addr;
  memset(s, 0, sizeof *s);
  s->loop = loop;
  s->net = net;
  fc__loop_lock(loop);
  bool parsed = net->ops->parse(net, kind ? kind : "ipv4", text ? text : "127.0.0.1:0", &addr);
  assert(parsed);
  int result = net->ops->listen(net, &addr, NULL, &s->listener, &s->bound);
  assert(parsed && result == 0);
  (void)parsed;
  (void)result;
  s->listener->on_ready = server_accept;
  s->listener->user = s;
  fc__loop_unlock(loop);
}

void echo_server_stop(struct echo_server *s) {
  fc__loop_lock(s->loop);
  for (size_t i = 0; i < ECHO_MAX; i++) {
    if (s->ends[i].transport) forget(&s->ends[i]);
  }
  s->listener->ops->close(s->listener);
  fc__loop_unlock(s->loop);
}

/* ---- client ---- */

static void client_done(struct echo_client *c) {
  if (c->waiter) fc__loop_wake(c->loop, c->waiter);
  if (c->answered) fc__loop_defer(c->loop, c->answered);
  c->answered = NULL;
  if (c->holding) fc__loop_unhold(c->loop);
  c->holding = false;
}

static void client_fail(struct echo_client *c, int error) {
  if (c->error == 0) c->error = error;
  c->transport->ops->want(c->transport, 0); /* it is closed later */
  client_done(c);
}

static void client_flush(struct fc__flush *flush, int64_t now) {
  struct echo_client *c = FC__CONTAINER(flush, struct echo_client, flush);
  static char bytes[65536];
  (void)now;
  if (!c->connected || c->error) return;
  while (c->unsent > 0) {
    struct iovec iov = {bytes, c->unsent < sizeof bytes ? c->unsent : sizeof bytes};
    ssize_t n = c->transport->ops->write(c->transport, &iov, 1);
    if (n == -EAGAIN) break;
    if (n < 0) {
      client_fail(c, (int)n);
      return;
    }
    c->unsent -= (size_t)n;
  }
  c->transport->ops->want(c->transport, FC__READY_READ | (c->unsent ? FC__READY_WRITE : 0U));
}

static void client_read(struct echo_client *c) {
  char bytes[4096];
  while (c->error == 0) {
    struct iovec iov = {bytes, sizeof bytes};
    ssize_t n = c->transport->ops->read(c->transport, &iov, 1);
    if (n == -EAGAIN) return;
    if (n <= 0) {
      client_fail(c, n == 0 ? -ECONNRESET : (int)n);
      return;
    }
    c->expected -= (size_t)n;
    if (c->expected == 0) client_done(c);
    if ((size_t)n < sizeof bytes) return;
  }
}

static void client_ready(struct fc__transport *t, unsigned ready, int64_t now) {
  struct echo_client *c = t->user;
  if (!c->connected && (ready & FC__READY_WRITE)) {
    int result = t->ops->finish_connect(t);
    if (result != 0) {
      client_fail(c, result);
      return;
    }
    c->connected = true;
  }
  if (ready & FC__READY_WRITE) client_flush(&c->flush, now);
  if (ready & FC__READY_READ) client_read(c);
}

void echo_client_start(struct echo_client *c, struct fc__loop *loop, struct fc__net *net,
                       const struct fc__addr *to) {
  memset(c, 0, sizeof *c);
  c->loop = loop;
  c->net = net;
  fc__node_init(&c->flush.link);
  c->flush.run = client_flush;
  fc__loop_lock(loop);
  c->error = net->ops->connect(net, to, &c->transport);
  if (c->transport) {
    c->transport->on_ready = client_ready;
    c->transport->user = c;
  }
  fc__loop_unlock(loop);
}

void echo_client_stop(struct echo_client *c) {
  fc__loop_lock(c->loop);
  fc__list_remove(&c->flush.link);
  if (c->transport) c->transport->ops->close(c->transport);
  fc__loop_unlock(c->loop);
}

void echo_client_send(struct echo_client *c, size_t len) {
  c->unsent += len;
  c->expected += len;
  fc__loop_flush(c->loop, &c->flush);
}

bool echo_client_exchange(struct echo_client *c, size_t len, int64_t until) {
  struct fc__waiter waiter = {0};
  fc__loop_lock(c->loop);
  if (c->error == 0) {
    echo_client_send(c, len);
    c->waiter = &waiter;
    fc__loop_wait(c->loop, &waiter, until);
    c->waiter = NULL;
  }
  bool done = c->error == 0 && c->expected == 0;
  fc__loop_unlock(c->loop);
  return done;
}

void echo_client_exchange_later(struct echo_client *c, size_t len, struct fc__task *answered) {
  fc__loop_lock(c->loop);
  echo_client_send(c, len);
  c->answered = answered;
  c->holding = true;
  fc__loop_hold(c->loop);
  fc__loop_unlock(c->loop);
}
