/* The nodes of node.h. One thread runs at a time, so nothing here needs a lock of its own. */
#include <stdlib.h>

#include "base/mem.h"
#include "threads/node_internal.h"

/* The library's memory, so that what is left at a schedule's end is seen. */
void *node_alloc(size_t size) {
  void *memory = fc__alloc_zero(size);
  if (memory == NULL) abort();
  return memory;
}

static struct node *from_io(struct fc__io *io) { return FC__CONTAINER(io, struct node, io); }

/* ---- struct fc__io ---- */

static bool is_ready(void *user) {
  const struct node *node = user;
  if (node->woken || node->events.next != &node->events) return true;
  for (const struct fc__node *n = node->listeners.next; n != &node->listeners; n = n->next) {
    if (node_listener_ready(FC__CONTAINER(n, struct listener, all))) return true;
  }
  for (const struct fc__node *n = node->ends.next; n != &node->ends; n = n->next) {
    if (node_end_ready(FC__CONTAINER(n, struct end, all))) return true;
  }
  return false;
}

static int64_t after(int64_t from, int64_t span) {
  return span >= FC_NEVER - from ? FC_NEVER : from + span;
}

static void io_attach(struct fc__io *io, struct fc__loop *loop) {
  (void)io;
  (void)loop;
}

static int64_t io_now(struct fc__io *io) { return from_io(io)->read_at = sched_now(); }

static void io_prepare(struct fc__io *io) { from_io(io)->wait_from = from_io(io)->read_at; }

/* The timeout counts from when the clock was read: what passes until a thread comes to wait is no lateness of the
 * reactor's. */
static bool io_wait(struct fc__io *io, int64_t timeout) {
  struct node *node = from_io(io);
  enum sched_end end = SCHED_READY;
  if (node->polled) sched_fail("two threads poll one reactor");
  node->polled = true;
  node->poller = pthread_self();
  if (timeout > 0) {
    end = sched_wait(&(struct sched_wait){.what = "polls the network",
                                          .ready = is_ready,
                                          .user = node,
                                          .until = after(node->wait_from, timeout),
                                          .interruptible = true});
  } else {
    sched_point("looks at the network");
  }
  node->woken = node->polled = false;
  return end == SCHED_INTERRUPTED;
}

static void tell_events(struct node *node, int64_t now) {
  struct fc__node *first;
  while ((first = fc__list_first(&node->events)) != NULL) {
    struct node_event *event = FC__CONTAINER(first, struct node_event, link);
    fc__list_remove(first);
    event->told(event, now);
  }
}

static void tell_listeners(struct node *node, int64_t now) {
  for (struct fc__node *n = node->listeners.next; n != &node->listeners; n = n->next) {
    struct listener *l = FC__CONTAINER(n, struct listener, all);
    if (node_listener_ready(l) && l->base.on_ready) l->base.on_ready(&l->base, now);
  }
}

static void tell_ends(struct node *node, int64_t now) {
  for (struct fc__node *n = node->ends.next; n != &node->ends; n = n->next) {
    struct end *e = FC__CONTAINER(n, struct end, all);
    unsigned ready = node_end_ready(e);
    if (ready && e->base.on_ready) e->base.on_ready(&e->base, ready, now);
  }
}

static void release_closed(struct node *node) {
  for (struct fc__node *n = node->listeners.next, *next; n != &node->listeners; n = next) {
    next = n->next;
    struct listener *l = FC__CONTAINER(n, struct listener, all);
    if (l->closed) node_listener_free(l);
  }
  for (struct fc__node *n = node->ends.next, *next; n != &node->ends; n = next) {
    next = n->next;
    struct end *e = FC__CONTAINER(n, struct end, all);
    if (e->closed) node_end_free(e);
  }
}

static void io_dispatch(struct fc__io *io, int64_t now) {
  struct node *node = from_io(io);
  if (node->dispatching) sched_fail("two threads dispatch one reactor");
  node->dispatching = true;
  tell_events(node, now);
  tell_listeners(node, now);
  tell_ends(node, now);
  node->dispatching = false;
  release_closed(node);
}

static void io_wake(struct fc__io *io) {
  from_io(io)->woken = true;
  sched_point("wakes the poller");
}

static int io_fd(struct fc__io *io) {
  (void)io;
  return -1;
}

/* The parent's connections and listeners are lost, as with the system's. */
static void io_after_fork(struct fc__io *io) {
  struct node *node = from_io(io);
  node->woken = node->polled = node->dispatching = false;
  for (struct fc__node *n = node->listeners.next; n != &node->listeners; n = n->next)
    fc__list_remove(&FC__CONTAINER(n, struct listener, all)->everywhere);
  for (struct fc__node *n = node->ends.next; n != &node->ends; n = n->next)
    FC__CONTAINER(n, struct end, all)->lost = true;
}

static void io_destroy(struct fc__io *io) {
  struct node *node = from_io(io);
  if (!fc__list_empty(&node->ends) || !fc__list_empty(&node->listeners))
    sched_fail("a reactor goes before its transports and listeners");
  fc__free(node);
}

static const struct fc__io_ops io_ops = {
    .attach = io_attach,
    .now = io_now,
    .prepare = io_prepare,
    .wait = io_wait,
    .dispatch = io_dispatch,
    .wake = io_wake,
    .fd = io_fd,
    .after_fork = io_after_fork,
    .destroy = io_destroy,
};

/* ---- for programs ---- */

struct node *node_open(fc_reactor_mode mode, fc_reactor **out) {
  struct node *node = node_alloc(sizeof *node);
  node->io = (struct fc__io){&io_ops, &node->net};
  node->net.ops = &node_net_ops;
  fc__random_init(&node->random, 1);
  fc__node_init(&node->events);
  fc__node_init(&node->ends);
  fc__node_init(&node->listeners);
  MUST(fc__reactor_create_with(&node->io, mode, out, NULL) == FC_OK);
  return node;
}

void node_post(struct node *node, struct node_event *event) {
  fc__list_push_back(&node->events, &event->link);
  sched_point("has made the network ready");
}

void node_withdraw(struct node_event *event) {
  if (event->link.next && fc__node_linked(&event->link)) fc__list_remove(&event->link);
}

bool node_is_polled(const struct node *node) { return node->polled; }

bool node_is_polled_by(const struct node *node, pthread_t thread) {
  return node->polled && pthread_equal(node->poller, thread);
}

fc_result node_host_turn(struct node *node, fc_reactor *reactor, int64_t until) {
  int64_t now = sched_now(), due = after(now, fc_reactor_timeout(reactor));
  sched_wait(&(struct sched_wait){.what = "waits in the host's loop",
                                  .ready = is_ready,
                                  .user = node,
                                  .until = due < until ? due : until,
                                  .interruptible = true});
  fc_result r = fc_reactor_dispatch(reactor);
  if (r == FC_ERR_BUSY) sched_sleep(FC_MICROSECOND); /* another thread is at it */
  return r;
}
