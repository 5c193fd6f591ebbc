/*
 * Connections that end in the middle of a call, or never are what they should be, to a client: rows
 * 57 and 58 of the table of hostile inputs. Those of a server's are in test_hostile_ends.c.
 */
#include <stdio.h>

#include "sim/answer_world.h"

/* ---- row 57 ---- */

static uint8_t answer[512];

/* A whole good answer to the request with id 1. */
static size_t build_answer(void) {
  struct fc__buf *in = &answers.end.peer.in;
  answers_headers(H2_RESPONSE, 0);
  answers_message(TEXT("response"));
  answers_trailers(ANSWER_STATUS("0"));
  size_t len = in->len;
  assert_true(len <= sizeof answer);
  memcpy(answer, in->data, len);
  in->len = 0;
  return len;
}

enum cut { CUT_END, CUT_HALF, CUT_RESET, CUT_BLACK_HOLE };

static void cut(enum cut how) {
  static const enum sim_cut_kind kinds[] = {
      [CUT_HALF] = SIM_CUT_END, [CUT_RESET] = SIM_CUT_RESET, [CUT_BLACK_HOLE] = SIM_CUT_BLACK_HOLE};
  if (how == CUT_END) {
    raw_end_hang_up(&answers.end);
  } else {
    sim_cut_all(answers.sim, kinds[how]);
  }
}

static void cut_after(size_t len, size_t whole, enum cut how) {
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  o.keepalive_time_ns = 10 * FC_SECOND;
  answers_restart(o);
  fc_call *call = answers_call();
  h2_put_bytes(&answers.end.peer, (fc_slice){answer, len});
  answers_go();
  bool answered = fc_call_is_done(call);
  assert_int_equal(answered, len == whole);
  cut(how);
  int64_t since = sim_now(answers.sim);
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  /* A ping after 10 s without a word, and 20 s for its answer. */
  if (how == CUT_BLACK_HOLE && !answered) {
    assert_in_range((uintmax_t)(sim_now(answers.sim) - since), 29 * FC_SECOND, 31 * FC_SECOND);
  }
  answers_go();
  if (answered) {
    answers_expect(call, FC_CODE_OK, "");
  } else {
    answers_expect(call, FC_CODE_UNAVAILABLE, "");
    answers_expect_good_call(); /* on another connection */
  }
}

static void cut_everywhere(enum cut how) {
  answers_call(); /* whose id is 1 */
  size_t whole = build_answer();
  for (size_t len = 0; len <= whole; len++) cut_after(len, whole, how);
}

static void row_57_an_end_at_every_byte_of_an_answer_is_unavailable(void **state) {
  (void)state;
  cut_everywhere(CUT_END);
}

/* The server says no more, but reads on. */
static void row_57_a_half_close_at_every_byte_of_an_answer_is_unavailable(void **state) {
  (void)state;
  cut_everywhere(CUT_HALF);
}

static void row_57_a_reset_at_every_byte_of_an_answer_is_unavailable(void **state) {
  (void)state;
  cut_everywhere(CUT_RESET);
}

static void row_57_a_black_hole_at_every_byte_of_an_answer_is_found(void **state) {
  (void)state;
  cut_everywhere(CUT_BLACK_HOLE);
}

/* ---- row 58 ---- */

static const char *const garbage[] = {
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "220 mail.test ESMTP\r\n",
    "\x15\x03\x03\x02\x02\x46 alert of TLS",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
};

static fc_call *call_anew(const char *greeting, fc_wait_for_ready wait, int64_t timeout) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  raw_end_hang_up(&answers.end);
  answers_go();
  answers.end.greeting = greeting;
  o.wait_for_ready = wait;
  o.timeout_ns = timeout;
  assert_int_equal(fc_unary_unary_future(answers.channel, "/s/m", TEXT(""), &o, &call, NULL),
                   FC_OK);
  return call;
}

static void expect(fc_call *call, fc_code code, const char *part) {
  const fc_status *status = fc_call_status(call);
  if (status->code != code || !strstr(status->message, part)) {
    fail_msg("%s %s", fc_code_name(status->code), status->message);
  }
  fc_call_destroy(call);
}

static void row_58_garbage_is_unavailable_at_once(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
    fc_call *call = call_anew(garbage[i], FC_WAIT_FOR_READY_OFF, 0);
    answers_go();
    assert_true(fc_call_is_done(call));
    expect(call, FC_CODE_UNAVAILABLE, "HTTP/2 handshake");
    answers.end.greeting = NULL;
    sim_run_for(answers.sim, 3 * FC_SECOND); /* the back-off */
    (void)raw_end_said(&answers.end);
    answers_expect_good_call();
  }
}

static void row_58_silence_ends_with_the_deadline(void **state) {
  (void)state;
  int64_t since = sim_now(answers.sim) + 20 * FC_MILLISECOND;
  fc_call *call = call_anew("", FC_WAIT_FOR_READY_OFF, 3 * FC_SECOND);
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  assert_int_equal(sim_now(answers.sim) - since, 3 * FC_SECOND);
  expect(call, FC_CODE_DEADLINE_EXCEEDED, "");
}

static void row_58_silence_without_a_deadline_ends_at_the_connect_timeout(void **state) {
  (void)state;
  int64_t since = sim_now(answers.sim) + 20 * FC_MILLISECOND;
  fc_call *call = call_anew("", FC_WAIT_FOR_READY_OFF, 0);
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  assert_in_range((uintmax_t)(sim_now(answers.sim) - since), 20 * FC_SECOND,
                  20 * FC_SECOND + 10 * FC_MILLISECOND);
  expect(call, FC_CODE_UNAVAILABLE, "no SETTINGS within 20 s");
}

/* doc/connection-backoff.md: 1 s, 1.6 times as long each time, 120 s at most, a fifth of it more or
 * less. */
static void row_58_attempts_come_with_back_off(void **state) {
  (void)state;
  size_t first, count;
  (void)sim_attempts(answers.sim, &first);
  fc_call *call = call_anew(garbage[0], FC_WAIT_FOR_READY_ON, 0);
  sim_run_for(answers.sim, 1000 * FC_SECOND);
  const struct sim_attempt *a = sim_attempts(answers.sim, &count);
  double span = 1;
  assert_in_range(count - first, 12, 25);
  for (size_t i = first + 1; i < count; i++) {
    double waited = (double)(a[i].at - a[i - 1].at) / 1e9;
    if (waited < 0.79 * span || waited > 1.21 * span) fail_msg("%g s for %g s", waited, span);
    span = span * 1.6 < 120 ? span * 1.6 : 120;
  }
  assert_false(fc_call_is_done(call));
  fc_call_cancel(call, FC_CODE_CANCELLED, "enough");
  expect(call, FC_CODE_CANCELLED, "enough");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ANSWER_TEST(row_57_an_end_at_every_byte_of_an_answer_is_unavailable),
      ANSWER_TEST(row_57_a_half_close_at_every_byte_of_an_answer_is_unavailable),
      ANSWER_TEST(row_57_a_reset_at_every_byte_of_an_answer_is_unavailable),
      ANSWER_TEST(row_57_a_black_hole_at_every_byte_of_an_answer_is_found),
      ANSWER_TEST(row_58_garbage_is_unavailable_at_once),
      ANSWER_TEST(row_58_silence_ends_with_the_deadline),
      ANSWER_TEST(row_58_silence_without_a_deadline_ends_at_the_connect_timeout),
      ANSWER_TEST(row_58_attempts_come_with_back_off),
  };
  return answers_run(tests, sizeof tests / sizeof *tests);
}
