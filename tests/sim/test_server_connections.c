/* How long a connection may live: handshake, idleness, age, grace. Spec: gRFC A9; rows 15 and 18 of the hostile inputs */
#include "support/check.h"
#include "support/raw_client.h"
#include "support/server_rig.h"

#define RTT (2 * FC_MILLISECOND)

static void open_with(struct rig *rig, fc_server_options o) { rig_open(rig, &o); }

static void connect_and_greet(struct rig *rig, struct raw_client *c) {
  raw_open(c, sim_reactor(rig->sim), RIG_ADDRESS);
  sim_run_for(rig->sim, 5 * RTT);
  assert_true(fc__h2_peer_settings_seen(c->h2));
}

static void row_15_one_that_says_nothing_is_closed_at_the_handshake_timeout(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client silent, good;
  struct raw_call call;
  rig_open(&rig, NULL);
  int64_t began = sim_now(rig.sim);
  raw_open_silent(&silent, sim_reactor(rig.sim), RIG_ADDRESS);
  raw_open(&good, sim_reactor(rig.sim), RIG_ADDRESS);
  sim_run_until(rig.sim, began + 19 * FC_SECOND);
  assert_false(silent.closed);
  sim_run_until(rig.sim, began + 21 * FC_SECOND);
  assert_true(silent.closed);
  assert_in_range((uintmax_t)(silent.closed_at - began), 20 * FC_SECOND, 20 * FC_SECOND + 10 * RTT);
  assert_true(raw_request(&good, &call, "/t/Answer", NULL));
  sim_run_for(rig.sim, 5 * RTT);
  assert_int_equal(call.status, FC_CODE_OK);
  raw_close(&silent);
  raw_close(&good);
  rig_close(&rig);
}

static void the_handshake_timeout_can_be_chosen(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client silent;
  open_with(&rig, (fc_server_options){.size = sizeof(fc_server_options),
                                      .handshake_timeout_ns = 3 * FC_SECOND});
  int64_t began = sim_now(rig.sim);
  raw_open_silent(&silent, sim_reactor(rig.sim), RIG_ADDRESS);
  sim_run_for(rig.sim, 4 * FC_SECOND);
  assert_true(silent.closed);
  assert_in_range((uintmax_t)(silent.closed_at - began), 3 * FC_SECOND, 3 * FC_SECOND + 10 * RTT);
  raw_close(&silent);
  rig_close(&rig);
}

static void assert_two_steps(const struct raw_client *c, const char *debug, uint32_t last_id) {
  assert_int_equal(c->goaway_count, 2);
  assert_int_equal(c->goaways[0].last_id, INT32_MAX);
  assert_int_equal(c->goaways[0].code, FC__H2_NO_ERROR);
  assert_string_equal(c->goaways[0].debug, debug);
  assert_int_equal(c->goaways[1].last_id, last_id);
  assert_int_equal(c->goaways[1].code, FC__H2_NO_ERROR);
}

static void row_18_an_idle_connection_is_told_to_go(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  open_with(&rig, (fc_server_options){.size = sizeof(fc_server_options),
                                      .max_connection_idle_ns = 10 * FC_SECOND});
  connect_and_greet(&rig, &c);
  sim_run_for(rig.sim, 8 * FC_SECOND);
  assert_true(raw_request(&c, &call, "/t/Hold", NULL)); /* not idle for a minute */
  sim_run_for(rig.sim, 60 * FC_SECOND);
  assert_int_equal(c.goaway_count, 0);
  int64_t idle_since = sim_now(rig.sim);
  rig_finish(&rig, 0, FC_CODE_OK);
  sim_run_for(rig.sim, 9 * FC_SECOND);
  assert_int_equal(c.goaway_count, 0);
  sim_run_for(rig.sim, 2 * FC_SECOND);
  assert_two_steps(&c, "max_idle", 1);
  assert_in_range((uintmax_t)(c.goaways[0].at - idle_since), 10 * FC_SECOND,
                  10 * FC_SECOND + 10 * RTT);
  assert_true(c.closed);
  raw_close(&c);
  rig_close(&rig);
}

static void one_that_never_calls_is_idle_from_the_start(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  open_with(&rig, (fc_server_options){.size = sizeof(fc_server_options),
                                      .max_connection_idle_ns = 10 * FC_SECOND});
  connect_and_greet(&rig, &c);
  sim_run_for(rig.sim, 11 * FC_SECOND);
  assert_two_steps(&c, "max_idle", 0);
  assert_true(c.closed);
  raw_close(&c);
  rig_close(&rig);
}

static void row_18_age_ends_connections_at_different_times(void **state) {
  (void)state;
  enum { COUNT = 200 };
  struct rig rig;
  static struct raw_client c[COUNT];
  int64_t least = FC_NEVER, most = 0;
  open_with(&rig, (fc_server_options){.size = sizeof(fc_server_options),
                                      .max_connection_age_ns = 100 * FC_SECOND});
  int64_t began = sim_now(rig.sim);
  for (int i = 0; i < COUNT; i++) raw_open(&c[i], sim_reactor(rig.sim), RIG_ADDRESS);
  sim_run_for(rig.sim, 120 * FC_SECOND);
  for (int i = 0; i < COUNT; i++) {
    assert_two_steps(&c[i], "max_age", 0);
    int64_t age = c[i].goaways[0].at - began;
    assert_in_range((uintmax_t)age, 90 * FC_SECOND, 110 * FC_SECOND + 10 * RTT);
    if (age < least) least = age;
    if (age > most) most = age;
    assert_true(c[i].closed);
    raw_close(&c[i]);
  }
  assert_true(least < 91 * FC_SECOND && most > 109 * FC_SECOND);
  rig_close(&rig);
}

static void calls_outlive_the_age_for_the_grace(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call first, second;
  open_with(&rig, (fc_server_options){.size = sizeof(fc_server_options),
                                      .max_connection_age_ns = 10 * FC_SECOND,
                                      .max_connection_age_grace_ns = 30 * FC_SECOND});
  connect_and_greet(&rig, &c);
  assert_true(raw_request(&c, &first, "/t/Hold", NULL));
  assert_true(raw_request(&c, &second, "/t/Hold", NULL));
  sim_run_for(rig.sim, 20 * FC_SECOND);
  assert_two_steps(&c, "max_age", 3);
  assert_false(c.closed);
  rig_finish(&rig, 0, FC_CODE_OK);
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(first.status, FC_CODE_OK);
  assert_false(c.closed);
  sim_run_for(rig.sim, 30 * FC_SECOND);
  assert_true(c.closed);
  assert_in_range((uintmax_t)(c.closed_at - c.goaways[0].at), 29 * FC_SECOND, 31 * FC_SECOND);
  assert_int_equal(rig.code, FC_CODE_CANCELLED);
  raw_close(&c);
  rig_close(&rig);
}

static void without_a_grace_calls_outlive_the_age_for_ever(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  open_with(&rig, (fc_server_options){.size = sizeof(fc_server_options),
                                      .max_connection_age_ns = 10 * FC_SECOND});
  connect_and_greet(&rig, &c);
  assert_true(raw_request(&c, &call, "/t/Hold", NULL));
  sim_run_for(rig.sim, 3600 * FC_SECOND);
  assert_int_equal(c.goaway_count, 2);
  rig_finish(&rig, 0, FC_CODE_OK);
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(call.status, FC_CODE_OK);
  assert_true(c.closed);
  raw_close(&c);
  rig_close(&rig);
}

/* Row 66: what was on its way when the client was told is taken. */
static void a_request_that_crosses_the_first_goaway_is_answered(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  rig_open(&rig, NULL);
  sim_link(rig.sim, NULL)->latency = 100 * FC_MILLISECOND;
  raw_open(&c, sim_reactor(rig.sim), RIG_ADDRESS);
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(fc_server_shutdown(rig.server, FC_NEVER), FC_OK);
  sim_run_for(rig.sim, 50 * FC_MILLISECOND);
  assert_int_equal(c.goaway_count, 0);
  assert_true(raw_request(&c, &call, "/t/Answer", NULL));
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(call.status, FC_CODE_OK);
  assert_int_equal(c.goaway_count, 2);
  assert_int_equal(c.goaways[1].last_id, 1);
  assert_true(c.closed);
  raw_close(&c);
  rig_close(&rig);
}

static void a_client_that_answers_no_ping_gets_the_last_id_a_second_later(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  rig_open(&rig, NULL);
  connect_and_greet(&rig, &c);
  assert_true(raw_request(&c, &call, "/t/Hold", NULL));
  sim_run_for(rig.sim, FC_SECOND);
  raw_hold(&c);
  assert_int_equal(fc_server_shutdown(rig.server, FC_NEVER), FC_OK);
  sim_run_for(rig.sim, 900 * FC_MILLISECOND);
  assert_int_equal(c.goaway_count, 1);
  sim_run_for(rig.sim, 200 * FC_MILLISECOND);
  assert_two_steps(&c, "the server shuts down", 1);
  assert_false(c.closed);
  rig_finish(&rig, 0, FC_CODE_OK);
  sim_run_for(rig.sim, FC_SECOND);
  assert_true(c.closed);
  assert_int_equal(call.status, FC_CODE_OK);
  raw_close(&c);
  rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(row_15_one_that_says_nothing_is_closed_at_the_handshake_timeout),
      cmocka_unit_test(the_handshake_timeout_can_be_chosen),
      cmocka_unit_test(row_18_an_idle_connection_is_told_to_go),
      cmocka_unit_test(one_that_never_calls_is_idle_from_the_start),
      cmocka_unit_test(row_18_age_ends_connections_at_different_times),
      cmocka_unit_test(calls_outlive_the_age_for_the_grace),
      cmocka_unit_test(without_a_grace_calls_outlive_the_age_for_ever),
      cmocka_unit_test(a_request_that_crosses_the_first_goaway_is_answered),
      cmocka_unit_test(a_client_that_answers_no_ping_gets_the_last_id_a_second_later),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
