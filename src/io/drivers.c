/*
 * Who polls: a caller that waits polls while nobody else does, others sleep; the background thread polls while
 * there are holds and no caller waits, and runs the tasks. Whoever stops polling hands it on.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "io/interrupt.h"
#include "io/reactor.h"

/* Long beside a call, short beside anything that people notice. */
static const int64_t nap_ns = 2 * FC_MILLISECOND;

/* A signal may come when a thread has not yet gone to sleep, which it then does not interrupt: so the thread that signals
 * are for sleeps first no longer than this, and asks. */
static const int64_t first_sleep_ns = 20 * FC_MILLISECOND;

static void *run_background(void *reactor);

/* ---- settling ---- */

static void signal_woken(fc_reactor *r) {
  struct fc__node *node;
  while ((node = fc__list_first(&r->woken)) != NULL) {
    fc__list_remove(node);
    fc__sleep_wake(&FC__CONTAINER(node, struct fc__sleeper, link)->sleep);
  }
}

/* No signal of the application is handled on the library's thread. */
static bool start_background(fc_reactor *r) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&r->background_thread, NULL, run_background, r);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error == 0;
}

/* And nobody was woken to do so: see hand_over. */
static bool nobody_polls(const fc_reactor *r) {
  if (r->polling || r->busy_waits > 0) return false;
  return fc__list_empty(&r->waits) || r->holds == 0;
}

/* What is only kept going can wait until no caller comes back: one that makes call after call is not disturbed. */
static bool background_should_poll(const fc_reactor *r) {
  return nobody_polls(r) && (r->holds > 0 || (r->keeps > 0 && r->quiet));
}

/* Of a background thread that polls: a caller that waits takes its place, unless there are callbacks to be told. */
static bool background_goes_on(const fc_reactor *r) {
  return !r->stop && (r->holds > 0 || (r->keeps > 0 && fc__list_empty(&r->waits)));
}

static bool background_should_nap(const fc_reactor *r) {
  return nobody_polls(r) && r->keeps > 0 && !r->quiet;
}

static void call_background(fc_reactor *r) {
  bool has_tasks = !fc__list_empty(&r->tasks) && !r->running;
  bool urgent = has_tasks || background_should_poll(r);
  if (!urgent && !background_should_nap(r)) return;
  if (r->background == FC__BACKGROUND_PARKED ||
      (urgent && r->background == FC__BACKGROUND_NAPPING)) {
    r->background = FC__BACKGROUND_ACTIVE;
    pthread_cond_signal(&r->background_wake);
  } else if (r->background == FC__BACKGROUND_NONE) {
    if (start_background(r)) {
      r->background = FC__BACKGROUND_ACTIVE;
    } else {
      r->unsettled = true; /* tried again at the next occasion */
    }
  }
}

static bool poller_takes_tasks(const fc_reactor *r) {
  if (r->running) return r->runner_polls;
  return r->host || r->background_polls || r->background == FC__BACKGROUND_NONE;
}

static bool poller_must_return(const fc_reactor *r) {
  if (fc__timers_next_at(&r->timers) < r->poll_until) return true;
  if (r->poller_waiter && r->poller_waiter->ready) return true;
  if (r->background_polls && !background_goes_on(r)) return true;
  return !fc__list_empty(&r->tasks) && poller_takes_tasks(r);
}

/* Between dispatches the host waits for the descriptor, until the time that it was told last. */
static bool host_must_dispatch(const fc_reactor *r) {
  if (!r->host || r->polling || r->running) return false;
  return !fc__list_empty(&r->tasks) || fc__timers_next_at(&r->timers) < r->host_until;
}

void fc__reactor_settle(fc_reactor *r) {
  r->unsettled = false;
  signal_woken(r);
  if (!r->host) call_background(r);
  if (!r->woken_up && (r->asleep ? poller_must_return(r) : host_must_dispatch(r))) {
    r->woken_up = true;
    r->io->ops->wake(r->io);
  }
  if (r->runner_sleeper && !fc__list_empty(&r->tasks)) {
    fc__sleep_wake(&r->runner_sleeper->sleep);
  }
}

/* The oldest sleeper goes on, or else the background thread or the host. */
static void hand_over(fc_reactor *r, bool to_idlers) {
  struct fc__node *first = fc__list_first(&r->sleepers);
  if (!first && to_idlers) first = fc__list_first(&r->idlers);
  if (first) fc__sleep_wake(&FC__CONTAINER(first, struct fc__sleeper, link)->sleep);
  r->handovers++;
  if (r->host || r->holds + r->keeps > 0 || !fc__list_empty(&r->tasks)) r->unsettled = true;
}

void fc__reactor_hand_over(fc_reactor *r) { hand_over(r, true); }

/* ---- the blocked caller ---- */

/* The check may take long, and make calls of its own. */
static void ask_to_stop(fc_reactor *r, struct fc__waiter *waiter) {
  if (!r->polling) fc__reactor_hand_over(r);
  fc__reactor_leave(r);
  bool stop = fc__interrupt_asks_to_stop();
  pthread_mutex_lock(&r->mutex);
  if (stop) waiter->interrupted = true;
}

/* Without a condition, which some systems can run out of, looks again every millisecond. */
static void look_again_soon(fc_reactor *r) {
  fc__reactor_leave(r);
  (void)poll(NULL, 0, 1);
  pthread_mutex_lock(&r->mutex);
}

static void sleep_while_others_poll(fc_reactor *r, struct fc__waiter *waiter, int64_t until) {
  struct fc__sleeper sleeper;
  if (!fc__sleep_init(&sleeper.sleep, &r->monotonic)) {
    look_again_soon(r);
    return;
  }
  const bool runner = fc__reactor_is_runner(r);
  fc__list_push_back(waiter->idle ? &r->idlers : &r->sleepers, &sleeper.link);
  waiter->private_condition = &sleeper;
  if (runner) r->runner_sleeper = &sleeper;
  if (r->unsettled) fc__reactor_settle(r);
  r->now_known = false;
  bool interrupted = fc__sleep_wait(&sleeper.sleep, &r->mutex, until > 0 ? until : 0);
  if (runner) r->runner_sleeper = NULL;
  waiter->private_condition = NULL;
  fc__list_remove(&sleeper.link);
  fc__sleep_finish(&sleeper.sleep);
  if (interrupted && !waiter->ready) ask_to_stop(r, waiter);
}

/* One sleep, or turn. */
static void wait_once(fc_reactor *r, struct fc__waiter *waiter, int64_t until) {
  if (r->unsettled) fc__reactor_settle(r); /* starts the background thread for tasks, if it can */
  if (fc__reactor_has_tasks(r) && fc__reactor_may_run_tasks(r)) {
    fc__reactor_run_tasks(r);
  } else if (r->polling) {
    sleep_while_others_poll(r, waiter, until);
  } else {
    r->polling = true;
    bool interrupted = fc__reactor_turn(r, waiter, until);
    r->polling = false;
    if (interrupted && !waiter->ready) ask_to_stop(r, waiter);
  }
}

static void wait_step(fc_reactor *r, struct fc__waiter *waiter, int64_t until) {
  if (!fc__interrupt_is_here()) {
    wait_once(r, waiter, until);
    return;
  }
  int64_t first = waiter->checked ? FC_NEVER : fc__reactor_now(r) + first_sleep_ns;
  wait_once(r, waiter, first < until ? first : until);
  if (waiter->ready || waiter->interrupted) return;
  waiter->checked = first != FC_NEVER && fc__reactor_now(r) >= first;
  if (waiter->checked) ask_to_stop(r, waiter);
}

bool fc__reactor_wait(struct fc__loop *loop, struct fc__waiter *waiter, int64_t until) {
  fc_reactor *r = fc__reactor_from_loop(loop);
  struct fc__wait wait = {.waiter = waiter, .thread = pthread_self()};
  waiter->private_condition = NULL;
  waiter->interrupted = waiter->checked = false;
  r->quiet = false;
  fc__list_push_back(&r->waits, &wait.link);
  r->busy_waits += !waiter->idle;
  if (r->background_polls && r->holds == 0) r->unsettled = true;
  fc__reactor_flush(r);
  while (!waiter->ready) {
    wait_step(r, waiter, until);
    if (waiter->ready || waiter->interrupted || (until != FC_NEVER && fc__reactor_now(r) >= until))
      break;
  }
  fc__list_remove(&wait.link);
  r->busy_waits -= !waiter->idle;
  bool comes_back = waiter->idle && waiter->ready && r->holds == 0;
  if (!r->polling) hand_over(r, !comes_back);
  return waiter->ready;
}

void fc__reactor_wake(struct fc__loop *loop, struct fc__waiter *waiter) {
  fc_reactor *r = fc__reactor_from_loop(loop);
  struct fc__sleeper *sleeper = waiter->private_condition;
  if (waiter->ready) return;
  waiter->ready = true;
  if (sleeper) {
    fc__list_remove(&sleeper->link);
    fc__list_push_back(&r->woken, &sleeper->link);
    r->unsettled = true;
  } else if (r->asleep && waiter == r->poller_waiter) {
    r->unsettled = true;
  }
}

/* ---- the background thread ---- */

static void poll_in_background(fc_reactor *r) {
  r->polling = r->background_polls = true;
  do {
    (void)fc__reactor_turn(r, NULL, FC_NEVER);
  } while (background_goes_on(r) && fc__list_empty(&r->tasks));
  r->polling = r->background_polls = false;
  fc__reactor_hand_over(r);
}

static void park(fc_reactor *r) {
  if (r->unsettled) fc__reactor_settle(r);
  r->background = FC__BACKGROUND_PARKED;
  r->now_known = false;
  while (r->background == FC__BACKGROUND_PARKED && !r->stop) {
    pthread_cond_wait(&r->background_wake, &r->mutex);
  }
  r->background = FC__BACKGROUND_ACTIVE;
}

/* Then, if no caller has come and gone meanwhile, it is quiet. */
static void nap(fc_reactor *r) {
  if (r->unsettled) fc__reactor_settle(r);
  const unsigned handovers = r->handovers;
  const int64_t until = fc__reactor_now(r) + nap_ns;
  const struct timespec time = {.tv_sec = (time_t)(until / FC_SECOND),
                                .tv_nsec = (long)(until % FC_SECOND)};
  r->background = FC__BACKGROUND_NAPPING;
  r->now_known = false;
  int error = 0;
  while (r->background == FC__BACKGROUND_NAPPING && !r->stop && error == 0)
    error = pthread_cond_timedwait(&r->background_wake, &r->mutex, &time);
  r->background = FC__BACKGROUND_ACTIVE;
  r->now_known = false;
  if (r->handovers == handovers && nobody_polls(r)) r->quiet = true;
}

static void *run_background(void *reactor) {
  fc_reactor *r = reactor;
  pthread_mutex_lock(&r->mutex);
  while (!r->stop) {
    if (!fc__list_empty(&r->tasks) && !r->running) {
      fc__reactor_run_tasks(r);
    } else if (background_should_poll(r)) {
      poll_in_background(r);
    } else if (background_should_nap(r)) {
      nap(r);
    } else {
      park(r);
    }
  }
  bool orphaned = r->orphaned;
  pthread_mutex_unlock(&r->mutex);
  if (orphaned) fc__reactor_free(r);
  return NULL;
}

/* True: the background thread, if there was one, has ended and been joined. False: it runs a callback, or is the thread that
 * calls this, from a callback or a release function; then it is detached, and frees the reactor when it comes out. */
bool fc__reactor_end_background(fc_reactor *r) {
  pthread_mutex_lock(&r->mutex);
  bool exists = r->background != FC__BACKGROUND_NONE;
  pthread_t thread = r->background_thread;
  bool inside = exists && (r->running || pthread_equal(thread, pthread_self()));
  r->stop = true;
  r->orphaned = inside;
  if (inside) pthread_detach(thread);
  if (exists) {
    pthread_cond_signal(&r->background_wake);
    if (r->asleep) r->io->ops->wake(r->io);
  }
  pthread_mutex_unlock(&r->mutex);
  if (exists && !inside) pthread_join(thread, NULL);
  return !inside;
}
