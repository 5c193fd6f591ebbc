/*
 * Answers that are not gRPC's, or have no proper status, to a client: rows 47, 48 and 52 of the
 * table of hostile inputs. Each call ends with one status, and the connection serves the next.
 */
#include <stdio.h>

#include "sim/answer_world.h"

/* An answer of headers alone. */
static fc_call *answered(const char *fields) {
  fc_call *call = answers_call();
  answers_trailers(fields);
  answers_go();
  return call;
}

/* A good answer but for its trailers. */
static fc_call *concluded(const char *trailers) {
  fc_call *call = answers_call();
  answers_headers(H2_RESPONSE, 0);
  answers_message(TEXT("response"));
  answers_trailers(trailers);
  answers_go();
  return call;
}

/* ---- row 47: HTTP statuses ---- */

static const struct {
  const char *http;
  fc_code code;
} http_statuses[] = {
    {"400", FC_CODE_INTERNAL},          {"401", FC_CODE_UNAUTHENTICATED},
    {"403", FC_CODE_PERMISSION_DENIED}, {"404", FC_CODE_UNIMPLEMENTED},
    {"429", FC_CODE_UNAVAILABLE},       {"502", FC_CODE_UNAVAILABLE},
    {"503", FC_CODE_UNAVAILABLE},       {"504", FC_CODE_UNAVAILABLE},
    {"204", FC_CODE_UNKNOWN},           {"302", FC_CODE_UNKNOWN},
    {"405", FC_CODE_UNKNOWN},           {"415", FC_CODE_UNKNOWN},
    {"500", FC_CODE_UNKNOWN},           {"800", FC_CODE_UNKNOWN},
    {"999", FC_CODE_UNKNOWN},           {"200", FC_CODE_UNKNOWN},
};

enum { HTTP_STATUSES = sizeof http_statuses / sizeof *http_statuses };

static void row_47_http_statuses_become_codes(void **state) {
  (void)state;
  for (size_t i = 0; i < HTTP_STATUSES; i++) {
    char fields[128];
    snprintf(fields, sizeof fields, ":status: %s\ncontent-type: text/html\n",
             http_statuses[i].http);
    answers_expect_alive(answered(fields), http_statuses[i].code, "answered with");
    snprintf(fields, sizeof fields, ":status: %s\n", http_statuses[i].http);
    answers_expect_alive(answered(fields), http_statuses[i].code, "answered with");
  }
}

/* A page comes with it, which nobody reads and which eats no window. */
static void row_47_http_bodies_are_left_out(void **state) {
  (void)state;
  for (size_t i = 0; i < HTTP_STATUSES; i++) {
    char fields[128];
    fc_call *call = answers_call();
    snprintf(fields, sizeof fields, ":status: %s\ncontent-type: text/html\ncontent-length: 30000\n",
             http_statuses[i].http);
    answers_headers(fields, 0);
    h2_put_zeros(&answers.end.peer, answers.id, 0, 15000);
    h2_put_zeros(&answers.end.peer, answers.id, FC__H2_END_STREAM, 15000);
    answers_go();
    answers_expect_alive(call, http_statuses[i].code, "answered with");
  }
}

/* doc/http-grpc-status-mapping.md: it is for answers without a grpc-status. */
static void row_47_grpc_status_comes_before_http_status(void **state) {
  (void)state;
  answers_expect_alive(answered(":status: 503\ncontent-type: application/grpc\ngrpc-status: 7\n"),
                       FC_CODE_PERMISSION_DENIED, "");
  answers_expect_alive(answered(":status: 404\ngrpc-status: 5\ngrpc-message: gone\n"),
                       FC_CODE_NOT_FOUND, "gone");
}

static void row_47_informational_answers_are_skipped(void **state) {
  (void)state;
  fc_bytes *response;
  const fc_metadata *metadata;
  fc_call *call = answers_call();
  answers_headers(":status: 100\n", 0);
  answers_headers(":status: 103\nlink: x\ngrpc-status: 5\ngrpc-encoding: snappy\n", 0);
  answers_headers(H2_RESPONSE "a: b\n", 0);
  answers_message(TEXT("ok"));
  answers_trailers(ANSWER_STATUS("0"));
  answers_go();
  assert_int_equal(fc_call_initial_metadata(call, 0, &metadata), FC_OK);
  assert_int_equal(fc_metadata_count(metadata), 1);
  assert_int_equal(fc_call_recv(call, &response), FC_OK);
  fc_bytes_unref(response);
  answers_expect_alive(call, FC_CODE_OK, "");
  call = answers_call();
  answers_headers(":status: 102\n", 0);
  answers_trailers(H2_RESPONSE ANSWER_STATUS("9"));
  answers_go();
  answers_expect_alive(call, FC_CODE_FAILED_PRECONDITION, "");
}

static void row_47_malformed_http_statuses_are_internal(void **state) {
  (void)state;
  static const char *const malformed[] = {":status: 20\n",
                                          ":status: 2000\n",
                                          ":status: abc\n",
                                          ":status: \n",
                                          ":status: 099\n",
                                          ":status: 101\n",
                                          ":status: -10\n",
                                          "a: b\n",
                                          ":status: 200\n:status: 200\n",
                                          "a: b\n:status: 200\n",
                                          ":status: 200\n:path: /\n"};
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    fc_call *call = answered(malformed[i]);
    assert_non_null(strstr(answers.said, "RST_STREAM"));
    answers_expect_alive(call, FC_CODE_INTERNAL, "broke the protocol");
  }
  fc_call *call = answered(":status: 100\n"); /* RFC 9113 section 8.1: it ends nothing */
  answers_expect_alive(call, FC_CODE_INTERNAL, "broke the protocol");
}

/* ---- row 48: grpc-status ---- */

static void row_48_every_code_is_told(void **state) {
  (void)state;
  for (int code = 0; code <= FC_CODE_UNAUTHENTICATED; code++) {
    char fields[64];
    snprintf(fields, sizeof fields, "grpc-status: %d\ngrpc-message: its text\n", code);
    answers_expect_alive(concluded(fields), (fc_code)code, "its text");
  }
}

static void row_48_no_trailers_are_internal(void **state) {
  (void)state;
  fc_call *call = answers_call();
  answers_headers(H2_RESPONSE, 0);
  answers_data(FC__H2_END_STREAM, raw_end_framed(0, TEXT("response")));
  answers_go();
  answers_expect_alive(call, FC_CODE_INTERNAL, "without a status");
  call = answers_call();
  answers_headers(H2_RESPONSE, 0);
  answers_data(FC__H2_END_STREAM, TEXT(""));
  answers_go();
  answers_expect_alive(call, FC_CODE_INTERNAL, "without a status");
}

static void row_48_no_grpc_status_is_unknown(void **state) {
  (void)state;
  answers_expect_alive(concluded(""), FC_CODE_UNKNOWN, "without grpc-status");
  answers_expect_alive(concluded("grpc-message: x\na: b\n"), FC_CODE_UNKNOWN,
                       "without grpc-status");
  answers_expect_alive(answered(H2_RESPONSE), FC_CODE_UNKNOWN, "without grpc-status");
}

static void row_48_what_is_no_status_is_unknown(void **state) {
  (void)state;
  static const char *const wrong[] = {"",   "x",  "-1",  "17", "00",  "01",
                                      "0x", "+1", "1 1", "1,", "0.0", "18446744073709551616"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char fields[128];
    snprintf(fields, sizeof fields, "grpc-status: %s\n", wrong[i]);
    answers_expect_alive(concluded(fields), FC_CODE_UNKNOWN, "grpc-status is not");
    snprintf(fields, sizeof fields, H2_RESPONSE "grpc-status: %s\n", wrong[i]);
    answers_expect_alive(answered(fields), FC_CODE_UNKNOWN, "grpc-status is not");
  }
}

static void row_48_a_status_said_twice_is_unknown(void **state) {
  (void)state;
  answers_expect_alive(concluded("grpc-status: 0\ngrpc-status: 0\n"), FC_CODE_UNKNOWN, "");
  answers_expect_alive(concluded("grpc-status: 5\ngrpc-status: 0\n"), FC_CODE_UNKNOWN, "");
  answers_expect_alive(answered(H2_RESPONSE "grpc-status: 5\ngrpc-status: 5\n"), FC_CODE_UNKNOWN,
                       "");
}

/* ---- row 52: a status in headers that do not end the stream ---- */

static fc_call *headed(const char *fields) {
  fc_call *call = answers_call();
  answers_headers(fields, 0);
  return call;
}

static void row_52_the_status_of_the_trailers_counts(void **state) {
  (void)state;
  static const char *const ignored[] = {"0", "13", "99", "", "5\ngrpc-status: 5"};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
    char fields[256];
    snprintf(fields, sizeof fields,
             H2_RESPONSE "grpc-status: %s\ngrpc-message: early\ngrpc-status-details-bin: CAUSAXg\n",
             ignored[i]);
    fc_call *call = headed(fields);
    answers_trailers(ANSWER_STATUS("5"));
    answers_go();
    assert_string_equal(fc_call_status(call)->message, "");
    assert_int_equal(fc_call_status(call)->details.len, 0);
    answers_expect_alive(call, FC_CODE_NOT_FOUND, "");
    call = headed(fields);
    answers_message(TEXT("response"));
    answers_trailers(ANSWER_STATUS("0"));
    answers_go();
    answers_expect_alive(call, FC_CODE_OK, "");
  }
}

static void row_52_without_trailers_there_is_no_status(void **state) {
  (void)state;
  fc_call *call = headed(H2_RESPONSE "grpc-status: 0\n");
  answers_data(FC__H2_END_STREAM, raw_end_framed(0, TEXT("response")));
  answers_go();
  answers_expect_alive(call, FC_CODE_INTERNAL, "without a status");
  call = headed(H2_RESPONSE "grpc-status: 5\n");
  answers_data(FC__H2_END_STREAM, TEXT(""));
  answers_go();
  answers_expect_alive(call, FC_CODE_INTERNAL, "without a status");
  call = headed(H2_RESPONSE "grpc-status: 5\n");
  answers_trailers("a: b\n");
  answers_go();
  answers_expect_alive(call, FC_CODE_UNKNOWN, "without grpc-status");
}

/* Trailers-Only without an end: nothing is decided until one comes. */
static void row_52_the_call_goes_on_until_the_end(void **state) {
  (void)state;
  fc_call *call = headed(H2_RESPONSE "grpc-status: 5\n");
  answers_go();
  assert_false(fc_call_is_done(call));
  fc_call_cancel(call, FC_CODE_CANCELLED, NULL);
  answers_go();
  assert_non_null(strstr(answers.said, "RST_STREAM"));
  answers_expect_alive(call, FC_CODE_CANCELLED, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ANSWER_TEST(row_47_http_statuses_become_codes),
      ANSWER_TEST_WHOLE(row_47_http_bodies_are_left_out),
      ANSWER_TEST(row_47_grpc_status_comes_before_http_status),
      ANSWER_TEST(row_47_informational_answers_are_skipped),
      ANSWER_TEST(row_47_malformed_http_statuses_are_internal),
      ANSWER_TEST(row_48_every_code_is_told),
      ANSWER_TEST(row_48_no_trailers_are_internal),
      ANSWER_TEST(row_48_no_grpc_status_is_unknown),
      ANSWER_TEST(row_48_what_is_no_status_is_unknown),
      ANSWER_TEST(row_48_a_status_said_twice_is_unknown),
      ANSWER_TEST(row_52_the_status_of_the_trailers_counts),
      ANSWER_TEST(row_52_without_trailers_there_is_no_status),
      ANSWER_TEST(row_52_the_call_goes_on_until_the_end),
  };
  return answers_run(tests, sizeof tests / sizeof *tests);
}
