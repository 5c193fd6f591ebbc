/* Status codes: their names, and what stands for them elsewhere. */
#include "wire/status_map.h"

#include "support/check.h"

static void codes_have_names(void **state) {
  (void)state;
  assert_string_equal(fc_code_name(FC_CODE_OK), "OK");
  assert_string_equal(fc_code_name(FC_CODE_DEADLINE_EXCEEDED), "DEADLINE_EXCEEDED");
  assert_string_equal(fc_code_name(FC_CODE_UNAUTHENTICATED), "UNAUTHENTICATED");
  assert_string_equal(fc_code_name((fc_code)17), "UNKNOWN");
}

/* Hostile input 47. Spec: doc/http-grpc-status-mapping.md */
static void http_statuses_map_as_the_table_says(void **state) {
  (void)state;
  static const struct {
    int http;
    fc_code code;
  } table[] = {
      {400, FC_CODE_INTERNAL},
      {401, FC_CODE_UNAUTHENTICATED},
      {403, FC_CODE_PERMISSION_DENIED},
      {404, FC_CODE_UNIMPLEMENTED},
      {429, FC_CODE_UNAVAILABLE},
      {502, FC_CODE_UNAVAILABLE},
      {503, FC_CODE_UNAVAILABLE},
      {504, FC_CODE_UNAVAILABLE},
      {200, FC_CODE_UNKNOWN},
      {100, FC_CODE_UNKNOWN},
      {302, FC_CODE_UNKNOWN},
      {415, FC_CODE_UNKNOWN},
      {500, FC_CODE_UNKNOWN},
      {800, FC_CODE_UNKNOWN},
      {0, FC_CODE_UNKNOWN},
      {-1, FC_CODE_UNKNOWN},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    assert_int_equal(fc__code_from_http(table[i].http), table[i].code);
  }
}

/* Hostile input 55. Spec: PROTOCOL-HTTP2.md, Errors */
static void resets_map_as_the_table_says(void **state) {
  (void)state;
  static const fc_code table[] = {
      [0] = FC_CODE_INTERNAL,           [1] = FC_CODE_INTERNAL,
      [2] = FC_CODE_INTERNAL,           [3] = FC_CODE_INTERNAL,
      [4] = FC_CODE_INTERNAL,           [5] = FC_CODE_INTERNAL,
      [6] = FC_CODE_INTERNAL,           [7] = FC_CODE_UNAVAILABLE,
      [8] = FC_CODE_CANCELLED,          [9] = FC_CODE_INTERNAL,
      [10] = FC_CODE_INTERNAL,          [11] = FC_CODE_RESOURCE_EXHAUSTED,
      [12] = FC_CODE_PERMISSION_DENIED, [13] = FC_CODE_INTERNAL,
      [14] = FC_CODE_INTERNAL,
  };
  for (uint32_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    assert_int_equal(fc__code_from_h2(i), table[i]);
  }
  assert_int_equal(fc__code_from_h2(UINT32_MAX), FC_CODE_INTERNAL);
}

static void every_code_is_read(void **state) {
  (void)state;
  for (int i = 0; i <= 16; i++) {
    char text[3] = {(char)('0' + i % 10)};
    if (i >= 10) text[0] = '1', text[1] = (char)('0' + i % 10);
    fc_code code = FC_CODE_UNKNOWN;
    assert_true(fc__code_parse(fc_slice_from_string(text), &code));
    assert_int_equal(code, i);
  }
}

/* Hostile input 48: not a number, negative, larger than 16, leading zeros. */
static void what_is_no_code_is_unknown(void **state) {
  (void)state;
  const fc_slice texts[] = {
      TEXT(""),    TEXT("17"),  TEXT("99"), TEXT("100"), TEXT("00"),         TEXT("01"),
      TEXT("-1"),  TEXT("+1"),  TEXT(" 1"), TEXT("1 "),  TEXT("a"),          TEXT("OK"),
      TEXT("1\0"), TEXT("0x1"), TEXT("/"),  TEXT("1.0"), TEXT("4294967296"), TEXT("\xff"),
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    fc_code code = FC_CODE_OK;
    assert_false(fc__code_parse(texts[i], &code));
    assert_int_equal(code, FC_CODE_UNKNOWN);
  }
}

#define DETAILS(literal) literal, sizeof(literal) - 1

/* A google.rpc.Status, and the code in it; -1: none can be read. */
static const struct {
  const char *bytes;
  size_t len;
  int code;
} details[] = {
    {DETAILS(""), -1},
    {DETAILS("\x08\x05"), 5},
    {DETAILS("\x08\x05\x12\1x"), 5},
    {DETAILS("\x12\2\x08\x03\x08\x05"), 5}, /* behind a text that looks like one */
    {DETAILS("\x08\x03\x08\x05"), 5},       /* the last counts */
    {DETAILS("\x08\x85\x80\x00"), 5},       /* padded */
    {DETAILS("\x21"
             "12345678"
             "\x2d"
             "1234"
             "\x08\x05"),
     5},                          /* fixed64 and fixed32 */
    {DETAILS("\x08\x05\x08"), 5}, /* cut */
    {DETAILS("\x08\x05\x12\x7f"
             "short"),
     5},
    {DETAILS("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 99}, /* -1 */
    {DETAILS("\x08"), -1},
    {DETAILS("\x0b\x08\x05"), -1}, /* a group: not in this message, nothing is read behind it */
    {DETAILS("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x08\x05"), -1},
    {DETAILS("no message"), -1},
};

static void details_agree_with_their_own_code_only(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof details / sizeof details[0]; i++) {
    fc_slice bytes = {(const uint8_t *)details[i].bytes, details[i].len};
    for (int code = 0; code <= 16; code++) {
      bool agree = details[i].code == -1 || details[i].code == code;
      assert_int_equal(fc__details_agree(bytes, (fc_code)code), agree);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codes_have_names),
      cmocka_unit_test(http_statuses_map_as_the_table_says),
      cmocka_unit_test(resets_map_as_the_table_says),
      cmocka_unit_test(every_code_is_read),
      cmocka_unit_test(what_is_no_code_is_unknown),
      cmocka_unit_test(details_agree_with_their_own_code_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
