#ifndef FC_IO_IO_H
#define FC_IO_IO_H
/*
 * What stands below a reactor: a clock, a place to wait for the network, and the network. posix_io.c makes it
 * of the system, tests/sim of memory and a virtual clock. [locked]: called under the reactor's lock.
 */
#include "base/loop.h"
#include "base/net.h"

struct fc__io;

struct fc__io_ops {
  /* The reactor that stands above from now on. Timers of the io are set there. */
  void (*attach)(struct fc__io *io, struct fc__loop *loop);
  int64_t (*now)(struct fc__io *io); /* [locked] monotonic nanoseconds */
  /* One turn: prepare, wait, dispatch, by the same thread. wait ends when something is ready, when wake was
   * called since prepare, or after timeout (0 looks only, FC_NEVER has no end), or earlier. It says whether a
   * signal's handler has interrupted it. */
  void (*prepare)(struct fc__io *io); /* [locked] */
  bool (*wait)(struct fc__io *io, int64_t timeout);
  void (*dispatch)(struct fc__io *io, int64_t now); /* [locked] tells whatever wait found ready */
  void (*wake)(struct fc__io *io);       /* [locked] makes the present or the next wait end */
  int (*fd)(struct fc__io *io);          /* [locked] readable while wait would end; or -1 */
  void (*after_fork)(struct fc__io *io); /* [locked] in the child; may be NULL */
  void (*destroy)(struct fc__io *io);
};

struct fc__io {
  const struct fc__io_ops *ops;
  struct fc__net *net;
};

#endif
