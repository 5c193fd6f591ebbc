/* The connections and listeners of nodes. What one end writes lies in the buffer of the other at once. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "io/address.h"
#include "threads/node_internal.h"
#include "threads/sched_internal.h"

/* Of all nodes. As an object that is released and acquired it stands for the network, through which what one thread has
 * written comes to another. */
static struct fc__node listeners = {&listeners, &listeners};

static struct node *from_net(struct fc__net *net) { return FC__CONTAINER(net, struct node, net); }
static struct end *from_base(struct fc__transport *t) { return FC__CONTAINER(t, struct end, base); }
static struct listener *from_listener(struct fc__listener *l) {
  return FC__CONTAINER(l, struct listener, base);
}

/* ---- transports ---- */

static bool is_pending(const struct end *e) { return fc__node_linked(&e->pending); }

static ssize_t end_read(struct fc__transport *base, const struct iovec *iov, int count) {
  struct end *e = from_base(base);
  sched_acquire(&listeners);
  if (e->lost) return -ECONNABORTED;
  if (is_pending(e)) return -EAGAIN;
  size_t n = 0;
  for (int i = 0; i < count && n < e->len; i++) {
    size_t part = iov[i].iov_len < e->len - n ? iov[i].iov_len : e->len - n;
    memcpy(iov[i].iov_base, e->bytes + n, part);
    n += part;
  }
  memmove(e->bytes, e->bytes + n, e->len - n);
  e->len -= n;
  sched_release(&listeners);
  if (n > 0) return (ssize_t)n;
  return e->peer ? -EAGAIN : 0;
}

static ssize_t end_write(struct fc__transport *base, const struct iovec *iov, int count) {
  struct end *e = from_base(base), *to = e->peer;
  if (e->lost || to == NULL) return e->lost ? -ECONNABORTED : -EPIPE;
  size_t n = 0;
  sched_acquire(&listeners);
  for (int i = 0; i < count && to->len < NODE_BUFFER; i++) {
    size_t part = iov[i].iov_len < NODE_BUFFER - to->len ? iov[i].iov_len : NODE_BUFFER - to->len;
    memcpy(to->bytes + to->len, iov[i].iov_base, part);
    to->len += part;
    n += part;
  }
  sched_release(&listeners);
  return n > 0 ? (ssize_t)n : -EAGAIN;
}

static void end_want(struct fc__transport *base, unsigned ready) {
  from_base(base)->interest = ready;
}

static int end_finish_connect(struct fc__transport *base) {
  struct end *e = from_base(base);
  e->connecting = false;
  e->interest = FC__READY_READ;
  return e->lost ? -ECONNABORTED : e->connect_error;
}

void node_end_free(struct end *e) {
  sched_acquire(&listeners);
  fc__list_remove(&e->all);
  fc__free(e);
}

static void end_close(struct fc__transport *base) {
  struct end *e = from_base(base);
  if (e->closed) sched_fail("a transport is closed twice");
  e->closed = true;
  if (e->peer) e->peer->peer = NULL;
  fc__list_remove(&e->pending);
  if (!e->node->dispatching) node_end_free(e);
}

static const struct fc__transport_ops end_ops = {
    .read = end_read,
    .write = end_write,
    .want = end_want,
    .finish_connect = end_finish_connect,
    .close = end_close,
};

unsigned node_end_ready(const struct end *e) {
  if (e->closed) return 0;
  if (e->lost || e->connecting) return e->interest;
  unsigned ready = 0;
  if (e->peer == NULL || (e->len > 0 && !is_pending(e))) ready |= FC__READY_READ;
  if (e->peer == NULL || e->peer->len < NODE_BUFFER) ready |= FC__READY_WRITE;
  return ready & e->interest;
}

static struct end *end_create(struct node *node) {
  struct end *e = node_alloc(sizeof *e);
  e->base.ops = &end_ops;
  e->node = node;
  e->interest = FC__READY_READ;
  fc__node_init(&e->pending);
  fc__list_push_back(&node->ends, &e->all);
  return e;
}

/* ---- listeners ---- */

static int listener_accept(struct fc__listener *base, struct fc__transport **out,
                           struct fc__addr *peer) {
  struct listener *l = from_listener(base);
  struct fc__node *first = fc__list_first(&l->pending);
  if (first == NULL) return -EAGAIN;
  struct end *client = FC__CONTAINER(first, struct end, pending), *server = end_create(l->node);
  sched_acquire(&listeners);
  fc__list_remove(first);
  server->peer = client;
  client->peer = server;
  /* What was written before it was accepted lies in its own buffer, see net_connect. */
  server->len = client->len;
  memcpy(server->bytes, client->bytes, client->len);
  client->len = 0;
  sched_release(&listeners);
  *peer = l->at;
  *out = &server->base;
  return 0;
}

static void listener_pause(struct fc__listener *base, bool paused) {
  from_listener(base)->paused = paused;
}

void node_listener_free(struct listener *l) {
  sched_acquire(&listeners);
  fc__list_remove(&l->all);
  fc__free(l);
}

static void refuse_pending(struct listener *l) {
  struct fc__node *first;
  while ((first = fc__list_first(&l->pending)) != NULL) {
    struct end *client = FC__CONTAINER(first, struct end, pending);
    fc__list_remove(first);
    client->peer = NULL;
    client->len = 0;
  }
}

static void listener_close(struct fc__listener *base) {
  struct listener *l = from_listener(base);
  l->closed = true;
  fc__list_remove(&l->everywhere);
  refuse_pending(l);
  if (!l->node->dispatching) node_listener_free(l);
}

static const struct fc__listener_ops listener_ops = {
    .accept = listener_accept,
    .pause = listener_pause,
    .close = listener_close,
};

bool node_listener_ready(const struct listener *l) {
  return !l->closed && !l->paused && l->pending.next != &l->pending;
}

/* ---- struct fc__net ---- */

static bool equals(const struct fc__addr *a, const struct fc__addr *b) {
  return a->len == b->len && memcmp(a->storage, b->storage, a->len) == 0;
}

/* Until it is accepted the client's end is its own peer: what it writes is kept there. */
static int net_connect(struct fc__net *net, const struct fc__addr *addr,
                       struct fc__transport **out) {
  struct end *e = end_create(from_net(net));
  sched_acquire(&listeners);
  e->connecting = true;
  e->connect_error = -ECONNREFUSED;
  for (struct fc__node *n = listeners.next; n != &listeners; n = n->next) {
    struct listener *l = FC__CONTAINER(n, struct listener, everywhere);
    if (!equals(&l->at, addr)) continue;
    e->connect_error = 0;
    e->peer = e;
    fc__list_push_back(&l->pending, &e->pending);
    break;
  }
  sched_release(&listeners);
  *out = &e->base;
  return 0;
}

static int net_listen(struct fc__net *net, const struct fc__addr *addr,
                      const struct fc__listen_options *options, struct fc__listener **out,
                      struct fc__addr *bound) {
  struct listener *l = node_alloc(sizeof *l);
  (void)options;
  l->base.ops = &listener_ops;
  l->node = from_net(net);
  l->at = *bound = *addr;
  fc__node_init(&l->pending);
  fc__list_push_back(&l->node->listeners, &l->all);
  fc__list_push_back(&listeners, &l->everywhere);
  sched_release(&listeners);
  *out = &l->base;
  return 0;
}

static int net_adopt(struct fc__net *net, int fd, struct fc__transport **out) {
  (void)net;
  (void)fd;
  *out = NULL;
  return -ENOTSUP;
}

static int net_resolve(struct fc__net *net, const char *host, uint16_t port,
                       struct fc__resolve *r) {
  (void)net;
  (void)host;
  (void)port;
  (void)r;
  return -ENOTSUP; /* literal addresses are not asked for */
}

static void net_resolve_cancel(struct fc__net *net, struct fc__resolve *r) {
  (void)net;
  (void)r;
}

static bool net_parse(struct fc__net *net, const char *kind, const char *text,
                      struct fc__addr *out) {
  (void)net;
  return fc__addr_parse(kind, text, out);
}

static uint64_t net_random(struct fc__net *net) { return fc__random_next(&from_net(net)->random); }

const struct fc__net_ops node_net_ops = {
    .connect = net_connect,
    .listen = net_listen,
    .adopt = net_adopt,
    .resolve = net_resolve,
    .resolve_cancel = net_resolve_cancel,
    .parse = net_parse,
    .random = net_random,
};
