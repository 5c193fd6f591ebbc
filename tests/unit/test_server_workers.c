/* The pool of threads that runs blocking handlers. */
#include "server/workers.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "support/check.h"

enum { JOBS = 64 };

/* A job that says when it runs and may be held up. */
struct job {
  struct fc__task task;
  struct bench *bench;
  bool signals_blocked;
};

struct bench {
  struct fc__workers workers;
  struct fc__random random;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool held;
  int started, ended;
  struct job jobs[JOBS];
};

static void run(struct fc__task *task) {
  struct job *job = FC__CONTAINER(task, struct job, task);
  struct bench *b = job->bench;
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  job->signals_blocked = sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGTERM);
  pthread_mutex_lock(&b->mutex);
  b->started++;
  pthread_cond_broadcast(&b->changed);
  while (b->held) pthread_cond_wait(&b->changed, &b->mutex);
  b->ended++;
  pthread_cond_broadcast(&b->changed);
  pthread_mutex_unlock(&b->mutex);
}

static void open_bench(struct bench *b, uint32_t threads, uint32_t max_pending, bool held) {
  memset(b, 0, sizeof *b);
  assert_int_equal(fc__workers_init(&b->workers, threads, max_pending), FC_OK);
  fc__random_init(&b->random, 7);
  pthread_mutex_init(&b->mutex, NULL);
  pthread_cond_init(&b->changed, NULL);
  b->held = held;
  for (int i = 0; i < JOBS; i++) {
    b->jobs[i].bench = b;
    b->jobs[i].task.run = run;
    fc__node_init(&b->jobs[i].task.link);
  }
}

static fc_result add(struct bench *b, int i) {
  return fc__workers_add(&b->workers, &b->jobs[i].task, &b->random);
}

static void await(struct bench *b, const int *counter, int value) {
  pthread_mutex_lock(&b->mutex);
  while (*counter < value) pthread_cond_wait(&b->changed, &b->mutex);
  pthread_mutex_unlock(&b->mutex);
}

static uint32_t pending(struct bench *b) {
  pthread_mutex_lock(&b->workers.mutex);
  uint32_t pending = b->workers.pending;
  pthread_mutex_unlock(&b->workers.mutex);
  return pending;
}

static uint32_t idle(struct bench *b) {
  pthread_mutex_lock(&b->workers.mutex);
  uint32_t idle = b->workers.idle;
  pthread_mutex_unlock(&b->workers.mutex);
  return idle;
}

static void let_go(struct bench *b) {
  pthread_mutex_lock(&b->mutex);
  b->held = false;
  pthread_cond_broadcast(&b->changed);
  pthread_mutex_unlock(&b->mutex);
}

static void close_bench(struct bench *b) {
  let_go(b);
  fc__workers_finish(&b->workers);
  pthread_cond_destroy(&b->changed);
  pthread_mutex_destroy(&b->mutex);
}

static void no_thread_is_started_without_a_job(void **state) {
  (void)state;
  struct bench b;
  open_bench(&b, 4, 3000, false);
  assert_int_equal(b.workers.count, 0);
  close_bench(&b);
}

static void blocked_jobs_get_threads_up_to_the_limit(void **state) {
  (void)state;
  struct bench b;
  open_bench(&b, 4, 3000, true);
  for (int i = 0; i < 10; i++) assert_int_equal(add(&b, i), FC_OK);
  await(&b, &b.started, 4);
  assert_int_equal(b.workers.count, 4);
  assert_int_equal(b.started, 4);
  let_go(&b);
  await(&b, &b.ended, 10);
  assert_int_equal(b.workers.count, 4);
  close_bench(&b);
}

static void an_idle_thread_is_used_again(void **state) {
  (void)state;
  struct bench b;
  open_bench(&b, 4, 3000, false);
  for (int i = 0; i < 20; i++) {
    assert_int_equal(add(&b, i), FC_OK);
    await(&b, &b.ended, i + 1);
    while (idle(&b) == 0) usleep(100); /* until the thread waits again */
  }
  assert_int_equal(b.workers.count, 1);
  close_bench(&b);
}

static void a_waiting_job_can_be_taken_back(void **state) {
  (void)state;
  struct bench b;
  open_bench(&b, 1, 3000, true);
  assert_int_equal(add(&b, 0), FC_OK);
  await(&b, &b.started, 1);
  assert_int_equal(add(&b, 1), FC_OK);
  assert_true(fc__workers_remove(&b.workers, &b.jobs[1].task));
  assert_false(fc__workers_remove(&b.workers, &b.jobs[1].task));
  assert_false(fc__workers_remove(&b.workers, &b.jobs[0].task));
  close_bench(&b);
  assert_int_equal(b.ended, 1);
}

static void jobs_that_wait_are_counted_until_they_begin_or_are_taken_back(void **state) {
  (void)state;
  struct bench b;
  open_bench(&b, 1, 30, true);
  assert_int_equal(add(&b, 0), FC_OK);
  await(&b, &b.started, 1);
  for (int i = 0; i < 100; i++) { /* never so many that one would be refused */
    assert_int_equal(add(&b, 1), FC_OK);
    assert_int_equal(add(&b, 2), FC_OK);
    assert_int_equal(pending(&b), 2);
    assert_true(fc__workers_remove(&b.workers, &b.jobs[1].task));
    assert_false(fc__workers_remove(&b.workers, &b.jobs[1].task));
    assert_int_equal(pending(&b), 1);
    assert_true(fc__workers_remove(&b.workers, &b.jobs[2].task));
    assert_int_equal(pending(&b), 0);
  }
  for (int i = 1; i <= 5; i++) assert_int_equal(add(&b, i), FC_OK);
  let_go(&b);
  await(&b, &b.ended, 6);
  assert_int_equal(pending(&b), 0);
  close_bench(&b);
}

/* Two threads that have become idle are no reason to let a third job wait. */
static void threads_are_idle_only_while_they_wait(void **state) {
  (void)state;
  struct bench b;
  open_bench(&b, 4, 30, true);
  for (int i = 0; i < 2; i++) assert_int_equal(add(&b, i), FC_OK);
  await(&b, &b.started, 2);
  assert_int_equal(idle(&b), 0);
  let_go(&b);
  while (idle(&b) < 2) usleep(100);
  b.held = true;
  for (int i = 2; i < 6; i++) assert_int_equal(add(&b, i), FC_OK);
  await(&b, &b.started, 6);
  assert_int_equal(idle(&b), 0);
  assert_int_equal(b.workers.count, 4);
  close_bench(&b);
}

/* Row 17 of the hostile inputs: by chance from a third of the limit on, all at the limit. */
static void row_17_load_is_shed_before_the_line_is_full(void **state) {
  (void)state;
  struct bench b;
  int waiting = 0, refused = 0;
  open_bench(&b, 1, 30, true);
  assert_int_equal(add(&b, 0), FC_OK);
  await(&b, &b.started, 1);
  for (int i = 1; i <= 10; i++) assert_int_equal(add(&b, i), FC_OK);
  for (waiting = 10; waiting < 30;) {
    if (add(&b, 1 + waiting) == FC_OK) {
      waiting++;
    } else {
      refused++;
    }
  }
  assert_true(refused > 10);
  for (int i = 0; i < 100; i++) assert_int_equal(add(&b, 40), FC_ERR_LIMIT);
  close_bench(&b);
  assert_int_equal(b.ended, 31);
}

/* Evenly from none at a third of the limit to all at the limit. */
static void row_17_the_part_that_is_turned_away_grows_evenly(void **state) {
  (void)state;
  enum { MAX = 30, DRAWS = 20000 };
  struct fc__random random;
  fc__random_init(&random, 7);
  for (uint32_t pending = 0; pending <= MAX; pending++) {
    int away = 0;
    for (int i = 0; i < DRAWS; i++) away += fc__workers_turn_away(pending, MAX, &random);
    int due = pending <= MAX / 3 ? 0 : (int)(pending - MAX / 3) * DRAWS / (MAX - MAX / 3);
    if (due == 0 || due == DRAWS) assert_int_equal(away, due);
    assert_true(due - DRAWS / 50 <= away && away <= due + DRAWS / 50);
  }
}

static void finishing_waits_for_what_runs(void **state) {
  (void)state;
  struct bench b;
  open_bench(&b, 8, 3000, false);
  for (int i = 0; i < JOBS; i++) assert_int_equal(add(&b, i), FC_OK);
  close_bench(&b);
  assert_int_equal(b.ended, JOBS);
}

static void signals_are_not_for_workers(void **state) {
  (void)state;
  struct bench b;
  open_bench(&b, 1, 3000, false);
  assert_int_equal(add(&b, 0), FC_OK);
  await(&b, &b.ended, 1);
  close_bench(&b);
  assert_true(b.jobs[0].signals_blocked);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_thread_is_started_without_a_job),
      cmocka_unit_test(blocked_jobs_get_threads_up_to_the_limit),
      cmocka_unit_test(an_idle_thread_is_used_again),
      cmocka_unit_test(a_waiting_job_can_be_taken_back),
      cmocka_unit_test(jobs_that_wait_are_counted_until_they_begin_or_are_taken_back),
      cmocka_unit_test(threads_are_idle_only_while_they_wait),
      cmocka_unit_test(row_17_load_is_shed_before_the_line_is_full),
      cmocka_unit_test(row_17_the_part_that_is_turned_away_grows_evenly),
      cmocka_unit_test(finishing_waits_for_what_runs),
      cmocka_unit_test(signals_are_not_for_workers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
