#ifndef FC_TESTS_CALLER_H
#define FC_TESTS_CALLER_H
/*
 * A thread that waits in fc__loop_wait, and the three who may wake it: a timer, the network, another thread. That it
 * comes back in time is promised to the scheduler.
 */
#include "threads/node.h"

struct caller {
  struct node *node;
  struct fc__loop *loop;
  struct fc__waiter waiter;
  struct fc__timer timer;
  struct node_event event;
  struct sched_promise promise;
  const char *what;
  int64_t grace;                           /* how much later than due it may come back */
  void (*lost)(struct fc__waiter *waiter); /* the waiter's */
  int64_t due;                             /* when what it waits for comes */
  bool waits;                              /* inside of fc__loop_wait */
  bool has_come;                           /* to a wait */
  pthread_t thread;
};

void caller_init(struct caller *c, struct node *node, fc_reactor *reactor, const char *what);

/* What will wake it; the times are from now on, FC_NEVER: it does not. */
struct caller_plan {
  int64_t timeout, timer;
  bool event, idle;
};

/* Waits once by that plan, says whether it was woken, and checks that this fits. */
bool caller_wait(struct caller *c, const struct caller_plan *plan);
bool caller_wait_locked(struct caller *c, const struct caller_plan *plan);

/* [locked] It must be back by then. */
void caller_expect_locked(struct caller *c, int64_t by);
/* [locked] Wakes it as another thread does; nothing if it does not wait. */
void caller_wake_locked(struct caller *c);
void caller_wake(struct caller *c);

/* Something that is to happen by itself, by a time: a timer, a task, or what the network tells. */
struct expected {
  struct node *node;
  struct fc__loop *loop;
  struct fc__timer timer;
  struct fc__task task;
  struct node_event event;
  struct sched_promise promise;
  const char *what;
  int64_t grace; /* how much later than due it may happen; FC_NEVER: that is not known */
  bool happened;
  void (*then)(struct expected *e); /* may be NULL; of a timer or event under the lock */
};

void expected_init(struct expected *e, struct node *node, fc_reactor *reactor, const char *what);
void expected_timer(struct expected *e, int64_t span);
void expected_task(struct expected *e);
void expected_task_locked(struct expected *e);
void expected_event(struct expected *e);
void expected_await(struct expected *e); /* by a thread that does nothing for it */

/* ---- counts of the loop ---- */

enum caller_count { CALLER_HOLD, CALLER_UNHOLD, CALLER_KEEP, CALLER_UNKEEP };

void caller_change(fc_reactor *reactor, enum caller_count change);

#endif
