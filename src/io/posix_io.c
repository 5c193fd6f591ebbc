/*
 * The system below a reactor: its monotonic clock, a poller, and the descriptors that are watched. Sources are
 * freed only when the poller holds no event for them.
 */
#include "io/posix_io.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/posix_fd.h"
#include "io/resolver.h"

static struct fc__posix_io *from_io(struct fc__io *io) {
  return FC__CONTAINER(io, struct fc__posix_io, io);
}

static struct fc__source *from_all(struct fc__node *node) {
  return FC__CONTAINER(node, struct fc__source, all);
}

/* ---- sources ---- */

/* After fork the first who needs the poller makes a new one. */
static int ensure_poller(struct fc__posix_io *io) {
  int error = 0;
  if (io->poller == NULL) io->poller = io->create_poller(&error);
  return -error;
}

/* A poller that waits on a snapshot does not know yet what has changed. */
static void tell_poller(struct fc__posix_io *io) {
  if (io->waiting && io->poller->ops->snapshot) io->poller->ops->wake(io->poller);
}

int fc__source_open(struct fc__posix_io *io, struct fc__source *s, int fd) {
  int result = ensure_poller(io);
  if (result != 0) return result;
  s->fd = fd;
  s->error = 0;
  s->closed = false;
  fc__node_init(&s->pending);
  result = io->poller->ops->add(io->poller, s);
  if (result != 0) return result;
  fc__list_push_back(&io->sources, &s->all);
  tell_poller(io);
  return 0;
}

static void tell_loss_later(struct fc__posix_io *io, struct fc__source *s) {
  if (fc__node_linked(&s->pending)) return;
  fc__list_push_back(&io->lost, &s->pending);
  fc__loop_timer_set(io->loop, &io->lost_timer, 0);
}

void fc__source_want(struct fc__posix_io *io, struct fc__source *s, unsigned interest) {
  if (s->interest == interest) return;
  s->interest = interest;
  if (s->fd < 0) {
    if (interest) tell_loss_later(io, s);
    return;
  }
  int result = io->poller->ops->change(io->poller, s);
  if (result != 0) {
    fc__source_lose(io, s, -result);
  } else {
    tell_poller(io);
  }
}

static void close_descriptor(struct fc__posix_io *io, struct fc__source *s) {
  if (s->fd < 0) return;
  if (io->poller) io->poller->ops->remove(io->poller, s);
  close(s->fd);
  s->fd = -1;
}

void fc__source_close(struct fc__posix_io *io, struct fc__source *s) {
  assert(!s->closed && "an owner closes once");
  close_descriptor(io, s);
  s->closed = true;
  fc__list_remove(&s->all);
  fc__list_remove(&s->pending);
  if (io->busy) {
    fc__list_push_back(&io->closed, &s->all);
  } else {
    s->release(s);
  }
}

void fc__source_lose(struct fc__posix_io *io, struct fc__source *s, int error) {
  close_descriptor(io, s);
  s->error = error;
  tell_loss_later(io, s);
}

static void tell_losses(struct fc__timer *timer, int64_t now) {
  struct fc__posix_io *io = FC__CONTAINER(timer, struct fc__posix_io, lost_timer);
  struct fc__node lost, *node;
  fc__node_init(&lost);
  fc__list_splice_back(&lost, &io->lost);
  while ((node = fc__list_first(&lost)) != NULL) {
    struct fc__source *s = FC__CONTAINER(node, struct fc__source, pending);
    fc__list_remove(node);
    s->ready(s, FC__READY_READ | FC__READY_WRITE, now);
  }
}

static void release_closed(struct fc__posix_io *io) {
  struct fc__node *node;
  while ((node = fc__list_first(&io->closed)) != NULL) {
    fc__list_remove(node);
    from_all(node)->release(from_all(node));
  }
}

/* ---- struct fc__io ---- */

static void io_attach(struct fc__io *base, struct fc__loop *loop) { from_io(base)->loop = loop; }

static int64_t io_now(struct fc__io *base) {
  (void)base;
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time); /* cannot fail with this clock */
  return (int64_t)time.tv_sec * FC_SECOND + time.tv_nsec;
}

static void io_prepare(struct fc__io *base) {
  struct fc__posix_io *io = from_io(base);
  if (ensure_poller(io) != 0) return;
  io->busy = io->waiting = true;
  io->poller->ops->prepare(io->poller);
}

/* Without a poller, for want of descriptors in a forked child, looks again every 10 ms. */
static bool io_wait(struct fc__io *base, int64_t timeout) {
  struct fc__posix_io *io = from_io(base);
  if (io->busy) return io->poller->ops->wait(io->poller, timeout);
  if (timeout <= 0) return false;
  const int64_t most = 10 * FC_MILLISECOND;
  int n = poll(NULL, 0, fc__poller_milliseconds(timeout < most ? timeout : most));
  return n < 0 && errno == EINTR;
}

static void io_dispatch(struct fc__io *base, int64_t now) {
  struct fc__posix_io *io = from_io(base);
  if (!io->busy) return;
  io->waiting = false;
  struct fc__source *s;
  unsigned ready;
  while ((s = io->poller->ops->next(io->poller, &ready)) != NULL) {
    ready &= s->interest;
    if (ready && !s->closed && s->fd >= 0) s->ready(s, ready, now);
  }
  io->busy = false;
  if (!fc__list_empty(&io->closed)) release_closed(io);
}

static void io_wake(struct fc__io *base) {
  struct fc__posix_io *io = from_io(base);
  if (io->poller) io->poller->ops->wake(io->poller);
}

static int io_fd(struct fc__io *base) {
  struct fc__posix_io *io = from_io(base);
  return ensure_poller(io) == 0 ? io->poller->ops->fd(io->poller) : -1;
}

/* The child shares its parent's epoll instance and connections: it must change neither. Closing a socket that
 * the parent still has open sends nothing. */
static void io_after_fork(struct fc__io *base) {
  struct fc__posix_io *io = from_io(base);
  if (io->poller) io->poller->ops->destroy(io->poller);
  io->poller = NULL;
  io->busy = io->waiting = false;
  release_closed(io);
  for (struct fc__node *n = io->sources.next; n != &io->sources; n = n->next) {
    if (from_all(n)->fd >= 0) fc__source_lose(io, from_all(n), ECONNABORTED);
  }
  fc__resolver_after_fork(io);
  fc__random_init(&io->random, fc__system_seed());
}

static void io_destroy(struct fc__io *base) {
  struct fc__posix_io *io = from_io(base);
  assert(fc__list_empty(&io->sources) &&
         "owners close their transports before they drop the reactor");
  assert(fc__list_empty(&io->lookups) && "and cancel what they resolve");
  if (io->poller) io->poller->ops->destroy(io->poller);
  fc__free(io);
}

static const struct fc__io_ops posix_io_ops = {
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

struct fc__io *fc__posix_io_create(fc__poller_create_fn create_poller, int *error) {
  struct fc__posix_io *io = fc__alloc_zero(sizeof *io);
  *error = ENOMEM;
  if (io == NULL) return NULL;
  io->io.ops = &posix_io_ops;
  io->io.net = &io->net;
  io->net.ops = &fc__posix_net_ops;
  io->create_poller = create_poller;
  io->lost_timer.fire = tell_losses;
  fc__node_init(&io->sources);
  fc__node_init(&io->closed);
  fc__node_init(&io->lost);
  fc__node_init(&io->lookups);
  fc__random_init(&io->random, fc__system_seed());
  io->poller = create_poller(error);
  if (io->poller) return &io->io;
  fc__free(io);
  return NULL;
}
