/* grpc-message. Spec: PROTOCOL-HTTP2.md, Status-Message, Percent-Encoded */
#include "wire/percent.h"

#include "base/random.h"
#include "support/check.h"

#define REPLACEMENT "\xef\xbf\xbd"

typedef bool (*codec)(struct fc__buf *out, fc_slice text);

static void check(codec run, fc_slice text, fc_slice expected) {
  struct fc__buf out;
  fc__buf_init(&out, 4096);
  uint8_t *copy = exact_copy(text);
  assert_true(run(&out, (fc_slice){copy, text.len}));
  assert_int_equal(out.len, expected.len);
  if (out.len) assert_memory_equal(out.data, expected.data, out.len);
  test_free(copy);
  fc__buf_finish(&out);
}

#define assert_encodes(text, expected) check(fc__percent_encode, TEXT(text), TEXT(expected))
#define assert_decodes(text, expected) check(fc__percent_decode, TEXT(text), TEXT(expected))

static void printable_ascii_is_not_escaped(void **state) {
  (void)state;
  assert_encodes("", "");
  assert_encodes("! \"#$&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~",
                 "! \"#$&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~");
}

/* RFC 9113 section 8.2.1: a field value must not start or end with whitespace. */
static void blanks_at_the_ends_are_escaped(void **state) {
  (void)state;
  assert_encodes(" a ", "%20a%20");
  assert_encodes(" ", "%20");
  assert_encodes("  ", "%20%20");
  assert_encodes("   ", "%20 %20");
}

static void percent_and_other_bytes_are_escaped(void **state) {
  (void)state;
  assert_encodes("100%", "100%25");
  assert_encodes("a\r\nb\tc", "a%0D%0Ab%09c");
  assert_encodes("\x7f", "%7F");
  assert_encodes("\0", "%00");
  assert_encodes("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", "gr%C3%BC%C3%9F %F0%9F%98%80");
}

/* Hostile input 46: details that are not UTF-8 are cleaned. */
static void what_is_not_utf8_is_replaced_when_written(void **state) {
  (void)state;
  assert_encodes(
      "a\xff"
      "b",
      "a%EF%BF%BDb");
  assert_encodes("\xe2\x82", "%EF%BF%BD");
  assert_encodes("\xc0\xaf", "%EF%BF%BD%EF%BF%BD");
}

static void escapes_are_read_in_either_case(void **state) {
  (void)state;
  assert_decodes("", "");
  assert_decodes("plain text", "plain text");
  assert_decodes("100%25", "100%");
  assert_decodes("gr%C3%BC%c3%9f", "gr\xc3\xbc\xc3\x9f");
  assert_decodes("%F0%9F%98%80!", "\xf0\x9f\x98\x80!");
  assert_decodes("a%0D%0Ab", "a\r\nb");
}

/* Hostile input 50. PROTOCOL-HTTP2.md: implementations must not error or throw away the message; broken
 * encodings may stay as they are. */
static void broken_escapes_stay_as_they_are(void **state) {
  (void)state;
  assert_decodes("%", "%");
  assert_decodes("100%", "100%");
  assert_decodes("%2", "%2");
  assert_decodes("%zz", "%zz");
  assert_decodes("%2g%41", "%2gA");
  assert_decodes("%%41", "%A");
  assert_decodes("%-1", "%-1");
}

/* Hostile input 50: invalid UTF-8 and NUL. */
static void the_result_is_always_utf8_without_nul(void **state) {
  (void)state;
  assert_decodes("a%FFb", "a" REPLACEMENT "b");
  assert_decodes(
      "a\xff"
      "b",
      "a" REPLACEMENT "b");
  assert_decodes("%00", REPLACEMENT);
  assert_decodes("x\0y", "x" REPLACEMENT "y");
  assert_decodes("%E2%82", REPLACEMENT);
  assert_decodes("%E2%82x", REPLACEMENT "x");
  assert_decodes("%ED%A0%80", REPLACEMENT REPLACEMENT REPLACEMENT);
  assert_decodes("%C0%80", REPLACEMENT REPLACEMENT);
}

static void raw_and_escaped_bytes_make_one_character(void **state) {
  (void)state;
  assert_decodes("\xe2%82\xac", "\xe2\x82\xac");
  assert_decodes("gr\xc3\xbc", "gr\xc3\xbc");
}

static void what_is_written_is_read_again(void **state) {
  (void)state;
  struct fc__random r;
  fc__random_init(&r, 11);
  for (int i = 0; i < 2000; i++) {
    uint8_t text[24];
    size_t len = (size_t)fc__random_below(&r, sizeof text);
    for (size_t j = 0; j < len; j++) text[j] = (uint8_t)(1 + fc__random_below(&r, 127));
    struct fc__buf wire;
    fc__buf_init(&wire, 4096);
    assert_true(fc__percent_encode(&wire, (fc_slice){text, len}));
    check(fc__percent_decode, (fc_slice){wire.data, wire.len}, (fc_slice){text, len});
    fc__buf_finish(&wire);
  }
}

static void past_the_ceiling_nothing_is_appended(void **state) {
  (void)state;
  struct fc__buf out;
  fc__buf_init(&out, 8);
  assert_true(fc__buf_append(&out, "ab", 2));
  assert_false(fc__percent_encode(&out, TEXT("c%%%")));
  assert_int_equal(out.len, 2);
  assert_false(fc__percent_decode(&out, TEXT("cdef\xff\xff")));
  assert_int_equal(out.len, 2);
  fc__buf_finish(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(printable_ascii_is_not_escaped),
      cmocka_unit_test(blanks_at_the_ends_are_escaped),
      cmocka_unit_test(percent_and_other_bytes_are_escaped),
      cmocka_unit_test(what_is_not_utf8_is_replaced_when_written),
      cmocka_unit_test(escapes_are_read_in_either_case),
      cmocka_unit_test(broken_escapes_stay_as_they_are),
      cmocka_unit_test(the_result_is_always_utf8_without_nul),
      cmocka_unit_test(raw_and_escaped_bytes_make_one_character),
      cmocka_unit_test(what_is_written_is_read_again),
      cmocka_unit_test(past_the_ceiling_nothing_is_appended),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
