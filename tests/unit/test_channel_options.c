/* Options of a channel that make no sense are refused with a sentence that names them. */
#include "farcall/channel.h"
#include "farcall/credentials.h"
#include "support/check.h"

static fc_channel_options options;

static void expect_error(const char *part) {
  fc_channel *channel = NULL;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_channel_create("a:1", &options, &channel, &err), FC_ERR_INVALID);
  assert_null(channel);
  assert_int_equal(err.result, FC_ERR_INVALID);
  if (!strstr(err.message, part)) fail_msg("\"%s\" is not in \"%s\"", part, err.message);
  assert_int_equal(fc_channel_create("a:1", &options, &channel, NULL), FC_ERR_INVALID);
  options = (fc_channel_options)FC_CHANNEL_OPTIONS_INIT;
}

static void expect_success(void) {
  fc_channel *channel;
  fc_error err = FC_ERROR_INIT;
  if (fc_channel_create("a:1", &options, &channel, &err) != FC_OK) fail_msg("%s", err.message);
  assert_int_equal(fc_channel_state(channel, false), FC_CONNECTIVITY_IDLE);
  fc_channel_destroy(channel);
  options = (fc_channel_options)FC_CHANNEL_OPTIONS_INIT;
}

static int fresh(void **state) {
  (void)state;
  options = (fc_channel_options)FC_CHANNEL_OPTIONS_INIT;
  return 0;
}

static void defaults_are_fine(void **state) {
  (void)state;
  expect_success();
  fc_channel *channel;
  assert_int_equal(fc_channel_create("a:1", NULL, &channel, NULL), FC_OK);
  fc_channel_destroy(channel);
  fc_channel_destroy(NULL);
  fc_channel_close(NULL);
}

static void missing_arguments_are_refused(void **state) {
  (void)state;
  fc_channel *channel;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_channel_create(NULL, NULL, &channel, &err), FC_ERR_INVALID);
  assert_int_equal(fc_channel_create("a:1", NULL, NULL, &err), FC_ERR_INVALID);
  assert_int_equal(fc_channel_create("a:b", NULL, &channel, &err), FC_ERR_INVALID);
  assert_non_null(strstr(err.message, "port \"b\""));
  options.size = 0;
  expect_error("fc_channel_options");
}

static void times_are_not_negative(void **state) {
  (void)state;
  options.connect_timeout_ns = -1;
  expect_error("connect_timeout_ns is -1");
  options.min_backoff_ns = -2;
  expect_error("min_backoff_ns is -2");
  options.max_backoff_ns = -3;
  expect_error("max_backoff_ns is -3");
  options.keepalive_time_ns = -4;
  expect_error("keepalive_time_ns is -4");
  options.keepalive_timeout_ns = -5;
  expect_error("keepalive_timeout_ns is -5");
  options.idle_timeout_ns = -6;
  expect_error("idle_timeout_ns is -6");
}

static void the_backoffs_are_in_order(void **state) {
  (void)state;
  options.min_backoff_ns = 2;
  options.max_backoff_ns = 1;
  expect_error("more than max_backoff_ns");
  options.min_backoff_ns = 1000 * FC_SECOND; /* more than the default of the other */
  expect_success();
  options.max_backoff_ns = FC_MILLISECOND;
  expect_success();
}

static void choices_are_known(void **state) {
  (void)state;
  options.wait_for_ready = (fc_wait_for_ready)3;
  expect_error("wait_for_ready is 3");
  options.compression = (fc_compression)-1;
  expect_error("compression is -1");
  options.initial_window_bytes = UINT32_C(1) << 31;
  expect_error("initial_window_bytes is 2147483648");
}

static void texts_fit_into_headers(void **state) {
  (void)state;
  options.authority = "";
  expect_error("authority has 0 characters");
  options.authority = "a b";
  expect_error("authority has the byte 0x20 at 1");
  options.authority = "a\r\nb";
  expect_error("authority has the byte 0x0d at 1");
  options.user_agent = "a\x7f";
  expect_error("user_agent has the byte 0x7f at 1");
  options.tls_target_name = "";
  expect_error("tls_target_name has 0 characters");
  options.tls_target_name = "a\r\nb";
  expect_error("tls_target_name has the byte 0x0d at 1");
  options.user_agent = "\xc3\xa4";
  expect_error("user_agent has the byte 0xc3 at 0");
  options.authority = "example.test:443";
  options.user_agent = "a/1 b/2";
  options.user_agent_suffix = "c\n";
  expect_error("user_agent_suffix has the byte 0x0a at 1");
  options.authority = "example.test:443";
  options.user_agent = "a/1 b/2";
  options.user_agent_suffix = "c/3";
  expect_success();
}

static fc_result pass(fc_next *next, const char *method, const fc_call_options *o, fc_call **out,
                      fc_error *err, void *user) {
  (void)user;
  return fc_next_call(next, method, o, out, err);
}

static void interceptors_are_functions(void **state) {
  (void)state;
  fc_interceptor list[] = {{pass, NULL}, {NULL, NULL}};
  options.interceptor_count = 1;
  expect_error("interceptors is NULL");
  options.interceptors = list;
  options.interceptor_count = 2;
  expect_error("interceptors[1].call is NULL");
  options.interceptors = list;
  options.interceptor_count = SIZE_MAX;
  expect_error("interceptor_count");
  options.interceptors = list;
  options.interceptor_count = 1;
  expect_success();
}

static void tokens_are_checked_and_not_told(void **state) {
  (void)state;
  fc_call_credentials *c;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_call_credentials_from_token(NULL, &c, &err), FC_ERR_INVALID);
  assert_int_equal(fc_call_credentials_from_token("", &c, &err), FC_ERR_INVALID);
  assert_int_equal(fc_call_credentials_from_token("secret\n", &c, &err), FC_ERR_INVALID);
  assert_null(strstr(err.message, "secret"));
  assert_null(c);
  assert_int_equal(fc_call_credentials_from_token("a", NULL, &err), FC_ERR_INVALID);
  assert_int_equal(fc_call_credentials_from_token("secret", &c, &err), FC_OK);
  fc_call_credentials_destroy(c);
  fc_call_credentials_destroy(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(defaults_are_fine, fresh),
      cmocka_unit_test_setup(missing_arguments_are_refused, fresh),
      cmocka_unit_test_setup(times_are_not_negative, fresh),
      cmocka_unit_test_setup(the_backoffs_are_in_order, fresh),
      cmocka_unit_test_setup(choices_are_known, fresh),
      cmocka_unit_test_setup(texts_fit_into_headers, fresh),
      cmocka_unit_test_setup(interceptors_are_functions, fresh),
      cmocka_unit_test_setup(tokens_are_checked_and_not_told, fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
