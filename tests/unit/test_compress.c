/* Message compression. Spec: doc/compression.md; gzip RFC 1952; deflate is zlib, RFC 1950 */
#include "wire/compress.h"

#include <zlib.h>

#include "base/bytes.h"
#include "base/random.h"
#include "support/check.h"
#include "support/failing_alloc.h"

static const enum fc__encoding kinds[] = {FC__ENCODING_GZIP, FC__ENCODING_DEFLATE};

static void names_are_read_exactly(void **state) {
  (void)state;
  assert_int_equal(fc__encoding_parse(TEXT("identity")), FC__ENCODING_IDENTITY);
  assert_int_equal(fc__encoding_parse(TEXT("gzip")), FC__ENCODING_GZIP);
  assert_int_equal(fc__encoding_parse(TEXT("deflate")), FC__ENCODING_DEFLATE);
  const fc_slice unknown[] = {TEXT(""), TEXT("GZIP"), TEXT("gzip "), TEXT("gzi"), TEXT("snappy")};
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    assert_int_equal(fc__encoding_parse(unknown[i]), FC__ENCODING_UNKNOWN);
  }
}

static void names_are_written_as_they_are_read(void **state) {
  (void)state;
  for (int i = 0; i < FC__ENCODING_UNKNOWN; i++) {
    const char *name = fc__encoding_name((enum fc__encoding)i);
    assert_int_equal(fc__encoding_parse(fc_slice_from_string(name)), i);
  }
  assert_string_equal(fc__encoding_name(FC__ENCODING_UNKNOWN), "unknown");
}

static void a_list_gives_the_set_of_known_names(void **state) {
  (void)state;
  const unsigned identity = 1u << FC__ENCODING_IDENTITY, gzip = 1u << FC__ENCODING_GZIP,
                 deflate = 1u << FC__ENCODING_DEFLATE;
  assert_int_equal(fc__encoding_parse_list(TEXT("")), identity);
  assert_int_equal(fc__encoding_parse_list(TEXT("gzip")), identity | gzip);
  assert_int_equal(fc__encoding_parse_list(TEXT("gzip,deflate")), identity | gzip | deflate);
  assert_int_equal(fc__encoding_parse_list(TEXT(" ,snappy,\tgzip ,,zstd")), identity | gzip);
  assert_int_equal(fc__encoding_parse_list(TEXT(FC__ENCODING_ACCEPTED)), identity | gzip | deflate);
}

static fc_bytes *compress_or_fail(enum fc__encoding kind, fc_slice message) {
  fc_bytes *out;
  assert_int_equal(fc__compress(kind, message, SIZE_MAX, &out), FC_OK);
  return out;
}

static void check_round_trip(enum fc__encoding kind, fc_slice message) {
  fc_bytes *small = compress_or_fail(kind, message), *back;
  assert_int_equal(fc__decompress(kind, fc_bytes_slice(small), message.len, &back), FC_OK);
  assert_int_equal(fc_bytes_slice(back).len, message.len);
  if (message.len) assert_memory_equal(fc_bytes_slice(back).data, message.data, message.len);
  fc_bytes_unref(back);
  fc_bytes_unref(small);
}

/* The window and the memory of the compressor depend on the size; all steps of it are met. */
static void messages_of_all_sizes_come_back(void **state) {
  (void)state;
  static uint8_t text[300000], noise[300000];
  struct fc__random r;
  fc__random_init(&r, 4);
  for (size_t i = 0; i < sizeof text; i++) {
    text[i] = (uint8_t)("farcall "[i % 8] + fc__random_below(&r, 2));
    noise[i] = (uint8_t)fc__random_next(&r);
  }
  for (int k = 0; k < 2; k++) {
    for (size_t len = 0; len <= sizeof text; len = len * 3 / 2 + 1) {
      check_round_trip(kinds[k], (fc_slice){text, len});
      check_round_trip(kinds[k], (fc_slice){noise, len});
    }
  }
}

/* A distance across the whole message must not be lost to a window chosen too small. */
static void repetition_is_found_across_the_whole_message(void **state) {
  (void)state;
  struct fc__random r;
  fc__random_init(&r, 4);
  for (size_t half = 100; half <= 12800; half *= 2) {
    static uint8_t message[25600];
    for (size_t i = 0; i < half; i++) message[i] = message[half + i] = (uint8_t)fc__random_next(&r);
    fc_bytes *small = compress_or_fail(FC__ENCODING_GZIP, (fc_slice){message, 2 * half});
    assert_true(fc_bytes_slice(small).len < half + half / 4 + 40);
    fc_bytes_unref(small);
  }
}

static void gzip_is_gzip_and_deflate_is_zlib(void **state) {
  (void)state;
  fc_bytes *gzip = compress_or_fail(FC__ENCODING_GZIP, TEXT("message"));
  fc_bytes *deflate = compress_or_fail(FC__ENCODING_DEFLATE, TEXT("message"));
  assert_memory_equal(fc_bytes_slice(gzip).data, "\x1f\x8b\x08", 3); /* RFC 1952 section 2.3 */
  const uint8_t *header = fc_bytes_slice(deflate).data; /* RFC 1950 section 2.2: CM 8, FCHECK */
  assert_int_equal(header[0] & 0x0f, 8);
  assert_int_equal((header[0] << 8 | header[1]) % 31, 0);
  fc_bytes *out;
  assert_int_equal(fc__decompress(FC__ENCODING_DEFLATE, fc_bytes_slice(gzip), 100, &out),
                   FC_ERR_PROTOCOL);
  assert_int_equal(fc__decompress(FC__ENCODING_GZIP, fc_bytes_slice(deflate), 100, &out),
                   FC_ERR_PROTOCOL);
  fc_bytes_unref(gzip);
  fc_bytes_unref(deflate);
}

/* doc/compression.md: servers and clients must not send raw deflate data. */
static void raw_deflate_is_refused(void **state) {
  (void)state;
  fc_bytes *out;
  assert_int_equal(fc__decompress(FC__ENCODING_DEFLATE, TEXT("\x4b\x04\x00"), 100, &out),
                   FC_ERR_PROTOCOL);
}

/* Other implementations use their own windows and levels. */
static void what_zlib_wrote_with_its_defaults_is_read(void **state) {
  (void)state;
  uint8_t small[200];
  uLongf len = sizeof small;
  assert_int_equal(compress2(small, &len, (const Bytef *)"message", 7, 9), Z_OK);
  fc_bytes *out;
  assert_int_equal(fc__decompress(FC__ENCODING_DEFLATE, (fc_slice){small, len}, 7, &out), FC_OK);
  assert_slice_is(fc_bytes_slice(out), "message");
  fc_bytes_unref(out);
}

static fc_result expand(enum fc__encoding kind, const uint8_t *data, size_t len, size_t limit) {
  uint8_t *exact = exact_copy((fc_slice){data, len});
  fc_bytes *out = (fc_bytes *)1;
  fc_result result = fc__decompress(kind, (fc_slice){exact, len}, limit, &out);
  if (result == FC_OK) {
    fc_bytes_unref(out);
  } else {
    assert_null(out);
  }
  test_free(exact);
  return result;
}

/* Hostile input 43: truncated, also to nothing. */
static void every_truncation_is_refused(void **state) {
  (void)state;
  for (int k = 0; k < 2; k++) {
    fc_bytes *small = compress_or_fail(kinds[k], TEXT("some text, some text, some text"));
    fc_slice data = fc_bytes_slice(small);
    for (size_t len = 0; len < data.len; len++) {
      assert_int_equal(expand(kinds[k], data.data, len, 1000), FC_ERR_PROTOCOL);
    }
    assert_int_equal(expand(kinds[k], data.data, data.len, 1000), FC_OK);
    fc_bytes_unref(small);
  }
}

/* Hostile input 43: trailing garbage and several members. */
static void anything_behind_the_end_is_refused(void **state) {
  (void)state;
  for (int k = 0; k < 2; k++) {
    fc_bytes *small = compress_or_fail(kinds[k], TEXT("text"));
    fc_slice data = fc_bytes_slice(small);
    uint8_t twice[200];
    memcpy(twice, data.data, data.len);
    twice[data.len] = 0;
    assert_int_equal(expand(kinds[k], twice, data.len + 1, 1000), FC_ERR_PROTOCOL);
    memcpy(twice + data.len, data.data, data.len);
    assert_int_equal(expand(kinds[k], twice, 2 * data.len, 1000), FC_ERR_PROTOCOL);
    fc_bytes_unref(small);
  }
}

/* Hostile input 43: corrupt. The check sums find what the format lets through. */
static void a_flipped_bit_is_refused_or_harmless(void **state) {
  (void)state;
  fc_bytes *small = compress_or_fail(FC__ENCODING_DEFLATE, TEXT("some text, some text, some text"));
  fc_slice data = fc_bytes_slice(small);
  for (size_t bit = 0; bit < data.len * 8; bit++) {
    uint8_t broken[200];
    memcpy(broken, data.data, data.len);
    broken[bit / 8] ^= (uint8_t)(1u << bit % 8);
    fc_bytes *out;
    fc_result result =
        fc__decompress(FC__ENCODING_DEFLATE, (fc_slice){broken, data.len}, 1000, &out);
    if (result == FC_OK) assert_slice_is(fc_bytes_slice(out), "some text, some text, some text");
    if (result != FC_OK) assert_true(result == FC_ERR_PROTOCOL || result == FC_ERR_LIMIT);
    fc_bytes_unref(out);
  }
  fc_bytes_unref(small);
}

static void the_limit_is_exact(void **state) {
  (void)state;
  static const uint8_t zeros[5000];
  for (int k = 0; k < 2; k++) {
    for (size_t len = 0; len <= sizeof zeros; len += 1000) {
      fc_bytes *small = compress_or_fail(kinds[k], (fc_slice){zeros, len});
      fc_slice data = fc_bytes_slice(small);
      assert_int_equal(expand(kinds[k], data.data, data.len, len), FC_OK);
      assert_int_equal(expand(kinds[k], data.data, data.len, SIZE_MAX), FC_OK);
      if (len) assert_int_equal(expand(kinds[k], data.data, data.len, len - 1), FC_ERR_LIMIT);
      fc_bytes_unref(small);
    }
  }
}

/* Hostile input 44: 16 MiB behind 16 KiB. Output, and so time, end one byte past the limit. */
/* What a large message leaves is used again, and is then larger than was asked for. */
static void the_limit_is_exact_in_memory_used_again(void **state) {
  (void)state;
  const size_t size = 200 * 1024;
  uint8_t *data;
  fc_bytes *message = fc_bytes_create(size, &data), *left, *out;
  memset(data, 'x', size);
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    fc_bytes *packed = compress_or_fail(kinds[i], fc_bytes_slice(message));
    for (size_t limit = size - 1000; limit <= size; limit += 500) {
      left = fc_bytes_create(2 * size - 2000, &data);
      fc_bytes_unref(left);
      fc_result expected = limit < size ? FC_ERR_LIMIT : FC_OK;
      assert_int_equal(fc__decompress(kinds[i], fc_bytes_slice(packed), limit, &out), expected);
      fc_bytes_unref(out);
    }
    fc_bytes_unref(packed);
  }
  fc_bytes_unref(message);
}

static void a_bomb_is_stopped_at_the_limit(void **state) {
  (void)state;
  enum { SIZE = 16 << 20, LIMIT = 100000 };
  uint8_t *zeros = test_calloc(1, SIZE);
  fc_bytes *bomb = compress_or_fail(FC__ENCODING_GZIP, (fc_slice){zeros, SIZE}), *out;
  test_free(zeros);
  failing_alloc_install();
  failing_alloc_restart();
  assert_int_equal(fc__decompress(FC__ENCODING_GZIP, fc_bytes_slice(bomb), LIMIT, &out),
                   FC_ERR_LIMIT);
  assert_true(failing_alloc_peak_bytes() < 3 * LIMIT);
  assert_int_equal(failing_alloc_live(), 0);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
  fc_bytes_unref(bomb);
}

static void a_small_message_is_compressed_in_little_memory(void **state) {
  (void)state;
  failing_alloc_install();
  failing_alloc_restart();
  fc_bytes *small = compress_or_fail(FC__ENCODING_GZIP, TEXT("a short message"));
  assert_true(failing_alloc_peak_bytes() < 24 * 1024); /* zlib's defaults: 268 KiB */
  fc_bytes_unref(small);
  assert_int_equal(failing_alloc_live(), 0);
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void a_message_that_takes_more_than_the_limit_is_refused(void **state) {
  (void)state;
  static const uint8_t zeros[5000];
  for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
    fc_slice message = {zeros, sizeof zeros};
    fc_bytes *small = compress_or_fail(kinds[k], message), *out;
    size_t len = fc_bytes_slice(small).len;
    for (size_t limit = 0; limit < len; limit++) {
      assert_int_equal(fc__compress(kinds[k], message, limit, &out), FC_ERR_LIMIT);
      assert_null(out);
    }
    assert_int_equal(fc__compress(kinds[k], message, len, &out), FC_OK);
    assert_int_equal(fc_bytes_slice(out).len, len);
    fc_bytes_unref(out);
    fc_bytes_unref(small);
  }
}

/* zlib counts in 32 bits. No byte of such a message is looked at. */
static void a_message_of_4_gib_is_refused(void **state) {
  (void)state;
  if (SIZE_MAX == UINT32_MAX) return;
  const fc_slice huge = {(const uint8_t *)"", (size_t)UINT32_MAX + 1};
  fc_bytes *out;
  for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
    assert_int_equal(fc__compress(kinds[k], huge, SIZE_MAX, &out), FC_ERR_LIMIT);
    assert_int_equal(fc__decompress(kinds[k], huge, SIZE_MAX, &out), FC_ERR_LIMIT);
    assert_int_equal(fc__decompress_check(kinds[k], huge, SIZE_MAX), FC_ERR_LIMIT);
  }
}

static void each_allocation_may_fail(void **state) {
  (void)state;
  static const uint8_t zeros[50000];
  failing_alloc_install();
  for (size_t n = 0;; n++) {
    fc_bytes *small = NULL, *back = NULL;
    failing_alloc_arm(n, FAILING_ALLOC_ONCE);
    fc_result result =
        fc__compress(FC__ENCODING_GZIP, (fc_slice){zeros, sizeof zeros}, SIZE_MAX, &small);
    if (result == FC_OK) {
      result = fc__decompress(FC__ENCODING_GZIP, fc_bytes_slice(small), sizeof zeros, &back);
    }
    bool reached = failing_alloc_disarm();
    assert_int_equal(result, reached ? FC_ERR_NO_MEMORY : FC_OK);
    fc_bytes_unref(small);
    fc_bytes_unref(back);
    assert_int_equal(failing_alloc_live(), 0);
    if (!reached) break;
  }
  assert_int_equal(fc_set_allocator(NULL), FC_OK);
}

static void expect_the_same(enum fc__encoding kind, fc_slice packed, size_t max_len) {
  fc_bytes *out;
  fc_result result = fc__decompress(kind, packed, max_len, &out);
  fc_bytes_unref(out);
  assert_int_equal(fc__decompress_check(kind, packed, max_len), result);
}

static void checking_says_what_expanding_does(void **state) {
  (void)state;
  static uint8_t message[40000], packed[5000];
  for (size_t i = 0; i < sizeof message; i++) message[i] = (uint8_t)(i >> 6);
  for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
    fc_bytes *small = compress_or_fail(kinds[k], (fc_slice){message, sizeof message});
    size_t len = fc_bytes_slice(small).len;
    assert_true(len + 1 < sizeof packed);
    memcpy(packed, fc_bytes_slice(small).data, len);
    fc_bytes_unref(small);
    for (size_t i = 0; i <= len; i++) {
      expect_the_same(kinds[k], (fc_slice){packed, i}, sizeof message);
      packed[i] ^= 0x55;
      expect_the_same(kinds[k], (fc_slice){packed, len}, 2 * sizeof message);
      packed[i] ^= 0x55;
    }
    packed[len] = 0;
    expect_the_same(kinds[k], (fc_slice){packed, len + 1}, sizeof message);
    const size_t limits[] = {0, 1, 8191, 8192, sizeof message - 1, sizeof message, SIZE_MAX};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
      expect_the_same(kinds[k], (fc_slice){packed, len}, limits[i]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(checking_says_what_expanding_does),
      cmocka_unit_test(names_are_read_exactly),
      cmocka_unit_test(names_are_written_as_they_are_read),
      cmocka_unit_test(a_list_gives_the_set_of_known_names),
      cmocka_unit_test(messages_of_all_sizes_come_back),
      cmocka_unit_test(repetition_is_found_across_the_whole_message),
      cmocka_unit_test(gzip_is_gzip_and_deflate_is_zlib),
      cmocka_unit_test(raw_deflate_is_refused),
      cmocka_unit_test(what_zlib_wrote_with_its_defaults_is_read),
      cmocka_unit_test(every_truncation_is_refused),
      cmocka_unit_test(anything_behind_the_end_is_refused),
      cmocka_unit_test(a_flipped_bit_is_refused_or_harmless),
      cmocka_unit_test(the_limit_is_exact),
      cmocka_unit_test(the_limit_is_exact_in_memory_used_again),
      cmocka_unit_test(a_bomb_is_stopped_at_the_limit),
      cmocka_unit_test(a_small_message_is_compressed_in_little_memory),
      cmocka_unit_test(a_message_that_takes_more_than_the_limit_is_refused),
      cmocka_unit_test(a_message_of_4_gib_is_refused),
      cmocka_unit_test(each_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
