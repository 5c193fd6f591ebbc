/* Slices and counted bytes. */
#include "base/bytes.h"

#include "support/check.h"
#include "support/failing_alloc.h"

static void a_slice_borrows_a_string(void **state) {
  (void)state;
  assert_slice_is(fc_slice_from_string("abc"), "abc");
  assert_int_equal(fc_slice_from_string("").len, 0);
  assert_int_equal(fc_slice_from_string(NULL).len, 0);
}

static void slices_compare_with_strings(void **state) {
  (void)state;
  assert_true(fc_slice_equals(TEXT("abc"), "abc"));
  assert_false(fc_slice_equals(TEXT("abc"), "ab"));
  assert_false(fc_slice_equals(TEXT("abc"), "abd"));
  assert_false(fc_slice_equals(TEXT("ab\0"), "ab"));
  assert_true(fc_slice_equals((fc_slice){NULL, 0}, ""));
  assert_true(fc_slice_equals((fc_slice){NULL, 0}, NULL));
}

static int precision(int len, const char *text) { return text ? len : -1; }

/* A negative precision would have printf look for an end that a slice has not. */
static void a_slice_of_any_length_can_be_printed(void **state) {
  (void)state;
  const size_t lens[] = {(size_t)INT32_MAX + 1, UINT32_MAX, SIZE_MAX - 5, SIZE_MAX};
  fc_slice slice = {(const uint8_t *)"text", 4};
  assert_int_equal(precision(FC_SLICE_PRINT(slice)), 4);
  assert_int_equal(precision(FC_SLICE_PRINT(FC_SLICE_EMPTY)), 0);
  for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
    slice.len = lens[i];
    assert_int_equal(precision(FC_SLICE_PRINT(slice)), INT32_MAX);
  }
}

static void bytes_are_copied(void **state) {
  (void)state;
  char source[] = "message";
  fc_bytes *bytes = fc_bytes_copy(source, 7);
  source[0] = 'x';
  assert_slice_is(fc_bytes_slice(bytes), "message");
  fc_bytes_unref(bytes);
}

static void empty_bytes_are_bytes(void **state) {
  (void)state;
  fc_bytes *bytes = fc_bytes_copy(NULL, 0);
  assert_non_null(bytes);
  assert_int_equal(fc_bytes_slice(bytes).len, 0);
  fc_bytes_unref(bytes);
}

static void created_bytes_are_filled_by_the_caller(void **state) {
  (void)state;
  uint8_t *data;
  fc_bytes *bytes = fc_bytes_create(3, &data);
  memcpy(data, "abc", 3);
  assert_slice_is(fc_bytes_slice(bytes), "abc");
  fc_bytes_unref(bytes);
}

static void what_points_to_nothing_has_no_bytes(void **state) {
  (void)state;
  const fc_slice nowhere = {NULL, 5};
  assert_null(fc_bytes_copy(NULL, 5));
  assert_null(fc_bytes_wrap(NULL, 5, NULL, NULL));
  assert_null(fc_bytes_create(5, NULL));
  assert_false(fc_slice_equals(nowhere, "hello"));
}

static void null_bytes_are_empty(void **state) {
  (void)state;
  assert_null(fc_bytes_ref(NULL));
  assert_int_equal(fc_bytes_slice(NULL).len, 0);
  fc_bytes_unref(NULL);
}

static void count_release(void *user) { ++*(int *)user; }

static void wrapped_memory_is_released_once_after_the_last_reference(void **state) {
  (void)state;
  int released = 0;
  static const char memory[] = "host";
  fc_bytes *bytes = fc_bytes_wrap(memory, 4, count_release, &released);
  assert_ptr_equal(fc_bytes_slice(bytes).data, memory);
  assert_ptr_equal(fc_bytes_ref(bytes), bytes);
  fc_bytes_unref(bytes);
  assert_int_equal(released, 0);
  fc_bytes_unref(bytes);
  assert_int_equal(released, 1);
}

static void wrapped_memory_that_never_goes_needs_no_release(void **state) {
  (void)state;
  fc_bytes_unref(fc_bytes_wrap("constant", 8, NULL, NULL));
}

static void growing_keeps_the_content(void **state) {
  (void)state;
  fc_bytes *bytes = fc_bytes_copy("abc", 3);
  assert_true(fc__bytes_grow(&bytes, 100000));
  assert_int_equal(bytes->cap, 100000);
  assert_slice_is(fc_bytes_slice(bytes), "abc");
  memset(bytes->data + 3, 'x', 100000 - 3);
  fc_bytes_unref(bytes);
}

static void impossible_sizes_are_refused(void **state) {
  (void)state;
  uint8_t *data = (uint8_t *)1;
  assert_null(fc_bytes_create(SIZE_MAX, &data));
  assert_null(data);
  fc_bytes *bytes = fc_bytes_copy("a", 1), *same = bytes;
  assert_false(fc__bytes_grow(&bytes, SIZE_MAX));
  assert_ptr_equal(bytes, same);
  fc_bytes_unref(bytes);
}

static void without_memory_nothing_happens(void **state) {
  (void)state;
  failing_alloc_install();
  fc_bytes *bytes = fc_bytes_copy("abc", 3);
  int released = 0;
  uint8_t *data = (uint8_t *)1;
  failing_alloc_arm(0, FAILING_ALLOC_FROM_THEN);
  assert_null(fc_bytes_copy("x", 1));
  assert_null(fc_bytes_create(1, &data));
  assert_null(data);
  assert_null(fc_bytes_wrap("x", 1, count_release, &released));
  assert_int_equal(released, 0);
  assert_false(fc__bytes_grow(&bytes, 100));
  assert_true(failing_alloc_disarm());
  assert_slice_is(fc_bytes_slice(bytes), "abc");
  fc_bytes_unref(bytes);
  assert_int_equal(failing_alloc_live(), 0);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

/* ---- the spare ---- */

enum { LARGE = 200 * 1024 };

static fc_bytes *create(size_t len) {
  uint8_t *data;
  fc_bytes *bytes = fc_bytes_create(len, &data);
  assert_non_null(bytes);
  memset(data, 'x', len);
  return bytes;
}

static void a_large_message_gets_the_memory_of_the_last(void **state) {
  (void)state;
  fc__bytes_drop_spare();
  fc_bytes *first = create(LARGE);
  fc_bytes_unref(first);
  fc_bytes *second = create(LARGE - 1000);
  assert_ptr_equal(second, first);
  assert_int_equal(fc_bytes_slice(second).len, LARGE - 1000);
  fc_bytes_unref(second);
  fc_bytes *small = create(LARGE / 3); /* which would leave most of it unused */
  assert_ptr_not_equal(small, first);
  fc_bytes_unref(small);
}

static void what_grows_moves_into_it(void **state) {
  (void)state;
  fc__bytes_drop_spare();
  fc_bytes *first = create(LARGE);
  fc_bytes_unref(first);
  fc_bytes *bytes = create(10);
  assert_true(fc__bytes_grow(&bytes, LARGE - 5));
  assert_ptr_equal(bytes, first);
  assert_int_equal(bytes->cap, LARGE);
  assert_slice_is(fc_bytes_slice(bytes), "xxxxxxxxxx");
  fc_bytes_unref(bytes);
}

static void one_block_is_kept_and_none_that_is_huge(void **state) {
  (void)state;
  failing_alloc_install();
  fc__bytes_drop_spare();
  fc_bytes *two[] = {create(LARGE), create(LARGE)};
  fc_bytes_unref(two[0]);
  fc_bytes_unref(two[1]);
  fc_bytes_unref(create(5 * 1024 * 1024));
  size_t before = failing_alloc_count();
  fc_bytes_unref(create(LARGE));
  assert_int_equal(failing_alloc_count(), before);
  assert_int_equal(failing_alloc_live(), 0);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_slice_borrows_a_string),
      cmocka_unit_test(slices_compare_with_strings),
      cmocka_unit_test(a_slice_of_any_length_can_be_printed),
      cmocka_unit_test(bytes_are_copied),
      cmocka_unit_test(empty_bytes_are_bytes),
      cmocka_unit_test(created_bytes_are_filled_by_the_caller),
      cmocka_unit_test(what_points_to_nothing_has_no_bytes),
      cmocka_unit_test(null_bytes_are_empty),
      cmocka_unit_test(wrapped_memory_is_released_once_after_the_last_reference),
      cmocka_unit_test(wrapped_memory_that_never_goes_needs_no_release),
      cmocka_unit_test(growing_keeps_the_content),
      cmocka_unit_test(impossible_sizes_are_refused),
      cmocka_unit_test(without_memory_nothing_happens),
      cmocka_unit_test(a_large_message_gets_the_memory_of_the_last),
      cmocka_unit_test(what_grows_moves_into_it),
      cmocka_unit_test(one_block_is_kept_and_none_that_is_huge),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
