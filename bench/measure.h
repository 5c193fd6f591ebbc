#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H
/*
 * Measuring one run, for programs in C and C++. A program warms up, says measure_begin, works while measure_more
 * (with a measure_sample for each operation whose latency matters), and says measure_end, which prints one line of
 * JSON. Everything that is measured is measured here, so that all peers are measured alike.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

enum { MEASURE_SAMPLES = 1 << 20, MEASURE_STRIDE = 32 };

struct measure {
  /* How long to go on: "800ms" is a time, after a warm-up; a plain number counts operations and has no warm-up, so that
   * the difference of two such runs is nothing but operations. */
  uint64_t length_ns, operations;
  clockid_t server; /* the CPU time of the server's process */
  uint64_t begun, end, now;
  uint64_t client_cpu, server_cpu;
  uint32_t *samples; /* ns */
  size_t count;
};

static inline uint64_t measure_clock(clockid_t clock) {
  struct timespec ts = {0, 0};
  clock_gettime(clock, &ts);
  return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static inline void measure_init(struct measure *m, const char *limit, const char *server_pid) {
  memset(m, 0, sizeof *m);
  if (*limit && limit[strlen(limit) - 1] == 's') {
    m->length_ns = (uint64_t)(atof(limit) * 1e6);
  } else {
    m->operations = strtoull(limit, NULL, 10);
  }
  if (clock_getcpuclockid((pid_t)atoi(server_pid), &m->server)) m->server = CLOCK_MONOTONIC;
  m->samples = (uint32_t *)malloc(MEASURE_SAMPLES * sizeof *m->samples);
  if (!m->samples) abort();
}

static inline uint64_t measure_warm(const struct measure *m, uint64_t operations) {
  return m->operations ? 0 : operations;
}

static inline void measure_begin(struct measure *m) {
  m->count = 0;
  m->server_cpu = measure_clock(m->server);
  m->client_cpu = measure_clock(CLOCK_PROCESS_CPUTIME_ID);
  m->begun = m->now = measure_clock(CLOCK_MONOTONIC);
  m->end = m->begun + m->length_ns;
}

/* Says whether to go on. Samples bring the time along; without them the clock is read now and then. */
static inline int measure_more(struct measure *m, uint64_t done) {
  if (m->operations) return done < m->operations;
  if (!m->count && done % MEASURE_STRIDE == 0) m->now = measure_clock(CLOCK_MONOTONIC);
  return m->now < m->end;
}

/* One operation took from begun until now, which is returned: the next one begins with it. A run that counts
 * operations reads no clock. */
static inline uint64_t measure_sample(struct measure *m, uint64_t begun) {
  if (m->operations) return 0;
  m->now = measure_clock(CLOCK_MONOTONIC);
  if (m->count < MEASURE_SAMPLES) m->samples[m->count++] = (uint32_t)(m->now - begun);
  return m->now;
}

static inline int measure_compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static inline double measure_quantile(const struct measure *m, double q) {
  return m->count ? m->samples[(size_t)((double)(m->count - 1) * q)] / 1e3 : 0;
}

/* The threads of this process, from the line that names them in its status. */
static inline int measure_threads(void) {
  char line[128];
  int threads = 0;
  FILE *f = fopen("/proc/self/status", "r");
  if (!f) return 0;
  while (fgets(line, sizeof line, f) && sscanf(line, "Threads: %d", &threads) != 1) continue;
  fclose(f);
  return threads;
}

static inline void measure_end(struct measure *m, uint64_t done) {
  uint64_t end = measure_clock(CLOCK_MONOTONIC);
  uint64_t client = measure_clock(CLOCK_PROCESS_CPUTIME_ID) - m->client_cpu;
  uint64_t server = measure_clock(m->server) - m->server_cpu;
  double each = done ? 1e3 * (double)done : 1;
  qsort(m->samples, m->count, sizeof *m->samples, measure_compare);
  printf(
      "{\"operations\":%llu,\"seconds\":%.6f,\"p50_us\":%.3f,\"p99_us\":%.3f,\"client_us\":%.4f,"
      "\"server_us\":%.4f,"
      "\"threads\":%d}\n",
      (unsigned long long)done, (double)(end - m->begun) / 1e9, measure_quantile(m, 0.5),
      measure_quantile(m, 0.99), (double)client / each, (double)server / each, measure_threads());
  fflush(stdout);
}

/* As many descriptors as the system allows: thousands of connections need them. */
static inline void measure_raise_files(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files)) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

/* Says that `held` objects are open, and waits to be told to go on, so that memory can be looked at meanwhile. */
static inline void measure_pause(int held) {
  char line[16];
  printf("%d\n", held);
  fflush(stdout);
  if (!fgets(line, sizeof line, stdin)) exit(1);
}

#endif
