/*
 * The poller of every POSIX system: poll over a snapshot of the sources, taken before each wait, since sources
 * come and go under the lock while the poller waits without it. A pipe wakes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/net.h"
#include "io/poller.h"

struct snapshot {
  size_t count, at;            /* taken; told by next */
  struct fc__source **sources; /* behind the descriptors, one less: fds[0] is the pipe */
  struct pollfd fds[];
};

struct poll_poller {
  struct fc__poller base;
  int wake[2];
  size_t count, cap;
  struct fc__source **sources; /* a source's slot is its place here */
  struct snapshot *snapshot;
  struct snapshot *larger; /* takes its place at the next prepare */
};

static struct poll_poller *from_base(struct fc__poller *p) {
  return FC__CONTAINER(p, struct poll_poller, base);
}

static struct snapshot *snapshot_create(size_t cap) {
  size_t fds = sizeof(struct snapshot) + (cap + 1) * sizeof(struct pollfd);
  struct snapshot *s = fc__alloc_zero(fds + cap * sizeof(struct fc__source *));
  if (s) s->sources = (struct fc__source **)(void *)((char *)s + fds);
  return s;
}

static bool grow(struct poll_poller *p) {
  size_t cap = p->cap ? 2 * p->cap : 16;
  struct snapshot *larger = snapshot_create(cap);
  struct fc__source **sources =
      larger ? fc__resize(p->sources, cap * sizeof(struct fc__source *)) : NULL;
  if (sources == NULL) {
    fc__free(larger);
    return false;
  }
  fc__free(p->larger);
  p->larger = larger;
  p->sources = sources;
  p->cap = cap;
  return true;
}

static int poll_add(struct fc__poller *base, struct fc__source *s) {
  struct poll_poller *p = from_base(base);
  if (p->count == p->cap && !grow(p)) return -ENOMEM;
  s->slot = p->count;
  p->sources[p->count++] = s;
  return 0;
}

static int poll_change(struct fc__poller *base, struct fc__source *s) {
  (void)base;
  (void)s;
  return 0; /* the next snapshot sees it */
}

static void poll_remove(struct fc__poller *base, struct fc__source *s) {
  struct poll_poller *p = from_base(base);
  struct fc__source *last = p->sources[--p->count];
  p->sources[s->slot] = last;
  last->slot = s->slot;
}

/* A negative descriptor makes poll pass the entry over: a lost connection that nobody listens to would
 * otherwise end every wait. */
static struct pollfd watch(const struct fc__source *s) {
  short events = 0;
  if (s->interest & FC__READY_READ) events |= POLLIN;
  if (s->interest & FC__READY_WRITE) events |= POLLOUT;
  return (struct pollfd){.fd = events ? s->fd : -1, .events = events};
}

static void poll_prepare(struct fc__poller *base) {
  struct poll_poller *p = from_base(base);
  if (p->larger) {
    fc__free(p->snapshot);
    p->snapshot = p->larger;
    p->larger = NULL;
  }
  struct snapshot *shot = p->snapshot;
  shot->fds[0] = (struct pollfd){.fd = p->wake[0], .events = POLLIN};
  for (size_t i = 0; i < p->count; i++) {
    shot->fds[i + 1] = watch(p->sources[i]);
    shot->sources[i] = p->sources[i];
  }
  shot->count = p->count;
  shot->at = 0;
}

static void drain(int fd) {
  char bytes[64];
  ssize_t n;
  do {
    n = read(fd, bytes, sizeof bytes);
  } while (n == (ssize_t)sizeof bytes || (n < 0 && errno == EINTR));
}

static bool poll_wait(struct fc__poller *base, int64_t timeout) {
  struct snapshot *shot = from_base(base)->snapshot;
  int n = poll(shot->fds, shot->count + 1, fc__poller_milliseconds(timeout));
  bool interrupted = n < 0 && errno == EINTR;
  if (n < 0 && !interrupted && timeout > 0) (void)poll(NULL, 0, 10); /* instead of spinning */
  if (n <= 0) {
    shot->count = 0; /* revents mean nothing */
  } else if (shot->fds[0].revents) {
    drain(shot->fds[0].fd);
  }
  return interrupted;
}

static struct fc__source *poll_next(struct fc__poller *base, unsigned *ready) {
  struct snapshot *shot = from_base(base)->snapshot;
  while (shot->at < shot->count) {
    size_t i = shot->at++;
    short events = shot->fds[i + 1].revents;
    if (events == 0) continue;
    const short broken = POLLERR | POLLHUP | POLLNVAL;
    *ready = (events & (POLLIN | broken) ? FC__READY_READ : 0U) |
             (events & (POLLOUT | broken) ? FC__READY_WRITE : 0U);
    return shot->sources[i];
  }
  return NULL;
}

static void poll_wake(struct fc__poller *base) {
  ssize_t n;
  do {
    n = write(from_base(base)->wake[1], "", 1);
  } while (n < 0 && errno == EINTR); /* a full pipe wakes as well */
}

static int poll_fd(struct fc__poller *base) {
  (void)base;
  return -1;
}

static void poll_destroy(struct fc__poller *base) {
  struct poll_poller *p = from_base(base);
  for (int i = 0; i < 2; i++) {
    if (p->wake[i] >= 0) close(p->wake[i]);
  }
  fc__free(p->sources);
  fc__free(p->snapshot);
  fc__free(p->larger);
  fc__free(p);
}

static const struct fc__poller_ops poll_ops = {
    .add = poll_add,
    .change = poll_change,
    .remove = poll_remove,
    .prepare = poll_prepare,
    .wait = poll_wait,
    .next = poll_next,
    .wake = poll_wake,
    .fd = poll_fd,
    .destroy = poll_destroy,
    .snapshot = true,
};

static int open_pipe(int fds[2]) {
  if (pipe(fds) != 0) return errno;
  for (int i = 0; i < 2; i++) {
    if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) != 0 || fcntl(fds[i], F_SETFL, O_NONBLOCK) != 0) {
      return errno;
    }
  }
  return 0;
}

struct fc__poller *fc__poller_poll_create(int *error) {
  struct poll_poller *p = fc__alloc_zero(sizeof *p);
  *error = ENOMEM;
  if (p == NULL) return NULL;
  p->base.ops = &poll_ops;
  p->wake[0] = p->wake[1] = -1;
  if (grow(p)) *error = open_pipe(p->wake);
  if (*error == 0) return &p->base;
  poll_destroy(&p->base);
  return NULL;
}
