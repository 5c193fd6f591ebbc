/* grpc-timeout. Spec: PROTOCOL-HTTP2.md, Timeout: TimeoutValue of at most 8 digits, TimeoutUnit */
#include "wire/timeout.h"

#include "base/random.h"
#include "support/check.h"

static void check_encoded(int64_t ns, const char *expected) {
  char out[FC__TIMEOUT_TEXT_MAX + 1] = "";
  size_t len = fc__timeout_encode(ns, out);
  assert_true(len <= FC__TIMEOUT_TEXT_MAX);
  out[len] = '\0';
  assert_string_equal(out, expected);
}

static void check_decoded(fc_slice text, int64_t expected) {
  uint8_t *copy = exact_copy(text);
  int64_t ns = -1;
  assert_true(fc__timeout_decode((fc_slice){copy, text.len}, &ns));
  assert_true(ns == expected);
  test_free(copy);
}

static void check_refused(fc_slice text) {
  uint8_t *copy = exact_copy(text);
  int64_t ns = -1;
  assert_false(fc__timeout_decode((fc_slice){copy, text.len}, &ns));
  assert_true(ns == -1);
  test_free(copy);
}

static void exact_values_take_the_coarsest_unit(void **state) {
  (void)state;
  check_encoded(1, "1n");
  check_encoded(99999999, "99999999n");
  check_encoded(FC_MICROSECOND, "1u");
  check_encoded(1500 * FC_MILLISECOND, "1500m");
  check_encoded(FC_SECOND, "1S");
  check_encoded(90 * FC_SECOND, "90S");
  check_encoded(60 * FC_SECOND, "1M");
  check_encoded(3600 * FC_SECOND, "1H");
  check_encoded(90 * 60 * FC_SECOND, "90M");
}

/* A deadline told too early would end a call that still has time. */
static void values_of_more_than_eight_digits_are_rounded_up(void **state) {
  (void)state;
  check_encoded(100000001, "100001u");
  check_encoded(INT64_C(99999999001), "100S");
  check_encoded(INT64_C(12345678901), "12345679u");
  check_encoded(INT64_C(123456789012), "123457m");
  check_encoded(FC_NEVER, "2562048H");
}

static void a_timeout_that_is_over_is_the_shortest(void **state) {
  (void)state;
  check_encoded(0, "1n");
  check_encoded(-1, "1n");
  check_encoded(INT64_MIN, "1n");
}

static void every_unit_is_read(void **state) {
  (void)state;
  check_decoded(TEXT("1n"), 1);
  check_decoded(TEXT("2u"), 2 * FC_MICROSECOND);
  check_decoded(TEXT("3m"), 3 * FC_MILLISECOND);
  check_decoded(TEXT("4S"), 4 * FC_SECOND);
  check_decoded(TEXT("5M"), 300 * FC_SECOND);
  check_decoded(TEXT("6H"), 21600 * FC_SECOND);
  check_decoded(TEXT("0S"), 0);
  check_decoded(TEXT("00000001S"), FC_SECOND);
  check_decoded(TEXT("99999999S"), 99999999 * FC_SECOND);
}

/* Hostile input 33: overflow and more than 8 digits are very long, never wrapped. */
static void huge_values_never_wrap(void **state) {
  (void)state;
  check_decoded(TEXT("99999999H"), FC_NEVER);
  check_decoded(TEXT("2562048H"), FC_NEVER);
  check_decoded(TEXT("2562047H"), INT64_C(2562047) * 3600 * FC_SECOND);
  check_decoded(TEXT("99999999M"), INT64_C(99999999) * 60 * FC_SECOND);
  check_decoded(TEXT("100000000n"), FC_NEVER);
  check_decoded(TEXT("000000001S"), FC_NEVER);
  check_decoded(TEXT("18446744073709551617n"), FC_NEVER);
}

/* Hostile input 33: empty, no unit, bad unit, sign. */
static void malformed_values_are_refused(void **state) {
  (void)state;
  check_refused(TEXT(""));
  check_refused(TEXT("S"));
  check_refused(TEXT("1"));
  check_refused(TEXT("15"));
  check_refused(TEXT("1s"));
  check_refused(TEXT("1h"));
  check_refused(TEXT("1x"));
  check_refused(TEXT("1\0"));
  check_refused(TEXT("-1S"));
  check_refused(TEXT("+1S"));
  check_refused(TEXT("1.5S"));
  check_refused(TEXT(" 1S"));
  check_refused(TEXT("1 S"));
  check_refused(TEXT("1S "));
  check_refused(TEXT("0x1S"));
  check_refused(TEXT("1SS"));
  check_refused(TEXT("1234567890123x5S"));
}

static void what_is_written_is_read_as_no_shorter(void **state) {
  (void)state;
  struct fc__random r;
  fc__random_init(&r, 5);
  for (int i = 0; i < 20000; i++) {
    int64_t ns = (int64_t)(fc__random_next(&r) >> 1 >> fc__random_below(&r, 63)), read;
    char out[FC__TIMEOUT_TEXT_MAX];
    size_t len = fc__timeout_encode(ns, out);
    assert_true(fc__timeout_decode((fc_slice){(uint8_t *)out, len}, &read));
    assert_true(read >= ns);
    /* Eight digits are too few only from 10^8 of a unit; the next is at most 1000 times coarser. */
    assert_true(read == FC_NEVER || read == (ns ? ns : 1) || read - ns <= ns / 100000);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exact_values_take_the_coarsest_unit),
      cmocka_unit_test(values_of_more_than_eight_digits_are_rounded_up),
      cmocka_unit_test(a_timeout_that_is_over_is_the_shortest),
      cmocka_unit_test(every_unit_is_read),
      cmocka_unit_test(huge_values_never_wrap),
      cmocka_unit_test(malformed_values_are_refused),
      cmocka_unit_test(what_is_written_is_read_as_no_shorter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
