#ifndef FC_TESTS_MODEL_H
#define FC_TESTS_MODEL_H
/*
 * Models: a part of the library driven at random, beside a plain model of what it must do. model_NAME.c defines
 * model_round and model_short_rounds; model_main.c makes a program of them:
 *
 *   model_NAME                   the short form that ctest runs: seeds 1 to model_short_rounds
 *   model_NAME SECONDS [SEED]    seeds from SEED on (or from a random one) until that much time is over
 *   model_NAME 0 SEED            one seed again
 *
 * Whatever ends the program before its time, a check, an assertion or a sanitizer, the seed is printed.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/random.h"

/* Plays one round. All its choices are drawn from random, so a seed is the same round each time. */
void model_round(struct fc__random *random);

/* The seed of the round: what is gone through in turn is chosen by it. */
uint64_t model_seed(void);

/* As many as take about a second without a sanitizer. */
extern const unsigned model_short_rounds;

/* Ends the program with a sentence that says how the library differs from the model. */
#define MODEL_CHECK(condition, ...)                                                                \
  do {                                                                                             \
    if (!(condition)) model_fail(__FILE__, __LINE__, __VA_ARGS__);                                 \
  } while (0)

_Noreturn void model_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline bool model_chance(struct fc__random *random, unsigned percent) {
  return fc__random_below(random, 100) < percent;
}

static inline size_t model_between(struct fc__random *random, size_t least, size_t most) {
  return least + (size_t)fc__random_below(random, (uint64_t)(most - least) + 1);
}

#define MODEL_PICK(random, array) (array)[fc__random_below(random, sizeof(array) / sizeof *(array))]

#endif
