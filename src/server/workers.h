#ifndef FC_SERVER_WORKERS_H
#define FC_SERVER_WORKERS_H
/*
 * A bounded pool of threads for handlers that block: started when there is work for them, kept until the end. Its
 * lock is innermost: it may be taken under a loop's lock, and nothing is called under it.
 */
#include <pthread.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/random.h"
#include "farcall/base.h"

struct fc__workers {
  pthread_mutex_t mutex;
  pthread_cond_t work;
  struct fc__node jobs; /* struct fc__task, waiting */
  uint32_t pending;     /* how many */
  uint32_t max_pending;
  uint32_t idle; /* threads that wait for a job */
  uint32_t count, max_count;
  bool stopping;
  int process; /* that has the threads: a child made by fork has none of them */
  pthread_t *threads;
};

/* FC_ERR_SYSTEM: the system has no lock left to give; FC_ERR_NO_MEMORY. */
fc_result fc__workers_init(struct fc__workers *w, uint32_t max_count, uint32_t max_pending);
/* Lets the running jobs end and joins the threads; no job may be waiting any more. Without any lock. */
void fc__workers_finish(struct fc__workers *w);

/* Queues a job; its run is called on a worker. FC_ERR_LIMIT: too many wait: from a third of max_pending a growing part
 * is turned away by chance, so that load is shed before the queue is full. FC_ERR_SYSTEM: no thread can be started. */
fc_result fc__workers_add(struct fc__workers *w, struct fc__task *job, struct fc__random *random);
/* That decision, for others who let calls wait. */
bool fc__workers_turn_away(uint32_t pending, uint32_t max_pending, struct fc__random *random);
/* Takes a job back that no worker has begun; says whether it did. */
bool fc__workers_remove(struct fc__workers *w, struct fc__task *job);

#endif
