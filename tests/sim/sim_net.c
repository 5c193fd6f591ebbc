/* The simulation's life, its links and what tests ask of it. */
#include "sim/sim_net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/address.h"
#include "sim/sim_internal.h"

struct action {
  struct fc__timer timer;
  struct fc__task task;
  struct fc__node all;
  struct sim *sim;
  void (*run)(void *user);
  void *user;
};

void sim_die(const struct sim *sim, const char *what) {
  fprintf(stderr, "simulation with seed %" PRIu64 ": %s\n", sim->seed, what);
  abort();
}

void *sim_alloc(size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL) abort();
  return memory;
}

/* FNV-1a over what happened and when. */
void sim_note(struct sim *sim, uint64_t what) {
  const uint64_t values[2] = {(uint64_t)sim->now, what};
  for (size_t i = 0; i < 2; i++) {
    for (int shift = 0; shift < 64; shift += 8) {
      sim->fingerprint ^= values[i] >> shift & 0xff;
      sim->fingerprint *= UINT64_C(0x100000001b3);
    }
  }
}

/* ---- struct fc__net ---- */

static int net_adopt(struct fc__net *net, int fd, struct fc__transport **out) {
  (void)net;
  (void)fd;
  *out = NULL;
  return -ENOTSUP;
}

static bool net_parse(struct fc__net *net, const char *kind, const char *text,
                      struct fc__addr *out) {
  (void)net;
  return fc__addr_parse(kind, text, out);
}

static uint64_t net_random(struct fc__net *net) {
  return fc__random_next(&sim_from_net(net)->draws);
}

const struct fc__net_ops sim_net_ops = {
    .connect = sim_connect,
    .listen = sim_listen,
    .adopt = net_adopt,
    .resolve = sim_resolve,
    .resolve_cancel = sim_resolve_cancel,
    .parse = net_parse,
    .random = net_random,
};

/* ---- life ---- */

struct sim *sim_create(uint64_t seed) {
  struct sim *sim = sim_alloc(sizeof *sim);
  sim->io.ops = &sim_io_ops;
  sim->io.net = &sim->net;
  sim->net.ops = &sim_net_ops;
  sim->seed = seed;
  fc__random_init(&sim->random, seed);
  fc__random_init(&sim->draws, ~seed);
  sim->now = 1000 * FC_SECOND;
  sim->link.latency = FC_MILLISECOND;
  sim->link.buffer = (size_t)256 * 1024;
  sim->next_port = 40000;
  fc__node_init(&sim->connections);
  fc__node_init(&sim->transports);
  fc__node_init(&sim->listeners);
  fc__node_init(&sim->lookups);
  fc__node_init(&sim->actions);
  fc_error err = FC_ERROR_INIT;
  if (fc__reactor_create_with(&sim->io, FC_REACTOR_HOST, &sim->reactor, &err) != FC_OK) {
    sim_die(sim, err.message);
  }
  return sim;
}

static void drop_actions(struct sim *sim) {
  struct fc__node *node;
  while ((node = fc__list_first(&sim->actions)) != NULL) {
    struct action *a = FC__CONTAINER(node, struct action, all);
    fc__list_remove(node);
    fc__loop_timer_stop(fc__reactor_loop(sim->reactor), &a->timer);
    free(a);
  }
}

static void check_all_gone(struct sim *sim) {
  sim_release_listeners(sim);
  sim_release_transports(sim);
  if (!fc__list_empty(&sim->listeners)) sim_die(sim, "a listener was never closed");
  if (!fc__list_empty(&sim->transports)) sim_die(sim, "a transport was never closed");
  if (!fc__list_empty(&sim->lookups)) sim_die(sim, "a look-up was never cancelled");
  if (fc__timers_next_at(&sim->reactor->timers) != FC_NEVER) sim_die(sim, "a timer is still set");
}

void sim_destroy(struct sim *sim) {
  struct fc__loop *loop = fc__reactor_loop(sim->reactor);
  fc__loop_lock(loop);
  drop_actions(sim);
  check_all_gone(sim);
  fc__loop_unlock(loop);
  fc_reactor_destroy(sim->reactor);
  if (!sim->io_gone) sim_die(sim, "somebody still holds a reference to the reactor");
  sim_forget_hosts(sim);
  for (struct sim_named_link *l = sim->links, *next; l; l = next) {
    next = l->next;
    free(l);
  }
  free(sim->attempts);
  free(sim->times);
  free(sim);
}

fc_reactor *sim_reactor(struct sim *sim) { return sim->reactor; }
int64_t sim_now(const struct sim *sim) { return sim->now; }
void sim_stand_still(struct sim *sim, int64_t duration) { sim->now += duration; }
uint64_t sim_random(struct sim *sim) { return fc__random_next(&sim->random); }
uint64_t sim_fingerprint(const struct sim *sim) { return sim->fingerprint; }
size_t sim_lookups(const struct sim *sim) { return sim->lookup_count; }
size_t sim_reads(const struct sim *sim) { return sim->read_count; }

const struct sim_attempt *sim_attempts(const struct sim *sim, size_t *count) {
  *count = sim->attempt_count;
  return sim->attempts;
}

/* ---- actions ---- */

static void run_action(struct fc__task *task) {
  struct action *a = FC__CONTAINER(task, struct action, task);
  void (*run)(void *user) = a->run;
  void *user = a->user;
  free(a);
  run(user);
}

static void action_due(struct fc__timer *timer, int64_t now) {
  struct action *a = FC__CONTAINER(timer, struct action, timer);
  (void)now;
  fc__list_remove(&a->all);
  fc__loop_defer(fc__reactor_loop(a->sim->reactor), &a->task);
}

void sim_at(struct sim *sim, int64_t time, void (*action)(void *user), void *user) {
  struct fc__loop *loop = fc__reactor_loop(sim->reactor);
  struct action *a = sim_alloc(sizeof *a);
  a->sim = sim;
  a->run = action;
  a->user = user;
  a->timer.fire = action_due;
  a->task.run = run_action;
  fc__loop_lock(loop);
  fc__list_push_back(&sim->actions, &a->all);
  fc__loop_timer_set(loop, &a->timer, time);
  fc__loop_unlock(loop);
}

/* ---- links ---- */

struct sim_link *sim_link(struct sim *sim, const char *address) {
  if (address == NULL) return &sim->link;
  for (struct sim_named_link *l = sim->links; l; l = l->next) {
    if (strcmp(l->address, address) == 0) return &l->link;
  }
  struct sim_named_link *l = sim_alloc(sizeof *l);
  snprintf(l->address, sizeof l->address, "%s", address);
  l->link = sim->link;
  l->next = sim->links;
  sim->links = l;
  return &l->link;
}

static size_t by_chance(struct sim *sim, size_t least, size_t most) {
  return least + (size_t)fc__random_below(&sim->random, most - least + 1);
}

/* Each trouble in half of the runs. */
static bool toss(struct sim *sim) { return fc__random_below(&sim->random, 2) == 0; }

void sim_roughen(struct sim *sim) {
  struct sim_link *link = &sim->link;
  link->latency = (int64_t)by_chance(sim, 1, 50) * FC_MILLISECOND;
  if (toss(sim)) link->jitter = (int64_t)by_chance(sim, 1, 20) * FC_MILLISECOND;
  if (toss(sim)) link->read_max = by_chance(sim, 1, 100);
  if (toss(sim)) link->write_max = by_chance(sim, 1, 1000);
  if (toss(sim)) link->buffer = by_chance(sim, 100, 10000);
}

void sim_cut_all(struct sim *sim, enum sim_cut_kind kind) {
  for (struct fc__node *n = sim->connections.next; n != &sim->connections; n = n->next) {
    sim_connection_cut(FC__CONTAINER(n, struct sim_connection, all), kind);
  }
}

size_t sim_connections(const struct sim *sim) {
  size_t count = 0;
  for (const struct fc__node *n = sim->connections.next; n != &sim->connections; n = n->next) {
    const struct sim_connection *c = FC__CONTAINER(n, struct sim_connection, all);
    if (c->ends[0] || c->ends[1]) count++;
  }
  return count;
}

void sim_fail_accept(struct sim *sim, int error, size_t count) {
  sim->accept_error = error;
  sim->accept_failures = count;
}
