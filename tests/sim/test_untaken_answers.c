/*
 * An answer that nobody has taken when the deadline of its call comes: one that the client leaves with the server, and one
 * that has come to the client and that the application has not read. Spec: grpc/grpc doc/statuscodes.md, a deadline that
 * passes after the status has come changes nothing
 */
#include "sim/answer_world.h"
#include "sim/request_world.h"

#define DEADLINE (100 * FC_MILLISECOND)
#define LATENCY FC_MILLISECOND

/* ---- the server has it ---- */

static const char *server_said_at(int64_t time) {
  sim_run_until(requests.rig.sim, time);
  return raw_end_said(&requests.end);
}

/* A request whose answer the client's window does not let through; returns when its deadline comes. */
static int64_t ask_and_take_nothing(unsigned window) {
  h2_put_setting(&requests.end.peer, FC__H2_INITIAL_WINDOW_SIZE, window);
  int64_t deadline = sim_now(requests.rig.sim) + LATENCY + DEADLINE;
  requests_ask(REQUEST("/t/Answer") "grpc-timeout: 100m\n");
  assert_null(strstr(requests.said, "grpc-status"));
  return deadline;
}

static void the_server_gives_an_answer_up_at_its_deadline(void **state) {
  (void)state;
  for (unsigned window = 0; window < 9; window += 4) {
    requests_restart(NULL);
    int64_t deadline = ask_and_take_nothing(window);
    assert_string_equal(server_said_at(deadline), "");
    assert_string_equal(server_said_at(deadline + LATENCY), "RST_STREAM 1 CANCEL\n");
    h2_put_setting(&requests.end.peer, FC__H2_INITIAL_WINDOW_SIZE, 65535);
    requests_go();
    assert_string_equal(requests.said, "SETTINGS ack\n");
    requests_expect_good_call();
  }
}

static void what_the_server_gave_up_leaves_its_stream_to_another(void **state) {
  (void)state;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_concurrent_streams = 1;
  requests_restart(&o);
  for (int i = 0; i < 3; i++) {
    sim_run_until(requests.rig.sim, ask_and_take_nothing(0) + LATENCY);
    (void)raw_end_said(&requests.end);
  }
  assert_int_equal(requests.rig.begun, 3);
  h2_put_setting(&requests.end.peer, FC__H2_INITIAL_WINDOW_SIZE, 65535);
  requests_expect_good_call();
}

static void an_answer_taken_in_time_is_not_given_up(void **state) {
  (void)state;
  int64_t deadline = ask_and_take_nothing(0);
  h2_put_setting(&requests.end.peer, FC__H2_INITIAL_WINDOW_SIZE, 65535);
  requests_go();
  requests_expect(FC_CODE_OK, "");
  assert_string_equal(server_said_at(deadline + FC_SECOND), "");
}

/* Nobody wants it any more: neither its bytes nor its memory stay. */
static void no_byte_of_it_leaves_after_the_deadline(void **state) {
  (void)state;
  int64_t deadline = ask_and_take_nothing(5);
  sim_run_until(requests.rig.sim, deadline + LATENCY);
  h2_put_u32(&requests.end.peer, FC__H2_WINDOW_UPDATE, requests.id, 65535);
  (void)raw_end_said(&requests.end);
  requests_go();
  assert_string_equal(requests.said, "");
  requests_reconnect();
  requests_expect_good_call();
}

/* A client that reads nothing loses its connection after a minute; one that has given the call up waits for nothing. */
static void a_call_that_is_given_up_stalls_nobody(void **state) {
  (void)state;
  h2_put_setting(&requests.end.peer, FC__H2_INITIAL_WINDOW_SIZE, 0);
  requests_ask(REQUEST("/t/Hold"));
  requests_ask(REQUEST("/t/Answer"));
  assert_null(strstr(requests.said, "grpc-status"));
  h2_put_u32(&requests.end.peer, FC__H2_RST_STREAM, requests.id, FC__H2_CANCEL);
  requests_go();
  sim_run_for(requests.rig.sim, 3600 * FC_SECOND);
  assert_int_equal(requests.rig.over, 0);
  h2_put_setting(&requests.end.peer, FC__H2_INITIAL_WINDOW_SIZE, 65535);
  requests_expect_good_call();
}

/* ---- the client has it ---- */

static fc_call *call_with_deadline(fc_pattern pattern, int64_t *deadline) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  o.pattern = pattern;
  o.timeout_ns = DEADLINE;
  *deadline = sim_now(answers.sim) + DEADLINE;
  assert_int_equal(fc_channel_call(answers.channel, "/s/m", &o, &call, NULL), FC_OK);
  if (pattern & FC_PATTERN_UNARY_STREAM)
    assert_int_equal(fc_call_send_copy(call, TEXT("request"), 0), FC_OK);
  answers_go();
  answers.id = answers.id ? answers.id + 2 : 1;
  answers_headers(H2_RESPONSE, 0);
  return call;
}

static void expect_status(fc_call *call, fc_code code) {
  assert_true(fc_call_is_done(call));
  assert_int_equal(fc_call_status(call)->code, code);
  fc_call_destroy(call);
}

static void expect_message(fc_call *call, const char *text) {
  fc_bytes *message;
  assert_int_equal(fc_call_recv(call, &message), FC_OK);
  assert_true(fc_slice_equals(fc_bytes_slice(message), text));
  fc_bytes_unref(message);
}

static void expect_no_message(fc_call *call) {
  fc_bytes *message;
  assert_int_equal(fc_call_recv(call, &message), FC_END);
  assert_null(message);
}

static const fc_pattern patterns[] = {FC_PATTERN_UNARY_UNARY, FC_PATTERN_UNARY_STREAM,
                                      FC_PATTERN_STREAM_UNARY, FC_PATTERN_STREAM_STREAM};

static void start_anew(void) {
  answers_restart((fc_channel_options)FC_CHANNEL_OPTIONS_INIT);
  answers.id = 0;
}

static void a_whole_answer_can_be_read_after_the_deadline(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    int64_t deadline;
    start_anew();
    fc_call *call = call_with_deadline(patterns[i], &deadline);
    answers_message(TEXT("answer"));
    answers_trailers(ANSWER_STATUS("0"));
    answers_go();
    sim_run_until(answers.sim, deadline + FC_SECOND);
    expect_message(call, "answer");
    expect_no_message(call);
    expect_status(call, FC_CODE_OK);
  }
}

static void an_answer_without_its_status_is_gone_at_the_deadline(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    int64_t deadline;
    start_anew();
    fc_call *call = call_with_deadline(patterns[i], &deadline);
    answers_message(TEXT("answer"));
    answers_go();
    sim_run_until(answers.sim, deadline - 1);
    assert_false(fc_call_is_done(call));
    sim_run_until(answers.sim, deadline);
    assert_true(fc_call_is_done(call));
    answers_trailers(ANSWER_STATUS("0")); /* they crossed with the reset */
    answers_go();
    assert_non_null(strstr(answers.said, "RST_STREAM 1 CANCEL\n"));
    expect_no_message(call);
    expect_status(call, FC_CODE_DEADLINE_EXCEEDED);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      REQUEST_TEST(the_server_gives_an_answer_up_at_its_deadline),
      REQUEST_TEST(what_the_server_gave_up_leaves_its_stream_to_another),
      REQUEST_TEST(an_answer_taken_in_time_is_not_given_up),
      REQUEST_TEST(no_byte_of_it_leaves_after_the_deadline),
      REQUEST_TEST(a_call_that_is_given_up_stalls_nobody),
      ANSWER_TEST(a_whole_answer_can_be_read_after_the_deadline),
      ANSWER_TEST(an_answer_without_its_status_is_gone_at_the_deadline),
  };
  return answers_run(tests, sizeof tests / sizeof *tests);
}
