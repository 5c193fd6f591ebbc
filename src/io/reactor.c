/* Making and ending reactors, the process's default one, and the public functions. */
#include "io/reactor.h"

#include <assert.h>
#include <errno.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "io/posix_io.h"

/* ---- life ---- */

static bool init_conditions(fc_reactor *r) {
  if (pthread_condattr_init(&r->monotonic) != 0) return false;
  if (pthread_condattr_setclock(&r->monotonic, CLOCK_MONOTONIC) == 0 &&
      pthread_cond_init(&r->background_wake, &r->monotonic) == 0) {
    return true;
  }
  pthread_condattr_destroy(&r->monotonic);
  return false;
}

static bool init_locks(fc_reactor *r) {
  if (pthread_mutex_init(&r->mutex, NULL) != 0) return false;
  if (init_conditions(r)) return true;
  pthread_mutex_destroy(&r->mutex);
  return false;
}

static void init_lists(fc_reactor *r) {
  fc__node_init(&r->flushes);
  fc__node_init(&r->tasks);
  fc__node_init(&r->waits);
  fc__node_init(&r->sleepers);
  fc__node_init(&r->idlers);
  fc__node_init(&r->woken);
  fc__node_init(&r->all);
}

/* Not yet in the list of all reactors. */
static fc_result create_unlisted(struct fc__io *io, fc_reactor_mode mode, fc_reactor **out,
                                 fc_error *err) {
  fc_reactor *r = fc__alloc_zero(sizeof *r);
  if (r == NULL) return fc__error_no_memory(err);
  if (!init_locks(r)) {
    fc__free(r);
    return fc__error(err, FC_ERR_SYSTEM, "no lock can be had for a reactor");
  }
  init_lists(r);
  r->loop.ops = &fc__reactor_loop_ops;
  r->io = io;
  r->host = mode == FC_REACTOR_HOST;
  r->poll_until = r->host_until = FC_NEVER;
  atomic_init(&r->refs, 1);
  atomic_init(&r->batch, NULL);
  io->ops->attach(io, &r->loop);
  *out = r;
  return FC_OK;
}

static fc_result create_posix(fc_reactor_mode mode, fc_reactor **out, fc_error *err) {
  int error;
  struct fc__io *io = fc__posix_io_create(FC__POLLER_DEFAULT, &error);
  if (io == NULL && error == ENOMEM) return fc__error_no_memory(err);
  if (io == NULL) return fc__error_system(err, error, "cannot make a reactor");
  fc_result result = create_unlisted(io, mode, out, err);
  if (result != FC_OK) io->ops->destroy(io);
  return result;
}

fc_result fc__reactor_create_with(struct fc__io *io, fc_reactor_mode mode, fc_reactor **out,
                                  fc_error *err) {
  *out = NULL;
  fc_result result = fc__reactors_lock(err);
  if (result != FC_OK) return result;
  result = create_unlisted(io, mode, out, err);
  if (*out) fc__list_push_back(&fc__reactors, &(*out)->all);
  fc__reactors_unlock();
  return result;
}

/* Under the lock of the list, so that two threads do not make two. A reference count that has come to 0
 * belongs to a reactor on its way out. */
static bool ref_default(fc_reactor **out) {
  fc_reactor *r = fc__reactors_default;
  unsigned refs = r ? atomic_load(&r->refs) : 0;
  while (refs > 0) {
    if (!atomic_compare_exchange_weak(&r->refs, &refs, refs + 1)) continue;
    *out = r;
    return true;
  }
  return false;
}

fc_reactor *fc__reactor_default(fc_error *err) {
  fc_reactor *r = NULL;
  if (fc__reactors_lock(err) != FC_OK) return NULL;
  if (!ref_default(&r)) (void)create_posix(FC_REACTOR_AUTO, &r, err);
  if (r && r != fc__reactors_default) {
    fc__list_push_back(&fc__reactors, &r->all);
    fc__reactors_default = r;
  }
  fc__reactors_unlock();
  return r;
}

void fc__reactor_ref(fc_reactor *r) {
  unsigned before = atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
  assert(before > 0 && "who takes a reference must know that one is held");
  (void)before;
}

static void unlist(fc_reactor *r) {
  if (fc__reactors_lock(NULL) != FC_OK) return; /* unreachable: it was prepared when r was made */
  fc__list_remove(&r->all);
  if (fc__reactors_default == r) fc__reactors_default = NULL;
  fc__reactors_unlock();
}

void fc__reactor_unref(fc_reactor *r) {
  if (atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1) return;
  unlist(r);
  if (fc__reactor_end_background(r)) fc__reactor_free(r);
}

void fc__reactor_free(fc_reactor *r) {
  assert(r->holds + r->keeps == 0 && fc__list_empty(&r->tasks) && fc__list_empty(&r->flushes) &&
         "whoever has work on a reactor holds a reference to it");
  r->io->ops->destroy(r->io);
  pthread_cond_destroy(&r->background_wake);
  pthread_condattr_destroy(&r->monotonic);
  pthread_mutex_destroy(&r->mutex);
  fc__bytes_sweep(r->loop.garbage);
  fc__free(r->loop.scratch);
  fc__free(r->loop.spare);
  fc__free(r);
}

/* ---- public functions ---- */

fc_result fc_reactor_create(const fc_reactor_options *options, fc_reactor **out, fc_error *err) {
  fc_reactor_options o = {0};
  if (out == NULL) return fc__error(err, FC_ERR_INVALID, "out is NULL");
  *out = NULL;
  fc_result result = fc__options_read(&o, sizeof o, options, "fc_reactor_options", err);
  if (result != FC_OK) return result;
  if (o.mode != FC_REACTOR_AUTO && o.mode != FC_REACTOR_HOST) {
    return fc__error(err, FC_ERR_INVALID, "%d is not a mode of a reactor", (int)o.mode);
  }
  result = fc__reactors_lock(err);
  if (result != FC_OK) return result;
  result = create_posix(o.mode, out, err);
  if (*out) fc__list_push_back(&fc__reactors, &(*out)->all);
  fc__reactors_unlock();
  return result;
}

void fc_reactor_destroy(fc_reactor *reactor) {
  if (reactor) fc__reactor_unref(reactor);
}

int fc_reactor_fd(fc_reactor *reactor) {
  if (reactor == NULL) return -1;
  pthread_mutex_lock(&reactor->mutex);
  int fd = reactor->io->ops->fd(reactor->io);
  fc__reactor_leave(reactor);
  return fd;
}

int64_t fc_reactor_timeout(fc_reactor *reactor) {
  if (reactor == NULL) return FC_NEVER;
  fc_reactor *r = reactor;
  pthread_mutex_lock(&r->mutex);
  int64_t next = fc__timers_next_at(&r->timers), left = 0;
  bool has_tasks = !fc__list_empty(&r->tasks) && fc__reactor_may_run_tasks(r);
  if (!has_tasks) left = next == FC_NEVER ? FC_NEVER : next - fc__reactor_now(r);
  r->host_until = next;
  fc__reactor_leave(r);
  return left > 0 ? left : 0;
}

/* The host asks for the timeout before it waits again, so it needs no waking for what this turn has set. */
static void dispatch_locked(fc_reactor *r) {
  const bool nested = fc__reactor_is_runner(r);
  r->polling = true;
  (void)fc__reactor_turn(r, NULL, INT64_MIN);
  r->polling = false;
  if (!fc__list_empty(&r->tasks) && fc__reactor_may_run_tasks(r)) fc__reactor_run_tasks(r);
  if (!r->polling) fc__reactor_hand_over(r);
  if (!nested) r->host_until = fc__timers_next_at(&r->timers);
}

fc_result fc_reactor_dispatch(fc_reactor *reactor) {
  if (reactor == NULL) return FC_ERR_INVALID;
  fc_reactor *r = reactor;
  fc__reactor_ref(r); /* a callback may drop the last one */
  pthread_mutex_lock(&r->mutex);
  bool elsewhere = r->polling || (r->running && !fc__reactor_is_runner(r));
  bool busy = !r->host || elsewhere;
  if (!busy) dispatch_locked(r);
  fc__reactor_leave(r);
  fc__reactor_unref(r);
  return busy ? FC_ERR_BUSY : FC_OK;
}
