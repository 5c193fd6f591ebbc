/* Names of the simulated network: a table, with delays and errors. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/address.h"
#include "sim/sim_internal.h"

struct sim_lookup {
  struct sim *sim;
  struct fc__resolve *request;
  struct fc__timer answer;
  struct fc__node all;
  uint16_t port;
  char host[];
};

/* ---- the table ---- */

static struct sim_host *find(struct sim *sim, const char *name) {
  for (struct sim_host *h = sim->hosts; h; h = h->next) {
    if (strcmp(h->name, name) == 0) return h;
  }
  return NULL;
}

static struct sim_host *find_or_add(struct sim *sim, const char *name) {
  struct sim_host *h = find(sim, name);
  if (h) return h;
  h = sim_alloc(sizeof *h);
  h->name = strdup(name);
  h->next = sim->hosts;
  sim->hosts = h;
  return h;
}

void sim_add_host(struct sim *sim, const char *host, const char *literal, int64_t delay) {
  struct sim_host *h = find_or_add(sim, host);
  const size_t max = sizeof h->literals / sizeof *h->literals;
  if (h->count == max) sim_die(sim, "too many addresses for one name");
  snprintf(h->literals[h->count++], sizeof *h->literals, "%s", literal);
  h->delay = delay;
}

void sim_fail_host(struct sim *sim, const char *host, const char *error, int64_t delay) {
  struct sim_host *h = find_or_add(sim, host);
  free(h->error);
  h->error = error ? strdup(error) : NULL;
  h->delay = delay;
}

static void release(struct sim_host *h) {
  free(h->name);
  free(h->error);
  free(h);
}

void sim_remove_host(struct sim *sim, const char *host) {
  for (struct sim_host **h = &sim->hosts; *h; h = &(*h)->next) {
    if (strcmp((*h)->name, host) != 0) continue;
    struct sim_host *gone = *h;
    *h = gone->next;
    release(gone);
    return;
  }
}

void sim_forget_hosts(struct sim *sim) {
  while (sim->hosts) sim_remove_host(sim, sim->hosts->name);
}

/* ---- look-ups ---- */

static void answer(struct fc__timer *timer, int64_t now) {
  struct sim_lookup *l = FC__CONTAINER(timer, struct sim_lookup, answer);
  struct fc__resolve *r = l->request;
  struct fc__addr addrs[8];
  size_t count = 0;
  char error[256] = "";
  const struct sim_host *h = find(l->sim, l->host);
  if (fc__addr_literal(l->host, l->port, &addrs[0])) {
    count = 1;
  } else if (h && h->error == NULL) {
    for (; count < h->count; count++) fc__addr_literal(h->literals[count], l->port, &addrs[count]);
  }
  if (count == 0) {
    snprintf(error, sizeof error, "cannot resolve %.100s: %.100s", l->host,
             h && h->error ? h->error : "no such name");
  }
  fc__list_remove(&l->all);
  free(l);
  r->impl = NULL;
  r->done(r, count ? addrs : NULL, count, count ? NULL : error, now);
}

/* The delay is fixed when the question is asked; the answer when it comes. */
int sim_resolve(struct fc__net *net, const char *host, uint16_t port, struct fc__resolve *r) {
  struct sim *sim = sim_from_net(net);
  struct sim_lookup *l = sim_alloc(sizeof *l + strlen(host) + 1);
  struct fc__addr addr;
  strcpy(l->host, host);
  l->sim = sim;
  l->request = r;
  l->port = port;
  l->answer.fire = answer;
  fc__list_push_back(&sim->lookups, &l->all);
  r->impl = l;
  const struct sim_host *h = find(sim, host);
  bool literal = fc__addr_literal(host, port, &addr);
  if (!literal) sim->lookup_count++;
  int64_t delay = h && !literal ? h->delay : 0;
  if (delay == FC_NEVER) return 0;
  fc__loop_timer_set(fc__reactor_loop(sim->reactor), &l->answer, sim->now + delay);
  return 0;
}

void sim_resolve_cancel(struct fc__net *net, struct fc__resolve *r) {
  struct sim *sim = sim_from_net(net);
  struct sim_lookup *l = r->impl;
  if (l == NULL) return;
  r->impl = NULL;
  fc__loop_timer_stop(fc__reactor_loop(sim->reactor), &l->answer);
  fc__list_remove(&l->all);
  free(l);
}
