/*
 * The virtual clock, what the simulation puts below a reactor, and the stepping from one event to the next.
 */
#include <stdlib.h>

#include "sim/sim_counts.h"

enum { SPIN_LIMIT = 1000000 }; /* turns at one moment: more are a loop that does not end */

static struct sim *from_io(struct fc__io *io) { return FC__CONTAINER(io, struct sim, io); }

/* ---- the heap of times ---- */

static void swap_times(struct sim *sim, size_t a, size_t b) {
  int64_t time = sim->times[a];
  sim->times[a] = sim->times[b];
  sim->times[b] = time;
}

void sim_note_time(struct sim *sim, int64_t at) {
  if (at <= sim->now) return;
  if (sim->time_count == sim->time_cap) {
    sim->time_cap = sim->time_cap ? 2 * sim->time_cap : 64;
    sim->times = realloc(sim->times, sim->time_cap * sizeof *sim->times);
    if (sim->times == NULL) sim_die(sim, "out of memory");
  }
  size_t i = sim->time_count++;
  sim->times[i] = at;
  for (; i > 0 && sim->times[(i - 1) / 2] > sim->times[i]; i = (i - 1) / 2) {
    swap_times(sim, i, (i - 1) / 2);
  }
}

static void drop_time(struct sim *sim) {
  sim->times[0] = sim->times[--sim->time_count];
  for (size_t i = 0;;) {
    size_t least = i;
    for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++) {
      if (child < sim->time_count && sim->times[child] < sim->times[least]) least = child;
    }
    if (least == i) return;
    swap_times(sim, i, least);
    i = least;
  }
}

static int64_t next_arrival(const struct sim *sim) {
  return sim->time_count ? sim->times[0] : FC_NEVER;
}

static void move_clock(struct sim *sim, int64_t to) {
  if (to > sim->now) {
    sim->now = to;
    sim->idle_turns = 0;
  } else if (++sim->idle_turns > SPIN_LIMIT) {
    sim_die(sim, "turns go on and no time passes");
  }
  while (next_arrival(sim) <= sim->now) drop_time(sim);
}

/* ---- struct fc__io ---- */

static bool anything_ready(const struct sim *sim) {
  for (const struct fc__node *n = sim->listeners.next; n != &sim->listeners; n = n->next) {
    if (sim_listener_ready(FC__CONTAINER(n, struct sim_listener, all))) return true;
  }
  for (const struct fc__node *n = sim->transports.next; n != &sim->transports; n = n->next) {
    if (sim_transport_ready(FC__CONTAINER(n, struct sim_transport, all))) return true;
  }
  return false;
}

static void io_attach(struct fc__io *io, struct fc__loop *loop) {
  from_io(io)->reactor = fc__reactor_from_loop(loop);
}

static int64_t io_now(struct fc__io *io) { return from_io(io)->now; }

static void io_prepare(struct fc__io *io) { (void)io; }

static bool io_wait(struct fc__io *io, int64_t timeout) {
  struct sim *sim = from_io(io);
  int64_t until = timeout > FC_NEVER - sim->now ? FC_NEVER : sim->now + timeout;
  sim_check_counts(sim);
  if (until > next_arrival(sim)) until = next_arrival(sim);
  if (anything_ready(sim)) until = sim->now;
  if (until == FC_NEVER) sim_die(sim, "somebody waits, and nothing will ever happen");
  move_clock(sim, until);
  return false;
}

static void tell_listeners(struct sim *sim, int64_t now) {
  struct fc__node *last = sim->listeners.prev, *n = &sim->listeners;
  while (n != last) {
    n = n->next;
    struct sim_listener *l = FC__CONTAINER(n, struct sim_listener, all);
    if (sim_listener_ready(l) && l->base.on_ready) l->base.on_ready(&l->base, now);
  }
}

/* Those that come to be meanwhile wait for the next turn; the closed stay in the list until its end. */
static void tell_transports(struct sim *sim, int64_t now) {
  struct fc__node *last = sim->transports.prev, *n = &sim->transports;
  while (n != last) {
    n = n->next;
    struct sim_transport *t = FC__CONTAINER(n, struct sim_transport, all);
    unsigned ready = sim_transport_ready(t);
    if (ready && t->base.on_ready) t->base.on_ready(&t->base, ready, now);
  }
}

static void io_dispatch(struct fc__io *io, int64_t now) {
  struct sim *sim = from_io(io);
  tell_listeners(sim, now);
  tell_transports(sim, now);
  sim_release_listeners(sim);
  sim_release_transports(sim);
}

static void io_wake(struct fc__io *io) { (void)io; } /* nobody is asleep: there is one thread */

static int io_fd(struct fc__io *io) {
  (void)io;
  return -1;
}

static void io_destroy(struct fc__io *io) { from_io(io)->io_gone = true; }

const struct fc__io_ops sim_io_ops = {
    .attach = io_attach,
    .now = io_now,
    .prepare = io_prepare,
    .wait = io_wait,
    .dispatch = io_dispatch,
    .wake = io_wake,
    .fd = io_fd,
    .destroy = io_destroy,
};

/* ---- time ---- */

static int64_t next_event(struct sim *sim) {
  int64_t timeout = fc_reactor_timeout(sim->reactor);
  if (timeout == 0 || anything_ready(sim)) return sim->now;
  int64_t due = timeout > FC_NEVER - sim->now ? FC_NEVER : sim->now + timeout;
  return due < next_arrival(sim) ? due : next_arrival(sim);
}

bool sim_step(struct sim *sim, int64_t limit) {
  int64_t at = next_event(sim);
  if (at == FC_NEVER || at > limit) {
    if (limit != FC_NEVER) move_clock(sim, limit);
    return false;
  }
  move_clock(sim, at);
  if (fc_reactor_dispatch(sim->reactor) != FC_OK) sim_die(sim, "stepping inside of a turn");
  return true;
}

void sim_run_until(struct sim *sim, int64_t time) {
  while (sim_step(sim, time)) continue;
}

void sim_run_for(struct sim *sim, int64_t duration) { sim_run_until(sim, sim->now + duration); }

bool sim_run_until_done(struct sim *sim, bool (*done)(void *user), void *user, int64_t limit) {
  while (!done(user)) {
    if (!sim_step(sim, limit)) return done(user);
  }
  return true;
}
