/*
 * The schedules of a program: each small case systematically, then all of them by seed.
 *
 *   PROGRAM [-t SECONDS] [-b SEED]     from that seed on; without -t a fixed number of schedules
 *   PROGRAM [-v] -s SEED               one schedule again; -v prints its steps
 *
 * A seed is a number or, of a schedule that was tried systematically, CASE/STEP.CHOICE,STEP.CHOICE...
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "threads/sched_internal.h"

enum { SHORT_SYSTEMATIC = 500, SHORT_BY_SEED = 1000 };

static struct {
  const struct sched_case *cases;
  size_t count, small_count;
  int64_t begin, end; /* real time; 0: a fixed number of schedules */
  size_t schedules;
} program;

uint64_t sched_random(uint64_t limit) {
  return sched_is_systematic() ? 0 : sched_draw(&sched.scenario, limit);
}

void sched_fail_threads(unsigned percent) { sched.fail_percent = percent; }

static int64_t real_time(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * FC_SECOND + time.tv_nsec;
}

static void run_once(const struct sched_case *c) {
  sched.case_name = c->name;
  sched_begin();
  sched_watch();
  fc__bytes_drop_spare();
  size_t live = sched_memory();
  c->run();
  sched_end();
  fc__bytes_drop_spare();
  if (sched_memory() != live)
    sched_fail("%zd blocks of memory are left", (ssize_t)(sched_memory() - live));
  program.schedules++;
}

/* ---- by seed ---- */

static void run_seed(uint64_t seed) {
  snprintf(sched.replay, sizeof sched.replay, "%" PRIu64, seed);
  sched_choose_by_seed(seed);
  sched.scenario = ~seed;
  run_once(&program.cases[seed % program.count]);
}

static void run_seeds(uint64_t seed) {
  for (int i = 0; program.end ? real_time() < program.end : i < SHORT_BY_SEED; i++)
    run_seed(seed + (uint64_t)i);
}

/* ---- systematically ---- */

static void run_systematically(const struct sched_case *c, int64_t end) {
  size_t before = program.schedules;
  bool more = true;
  snprintf(sched.replay, sizeof sched.replay, "%s/", c->name);
  sched_systematic_first();
  while (more && (end ? real_time() < end : program.schedules - before < SHORT_SYSTEMATIC)) {
    sched_systematic_begin();
    run_once(c);
    more = sched_systematic_next();
  }
  printf("%s: %s: %zu schedules%s\n", sched.program, c->name, program.schedules - before,
         more ? "" : ", which are all with at most 2 preemptions");
}

/* At most 40 % of the time. */
static void run_small_cases(void) {
  size_t done = 0;
  for (size_t i = 0; i < program.count; i++) {
    if (!program.cases[i].small) continue;
    int64_t time =
        (program.end - program.begin) * 2 / 5 * (int64_t)++done / (int64_t)program.small_count;
    run_systematically(&program.cases[i], program.end ? program.begin + time : 0);
  }
}

/* False: there is no such case, or the schedule cannot be read. */
static bool run_described(const char *name, size_t len, const char *schedule) {
  for (size_t i = 0; i < program.count; i++) {
    const struct sched_case *c = &program.cases[i];
    if (strlen(c->name) != len || strncmp(c->name, name, len) != 0) continue;
    if (!sched_systematic_replay(schedule)) return false;
    snprintf(sched.replay, sizeof sched.replay, "%s/", c->name);
    sched_systematic_begin();
    run_once(c);
    return true;
  }
  return false;
}

static bool run_again(const char *seed) {
  const char *slash = strchr(seed, '/');
  if (slash) return run_described(seed, (size_t)(slash - seed), slash + 1);
  run_seed(strtoull(seed, NULL, 10));
  return true;
}

/* ---- */

static void prepare(const char *path, const struct sched_case *cases, size_t count) {
  const char *slash = strrchr(path, '/');
  sched.program = slash ? slash + 1 : path;
  program.cases = cases;
  program.count = count;
  for (size_t i = 0; i < count; i++) program.small_count += cases[i].small;
  setvbuf(stdout, NULL, _IOLBF, 0);
  sched_use_memory();
  sched_catch_crashes();
  pthread_atfork(NULL, NULL, sched_after_fork); /* before the library's */
}

int sched_main(int argc, char **argv, const struct sched_case *cases, size_t count) {
  const char *again = NULL;
  uint64_t seed = 1;
  prepare(argv[0], cases, count);
  program.begin = real_time();
  /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet */
  for (int option; (option = getopt(argc, argv, "t:b:s:v")) != -1;) {
    if (option == 't') program.end = program.begin + (int64_t)(strtod(optarg, NULL) * 1e9);
    if (option == 'b') seed = strtoull(optarg, NULL, 10);
    if (option == 's') again = optarg;
    if (option == 'v') sched.trace = true;
    if (option == '?') return 2;
  }
  if (!again) {
    run_small_cases();
    run_seeds(seed);
  } else if (!run_again(again)) {
    fprintf(stderr, "%s: there is no schedule %s\n", sched.program, again);
    return 2;
  }
  printf("%s: %zu schedules passed\n", sched.program, program.schedules);
  return 0;
}
