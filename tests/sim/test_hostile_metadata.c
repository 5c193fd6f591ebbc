/*
 * Metadata that is not what it should be, to a server: rows 35 to 37 of the table of hostile
 * inputs, and what a refused header block must leave behind: nothing.
 */
#include <stdio.h>

#include "sim/request_world.h"
#include "support/failing_alloc.h"
#include "wire/compress.h"

/* ---- a method that gives back the metadata of the request, first and last ---- */

static void echo(fc_call *call, void *user) {
  const fc_metadata *metadata;
  (void)user;
  requests.rig.begun++;
  assert_int_equal(fc_call_initial_metadata(call, 0, &metadata), FC_OK);
  assert_int_equal(fc_call_set_trailing_metadata(call, metadata), FC_OK);
  assert_int_equal(fc_call_send_initial_metadata(call, metadata), FC_OK);
  (void)!fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0});
  fc_call_destroy(call);
}

static void with_echo(void) {
  fc_handler h = FC_HANDLER_INIT;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = echo;
  requests_stop(NULL);
  requests_create(NULL);
  assert_int_equal(fc_server_register(requests.rig.server, "/t/Echo", &h, NULL), FC_OK);
  requests_connect();
}

/* The metadata comes back as those fields, in that order, with the headers and with the status. */
static void expect_back(const char *fields) {
  char line[1024];
  requests_expect(FC_CODE_OK, "");
  snprintf(line, sizeof line, " grpc-accept-encoding=" FC__ENCODING_ACCEPTED "%s\n", fields);
  if (!strstr(requests.said, line)) fail_msg("%s in %s", line, requests.said);
  snprintf(line, sizeof line, " end grpc-status=0%s\n", fields);
  if (!strstr(requests.said, line)) fail_msg("%s in %s", line, requests.said);
}

/* ---- row 35: binary ---- */

static void row_35_bad_base64_is_internal_on_its_stream(void **state) {
  (void)state;
  static const char *const bad[] = {"%%%", "A", "AAEC=", "AA=C", "AAEC/w==,!", "=", "AB==="};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char fields[256];
    snprintf(fields, sizeof fields, REQUEST("/t/Answer") "k-bin: %s\n", bad[i]);
    requests_ask(fields);
    requests_expect_refused(FC_CODE_INTERNAL, "base64");
  }
}

/* CVE-2023-32732: other calls of the connection go on, also those under way. */
static void row_35_bad_base64_leaves_other_calls_alone(void **state) {
  (void)state;
  requests_ask(REQUEST("/t/Hold"));
  uint32_t held = requests.id;
  requests_ask(REQUEST("/t/Answer") "k-bin: %%%\n");
  requests_expect_refused(FC_CODE_INTERNAL, "base64");
  rig_finish(&requests.rig, 0, FC_CODE_ABORTED);
  requests_go();
  requests.id = held;
  requests_expect(FC_CODE_ABORTED, "");
}

static void row_35_padded_unpadded_and_joined_are_all_good(void **state) {
  (void)state;
  with_echo();
  requests_ask(REQUEST("/t/Echo") "k-bin: AAEC/w==\n");
  expect_back(" k-bin=AAEC/w");
  requests_ask(REQUEST("/t/Echo") "k-bin: AAEC/w\n");
  expect_back(" k-bin=AAEC/w");
  requests_ask(REQUEST("/t/Echo") "k-bin: AAEC/w==,,/w,AAE=\n");
  expect_back(" k-bin=AAEC/w k-bin= k-bin=/w k-bin=AAE");
  requests_ask(REQUEST("/t/Echo") "k-bin: \n");
  expect_back(" k-bin=");
}

/* ---- row 36: legal but odd ---- */

static void row_36_odd_values_are_delivered_or_dropped(void **state) {
  (void)state;
  with_echo();
  requests_ask(
      REQUEST("/t/Echo") "a: caf\xc3\xa9\nb:   spaced out \t \nc: ~\nd: \x7f\ne: \nf: a\tb\n");
  expect_back(" b=spaced out c=~ e=");
  requests_ask(REQUEST("/t/Echo") "a!#$%&'*+^`|~: 1\nb: 2\nc_d.e-f: 3\n");
  expect_back(" b=2 c_d.e-f=3");
}

static void row_36_reserved_names_are_dropped(void **state) {
  (void)state;
  with_echo();
  requests_ask(REQUEST(
      "/t/Echo") "grpc-foo: 1\ngrpc-trace-bin: %%%\ngrpc-status: 7\n"
                 "grpc-message: x\nhost: h\na: 1\n");
  expect_back(" a=1");
}

static void row_36_duplicates_keep_their_order(void **state) {
  (void)state;
  with_echo();
  requests_ask(REQUEST("/t/Echo") "a: 1\nb: 2\na: 0\nb-bin: AQ\na: 1\nb-bin: AA\n");
  expect_back(" a=1 b=2 a=0 b-bin=AQ a=1 b-bin=AA");
}

/* ---- row 37: too much ---- */

static void too_large(fc_slice block, size_t most) {
  size_t live = failing_alloc_live_bytes();
  failing_alloc_restart();
  requests_ask_block(block);
  if (failing_alloc_peak_bytes() > live + most) {
    fail_msg("%zu bytes more", failing_alloc_peak_bytes() - live);
  }
  requests_expect_refused(FC_CODE_RESOURCE_EXHAUSTED, "metadata is larger than the limit");
}

static struct raw_block block;
static char zeros[60000];

static void row_37_a_list_over_the_limit_is_refused_unstored(void **state) {
  (void)state;
  memset(zeros, '0', sizeof zeros);
  raw_block_begin(&block, REQUEST("/t/Answer"));
  for (int i = 0; i < 40; i++) {
    raw_block_literal(&block, RAW_PLAIN, "name", (fc_slice){(uint8_t *)zeros, 1000});
  }
  too_large(raw_block_slice(&block), 64 * 1024);
}

static void row_37_one_huge_value_is_refused_unstored(void **state) {
  (void)state;
  memset(zeros, '0', sizeof zeros);
  raw_block_begin(&block, REQUEST("/t/Answer"));
  raw_block_literal(&block, RAW_PLAIN, "name", (fc_slice){(uint8_t *)zeros, sizeof zeros});
  too_large(raw_block_slice(&block), 64 * 1024);
}

static void row_37_one_huge_name_is_refused_unstored(void **state) {
  (void)state;
  memset(zeros, '0', sizeof zeros);
  zeros[sizeof zeros - 1] = 0;
  raw_block_begin(&block, REQUEST("/t/Answer"));
  raw_block_literal(&block, RAW_PLAIN, zeros, TEXT("value"));
  too_large(raw_block_slice(&block), 64 * 1024);
}

static void row_37_too_many_fields_are_refused(void **state) {
  (void)state;
  raw_block_begin(&block, REQUEST("/t/Answer"));
  for (int i = 0; i < 128 - 6; i++) raw_block_literal(&block, RAW_PLAIN, "a", TEXT("b"));
  requests_ask_block(raw_block_slice(&block));
  requests_expect(FC_CODE_OK, "");
  raw_block_literal(&block, RAW_PLAIN, "a", TEXT("b"));
  too_large(raw_block_slice(&block), 64 * 1024);
}

/* Commas make entries out of single bytes. */
static void row_37_one_field_of_many_values_is_refused(void **state) {
  (void)state;
  memset(zeros, ',', sizeof zeros);
  raw_block_begin(&block, REQUEST("/t/Answer"));
  raw_block_literal(&block, RAW_PLAIN, "k-bin", (fc_slice){(uint8_t *)zeros, 8000});
  requests_ask_block(raw_block_slice(&block));
  requests_expect_refused(FC_CODE_RESOURCE_EXHAUSTED, "too many values");
}

static void row_37_the_limits_are_options(void **state) {
  (void)state;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_metadata_bytes = 40000;
  o.max_metadata_fields = 10;
  requests_restart(&o);
  memset(zeros, '0', sizeof zeros);
  raw_block_begin(&block, REQUEST("/t/Answer"));
  raw_block_literal(&block, RAW_PLAIN, "name", (fc_slice){(uint8_t *)zeros, 39000});
  requests_ask_block(raw_block_slice(&block));
  requests_expect(FC_CODE_OK, "");
  raw_block_literal(&block, RAW_PLAIN, "name", (fc_slice){(uint8_t *)zeros, 1000});
  too_large(raw_block_slice(&block), 256 * 1024);
  raw_block_begin(&block, REQUEST("/t/Answer"));
  for (int i = 0; i < 5; i++) raw_block_literal(&block, RAW_PLAIN, "a", TEXT("b"));
  too_large(raw_block_slice(&block), 256 * 1024);
}

/* ---- what a refused block leaves behind ---- */

/* Row 27, CVE-2023-32731: the block is decoded to its end, so that its entries mean what the client
 * thinks. */
static void row_27_fields_behind_the_limit_enter_the_table(void **state) {
  (void)state;
  with_echo();
  memset(zeros, '0', sizeof zeros);
  raw_block_begin(&block, REQUEST("/t/Answer"));
  raw_block_literal(&block, RAW_INSERTED, "first", TEXT("1"));
  raw_block_literal(&block, RAW_PLAIN, "name", (fc_slice){(uint8_t *)zeros, 20000});
  raw_block_literal(&block, RAW_INSERTED, "second", TEXT("2"));
  requests_ask_block(raw_block_slice(&block));
  requests_expect_refused(FC_CODE_RESOURCE_EXHAUSTED, "");
  raw_block_begin(&block, REQUEST("/t/Echo"));
  raw_block_index(&block, 62);
  raw_block_index(&block, 63);
  requests_ask_block(raw_block_slice(&block));
  expect_back(" second=2 first=1");
}

/* Row 27, CVE-2024-7246: the field is wrong for those that refer to it, and for nobody else. */
static void row_27_a_bad_field_in_the_table_harms_only_its_users(void **state) {
  (void)state;
  with_echo();
  raw_block_begin(&block, REQUEST("/t/Echo"));
  raw_block_literal(&block, RAW_INSERTED, "k-bin", TEXT("%%%"));
  raw_block_literal(&block, RAW_INSERTED, "secret", TEXT("of-another"));
  requests_ask_block(raw_block_slice(&block));
  requests_expect_refused(FC_CODE_INTERNAL, "base64");
  requests_ask(REQUEST("/t/Echo") "a: 1\n");
  expect_back(" a=1");
  raw_block_begin(&block, REQUEST("/t/Echo") "a: 1\n");
  raw_block_index(&block, 62);
  requests_ask_block(raw_block_slice(&block));
  expect_back(" a=1 secret=of-another");
  raw_block_begin(&block, REQUEST("/t/Echo"));
  raw_block_index(&block, 63);
  requests_ask_block(raw_block_slice(&block));
  requests_expect_refused(FC_CODE_INTERNAL, "base64");
}

/* A request that HTTP/2 calls malformed fills the table like any other. */
static void row_27_a_malformed_block_is_decoded_to_its_end(void **state) {
  (void)state;
  with_echo();
  raw_block_begin(&block, REQUEST("/t/Echo") "connection: close\n");
  raw_block_literal(&block, RAW_INSERTED, "after", TEXT("fault"));
  requests_ask_block(raw_block_slice(&block));
  requests_expect_reset(FC__H2_PROTOCOL_ERROR);
  raw_block_begin(&block, REQUEST("/t/Echo"));
  raw_block_index(&block, 62);
  requests_ask_block(raw_block_slice(&block));
  expect_back(" after=fault");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      REQUEST_TEST(row_27_fields_behind_the_limit_enter_the_table),
      REQUEST_TEST(row_27_a_bad_field_in_the_table_harms_only_its_users),
      REQUEST_TEST(row_27_a_malformed_block_is_decoded_to_its_end),
      REQUEST_TEST(row_35_bad_base64_is_internal_on_its_stream),
      REQUEST_TEST(row_35_bad_base64_leaves_other_calls_alone),
      REQUEST_TEST(row_35_padded_unpadded_and_joined_are_all_good),
      REQUEST_TEST(row_36_odd_values_are_delivered_or_dropped),
      REQUEST_TEST(row_36_reserved_names_are_dropped),
      REQUEST_TEST(row_36_duplicates_keep_their_order),
      REQUEST_TEST(row_37_a_list_over_the_limit_is_refused_unstored),
      REQUEST_TEST(row_37_one_huge_value_is_refused_unstored),
      REQUEST_TEST(row_37_one_huge_name_is_refused_unstored),
      REQUEST_TEST(row_37_too_many_fields_are_refused),
      REQUEST_TEST(row_37_one_field_of_many_values_is_refused),
      REQUEST_TEST(row_37_the_limits_are_options),
  };
  return requests_run(tests, sizeof tests / sizeof *tests);
}
