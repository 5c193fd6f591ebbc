/* The hash map and what it stands on: SipHash-1-3 and SplitMix64. */
#include "base/map.h"

#include <stdio.h>

#include "base/random.h"
#include "support/check.h"
#include "support/failing_alloc.h"

/* The bytes 0, 1, 2... hashed under a zero key, by another implementation of SipHash-1-3 (Rust's). */
static void hashes_are_siphash_1_3(void **state) {
  (void)state;
  static const struct {
    size_t len;
    uint64_t hash;
  } known[] = {
      {0, UINT64_C(0xd1fba762150c532c)},  {1, UINT64_C(0x68a914128e01e473)},
      {7, UINT64_C(0x2f098ab0c751325a)},  {8, UINT64_C(0xead411e67ebe2eea)},
      {15, UINT64_C(0xf30eb725bb91c9ea)}, {16, UINT64_C(0x8972188433a5c5b7)},
      {63, UINT64_C(0x385d3e39e5f37359)},
  };
  uint8_t data[64];
  for (uint8_t i = 0; i < sizeof data; i++) data[i] = i;
  const struct fc__hash_key zero = {0, 0};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    assert_true(fc__hash(&zero, (fc_slice){data, known[i].len}) == known[i].hash);
  }
}

static void hashes_depend_on_the_key(void **state) {
  (void)state;
  const struct fc__hash_key a = {1, 2}, b = {1, 3};
  assert_true(fc__hash(&a, TEXT("x")) != fc__hash(&b, TEXT("x")));
}

/* The first values for this seed that the authors' reference implementation gives. */
static void random_numbers_are_splitmix64(void **state) {
  (void)state;
  struct fc__random r;
  fc__random_init(&r, 1234567);
  assert_true(fc__random_next(&r) == UINT64_C(6457827717110365317));
  assert_true(fc__random_next(&r) == UINT64_C(3203168211198807973));
  assert_true(fc__random_next(&r) == UINT64_C(9817491932198370423));
}

static void random_numbers_stay_in_their_range(void **state) {
  (void)state;
  struct fc__random r;
  fc__random_init(&r, 1);
  unsigned seen = 0;
  for (int i = 0; i < 1000; i++) {
    uint64_t value = fc__random_below(&r, 5);
    assert_true(value < 5);
    seen |= 1u << value;
    double unit = fc__random_unit(&r);
    assert_true(unit >= 0 && unit < 1);
  }
  assert_int_equal(seen, 0x1f);
  assert_true(fc__random_below(&r, 1) == 0);
}

static void a_put_value_is_found(void **state) {
  (void)state;
  struct fc__map m;
  int a, b;
  fc__map_init(&m, 7);
  assert_null(fc__map_get(&m, TEXT("/s/a")));
  assert_true(fc__map_put(&m, TEXT("/s/a"), &a, NULL));
  assert_true(fc__map_put(&m, TEXT(""), &b, NULL));
  assert_ptr_equal(fc__map_get(&m, TEXT("/s/a")), &a);
  assert_ptr_equal(fc__map_get(&m, TEXT("")), &b);
  assert_null(fc__map_get(&m, TEXT("/s/")));
  assert_int_equal(m.count, 2);
  fc__map_finish(&m);
}

static void keys_are_copied(void **state) {
  (void)state;
  struct fc__map m;
  int value;
  char key[] = "key";
  fc__map_init(&m, 7);
  assert_true(fc__map_put(&m, fc_slice_from_string(key), &value, NULL));
  key[0] = 'x';
  assert_ptr_equal(fc__map_get(&m, TEXT("key")), &value);
  fc__map_finish(&m);
}

static void putting_again_replaces(void **state) {
  (void)state;
  struct fc__map m;
  int a, b;
  void *replaced = &m;
  fc__map_init(&m, 7);
  assert_true(fc__map_put(&m, TEXT("k"), &a, &replaced));
  assert_null(replaced);
  assert_true(fc__map_put(&m, TEXT("k"), &b, &replaced));
  assert_ptr_equal(replaced, &a);
  assert_ptr_equal(fc__map_get(&m, TEXT("k")), &b);
  assert_int_equal(m.count, 1);
  fc__map_finish(&m);
}

enum { KEYS = 400 };

static fc_slice numbered(char name[16], int i) {
  snprintf(name, 16, "key-%d", i);
  return fc_slice_from_string(name);
}

/* Against a plain table, over many puts and removals in a random order. */
static void a_map_that_churns_stays_right(void **state) {
  (void)state;
  struct fc__map m;
  struct fc__random r;
  static int values[KEYS];
  bool present[KEYS] = {false};
  size_t count = 0;
  fc__map_init(&m, 99);
  fc__random_init(&r, 42);
  for (int step = 0; step < 20000; step++) {
    char name[16];
    int i = (int)fc__random_below(&r, KEYS);
    fc_slice key = numbered(name, i);
    if (fc__random_below(&r, 2)) {
      assert_true(fc__map_put(&m, key, &values[i], NULL));
      count += !present[i];
      present[i] = true;
    } else {
      assert_ptr_equal(fc__map_remove(&m, key), present[i] ? &values[i] : NULL);
      count -= present[i];
      present[i] = false;
    }
    int other = (int)fc__random_below(&r, KEYS);
    assert_ptr_equal(fc__map_get(&m, numbered(name, other)),
                     present[other] ? &values[other] : NULL);
    assert_int_equal(m.count, count);
  }
  fc__map_finish(&m);
}

static void walking_meets_each_entry_once(void **state) {
  (void)state;
  struct fc__map m;
  static int values[KEYS];
  fc__map_init(&m, 3);
  for (int i = 0; i < KEYS; i++) {
    char name[16];
    values[i] = 0;
    assert_true(fc__map_put(&m, numbered(name, i), &values[i], NULL));
  }
  size_t at = 0, met = 0;
  fc_slice key;
  void *value;
  while (fc__map_next(&m, &at, &key, &value)) {
    assert_ptr_equal(fc__map_get(&m, key), value);
    assert_int_equal((*(int *)value)++, 0);
    met++;
  }
  assert_int_equal(met, KEYS);
  fc__map_finish(&m);
  at = 0;
  assert_false(fc__map_next(&m, &at, &key, &value));
}

static void without_memory_nothing_changes(void **state) {
  (void)state;
  failing_alloc_install();
  struct fc__map m;
  int value;
  fc__map_init(&m, 3);
  for (int i = 0; i < 50; i++) {
    char name[16];
    fc_slice key = numbered(name, i);
    for (size_t n = 0;; n++) {
      failing_alloc_arm(n, FAILING_ALLOC_ONCE);
      bool put = fc__map_put(&m, key, &value, NULL);
      if (!failing_alloc_disarm()) {
        assert_true(put);
        break;
      }
      assert_false(put);
      assert_int_equal(m.count, i);
      assert_null(fc__map_get(&m, key));
    }
  }
  fc__map_finish(&m);
  assert_int_equal(failing_alloc_live(), 0);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hashes_are_siphash_1_3),
      cmocka_unit_test(hashes_depend_on_the_key),
      cmocka_unit_test(random_numbers_are_splitmix64),
      cmocka_unit_test(random_numbers_stay_in_their_range),
      cmocka_unit_test(a_put_value_is_found),
      cmocka_unit_test(keys_are_copied),
      cmocka_unit_test(putting_again_replaces),
      cmocka_unit_test(a_map_that_churns_stays_right),
      cmocka_unit_test(walking_meets_each_entry_once),
      cmocka_unit_test(without_memory_nothing_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
