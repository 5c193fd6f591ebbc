#ifndef FC_FUZZ_CHECK_H
#define FC_FUZZ_CHECK_H
/* A property that must hold for every input, checked in every build. */
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);               \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#endif
