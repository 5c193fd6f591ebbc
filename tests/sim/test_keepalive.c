/*
 * A connection on which nothing comes is asked whether it still stands: when, how often, what counts as an answer, and
 * what follows from none. Spec: gRFC A8, grpc/grpc doc/keepalive.md
 */
#include "sim/answer_world.h"
#include "sim/request_world.h"

#define TIME (10 * FC_SECOND)
#define TIMEOUT (5 * FC_SECOND)
#define LATENCY FC_MILLISECOND

/* ---- a channel ---- */

static void open_channel(bool without_calls) {
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  o.keepalive_time_ns = TIME;
  o.keepalive_timeout_ns = TIMEOUT;
  o.keepalive_without_calls = without_calls;
  answers_restart(o);
}

/* A call whose server has just said something, and the time at which that came. */
static fc_call *begin_stream(int64_t *heard_at) {
  fc_call *call = answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  answers_headers(H2_RESPONSE, 0);
  *heard_at = sim_now(answers.sim) + LATENCY;
  answers_go();
  return call;
}

/* What the channel has said when a time has passed, and its last words have come. */
static const char *said_at(int64_t time) {
  sim_run_until(answers.sim, time + LATENCY);
  return raw_end_said(&answers.end);
}

static void a_channel_goes_on_as_long_as_its_pings_are_answered(void **state) {
  (void)state;
  int64_t heard_at;
  open_channel(false);
  fc_call *call = begin_stream(&heard_at);
  for (int i = 0; i < 50; i++) {
    assert_string_equal(said_at(heard_at + TIME - 2 * LATENCY), "");
    assert_string_equal(said_at(heard_at + TIME), "PING 1\n");
    sim_run_for(answers.sim, TIMEOUT - 10 * LATENCY);
    h2_put_ping(&answers.end.peer, 1, true);
    heard_at = sim_now(answers.sim) + LATENCY;
    answers_go();
    assert_string_equal(answers.said, "");
  }
  assert_false(fc_call_is_done(call));
}

static void a_channel_without_an_answer_gives_up_in_time(void **state) {
  (void)state;
  int64_t heard_at;
  open_channel(false);
  fc_call *call = begin_stream(&heard_at);
  for (int i = 0; i < 2; i++) { /* that an earlier one was answered changes nothing */
    assert_string_equal(said_at(heard_at + TIME), "PING 1\n");
    if (i == 1) break;
    h2_put_ping(&answers.end.peer, 1, true);
    heard_at = sim_now(answers.sim) + LATENCY;
    answers_go();
  }
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  assert_int_equal(sim_now(answers.sim), heard_at + TIME + TIMEOUT);
  answers_go();
  answers_expect_dead(call, FC_CODE_UNAVAILABLE, "keepalive: no answer from");
}

static void what_comes_puts_the_ping_off(void **state) {
  (void)state;
  int64_t heard_at;
  open_channel(false);
  (void)begin_stream(&heard_at);
  for (int i = 0; i < 5; i++) {
    assert_string_equal(said_at(heard_at + TIME - 100 * LATENCY), "");
    answers_message(TEXT("word"));
    heard_at = sim_now(answers.sim) + LATENCY;
    answers_go();
  }
  assert_string_equal(said_at(heard_at + TIME), "PING 1\n");
}

/* Whatever comes proves that the server lives. */
static void any_word_is_an_answer(void **state) {
  (void)state;
  int64_t heard_at;
  open_channel(false);
  fc_call *call = begin_stream(&heard_at);
  assert_string_equal(said_at(heard_at + TIME), "PING 1\n");
  answers_message(TEXT("word"));
  heard_at = sim_now(answers.sim) + LATENCY;
  answers_go();
  assert_string_equal(said_at(heard_at + TIME), "PING 1\n");
  h2_put_ping(&answers.end.peer, 1, true); /* they are the acknowledgements of two pings */
  h2_put_ping(&answers.end.peer, 1, true);
  answers_go();
  assert_false(fc_call_is_done(call));
}

static void a_channel_pings_without_calls_only_if_asked(void **state) {
  (void)state;
  for (int asked = 0; asked < 2; asked++) {
    open_channel(asked);
    answers_expect_good_call();
    assert_string_equal(said_at(sim_now(answers.sim) + TIME), asked ? "PING 1\n" : "");
    h2_put_ping(&answers.end.peer, 1, asked);
    answers_go();
    assert_string_equal(answers.said, asked ? "" : "PING 1 ack\n");
  }
}

static void a_server_gets_each_ping_back_once(void **state) {
  (void)state;
  open_channel(false);
  (void)answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  h2_put_ping(&answers.end.peer, UINT64_C(0x8001020304050607), false);
  h2_put_ping(&answers.end.peer, 0, false);
  answers_go();
  assert_string_equal(answers.said, "PING 8001020304050607 ack\nPING 0 ack\n");
}

/* ---- a server ---- */

static void open_server(void) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.keepalive_time_ns = TIME;
  o.keepalive_timeout_ns = TIMEOUT;
  requests_restart(&o);
}

/* The call runs on; returns when its request came. */
static int64_t begin_request(void) {
  requests_begin(REQUEST("/t/Stream"), 0);
  int64_t heard_at = sim_now(requests.rig.sim) + LATENCY;
  requests_go();
  assert_int_equal(requests.rig.running, 1);
  return heard_at;
}

static const char *server_said_at(int64_t time) {
  sim_run_until(requests.rig.sim, time + LATENCY);
  return raw_end_said(&requests.end);
}

static void a_server_goes_on_as_long_as_its_pings_are_answered(void **state) {
  (void)state;
  open_server();
  int64_t heard_at = begin_request();
  for (int i = 0; i < 50; i++) {
    assert_string_equal(server_said_at(heard_at + TIME - 2 * LATENCY), "");
    assert_string_equal(server_said_at(heard_at + TIME), "PING 1\n");
    h2_put_ping(&requests.end.peer, 1, true);
    heard_at = sim_now(requests.rig.sim) + LATENCY;
    requests_go();
    assert_string_equal(requests.said, "");
  }
  assert_int_equal(requests.rig.over, 0);
}

static void a_server_without_an_answer_gives_up_in_time(void **state) {
  (void)state;
  open_server();
  int64_t heard_at = begin_request();
  assert_string_equal(server_said_at(heard_at + TIME), "PING 1\n");
  assert_string_equal(server_said_at(heard_at + TIME + TIMEOUT - 2 * LATENCY), "");
  assert_int_equal(requests.rig.over, 0);
  assert_string_equal(server_said_at(heard_at + TIME + TIMEOUT), "");
  assert_int_equal(requests.rig.at, heard_at + TIME + TIMEOUT);
  assert_int_equal(requests.rig.code, FC_CODE_CANCELLED);
  assert_null(requests.end.transport);
}

/* The ping that measures the round trip before the last GOAWAY is another one. */
static void the_answer_to_one_ping_is_not_anothers(void **state) {
  (void)state;
  open_server();
  int64_t heard_at = begin_request();
  assert_string_equal(server_said_at(heard_at + TIME), "PING 1\n");
  assert_int_equal(fc_server_shutdown(requests.rig.server, FC_NEVER), FC_OK);
  requests_go();
  assert_string_equal(requests.said, "GOAWAY 2147483647 NO_ERROR the server shuts down\nPING 2\n");
  h2_put_ping(&requests.end.peer, 3, true);
  requests_go();
  assert_string_equal(requests.said, "");
  h2_put_ping(&requests.end.peer, 2, true);
  requests_go();
  assert_string_equal(requests.said, "GOAWAY 1 NO_ERROR \n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ANSWER_TEST(a_channel_goes_on_as_long_as_its_pings_are_answered),
      ANSWER_TEST(a_channel_without_an_answer_gives_up_in_time),
      ANSWER_TEST(what_comes_puts_the_ping_off),
      ANSWER_TEST(any_word_is_an_answer),
      ANSWER_TEST(a_channel_pings_without_calls_only_if_asked),
      ANSWER_TEST(a_server_gets_each_ping_back_once),
      REQUEST_TEST(a_server_goes_on_as_long_as_its_pings_are_answered),
      REQUEST_TEST(a_server_without_an_answer_gives_up_in_time),
      REQUEST_TEST(the_answer_to_one_ping_is_not_anothers),
  };
  return answers_run(tests, sizeof tests / sizeof *tests);
}
