/* The ends of simulated connections, and how connections come to be. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/address.h"
#include "sim/sim_internal.h"

static struct sim_transport *from_base(struct fc__transport *t) {
  return FC__CONTAINER(t, struct sim_transport, base);
}

static struct sim_pipe *out_pipe(const struct sim_transport *t) {
  return &t->connection->pipes[t->out];
}

static struct sim_pipe *in_pipe(const struct sim_transport *t) {
  return &t->connection->pipes[!t->out];
}

/* Of the other end: it is closed, so that what arrives there is answered with a reset. */
static bool peer_is_gone(const struct sim_transport *t) {
  const struct sim_connection *c = t->connection;
  return t->out == SIM_TO_SERVER ? c->server_gone : c->ends[0] == NULL;
}

/* ---- struct fc__transport ---- */

static ssize_t transport_read(struct fc__transport *base, const struct iovec *iov, int count) {
  struct sim_transport *t = from_base(base);
  t->connection->sim->read_count++;
  return sim_pipe_read(t->connection, in_pipe(t), iov, count);
}

static ssize_t transport_write(struct fc__transport *base, const struct iovec *iov, int count) {
  struct sim_transport *t = from_base(base);
  struct sim_connection *c = t->connection;
  if (in_pipe(t)->reset_at <= c->sim->now) return -EPIPE;
  ssize_t n = sim_pipe_write(c, out_pipe(t), iov, count);
  if (n > 0 && peer_is_gone(t) && !out_pipe(t)->deaf) {
    sim_pipe_reset(c, in_pipe(t), 2 * c->link.latency);
  }
  return n;
}

static void transport_want(struct fc__transport *base, unsigned ready) {
  from_base(base)->interest = ready;
}

static int transport_finish_connect(struct fc__transport *base) {
  struct sim_transport *t = from_base(base);
  struct sim_connection *c = t->connection;
  if (c->connected_at > c->sim->now) return -EINPROGRESS;
  t->connecting = false;
  t->interest = FC__READY_READ;
  return c->outcome;
}

static void transport_shutdown(struct fc__transport *base) {
  struct sim_transport *t = from_base(base);
  sim_pipe_end(t->connection, out_pipe(t));
}

/* Closing with bytes unread resets the connection, RFC 1122 section 4.2.2.13. */
static void transport_close(struct fc__transport *base) {
  struct sim_transport *t = from_base(base);
  struct sim_connection *c = t->connection;
  if (in_pipe(t)->held > 0) {
    sim_pipe_reset(c, out_pipe(t), c->link.latency);
  } else {
    sim_pipe_end(c, out_pipe(t));
  }
  t->closed = true;
  c->ends[t->out == SIM_TO_SERVER ? 0 : 1] = NULL;
  if (t->out == SIM_TO_CLIENT) c->server_gone = true;
}

static const struct fc__transport_ops transport_ops = {
    .read = transport_read,
    .write = transport_write,
    .want = transport_want,
    .finish_connect = transport_finish_connect,
    .shutdown = transport_shutdown,
    .close = transport_close,
};

unsigned sim_transport_ready(const struct sim_transport *t) {
  const struct sim_connection *c = t->connection;
  if (t->closed) return 0;
  if (t->connecting) return c->connected_at <= c->sim->now ? FC__READY_WRITE : 0;
  unsigned ready = 0;
  const struct sim_pipe *in = in_pipe(t);
  bool reset = in->reset_at <= c->sim->now;
  if (sim_pipe_readable(c->sim, in)) ready |= FC__READY_READ;
  if (reset || out_pipe(t)->held < c->link.buffer) ready |= FC__READY_WRITE;
  return ready & t->interest;
}

struct sim_transport *sim_transport_create(struct sim_connection *c, enum sim_direction out) {
  struct sim_transport *t = sim_alloc(sizeof *t);
  t->base.ops = &transport_ops;
  t->connection = c;
  t->out = out;
  t->interest = FC__READY_READ;
  c->ends[out == SIM_TO_SERVER ? 0 : 1] = t;
  fc__list_push_back(&c->sim->transports, &t->all);
  return t;
}

/* ---- connecting ---- */

static void end_connect(struct sim_connection *c, int outcome, int64_t at) {
  c->outcome = outcome;
  c->connected_at = at;
  sim_note_time(c->sim, at);
}

/* The request has come to the other side. */
static void arrive(struct fc__timer *timer, int64_t now) {
  struct sim_connection *c = FC__CONTAINER(timer, struct sim_connection, arrives);
  struct sim_listener *l = sim_find_listener(c->sim, &c->to);
  if (c->link.connect_unanswered) return;
  if (c->link.connect_error || l == NULL) {
    end_connect(c, c->link.connect_error ? c->link.connect_error : -ECONNREFUSED,
                now + c->link.latency);
    return;
  }
  c->server_gone = false;
  fc__list_push_back(&l->pending, &c->pending);
  end_connect(c, 0, now + c->link.latency);
  sim_connection_cut_if_due(c);
}

/* The listener of a connection that was not accepted has closed. */
void sim_connection_forget_server(struct sim_connection *c) {
  c->server_gone = true;
  sim_pipe_reset(c, &c->pipes[SIM_TO_CLIENT], c->link.latency);
}

/* A client of a Unix socket has no name of its own. */
static void set_client_address(struct sim *sim, struct sim_connection *c) {
  const struct sockaddr nameless = {.sa_family = AF_UNIX};
  const char *host = c->link.client ? c->link.client : "127.0.0.1";
  unsigned n = sim->next_client++;
  if (fc__addr_family(&c->to) == AF_UNIX) {
    (void)fc__addr_from_system(&c->from, &nameless, sizeof nameless.sa_family);
  } else {
    (void)fc__addr_literal(host, (uint16_t)(50000 + n % 15000), &c->from);
  }
}

static void record_attempt(struct sim *sim, const char *address) {
  size_t size = (sim->attempt_count + 1) * sizeof *sim->attempts;
  sim->attempts = realloc(sim->attempts, size);
  if (sim->attempts == NULL) sim_die(sim, "out of memory");
  struct sim_attempt *a = &sim->attempts[sim->attempt_count++];
  a->at = sim->now;
  memcpy(a->address, address, sizeof a->address);
}

static const struct sim_link *link_to(const struct sim *sim, const char *address) {
  for (const struct sim_named_link *l = sim->links; l; l = l->next) {
    if (strcmp(l->address, address) == 0) return &l->link;
  }
  return &sim->link;
}

static struct sim_connection *create_connection(struct sim *sim, const struct fc__addr *to,
                                                const struct sim_link *link) {
  struct sim_connection *c = sim_alloc(sizeof *c);
  c->sim = sim;
  c->link = *link;
  c->to = *to;
  c->server_gone = true;
  c->connected_at = FC_NEVER;
  c->arrives.fire = arrive;
  fc__node_init(&c->pending);
  sim_pipe_init(&c->pipes[0]);
  sim_pipe_init(&c->pipes[1]);
  set_client_address(sim, c);
  fc__list_push_back(&sim->connections, &c->all);
  return c;
}

int sim_connect(struct fc__net *net, const struct fc__addr *addr, struct fc__transport **out) {
  struct sim *sim = sim_from_net(net);
  char address[FC__ADDR_TEXT_MAX] = "";
  fc__addr_text(addr, address);
  record_attempt(sim, address);
  const struct sim_link *link = link_to(sim, address);
  *out = NULL;
  if (link->connect_now) return link->connect_now;
  struct sim_connection *c = create_connection(sim, addr, link);
  struct sim_transport *t = sim_transport_create(c, SIM_TO_SERVER);
  t->connecting = true;
  fc__loop_timer_set(fc__reactor_loop(sim->reactor), &c->arrives, sim->now + link->latency);
  *out = &t->base;
  return 0;
}

/* ---- the end ---- */

static void release_connection(struct sim_connection *c) {
  fc__loop_timer_stop(fc__reactor_loop(c->sim->reactor), &c->arrives);
  fc__list_remove(&c->pending);
  fc__list_remove(&c->all);
  sim_pipe_finish(&c->pipes[0]);
  sim_pipe_finish(&c->pipes[1]);
  free(c);
}

/* A connection that waits for accept lives on without its client. */
static bool is_over(const struct sim_connection *c) {
  return c->ends[0] == NULL && c->ends[1] == NULL && !fc__node_linked(&c->pending);
}

void sim_release_transports(struct sim *sim) {
  for (struct fc__node *n = sim->transports.next, *next; n != &sim->transports; n = next) {
    struct sim_transport *t = FC__CONTAINER(n, struct sim_transport, all);
    next = n->next;
    if (!t->closed) continue;
    fc__list_remove(n);
    free(t);
  }
  for (struct fc__node *n = sim->connections.next, *next; n != &sim->connections; n = next) {
    struct sim_connection *c = FC__CONTAINER(n, struct sim_connection, all);
    next = n->next;
    if (is_over(c)) release_connection(c);
  }
}
