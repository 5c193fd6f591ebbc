/* Errors fill the caller's struct; option structs grow without breaking old callers. */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>

#include "support/check.h"

static void a_result_has_name_and_text(void **state) {
  (void)state;
  assert_string_equal(fc_result_text(FC_ERR_BUSY),
                      "FC_ERR_BUSY: an operation of this kind is already pending");
  assert_string_equal(fc_result_text(FC_OK), "FC_OK: success");
  assert_string_equal(fc_result_text(12345), "unknown result");
}

static void the_error_says_what_happened(void **state) {
  (void)state;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc__error(&err, FC_ERR_LIMIT, "%d of %s", 7, "these"), FC_ERR_LIMIT);
  assert_int_equal(err.result, FC_ERR_LIMIT);
  assert_int_equal(err.system, 0);
  assert_string_equal(err.message, "7 of these");
}

static void a_null_error_is_fine(void **state) {
  (void)state;
  assert_int_equal(fc__error(NULL, FC_ERR_CLOSED, "gone"), FC_ERR_CLOSED);
  assert_int_equal(fc__error_system(NULL, EPERM, "bind"), FC_ERR_SYSTEM);
  assert_int_equal(fc__error_no_memory(NULL), FC_ERR_NO_MEMORY);
}

static void a_system_error_names_the_errno(void **state) {
  (void)state;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc__error_system(&err, ENOENT, "cannot open %s", "/x"), FC_ERR_SYSTEM);
  assert_int_equal(err.system, ENOENT);
  assert_string_equal(err.message, "cannot open /x: No such file or directory");
}

static void an_unknown_errno_has_a_text_too(void **state) {
  (void)state;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc__error_system(&err, 99999, "read"), FC_ERR_SYSTEM);
  assert_true(strlen(err.message) > strlen("read: "));
}

static void a_long_text_is_cut(void **state) {
  (void)state;
  char text[600];
  memset(text, 'a', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc__error(&err, FC_ERR_INVALID, "%s", text), FC_ERR_INVALID);
  assert_int_equal(strlen(err.message), sizeof err.message - 1);
  assert_int_equal(fc__error_system(&err, ENOENT, "%s", text), FC_ERR_SYSTEM);
  assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

/* Shifts a four-byte character over the end of the message, byte by byte. */
static void a_text_is_never_cut_inside_a_character(void **state) {
  (void)state;
  for (int before = 248; before <= 256; before++) {
    char text[300];
    memset(text, 'a', (size_t)before);
    strcpy(text + before,
           "\xf0\x9f\x98\x80"
           "z");
    fc_error err = FC_ERROR_INIT;
    assert_int_equal(fc__error(&err, FC_ERR_INVALID, "%s", text), FC_ERR_INVALID);
    size_t len = strlen(err.message);
    bool fits_whole = before + 4 <= 255;
    size_t expected = (size_t)before + (fits_whole ? 4 + (before + 5 <= 255) : 0);
    if (expected > 255) expected = 255;
    assert_int_equal(len, expected);
  }
}

struct old_options {
  size_t size;
  int a;
  int b;
};

struct new_options {
  size_t size;
  int a, b;
  int c, d;
};

static void no_options_are_all_defaults(void **state) {
  (void)state;
  struct new_options copy;
  memset(&copy, 0xff, sizeof copy);
  assert_int_equal(fc__options_read(&copy, sizeof copy, NULL, "options", NULL), FC_OK);
  assert_int_equal(copy.size, sizeof copy);
  assert_int_equal(copy.a, 0);
  assert_int_equal(copy.d, 0);
}

static void options_of_an_older_caller_leave_new_fields_zero(void **state) {
  (void)state;
  struct old_options from = {sizeof from, 1, 2};
  struct new_options copy;
  assert_int_equal(fc__options_read(&copy, sizeof copy, &from, "options", NULL), FC_OK);
  assert_int_equal(copy.size, sizeof copy);
  assert_int_equal(copy.b, 2);
  assert_int_equal(copy.c, 0);
}

static void options_of_a_newer_caller_are_read_while_the_rest_is_zero(void **state) {
  (void)state;
  struct new_options from = {.size = sizeof from, .a = 1, .b = 2};
  struct old_options copy;
  assert_int_equal(fc__options_read(&copy, sizeof copy, &from, "options", NULL), FC_OK);
  assert_int_equal(copy.size, sizeof copy);
  assert_int_equal(copy.a, 1);
}

static void an_unknown_option_that_is_set_is_refused(void **state) {
  (void)state;
  struct new_options from = {.size = sizeof from, .d = 1};
  struct old_options copy;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc__options_read(&copy, sizeof copy, &from, "fc_x_options", &err),
                   FC_ERR_INVALID);
  char expected[80];
  snprintf(expected, sizeof expected, "fc_x_options: an option at byte %zu is not known",
           offsetof(struct new_options, d));
  assert_non_null(strstr(err.message, expected));
}

static void a_size_that_cannot_be_is_refused(void **state) {
  (void)state;
  const size_t sizes[] = {0, sizeof(size_t) - 1, 1u << 20, SIZE_MAX};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    struct old_options from = {sizes[i], 1, 2}, copy;
    assert_int_equal(fc__options_read(&copy, sizeof copy, &from, "o", NULL), FC_ERR_INVALID);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_result_has_name_and_text),
      cmocka_unit_test(the_error_says_what_happened),
      cmocka_unit_test(a_null_error_is_fine),
      cmocka_unit_test(a_system_error_names_the_errno),
      cmocka_unit_test(an_unknown_errno_has_a_text_too),
      cmocka_unit_test(a_long_text_is_cut),
      cmocka_unit_test(a_text_is_never_cut_inside_a_character),
      cmocka_unit_test(no_options_are_all_defaults),
      cmocka_unit_test(options_of_an_older_caller_leave_new_fields_zero),
      cmocka_unit_test(options_of_a_newer_caller_are_read_while_the_rest_is_zero),
      cmocka_unit_test(an_unknown_option_that_is_set_is_refused),
      cmocka_unit_test(a_size_that_cannot_be_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
