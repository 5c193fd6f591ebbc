#ifndef FC_IO_POSIX_IO_H
#define FC_IO_POSIX_IO_H
/*
 * The system's network below one reactor: a poller, the sources that it watches, and the look-ups under way.
 * All under the reactor's lock.
 */
#include "base/random.h"
#include "io/io.h"
#include "io/poller.h"

struct fc__posix_io {
  struct fc__io io;
  struct fc__net net;
  struct fc__loop *loop;
  struct fc__poller *poller; /* NULL after fork until somebody needs it */
  fc__poller_create_fn create_poller;
  bool busy;    /* between prepare and the end of dispatch: events may point to closed sources */
  bool waiting; /* between prepare and dispatch */
  struct fc__node sources;     /* all that are not closed */
  struct fc__node closed;      /* to be freed after dispatch */
  struct fc__node lost;        /* to be told that their descriptor is gone */
  struct fc__timer lost_timer; /* set while there are any */
  struct fc__node lookups;     /* resolver.c */
  struct fc__random random;
};

static inline struct fc__posix_io *fc__posix_io_from_net(struct fc__net *net) {
  return FC__CONTAINER(net, struct fc__posix_io, net);
}

/* NULL, with the errno value in *error. */
struct fc__io *fc__posix_io_create(fc__poller_create_fn create_poller, int *error);

extern const struct fc__net_ops fc__posix_net_ops;

/* ---- sources ---- */

/* Watches a descriptor that the source owns from then on; ready, release, interest are set by the caller.
 * 0, or a negative errno and nothing is owned. */
int fc__source_open(struct fc__posix_io *io, struct fc__source *s, int fd);

/* Asks to be told of other things; free of system calls when nothing changes. */
void fc__source_want(struct fc__posix_io *io, struct fc__source *s, unsigned interest);

/* Closes the descriptor and releases the source, at once or when no event under way can point to it. */
void fc__source_close(struct fc__posix_io *io, struct fc__source *s);

/* The descriptor is no longer usable: closes it, remembers why in s->error, and has the owner told in the
 * next turn. */
void fc__source_lose(struct fc__posix_io *io, struct fc__source *s, int error);

#endif
