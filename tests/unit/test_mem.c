/* Memory comes from the allocator that was set, or from the system. */
#include "base/mem.h"

#include "support/check.h"
#include "support/failing_alloc.h"

static void size_zero_gives_memory(void **state) {
  (void)state;
  void *a = fc__alloc(0), *b = fc__alloc_zero(0);
  assert_non_null(a);
  assert_non_null(b);
  assert_ptr_not_equal(a, b);
  a = fc__resize(a, 0);
  assert_non_null(a);
  fc__free(a);
  fc__free(b);
}

static void zeroed_memory_is_zero(void **state) {
  (void)state;
  static const uint8_t zeros[100];
  failing_alloc_install();
  uint8_t *memory = fc__alloc_zero(sizeof zeros);
  assert_memory_equal(memory, zeros, sizeof zeros);
  fc__free(memory);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void resizing_keeps_the_content(void **state) {
  (void)state;
  char *memory = fc__resize(NULL, 4);
  memcpy(memory, "abc", 4);
  memory = fc__resize(memory, 4000);
  assert_string_equal(memory, "abc");
  fc__free(memory);
}

static void erased_memory_is_zero(void **state) {
  (void)state;
  char memory[] = "secrets";
  fc__erase(memory + 1, 3);
  assert_memory_equal(memory, "s\0\0\0ets", sizeof memory);
  fc__erase(NULL, 0);
}

static void resizing_secrets_leaves_none_behind(void **state) {
  (void)state;
  failing_alloc_install();
  failing_alloc_watch(TEXT("ecre"));
  char *memory = fc__resize_secret(NULL, 0, 8);
  memcpy(memory, "secret", 7);
  memory = fc__resize_secret(memory, 7, 100);
  assert_string_equal(memory, "secret");
  assert_int_equal(failing_alloc_holding(TEXT("secret")), 1);
  failing_alloc_arm(0, FAILING_ALLOC_ONCE);
  assert_null(fc__resize_secret(memory, 7, 200));
  assert_true(failing_alloc_disarm());
  assert_string_equal(memory, "secret");
  memory = fc__resize_secret(memory, 7, 3);
  assert_memory_equal(memory, "sec", 3);
  fc__free(memory);
  assert_int_equal(failing_alloc_spilled(), 0);
  fc__free(fc__strdup("secret"));
  assert_int_equal(failing_alloc_spilled(), 1);
  failing_alloc_watch(FC_SLICE_EMPTY);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void strings_are_copied(void **state) {
  (void)state;
  char *whole = fc__strdup("farcall"), *part = fc__strndup("farcall", 3),
       *none = fc__strndup(NULL, 0);
  assert_string_equal(whole, "farcall");
  assert_string_equal(part, "far");
  assert_string_equal(none, "");
  fc__free(whole);
  fc__free(part);
  fc__free(none);
  fc__free(NULL);
}

/* The allocator is not even asked. */
static void sizes_that_no_object_has_are_refused(void **state) {
  (void)state;
  const size_t sizes[] = {(size_t)PTRDIFF_MAX + 1, SIZE_MAX - 1, SIZE_MAX};
  failing_alloc_install();
  void *memory = fc__alloc(1);
  failing_alloc_restart();
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    assert_null(fc__alloc(sizes[i]));
    assert_null(fc__alloc_zero(sizes[i]));
    assert_null(fc__resize(NULL, sizes[i]));
    assert_null(fc__resize(memory, sizes[i]));
    assert_null(fc__resize_secret(memory, 1, sizes[i]));
  }
  assert_int_equal(failing_alloc_count(), 0);
  fc__free(memory);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void a_set_allocator_is_used_and_can_fail(void **state) {
  (void)state;
  failing_alloc_install();
  void *memory = fc__alloc(10);
  assert_int_equal(failing_alloc_live(), 1);
  assert_int_equal(failing_alloc_live_bytes(), 10);
  failing_alloc_arm(0, FAILING_ALLOC_ONCE);
  assert_null(fc__resize(memory, 20));
  assert_true(failing_alloc_disarm());
  failing_alloc_arm(0, FAILING_ALLOC_FROM_THEN);
  assert_null(fc__alloc_zero(1));
  assert_null(fc__strdup("x"));
  assert_true(failing_alloc_disarm());
  fc__free(memory);
  assert_int_equal(failing_alloc_live(), 0);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void an_allocator_without_a_function_is_refused(void **state) {
  (void)state;
  const fc_allocator empty = {NULL, NULL, NULL, NULL};
  assert_int_equal(fc_set_allocator(&empty), FC_ERR_INVALID);
  void *memory = fc__alloc(1);
  assert_non_null(memory);
  fc__free(memory);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(size_zero_gives_memory),
      cmocka_unit_test(zeroed_memory_is_zero),
      cmocka_unit_test(resizing_keeps_the_content),
      cmocka_unit_test(erased_memory_is_zero),
      cmocka_unit_test(resizing_secrets_leaves_none_behind),
      cmocka_unit_test(strings_are_copied),
      cmocka_unit_test(sizes_that_no_object_has_are_refused),
      cmocka_unit_test(a_set_allocator_is_used_and_can_fail),
      cmocka_unit_test(an_allocator_without_a_function_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
