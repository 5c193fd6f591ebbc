/* What ends a program from inside: failed assertions, sanitizers, bad memory, a schedule that spins. The seed is
 * printed too. */
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "threads/sched_internal.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): the sanitizers' names
 * NOLINTBEGIN(bugprone-signal-handler): the thread that crashed will not go on, and the others wait */

enum { SPIN_SECONDS = 10 }; /* of the processor's time, for one schedule */

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

/* Little is kept of what was freed long ago: forks copy it all. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "quarantine_size_mb=4:malloc_context_size=8"; }

/* UBSan's library has no callback. */
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "abort_on_error=1:print_stacktrace=1"; }

static void on_signal(int number) {
  const char *what = number == SIGPROF ? "it spins" : number == SIGABRT ? "aborted" : "bad memory";
  fprintf(stderr, "%s: %s\n", sched.program, what);
  sched_print_state();
  _exit(1);
}

void sched_catch_crashes(void) {
  if (__sanitizer_set_death_callback) {
    __sanitizer_set_death_callback(sched_print_state);
  } else {
    signal(SIGSEGV, on_signal);
    signal(SIGBUS, on_signal);
  }
  signal(SIGABRT, on_signal);
  signal(SIGPROF, on_signal);
}

/* NOLINTEND(bugprone-signal-handler)
 * NOLINTEND(bugprone-reserved-identifier) */

void sched_watch(void) {
  const struct itimerval time = {.it_value.tv_sec = SPIN_SECONDS};
  setitimer(ITIMER_PROF, &time, NULL);
}
