/* Sleeping until woken, until a time, or until a signal comes. */
#include "io/sleep.h"

#include <signal.h>
#include <sys/time.h>

#include "support/check.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct fc__sleep sleeper;

static int set_up(void **state) {
  pthread_condattr_t monotonic;
  (void)state;
  assert_int_equal(pthread_condattr_init(&monotonic), 0);
  assert_int_equal(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC), 0);
  assert_true(fc__sleep_init(&sleeper, &monotonic));
  pthread_condattr_destroy(&monotonic);
  pthread_mutex_lock(&mutex);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  pthread_mutex_unlock(&mutex);
  fc__sleep_finish(&sleeper);
  return 0;
}

static void a_sleep_until_a_time_that_has_passed_ends_at_once(void **state) {
  (void)state;
  assert_false(fc__sleep_wait(&sleeper, &mutex, 0));
  assert_false(fc__sleep_wait(&sleeper, &mutex, 1));
}

#ifdef __linux__
static void one_who_was_woken_before_does_not_sleep(void **state) {
  (void)state;
  fc__sleep_wake(&sleeper);
  assert_false(fc__sleep_wait(&sleeper, &mutex, FC_NEVER));
}

static void on_alarm(int number) { (void)number; }

/* More than time_t holds where it has 32 bits. One that does not sleep is not interrupted. */
static void a_signal_ends_a_sleep_of_any_length(void **state) {
  (void)state;
  const int64_t untils[] = {INT64_C(1) << 61, (INT64_C(1) << 31) * FC_SECOND, FC_NEVER - 1,
                            FC_NEVER};
  const struct itimerval soon = {{0, 2000}, {0, 2000}}, off = {{0, 0}, {0, 0}};
  struct sigaction action = {.sa_handler = on_alarm}, before;
  sigaction(SIGALRM, &action, &before);
  setitimer(ITIMER_REAL, &soon, NULL);
  for (size_t i = 0; i < sizeof untils / sizeof *untils; i++)
    assert_true(fc__sleep_wait(&sleeper, &mutex, untils[i]));
  setitimer(ITIMER_REAL, &off, NULL);
  sigaction(SIGALRM, &before, NULL);
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_sleep_until_a_time_that_has_passed_ends_at_once),
#ifdef __linux__
      TEST(one_who_was_woken_before_does_not_sleep),
      TEST(a_signal_ends_a_sleep_of_any_length),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
