/*
 * A blocking client drives its channel only while it waits for a call. What happened meanwhile, to
 * connections and timers, is found out in time by the next call.
 */
#include "http2/frame.h"
#include "sim/channel_world.h"
#include "support/check.h"

#define MS FC_MILLISECOND

static void world_start(struct world *w) {
  world_open(w);
  world_channel(w, "ipv4:10.0.0.1:80");
}

/* Nobody polls while the server closes the connection, and long enough for that to arrive. */
static void lose_the_connection(struct world *w) {
  raw_server_hang_up(&w->server);
  sim_stand_still(w->sim, 20 * MS);
}

static void a_closed_connection_is_noticed_before_a_call_uses_it(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  world_exchange(&w);
  for (unsigned i = 0; i < 5; i++) {
    lose_the_connection(&w);
    world_exchange(&w);
    assert_int_equal(w.server.requests, i + 2);
  }
  world_close(&w);
}

/* Frames that nobody has read lie before the end: one read finds them, and only the next one the end. */
static void an_end_behind_unread_frames_is_noticed_before_a_call_uses_it(void **state) {
  (void)state;
  static const uint8_t frames[][18] = {
      {0, 0, 8, FC__H2_PING, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8},
      {0, 0, 4, FC__H2_WINDOW_UPDATE, 0, 0, 0, 0, 0, 0, 0, 1, 0},
      {0, 0, 0, FC__H2_SETTINGS, 0, 0, 0, 0, 0},
      {0, 0, 3, 200, 0, 0, 0, 0, 0, 1, 2, 3},
  };
  struct world w;
  world_start(&w);
  world_exchange(&w);
  for (unsigned i = 0; i < 4; i++) {
    raw_server_say(&w.server, (fc_slice){frames[i], 9u + frames[i][2]});
    lose_the_connection(&w);
    world_exchange(&w);
    assert_int_equal(w.server.requests, i + 2);
  }
  world_close(&w);
}

static void an_end_is_noticed_beside_an_open_stream(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  world_exchange(&w);
  w.server.hold = true;
  fc_call *open;
  assert_int_equal(fc_unary_stream(w.channel, "/s/m", TEXT("hello"), NULL, &open, NULL), FC_OK);
  world_run(&w, 20 * MS);
  w.server.hold = false;
  lose_the_connection(&w);
  world_exchange(&w);
  world_expect(open, FC_CODE_UNAVAILABLE, "closed the connection");
  world_close(&w);
}

/* The answer to one call lies in the socket when a message of another finds that the connection is reset. */
static void an_answer_that_came_outlives_a_failed_write(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  w.server.hold = true;
  fc_call *answered = world_call(&w, "/s/answered", FC_NEVER, false), *sending;
  assert_int_equal(fc_stream_stream(w.channel, "/s/sending", NULL, &sending, NULL), FC_OK);
  world_run(&w, 20 * MS);
  raw_server_answer(&w.server, 1);
  sim_cut_all(w.sim, SIM_CUT_RESET);
  sim_stand_still(w.sim, 20 * MS);
  assert_int_equal(fc_call_send_copy(sending, TEXT("late"), 0), FC_OK);
  world_expect(answered, FC_CODE_OK, "");
  world_expect(sending, FC_CODE_UNAVAILABLE, "reset");
  world_close(&w);
}

/* One look tells all of them whether it still stands. */
static void calls_that_begin_together_ask_the_connection_once(void **state) {
  (void)state;
  enum { CALLS = 10 };
  struct world w;
  fc_call *calls[CALLS];
  world_start(&w);
  world_exchange(&w);
  for (int round = 0; round < 3; round++) {
    sim_stand_still(w.sim, 20 * MS);
    size_t before = sim_reads(w.sim);
    for (int i = 0; i < CALLS; i++) calls[i] = world_call(&w, "/s/m", FC_NEVER, false);
    assert_int_equal(sim_reads(w.sim) - before, 1);
    world_run(&w, 20 * MS);
    for (int i = 0; i < CALLS; i++) world_expect(calls[i], FC_CODE_OK, "");
  }
  world_close(&w);
}

static void the_state_is_asked_of_the_connection(void **state) {
  (void)state;
  struct world w;
  world_start(&w);
  world_exchange(&w);
  assert_int_equal(fc_channel_state(w.channel, false), FC_CONNECTIVITY_READY);
  lose_the_connection(&w);
  assert_int_equal(fc_channel_state(w.channel, false), FC_CONNECTIVITY_IDLE);
  world_close(&w);
}

/* The time for connecting is over when the second call comes, but nobody was there to go on
 * connecting. */
static void an_interrupted_attempt_to_connect_goes_on(void **state) {
  (void)state;
  struct world w;
  size_t count;
  world_open(&w);
  w.options.connect_timeout_ns = 100 * MS;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call;
  assert_int_equal(fc_unary_stream(w.channel, "/s/m", TEXT("hello"), NULL, &call, NULL), FC_OK);
  fc_call_destroy(call);
  sim_stand_still(w.sim, 1200 * MS);
  world_exchange(&w);
  (void)sim_attempts(w.sim, &count);
  assert_int_equal(count, 1);
  world_close(&w);
}

static void a_backoff_ends_without_help(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  raw_server_unlisten(&w.server);
  w.options.min_backoff_ns = 50 * MS;
  world_channel(&w, "ipv4:10.0.0.1:80");
  assert_int_equal(fc_unary_unary(w.channel, "/s/m", TEXT("hello"), NULL, NULL, NULL, NULL),
                   FC_CODE_UNAVAILABLE);
  raw_server_listen(&w.server, "10.0.0.1:80");
  sim_stand_still(w.sim, 60 * MS);
  world_exchange(&w);
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_closed_connection_is_noticed_before_a_call_uses_it),
      cmocka_unit_test(an_end_behind_unread_frames_is_noticed_before_a_call_uses_it),
      cmocka_unit_test(an_end_is_noticed_beside_an_open_stream),
      cmocka_unit_test(an_answer_that_came_outlives_a_failed_write),
      cmocka_unit_test(calls_that_begin_together_ask_the_connection_once),
      cmocka_unit_test(the_state_is_asked_of_the_connection),
      cmocka_unit_test(an_interrupted_attempt_to_connect_goes_on),
      cmocka_unit_test(a_backoff_ends_without_help),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
