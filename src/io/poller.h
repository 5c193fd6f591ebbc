#ifndef FC_IO_POLLER_H
#define FC_IO_POLLER_H
/*
 * Waiting for descriptors, one file per system behind a small table of functions. Everything but wait and wake
 * is called under the reactor's lock; one thread at a time runs prepare, wait, and next until it says no.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/* A descriptor that is watched, embedded by its owner. */
struct fc__source {
  int fd;            /* -1 once it is gone */
  unsigned interest; /* FC__READY_ set */
  bool closed;       /* its owner is done with it: events still under way are stale */
  int error;         /* errno of a descriptor that is lost, see posix_io.h */
  void (*ready)(struct fc__source *s, unsigned ready, int64_t now);
  void (*release)(struct fc__source *s); /* frees the owner */
  size_t slot;                           /* the poller's */
  struct fc__node all, pending;          /* posix_io's */
};

struct fc__poller;

struct fc__poller_ops {
  int (*add)(struct fc__poller *p, struct fc__source *s); /* 0 or a negative errno */
  int (*change)(struct fc__poller *p, struct fc__source *s);
  void (*remove)(struct fc__poller *p, struct fc__source *s); /* before the descriptor is closed */
  void (*prepare)(struct fc__poller *p);
  /* Without the lock; nanoseconds, or FC_NEVER. True: a signal's handler has interrupted it. */
  bool (*wait)(struct fc__poller *p, int64_t timeout);
  /* The next ready source of the last wait, closed ones too; NULL at the end. */
  struct fc__source *(*next)(struct fc__poller *p, unsigned *ready);
  void (*wake)(struct fc__poller *p);    /* ends the present or the next wait; any thread */
  int (*fd)(struct fc__poller *p);       /* or -1 */
  void (*destroy)(struct fc__poller *p); /* closes its own descriptors; touches no source */
  /* wait watches what prepare saw: it must be woken after add and change. */
  bool snapshot;
};

struct fc__poller {
  const struct fc__poller_ops *ops;
};

/* NULL, with the reason in *error, when no descriptor or memory can be had. */
typedef struct fc__poller *(*fc__poller_create_fn)(int *error);
struct fc__poller *fc__poller_poll_create(int *error);
#ifdef __linux__
struct fc__poller *fc__poller_epoll_create(int *error);
#define FC__POLLER_DEFAULT fc__poller_epoll_create
#else
#define FC__POLLER_DEFAULT fc__poller_poll_create
#endif

/* The timeout of poll and epoll_wait: rounded up, so that nobody wakes before the time and spins. */
static inline int fc__poller_milliseconds(int64_t timeout) {
  if (timeout == INT64_MAX) return -1;
  if (timeout >= INT64_C(86400) * 1000000000)
    return 86400000; /* fits an int; the caller looks again */
  return (int)((timeout + 999999) / 1000000);
}

#endif
