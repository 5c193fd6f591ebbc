/*
 * The scheduler itself: programs with a fault each must fail, in some order of their threads that the scheduler has to find,
 * and fail again with the seed that was printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "threads/sched.h"

#define MS FC_MILLISECOND

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int value;

static void beside(void *(*run)(void *), void (*here)(void)) {
  pthread_t thread;
  value = 0;
  pthread_mutex_init(&first, NULL);
  pthread_mutex_init(&second, NULL);
  MUST(pthread_create(&thread, NULL, run, NULL) == 0);
  here();
  MUST(pthread_join(thread, NULL) == 0);
}

/* ---- two locks in both orders ---- */

static void *lock_second_first(void *user) {
  (void)user;
  pthread_mutex_lock(&second);
  pthread_mutex_lock(&first);
  pthread_mutex_unlock(&first);
  pthread_mutex_unlock(&second);
  return NULL;
}

static void lock_first_first(void) {
  pthread_mutex_lock(&first);
  pthread_mutex_lock(&second);
  pthread_mutex_unlock(&second);
  pthread_mutex_unlock(&first);
}

static void two_orders_of_locks(void) { beside(lock_second_first, lock_first_first); }

/* ---- a signal that comes before the wait ---- */

static void *signal_unlocked(void *user) {
  (void)user;
  value = 1;
  pthread_cond_signal(&changed);
  return NULL;
}

static void wait_without_asking_again(void) {
  pthread_mutex_lock(&first);
  if (value == 0) pthread_cond_wait(&changed, &first);
  pthread_mutex_unlock(&first);
}

static void a_lost_wake_up(void) { beside(signal_unlocked, wait_without_asking_again); }

/* ---- a count that is read and written in two steps ---- */

static void count(void) {
  pthread_mutex_lock(&first);
  int seen = value;
  pthread_mutex_unlock(&first);
  pthread_mutex_lock(&first);
  value = seen + 1;
  pthread_mutex_unlock(&first);
}

static void *count_too(void *user) {
  (void)user;
  count();
  return NULL;
}

static void a_lost_count(void) {
  beside(count_too, count);
  MUST(value == 2);
}

/* ---- time ---- */

static void a_wait_that_a_timeout_saves(void) {
  struct sched_promise promise = {.what = NULL};
  sched_promise(&promise, "what is due at once", sched_now());
  sched_sleep(MS);
  sched_kept(&promise);
}

static void *sleep_1_ms(void *user) {
  (void)user;
  sched_sleep(MS);
  value = 1;
  return NULL;
}

static void count_steps(void) {
  for (int i = 0; i < 3; i++) sched_point("counts");
  MUST(value == 0); /* unless time has passed before */
}

static void a_slow_thread(void) { beside(sleep_1_ms, count_steps); }

/* ---- misuse ---- */

static void an_unlock_of_anothers(void) {
  pthread_mutex_init(&first, NULL);
  pthread_mutex_unlock(&first);
}

static void a_second_lock(void) {
  pthread_mutex_init(&first, NULL);
  pthread_mutex_lock(&first);
  pthread_mutex_lock(&first);
}

static void memory_that_is_left(void) { (void)!fc__alloc(1); }

static void *do_nothing(void *user) { return user; }

static void a_thread_that_is_not_joined(void) {
  pthread_t thread;
  MUST(pthread_create(&thread, NULL, do_nothing, NULL) == 0);
}

/* ---- what is right ---- */

static void *set(void *user) {
  (void)user;
  pthread_mutex_lock(&first);
  value = 1;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&first);
  return NULL;
}

static void await(void) {
  pthread_mutex_lock(&first);
  while (value == 0) pthread_cond_wait(&changed, &first);
  pthread_mutex_unlock(&first);
}

static void a_wake_up(void) { beside(set, await); }

/* ---- each in a process of its own ---- */

static int run(const struct sched_case *c, char *argument, char *seed, char *said, size_t size) {
  int ends[2], status;
  char name[] = "it", *arguments[] = {name, argument, seed, NULL};
  MUST(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    _exit(sched_main(argument ? 3 : 1, arguments, c, 1));
  }
  close(ends[1]);
  size_t len = 0;
  for (ssize_t n; len < size - 1 && (n = read(ends[0], said + len, size - 1 - len)) > 0;)
    len += (size_t)n;
  said[len] = 0;
  close(ends[0]);
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* By seed or systematically. */
static bool is_found(const struct sched_case *c) {
  char said[8000], again[8000], option[] = "-s", seed[200];
  if (run(c, NULL, NULL, said, sizeof said) != 1) return false;
  const char *from = strstr(said, "SEED=");
  if (from == NULL || sscanf(from, "SEED=%199s", seed) != 1) return false;
  return run(c, option, seed, again, sizeof again) == 1 && strstr(again, seed);
}

static bool is_fine(const struct sched_case *c) {
  char said[8000];
  return run(c, NULL, NULL, said, sizeof said) == 0;
}

static const struct sched_case faults[] = {
    SCHED_SMALL(two_orders_of_locks),
    SCHED_CASE(two_orders_of_locks),
    SCHED_SMALL(a_lost_wake_up),
    SCHED_CASE(a_lost_wake_up),
    SCHED_SMALL(a_lost_count),
    SCHED_CASE(a_lost_count),
    SCHED_CASE(a_wait_that_a_timeout_saves),
    SCHED_SMALL(a_slow_thread),
    SCHED_CASE(a_slow_thread),
    SCHED_CASE(an_unlock_of_anothers),
    SCHED_CASE(a_second_lock),
    SCHED_CASE(memory_that_is_left),
    SCHED_CASE(a_thread_that_is_not_joined),
};

static const struct sched_case right[] = {SCHED_SMALL(a_wake_up)};

/* Whatever the arguments: it takes no time. */
int main(void) {
  size_t count = sizeof faults / sizeof faults[0], found = 0;
  for (size_t i = 0; i < count; i++) {
    bool is = is_found(&faults[i]);
    if (!is) printf("thread_scheduler: %s is not found, or not again\n", faults[i].name);
    found += is;
  }
  bool fine = is_fine(&right[0]);
  printf("thread_scheduler: %zu of %zu faults found%s\n", found, count,
         fine ? "" : ", and one that is none");
  return found == count && fine ? 0 : 1;
}
