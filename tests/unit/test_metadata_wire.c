/* Metadata as header fields. Spec: PROTOCOL-HTTP2.md, Custom-Metadata, Binary-Header, ASCII-Value */
#include "base/buf.h"
#include "support/check.h"
#include "support/failing_alloc.h"
#include "wire/metadata.h"

static void check_entry(const fc_metadata *m, size_t index, const char *key, fc_slice value) {
  fc_metadata_entry entry = fc_metadata_at(m, index);
  assert_true(fc_slice_equals(entry.key, key));
  assert_int_equal(entry.value.len, value.len);
  if (value.len) assert_memory_equal(entry.value.data, value.data, value.len);
}

static void keys_that_end_in_bin_are_binary(void **state) {
  (void)state;
  assert_true(fc__metadata_key_is_binary(TEXT("a-bin")));
  assert_false(fc__metadata_key_is_binary(TEXT("-bin")));
  assert_false(fc__metadata_key_is_binary(TEXT("abin")));
  assert_false(fc__metadata_key_is_binary(TEXT("a-bin-")));
  assert_false(fc__metadata_key_is_binary(TEXT("")));
}

static void ascii_values_come_as_they_are(void **state) {
  (void)state;
  struct fc_metadata m;
  fc__metadata_init(&m);
  assert_int_equal(fc__metadata_add_wire(&m, TEXT("k"), TEXT("a, b")), FC_OK);
  assert_int_equal(fc__metadata_add_wire(&m, TEXT("k"), TEXT("")), FC_OK);
  assert_int_equal(m.count, 2);
  check_entry(&m, 0, "k", TEXT("a, b"));
  check_entry(&m, 1, "k", TEXT(""));
  fc__metadata_finish(&m);
}

/* Hostile input 35: the three good forms. */
static void binary_values_are_decoded_padded_unpadded_and_joined(void **state) {
  (void)state;
  struct fc_metadata m;
  fc__metadata_init(&m);
  assert_int_equal(fc__metadata_add_wire(&m, TEXT("k-bin"), TEXT("Zg==")), FC_OK);
  assert_int_equal(fc__metadata_add_wire(&m, TEXT("k-bin"), TEXT("Zm8")), FC_OK);
  assert_int_equal(fc__metadata_add_wire(&m, TEXT("k-bin"), TEXT("AP8,Zm9v, Zg==,")), FC_OK);
  assert_int_equal(m.count, 6);
  check_entry(&m, 0, "k-bin", TEXT("f"));
  check_entry(&m, 1, "k-bin", TEXT("fo"));
  check_entry(&m, 2, "k-bin", TEXT("\0\xff"));
  check_entry(&m, 3, "k-bin", TEXT("foo"));
  check_entry(&m, 4, "k-bin", TEXT("f"));
  check_entry(&m, 5, "k-bin", TEXT(""));
  fc__metadata_finish(&m);
}

static void an_empty_binary_value_is_one_entry(void **state) {
  (void)state;
  struct fc_metadata m;
  fc__metadata_init(&m);
  assert_int_equal(fc__metadata_add_wire(&m, TEXT("k-bin"), (fc_slice){NULL, 0}), FC_OK);
  assert_int_equal(m.count, 1);
  check_entry(&m, 0, "k-bin", TEXT(""));
  fc__metadata_finish(&m);
}

/* Hostile input 35: bad base64 fails this list, and what it held before stays. */
static void bad_base64_is_refused_and_changes_nothing(void **state) {
  (void)state;
  struct fc_metadata m;
  fc__metadata_init(&m);
  assert_int_equal(fc__metadata_add_wire(&m, TEXT("k"), TEXT("v")), FC_OK);
  const fc_slice bad[] = {TEXT("!"), TEXT("Z"), TEXT("Zg="), TEXT("Zm9v,Zm9v,?"),
                          TEXT("Zm9v Zm9v")};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(fc__metadata_add_wire(&m, TEXT("k-bin"), bad[i]), FC_ERR_PROTOCOL);
    assert_int_equal(m.count, 1);
    check_entry(&m, 0, "k", TEXT("v"));
  }
  assert_int_equal(m.arena_len, 2);
  fc__metadata_finish(&m);
}

/* Commas must not multiply a long key in memory, nor make entries without end. */
static void joined_parts_cost_little(void **state) {
  (void)state;
  failing_alloc_install();
  struct fc_metadata m;
  fc__metadata_init(&m);
  char key[4000], value[200];
  memset(key, 'k', sizeof key);
  memcpy(key + sizeof key - 4, "-bin", 4);
  memset(value, ',', sizeof value);
  fc_slice name = {(uint8_t *)key, sizeof key};
  fc_slice most = {(uint8_t *)value, FC__METADATA_PARTS_MAX - 1};
  assert_int_equal(fc__metadata_add_wire(&m, name, most), FC_OK);
  assert_int_equal(m.count, FC__METADATA_PARTS_MAX);
  assert_true(failing_alloc_live_bytes() < 12 * 1024);
  most.len++;
  assert_int_equal(fc__metadata_add_wire(&m, name, most), FC_ERR_LIMIT);
  assert_int_equal(m.count, FC__METADATA_PARTS_MAX);
  fc__metadata_finish(&m);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

/* Hostile input 36: never an error for a legal HTTP field; what stays can be echoed. */
static void fields_that_could_not_be_echoed_are_dropped(void **state) {
  (void)state;
  struct fc_metadata m;
  fc__metadata_init(&m);
  static const struct {
    fc_slice key, value;
  } fields[] = {
      {{(const uint8_t *)"k", 1}, {(const uint8_t *)"gr\xc3\xbc", 4}},
      {{(const uint8_t *)"k", 1}, {(const uint8_t *)"a\tb", 3}},
      {{(const uint8_t *)"k!", 2}, {(const uint8_t *)"v", 1}},
      {{(const uint8_t *)"grpc-x", 6}, {(const uint8_t *)"v", 1}},
      {{(const uint8_t *)"grpc-x-bin", 10}, {(const uint8_t *)"?", 1}},
      {{(const uint8_t *)"te", 2}, {(const uint8_t *)"trailers", 8}},
      {{(const uint8_t *)":path", 5}, {(const uint8_t *)"/", 1}},
      {{(const uint8_t *)"content-length", 14}, {(const uint8_t *)"1", 1}},
  };
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    assert_int_equal(fc__metadata_add_wire(&m, fields[i].key, fields[i].value), FC_OK);
  }
  assert_int_equal(m.count, 0);
  assert_int_equal(fc__metadata_add_wire(&m, TEXT("k"), TEXT(" v ")), FC_OK);
  assert_int_equal(fc__metadata_add_wire(&m, TEXT("user-agent"), TEXT("grpc-c/1")), FC_OK);
  assert_int_equal(m.count, 2);
  for (size_t i = 0; i < 2; i++) {
    fc_metadata_entry entry = fc_metadata_at(&m, i);
    char key[16] = "";
    memcpy(key, entry.key.data, entry.key.len);
    assert_int_equal(fc_metadata_add(&m, key, entry.value, NULL), FC_OK);
  }
  fc__metadata_finish(&m);
}

struct collected {
  char text[256];
};

static void collect(void *user, fc_slice key, fc_slice value) {
  struct collected *c = user;
  strncat(c->text, (const char *)key.data, key.len);
  strcat(c->text, "=");
  if (value.len) strncat(c->text, (const char *)value.data, value.len);
  strcat(c->text, ";");
}

/* Implementations should emit un-padded values. RFC 9113 section 8.2.1: no space at the ends of a value. */
static void entries_are_written_in_order_in_wire_form(void **state) {
  (void)state;
  struct fc_metadata m;
  struct fc__buf scratch;
  struct collected c = {""};
  fc__metadata_init(&m);
  fc__buf_init(&scratch, 1000);
  assert_int_equal(fc_metadata_add_string(&m, "a", "1", NULL), FC_OK);
  assert_int_equal(fc_metadata_add(&m, "b-bin", TEXT("f"), NULL), FC_OK);
  assert_int_equal(fc_metadata_add_string(&m, "a", " 2 3 ", NULL), FC_OK);
  assert_int_equal(fc_metadata_add(&m, "b-bin", TEXT("foobar"), NULL), FC_OK);
  assert_int_equal(fc_metadata_add(&m, "b-bin", TEXT(""), NULL), FC_OK);
  assert_int_equal(fc_metadata_add(&m, "b-bin", TEXT(" "), NULL), FC_OK);
  assert_int_equal(fc__metadata_each_wire(&m, &scratch, collect, &c), FC_OK);
  assert_string_equal(c.text, "a=1;b-bin=Zg;a=2 3;b-bin=Zm9vYmFy;b-bin=;b-bin=IA;");
  assert_int_equal(scratch.len, 0);
  assert_int_equal(fc__metadata_each_wire(NULL, &scratch, collect, &c), FC_OK);
  fc__buf_finish(&scratch);
  fc__metadata_finish(&m);
}

static void a_value_past_the_scratch_ceiling_is_told(void **state) {
  (void)state;
  struct fc_metadata m;
  struct fc__buf scratch;
  struct collected c = {""};
  fc__metadata_init(&m);
  fc__buf_init(&scratch, 4);
  assert_int_equal(fc_metadata_add(&m, "b-bin", TEXT("foob"), NULL), FC_OK);
  assert_int_equal(fc__metadata_each_wire(&m, &scratch, collect, &c), FC_ERR_NO_MEMORY);
  fc__buf_finish(&scratch);
  fc__metadata_finish(&m);
}

static void receive_and_send(void) {
  struct fc_metadata m;
  struct fc__buf scratch;
  struct collected c = {""};
  fc__metadata_init(&m);
  fc__buf_init(&scratch, 1000);
  fc_result result =
      fc__metadata_add_wire(&m, TEXT("k-bin"), TEXT("Zg,Zg,Zg,Zg,Zg,Zg,Zg,Zg,Zg,Zg"));
  assert_true(result == FC_OK || result == FC_ERR_NO_MEMORY);
  assert_int_equal(m.count, result == FC_OK ? 10 : 0);
  result = fc__metadata_each_wire(&m, &scratch, collect, &c);
  assert_true(result == FC_OK || result == FC_ERR_NO_MEMORY);
  fc__buf_finish(&scratch);
  fc__metadata_finish(&m);
}

static void each_allocation_may_fail(void **state) {
  (void)state;
  failing_alloc_install();
  for (size_t n = 0;; n++) {
    failing_alloc_arm(n, FAILING_ALLOC_ONCE);
    receive_and_send();
    bool reached = failing_alloc_disarm();
    assert_int_equal(failing_alloc_live(), 0);
    if (!reached) break;
  }
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_that_end_in_bin_are_binary),
      cmocka_unit_test(ascii_values_come_as_they_are),
      cmocka_unit_test(binary_values_are_decoded_padded_unpadded_and_joined),
      cmocka_unit_test(an_empty_binary_value_is_one_entry),
      cmocka_unit_test(bad_base64_is_refused_and_changes_nothing),
      cmocka_unit_test(joined_parts_cost_little),
      cmocka_unit_test(fields_that_could_not_be_echoed_are_dropped),
      cmocka_unit_test(entries_are_written_in_order_in_wire_form),
      cmocka_unit_test(a_value_past_the_scratch_ceiling_is_told),
      cmocka_unit_test(each_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
