/* Buffers grow up to their ceiling. */
#include "base/buf.h"

#include "support/check.h"
#include "support/failing_alloc.h"

static fc_slice content(const struct fc__buf *b) { return (fc_slice){b->data, b->len}; }

static void appended_bytes_follow_each_other(void **state) {
  (void)state;
  struct fc__buf b;
  fc__buf_init(&b, 1000);
  assert_true(fc__buf_append(&b, "far", 3));
  assert_true(fc__buf_append(&b, NULL, 0));
  assert_true(fc__buf_append(&b, "call", 4));
  assert_slice_is(content(&b), "farcall");
  fc__buf_finish(&b);
}

static void reserved_room_is_not_counted(void **state) {
  (void)state;
  struct fc__buf b;
  fc__buf_init(&b, 1000);
  uint8_t *room = fc__buf_reserve(&b, 5);
  memcpy(room, "abcde", 5);
  assert_int_equal(b.len, 0);
  b.len = 5;
  assert_slice_is(content(&b), "abcde");
  fc__buf_finish(&b);
}

static void consuming_drops_the_front(void **state) {
  (void)state;
  struct fc__buf b;
  fc__buf_init(&b, 1000);
  assert_true(fc__buf_append(&b, "farcall", 7));
  fc__buf_consume(&b, 3);
  assert_slice_is(content(&b), "call");
  fc__buf_consume(&b, 4);
  assert_int_equal(b.len, 0);
  fc__buf_consume(&b, 0);
  fc__buf_finish(&b);
}

static void nothing_goes_past_the_ceiling(void **state) {
  (void)state;
  struct fc__buf b;
  fc__buf_init(&b, 100);
  for (int i = 0; i < 100; i++) assert_true(fc__buf_append(&b, "x", 1));
  assert_int_equal(b.cap, 100);
  assert_false(fc__buf_append(&b, "x", 1));
  assert_null(fc__buf_reserve(&b, SIZE_MAX));
  assert_int_equal(b.len, 100);
  fc__buf_finish(&b);
}

static void a_finished_buffer_can_be_used_again(void **state) {
  (void)state;
  struct fc__buf b;
  fc__buf_init(&b, 10);
  assert_true(fc__buf_append(&b, "0123456789", 10));
  fc__buf_finish(&b);
  assert_int_equal(b.len, 0);
  assert_true(fc__buf_append(&b, "abc", 3));
  assert_false(fc__buf_append(&b, "12345678", 8));
  fc__buf_finish(&b);
}

static void appending_reallocates_seldom(void **state) {
  (void)state;
  failing_alloc_install();
  struct fc__buf b;
  fc__buf_init(&b, SIZE_MAX);
  failing_alloc_restart();
  for (int i = 0; i < 65536; i++) assert_true(fc__buf_append(&b, "x", 1));
  assert_true(failing_alloc_count() <= 11); /* 64 bytes doubled ten times */
  fc__buf_finish(&b);
  assert_int_equal(failing_alloc_live(), 0);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void without_memory_nothing_changes(void **state) {
  (void)state;
  failing_alloc_install();
  struct fc__buf b;
  fc__buf_init(&b, 1000);
  assert_true(fc__buf_append(&b, "abc", 3));
  failing_alloc_arm(0, FAILING_ALLOC_ONCE);
  assert_null(fc__buf_reserve(&b, 500));
  assert_true(failing_alloc_disarm());
  assert_slice_is(content(&b), "abc");
  fc__buf_finish(&b);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void secrets_do_not_stay_behind(void **state) {
  (void)state;
  failing_alloc_install();
  failing_alloc_watch(TEXT("ecre"));
  struct fc__buf b;
  fc__buf_init(&b, 1000);
  b.secret = true;
  for (int i = 0; i < 50; i++) assert_true(fc__buf_append(&b, "secret", 6));
  assert_int_equal(failing_alloc_spilled(), 0);
  fc__buf_consume(&b, 297);
  assert_slice_is(content(&b), "ret");
  assert_int_equal(failing_alloc_holding(TEXT("ecre")), 0);
  assert_true(fc__buf_append(&b, "secret", 6));
  fc__buf_finish(&b);
  assert_int_equal(failing_alloc_spilled(), 0);
  failing_alloc_watch(FC_SLICE_EMPTY);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(appended_bytes_follow_each_other),
      cmocka_unit_test(reserved_room_is_not_counted),
      cmocka_unit_test(consuming_drops_the_front),
      cmocka_unit_test(nothing_goes_past_the_ceiling),
      cmocka_unit_test(a_finished_buffer_can_be_used_again),
      cmocka_unit_test(appending_reallocates_seldom),
      cmocka_unit_test(without_memory_nothing_changes),
      cmocka_unit_test(secrets_do_not_stay_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
