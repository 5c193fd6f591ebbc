/* The program around a model, see model.h: seeds, time, and what is said when a round fails. */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "models/model.h"

static const char *program, *path;
static uint64_t seed;

/* Of AddressSanitizer's and its kin, where the program is built with one. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

/* UndefinedBehaviorSanitizer has no such callback, but can end the program by a signal. */
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "abort_on_error=1"; }

uint64_t model_seed(void) { return seed; }

static void tell_seed(void) {
  char text[1000];
  int len =
      snprintf(text, sizeof text, "%s: failed with seed %" PRIu64 "; again: %s 0 %" PRIu64 "\n",
               program, seed, path, seed);
  if (len > (int)sizeof text - 1) len = (int)sizeof text - 1;
  if (write(STDERR_FILENO, text, (size_t)len) < 0) return;
}

/* What failed may have left its line open. */
static void tell_seed_at_signal(int number) {
  if (write(STDERR_FILENO, "\n", 1) == 1) tell_seed();
  signal(number, SIG_DFL);
  raise(number);
}

void model_fail(const char *file, int line, const char *format, ...) {
  va_list arguments;
  fprintf(stderr, "%s:%d: ", file, line);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  tell_seed();
  _exit(1);
}

/* A round takes milliseconds: one that takes so long does not end. */
enum { ROUND_SECONDS_MAX = 30 };

static void play(void) {
  struct fc__random random;
  alarm(ROUND_SECONDS_MAX);
  fc__random_init(&random, seed);
  model_round(&random);
}

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static unsigned play_for(double seconds) {
  double end = seconds_now() + seconds;
  unsigned rounds = 0;
  do {
    play();
    seed++;
    rounds++;
  } while (seconds_now() < end);
  return rounds;
}

static unsigned play_short(void) {
  for (seed = 1; seed <= model_short_rounds; seed++) play();
  return model_short_rounds;
}

/* cmocka's assertions, in code that tests share, end the program like an assertion of the library's. */
static void prepare(const char *run_as) {
  path = run_as;
  program = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  setenv("CMOCKA_TEST_ABORT", "1", 1);
  signal(SIGABRT, tell_seed_at_signal);
  signal(SIGALRM, tell_seed_at_signal);
  if (__sanitizer_set_death_callback) {
    __sanitizer_set_death_callback(tell_seed);
  } else {
    signal(SIGSEGV, tell_seed_at_signal);
  }
}

int main(int count, char **arguments) {
  prepare(arguments[0]);
  double seconds = count > 1 ? strtod(arguments[1], NULL) : 0;
  seed = count > 2 ? strtoull(arguments[2], NULL, 10) : (uint64_t)time(NULL) * 1000003;
  unsigned rounds = count > 1 ? play_for(seconds) : play_short();
  printf("%s: %u rounds, no difference\n", program, rounds);
  return 0;
}
