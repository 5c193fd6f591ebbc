/* Messages out of DATA. Spec: PROTOCOL-HTTP2.md, Length-Prefixed-Message */
#include "wire/deframer.h"

#include "base/bytes.h"
#include "base/random.h"
#include "support/check.h"
#include "support/failing_alloc.h"

enum { LIMIT = 4 << 20 };

/* Reads one message that must be whole, from data of which a piece is given. */
static void check_next(struct fc__deframer *d, fc_slice *data, fc_slice expected, bool flag) {
  fc_bytes *message;
  bool compressed;
  assert_int_equal(fc__deframer_next(d, data, LIMIT, &message, &compressed), FC_OK);
  fc_slice content = fc_bytes_slice(message);
  assert_int_equal(content.len, expected.len);
  if (content.len) assert_memory_equal(content.data, expected.data, content.len);
  assert_int_equal(compressed, flag);
  fc_bytes_unref(message);
}

static void check_result(fc_slice data, size_t limit, fc_result expected) {
  struct fc__deframer d;
  fc_bytes *message = (fc_bytes *)1;
  bool compressed = true;
  fc__deframer_init(&d);
  assert_int_equal(fc__deframer_next(&d, &data, limit, &message, &compressed), expected);
  assert_null(message);
  assert_false(compressed);
  fc__deframer_finish(&d);
}

static void whole_messages_are_taken_one_by_one(void **state) {
  (void)state;
  struct fc__deframer d;
  fc_slice data = TEXT(
      "\0\0\0\0\3abc"
      "\1\0\0\0\2de"
      "\0\0\0\0\0");
  fc__deframer_init(&d);
  check_next(&d, &data, TEXT("abc"), false);
  check_next(&d, &data, TEXT("de"), true);
  check_next(&d, &data, TEXT(""), false);
  assert_int_equal(data.len, 0);
  assert_false(fc__deframer_in_message(&d));
}

static void without_data_nothing_happens(void **state) {
  (void)state;
  check_result((fc_slice){NULL, 0}, LIMIT, FC_END);
}

/* DATA frame boundaries have no relation to message boundaries. */
static void any_split_gives_the_same_messages(void **state) {
  (void)state;
  const fc_slice whole = TEXT(
      "\1\0\0\0\7farcall"
      "\0\0\0\0\0"
      "\0\0\0\0\1x");
  for (size_t first = 0; first <= whole.len; first++) {
    for (size_t second = first; second <= whole.len; second++) {
      const size_t ends[] = {first, second, whole.len};
      const char *const expected[] = {"farcall", "", "x"};
      struct fc__deframer d;
      size_t at = 0, count = 0;
      fc__deframer_init(&d);
      for (int i = 0; i < 3; i++) {
        fc_slice data = {whole.data + at, ends[i] - at};
        fc_bytes *message;
        bool compressed;
        while (fc__deframer_next(&d, &data, LIMIT, &message, &compressed) == FC_OK) {
          assert_true(fc_slice_equals(fc_bytes_slice(message), expected[count]));
          assert_int_equal(compressed, count++ == 0);
          fc_bytes_unref(message);
        }
        assert_int_equal(data.len, 0);
        at = ends[i];
      }
      assert_int_equal(count, 3);
      assert_false(fc__deframer_in_message(&d));
    }
  }
}

/* Hostile input 40 needs to know: END_STREAM here is an error of the peer. */
static void it_knows_when_it_is_inside_a_message(void **state) {
  (void)state;
  struct fc__deframer d;
  fc_slice prefix = TEXT("\0\0\0\0\2"), rest = TEXT("ab");
  fc__deframer_init(&d);
  assert_false(fc__deframer_in_message(&d));
  for (size_t i = 0; i < prefix.len; i++) {
    fc_slice byte = {prefix.data + i, 1};
    fc_bytes *message;
    bool compressed;
    assert_int_equal(fc__deframer_next(&d, &byte, LIMIT, &message, &compressed), FC_END);
    assert_true(fc__deframer_in_message(&d));
  }
  check_next(&d, &rest, TEXT("ab"), false);
  assert_false(fc__deframer_in_message(&d));
}

/* Hostile input 38: told at the fifth byte. */
static void a_promise_over_the_limit_is_refused_at_the_fifth_byte(void **state) {
  (void)state;
  check_result(TEXT("\0\0\0\0"), 3, FC_END);
  check_result(TEXT("\0\0\0\0\4"), 3, FC_ERR_LIMIT);
  check_result(TEXT("\0\0\0\0\3"), 3, FC_END);
  check_result(TEXT("\0\xff\xff\xff\xff"), LIMIT, FC_ERR_LIMIT);
}

static void the_second_message_is_held_to_the_limit_too(void **state) {
  (void)state;
  struct fc__deframer d;
  fc_slice data = TEXT(
      "\0\0\0\0\1a"
      "\0\0\x40\0\1");
  fc_bytes *message;
  bool compressed;
  fc__deframer_init(&d);
  check_next(&d, &data, TEXT("a"), false);
  assert_int_equal(fc__deframer_next(&d, &data, LIMIT, &message, &compressed), FC_ERR_LIMIT);
  assert_null(message);
}

/* Hostile input 41. */
static void flags_other_than_0_and_1_are_refused(void **state) {
  (void)state;
  for (int flag = 2; flag < 256; flag++) {
    const uint8_t prefix[] = {(uint8_t)flag, 0, 0, 0, 0};
    check_result((fc_slice){prefix, 5}, LIMIT, FC_ERR_PROTOCOL);
  }
}

static fc_result feed(struct fc__deframer *d, const uint8_t *data, size_t len, fc_bytes **message) {
  fc_slice slice = {data, len};
  bool compressed;
  return fc__deframer_next(d, &slice, SIZE_MAX, message, &compressed);
}

/* Hostile input 39: no allocation from the declared length. */
static void a_promise_alone_allocates_nothing(void **state) {
  (void)state;
  failing_alloc_install();
  struct fc__deframer d;
  fc_bytes *message;
  fc__deframer_init(&d);
  assert_int_equal(feed(&d, (const uint8_t *)"\0\xff\xff\xff\xff", 5, &message), FC_END);
  assert_int_equal(failing_alloc_live(), 0);
  assert_int_equal(feed(&d, (const uint8_t *)"x", 1, &message), FC_END);
  assert_true(failing_alloc_live_bytes() <= 4096 + 2);
  fc__deframer_finish(&d);
  assert_int_equal(failing_alloc_live(), 0);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

/* Hostile input 12: held memory is at most twice the payload and 4 KiB, however it is split. */
static void memory_follows_what_has_arrived(void **state) {
  (void)state;
  enum { SIZE = 100000 };
  static const size_t steps[] = {1, 7, 1000, 16384, 50000};
  static uint8_t payload[SIZE];
  failing_alloc_install();
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    struct fc__deframer d;
    fc_bytes *message = NULL;
    fc__deframer_init(&d);
    assert_int_equal(feed(&d, (const uint8_t *)"\0\0\1\x86\xa0", 5, &message), FC_END);
    for (size_t at = 0; at < SIZE;) {
      size_t len = SIZE - at < steps[i] ? SIZE - at : steps[i];
      fc_result result = feed(&d, payload + at, len, &message);
      at += len;
      assert_int_equal(result, at == SIZE ? FC_OK : FC_END);
      assert_true(failing_alloc_live_bytes() <= 2 * at + 4096);
    }
    assert_int_equal(fc_bytes_slice(message).len, SIZE);
    assert_int_equal(failing_alloc_live_bytes(), SIZE + sizeof(fc_bytes));
    fc_bytes_unref(message);
  }
  assert_int_equal(failing_alloc_live(), 0);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void a_whole_message_costs_one_allocation_of_its_size(void **state) {
  (void)state;
  failing_alloc_install();
  struct fc__deframer d;
  fc_bytes *message;
  fc__deframer_init(&d);
  failing_alloc_restart();
  assert_int_equal(feed(&d, (const uint8_t *)"\0\0\0\0\3abc", 8, &message), FC_OK);
  assert_int_equal(failing_alloc_count(), 1);
  assert_int_equal(failing_alloc_live_bytes(), 3 + sizeof(fc_bytes));
  fc_bytes_unref(message);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void after_an_error_nothing_is_held(void **state) {
  (void)state;
  enum { SIZE = 70000 };
  static uint8_t payload[SIZE];
  failing_alloc_install();
  for (size_t n = 0;; n++) {
    struct fc__deframer d;
    fc_bytes *message = NULL;
    fc__deframer_init(&d);
    failing_alloc_arm(n, FAILING_ALLOC_ONCE);
    fc_result result = feed(&d, (const uint8_t *)"\0\0\1\x11\x70", 5, &message);
    for (size_t at = 0; result == FC_END && at < SIZE; at += 1000) {
      result = feed(&d, payload + at, 1000, &message);
    }
    bool reached = failing_alloc_disarm();
    assert_int_equal(result, reached ? FC_ERR_NO_MEMORY : FC_OK);
    assert_false(fc__deframer_in_message(&d));
    fc_bytes_unref(message);
    assert_int_equal(failing_alloc_live(), 0);
    if (!reached) break;
  }
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void the_prefix_is_flag_and_length(void **state) {
  (void)state;
  uint8_t prefix[FC__MESSAGE_PREFIX];
  fc__message_prefix(prefix, 0x01020304, true);
  assert_memory_equal(prefix, "\1\1\2\3\4", 5);
  fc__message_prefix(prefix, 0, false);
  assert_memory_equal(prefix, "\0\0\0\0\0", 5);
  fc__message_prefix(prefix, UINT32_MAX, false);
  assert_memory_equal(prefix, "\0\xff\xff\xff\xff", 5);
}

/* As on a system with sizes of 32 bits, in the middle of a message of nearly 4 GiB: twice what has come is no size. */
static void room_for_what_arrives_does_not_wrap(void **state) {
  (void)state;
  const size_t haves[] = {SIZE_MAX / 2 - 4096, SIZE_MAX / 2 - 100, SIZE_MAX / 2, SIZE_MAX - 100};
  for (size_t i = 0; i < sizeof haves / sizeof *haves; i++) {
    struct fc__deframer d;
    fc_slice data = TEXT("\1\377\377\377\377piece");
    fc_bytes *message;
    bool compressed;
    fc__deframer_init(&d);
    assert_int_equal(fc__deframer_next(&d, &data, SIZE_MAX, &message, &compressed), FC_END);
    d.message_len = SIZE_MAX;
    d.partial->len = d.partial->cap = haves[i]; /* nobody looks at them */
    data = TEXT("more");
    assert_int_equal(fc__deframer_next(&d, &data, SIZE_MAX, &message, &compressed),
                     FC_ERR_NO_MEMORY);
    assert_null(message);
    assert_false(fc__deframer_in_message(&d));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_messages_are_taken_one_by_one),
      cmocka_unit_test(without_data_nothing_happens),
      cmocka_unit_test(any_split_gives_the_same_messages),
      cmocka_unit_test(it_knows_when_it_is_inside_a_message),
      cmocka_unit_test(a_promise_over_the_limit_is_refused_at_the_fifth_byte),
      cmocka_unit_test(the_second_message_is_held_to_the_limit_too),
      cmocka_unit_test(flags_other_than_0_and_1_are_refused),
      cmocka_unit_test(a_promise_alone_allocates_nothing),
      cmocka_unit_test(memory_follows_what_has_arrived),
      cmocka_unit_test(room_for_what_arrives_does_not_wrap),
      cmocka_unit_test(a_whole_message_costs_one_allocation_of_its_size),
      cmocka_unit_test(after_an_error_nothing_is_held),
      cmocka_unit_test(the_prefix_is_flag_and_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
