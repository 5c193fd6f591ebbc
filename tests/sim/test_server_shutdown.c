/* The end of a server: draining, the grace period, waiting, destruction in any order. Row 66 of the hostile inputs */
#include "support/check.h"
#include "support/raw_client.h"
#include "support/server_rig.h"

static void connect_client(struct rig *rig, struct raw_client *c) {
  raw_open(c, sim_reactor(rig->sim), RIG_ADDRESS);
  sim_run_for(rig->sim, 20 * FC_MILLISECOND);
}

static void an_unused_server_is_done_at_once(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig, NULL);
  assert_int_equal(fc_server_wait(rig.server, 0), FC_ERR_TIMEOUT);
  int64_t began = sim_now(rig.sim);
  assert_int_equal(fc_server_shutdown(rig.server, FC_NEVER), FC_OK);
  assert_int_equal(fc_server_wait(rig.server, 0), FC_OK);
  assert_int_equal(fc_server_wait(rig.server, FC_NEVER), FC_OK);
  assert_int_equal(sim_now(rig.sim), began);
  rig_close(&rig);
}

static void waiting_ends_when_the_time_is_over(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig, NULL);
  int64_t began = sim_now(rig.sim);
  assert_int_equal(fc_server_wait(rig.server, 3 * FC_SECOND), FC_ERR_TIMEOUT);
  assert_int_equal(sim_now(rig.sim) - began, 3 * FC_SECOND);
  assert_int_equal(fc_server_wait(rig.server, -1), FC_ERR_INVALID);
  rig_close(&rig);
}

static void an_idle_client_is_gone_after_a_round_trip(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  rig_open(&rig, NULL);
  connect_client(&rig, &c);
  int64_t began = sim_now(rig.sim);
  assert_int_equal(fc_server_shutdown(rig.server, FC_NEVER), FC_OK);
  assert_int_equal(fc_server_wait(rig.server, FC_NEVER), FC_OK);
  assert_true(sim_now(rig.sim) - began <= 5 * FC_MILLISECOND);
  sim_run_for(rig.sim, FC_SECOND);
  assert_true(c.closed);
  raw_close(&c);
  rig_close(&rig);
}

static void shutdown_calmly(void *user) {
  assert_int_equal(fc_server_shutdown(((struct rig *)user)->server, FC_NEVER), FC_OK);
}

static void a_waiter_is_woken_by_a_later_shutdown(void **state) {
  (void)state;
  struct rig rig;
  rig_open(&rig, NULL);
  int64_t at = sim_now(rig.sim) + 5 * FC_SECOND;
  sim_at(rig.sim, at, shutdown_calmly, &rig);
  assert_int_equal(fc_server_wait(rig.server, FC_NEVER), FC_OK);
  assert_int_equal(sim_now(rig.sim), at);
  rig_close(&rig);
}

static void finish_first(void *user) { rig_finish(user, 0, FC_CODE_OK); }

static void a_running_call_may_end_within_the_grace(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  rig_open(&rig, NULL);
  connect_client(&rig, &c);
  assert_true(raw_request(&c, &call, "/t/Hold", NULL));
  sim_run_for(rig.sim, FC_SECOND);
  int64_t began = sim_now(rig.sim);
  assert_int_equal(fc_server_shutdown(rig.server, 10 * FC_SECOND), FC_OK);
  sim_at(rig.sim, began + 7 * FC_SECOND, finish_first, &rig);
  assert_int_equal(fc_server_wait(rig.server, FC_NEVER), FC_OK);
  assert_in_range((uintmax_t)(sim_now(rig.sim) - began), 7 * FC_SECOND,
                  7 * FC_SECOND + 10 * FC_MILLISECOND);
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(call.status, FC_CODE_OK);
  assert_int_equal(rig.code, FC_CODE_OK);
  raw_close(&c);
  rig_close(&rig);
}

static void what_still_runs_is_cancelled_after_the_grace(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call calls[3];
  rig_open(&rig, NULL);
  connect_client(&rig, &c);
  for (int i = 0; i < 3; i++) assert_true(raw_request(&c, &calls[i], "/t/Hold", NULL));
  sim_run_for(rig.sim, FC_SECOND);
  int64_t began = sim_now(rig.sim);
  assert_int_equal(fc_server_shutdown(rig.server, 10 * FC_SECOND), FC_OK);
  sim_run_until(rig.sim, began + 9999 * FC_MILLISECOND);
  assert_int_equal(rig.over, 0);
  assert_false(c.closed);
  assert_int_equal(fc_server_wait(rig.server, 100 * FC_MILLISECOND), FC_ERR_TIMEOUT);
  assert_int_equal(rig.over, 3);
  assert_int_equal(rig.code, FC_CODE_CANCELLED);
  assert_int_equal(rig.at - began, 10 * FC_SECOND);
  assert_true(c.closed);
  /* The handlers have not noticed yet: until they have, the server is not done. */
  rig_finish_all(&rig);
  assert_int_equal(fc_server_wait(rig.server, 0), FC_OK);
  raw_close(&c);
  rig_close(&rig);
}

static void the_grace_may_be_cut_short_but_not_drawn_out(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  rig_open(&rig, NULL);
  connect_client(&rig, &c);
  assert_true(raw_request(&c, &call, "/t/Hold", NULL));
  sim_run_for(rig.sim, FC_SECOND);
  int64_t began = sim_now(rig.sim);
  assert_int_equal(fc_server_shutdown(rig.server, FC_NEVER), FC_OK);
  assert_int_equal(fc_server_shutdown(rig.server, 10 * FC_SECOND), FC_OK);
  assert_int_equal(fc_server_shutdown(rig.server, 20 * FC_SECOND), FC_OK);
  assert_int_equal(fc_server_shutdown(rig.server, FC_NEVER), FC_OK);
  sim_run_for(rig.sim, 11 * FC_SECOND);
  assert_int_equal(rig.over, 1);
  assert_int_equal(rig.at - began, 10 * FC_SECOND);
  raw_close(&c);
  rig_close(&rig);
}

/* The earliest end that was asked for holds, whenever that was. */
static void of_several_shutdowns_the_earliest_end_holds(void **state) {
  (void)state;
  enum { ASKED = 3 };
  static const struct {
    int64_t after[ASKED], grace[ASKED]; /* milliseconds since the first */
    int64_t end;
  } cases[] = {
      {{0, 0, 0}, {10000, 1000, 5000}, 1000},
      {{0, 2000, 3000}, {10000, 1000, 30000}, 3000},
      {{0, 2000, 9999}, {10000, 20000, 1}, 10000},
      {{0, 4000, 4000}, {5000, 900, 100}, 4100},
      {{0, 3000, 5000}, {10000, 0, 1000}, 3000},
      {{0, 5000, 8000}, {60000, 50000, 1000}, 9000},
      {{0, 100, 200}, {1, 1000, 0}, 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct rig rig;
    struct raw_client c;
    struct raw_call calls[2];
    rig_open(&rig, NULL);
    connect_client(&rig, &c);
    for (int k = 0; k < 2; k++) assert_true(raw_request(&c, &calls[k], "/t/Hold", NULL));
    sim_run_for(rig.sim, FC_SECOND);
    int64_t began = sim_now(rig.sim), end = began + cases[i].end * FC_MILLISECOND;
    for (int k = 0; k < ASKED; k++) {
      sim_run_until(rig.sim, began + cases[i].after[k] * FC_MILLISECOND);
      if (sim_now(rig.sim) != end) assert_int_equal(rig.over, sim_now(rig.sim) > end ? 2 : 0);
      assert_int_equal(fc_server_shutdown(rig.server, cases[i].grace[k] * FC_MILLISECOND), FC_OK);
    }
    sim_run_until(rig.sim, end - 1);
    if (sim_now(rig.sim) < end) assert_int_equal(rig.over, 0);
    sim_run_until(rig.sim, began + 100 * FC_SECOND);
    assert_int_equal(rig.over, 2);
    assert_int_equal(rig.at, end);
    assert_int_equal(rig.code, FC_CODE_CANCELLED);
    assert_int_equal(c.goaway_count, 2); /* told once */
    assert_true(c.closed);
    raw_close(&c);
    rig_close(&rig);
  }
}

static void without_grace_all_is_cancelled_at_once(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c, silent;
  struct raw_call call;
  rig_open(&rig, NULL);
  connect_client(&rig, &c);
  raw_open_silent(&silent, sim_reactor(rig.sim), RIG_ADDRESS);
  assert_true(raw_request(&c, &call, "/t/Hold", NULL));
  sim_run_for(rig.sim, FC_SECOND);
  int64_t began = sim_now(rig.sim);
  assert_int_equal(fc_server_shutdown(rig.server, 0), FC_OK);
  sim_run_for(rig.sim, 10 * FC_MILLISECOND);
  assert_int_equal(rig.over, 1);
  assert_int_equal(rig.at, began);
  assert_true(c.closed);
  assert_true(silent.closed);
  assert_int_equal(c.goaway_count, 2);
  raw_close(&c);
  raw_close(&silent);
  rig_close(&rig);
}

static void one_that_has_not_greeted_does_not_delay_the_end(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client silent;
  rig_open(&rig, NULL);
  raw_open_silent(&silent, sim_reactor(rig.sim), RIG_ADDRESS);
  sim_run_for(rig.sim, FC_SECOND);
  int64_t began = sim_now(rig.sim);
  assert_int_equal(fc_server_shutdown(rig.server, FC_NEVER), FC_OK);
  assert_int_equal(fc_server_wait(rig.server, FC_NEVER), FC_OK);
  assert_true(sim_now(rig.sim) - began <= 2 * FC_SECOND);
  raw_close(&silent);
  rig_close(&rig);
}

static void a_client_that_never_takes_its_answer_cannot_hold_up_the_end(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  rig_open(&rig, NULL);
  connect_client(&rig, &c);
  assert_true(raw_request(&c, &call, "/t/Hold", NULL));
  sim_run_for(rig.sim, FC_SECOND);
  c.silent = true;
  int64_t began = sim_now(rig.sim);
  assert_int_equal(fc_server_shutdown(rig.server, 5 * FC_SECOND), FC_OK);
  rig_finish(&rig, 0, FC_CODE_OK);
  assert_int_equal(fc_server_wait(rig.server, FC_NEVER), FC_OK);
  assert_true(sim_now(rig.sim) - began <= 5 * FC_SECOND);
  raw_close(&c);
  rig_close(&rig);
}

static void new_connections_are_refused_from_the_shutdown_on(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c, late;
  struct raw_call call;
  rig_open(&rig, NULL);
  connect_client(&rig, &c);
  assert_true(raw_request(&c, &call, "/t/Hold", NULL));
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(fc_server_shutdown(rig.server, FC_NEVER), FC_OK);
  raw_open(&late, sim_reactor(rig.sim), RIG_ADDRESS);
  sim_run_for(rig.sim, FC_SECOND);
  assert_true(late.closed);
  assert_int_equal(late.bytes_read, 0);
  rig_finish_all(&rig);
  assert_int_equal(fc_server_wait(rig.server, FC_SECOND), FC_OK);
  raw_close(&c);
  raw_close(&late);
  rig_close(&rig);
}

static void destruction_cancels_what_runs(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  rig_open(&rig, NULL);
  connect_client(&rig, &c);
  assert_true(raw_request(&c, &call, "/t/Hold", NULL));
  sim_run_for(rig.sim, FC_SECOND);
  fc_server_destroy(rig.server);
  rig.server = NULL;
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(rig.over, 1);
  assert_int_equal(rig.code, FC_CODE_CANCELLED);
  assert_true(c.closed);
  raw_close(&c);
  rig_close(&rig);
}

/* The simulation ends in an error if a timer is left. */
static void destruction_leaves_nothing_of_a_grace(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  rig_open(&rig, NULL);
  connect_client(&rig, &c);
  assert_true(raw_request(&c, &call, "/t/Hold", NULL));
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(fc_server_shutdown(rig.server, 3600 * FC_SECOND), FC_OK);
  fc_server_destroy(rig.server);
  rig.server = NULL;
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(rig.code, FC_CODE_CANCELLED);
  raw_close(&c);
  rig_close(&rig);
}

static void drop_counter(void *user) { ++*(int *)user; }
static void never_run(fc_call *call, void *user) {
  (void)user;
  fc_call_destroy(call);
}

/* An asynchronous handler may keep its call as long as it likes. */
static void a_call_outlives_its_server(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  int dropped = 0;
  rig_create(&rig, NULL);
  rig_register(&rig);
  fc_handler h = FC_HANDLER_INIT;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = never_run;
  h.user = &dropped;
  h.drop = drop_counter;
  assert_int_equal(fc_server_register(rig.server, "/t/Never", &h, NULL), FC_OK);
  rig_start(&rig);
  connect_client(&rig, &c);
  assert_true(raw_request(&c, &call, "/t/Hold", NULL));
  sim_run_for(rig.sim, FC_SECOND);
  fc_server_destroy(rig.server);
  rig.server = NULL;
  sim_run_for(rig.sim, 3600 * FC_SECOND);
  assert_int_equal(dropped, 0);
  assert_int_equal(fc_call_status(rig.held[0])->code, FC_CODE_CANCELLED);
  assert_string_equal(fc_call_method(rig.held[0]), "/t/Hold");
  assert_int_equal(fc_call_finish(rig.held[0], FC_CODE_OK, NULL, (fc_slice){0}), FC_ERR_CLOSED);
  rig_finish_all(&rig);
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(dropped, 1);
  raw_close(&c);
  rig_close(&rig);
}

static void one_that_never_started_can_be_destroyed(void **state) {
  (void)state;
  struct rig rig;
  rig_create(&rig, NULL);
  rig_register(&rig);
  assert_int_equal(fc_server_listen(rig.server, RIG_ADDRESS, NULL, NULL), FC_OK);
  rig_close(&rig);
}

static void connections_wait_for_the_start(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  rig_create(&rig, NULL);
  rig_register(&rig);
  assert_int_equal(fc_server_listen(rig.server, RIG_ADDRESS, NULL, NULL), FC_OK);
  raw_open(&c, sim_reactor(rig.sim), RIG_ADDRESS);
  assert_true(raw_request(&c, &call, "/t/Answer", NULL));
  sim_run_for(rig.sim, 60 * FC_SECOND);
  assert_int_equal(c.bytes_read, 0);
  assert_int_equal(fc_server_start(rig.server, NULL), FC_OK);
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(call.status, FC_CODE_OK);
  raw_close(&c);
  rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_unused_server_is_done_at_once),
      cmocka_unit_test(waiting_ends_when_the_time_is_over),
      cmocka_unit_test(an_idle_client_is_gone_after_a_round_trip),
      cmocka_unit_test(a_waiter_is_woken_by_a_later_shutdown),
      cmocka_unit_test(a_running_call_may_end_within_the_grace),
      cmocka_unit_test(what_still_runs_is_cancelled_after_the_grace),
      cmocka_unit_test(the_grace_may_be_cut_short_but_not_drawn_out),
      cmocka_unit_test(of_several_shutdowns_the_earliest_end_holds),
      cmocka_unit_test(without_grace_all_is_cancelled_at_once),
      cmocka_unit_test(one_that_has_not_greeted_does_not_delay_the_end),
      cmocka_unit_test(a_client_that_never_takes_its_answer_cannot_hold_up_the_end),
      cmocka_unit_test(new_connections_are_refused_from_the_shutdown_on),
      cmocka_unit_test(destruction_cancels_what_runs),
      cmocka_unit_test(destruction_leaves_nothing_of_a_grace),
      cmocka_unit_test(a_call_outlives_its_server),
      cmocka_unit_test(one_that_never_started_can_be_destroyed),
      cmocka_unit_test(connections_wait_for_the_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
