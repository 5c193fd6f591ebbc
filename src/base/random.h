#ifndef FC_BASE_RANDOM_H
#define FC_BASE_RANDOM_H
/* Repeatable random numbers for jitter and choice. Never for keys, tokens or anything secret. */
#include <stdint.h>

struct fc__random {
  uint64_t state;
};

void fc__random_init(struct fc__random *r, uint64_t seed);
uint64_t fc__random_next(struct fc__random *r);
uint64_t fc__random_below(struct fc__random *r,
                          uint64_t limit);    /* 0 to limit - 1; each equally likely */
double fc__random_unit(struct fc__random *r); /* at least 0, less than 1 */

#endif
