#ifndef FC_TESTS_CHECK_H
#define FC_TESTS_CHECK_H
/* cmocka, and slices in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above it */
#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "farcall/base.h"

/* The bytes of a literal, NUL bytes inside it too. */
#define TEXT(literal) ((fc_slice){(const uint8_t *)("" literal), sizeof(literal) - 1})

#define assert_slice_is(slice, literal)                                                            \
  do {                                                                                             \
    fc_slice slice_is_ = (slice);                                                                  \
    assert_int_equal(slice_is_.len, sizeof(literal) - 1);                                          \
    if (slice_is_.len) {                                                                           \
      assert_memory_equal(slice_is_.data, literal, slice_is_.len);                                 \
    }                                                                                              \
  } while (0)

/* A copy of exactly its size on the heap, where a sanitizer sees a read past the end. */
static inline uint8_t *exact_copy(fc_slice slice) {
  uint8_t *copy = test_malloc(slice.len ? slice.len : 1);
  if (slice.len) memcpy(copy, slice.data, slice.len);
  return copy;
}

#endif
