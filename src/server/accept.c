/*
 * Taking connections from a listening socket. Nothing ends this but the server's shutdown: when the system has no
 * descriptor or memory to give, or the server has all the connections or handshakes it wants, the socket is left alone
 * for a while.
 * Connections wait in its backlog meanwhile, and those that are open notice nothing (CVE-2023-4785, CVE-2024-47609).
 */
#include <errno.h>

#include "base/mem.h"
#include "server/server.h"

enum {
  ACCEPTS_PER_TURN = 64, /* then connections have their turn; level triggering brings the rest */
  ABORTED_PER_TURN =
      16, /* more connections than this that die in the backlog get the system's breath back */
};

#define RETRY_AFTER (500 * FC_MILLISECOND)

static void set_paused(struct fc__server_port *port, bool paused) {
  if (port->paused == paused) return;
  port->paused = paused;
  port->listener->ops->pause(port->listener, paused);
}

static void retry_later(struct fc__server_port *port, int64_t now) {
  set_paused(port, true);
  fc__loop_timer_set(port->shard->loop, &port->retry, now + RETRY_AFTER);
}

static bool reserve_socket(fc_server *server) {
  unsigned max = server->options.max_connections;
  if (max == 0 || atomic_fetch_add(&server->sockets, 1) < max) return true;
  atomic_fetch_sub(&server->sockets, 1);
  return false;
}

static void release_socket(fc_server *server) {
  if (server->options.max_connections) atomic_fetch_sub(&server->sockets, 1);
}

/* Takes one connection; 0 or a negative errno. */
static int accept_one(struct fc__server_port *port, int64_t now) {
  struct fc__server_shard *shard = port->shard;
  struct fc__transport *transport;
  struct fc__addr peer = {0};
  if (!fc__server_may_admit(port, now)) return -EBUSY;
  if (!reserve_socket(shard->server)) return -EMFILE;
  int failed = port->listener->ops->accept(port->listener, &transport, &peer);
  if (failed) {
    release_socket(shard->server);
    return failed;
  }
  fc__server_admit(port, transport, &peer, now);
  return 0;
}

static void on_ready(struct fc__listener *listener, int64_t now) {
  struct fc__server_port *port = listener->user;
  int aborted = 0;
  for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
    int failed = accept_one(port, now);
    if (failed == -EAGAIN) return;
    if (failed == -EINTR) continue;
    if (failed == -ECONNABORTED && ++aborted < ABORTED_PER_TURN) continue;
    if (failed) {
      retry_later(port, now);
      return;
    }
  }
}

static void retry_fire(struct fc__timer *timer, int64_t now) {
  struct fc__server_port *port = FC__CONTAINER(timer, struct fc__server_port, retry);
  set_paused(port, false);
  on_ready(port->listener, now);
}

void fc__server_ports_retry(struct fc__server_shard *shard, int64_t now) {
  for (struct fc__node *n = shard->ports.next; n != &shard->ports; n = n->next) {
    struct fc__server_port *port = FC__CONTAINER(n, struct fc__server_port, node);
    if (port->paused && shard->accepting) fc__loop_timer_set(shard->loop, &port->retry, now);
  }
}

void fc__server_socket_closed(struct fc__server_shard *shard, int64_t now) {
  release_socket(shard->server);
  fc__server_ports_retry(shard, now);
}

fc_result fc__server_port_add(struct fc__server_shard *shard, struct fc__listener *listener,
                              fc_server_credentials *credentials, unsigned batch) {
  struct fc__server_port *port = fc__alloc_zero(sizeof *port);
  if (!port) return FC_ERR_NO_MEMORY;
  port->shard = shard;
  port->credentials = credentials;
  port->batch = batch;
  port->listener = listener;
  port->retry.fire = retry_fire;
  listener->user = port;
  listener->on_ready = on_ready;
  fc__list_push_back(&shard->ports, &port->node);
  set_paused(port, true);
  return FC_OK;
}

static void port_remove(struct fc__server_port *port) {
  fc__loop_timer_stop(port->shard->loop, &port->retry);
  fc__list_remove(&port->node);
  port->listener->ops->close(port->listener);
  fc__free(port);
}

void fc__server_ports_open(struct fc__server_shard *shard) {
  if (!shard->accepting) return;
  for (struct fc__node *n = shard->ports.next; n != &shard->ports; n = n->next) {
    set_paused(FC__CONTAINER(n, struct fc__server_port, node), false);
  }
}

void fc__server_ports_close(struct fc__server_shard *shard, unsigned batch) {
  for (struct fc__node *n = shard->ports.next, *next; n != &shard->ports; n = next) {
    struct fc__server_port *port = FC__CONTAINER(n, struct fc__server_port, node);
    next = n->next;
    if (batch == FC__SERVER_ALL_PORTS || port->batch == batch) port_remove(port);
  }
}
