/* Strings over the limit: skipped, told, and the tables stay in step; memory stays bounded. */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/hpack_record.h"

enum { TABLE = 4096, UNLIMITED = 1 << 20 };

/* ---- writing representations by hand ---- */

static void put_integer(struct fc__buf *b, unsigned first, unsigned mask, size_t value) {
  uint8_t byte = (uint8_t)(first | (value < mask ? value : mask));
  assert_true(fc__buf_append(b, &byte, 1));
  if (value < mask) return;
  for (value -= mask;; value >>= 7) {
    byte = (uint8_t)(value < 128 ? value : (value | 128));
    assert_true(fc__buf_append(b, &byte, 1));
    if (value < 128) return;
  }
}

/* len times the letter a: raw, or Huffman-coded, where it has 5 bits. */
static void put_letters(struct fc__buf *b, size_t len, bool huffman) {
  size_t coded = (len * 5 + 7) / 8;
  put_integer(b, huffman ? 0x80 : 0, 0x7f, huffman ? coded : len);
  for (size_t i = 0; i < (huffman ? coded : len); i++) {
    /* 00011 00011...: the bits from 8 * i on, with ones behind the last symbol */
    unsigned byte = 0;
    for (size_t bit = 8 * i; bit < 8 * i + 8; bit++)
      byte = byte << 1 | (bit >= len * 5 || bit % 5 >= 3);
    uint8_t data = huffman ? (uint8_t)byte : 'a';
    assert_true(fc__buf_append(b, &data, 1));
  }
}

struct shape {
  unsigned first, mask; /* of the representation */
  size_t name, value;   /* lengths in letters */
  bool huffman;
};

static void put_field(struct fc__buf *b, const struct shape *s) {
  put_integer(b, s->first, s->mask, 0);
  put_letters(b, s->name, s->huffman);
  put_letters(b, s->value, s->huffman);
}

static fc_slice contents(const struct fc__buf *b) { return (fc_slice){b->data, b->len}; }

static void assert_decodes(struct fc__hpack_decoder *d, const struct fc__buf *b, size_t chunk,
                           const char *expected) {
  struct hpack_record r = {0};
  assert_int_equal(hpack_decode_block(d, contents(b), chunk, &r), FC__HPACK_OK);
  assert_string_equal(hpack_record_text(&r), expected);
  hpack_record_clear(&r);
}

static const size_t chunks[] = {1, 2, 3, 7, 9, 64, 16384};
enum { CHUNKS = sizeof chunks / sizeof chunks[0] };

/* ---- tests ---- */

/* The limit is the last length that is reported, for either string, coded or not. */
static void strings_up_to_the_limit_are_reported(void **state) {
  (void)state;
  enum { LIMIT = 5000 };
  for (size_t i = 0; i < CHUNKS; i++) {
    for (int which = 0; which < 8; which++) {
      bool over = which & 1, huffman = which & 2, in_name = which & 4;
      size_t len = LIMIT + over;
      struct shape shape = {0x00, 0x0f, in_name ? len : 3, in_name ? 3 : len, huffman};
      struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, LIMIT);
      struct hpack_record r = {0};
      struct fc__buf b;
      fc__buf_init(&b, UNLIMITED);
      put_field(&b, &shape);
      assert_int_equal(hpack_decode_block(d, contents(&b), chunks[i], &r), FC__HPACK_OK);
      assert_int_equal(r.size, len + 3 + 32);
      assert_int_equal(r.len == strlen("too large, size 5036\n"), over);
      hpack_record_clear(&r);
      fc__buf_finish(&b);
      fc__hpack_decoder_destroy(d);
    }
  }
}

/* CVE-2023-32731: a field that is too large to report enters the table all the same, and is told
 * again. */
static void the_table_stays_in_step_when_a_field_is_too_large(void **state) {
  (void)state;
  for (size_t i = 0; i < CHUNKS; i++) {
    struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, 100);
    struct fc__buf b;
    fc__buf_init(&b, UNLIMITED);
    hpack_assert_block(d, "40 01 61 01 62", "a: b\n");
    put_field(&b, &(struct shape){0x40, 0x3f, 2, 1000, i & 1});
    assert_decodes(d, &b, chunks[i], "too large, size 1034\n");
    hpack_assert_block(d, "be bf 7e 01 63 be", "too large, size 1034\na: b\naa: c\naa: c\n");
    fc__buf_finish(&b);
    fc__hpack_decoder_destroy(d);
  }
}

/* RFC 7541 section 4.4 also when nothing of the field was kept. */
static void a_skipped_field_that_exceeds_the_table_empties_it(void **state) {
  (void)state;
  static const size_t lengths[][2] = {{2, 4063}, {4063, 2}, {2, 100000}, {100000, 2}, {5000, 5000}};
  for (size_t i = 0; i < CHUNKS; i++) {
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
      struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, 100);
      struct hpack_record r = {0};
      struct fc__buf b;
      fc__buf_init(&b, UNLIMITED);
      hpack_assert_block(d, "40 01 61 01 62", "a: b\n");
      put_field(&b, &(struct shape){0x40, 0x3f, lengths[k][0], lengths[k][1], k & 1});
      assert_int_equal(hpack_decode_block(d, contents(&b), chunks[i], &r), FC__HPACK_OK);
      assert_int_equal(r.size, lengths[k][0] + lengths[k][1] + 32);
      hpack_assert_block(d, "40 01 63 01 64 be", "c: d\nc: d\n");
      assert_int_equal(hpack_decode_hex(d, "bf", &r), FC__HPACK_ERROR);
      hpack_record_clear(&r);
      fc__buf_finish(&b);
      fc__hpack_decoder_destroy(d);
    }
  }
}

/* The token and the never-indexed mark of a field that is too large, for those who count
 * pseudo-headers. */
static void expect_path(void *user, const struct fc__field *field, size_t size, bool too_large) {
  assert_true(too_large && field->never_indexed);
  assert_int_equal(field->token, FC__TOKEN_PATH);
  *(size_t *)user += size;
}

static void a_field_too_large_still_has_its_token(void **state) {
  (void)state;
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, 10);
  struct hpack_bytes block =
      hpack_hex("14 0b 2f2f2f2f2f2f2f2f2f2f2f 10 05 3a70617468 0b 2f2f2f2f2f2f2f2f2f2f2f");
  size_t size = 0;
  assert_int_equal(fc__hpack_decode(d, (fc_slice){block.data, block.len}, true, expect_path, &size),
                   FC__HPACK_OK);
  assert_int_equal(size, 2 * (5 + 11 + 32));
  free(block.data);
  fc__hpack_decoder_destroy(d);
}

/* CVE-2023-33953: the length that is announced costs nothing; what comes costs no more than the
 * limits. */
static void memory_is_bounded_by_the_limits(void **state) {
  (void)state;
  enum { LIMIT = 8192, PIECE = 1000 };
  static uint8_t letters[PIECE];
  memset(letters, 'a', sizeof letters);
  for (int huffman = 0; huffman < 2; huffman++) {
    struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, LIMIT);
    struct hpack_bytes head = hpack_hex(huffman ? "40 01 61 ff 80 89 7a" : "40 01 61 7f 80 89 7a");
    size_t count = 0, before = failing_alloc_live_bytes();
    failing_alloc_restart();
    assert_int_equal(fc__hpack_decode(d, (fc_slice){head.data, head.len}, false, NULL, NULL),
                     FC__HPACK_OK);
    assert_true(failing_alloc_peak_bytes() <= before + 64); /* the name, at most */
    for (; count < 1000; count++) {
      assert_int_equal(fc__hpack_decode(d, (fc_slice){letters, PIECE}, false, NULL, NULL),
                       FC__HPACK_OK);
    }
    assert_true(failing_alloc_live_bytes() <= before + 2 * LIMIT);
    assert_true(failing_alloc_peak_bytes() <= before + 4 * LIMIT); /* while moving */
    free(head.data);
    fc__hpack_decoder_destroy(d);
  }
}

static void expect_large_entry(void *user, const struct fc__field *field, size_t size,
                               bool too_large) {
  assert_false(too_large);
  assert_int_equal(field->value.len, 4000);
  *(size_t *)user += size;
}

/* CVE-2016-6581: a large entry referred to again and again is only told again. */
static void references_to_a_large_entry_cost_no_memory(void **state) {
  (void)state;
  enum { REFERENCES = 100000 };
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, 16384);
  struct hpack_record r = {0};
  struct fc__buf b;
  fc__buf_init(&b, UNLIMITED);
  put_field(&b, &(struct shape){0x40, 0x3f, 4, 4000, false});
  assert_int_equal(hpack_decode_block(d, contents(&b), SIZE_MAX, &r), FC__HPACK_OK);
  hpack_record_clear(&r);
  b.len = 0;
  for (int i = 0; i < REFERENCES; i++) assert_true(fc__buf_append(&b, "\xbe", 1));
  failing_alloc_restart();
  size_t size = 0;
  assert_int_equal(fc__hpack_decode(d, contents(&b), true, expect_large_entry, &size),
                   FC__HPACK_OK);
  assert_int_equal(size, (size_t)REFERENCES * 4036);
  assert_int_equal(failing_alloc_count(), 0);
  fc__buf_finish(&b);
  fc__hpack_decoder_destroy(d);
}

/* Row 27 of hostile inputs: blocks full of fields that are too large, against a decoder without
 * limits. */
enum { SHADOW_LIMIT = 150 };

struct shadow {
  size_t count, sizes[64];
  bool large[64];
};

static void note_size(void *user, const struct fc__field *field, size_t size, bool too_large) {
  struct shadow *s = user;
  assert_true(s->count < 64);
  s->sizes[s->count] = size;
  s->large[s->count++] =
      too_large || field->name.len > SHADOW_LIMIT || field->value.len > SHADOW_LIMIT;
}

static void put_random_field(struct fc__buf *b, struct fc__random *random, size_t *inserted) {
  static const unsigned kinds[][2] = {{0x40, 0x3f}, {0x40, 0x3f}, {0x00, 0x0f}, {0x10, 0x0f}};
  size_t kind = fc__random_below(random, 4);
  size_t most = fc__random_below(random, 10) ? 300 : 6000;
  struct shape shape = {kinds[kind][0], kinds[kind][1], fc__random_below(random, most / 4),
                        fc__random_below(random, most), fc__random_below(random, 2)};
  if (*inserted && fc__random_below(random, 3) == 0) {
    put_integer(b, 0x80, 0x7f, 62);
    return;
  }
  put_field(b, &shape);
  if (kind < 2) *inserted = shape.name + shape.value + 32 <= TABLE;
}

static void a_limited_decoder_follows_an_unlimited_one(void **state) {
  (void)state;
  enum { BLOCKS = 400 };
  struct fc__hpack_decoder *all = fc__hpack_decoder_create(TABLE, UNLIMITED);
  struct fc__hpack_decoder *limited = fc__hpack_decoder_create(TABLE, SHADOW_LIMIT);
  struct fc__random random;
  size_t inserted = 0;
  struct fc__buf b;
  fc__random_init(&random, 7541);
  fc__buf_init(&b, UNLIMITED);
  for (int i = 0; i < BLOCKS; i++) {
    struct shadow one = {0}, two = {0};
    b.len = 0;
    for (size_t n = fc__random_below(&random, 20); n > 0; n--)
      put_random_field(&b, &random, &inserted);
    assert_int_equal(fc__hpack_decode(all, contents(&b), true, note_size, &one), FC__HPACK_OK);
    size_t half = fc__random_below(&random, b.len + 1);
    fc_slice first = {b.data, half}, rest = {b.data + half, b.len - half};
    assert_int_equal(fc__hpack_decode(limited, first, false, note_size, &two), FC__HPACK_OK);
    assert_int_equal(fc__hpack_decode(limited, rest, true, note_size, &two), FC__HPACK_OK);
    assert_memory_equal(&one, &two, sizeof one);
  }
  fc__buf_finish(&b);
  fc__hpack_decoder_destroy(all);
  fc__hpack_decoder_destroy(limited);
}

/* Blocks of every kind of field; with a failing allocation it ends early, and nothing leaks. */
static enum fc__hpack_result decode_much(size_t chunk) {
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, 1000);
  enum fc__hpack_result result = d ? FC__HPACK_OK : FC__HPACK_NO_MEMORY;
  struct hpack_record r = {0};
  for (size_t len = 100; result == FC__HPACK_OK && len < 2000; len += 300) {
    uint8_t block[8192];
    struct fc__buf b = {.data = block, .cap = sizeof block, .max = sizeof block};
    put_field(&b, &(struct shape){0x40, 0x3f, 40, len, false});
    put_field(&b, &(struct shape){0x40, 0x3f, len, 40, true});
    put_field(&b, &(struct shape){0x00, 0x0f, 40, len, true});
    result = hpack_decode_block(d, contents(&b), chunk, &r);
  }
  if (result == FC__HPACK_OK) assert_int_equal(r.fields, 21);
  hpack_record_clear(&r);
  fc__hpack_decoder_destroy(d);
  return result;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  for (size_t i = 0; i < CHUNKS; i++) {
    bool reached = true;
    for (size_t n = 0; reached; n++) {
      size_t live = failing_alloc_live();
      failing_alloc_arm(n, i & 1 ? FAILING_ALLOC_ONCE : FAILING_ALLOC_FROM_THEN);
      enum fc__hpack_result result = decode_much(chunks[i]);
      reached = failing_alloc_disarm();
      assert_int_equal(result, reached ? FC__HPACK_NO_MEMORY : FC__HPACK_OK);
      assert_int_equal(failing_alloc_live(), live);
    }
  }
}

/* Room for name and value is twice the limit, which wrapped. */
static void a_limit_may_be_any_size(void **state) {
  (void)state;
  const size_t limits[] = {SIZE_MAX / 2 - 1, SIZE_MAX / 2 + 1, SIZE_MAX - 1, SIZE_MAX};
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
    struct fc__hpack_decoder *d = fc__hpack_decoder_create(TABLE, limits[i]);
    struct hpack_record r = {0};
    struct fc__buf b;
    fc__buf_init(&b, UNLIMITED);
    put_field(&b, &(struct shape){0x00, 0x0f, 100, 10000, true});
    assert_int_equal(hpack_decode_block(d, contents(&b), 64, &r), FC__HPACK_OK);
    assert_int_equal(r.size, 10132);
    hpack_record_clear(&r);
    fc__buf_finish(&b);
    fc__hpack_decoder_destroy(d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(strings_up_to_the_limit_are_reported),
      cmocka_unit_test(the_table_stays_in_step_when_a_field_is_too_large),
      cmocka_unit_test(a_skipped_field_that_exceeds_the_table_empties_it),
      cmocka_unit_test(a_field_too_large_still_has_its_token),
      cmocka_unit_test(memory_is_bounded_by_the_limits),
      cmocka_unit_test(references_to_a_large_entry_cost_no_memory),
      cmocka_unit_test(a_limited_decoder_follows_an_unlimited_one),
      cmocka_unit_test(a_limit_may_be_any_size),
      cmocka_unit_test(any_allocation_may_fail),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
