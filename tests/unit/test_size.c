/* Sums and products of lengths never wrap. */
#include "base/size.h"

#include "base/mem.h"
#include "support/check.h"

static void sums_stop_at_the_largest_size(void **state) {
  (void)state;
  assert_int_equal(fc__sum(0, 0), 0);
  assert_int_equal(fc__sum(2, 3), 5);
  assert_true(fc__sum(SIZE_MAX - 1, 1) == SIZE_MAX);
  assert_true(fc__sum(SIZE_MAX, 0) == SIZE_MAX);
  assert_true(fc__sum(SIZE_MAX, 1) == SIZE_MAX);
  assert_true(fc__sum(2, SIZE_MAX - 1) == SIZE_MAX);
  assert_true(fc__sum(SIZE_MAX, SIZE_MAX) == SIZE_MAX);
}

static void products_stop_at_the_largest_size(void **state) {
  (void)state;
  assert_int_equal(fc__product(0, SIZE_MAX), 0);
  assert_int_equal(fc__product(SIZE_MAX, 0), 0);
  assert_int_equal(fc__product(6, 7), 42);
  assert_true(fc__product(SIZE_MAX / 2, 2) == SIZE_MAX - 1);
  assert_true(fc__product(SIZE_MAX / 2 + 1, 2) == SIZE_MAX);
  assert_true(fc__product(3, SIZE_MAX / 3) == SIZE_MAX);
  assert_true(fc__product(SIZE_MAX, SIZE_MAX) == SIZE_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_stop_at_the_largest_size),
      cmocka_unit_test(products_stop_at_the_largest_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
