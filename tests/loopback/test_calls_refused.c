/* Bad arguments of calls: each is refused at once, with a sentence that says which and why, and nothing changes. */
#include "support/failing_alloc.h"
#include "support/stage.h"

static struct stage stage;

/* ---- starting a call ---- */

/* Tries to start a call in each way there is; all must refuse it with this result and that word in the text. */
static void expect_refused(fc_channel *channel, const char *method, const fc_call_options *options,
                           fc_result result, const char *word) {
  fc_error err = FC_ERROR_INIT;
  fc_call *call = (fc_call *)&stage;
  assert_int_equal(fc_channel_call(channel, method, options, &call, &err), result);
  assert_null(call);
  assert_int_equal(err.result, result);
  if (!strstr(err.message, word)) fail_msg("\"%s\" says nothing of \"%s\"", err.message, word);
  assert_int_equal(fc_channel_call(channel, method, options, &call, NULL), result);
}

static void expect_refused_by_all(fc_channel *channel, const char *method,
                                  const fc_call_options *options, const char *word) {
  fc_error err = FC_ERROR_INIT;
  fc_call *call = (fc_call *)&stage;
  fc_bytes *response = (fc_bytes *)&stage;
  expect_refused(channel, method, options, FC_ERR_INVALID, word);
  assert_int_equal(fc_unary_unary(channel, method, TEXT(""), options, &response, &call, &err),
                   FC_CODE_INVALID_ARGUMENT);
  assert_true(call == NULL && response == NULL);
  if (!strstr(err.message, word)) fail_msg("\"%s\" says nothing of \"%s\"", err.message, word);
  call = (fc_call *)&stage;
  assert_int_equal(fc_unary_unary_future(channel, method, TEXT(""), options, &call, &err),
                   FC_ERR_INVALID);
  assert_null(call);
  call = (fc_call *)&stage;
  assert_int_equal(fc_stream_stream(channel, method, options, &call, &err), FC_ERR_INVALID);
  assert_null(call);
}

static void methods_that_are_none(void **state) {
  (void)state;
  static const struct {
    const char *method, *word;
  } cases[] = {
      {NULL, "method is NULL"},
      {"", "method \"\""},
      {"service", "/package.Service/Method"},
      {"service/method", "\"service/method\""},
      {"/service", "\"/service\""},
      {"/service/", "\"/service/\""},
      {"//method", "\"//method\""},
      {"/service/me thod", "byte 0x20"},
      {"/service/me\nthod", "byte 0x0a"},
      {"/s\xc3\xa9rvice/method", "byte 0xc3"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_refused_by_all(stage.channel, cases[i].method, NULL, cases[i].word);
  static char endless[20000];
  memset(endless, 'm', sizeof endless - 1);
  memcpy(endless, "/s/", 3);
  expect_refused_by_all(stage.channel, endless, NULL, "19999 characters");
}

static void no_channel(void **state) {
  (void)state;
  expect_refused_by_all(NULL, "/t/Echo", NULL, "channel is NULL");
}

static void nowhere_to_put_the_call(void **state) {
  (void)state;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_channel_call(stage.channel, "/t/Echo", NULL, NULL, &err), FC_ERR_INVALID);
  assert_non_null(strstr(err.message, "NULL"));
  assert_int_equal(fc_unary_stream(stage.channel, "/t/Echo", TEXT(""), NULL, NULL, &err),
                   FC_ERR_INVALID);
  assert_non_null(strstr(err.message, "call is NULL"));
}

static void options_out_of_range(void **state) {
  (void)state;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.timeout_ns = -1;
  expect_refused_by_all(stage.channel, "/t/Echo", &options, "timeout_ns is -1");
  options.timeout_ns = INT64_MIN;
  expect_refused_by_all(stage.channel, "/t/Echo", &options, "timeout_ns is -9223372036854775808");
  options.timeout_ns = 0;
  for (int value = -1; value <= 4; value += 5) {
    options.compression = (fc_compression)value;
    expect_refused_by_all(stage.channel, "/t/Echo", &options, "compression");
    options.compression = FC_COMPRESSION_UNSET;
    options.wait_for_ready = (fc_wait_for_ready)value;
    expect_refused_by_all(stage.channel, "/t/Echo", &options, "wait_for_ready");
    options.wait_for_ready = FC_WAIT_FOR_READY_UNSET;
    options.pattern = (fc_pattern)value; /* the short functions know theirs */
    expect_refused(stage.channel, "/t/Echo", &options, FC_ERR_INVALID, "pattern");
    options.pattern = FC_PATTERN_STREAM_STREAM;
  }
}

/* A struct of a later version may come, as long as what this one does not know is unset. */
static void options_of_other_versions(void **state) {
  (void)state;
  struct {
    fc_call_options known;
    char unknown[24];
  } later = {.known = FC_CALL_OPTIONS_INIT};
  fc_call *call;
  later.known.size = sizeof later;
  assert_int_equal(fc_channel_call(stage.channel, "/t/Echo", &later.known, &call, NULL), FC_OK);
  fc_call_destroy(call);
  later.unknown[23] = 1;
  expect_refused_by_all(stage.channel, "/t/Echo", &later.known, "fc_call_options");
  for (size_t size = 0; size < sizeof size; size++) {
    later.known.size = size;
    expect_refused_by_all(stage.channel, "/t/Echo", &later.known, "fc_call_options");
  }
  later.known.size = 100000; /* not initialised */
  expect_refused_by_all(stage.channel, "/t/Echo", &later.known, "100000");
  /* An earlier one has less. */
  fc_call_options earlier = FC_CALL_OPTIONS_INIT;
  earlier.size = offsetof(fc_call_options, metadata);
  earlier.metadata = (fc_metadata *)1;
  earlier.credentials = (fc_call_credentials *)1;
  earlier.request = (fc_bytes *)1;
  earlier.hooks = (fc_call_hooks *)1;
  assert_int_equal(fc_channel_call(stage.channel, "/t/Echo", &earlier, &call, NULL), FC_OK);
  fc_call_destroy(call);
}

static void requests_that_do_not_fit(void **state) {
  (void)state;
  fc_error err = FC_ERROR_INIT;
  fc_call *call;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.request = stage_message(10);
  expect_refused(stage.channel, "/t/Echo", &options, FC_ERR_INVALID, "request");
  options.pattern = FC_PATTERN_STREAM_UNARY;
  expect_refused(stage.channel, "/t/Echo", &options, FC_ERR_INVALID, "request");
  assert_int_equal(fc_unary_unary(stage.channel, "/t/Echo", TEXT("x"), &options, NULL, &call, &err),
                   FC_CODE_INVALID_ARGUMENT);
  assert_non_null(strstr(err.message, "two requests"));
  fc_bytes_unref(options.request);
  options.request = stage_message(1001);
  options.pattern = FC_PATTERN_UNARY_UNARY;
  expect_refused(stage.channel, "/t/Echo", &options, FC_ERR_LIMIT, "1001");
  fc_bytes_unref(options.request);
  assert_int_equal(
      fc_unary_unary(stage.channel, "/t/Echo", (fc_slice){NULL, 5}, NULL, NULL, &call, &err),
      FC_CODE_INVALID_ARGUMENT);
  assert_non_null(strstr(err.message, "NULL"));
}

static void hooks_that_are_none(void **state) {
  (void)state;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  struct {
    fc_call_hooks known;
    char unknown[8];
  } later = {.known = FC_CALL_HOOKS_INIT};
  options.hooks = &later.known;
  later.known.size = 0;
  expect_refused_by_all(stage.channel, "/t/Echo", &options, "fc_call_hooks");
  later.known.size = sizeof later;
  later.unknown[0] = 1;
  expect_refused_by_all(stage.channel, "/t/Echo", &options, "fc_call_hooks");
  fc_call_hooks first = FC_CALL_HOOKS_INIT; /* good, but with a bad one behind */
  first.next = &later.known;
  options.hooks = &first;
  expect_refused_by_all(stage.channel, "/t/Echo", &options, "fc_call_hooks");
}

/* ---- metadata ---- */

static void keys_that_are_none(void **state) {
  (void)state;
  static const char *const keys[] = {
      "",           "UPPER",      "a b",   "a:b",     "k\xc3\xa9y",        ":path",
      "grpc-x",     "grpc-",      "te",    "host",    "content-type",      "content-length",
      "connection", "keep-alive", "key\n", "upgrade", "transfer-encoding", "proxy-connection"};
  fc_metadata *list = fc_metadata_create();
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    fc_error err = FC_ERROR_INIT;
    assert_int_equal(fc_metadata_add_string(list, keys[i], "value", &err), FC_ERR_INVALID);
    assert_true(strlen(err.message) > 5);
  }
  assert_int_equal(fc_metadata_add_string(list, NULL, "value", NULL), FC_ERR_INVALID);
  assert_int_equal(fc_metadata_add_string(NULL, "key", "value", NULL), FC_ERR_INVALID);
  assert_int_equal(fc_metadata_add(list, "key", (fc_slice){NULL, 1}, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_metadata_add(list, "key", TEXT("a\nb"), NULL), FC_ERR_INVALID);
  assert_int_equal(fc_metadata_count(list), 0);
  fc_metadata_destroy(list);
}

/* The server says how much it takes. */
static void more_metadata_than_the_server_takes(void **state) {
  (void)state;
  static char value[9000];
  fc_error err = FC_ERROR_INIT;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  fc_metadata *list = fc_metadata_create();
  memset(value, 'v', sizeof value - 1);
  assert_int_equal(fc_metadata_add_string(list, "one", value, NULL), FC_OK);
  assert_int_equal(fc_metadata_add_string(list, "two", value, NULL), FC_OK);
  options.metadata = list;
  assert_int_equal(fc_unary_unary(stage.channel, "/t/Echo", TEXT(""), &options, NULL, &call, &err),
                   FC_CODE_RESOURCE_EXHAUSTED);
  assert_non_null(strstr(err.message, "metadata"));
  assert_int_equal(fc_call_status(call)->origin, FC_ORIGIN_LOCAL);
  fc_call_destroy(call);
  fc_metadata_destroy(list);
}

/* ---- functions of a call ---- */

static void never_told(fc_call *call, void *user) {
  (void)call, (void)user;
  MUST(0 && "a refused call tells nobody");
}

static void never_sent(fc_call *call, fc_result result, void *user) {
  (void)result;
  never_told(call, user);
}

static void never_received(fc_call *call, fc_bytes *message, void *user) {
  (void)message;
  never_told(call, user);
}

static void functions_without_a_call(void **state) {
  (void)state;
  fc_bytes *message = stage_message(1), *out;
  const fc_metadata *list;
  char peer[10] = "?";
  assert_int_equal(fc_call_send(NULL, message, 0), FC_ERR_INVALID);
  assert_int_equal(fc_call_send_copy(NULL, TEXT("x"), 0), FC_ERR_INVALID);
  assert_int_equal(fc_call_send_async(NULL, message, 0, never_sent, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_close_send(NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_recv(NULL, &out), FC_ERR_INVALID);
  assert_int_equal(fc_call_recv_async(NULL, never_received, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_wait(NULL, 0), FC_ERR_INVALID);
  assert_int_equal(fc_call_on_done(NULL, never_told, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_initial_metadata(NULL, 0, &list), FC_ERR_INVALID);
  assert_int_equal(fc_call_on_initial_metadata(NULL, never_told, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_send_initial_metadata(NULL, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_set_trailing_metadata(NULL, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_set_compression(NULL, FC_COMPRESSION_GZIP), FC_ERR_INVALID);
  assert_int_equal(fc_call_finish(NULL, FC_CODE_OK, NULL, FC_SLICE_EMPTY), FC_ERR_INVALID);
  assert_int_equal(fc_call_respond(NULL, message), FC_ERR_INVALID);
  assert_int_equal(fc_call_add_hooks(NULL, &(fc_call_hooks)FC_CALL_HOOKS_INIT), FC_ERR_INVALID);
  assert_null(fc_call_trailing_metadata(NULL));
  assert_int_equal(fc_call_status(NULL)->code, FC_CODE_INVALID_ARGUMENT);
  assert_int_equal(fc_call_time_remaining(NULL), 0);
  assert_string_equal(fc_call_method(NULL), "");
  assert_true(fc_call_is_done(NULL));
  fc_call_peer(NULL, peer, sizeof peer);
  assert_string_equal(peer, "");
  fc_call_peer(NULL, NULL, 10);
  fc_call_cancel(NULL, FC_CODE_OK, NULL);
  fc_call_destroy(NULL);
  fc_bytes_unref(message);
}

static void functions_without_their_arguments(void **state) {
  (void)state;
  fc_bytes *message = stage_message(1);
  const fc_metadata *list;
  fc_call *call = stage_call(&stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, NULL);
  assert_int_equal(fc_call_send(call, NULL, 0), FC_ERR_INVALID);
  assert_int_equal(fc_call_send(call, message, 16), FC_ERR_INVALID);
  assert_int_equal(fc_call_send_copy(call, (fc_slice){NULL, 1}, 0), FC_ERR_INVALID);
  assert_int_equal(fc_call_send_async(call, NULL, 0, never_sent, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_send_async(call, message, 0, NULL, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_recv(call, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_recv_async(call, NULL, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_wait(call, -1), FC_ERR_INVALID);
  assert_int_equal(fc_call_on_done(call, NULL, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_initial_metadata(call, 0, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_initial_metadata(call, -1, &list), FC_ERR_INVALID);
  assert_int_equal(fc_call_on_initial_metadata(call, NULL, NULL), FC_ERR_INVALID);
  fc_call_peer(call, NULL, 10);
  /* It still works. */
  assert_int_equal(fc_call_send(call, message, 0), FC_OK);
  stage_expect(call, "b");
  assert_int_equal(fc_call_close_send(call), FC_OK);
  stage_expect_end(call, FC_CODE_OK);
}

static void a_server_s_functions_on_a_client_s_call(void **state) {
  (void)state;
  fc_bytes *message = stage_message(1);
  fc_call *call = stage_call(&stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, NULL);
  assert_int_equal(fc_call_send_initial_metadata(call, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_set_trailing_metadata(call, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_call_set_compression(call, FC_COMPRESSION_GZIP), FC_ERR_INVALID);
  assert_int_equal(fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY), FC_ERR_INVALID);
  assert_int_equal(fc_call_respond(call, message), FC_ERR_INVALID);
  assert_int_equal(fc_call_add_hooks(call, &(fc_call_hooks)FC_CALL_HOOKS_INIT), FC_ERR_INVALID);
  fc_bytes_unref(message);
  fc_call_destroy(call);
}

/* The handler itself checks what is refused on its side. */
static void try_everything(fc_call *call, void *user) {
  fc_call_hooks bad = {0};
  (void)user;
  MUST(fc_call_close_send(call) == FC_ERR_INVALID);
  MUST(fc_call_respond(call, NULL) == FC_ERR_INVALID);
  MUST(fc_call_set_compression(call, (fc_compression)4) == FC_ERR_INVALID);
  MUST(fc_call_set_compression(call, (fc_compression)-1) == FC_ERR_INVALID);
  MUST(fc_call_add_hooks(call, NULL) == FC_ERR_INVALID);
  MUST(fc_call_add_hooks(call, &bad) == FC_ERR_INVALID);
  MUST(fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){NULL, 1}) == FC_ERR_INVALID);
  MUST(fc_call_send_initial_metadata(call, NULL) == FC_OK);
  MUST(fc_call_set_compression(call, FC_COMPRESSION_GZIP) == FC_ERR_BUSY);
  MUST(!fc_call_is_done(call));
  MUST(fc_call_finish(call, (fc_code)17, "no such", FC_SLICE_EMPTY) == FC_ERR_INVALID);
  MUST(fc_call_is_done(call));
  MUST(fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY) == FC_ERR_CLOSED);
  MUST(fc_call_send_initial_metadata(call, NULL) == FC_ERR_CLOSED);
}

static void a_handler_s_arguments(void **state) {
  (void)state;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_unary_unary(stage.channel, "/t/Try", TEXT(""), NULL, NULL, NULL, &err),
                   FC_CODE_UNKNOWN);
  assert_non_null(strstr(err.message, "17"));
}

static int set_up(void **state) {
  (void)state;
  stage_open(&stage, NULL);
  stage.options.max_send_message_bytes = 1000;
  stage_serve(&stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo, NULL);
  stage_serve(&stage, "/t/Try", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, try_everything, NULL);
  stage_start(&stage);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  stage_close(&stage);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(methods_that_are_none),
      cmocka_unit_test(no_channel),
      cmocka_unit_test(nowhere_to_put_the_call),
      cmocka_unit_test(options_out_of_range),
      cmocka_unit_test(options_of_other_versions),
      cmocka_unit_test(requests_that_do_not_fit),
      cmocka_unit_test(hooks_that_are_none),
      cmocka_unit_test(keys_that_are_none),
      cmocka_unit_test(more_metadata_than_the_server_takes),
      cmocka_unit_test(functions_without_a_call),
      cmocka_unit_test(functions_without_their_arguments),
      cmocka_unit_test(a_server_s_functions_on_a_client_s_call),
      cmocka_unit_test(a_handler_s_arguments),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
