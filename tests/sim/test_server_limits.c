/* What one client, many clients or a poor system can ask of a server. Rows 1, 6, 16 and 17 of the hostile inputs */
#include <errno.h>

#include "support/check.h"
#include "support/raw_client.h"
#include "support/server_rig.h"

enum { MANY = 400 };

static struct raw_call calls[MANY];

static void connect_client(struct rig *rig, struct raw_client *c) {
  raw_open(c, sim_reactor(rig->sim), RIG_ADDRESS);
  sim_run_for(rig->sim, 20 * FC_MILLISECOND);
}

static void run_short(struct rig *rig) { sim_run_for(rig->sim, 20 * FC_MILLISECOND); }

static void assert_answers(struct rig *rig, struct raw_client *c) {
  static struct raw_call call;
  assert_true(raw_request(c, &call, "/t/Answer", NULL));
  run_short(rig);
  assert_int_equal(call.status, FC_CODE_OK);
}

/* ---- streams ---- */

static void row_14_streams_over_the_limit_are_refused_and_the_rest_lives(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_concurrent_streams = 4;
  rig_open(&rig, &o);
  connect_client(&rig, &c);
  assert_int_equal(fc__h2_peer_max_streams(c.h2), 4);
  raw_ignore_limits(&c);
  for (int i = 0; i < 6; i++) assert_true(raw_request(&c, &calls[i], "/t/Hold", NULL));
  run_short(&rig);
  assert_int_equal(rig.running, 4);
  for (int i = 4; i < 6; i++) {
    assert_true(calls[i].reset);
    assert_int_equal(calls[i].code, FC__H2_REFUSED_STREAM);
  }
  rig_finish(&rig, 0, FC_CODE_OK);
  run_short(&rig);
  assert_answers(&rig, &c);
  rig_finish_all(&rig);
  run_short(&rig);
  for (int i = 0; i < 4; i++) assert_int_equal(calls[i].status, FC_CODE_OK);
  raw_close(&c);
  rig_close(&rig);
}

/* CVE-2023-44487, GHSA-m425-mq94-257g: the handlers of reset streams still run. */
static void row_01_resets_buy_no_further_handlers(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_concurrent_streams = 10;
  rig_open(&rig, &o);
  connect_client(&rig, &c);
  for (int i = 0; i < MANY / 2; i++) {
    if (!raw_request(&c, &calls[i], "/t/Hold", NULL)) break;
    run_short(&rig);
    raw_reset(&calls[i]);
    run_short(&rig);
  }
  assert_int_equal(rig.begun, 10);
  assert_int_equal(rig.most, 10);
  assert_int_equal(rig.over, 10);
  assert_int_equal(rig.code, FC_CODE_CANCELLED);
  rig_finish_all(&rig);
  run_short(&rig);
  assert_answers(&rig, &c);
  raw_close(&c);
  rig_close(&rig);
}

static void row_01_pairs_of_request_and_reset_in_one_read_run_nothing(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_concurrent_streams = 10;
  rig_open(&rig, &o);
  connect_client(&rig, &c);
  raw_hold(&c);
  for (int i = 0; i < MANY; i++) {
    assert_true(raw_request(&c, &calls[i], "/t/Hold", NULL));
    raw_reset(&calls[i]);
  }
  raw_release(&c);
  run_short(&rig);
  assert_int_equal(rig.begun, 0);
  assert_false(c.closed);
  assert_answers(&rig, &c);
  raw_close(&c);
  rig_close(&rig);
}

static void row_01_one_who_goes_on_resetting_is_sent_away(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  rig_open(&rig, NULL);
  connect_client(&rig, &c);
  for (int round = 0; round < 30 && !c.closed; round++) {
    raw_hold(&c);
    for (int i = 0; i < MANY; i++) {
      if (raw_request(&c, &calls[i], "/t/Hold", NULL)) raw_reset(&calls[i]);
    }
    raw_release(&c);
    run_short(&rig);
  }
  assert_true(c.closed);
  assert_int_equal(c.goaways[c.goaway_count - 1].code, FC__H2_ENHANCE_YOUR_CALM);
  assert_true(rig.most <= 100);
  raw_close(&c);
  rig_close(&rig);
}

/* The deadline ends the call, but not its handler. */
static void an_expired_call_keeps_its_slot_until_its_handler_is_done(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_concurrent_streams = 1;
  rig_open(&rig, &o);
  connect_client(&rig, &c);
  assert_true(raw_request(&c, &calls[0], "/t/Hold", "100m"));
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(calls[0].status, FC_CODE_DEADLINE_EXCEEDED);
  assert_true(raw_request(&c, &calls[1], "/t/Hold", NULL));
  run_short(&rig);
  assert_int_equal(calls[1].code, FC__H2_REFUSED_STREAM);
  assert_int_equal(rig.begun, 1);
  rig_finish_all(&rig);
  assert_answers(&rig, &c);
  raw_close(&c);
  rig_close(&rig);
}

/* The client may see the answer before the handler has given its handle back. */
static void an_answered_call_frees_its_slot_at_once(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_concurrent_streams = 1;
  rig_open(&rig, &o);
  connect_client(&rig, &c);
  assert_true(raw_request(&c, &calls[0], "/t/Hold", NULL));
  run_short(&rig);
  assert_int_equal(fc_call_finish(rig.held[0], FC_CODE_ABORTED, NULL, (fc_slice){0}), FC_OK);
  run_short(&rig);
  assert_int_equal(calls[0].status, FC_CODE_ABORTED);
  assert_answers(&rig, &c);
  raw_close(&c);
  rig_close(&rig);
}

/* ---- calls ---- */

static void row_17_calls_over_the_limit_are_told_so(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c[2];
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_concurrent_calls = 3;
  rig_open(&rig, &o);
  connect_client(&rig, &c[0]);
  connect_client(&rig, &c[1]);
  for (int i = 0; i < 3; i++) assert_true(raw_request(&c[i % 2], &calls[i], "/t/Hold", NULL));
  run_short(&rig);
  assert_true(raw_request(&c[1], &calls[3], "/t/Answer", NULL));
  assert_true(raw_begin(&c[1], &calls[4], "/t/Stream", NULL));
  run_short(&rig);
  for (int i = 3; i < 5; i++) {
    assert_int_equal(calls[i].status, FC_CODE_RESOURCE_EXHAUSTED);
    assert_string_equal(calls[i].message, "Concurrent RPC limit exceeded!");
  }
  assert_int_equal(rig.begun, 3);
  rig_finish(&rig, 1, FC_CODE_OK);
  assert_answers(&rig, &c[0]);
  assert_answers(&rig, &c[1]);
  raw_close(&c[0]);
  raw_close(&c[1]);
  rig_close(&rig);
}

/* ---- connections ---- */

static void row_16_connections_over_the_limit_wait_until_one_goes(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c[4];
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_connections = 2;
  rig_open(&rig, &o);
  for (int i = 0; i < 4; i++) raw_open(&c[i], sim_reactor(rig.sim), RIG_ADDRESS);
  sim_run_for(rig.sim, 10 * FC_SECOND);
  for (int i = 0; i < 4; i++) assert_int_equal(fc__h2_peer_settings_seen(c[i].h2), i < 2);
  assert_answers(&rig, &c[0]);
  raw_close(&c[0]);
  run_short(&rig);
  int next = fc__h2_peer_settings_seen(c[2].h2) ? 2 : 3, last = 5 - next;
  assert_answers(&rig, &c[next]);
  assert_false(fc__h2_peer_settings_seen(c[last].h2));
  raw_close(&c[1]);
  run_short(&rig);
  assert_answers(&rig, &c[last]);
  raw_close(&c[2]);
  raw_close(&c[3]);
  rig_close(&rig);
}

/* CVE-2023-4785, CVE-2024-47609 */
static void row_16_accepting_survives_what_the_system_lacks(void **state) {
  (void)state;
  const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EPERM, EINTR, EIO};
  for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
    struct rig rig;
    struct raw_client before, after;
    rig_open(&rig, NULL);
    connect_client(&rig, &before);
    assert_true(raw_request(&before, &calls[0], "/t/Hold", NULL));
    sim_fail_accept(rig.sim, -errors[i], 20);
    raw_open(&after, sim_reactor(rig.sim), RIG_ADDRESS);
    sim_run_for(rig.sim, 5 * FC_SECOND);
    assert_answers(&rig, &before);
    sim_run_for(rig.sim, 10 * FC_SECOND);
    assert_answers(&rig, &after);
    rig_finish_all(&rig);
    run_short(&rig);
    assert_int_equal(calls[0].status, FC_CODE_OK);
    raw_close(&before);
    raw_close(&after);
    rig_close(&rig);
  }
}

static void row_16_accepting_goes_on_within_a_second_of_better_times(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  rig_open(&rig, NULL);
  sim_fail_accept(rig.sim, -EMFILE, 1000000);
  raw_open(&c, sim_reactor(rig.sim), RIG_ADDRESS);
  sim_run_for(rig.sim, 3600 * FC_SECOND);
  assert_int_equal(c.bytes_read, 0);
  sim_fail_accept(rig.sim, 0, 0);
  sim_run_for(rig.sim, FC_SECOND);
  assert_answers(&rig, &c);
  raw_close(&c);
  rig_close(&rig);
}

static void an_interrupted_accept_is_made_again_at_once(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  rig_open(&rig, NULL);
  sim_fail_accept(rig.sim, -EINTR, 3);
  raw_open(&c, sim_reactor(rig.sim), RIG_ADDRESS);
  run_short(&rig);
  assert_answers(&rig, &c);
  raw_close(&c);
  rig_close(&rig);
}

static void a_descriptor_that_comes_free_is_used_at_once(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client first, second;
  rig_open(&rig, NULL);
  connect_client(&rig, &first);
  sim_fail_accept(rig.sim, -EMFILE, 1);
  raw_open(&second, sim_reactor(rig.sim), RIG_ADDRESS);
  run_short(&rig);
  assert_int_equal(second.bytes_read, 0);
  raw_close(&first);
  run_short(&rig);
  assert_answers(&rig, &second);
  raw_close(&second);
  rig_close(&rig);
}

static void a_paused_socket_does_not_hold_up_the_end(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  rig_open(&rig, NULL);
  sim_fail_accept(rig.sim, -EMFILE, 1000000);
  raw_open(&c, sim_reactor(rig.sim), RIG_ADDRESS);
  sim_run_for(rig.sim, 100 * FC_MILLISECOND);
  assert_int_equal(fc_server_shutdown(rig.server, FC_NEVER), FC_OK);
  assert_int_equal(fc_server_wait(rig.server, 0), FC_OK);
  raw_close(&c);
  rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(row_14_streams_over_the_limit_are_refused_and_the_rest_lives),
      cmocka_unit_test(row_01_resets_buy_no_further_handlers),
      cmocka_unit_test(row_01_pairs_of_request_and_reset_in_one_read_run_nothing),
      cmocka_unit_test(row_01_one_who_goes_on_resetting_is_sent_away),
      cmocka_unit_test(an_expired_call_keeps_its_slot_until_its_handler_is_done),
      cmocka_unit_test(an_answered_call_frees_its_slot_at_once),
      cmocka_unit_test(row_17_calls_over_the_limit_are_told_so),
      cmocka_unit_test(row_16_connections_over_the_limit_wait_until_one_goes),
      cmocka_unit_test(row_16_accepting_survives_what_the_system_lacks),
      cmocka_unit_test(row_16_accepting_goes_on_within_a_second_of_better_times),
      cmocka_unit_test(an_interrupted_accept_is_made_again_at_once),
      cmocka_unit_test(a_descriptor_that_comes_free_is_used_at_once),
      cmocka_unit_test(a_paused_socket_does_not_hold_up_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
