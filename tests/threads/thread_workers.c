/*
 * The pool of worker threads under several threads that add jobs and take them back: each job runs once or is taken
 * back, at once while a thread is idle or may be started, and the pool ends when it is told to.
 */
#include "server/workers.h"
#include "threads/sched.h"

#define MS FC_MILLISECOND

enum { JOBS = 9, THREADS_MAX = 3, PENDING_MAX = 30 };

struct job {
  struct fc__task task;
  struct sched_promise promise;
  bool added, ran, ended, removed;
  bool *until; /* it runs on until this is set */
  int64_t takes;
  pthread_t thread;
};

static struct fc__workers workers;
static struct fc__random randoms[2];
static struct job jobs[JOBS];
static int running, most;

static bool is_set(void *flag) { return *(bool *)flag; }

static void await(bool *flag, const char *what) {
  sched_wait(&(struct sched_wait){.what = what, .ready = is_set, .user = flag, .until = FC_NEVER});
}

static void run_job(struct fc__task *task) {
  struct job *j = FC__CONTAINER(task, struct job, task);
  MUST(!j->ran && !j->removed);
  j->ran = true;
  j->thread = pthread_self();
  sched_kept(&j->promise);
  if (++running > most) most = running;
  if (j->takes > 0) sched_sleep(j->takes);
  if (j->until) await(j->until, "is in a job");
  running--;
  j->ended = true;
}

static void open_pool(uint32_t threads) {
  running = most = 0;
  fc__random_init(&randoms[0], 1);
  fc__random_init(&randoms[1], 2);
  for (int i = 0; i < JOBS; i++) {
    jobs[i] = (struct job){.task.run = run_job};
    fc__node_init(&jobs[i].task.link);
  }
  MUST(fc__workers_init(&workers, threads, PENDING_MAX) == FC_OK);
}

/* The job must begin at once, or by then. */
static fc_result add(int i, struct fc__random *random, int64_t by) {
  sched_promise(&jobs[i].promise, "a job begins", by);
  fc_result r = fc__workers_add(&workers, &jobs[i].task, random);
  jobs[i].added = r == FC_OK;
  if (r != FC_OK) sched_kept(&jobs[i].promise);
  return r;
}

static void await_job(int i) { await(&jobs[i].ran, "waits for a job to run"); }

static void close_pool(void) {
  fc__workers_finish(&workers);
  for (int i = 0; i < JOBS; i++) MUST(!jobs[i].added || jobs[i].removed || jobs[i].ended);
}

/* ---- in small ---- */

static void two_jobs_that_need_each_other(void) {
  open_pool(2);
  jobs[0].until = &jobs[1].ran;
  MUST(add(0, &randoms[0], sched_now()) == FC_OK);
  MUST(add(1, &randoms[0], sched_now()) == FC_OK);
  await_job(0);
  await_job(1);
  close_pool();
  MUST(most <= 2);
}

/* Which has been woken for the first of them, and is still counted as idle when the second comes. */
static void two_jobs_for_one_idle_thread(void) {
  open_pool(2);
  MUST(add(2, &randoms[0], sched_now()) == FC_OK);
  await_job(2);
  sched_sleep(MS);
  jobs[0].until = &jobs[1].ran;
  MUST(add(0, &randoms[0], sched_now()) == FC_OK);
  MUST(add(1, &randoms[0], sched_now()) == FC_OK);
  await_job(0);
  await_job(1);
  close_pool();
}

static void *add_second(void *user) {
  (void)user;
  MUST(add(1, &randoms[1], sched_now()) == FC_OK);
  return NULL;
}

static void two_threads_add(void) {
  pthread_t thread;
  open_pool(2);
  jobs[0].until = &jobs[1].ran;
  MUST(pthread_create(&thread, NULL, add_second, NULL) == 0);
  MUST(add(0, &randoms[0], sched_now()) == FC_OK);
  MUST(pthread_join(thread, NULL) == 0);
  await_job(0);
  await_job(1);
  close_pool();
}

/* The thread is idle when nothing else can go on. */
static void an_idle_thread_is_used_again(void) {
  open_pool(3);
  for (int i = 0; i < 3; i++) {
    MUST(add(i, &randoms[0], sched_now()) == FC_OK);
    await_job(i);
    sched_sleep(MS);
    if (i > 0 && !sched_slow()) MUST(pthread_equal(jobs[i].thread, jobs[0].thread));
  }
  close_pool();
}

/* The first that was added first. */
static void jobs_wait_in_line(void) {
  open_pool(1);
  for (int i = 0; i < 4; i++) {
    jobs[i].takes = MS;
    MUST(add(i, &randoms[0], sched_now() + i * MS) == FC_OK);
  }
  for (int i = 0; i < 4; i++) {
    await_job(i);
    for (int later = i + 2; later < 4; later++) MUST(!jobs[later].ran || jobs[later - 1].ran);
  }
  close_pool();
}

static void *take_back(void *user) {
  (void)user;
  jobs[1].removed = fc__workers_remove(&workers, &jobs[1].task);
  if (jobs[1].removed) sched_kept(&jobs[1].promise);
  return NULL;
}

static void one_is_taken_back(void) {
  pthread_t thread;
  open_pool(1);
  jobs[0].takes = MS;
  MUST(add(0, &randoms[0], sched_now()) == FC_OK);
  MUST(add(1, &randoms[0], sched_now() + MS) == FC_OK);
  MUST(pthread_create(&thread, NULL, take_back, NULL) == 0);
  MUST(pthread_join(thread, NULL) == 0);
  MUST(add(2, &randoms[0], sched_now() + MS) == FC_OK);
  await_job(2);
  MUST(jobs[1].removed != jobs[1].ran);
  close_pool();
}

/* ---- by chance ---- */

static int64_t longest;

static void *add_by_chance(void *user) {
  int which = *(int *)user;
  for (int i = which; i < JOBS - 1; i += 2) {
    jobs[i].takes = sched_random(2) ? (int64_t)sched_random(3) * MS : 0;
    fc_result r = add(i, &randoms[which], sched_now() + longest);
    MUST(r == FC_OK || r == FC_ERR_SYSTEM);
    if (sched_random(3) == 0) sched_sleep((int64_t)sched_random(4) * MS);
    if (sched_random(3) == 0 && r == FC_OK) {
      jobs[i].removed = fc__workers_remove(&workers, &jobs[i].task);
      if (jobs[i].removed) sched_kept(&jobs[i].promise);
    }
  }
  return NULL;
}

static void several_threads_add(void) {
  static int which[] = {0, 1};
  pthread_t threads[2];
  open_pool(1 + (uint32_t)sched_random(THREADS_MAX));
  longest = JOBS * 2 * MS;
  for (int i = 0; i < 2; i++)
    MUST(pthread_create(&threads[i], NULL, add_by_chance, &which[i]) == 0);
  if (sched_random(4) == 0) sched_fail_threads(50);
  for (int i = 0; i < 2; i++) MUST(pthread_join(threads[i], NULL) == 0);
  sched_fail_threads(0);
  if (sched_random(2)) {
    sched_sleep(longest);
    MUST(add(JOBS - 1, &randoms[0], sched_now() + longest) == FC_OK);
    await_job(JOBS - 1);
  }
  close_pool();
  MUST(most <= THREADS_MAX);
}

/* Whatever was added and taken back before: below a third of the limit none is refused, at the limit all are. */
static void the_limit_stays(void) {
  bool released = false;
  open_pool(1);
  jobs[0].until = &released;
  MUST(add(0, &randoms[0], sched_now()) == FC_OK);
  await_job(0);
  for (int round = 0; round < 20; round++) {
    for (int i = 1; i < JOBS; i++) {
      MUST(add(i, &randoms[0], FC_NEVER) == FC_OK);
      if (round == 19) continue;
      MUST(fc__workers_remove(&workers, &jobs[i].task));
      MUST(!fc__workers_remove(&workers, &jobs[i].task));
      sched_kept(&jobs[i].promise);
    }
  }
  released = true;
  for (int i = 1; i < JOBS; i++) await_job(i);
  close_pool();
}

static void no_thread_can_be_made(void) {
  open_pool(2);
  sched_fail_threads(100);
  MUST(add(0, &randoms[0], FC_NEVER) == FC_ERR_SYSTEM);
  sched_fail_threads(0);
  MUST(add(1, &randoms[0], sched_now()) == FC_OK);
  sched_fail_threads(100);
  jobs[1].takes = MS;
  MUST(add(2, &randoms[0], sched_now() + 2 * MS) == FC_OK);
  await_job(2);
  close_pool();
  MUST(!jobs[0].ran);
}

int main(int argc, char **argv) {
  static const struct sched_case cases[] = {
      SCHED_SMALL(two_jobs_that_need_each_other),
      SCHED_SMALL(two_jobs_for_one_idle_thread),
      SCHED_SMALL(two_threads_add),
      SCHED_SMALL(an_idle_thread_is_used_again),
      SCHED_SMALL(one_is_taken_back),
      SCHED_SMALL(jobs_wait_in_line),
      SCHED_CASE(several_threads_add),
      SCHED_CASE(the_limit_stays),
      SCHED_CASE(no_thread_can_be_made),
  };
  return sched_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
