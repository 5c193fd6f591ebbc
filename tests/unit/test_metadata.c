/* The list of metadata as applications see it. Spec: PROTOCOL-HTTP2.md, Custom-Metadata */
#include "farcall/metadata.h"

#include "support/check.h"
#include "support/failing_alloc.h"
#include "wire/metadata.h"

static void check_entry(const fc_metadata *m, size_t index, const char *key, const char *value) {
  fc_metadata_entry entry = fc_metadata_at(m, index);
  assert_true(fc_slice_equals(entry.key, key));
  assert_true(fc_slice_equals(entry.value, value));
}

static void entries_keep_their_order(void **state) {
  (void)state;
  fc_metadata *m = fc_metadata_create();
  assert_int_equal(fc_metadata_count(m), 0);
  assert_int_equal(fc_metadata_add_string(m, "b", "1", NULL), FC_OK);
  assert_int_equal(fc_metadata_add_string(m, "a", "2", NULL), FC_OK);
  assert_int_equal(fc_metadata_add_string(m, "b", "3", NULL), FC_OK);
  assert_int_equal(fc_metadata_count(m), 3);
  check_entry(m, 0, "b", "1");
  check_entry(m, 1, "a", "2");
  check_entry(m, 2, "b", "3");
  fc_metadata_destroy(m);
}

static void the_first_value_of_a_key_is_found(void **state) {
  (void)state;
  fc_metadata *m = fc_metadata_create();
  fc_slice value;
  assert_int_equal(fc_metadata_add_string(m, "key", "first", NULL), FC_OK);
  assert_int_equal(fc_metadata_add_string(m, "key", "second", NULL), FC_OK);
  assert_true(fc_metadata_find(m, "key", &value));
  assert_slice_is(value, "first");
  assert_true(fc_metadata_find(m, "key", NULL));
  assert_false(fc_metadata_find(m, "ke", &value));
  assert_null(value.data);
  assert_false(fc_metadata_find(m, NULL, NULL));
  fc_metadata_destroy(m);
}

static void no_list_is_an_empty_list(void **state) {
  (void)state;
  assert_int_equal(fc_metadata_count(NULL), 0);
  assert_null(fc_metadata_copy(NULL));
  assert_false(fc_metadata_find(NULL, "key", NULL));
  assert_null(fc_metadata_at(NULL, 0).key.data);
  fc_metadata_destroy(NULL);
}

static void an_index_out_of_range_gives_an_empty_entry(void **state) {
  (void)state;
  fc_metadata *m = fc_metadata_create();
  assert_int_equal(fc_metadata_add_string(m, "k", "v", NULL), FC_OK);
  assert_int_equal(fc_metadata_at(m, 1).key.len, 0);
  assert_int_equal(fc_metadata_at(m, SIZE_MAX).value.len, 0);
  fc_metadata_destroy(m);
}

static void check_refused(const char *key, fc_slice value, const char *reason) {
  fc_metadata *m = fc_metadata_create();
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_metadata_add(m, key, value, &err), FC_ERR_INVALID);
  assert_int_equal(err.result, FC_ERR_INVALID);
  assert_non_null(strstr(err.message, reason));
  assert_int_equal(fc_metadata_count(m), 0);
  fc_metadata_destroy(m);
}

/* Header-Name → 1*( %x30-39 / %x61-7A / "_" / "-" / ".") */
static void keys_of_other_characters_are_refused(void **state) {
  (void)state;
  check_refused("", TEXT("v"), "empty");
  check_refused("Key", TEXT("v"), "byte 0x4b at 0");
  check_refused("a b", TEXT("v"), "byte 0x20 at 1");
  check_refused("a/b", TEXT("v"), "byte 0x2f");
  check_refused("k\xc3\xbc", TEXT("v"), "byte 0xc3");
  check_refused(":path", TEXT("v"), "byte 0x3a");
  check_refused("k\r\nx", TEXT("v"), "byte 0x0d");
  check_refused(NULL, TEXT("v"), "NULL");
}

static void all_allowed_characters_make_a_key(void **state) {
  (void)state;
  fc_metadata *m = fc_metadata_create();
  assert_int_equal(fc_metadata_add_string(m, "0123456789abcdefghijklmnopqrstuvwxyz_-.", "v", NULL),
                   FC_OK);
  fc_metadata_destroy(m);
}

/* PROTOCOL-HTTP2.md: names that begin with "grpc-" are reserved. RFC 9113 section 8.2.2: so are those of
 * the connection. */
static void reserved_names_are_refused(void **state) {
  (void)state;
  static const char *const names[] = {
      "grpc-",      "grpc-timeout", "grpc-my-bin",      "te",
      "host",       "content-type", "content-length",   "connection",
      "keep-alive", "upgrade",      "proxy-connection", "transfer-encoding",
  };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    check_refused(names[i], TEXT("v"), "reserved");
}

static void names_like_reserved_ones_are_free(void **state) {
  (void)state;
  fc_metadata *m = fc_metadata_create();
  static const char *const names[] = {"grpc",     "tea",         "hosts",
                                      "x-grpc-y", "connections", "user-agent"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    assert_int_equal(fc_metadata_add_string(m, names[i], "v", NULL), FC_OK);
  }
  fc_metadata_destroy(m);
}

/* ASCII-Value → 1*( %x20-%x7E ) */
static void values_outside_printable_ascii_are_refused(void **state) {
  (void)state;
  check_refused("k", TEXT("a\nb"), "byte 0x0a at 1");
  check_refused("k", TEXT("a\0"), "byte 0x00 at 1");
  check_refused("k", TEXT("\x7f"), "byte 0x7f at 0");
  check_refused("k", TEXT("\xc3\xbc"), "byte 0xc3 at 0");
  check_refused("k", TEXT("\t"), "byte 0x09 at 0");
  check_refused("k", (fc_slice){NULL, 1}, "NULL");
  check_refused("k-bin", (fc_slice){NULL, 1}, "NULL");
  check_refused("-bin", TEXT("\x80"), "byte 0x80 at 0");
}

/* Every byte at every place of a value longer than what is looked at in one step. */
static void each_byte_of_a_value_is_looked_at(void **state) {
  (void)state;
  fc_metadata *m = fc_metadata_create();
  for (size_t at = 0; at < 20; at++) {
    for (int byte = 0; byte < 256; byte++) {
      uint8_t value[20];
      memset(value, byte & 1 ? 0x7e : 0x20, sizeof value);
      value[at] = (uint8_t)byte;
      fc_result expected = byte >= 0x20 && byte <= 0x7e ? FC_OK : FC_ERR_INVALID;
      assert_int_equal(fc_metadata_add(m, "k", (fc_slice){value, sizeof value}, NULL), expected);
    }
    fc__metadata_clear(m);
  }
  fc_metadata_destroy(m);
}

static void a_refusal_never_shows_the_value(void **state) {
  (void)state;
  fc_metadata *m = fc_metadata_create();
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_metadata_add_string(m, "authorization", "secret\n", &err), FC_ERR_INVALID);
  assert_null(strstr(err.message, "secret"));
  fc_metadata_destroy(m);
}

static void binary_values_are_any_bytes(void **state) {
  (void)state;
  fc_metadata *m = fc_metadata_create();
  assert_int_equal(fc_metadata_add(m, "k-bin", TEXT("\0\xff\n"), NULL), FC_OK);
  assert_int_equal(fc_metadata_add(m, "k-bin", (fc_slice){NULL, 0}, NULL), FC_OK);
  assert_slice_is(fc_metadata_at(m, 0).value, "\0\xff\n");
  assert_int_equal(fc_metadata_at(m, 1).value.len, 0);
  fc_metadata_destroy(m);
}

static void null_arguments_are_refused(void **state) {
  (void)state;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_metadata_add(NULL, "k", TEXT("v"), &err), FC_ERR_INVALID);
  fc_metadata *m = fc_metadata_create();
  assert_int_equal(fc_metadata_add_string(m, "k", NULL, &err), FC_ERR_INVALID);
  fc_metadata_destroy(m);
}

static void a_copy_stands_alone(void **state) {
  (void)state;
  fc_metadata *m = fc_metadata_create();
  assert_int_equal(fc_metadata_add_string(m, "k", "v", NULL), FC_OK);
  fc_metadata *copy = fc_metadata_copy(m);
  assert_int_equal(fc_metadata_add_string(copy, "k2", "v2", NULL), FC_OK);
  assert_int_equal(fc_metadata_count(m), 1);
  fc_metadata_destroy(m);
  check_entry(copy, 0, "k", "v");
  check_entry(copy, 1, "k2", "v2");
  fc_metadata_destroy(copy);
}

static void a_list_can_be_appended_to_another_and_to_itself(void **state) {
  (void)state;
  fc_metadata *a = fc_metadata_create(), *b = fc_metadata_create();
  assert_int_equal(fc_metadata_add_string(a, "a", "1", NULL), FC_OK);
  assert_int_equal(fc_metadata_add_string(b, "b", "2", NULL), FC_OK);
  assert_int_equal(fc__metadata_append(a, b), FC_OK);
  assert_int_equal(fc__metadata_append(a, NULL), FC_OK);
  assert_int_equal(fc__metadata_append(a, a), FC_OK);
  assert_int_equal(fc_metadata_count(a), 4);
  check_entry(a, 1, "b", "2");
  check_entry(a, 3, "b", "2");
  fc_metadata_destroy(a);
  fc_metadata_destroy(b);
}

/* The value lies in the list's own memory, which moves while the entry is added. */
static void a_value_of_the_list_can_be_added_again(void **state) {
  (void)state;
  failing_alloc_install();
  fc_metadata *m = fc_metadata_create();
  assert_int_equal(fc_metadata_add_string(m, "k", "a value that is repeated", NULL), FC_OK);
  for (int i = 0; i < 40; i++) {
    assert_int_equal(fc_metadata_add(m, "k", fc_metadata_at(m, 0).value, NULL), FC_OK);
  }
  for (size_t i = 0; i <= 40; i++) check_entry(m, i, "k", "a value that is repeated");
  fc_metadata_destroy(m);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void a_cleared_list_is_filled_again_without_allocating(void **state) {
  (void)state;
  failing_alloc_install();
  struct fc_metadata m;
  fc__metadata_init(&m);
  for (int round = 0; round < 3; round++) {
    if (round > 0) failing_alloc_arm(0, FAILING_ALLOC_FROM_THEN);
    for (int i = 0; i < 20; i++) {
      assert_int_equal(fc_metadata_add_string(&m, "key", "some value of a usual size", NULL),
                       FC_OK);
    }
    assert_false(failing_alloc_disarm());
    fc__metadata_clear(&m);
    assert_int_equal(fc_metadata_count(&m), 0);
  }
  fc__metadata_finish(&m);
  assert_int_equal(failing_alloc_live(), 0);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void fill_and_copy(void) {
  fc_metadata *m = fc_metadata_create();
  if (!m) return;
  size_t added = 0;
  for (int i = 0; i < 20; i++) {
    fc_error err = FC_ERROR_INIT;
    fc_result result = fc_metadata_add_string(m, "some-key", "some value of a usual size", &err);
    assert_int_equal(result, err.result);
    assert_true(result == FC_OK || result == FC_ERR_NO_MEMORY);
    added += result == FC_OK;
    assert_int_equal(fc_metadata_count(m), added);
  }
  fc_metadata *copy = fc_metadata_copy(m);
  if (copy) assert_int_equal(fc_metadata_count(copy), added);
  fc_metadata_destroy(copy);
  fc_metadata_destroy(m);
}

static void each_allocation_may_fail(void **state) {
  (void)state;
  failing_alloc_install();
  for (size_t n = 0;; n++) {
    failing_alloc_arm(n, FAILING_ALLOC_ONCE);
    fill_and_copy();
    bool reached = failing_alloc_disarm();
    assert_int_equal(failing_alloc_live(), 0);
    if (!reached) break;
  }
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void entries_behind_a_secret_are_secrets(void **state) {
  (void)state;
  fc_metadata *m = fc_metadata_create(), *all = fc_metadata_create();
  assert_int_equal(fc_metadata_add_string(m, "a", "1", NULL), FC_OK);
  assert_false(m->secret);
  assert_int_equal(fc_metadata_add_string(m, "authorization", "2", NULL), FC_OK);
  assert_int_equal(fc_metadata_add_string(m, "b", "3", NULL), FC_OK);
  assert_int_equal(fc_metadata_add_string(all, "cookies", "4", NULL), FC_OK);
  assert_int_equal(fc__metadata_append(all, m), FC_OK);
  assert_int_equal(fc__metadata_append(all, all), FC_OK);
  const bool expected[] = {false, false, true, true, true, true, true, true};
  for (size_t i = 0; i < 8; i++) assert_int_equal(fc__metadata_is_secret(all, i), expected[i]);
  fc__metadata_clear(all);
  assert_false(all->secret);
  fc_metadata_destroy(m);
  fc_metadata_destroy(all);
}

static void secrets_are_erased_with_their_list(void **state) {
  (void)state;
  failing_alloc_install();
  failing_alloc_watch(TEXT("top secret"));
  fc_metadata *m = fc_metadata_create(), *copy;
  for (int i = 0; i < 50; i++) {
    assert_int_equal(fc_metadata_add_string(m, "cookie", "the top secret", NULL), FC_OK);
    fc_metadata_entry last = fc_metadata_at(m, (size_t)i);
    assert_int_equal(fc__metadata_add_slice(m, last.key, last.value), FC_OK);
    m->count--; /* as if it had never been there */
  }
  copy = fc_metadata_copy(m);
  assert_int_equal(failing_alloc_holding(TEXT("top secret")), 2);
  fc__metadata_drop_secrets(copy);
  assert_int_equal(fc_metadata_count(copy), 0);
  assert_int_equal(failing_alloc_holding(TEXT("top secret")), 1);
  fc_metadata_destroy(m);
  fc_metadata_destroy(copy);
  assert_int_equal(failing_alloc_spilled(), 0);
  failing_alloc_watch(FC_SLICE_EMPTY);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

/* Two lengths that are possible each, and on a system with sizes of 32 bits wrap with what is there. */
static void lengths_that_wrap_together_are_refused(void **state) {
  (void)state;
  struct fc_metadata m;
  fc__metadata_init(&m);
  assert_int_equal(fc__metadata_add_slice(&m, TEXT("key"), TEXT("value")), FC_OK);
  assert_false(fc__metadata_reserve(&m, 1, INT32_MAX, INT32_MAX));
  assert_false(fc__metadata_reserve(&m, 1, SIZE_MAX, SIZE_MAX));
  assert_false(fc__metadata_reserve(&m, 1, SIZE_MAX - 4, 5));
  assert_false(fc__metadata_reserve(&m, SIZE_MAX, 1, 1));
  assert_true(m.cap < 100 && m.arena_cap < 1000);
  assert_slice_is(fc_metadata_at(&m, 0).value, "value");
  fc__metadata_finish(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(entries_keep_their_order),
      cmocka_unit_test(the_first_value_of_a_key_is_found),
      cmocka_unit_test(no_list_is_an_empty_list),
      cmocka_unit_test(an_index_out_of_range_gives_an_empty_entry),
      cmocka_unit_test(keys_of_other_characters_are_refused),
      cmocka_unit_test(all_allowed_characters_make_a_key),
      cmocka_unit_test(reserved_names_are_refused),
      cmocka_unit_test(names_like_reserved_ones_are_free),
      cmocka_unit_test(values_outside_printable_ascii_are_refused),
      cmocka_unit_test(each_byte_of_a_value_is_looked_at),
      cmocka_unit_test(a_refusal_never_shows_the_value),
      cmocka_unit_test(binary_values_are_any_bytes),
      cmocka_unit_test(null_arguments_are_refused),
      cmocka_unit_test(a_copy_stands_alone),
      cmocka_unit_test(a_list_can_be_appended_to_another_and_to_itself),
      cmocka_unit_test(a_value_of_the_list_can_be_added_again),
      cmocka_unit_test(a_cleared_list_is_filled_again_without_allocating),
      cmocka_unit_test(each_allocation_may_fail),
      cmocka_unit_test(lengths_that_wrap_together_are_refused),
      cmocka_unit_test(entries_behind_a_secret_are_secrets),
      cmocka_unit_test(secrets_are_erased_with_their_list),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
