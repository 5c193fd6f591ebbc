/* The stream table against a plain list, and what is remembered of streams that are over. */
#include <stdlib.h>

#include "http2/abuse.h"
#include "http2/streams.h"
#include "support/check.h"

enum { MANY = 20000 };

static struct fc__h2_stream streams[MANY];

static uint32_t random_state = 12345;

static uint32_t next_random(void) {
  random_state = random_state * 1664525 + 1013904223;
  return random_state >> 8;
}

static void ten_thousand_streams_are_found(void **state) {
  (void)state;
  struct fc__h2_table t;
  fc__h2_table_init(&t);
  for (uint32_t i = 0; i < MANY; i++) {
    streams[i].id = 2 * i + 1;
    assert_true(fc__h2_table_add(&t, &streams[i]));
  }
  for (uint32_t i = 0; i < MANY; i++) {
    assert_ptr_equal(fc__h2_table_find(&t, 2 * i + 1), &streams[i]);
  }
  assert_null(fc__h2_table_find(&t, 2 * MANY + 1));
  for (uint32_t i = 0; i < MANY; i++) fc__h2_table_remove(&t, &streams[i]);
  assert_int_equal(t.count, 0);
  assert_ptr_equal(t.slots, t.first); /* the memory is given back */
  fc__h2_table_finish(&t);
}

/* Ids as a peer may choose them: far apart, so that many fall on the same slots. */
static void random_additions_and_removals_agree_with_a_list(void **state) {
  (void)state;
  static const uint32_t strides[] = {2, 6, 64, 4096, 131072};
  for (size_t k = 0; k < sizeof strides / sizeof *strides; k++) {
    struct fc__h2_table t;
    fc__h2_table_init(&t);
    bool in[500] = {false};
    for (int round = 0; round < 20000; round++) {
      uint32_t i = next_random() % 500;
      streams[i].id = i * strides[k] + 1;
      if (in[i]) {
        fc__h2_table_remove(&t, &streams[i]);
      } else {
        assert_true(fc__h2_table_add(&t, &streams[i]));
      }
      in[i] = !in[i];
      uint32_t j = next_random() % 500;
      assert_ptr_equal(fc__h2_table_find(&t, j * strides[k] + 1), in[j] ? &streams[j] : NULL);
    }
    fc__h2_table_finish(&t);
  }
}

static void the_past_of_recent_streams_is_known(void **state) {
  (void)state;
  struct fc__h2_history h = {0};
  assert_int_equal(fc__h2_history_find(&h, 1), FC__H2_IDLE);
  for (uint32_t id = 1; id < 4000; id += 2) {
    if (id % 3 == 0) continue; /* skipped */
    fc__h2_history_open(&h, id);
    fc__h2_history_close(&h, id, id % 3 == 1 ? FC__H2_ENDED : FC__H2_PEER_RESET);
    if (id % 5 == 0) fc__h2_history_close(&h, id, FC__H2_LOCAL_RESET);
  }
  for (uint32_t id = 1; id < 4100; id++) {
    enum fc__h2_past expected = FC__H2_FORGOTTEN;
    if (id > h.last || id % 2 == 0) {
      expected = FC__H2_IDLE;
    } else if (h.last - id < 2 * FC__H2_REMEMBERED) {
      expected = id % 3 == 0   ? FC__H2_NEVER_OPENED
                 : id % 5 == 0 ? FC__H2_LOCAL_RESET
                 : id % 3 == 1 ? FC__H2_ENDED
                               : FC__H2_PEER_RESET;
    }
    assert_int_equal(fc__h2_history_find(&h, id), expected);
  }
}

static void a_leap_in_ids_leaves_no_trace_of_older_streams(void **state) {
  (void)state;
  struct fc__h2_history h = {0};
  for (uint32_t id = 1; id < 2000; id += 2) {
    fc__h2_history_open(&h, id);
    fc__h2_history_close(&h, id, FC__H2_LOCAL_RESET);
  }
  fc__h2_history_open(&h, 0x7fffffff);
  for (uint32_t id = 0x7fffffff - 1022; id < 0x7fffffff; id += 2) {
    assert_int_equal(fc__h2_history_find(&h, id), FC__H2_NEVER_OPENED);
  }
  assert_int_equal(fc__h2_history_find(&h, 1999), FC__H2_FORGOTTEN);
}

static void the_bucket_gives_its_burst_and_then_its_rate(void **state) {
  (void)state;
  struct fc__h2_bucket b;
  fc__h2_bucket_init(&b, 10, 4, 100);
  for (int i = 0; i < 10; i++) assert_true(fc__h2_bucket_take(&b, 100));
  assert_false(fc__h2_bucket_take(&b, 100));
  assert_false(fc__h2_bucket_take(&b, 100 + FC_SECOND / 4 - 1));
  assert_true(fc__h2_bucket_take(&b, 100 + FC_SECOND / 4));
  assert_false(fc__h2_bucket_take(&b, 100 + FC_SECOND / 4));
  int64_t later = INT64_MAX / 2;
  for (int i = 0; i < 10; i++) assert_true(fc__h2_bucket_take(&b, later));
  assert_false(fc__h2_bucket_take(&b, later));
  assert_false(fc__h2_bucket_take(&b, 0)); /* time does not go back */
  fc__h2_bucket_give(&b);
  assert_true(fc__h2_bucket_take(&b, later));
}

static void a_bucket_without_a_rate_is_not_filled(void **state) {
  (void)state;
  struct fc__h2_bucket b;
  fc__h2_bucket_init(&b, 1, 0, 0);
  assert_true(fc__h2_bucket_take(&b, 0));
  assert_false(fc__h2_bucket_take(&b, INT64_MAX));
  for (int i = 0; i < 5; i++) fc__h2_bucket_give(&b);
  assert_true(fc__h2_bucket_take(&b, 0));
  assert_false(fc__h2_bucket_take(&b, 0));
}

/* A nanosecond brings 0.7 tokens of one that is missing. */
static void a_bucket_gives_no_part_of_a_token_early(void **state) {
  (void)state;
  struct fc__h2_bucket b;
  fc__h2_bucket_init(&b, 1, 700000000, 0);
  assert_true(fc__h2_bucket_take(&b, 0));
  assert_false(fc__h2_bucket_take(&b, 1));
  assert_true(fc__h2_bucket_take(&b, 2));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ten_thousand_streams_are_found),
      cmocka_unit_test(random_additions_and_removals_agree_with_a_list),
      cmocka_unit_test(the_past_of_recent_streams_is_known),
      cmocka_unit_test(a_leap_in_ids_leaves_no_trace_of_older_streams),
      cmocka_unit_test(the_bucket_gives_its_burst_and_then_its_rate),
      cmocka_unit_test(a_bucket_without_a_rate_is_not_filled),
      cmocka_unit_test(a_bucket_gives_no_part_of_a_token_early),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
