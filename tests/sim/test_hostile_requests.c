/*
 * Requests that are not what they should be, to a server: rows 29 to 32 of the table of hostile
 * inputs. Each gets one answer, no handler sees it unless it may, and the connection serves the
 * next call.
 */
#include <stdio.h>

#include "sim/request_world.h"

#define WITHOUT_TYPE REQUEST_HEAD("/t/Answer")

/* ---- row 29: content-type ---- */

static void expect_415(const char *fields) {
  requests_ask(fields);
  assert_non_null(strstr(requests.said, ":status=415 content-type=text/plain"));
  assert_int_equal(raw_end_count(requests.said, "grpc-status"), 0);
  assert_true(requests_data_len() > 0);
  assert_int_equal(requests.rig.begun, requests.begun);
  requests_expect_good_call();
}

static void row_29_what_is_not_grpc_gets_http_status_415(void **state) {
  (void)state;
  expect_415(WITHOUT_TYPE);
  expect_415(WITHOUT_TYPE "content-type: image/jpeg\n");
  expect_415(WITHOUT_TYPE "content-type: application/json\n");
  expect_415(WITHOUT_TYPE "content-type: application/grpc-web\n");
  expect_415(WITHOUT_TYPE "content-type: application/grpcx\n");
  expect_415(WITHOUT_TYPE "content-type: application/grp\n");
  expect_415(WITHOUT_TYPE "content-type: \n");
  expect_415(":method: GET\n:scheme: https\n:path: /\n:authority: a\nuser-agent: browser\n");
}

static void row_29_a_request_of_headers_alone_gets_415_too(void **state) {
  (void)state;
  requests_begin(WITHOUT_TYPE, 0);
  h2_put_frame(&requests.end.peer, FC__H2_DATA, FC__H2_END_STREAM, requests.id, TEXT(""));
  requests_go();
  assert_non_null(strstr(requests.said, ":status=415"));
  requests_begin(WITHOUT_TYPE, FC__H2_END_STREAM);
  requests_go();
  assert_non_null(strstr(requests.said, ":status=415"));
  requests_expect_good_call();
}

static void row_29_a_format_that_nobody_knows_is_unimplemented(void **state) {
  (void)state;
  requests_ask(WITHOUT_TYPE "content-type: application/grpc+foo\n");
  requests_expect_refused(FC_CODE_UNIMPLEMENTED, "content-type");
  requests_ask(WITHOUT_TYPE "content-type: application/grpc+protobuf\n");
  requests_expect_refused(FC_CODE_UNIMPLEMENTED, "content-type");
}

static void row_29_grpc_with_its_format_or_parameters_is_served(void **state) {
  (void)state;
  requests_ask(WITHOUT_TYPE "content-type: application/grpc+proto\n");
  requests_expect(FC_CODE_OK, "");
  requests_ask(WITHOUT_TYPE "content-type: application/grpc;charset=utf-8\n");
  requests_expect(FC_CODE_OK, "");
  requests_ask(WITHOUT_TYPE "content-type: application/grpc+proto;x=y\n");
  requests_expect(FC_CODE_OK, "");
}

/* ---- row 30: verb, te, scheme, authority ---- */

#define TYPE "content-type: application/grpc\n"
#define TARGET ":path: /t/Answer\n:authority: test\n"

static void row_30_a_method_that_is_not_post_is_unknown(void **state) {
  (void)state;
  requests_ask(":method: GET\n:scheme: http\n" TARGET "te: trailers\n" TYPE);
  requests_expect_refused(FC_CODE_UNKNOWN, "POST");
  requests_ask(":method: PUT\n:scheme: http\n" TARGET "te: trailers\n" TYPE);
  requests_expect_refused(FC_CODE_UNKNOWN, "POST");
  requests_ask(":method: post\n:scheme: http\n" TARGET "te: trailers\n" TYPE);
  requests_expect_refused(FC_CODE_UNKNOWN, "POST");
  requests_ask(":method: CONNECT\n:authority: test\nte: trailers\n" TYPE);
  requests_expect_refused(FC_CODE_UNKNOWN, "POST");
}

static void row_30_a_request_without_te_is_unknown(void **state) {
  (void)state;
  requests_ask(":method: POST\n:scheme: http\n" TARGET TYPE);
  requests_expect_refused(FC_CODE_UNKNOWN, "te");
}

/* RFC 9113 section 8.2.2 makes the request malformed, which comes before what gRPC says of it. */
static void row_30_another_te_is_malformed(void **state) {
  (void)state;
  requests_ask(":method: POST\n:scheme: http\n" TARGET "te: gzip\n" TYPE);
  requests_expect_reset(FC__H2_PROTOCOL_ERROR);
  requests_ask(":method: POST\n:scheme: http\n" TARGET "te: \n" TYPE);
  requests_expect_reset(FC__H2_PROTOCOL_ERROR);
}

static void row_30_an_odd_scheme_is_unknown(void **state) {
  (void)state;
  requests_ask(":method: POST\n:scheme: ftp\n" TARGET "te: trailers\n" TYPE);
  requests_expect_refused(FC_CODE_UNKNOWN, "scheme");
  requests_ask(":method: POST\n:scheme: HTTP\n" TARGET "te: trailers\n" TYPE);
  requests_expect_refused(FC_CODE_UNKNOWN, "scheme");
  requests_ask(":method: POST\n:scheme: https\n" TARGET "te: trailers\n" TYPE);
  requests_expect(FC_CODE_OK, "");
}

/* CVE-2026-84445 */
static void row_30_a_request_without_authority_and_host_is_unknown(void **state) {
  (void)state;
  const char *bare = ":method: POST\n:scheme: http\n:path: /t/Answer\nte: trailers\n" TYPE;
  requests_ask(bare);
  requests_expect_refused(FC_CODE_UNKNOWN, "authority");
  requests_ask(":method: POST\n:scheme: http\n:path: /t/Answer\nte: trailers\n" TYPE "host: a\n");
  requests_expect(FC_CODE_OK, "");
}

/* CVE-2023-1428: the list grows over its limit after that. */
static void row_30_odd_values_and_too_many_bytes_are_one_refusal(void **state) {
  (void)state;
  char fields[40000];
  int len = snprintf(fields, sizeof fields,
                     ":method: POST\n:scheme: odd\n" TARGET TYPE "x: %09000d\ny: %09000d\n", 0, 0);
  assert_true(len < (int)sizeof fields);
  requests_ask(fields);
  requests_expect_refused(FC_CODE_RESOURCE_EXHAUSTED, "metadata");
}

/* ---- row 31: the path ---- */

static void row_31_paths_that_name_no_method_are_unimplemented(void **state) {
  (void)state;
  static const char *const requested[] = {
      REQUEST("t/Answer"),   REQUEST("//Answer"),    REQUEST("/"),          REQUEST("//"),
      REQUEST("*"),          REQUEST("/t"),          REQUEST("/t/"),        REQUEST("/t/None"),
      REQUEST("/no/Answer"), REQUEST("/t/Answer/"),  REQUEST("//t/Answer"), REQUEST("/T/Answer"),
      REQUEST("/t//Answer"), REQUEST("/t/Answer?x"), REQUEST("/t/./Answer")};
  for (size_t i = 0; i < sizeof requested / sizeof *requested; i++) {
    requests_ask(requested[i]);
    requests_expect_refused(FC_CODE_UNIMPLEMENTED, "Method not found!");
  }
}

/* RFC 9113 section 8.3.1; row 32 says the same of empty pseudo-headers. */
static void row_31_an_empty_path_is_malformed(void **state) {
  (void)state;
  requests_ask(REQUEST(""));
  requests_expect_reset(FC__H2_PROTOCOL_ERROR);
}

static char seen[3][64];

static void intercept(fc_server_next *next, fc_call *call, void *user) {
  (void)user;
  snprintf(seen[0], sizeof seen[0], "%s", fc_call_method(call));
  fc_server_next_call(next, call);
}

static void tell_method(fc_call *call, void *user) {
  requests.rig.begun++;
  snprintf(user, sizeof seen[1], "%s", fc_call_method(call));
  (void)!fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0});
  fc_call_destroy(call);
}

/* CVE-2026-33186: what is routed is what interceptors and handlers see, byte for byte. */
static void row_31_everybody_sees_the_same_path(void **state) {
  (void)state;
  static const char *const paths[] = {"/t/%41nswer", "/t/..", "/t/Answer?x", "/a.B/C d"};
  fc_server_interceptor interceptor = {intercept, NULL};
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  fc_handler fallback = FC_HANDLER_INIT;
  o.interceptors = &interceptor;
  o.interceptor_count = 1;
  fallback.kind = FC_HANDLER_ASYNC;
  fallback.fn = tell_method;
  fallback.user = seen[1];
  requests_stop(NULL);
  requests_create(&o);
  assert_int_equal(fc_server_set_fallback(requests.rig.server, &fallback, NULL), FC_OK);
  requests_connect();
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    char fields[256];
    snprintf(fields, sizeof fields, REQUEST("%s"), paths[i]);
    requests_ask(fields);
    requests_expect(FC_CODE_OK, "");
    assert_string_equal(seen[0], paths[i]);
    assert_string_equal(seen[1], paths[i]);
  }
  seen[0][0] = 0;
  requests_ask(REQUEST("t/Answer")); /* nobody sees it */
  requests_expect(FC_CODE_UNIMPLEMENTED, "");
  assert_string_equal(seen[0], "");
}

/* ---- row 32: malformed ---- */

static void row_32_malformed_requests_are_reset(void **state) {
  (void)state;
  static const char *const malformed[] = {
      ":path: /t/Answer\n" REQUEST("/t/Answer"),
      REQUEST("/t/Answer") ":path: /t/Answer\n",
      ":magic: x\n" REQUEST("/t/Answer"),
      ":status: 200\n" REQUEST("/t/Answer"),
      ":method: POST\n:scheme: \n" TARGET "te: trailers\n" TYPE,
      ":method: \n:scheme: http\n" TARGET "te: trailers\n" TYPE,
      ":method: POST\n" TARGET "te: trailers\n" TYPE,
      REQUEST("/t/Answer") "Upper: x\n",
      REQUEST("/t/Answer") "connection: close\n",
      REQUEST("/t/Answer") "transfer-encoding: chunked\n",
      REQUEST("/t/Answer") "keep-alive: 1\n",
      REQUEST("/t/Answer") "proxy-connection: 1\n",
      REQUEST("/t/Answer") "upgrade: h2c\n",
      REQUEST("/t/Answer") "x: a\rb\n",
      REQUEST("/t/Answer") "content-length: 3\n",
  };
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    requests_ask(malformed[i]);
    requests_expect_reset(FC__H2_PROTOCOL_ERROR);
  }
}

static void row_32_nul_and_lf_in_a_value_are_reset(void **state) {
  (void)state;
  char block[512];
  for (size_t i = 0; i < 2; i++) {
    fc_slice head = h2_block_of(REQUEST("/t/Answer"));
    memcpy(block, head.data, head.len);
    memcpy(block + head.len, i ? "\0\1x\3a\nb" : "\0\1x\3a\0b", 7);
    requests_ask_block((fc_slice){(uint8_t *)block, head.len + 7});
    requests_expect_reset(FC__H2_PROTOCOL_ERROR);
  }
}

static void row_32_each_malformed_request_takes_a_token(void **state) {
  (void)state;
  for (int i = 0; i < 1100; i++) requests_begin(":method: POST\n", 0);
  requests_go();
  assert_non_null(strstr(requests.said, "ENHANCE_YOUR_CALM"));
  assert_null(requests.end.transport);
  assert_int_equal(requests.rig.begun, 0);
}

/* MadeYouReset, CVE-2025-8671: requests that are answered before they have ended. */
static void row_02_early_answers_take_tokens(void **state) {
  (void)state;
  int asked = 0;
  for (; asked < 3000 && requests.end.transport; asked++) {
    requests_begin(REQUEST("no-slash"), 0);
    requests_go();
  }
  assert_in_range(asked, 900, 2999);
  assert_non_null(strstr(requests.said, "ENHANCE_YOUR_CALM"));
  assert_int_equal(requests.rig.begun, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      REQUEST_TEST(row_29_what_is_not_grpc_gets_http_status_415),
      REQUEST_TEST(row_29_a_request_of_headers_alone_gets_415_too),
      REQUEST_TEST(row_29_a_format_that_nobody_knows_is_unimplemented),
      REQUEST_TEST(row_29_grpc_with_its_format_or_parameters_is_served),
      REQUEST_TEST(row_30_a_method_that_is_not_post_is_unknown),
      REQUEST_TEST(row_30_a_request_without_te_is_unknown),
      REQUEST_TEST(row_30_another_te_is_malformed),
      REQUEST_TEST(row_30_an_odd_scheme_is_unknown),
      REQUEST_TEST(row_30_a_request_without_authority_and_host_is_unknown),
      REQUEST_TEST(row_30_odd_values_and_too_many_bytes_are_one_refusal),
      REQUEST_TEST(row_31_paths_that_name_no_method_are_unimplemented),
      REQUEST_TEST(row_31_an_empty_path_is_malformed),
      REQUEST_TEST(row_31_everybody_sees_the_same_path),
      REQUEST_TEST(row_32_malformed_requests_are_reset),
      REQUEST_TEST(row_32_nul_and_lf_in_a_value_are_reset),
      REQUEST_TEST_WHOLE(row_02_early_answers_take_tokens),
      REQUEST_TEST_WHOLE(row_32_each_malformed_request_takes_a_token),
  };
  return requests_run(tests, sizeof tests / sizeof *tests);
}
