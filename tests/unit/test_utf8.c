/* Spec: RFC 3629; Unicode 15, section 3.9 */
#include "base/utf8.h"

#include "support/check.h"

static void check(fc_slice text, size_t len, bool valid) {
  uint8_t *copy = exact_copy(text);
  bool found;
  assert_int_equal(fc__utf8_next((fc_slice){copy, text.len}, &found), len);
  assert_int_equal(found, valid);
  test_free(copy);
}

static void characters_of_every_length_are_valid(void **state) {
  (void)state;
  check(TEXT("\0"), 1, true);
  check(TEXT("az"), 1, true);
  check(TEXT("\xc2\x80"), 2, true);
  check(TEXT("\xdf\xbfz"), 2, true);
  check(TEXT("\xe0\xa0\x80"), 3, true);
  check(TEXT("\xed\x9f\xbf"), 3, true);
  check(TEXT("\xf0\x90\x80\x80"), 4, true);
  check(TEXT("\xf4\x8f\xbf\xbf"), 4, true);
}

/* RFC 3629 section 10: a lenient decoder lets "/" or NUL through as C0 AF, C0 80. */
static void overlong_forms_are_invalid(void **state) {
  (void)state;
  check(TEXT("\xc0\xaf"), 1, false);
  check(TEXT("\xc1\x80"), 1, false);
  check(TEXT("\xe0\x9f\xbf"), 1, false);
  check(TEXT("\xf0\x8f\xbf\xbf"), 1, false);
}

static void surrogates_and_values_past_the_end_are_invalid(void **state) {
  (void)state;
  check(TEXT("\xed\xa0\x80"), 1, false);
  check(TEXT("\xf4\x90\x80\x80"), 1, false);
  check(TEXT("\xf5\x80\x80\x80"), 1, false);
  check(TEXT("\xff"), 1, false);
}

/* Unicode section 3.9, U+FFFD substitution of maximal subparts. */
static void a_broken_character_ends_where_it_breaks(void **state) {
  (void)state;
  check(TEXT("\x80"), 1, false);
  check(TEXT("\xe2\x82"), 2, false);
  check(TEXT("\xe2\x82z"), 2, false);
  check(TEXT("\xf0\x9f\x98"), 3, false);
  check(TEXT("\xf0\x9fz"), 2, false);
  check(TEXT("\xc3"), 1, false);
}

static void a_text_is_cut_between_characters(void **state) {
  (void)state;
  fc_slice text = TEXT("a\xe2\x82\xacz");
  assert_int_equal(fc__utf8_cut(text, 9), 5);
  assert_int_equal(fc__utf8_cut(text, 5), 5);
  assert_int_equal(fc__utf8_cut(text, 4), 4);
  assert_int_equal(fc__utf8_cut(text, 3), 1);
  assert_int_equal(fc__utf8_cut(text, 2), 1);
  assert_int_equal(fc__utf8_cut(text, 1), 1);
  assert_int_equal(fc__utf8_cut(text, 0), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(characters_of_every_length_are_valid),
      cmocka_unit_test(overlong_forms_are_invalid),
      cmocka_unit_test(surrogates_and_values_past_the_end_are_invalid),
      cmocka_unit_test(a_broken_character_ends_where_it_breaks),
      cmocka_unit_test(a_text_is_cut_between_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
