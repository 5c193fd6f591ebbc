/*
 * The worker pool. Jobs wait in one line; a thread is started for a job that no idle thread will take, until there are
 * max_count of them. The only system calls of the server are here.
 */
#include "server/workers.h"

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

fc_result fc__workers_init(struct fc__workers *w, uint32_t max_count, uint32_t max_pending) {
  memset(w, 0, sizeof *w);
  fc__node_init(&w->jobs);
  w->max_count = max_count;
  w->max_pending = max_pending;
  w->threads = fc__alloc(max_count * sizeof *w->threads);
  if (!w->threads) return FC_ERR_NO_MEMORY;
  if (pthread_mutex_init(&w->mutex, NULL) == 0) {
    if (pthread_cond_init(&w->work, NULL) == 0) return FC_OK;
    pthread_mutex_destroy(&w->mutex);
  }
  fc__free(w->threads);
  return FC_ERR_SYSTEM;
}

static struct fc__task *next_job(struct fc__workers *w) {
  struct fc__node *n = fc__list_first(&w->jobs);
  if (!n) return NULL;
  fc__list_remove(n);
  w->pending--;
  return FC__CONTAINER(n, struct fc__task, link);
}

static void *worker_main(void *user) {
  struct fc__workers *w = user;
  pthread_mutex_lock(&w->mutex);
  for (;;) {
    struct fc__task *job = next_job(w);
    if (job) {
      pthread_mutex_unlock(&w->mutex);
      job->run(job);
      pthread_mutex_lock(&w->mutex);
    } else if (w->stopping) {
      break;
    } else {
      w->idle++;
      pthread_cond_wait(&w->work, &w->mutex);
      w->idle--;
    }
  }
  pthread_mutex_unlock(&w->mutex);
  return NULL;
}

/* Signals are for the threads of the program, which knows what to do with them. */
static int start_thread(struct fc__workers *w) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&w->threads[w->count], NULL, worker_main, w);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failed) return failed;
  w->count++;
  w->process = getpid();
  return 0;
}

/* Like grpc core's GRPC_ARG_SERVER_MAX_PENDING_REQUESTS: none below the first limit, all from the second on, and a part
 * that grows evenly in between. */
bool fc__workers_turn_away(uint32_t pending, uint32_t max_pending, struct fc__random *random) {
  uint32_t soft = max_pending / 3;
  if (pending >= max_pending) return true;
  if (pending < soft) return false;
  return fc__random_below(random, max_pending - soft) < pending - soft;
}

static fc_result add_locked(struct fc__workers *w, struct fc__task *job,
                            struct fc__random *random) {
  if (fc__workers_turn_away(w->pending, w->max_pending, random)) return FC_ERR_LIMIT;
  bool needed = w->pending >= w->idle && w->count < w->max_count;
  if (needed && start_thread(w) != 0 && w->count == 0) return FC_ERR_SYSTEM;
  fc__list_push_back(&w->jobs, &job->link);
  w->pending++;
  return FC_OK;
}

fc_result fc__workers_add(struct fc__workers *w, struct fc__task *job, struct fc__random *random) {
  pthread_mutex_lock(&w->mutex);
  fc_result r = add_locked(w, job, random);
  bool wake = r == FC_OK && w->idle > 0;
  pthread_mutex_unlock(&w->mutex);
  /* Not under the mutex: the worker would wake up only to wait for that. */
  if (wake) pthread_cond_signal(&w->work);
  return r;
}

bool fc__workers_remove(struct fc__workers *w, struct fc__task *job) {
  pthread_mutex_lock(&w->mutex);
  bool waits = fc__node_linked(&job->link);
  if (waits) {
    fc__list_remove(&job->link);
    w->pending--;
  }
  pthread_mutex_unlock(&w->mutex);
  return waits;
}

static void join_all(struct fc__workers *w) {
  pthread_mutex_lock(&w->mutex);
  w->stopping = true;
  pthread_cond_broadcast(&w->work);
  pthread_mutex_unlock(&w->mutex);
  for (uint32_t i = 0; i < w->count; i++) pthread_join(w->threads[i], NULL);
  assert(w->pending == 0 && w->idle == 0 && "no job waits any more, and no thread for one");
  pthread_cond_destroy(&w->work);
  pthread_mutex_destroy(&w->mutex);
}

void fc__workers_finish(struct fc__workers *w) {
  if (w->count == 0 || w->process == getpid()) join_all(w);
  fc__free(w->threads);
  w->threads = NULL;
}
