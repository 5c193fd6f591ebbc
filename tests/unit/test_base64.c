/* Values of "-bin" keys. Spec: RFC 4648 section 4; PROTOCOL-HTTP2.md, Binary-Value */
#include "wire/base64.h"

#include "base/random.h"
#include "support/check.h"

static void check_encoded(fc_slice data, const char *expected) {
  uint8_t out[64];
  size_t len = fc__base64_encoded_len(data.len);
  assert_int_equal(len, strlen(expected));
  fc__base64_encode(data, out);
  assert_memory_equal(out, expected, len);
}

static bool decode(fc_slice text, uint8_t out[64], size_t *len) {
  uint8_t *copy = exact_copy(text), *exact = test_malloc(fc__base64_decoded_max(text.len) + 1);
  bool decoded = fc__base64_decode((fc_slice){copy, text.len}, exact, len);
  assert_true(*len <= fc__base64_decoded_max(text.len));
  memcpy(out, exact, *len);
  test_free(copy);
  test_free(exact);
  return decoded;
}

static void check_decoded(fc_slice text, const char *expected) {
  uint8_t out[64];
  size_t len;
  assert_true(decode(text, out, &len));
  assert_int_equal(len, strlen(expected));
  assert_memory_equal(out, expected, len);
}

static void check_refused(fc_slice text) {
  uint8_t out[64];
  size_t len = 1;
  assert_false(decode(text, out, &len));
  assert_int_equal(len, 0);
}

/* RFC 4648 section 10, test vectors, without their padding. */
static void values_are_written_without_padding(void **state) {
  (void)state;
  check_encoded(TEXT(""), "");
  check_encoded(TEXT("f"), "Zg");
  check_encoded(TEXT("fo"), "Zm8");
  check_encoded(TEXT("foo"), "Zm9v");
  check_encoded(TEXT("foob"), "Zm9vYg");
  check_encoded(TEXT("fooba"), "Zm9vYmE");
  check_encoded(TEXT("foobar"), "Zm9vYmFy");
  check_encoded(TEXT("\xfb\xff\xfe"), "+//+");
}

/* Hostile input 35: padded and unpadded are both good. */
static void both_forms_are_read(void **state) {
  (void)state;
  check_decoded(TEXT(""), "");
  check_decoded(TEXT("Zg"), "f");
  check_decoded(TEXT("Zg=="), "f");
  check_decoded(TEXT("Zm8"), "fo");
  check_decoded(TEXT("Zm8="), "fo");
  check_decoded(TEXT("Zm9v"), "foo");
  check_decoded(TEXT("Zm9vYmFy"), "foobar");
  check_decoded(TEXT("+//+"), "\xfb\xff\xfe");
}

/* RFC 4648 section 3.5 lets a decoder ignore them, and peers do. */
static void leftover_bits_are_ignored(void **state) {
  (void)state;
  check_decoded(TEXT("Zh"), "f");
  check_decoded(TEXT("Zm9="), "fo");
}

static void bad_padding_is_refused(void **state) {
  (void)state;
  check_refused(TEXT("="));
  check_refused(TEXT("=="));
  check_refused(TEXT("===="));
  check_refused(TEXT("Zg="));
  check_refused(TEXT("Zg==="));
  check_refused(TEXT("Zm8=="));
  check_refused(TEXT("Zm9v="));
  check_refused(TEXT("Zm9v===="));
  check_refused(TEXT("Z==="));
  check_refused(TEXT("Zg==Zg=="));
  check_refused(TEXT("Z=g="));
}

static void lengths_that_no_data_has_are_refused(void **state) {
  (void)state;
  check_refused(TEXT("Z"));
  check_refused(TEXT("Zm9vY"));
}

/* Hostile input 35. RFC 4648 section 3.3: characters outside the alphabet are refused. */
static void characters_outside_the_alphabet_are_refused(void **state) {
  (void)state;
  check_refused(TEXT("Zm9-"));
  check_refused(TEXT("Zm9_"));
  check_refused(TEXT("Zm 9"));
  check_refused(TEXT("Zm9\n"));
  check_refused(TEXT("Zm9\0"));
  check_refused(TEXT("Zm9\xff"));
  check_refused(TEXT("!!!!"));
  check_refused(TEXT("Zg,Zg"));
}

static void what_is_written_is_read_again(void **state) {
  (void)state;
  struct fc__random r;
  fc__random_init(&r, 8);
  for (size_t len = 0; len <= 40; len++) {
    uint8_t data[40], text[64], back[64];
    size_t back_len;
    for (size_t i = 0; i < len; i++) data[i] = (uint8_t)fc__random_next(&r);
    fc__base64_encode((fc_slice){data, len}, text);
    assert_true(decode((fc_slice){text, fc__base64_encoded_len(len)}, back, &back_len));
    assert_int_equal(back_len, len);
    if (len) assert_memory_equal(back, data, len);
  }
}

/* On a system with sizes of 32 bits such values can exist. */
static void lengths_do_not_wrap(void **state) {
  (void)state;
  const size_t most = SIZE_MAX / 4 * 3; /* three bytes become four */
  assert_true(fc__base64_encoded_len(most) == SIZE_MAX / 4 * 4);
  assert_true(fc__base64_encoded_len(most + 3) == SIZE_MAX);
  assert_true(fc__base64_encoded_len(SIZE_MAX - 1) == SIZE_MAX);
  assert_true(fc__base64_encoded_len(SIZE_MAX) == SIZE_MAX);
  assert_true(fc__base64_decoded_max(SIZE_MAX) == SIZE_MAX / 4 * 3 + 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_written_without_padding),
      cmocka_unit_test(both_forms_are_read),
      cmocka_unit_test(leftover_bits_are_ignored),
      cmocka_unit_test(bad_padding_is_refused),
      cmocka_unit_test(lengths_that_no_data_has_are_refused),
      cmocka_unit_test(characters_outside_the_alphabet_are_refused),
      cmocka_unit_test(what_is_written_is_read_again),
      cmocka_unit_test(lengths_do_not_wrap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
