/*
 * One turn of a reactor, which all three drivers run: wait without the lock, then tell what is ready, fire
 * timers, flush. Tasks are run apart from it, without the lock.
 */
#include <assert.h>

#include "base/bytes.h"
#include "io/reactor.h"

int64_t fc__reactor_now(fc_reactor *r) {
  if (!r->now_known) {
    r->now = r->io->ops->now(r->io);
    r->now_known = true;
  }
  return r->now;
}

/* Release functions are the application's and run without the lock. */
static void unlock_and_sweep(fc_reactor *r) {
  fc_bytes *garbage = r->loop.garbage;
  r->loop.garbage = NULL;
  pthread_mutex_unlock(&r->mutex);
  if (garbage) fc__bytes_sweep(garbage);
}

void fc__reactor_leave(fc_reactor *r) {
  if (r->unsettled) fc__reactor_settle(r);
  r->now_known = false;
  unlock_and_sweep(r);
}

void fc__reactor_flush(fc_reactor *r) {
  struct fc__node *node;
  while ((node = fc__list_first(&r->flushes)) != NULL) {
    struct fc__flush *flush = FC__CONTAINER(node, struct fc__flush, link);
    fc__list_remove(node);
    flush->run(flush, fc__reactor_now(r));
  }
}

/* ---- tasks ---- */

bool fc__reactor_is_runner(const fc_reactor *r) {
  return r->running && pthread_equal(r->runner, pthread_self());
}

/* A blocked caller runs tasks in host mode, where the background thread cannot be started, and inside of a
 * task, since nobody else will run the next one before that ends. */
bool fc__reactor_may_run_tasks(const fc_reactor *r) {
  if (r->running) return fc__reactor_is_runner(r);
  return r->host || r->background == FC__BACKGROUND_NONE;
}

/* Also what is left of the batch that this thread is in: a callback may wait for one behind it. */
bool fc__reactor_has_tasks(const fc_reactor *r) {
  if (!fc__list_empty(&r->tasks)) return true;
  return fc__reactor_is_runner(r) && atomic_load_explicit(&r->batch, memory_order_relaxed);
}

/* Appends the deferred tasks to the batch, of which a task that waits may have left a part. */
static void take_batch(fc_reactor *r) {
  struct fc__node *first = r->tasks.next, *last = r->tasks.prev;
  fc__node_init(&r->tasks);
  last->next = NULL;
  if (atomic_load_explicit(&r->batch, memory_order_relaxed)) {
    r->batch_last->next = first;
  } else {
    atomic_store_explicit(&r->batch, first, memory_order_relaxed);
  }
  r->batch_last = last;
}

/* A task leaves the batch before it runs: what a child that is forked meanwhile finds is still to be run. */
static void run_batch(fc_reactor *r) {
  struct fc__node *node;
  while ((node = atomic_load_explicit(&r->batch, memory_order_relaxed)) != NULL) {
    (void)atomic_exchange(&r->batch, node->next); /* a barrier too */
    struct fc__task *task = FC__CONTAINER(node, struct fc__task, link);
    task->run(task);
  }
}

/* Batches that follow from one another before what they queued is written: a stream whose handler sends message after
 * message, each when the last has gone, gathers so many in a write. */
enum { BATCHES_PER_FLUSH = 64 };

void fc__reactor_run_tasks(fc_reactor *r) {
  const bool nested = r->running;
  assert((!nested || fc__reactor_is_runner(r)) && "tasks run in order, so on one thread at a time");
  assert(fc__reactor_has_tasks(r));
  r->running = true;
  if (!nested) r->runner = pthread_self();
  if (!r->polling) fc__reactor_hand_over(r); /* tasks may take long */
  for (int i = 0; i < BATCHES_PER_FLUSH && fc__reactor_has_tasks(r); i++) {
    if (!fc__list_empty(&r->tasks)) take_batch(r);
    fc__reactor_leave(r);
    run_batch(r);
    pthread_mutex_lock(&r->mutex);
  }
  r->running = nested;
  if (!fc__list_empty(&r->tasks)) r->unsettled = true;
  fc__reactor_flush(r);
}

/* ---- the turn ---- */

/* How long the poller may sleep; remembers until when. */
static int64_t time_left(fc_reactor *r, int64_t until) {
  int64_t next = fc__timers_next_at(&r->timers);
  r->poll_until = next < until ? next : until;
  bool takes_tasks = r->background_polls || fc__reactor_may_run_tasks(r);
  if (takes_tasks && !fc__list_empty(&r->tasks)) r->poll_until = INT64_MIN;
  if (r->poll_until == FC_NEVER) return FC_NEVER;
  if (r->poll_until == INT64_MIN) return 0; /* without reading the clock */
  int64_t now = fc__reactor_now(r);
  return r->poll_until > now ? r->poll_until - now : 0;
}

bool fc__reactor_turn(fc_reactor *r, struct fc__waiter *waiter, int64_t until) {
  assert(r->polling && !r->asleep);
  fc__reactor_flush(r);
  if (r->unsettled) fc__reactor_settle(r);
  int64_t timeout = time_left(r, until);
  r->runner_polls = fc__reactor_is_runner(r);
  r->poller_waiter = waiter;
  r->asleep = true;
  r->io->ops->prepare(r->io);
  r->now_known = false;
  unlock_and_sweep(r);
  bool interrupted = r->io->ops->wait(r->io, timeout);
  pthread_mutex_lock(&r->mutex);
  r->asleep = r->woken_up = false;
  r->poller_waiter = NULL;
  int64_t now = fc__reactor_now(r);
  r->io->ops->dispatch(r->io, now);
  fc__timers_fire(&r->timers, now);
  fc__reactor_flush(r);
  return interrupted;
}
