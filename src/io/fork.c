/*
 * Reactors across fork. The child has one thread and its parent's memory: no reactor may be in the middle of
 * anything, so all locks are taken before, and in the child each reactor forgets threads, descriptors and
 * sleepers that are its parent's.
 */
#include "base/error.h"
#include "io/reactor.h"
#include "io/resolver.h"

struct fc__node fc__reactors = {&fc__reactors, &fc__reactors};
fc_reactor *fc__reactors_default;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* taken before any reactor's */
static bool prepared;

static fc_reactor *from_all(struct fc__node *node) {
  return FC__CONTAINER(node, struct fc_reactor, all);
}

static void before_fork(void) {
  pthread_mutex_lock(&mutex);
  for (struct fc__node *n = fc__reactors.next; n != &fc__reactors; n = n->next) {
    pthread_mutex_lock(&from_all(n)->mutex);
  }
  fc__resolver_lock();
}

static void in_parent(void) {
  fc__resolver_unlock();
  for (struct fc__node *n = fc__reactors.next; n != &fc__reactors; n = n->next) {
    pthread_mutex_unlock(&from_all(n)->mutex);
  }
  pthread_mutex_unlock(&mutex);
}

/* Other threads' calls of wait do not exist here, and their waiters lie in memory that new threads may get. */
static void forget_waits(fc_reactor *r) {
  for (struct fc__node *n = r->waits.next, *next; n != &r->waits; n = next) {
    struct fc__wait *wait = FC__CONTAINER(n, struct fc__wait, link);
    next = n->next;
    if (pthread_equal(wait->thread, pthread_self())) continue;
    fc__list_remove(n);
    r->busy_waits -= !wait->waiter->idle;
    if (wait->waiter->lost) wait->waiter->lost(wait->waiter);
  }
  fc__node_init(&r->sleepers);
  fc__node_init(&r->idlers);
  fc__node_init(&r->woken);
  r->runner_sleeper = NULL;
}

/* The callback that another thread was inside of is lost; those behind it are run by the child. */
static void take_back_batch(fc_reactor *r) {
  struct fc__node batch;
  fc__node_init(&batch);
  for (struct fc__node *n = atomic_load(&r->batch), *next; n; n = next) {
    next = n->next;
    fc__list_push_back(&batch, n);
  }
  fc__list_splice_back(&batch, &r->tasks);
  fc__list_splice_back(&r->tasks, &batch);
  atomic_store(&r->batch, NULL);
  r->running = false;
}

static void renew(fc_reactor *r) {
  pthread_mutex_init(&r->mutex, NULL);
  pthread_cond_init(&r->background_wake, &r->monotonic);
  forget_waits(r);
  r->polling = r->asleep = r->background_polls = r->runner_polls = r->woken_up = false;
  r->poller_waiter = NULL;
  r->quiet = false;
  r->loop.forks++;
  r->now_known = false;
  r->host_until = FC_NEVER;
  r->unsettled = true;
  if (r->running && !fc__reactor_is_runner(r)) take_back_batch(r);
  if (!pthread_equal(r->background_thread, pthread_self())) r->background = FC__BACKGROUND_NONE;
  if (r->io->ops->after_fork) r->io->ops->after_fork(r->io);
}

static void in_child(void) {
  fc__resolver_reset();
  for (struct fc__node *n = fc__reactors.next; n != &fc__reactors; n = n->next) renew(from_all(n));
  pthread_mutex_init(&mutex, NULL);
}

fc_result fc__reactors_lock(fc_error *err) {
  pthread_mutex_lock(&mutex);
  if (prepared) return FC_OK;
  int error = pthread_atfork(before_fork, in_parent, in_child);
  prepared = error == 0;
  if (prepared) return FC_OK;
  pthread_mutex_unlock(&mutex);
  return fc__error_system(err, error, "cannot prepare for fork");
}

void fc__reactors_unlock(void) { pthread_mutex_unlock(&mutex); }
