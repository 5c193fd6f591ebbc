#ifndef FC_BASE_SIZE_H
#define FC_BASE_SIZE_H
/*
 * Sums and products of lengths that come from outside: where they would wrap they are SIZE_MAX, which no limit allows and
 * no allocation gives.
 */
#include <stddef.h>
#include <stdint.h>

static inline size_t fc__sum(size_t a, size_t b) { return a <= SIZE_MAX - b ? a + b : SIZE_MAX; }

static inline size_t fc__product(size_t a, size_t b) {
  return b == 0 || a <= SIZE_MAX / b ? a * b : SIZE_MAX;
}

#endif
