/*
 * The poller of Linux: level-triggered epoll, so that an owner may leave bytes unread. An eventfd wakes it;
 * that one is edge-triggered and need never be read.
 */
#include "io/poller.h"

#ifdef __linux__
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/net.h"

enum { EVENTS_PER_TURN = 128 };

struct epoll_poller {
  struct fc__poller base;
  int epoll, wake;
  int count, at; /* of events: found by wait, told by next */
  struct epoll_event events[EVENTS_PER_TURN];
};

static struct epoll_poller *from_base(struct fc__poller *p) {
  return FC__CONTAINER(p, struct epoll_poller, base);
}

/* Hang-ups and errors are told whatever was asked for. A source that wants nothing asks for edges only, lest
 * a lost connection turns the poller round and round. */
static uint32_t epoll_mask(unsigned interest) {
  if (interest == 0) return (uint32_t)EPOLLET;
  return (interest & FC__READY_READ ? (uint32_t)EPOLLIN : 0) |
         (interest & FC__READY_WRITE ? (uint32_t)EPOLLOUT : 0);
}

static int control(struct fc__poller *p, int operation, struct fc__source *s) {
  struct epoll_event event = {.events = epoll_mask(s->interest), .data = {.ptr = s}};
  return epoll_ctl(from_base(p)->epoll, operation, s->fd, &event) == 0 ? 0 : -errno;
}

static int epoll_add(struct fc__poller *p, struct fc__source *s) {
  return control(p, EPOLL_CTL_ADD, s);
}

static int epoll_change(struct fc__poller *p, struct fc__source *s) {
  return control(p, EPOLL_CTL_MOD, s);
}

/* Closing would not do: while a forked child keeps the descriptor, its events would go on. */
static void epoll_remove(struct fc__poller *p, struct fc__source *s) {
  (void)control(p, EPOLL_CTL_DEL, s);
}

static void epoll_prepare(struct fc__poller *p) {
  struct epoll_poller *e = from_base(p);
  e->count = e->at = 0;
}

static bool epoll_wait_for(struct fc__poller *p, int64_t timeout) {
  struct epoll_poller *e = from_base(p);
  int n = epoll_wait(e->epoll, e->events, EVENTS_PER_TURN, fc__poller_milliseconds(timeout));
  e->count = n > 0 ? n : 0; /* an interrupted wait found nothing */
  return n < 0 && errno == EINTR;
}

static struct fc__source *epoll_next(struct fc__poller *p, unsigned *ready) {
  struct epoll_poller *e = from_base(p);
  while (e->at < e->count) {
    const struct epoll_event *event = &e->events[e->at++];
    if (event->data.ptr == NULL) continue; /* the eventfd */
    unsigned bits = 0;
    if (event->events & (EPOLLIN | EPOLLERR | EPOLLHUP)) bits |= FC__READY_READ;
    if (event->events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) bits |= FC__READY_WRITE;
    *ready = bits;
    return event->data.ptr;
  }
  return NULL;
}

static void epoll_wake(struct fc__poller *p) {
  const uint64_t one = 1;
  ssize_t n;
  do {
    n = write(from_base(p)->wake, &one, sizeof one);
  } while (n < 0 && errno == EINTR);
}

static int epoll_fd(struct fc__poller *p) { return from_base(p)->epoll; }

static void epoll_destroy(struct fc__poller *p) {
  struct epoll_poller *e = from_base(p);
  if (e->wake >= 0) close(e->wake);
  if (e->epoll >= 0) close(e->epoll);
  fc__free(e);
}

static const struct fc__poller_ops epoll_ops = {
    .add = epoll_add,
    .change = epoll_change,
    .remove = epoll_remove,
    .prepare = epoll_prepare,
    .wait = epoll_wait_for,
    .next = epoll_next,
    .wake = epoll_wake,
    .fd = epoll_fd,
    .destroy = epoll_destroy,
};

static int open_descriptors(struct epoll_poller *e) {
  e->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (e->epoll < 0) return errno;
  e->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (e->wake < 0) return errno;
  struct epoll_event event = {.events = EPOLLIN | (uint32_t)EPOLLET, .data = {.ptr = NULL}};
  return epoll_ctl(e->epoll, EPOLL_CTL_ADD, e->wake, &event) == 0 ? 0 : errno;
}

struct fc__poller *fc__poller_epoll_create(int *error) {
  struct epoll_poller *e = fc__alloc(sizeof *e);
  *error = ENOMEM;
  if (e == NULL) return NULL;
  e->base.ops = &epoll_ops;
  e->epoll = e->wake = -1;
  e->count = e->at = 0;
  *error = open_descriptors(e);
  if (*error == 0) return &e->base;
  epoll_destroy(&e->base);
  return NULL;
}
#endif
