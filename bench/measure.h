#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H
/*
 * Measuring one run, for programs in C and C++: warm-up, measure_begin, work that records a latency sample for each
 * operation, measure_end, which prints one line of JSON.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

enum { MEASURE_SAMPLES = 4 << 20 };

struct measure {
  const char *name;
  uint32_t *samples; /* ns */
  size_t count;
  uint64_t begun;
};

static inline uint64_t measure_now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static inline void measure_init(struct measure *m, const char *name) {
  m->name = name;
  m->samples = (uint32_t *)malloc(MEASURE_SAMPLES * sizeof *m->samples);
  m->count = 0;
  if (!m->samples) abort();
}

static inline void measure_begin(struct measure *m) {
  m->count = 0;
  m->begun = measure_now();
}

static inline void measure_sample(struct measure *m, uint64_t ns) {
  if (m->count < MEASURE_SAMPLES) m->samples[m->count++] = (uint32_t)ns;
}

static inline int measure_compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static inline void measure_end(struct measure *m, uint64_t operations) {
  double seconds = (double)(measure_now() - m->begun) / 1e9, p50 = 0, p99 = 0;
  if (m->count) {
    qsort(m->samples, m->count, sizeof *m->samples, measure_compare);
    p50 = m->samples[m->count / 2] / 1e3;
    p99 = m->samples[(size_t)((double)m->count * 0.99)] / 1e3;
  }
  printf("{\"name\":\"%s\",\"operations\":%llu,\"seconds\":%.6f,\"p50_us\":%.3f,\"p99_us\":%.3f}\n",
         m->name, (unsigned long long)operations, seconds, p50, p99);
  fflush(stdout);
}

/* How long to go on: "1.5s", after a warm-up, or a number of operations without one (for counting
 * instructions). */
struct limit {
  double seconds;
  uint64_t operations, end;
};

static inline struct limit limit_parse(const char *text) {
  struct limit l = {0, 0, 0};
  if (*text && text[strlen(text) - 1] == 's') {
    l.seconds = atof(text);
  } else {
    l.operations = strtoull(text, NULL, 10);
  }
  return l;
}

static inline uint64_t limit_warm(const struct limit *l, uint64_t operations) {
  return l->operations ? 0 : operations;
}

static inline void limit_start(struct limit *l, struct measure *m) {
  measure_begin(m);
  l->end = m->begun + (uint64_t)(l->seconds * 1e9);
}

static inline int limit_more(const struct limit *l, uint64_t done) {
  return l->operations ? done < l->operations : measure_now() < l->end;
}

#endif
