#ifndef FC_BASE_LOOP_H
#define FC_BASE_LOOP_H
/*
 * What everything above the codecs needs of its surroundings: a lock, a clock, timers, deferred callbacks
 * and waiting. The reactor in src/io implements it; call, client and server know only this interface, so
 * they make no system call and a simulation can stand below them.
 *
 * Locked regions: every function marked [locked] is called between fc__loop_lock and fc__loop_unlock.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct fc__loop;

/* A callback that runs without the lock, on a driver's thread, once; tasks run in the order deferred.
 * The owner embeds it and must keep it alive until run was entered. */
struct fc__task {
  struct fc__node link;
  void (*run)(struct fc__task *task);
};

/* A timer that fires under the lock, at or after `at`. Intrusive: setting it cannot fail. */
struct fc__timer {
  int64_t at;
  void (*fire)(struct fc__timer *timer, int64_t now);
  struct fc__timer *child, *next, *prev; /* pairing heap, see timers.c; prev NULL while unset */
};

/* Work on behalf of one object that a turn, or the unlock of an API call, ends with: one gathered write
 * for everything queued on a connection meanwhile. Runs under the lock. */
struct fc__flush {
  struct fc__node link;
  void (*run)(struct fc__flush *flush, int64_t now);
};

/* A thread that waits, on its stack. ready is set under the lock by fc__loop_wake. lost, if set, runs under the lock in
 * a child process made by fork that has not the thread: whoever knows the waiter forgets it. */
struct fc__waiter {
  bool ready;
  bool interrupted; /* the application's interrupt check has ended the wait */
  bool checked;     /* ... has been asked since anything happened */
  /* It waits for work, not for an answer, and when woken comes back soon: with nothing held it leaves polling to nobody
   * then, and nobody is woken to poll in its place. */
  bool idle;
  void *private_condition; /* the loop's */
  void (*lost)(struct fc__waiter *waiter);
};

struct fc__loop_ops {
  void (*lock)(struct fc__loop *loop);
  void (*unlock)(struct fc__loop *loop); /* first runs flushes, unless a turn is going to */
  /* [locked] Within a turn the turn's time, else a fresh reading. */
  int64_t (*now)(struct fc__loop *loop);
  /* [locked] Moves a timer that is set. */
  void (*timer_set)(struct fc__loop *loop, struct fc__timer *timer, int64_t at);
  void (*timer_stop)(struct fc__loop *loop, struct fc__timer *timer); /* [locked] idempotent */
  void (*defer)(struct fc__loop *loop, struct fc__task *task);        /* [locked] */
  void (*flush)(struct fc__loop *loop, struct fc__flush *flush); /* [locked] once, until it ran */
  /* [locked] Waits, driving the loop itself where it can, until woken or until the time comes; releases
   * the lock meanwhile. Says whether the waiter was woken; if not, waiter->interrupted says why not. */
  bool (*wait)(struct fc__loop *loop, struct fc__waiter *waiter, int64_t until);
  void (*wake)(struct fc__loop *loop, struct fc__waiter *waiter); /* [locked] */
  /* [locked] Counts operations whose end must be noticed although no caller blocks (futures, callbacks,
   * watches, a server's connections): while there are any, a background thread stands by. */
  void (*hold)(struct fc__loop *loop);
  void (*unhold)(struct fc__loop *loop);
  /* [locked] Counts operations that should go on although nobody waits for them now, but of whose end nobody
   * is to be told: the background thread sees to them once no caller has polled for a while. */
  void (*keep)(struct fc__loop *loop);
  void (*unkeep)(struct fc__loop *loop);
  void (*ref)(struct fc__loop *loop);   /* any thread, with or without the lock */
  void (*unref)(struct fc__loop *loop); /* without the lock */
};

enum { FC__LOOP_SCRATCH = 65536 };

struct fc__loop {
  const struct fc__loop_ops *ops;
  /* FC__LOOP_SCRATCH bytes of reading room that all connections of the loop share, under the lock; from
   * fc__alloc on first use, freed by whoever ends the loop. */
  uint8_t *scratch;
  /* Room for ciphertext that no connection uses just now, see io/tls_bio.c; freed likewise. */
  void *spare;
  /* Messages of the application's memory that the library is done with, see fc__bytes_discard: whoever unlocks sweeps
   * them. */
  struct fc_bytes *garbage;
  /* How many forks lie between this process and the one that made the loop: connections and threads of before are the
   * parent's. */
  unsigned forks;
};

static inline void fc__loop_lock(struct fc__loop *l) { l->ops->lock(l); }
static inline void fc__loop_unlock(struct fc__loop *l) { l->ops->unlock(l); }
static inline int64_t fc__loop_now(struct fc__loop *l) { return l->ops->now(l); }
static inline void fc__loop_timer_set(struct fc__loop *l, struct fc__timer *t, int64_t at) {
  l->ops->timer_set(l, t, at);
}
static inline void fc__loop_timer_stop(struct fc__loop *l, struct fc__timer *t) {
  l->ops->timer_stop(l, t);
}
static inline void fc__loop_defer(struct fc__loop *l, struct fc__task *t) { l->ops->defer(l, t); }
static inline void fc__loop_flush(struct fc__loop *l, struct fc__flush *f) { l->ops->flush(l, f); }
static inline bool fc__loop_wait(struct fc__loop *l, struct fc__waiter *w, int64_t until) {
  return l->ops->wait(l, w, until);
}
static inline void fc__loop_wake(struct fc__loop *l, struct fc__waiter *w) { l->ops->wake(l, w); }
/* [locked] It polls, or is not waiting just now: waking it wakes no other thread. */
static inline bool fc__waiter_is_awake(const struct fc__waiter *w) { return !w->private_condition; }
static inline void fc__loop_hold(struct fc__loop *l) { l->ops->hold(l); }
static inline void fc__loop_unhold(struct fc__loop *l) { l->ops->unhold(l); }
static inline void fc__loop_keep(struct fc__loop *l) { l->ops->keep(l); }
static inline void fc__loop_unkeep(struct fc__loop *l) { l->ops->unkeep(l); }

#endif
