/* Listeners of the simulated network. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "io/address.h"
#include "sim/sim_internal.h"

static struct sim_listener *from_base(struct fc__listener *l) {
  return FC__CONTAINER(l, struct sim_listener, base);
}

static struct sim_connection *from_pending(struct fc__node *node) {
  return FC__CONTAINER(node, struct sim_connection, pending);
}

bool sim_listener_ready(const struct sim_listener *l) {
  return !l->closed && !l->paused && !fc__list_empty(&l->pending);
}

static int listener_accept(struct fc__listener *base, struct fc__transport **out,
                           struct fc__addr *peer) {
  struct sim_listener *l = from_base(base);
  struct sim *sim = l->sim;
  struct fc__node *node = fc__list_first(&l->pending);
  *out = NULL;
  if (node == NULL) return -EAGAIN;
  if (sim->accept_failures > 0) {
    sim->accept_failures--;
    return sim->accept_error;
  }
  fc__list_remove(node);
  struct sim_connection *c = from_pending(node);
  *out = &sim_transport_create(c, SIM_TO_CLIENT)->base;
  *peer = c->from;
  return 0;
}

static void listener_pause(struct fc__listener *base, bool paused) {
  from_base(base)->paused = paused;
}

static void listener_close(struct fc__listener *base) {
  struct sim_listener *l = from_base(base);
  struct fc__node *node;
  while ((node = fc__list_first(&l->pending)) != NULL) {
    fc__list_remove(node);
    sim_connection_forget_server(from_pending(node));
  }
  l->closed = true;
}

static const struct fc__listener_ops listener_ops = {
    .accept = listener_accept,
    .pause = listener_pause,
    .close = listener_close,
};

/* ---- addresses ---- */

static bool same_address(const struct fc__addr *a, const struct fc__addr *b) {
  return a->len == b->len && memcmp(a->storage, b->storage, a->len) == 0;
}

/* Of 0.0.0.0 and [::]; 0 for others. */
static uint16_t wildcard_port(const struct fc__addr *addr) {
  struct sockaddr_storage system;
  fc__addr_to_system(addr, &system);
  if (system.ss_family == AF_INET) {
    const struct sockaddr_in *a = (const struct sockaddr_in *)&system;
    return a->sin_addr.s_addr == htonl(INADDR_ANY) ? ntohs(a->sin_port) : 0;
  }
  if (system.ss_family == AF_INET6) {
    const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)&system;
    return IN6_IS_ADDR_UNSPECIFIED(&a->sin6_addr) ? ntohs(a->sin6_port) : 0;
  }
  return 0;
}

/* sin_port and sin6_port lie at the same place. */
static uint16_t port_of(const struct fc__addr *addr) {
  struct sockaddr_storage system;
  fc__addr_to_system(addr, &system);
  if (system.ss_family != AF_INET && system.ss_family != AF_INET6) return 0;
  return ntohs(((const struct sockaddr_in *)&system)->sin_port);
}

static bool listens_at(const struct sim_listener *l, const struct fc__addr *to) {
  if (l->closed) return false;
  if (same_address(&l->at, to)) return true;
  uint16_t port = wildcard_port(&l->at);
  return port != 0 && port == port_of(to);
}

struct sim_listener *sim_find_listener(struct sim *sim, const struct fc__addr *to) {
  for (struct fc__node *n = sim->listeners.next; n != &sim->listeners; n = n->next) {
    struct sim_listener *l = FC__CONTAINER(n, struct sim_listener, all);
    if (listens_at(l, to)) return l;
  }
  return NULL;
}

/* ---- listening ---- */

static bool is_ip(const struct fc__addr *addr) { return fc__addr_family(addr) != AF_UNIX; }

int sim_listen(struct fc__net *net, const struct fc__addr *addr,
               const struct fc__listen_options *options, struct fc__listener **out,
               struct fc__addr *bound) {
  struct sim *sim = sim_from_net(net);
  struct fc__addr at = *addr;
  *out = NULL;
  if (is_ip(addr) && port_of(addr) == 0) fc__addr_set_port(&at, (uint16_t)sim->next_port++);
  bool shared = options && options->reuse_port;
  if (!shared && sim_find_listener(sim, &at)) return -EADDRINUSE;
  struct sim_listener *l = sim_alloc(sizeof *l);
  l->base.ops = &listener_ops;
  l->sim = sim;
  l->at = at;
  fc__node_init(&l->pending);
  fc__list_push_back(&sim->listeners, &l->all);
  *out = &l->base;
  if (bound) *bound = at;
  return 0;
}

void sim_release_listeners(struct sim *sim) {
  for (struct fc__node *n = sim->listeners.next, *next; n != &sim->listeners; n = next) {
    struct sim_listener *l = FC__CONTAINER(n, struct sim_listener, all);
    next = n->next;
    if (!l->closed) continue;
    fc__list_remove(n);
    free(l);
  }
}
