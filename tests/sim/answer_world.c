/* The world of answer_world.h. */
#include "sim/answer_world.h"

#include <stdlib.h>

#include "support/failing_alloc.h"

struct answer_world answers;

#define ADDRESS "10.0.0.1:80"

/* ---- life ---- */

static void open_all(fc_channel_options options) {
  fc_error err = FC_ERROR_INIT;
  answers.sim = sim_create(1);
  sim_link(answers.sim, NULL)->read_max = answers.read_max;
  sim_link(answers.sim, NULL)->cut_direction = SIM_TO_CLIENT;
  raw_end_listen(&answers.end, answers.sim, ADDRESS);
  options.reactor = sim_reactor(answers.sim);
  if (fc_channel_create("ipv4:" ADDRESS, &options, &answers.channel, &err) != FC_OK) {
    fail_msg("%s", err.message);
  }
  assert_int_equal(fc_channel_wait_ready(answers.channel, FC_SECOND, NULL), FC_OK);
  answers_go();
}

static void close_all(void) {
  fc_call_destroy(answers.call); /* of a test that failed */
  answers.call = NULL;
  fc_channel_destroy(answers.channel);
  raw_end_finish(&answers.end);
  sim_run_for(answers.sim, FC_SECOND);
  assert_int_equal(sim_connections(answers.sim), 0);
  sim_destroy(answers.sim);
}

void answers_restart(fc_channel_options options) {
  close_all();
  open_all(options);
}

static int start(size_t read_max) {
  answers.live = failing_alloc_live();
  answers.read_max = read_max;
  open_all((fc_channel_options)FC_CHANNEL_OPTIONS_INIT);
  return 0;
}

int answers_start(void **state) {
  (void)state;
  return start(0);
}

int answers_start_in_pieces(void **state) {
  (void)state;
  return start(1);
}

int answers_stop(void **state) {
  (void)state;
  close_all();
  assert_int_equal(failing_alloc_live(), answers.live);
  return 0;
}

int answers_run(const struct CMUnitTest *tests, size_t count) {
  failing_alloc_install();
  return _cmocka_run_group_tests("answers", tests, count, NULL, NULL);
}

/* ---- calling ---- */

static void told(fc_call *call, void *user) {
  (void)call;
  ++*(int *)user;
}

static void await_request(fc_call *call) {
  answers.call = call;
  answers.told = 0;
  assert_int_equal(fc_call_on_done(call, told, &answers.told), FC_OK);
  answers_go();
  const char *request = strstr(answers.said, "HEADERS ");
  assert_non_null(request);
  answers.id = (uint32_t)strtoul(request + strlen("HEADERS "), NULL, 10);
}

fc_call *answers_call(void) {
  fc_call *call;
  assert_int_equal(
      fc_unary_unary_future(answers.channel, "/s/m", TEXT("request"), NULL, &call, NULL), FC_OK);
  await_request(call);
  return call;
}

fc_call *answers_call_pattern(fc_pattern pattern) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  o.pattern = pattern;
  assert_int_equal(fc_channel_call(answers.channel, "/s/m", &o, &call, NULL), FC_OK);
  await_request(call);
  return call;
}

/* ---- answering ---- */

void answers_headers(const char *fields, unsigned flags) {
  raw_end_block(&answers.end, answers.id, flags, h2_block_of(fields));
}

void answers_message(fc_slice message) { raw_end_message(&answers.end, answers.id, 0, 0, message); }

void answers_trailers(const char *fields) { answers_headers(fields, FC__H2_END_STREAM); }

void answers_data(unsigned flags, fc_slice bytes) {
  h2_put_frame(&answers.end.peer, FC__H2_DATA, flags, answers.id, bytes);
}

void answers_go(void) {
  raw_end_go(&answers.end);
  answers.said = raw_end_said(&answers.end);
}

/* ---- what came of it ---- */

void answers_expect(fc_call *call, fc_code code, const char *part) {
  assert_true(fc_call_is_done(call));
  const fc_status *status = fc_call_status(call);
  if (status->code != code || !strstr(status->message, part)) {
    fail_msg("%s \"%s\" instead of %s \"%s\"", fc_code_name(status->code), status->message,
             fc_code_name(code), part);
  }
  assert_int_equal(answers.told, 1);
  if (answers.call == call) answers.call = NULL;
  fc_call_destroy(call);
}

void answers_expect_alive(fc_call *call, fc_code code, const char *part) {
  unsigned accepted = answers.end.accepted;
  answers_expect(call, code, part);
  answers_expect_good_call();
  assert_int_equal(answers.end.accepted, accepted);
}

void answers_expect_dead(fc_call *call, fc_code code, const char *part) {
  unsigned accepted = answers.end.accepted;
  answers_expect(call, code, part);
  assert_null(answers.end.transport);
  answers_expect_good_call();
  assert_int_equal(answers.end.accepted, accepted + 1);
}

void answers_expect_good_call(void) {
  fc_bytes *response;
  fc_call *call = answers_call();
  answers_headers(H2_RESPONSE, 0);
  answers_message(TEXT("response"));
  answers_trailers(ANSWER_STATUS("0"));
  answers_go();
  assert_int_equal(fc_call_recv(call, &response), FC_OK);
  assert_slice_is(fc_bytes_slice(response), "response");
  fc_bytes_unref(response);
  answers_expect(call, FC_CODE_OK, "");
}
