/*
 * SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014):
 * eight bytes of state, any seed is good, and all 2^64 values come once in a period.
 */
#include "base/random.h"

#include <assert.h>

void fc__random_init(struct fc__random *r, uint64_t seed) { r->state = seed; }

uint64_t fc__random_next(struct fc__random *r) {
  uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

uint64_t fc__random_below(struct fc__random *r, uint64_t limit) {
  assert(limit > 0 && "there is no number below 0");
  /* 2^64 modulo limit values would make the small results likelier: draw again instead. */
  uint64_t unfair = (0 - limit) % limit, drawn;
  do {
    drawn = fc__random_next(r);
  } while (drawn < unfair);
  return drawn % limit;
}

double fc__random_unit(struct fc__random *r) {
  return (double)(fc__random_next(r) >> 11) * 0x1p-53; /* the 53 bits that a double holds */
}
