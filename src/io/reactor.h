#ifndef FC_IO_REACTOR_H
#define FC_IO_REACTOR_H
/*
 * The inside of fc_reactor: a struct fc__loop over a struct fc__io. reactor.c makes it, loop.c keeps its lists,
 * turn.c is what all drivers run, drivers.c the blocked caller and the background thread, fork.c the rest.
 * "Settling" wakes, before the lock is released, whoever must act on what has changed under it.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "farcall/reactor.h"
#include "io/io.h"
#include "io/sleep.h"
#include "io/timers.h"

enum fc__background {
  FC__BACKGROUND_NONE,   /* no thread */
  FC__BACKGROUND_PARKED, /* waits on background_wake */
  FC__BACKGROUND_NAPPING, /* the same, for a while: then it polls if no caller has polled meanwhile */
  FC__BACKGROUND_ACTIVE, /* looks for work before it parks */
};

/* A thread that waits while another polls. Lives on its stack, as its waiter's private_condition. */
struct fc__sleeper {
  struct fc__node link; /* in sleepers, or in woken */
  struct fc__sleep sleep;
};

/* One call of wait, on the waiting thread's stack. */
struct fc__wait {
  struct fc__node link;
  struct fc__waiter *waiter;
  pthread_t thread;
};

struct fc_reactor {
  struct fc__loop loop;
  struct fc__io *io;
  pthread_mutex_t mutex; /* guards all below but refs, batch and runner */
  pthread_condattr_t monotonic;
  atomic_uint refs;
  bool host;      /* FC_REACTOR_HOST */
  bool unsettled; /* somebody may have to be woken before the lock is released */
  bool now_known; /* the clock is read once for each time that the lock is held */
  int64_t now;
  struct fc__timers timers;
  struct fc__node flushes, tasks;

  /* Polling. While asleep the poller waits without the lock. */
  bool polling, asleep;
  bool woken_up;         /* io->wake was called since the last wait ended */
  bool background_polls; /* the poller is the background thread */
  bool runner_polls;     /* the poller is the thread that runs tasks */
  struct fc__waiter *poller_waiter;
  int64_t poll_until; /* when the poller will wake at the latest */
  int64_t host_until; /* when the host will dispatch at the latest: what it was told last */

  /* Running tasks: one thread at a time. The batch is a chain that ends with NULL; running threads take
   * from it without the lock. */
  bool running;
  pthread_t runner;
  _Atomic(struct fc__node *) batch;
  struct fc__node *batch_last;
  struct fc__sleeper *runner_sleeper; /* where the runner sleeps, if it does */

  struct fc__node waits;    /* all calls of wait: struct fc__wait */
  struct fc__node sleepers; /* those of them that sleep and are not ready... */
  struct fc__node idlers;   /* ...and the idle ones among these */
  size_t busy_waits;        /* how many are not idle */
  struct fc__node woken;    /* ready, to be signalled */

  size_t holds, keeps;
  unsigned handovers; /* counts how often a caller has stopped polling */
  bool quiet;         /* no caller has polled since the background thread napped */
  enum fc__background background;
  pthread_t background_thread;
  pthread_cond_t background_wake;
  bool stop;     /* the background thread is to end... */
  bool orphaned; /* ...and to free the reactor */

  struct fc__node all; /* fork.c */
};

static inline struct fc__loop *fc__reactor_loop(fc_reactor *r) { return &r->loop; }

static inline struct fc__net *fc__reactor_net(fc_reactor *r) { return r->io->net; }

static inline fc_reactor *fc__reactor_from_loop(struct fc__loop *loop) {
  return FC__CONTAINER(loop, struct fc_reactor, loop);
}

/* A new reference to the process's own reactor, made on demand; NULL with *err set on failure. */
fc_reactor *fc__reactor_default(fc_error *err);
void fc__reactor_ref(fc_reactor *r);
void fc__reactor_unref(fc_reactor *r);

/* Makes a reactor over io, which it owns from then on unless this fails. */
fc_result fc__reactor_create_with(struct fc__io *io, fc_reactor_mode mode, fc_reactor **out,
                                  fc_error *err);

/* ---- between the reactor's files; under the lock unless it says otherwise ---- */

void fc__reactor_leave(fc_reactor *r); /* settles and releases the lock */
int64_t fc__reactor_now(fc_reactor *r);

/* loop.c */
extern const struct fc__loop_ops fc__reactor_loop_ops;

/* turn.c */
void fc__reactor_flush(fc_reactor *r);
bool fc__reactor_is_runner(const fc_reactor *r); /* the calling thread is inside a task */
bool fc__reactor_may_run_tasks(const fc_reactor *r);
bool fc__reactor_has_tasks(const fc_reactor *r); /* for this thread to run, if it may */
void fc__reactor_run_tasks(fc_reactor *r);       /* one batch, without the lock */
/* Waits no longer than until, then runs what is due. The caller has set polling. True: a signal's handler has
 * interrupted it. */
bool fc__reactor_turn(fc_reactor *r, struct fc__waiter *waiter, int64_t until);

/* drivers.c */
bool fc__reactor_wait(struct fc__loop *loop, struct fc__waiter *waiter, int64_t until);
void fc__reactor_wake(struct fc__loop *loop, struct fc__waiter *waiter);
void fc__reactor_settle(fc_reactor *r);
void fc__reactor_hand_over(fc_reactor *r); /* nobody polls now: wakes who should */
/* Without the lock, when no reference is left. False: the background thread will free the reactor. */
bool fc__reactor_end_background(fc_reactor *r);

/* reactor.c */
void fc__reactor_free(fc_reactor *r); /* without the lock */

/* fork.c: the list of all reactors, and the default one */
fc_result fc__reactors_lock(fc_error *err); /* prepares for fork, the first time */
void fc__reactors_unlock(void);
extern struct fc__node fc__reactors; /* between these two */
extern fc_reactor *fc__reactors_default;

#endif
