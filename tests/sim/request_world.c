/* The world of request_world.h. */
#include "sim/request_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/failing_alloc.h"

struct request_world requests;

#define ANSWER_LEN (5 + sizeof "request" - 1)

/* ---- life ---- */

void requests_create(const fc_server_options *options) {
  rig_create(&requests.rig, options);
  sim_link(requests.rig.sim, NULL)->read_max = requests.read_max;
  rig_register(&requests.rig);
}

static void connect_end(void) {
  raw_end_connect(&requests.end, requests.rig.sim, RIG_ADDRESS);
  sim_run_for(requests.rig.sim, 20 * FC_MILLISECOND);
  requests.id = 0;
  (void)raw_end_said(&requests.end);
}

void requests_connect(void) {
  rig_start(&requests.rig);
  connect_end();
}

void requests_reconnect(void) {
  raw_end_finish(&requests.end);
  connect_end();
}

static void close_all(void) {
  raw_end_finish(&requests.end);
  rig_close(&requests.rig);
}

void requests_restart(const fc_server_options *options) {
  close_all();
  requests_create(options);
  requests_connect();
}

static int start(size_t read_max) {
  requests.live = failing_alloc_live();
  requests.read_max = read_max;
  requests_create(NULL);
  requests_connect();
  return 0;
}

int requests_start(void **state) {
  (void)state;
  return start(0);
}

int requests_start_in_pieces(void **state) {
  (void)state;
  return start(1);
}

int requests_stop(void **state) {
  (void)state;
  close_all();
  assert_int_equal(failing_alloc_live(), requests.live);
  return 0;
}

int requests_run(const struct CMUnitTest *tests, size_t count) {
  failing_alloc_install();
  return _cmocka_run_group_tests("requests", tests, count, NULL, NULL);
}

/* ---- asking ---- */

static void begin(fc_slice block, unsigned flags) {
  requests.id = requests.id ? requests.id + 2 : 1;
  requests.begun = requests.rig.begun;
  raw_end_block(&requests.end, requests.id, flags, block);
}

void requests_begin(const char *fields, unsigned flags) { begin(h2_block_of(fields), flags); }

void requests_go(void) {
  raw_end_go(&requests.end);
  requests.said = raw_end_said(&requests.end);
}

static void end_request(void) {
  raw_end_message(&requests.end, requests.id, FC__H2_END_STREAM, 0, TEXT("request"));
  requests_go();
}

void requests_ask(const char *fields) {
  requests_begin(fields, 0);
  end_request();
}

void requests_ask_block(fc_slice block) {
  begin(block, 0);
  end_request();
}

/* ---- what came of it ---- */

static bool says(const char *format, const char *more) {
  char part[256];
  int len = snprintf(part, sizeof part, "%s %" PRIu32, format, requests.id);
  snprintf(part + len, sizeof part - (size_t)len, "%s", more);
  return strstr(requests.said, part);
}

static void expect_alive(void) {
  if (strstr(requests.said, "GOAWAY")) fail_msg("%s", requests.said);
  assert_non_null(requests.end.transport);
}

void requests_expect(fc_code code, const char *part) {
  char status[32];
  snprintf(status, sizeof status, " grpc-status=%d", (int)code);
  expect_alive();
  const char *at = strstr(requests.said, status);
  bool ok = at && (at[strlen(status)] == '\n' || at[strlen(status)] == ' ');
  ok = ok && raw_end_count(requests.said, "grpc-status=") == 1 && strstr(at, part);
  if (!ok || !says("HEADERS", " end ")) {
    fail_msg("%s \"%s\" is due instead of:\n%s", fc_code_name(code), part, requests.said);
  }
  if (says("RST_STREAM", " ")) assert_true(says("RST_STREAM", " NO_ERROR\n"));
}

void requests_expect_refused(fc_code code, const char *part) {
  requests_expect(code, part);
  assert_int_equal(requests.rig.begun, requests.begun);
  requests_expect_good_call();
}

void requests_expect_reset(uint32_t code) {
  char reset[64];
  snprintf(reset, sizeof reset, " %s\n", fc__h2_error_name(code));
  expect_alive();
  if (!says("RST_STREAM", reset) || says("HEADERS", " ")) {
    fail_msg("RST_STREAM%s is due instead of:\n%s", reset, requests.said);
  }
  assert_int_equal(requests.rig.begun, requests.begun);
  requests_expect_good_call();
}

unsigned requests_data_len(void) {
  char head[32];
  snprintf(head, sizeof head, "DATA %" PRIu32 " ", requests.id);
  const char *at = strstr(requests.said, head);
  return at ? (unsigned)strtoul(at + strlen(head), NULL, 10) : 0;
}

void requests_expect_good_call(void) {
  requests_ask(REQUEST("/t/Answer"));
  requests_expect(FC_CODE_OK, "");
  assert_int_equal(requests_data_len(), ANSWER_LEN);
  assert_int_equal(requests.rig.begun, requests.begun + 1);
}
