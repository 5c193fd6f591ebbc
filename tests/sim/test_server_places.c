/*
 * Places that a server has a number of: calls, streams, connections, calls that wait to be taken. However a call or a
 * connection ends, its place is free again, once: afterwards the server has as many as before. Rows 1, 14, 16 and 17 of
 * the hostile inputs
 */
#include <errno.h>

#include "farcall/server_take.h"
#include "support/check.h"
#include "support/raw_client.h"
#include "support/server_rig.h"

enum { PLACES = 3, TIMES = 5 };

struct place {
  struct rig rig;
  struct raw_client c;
  struct raw_call calls[64]; /* used in turn: a stream may end late */
  int next;
};

static struct place p;

static void run_short(void) { sim_run_for(p.rig.sim, 20 * FC_MILLISECOND); }

static void connect_client(struct raw_client *c) {
  raw_open(c, sim_reactor(p.rig.sim), RIG_ADDRESS);
  run_short();
}

static struct raw_call *next_call(void) { return &p.calls[p.next++ % 64]; }

static struct raw_call *request_on(struct raw_client *c, const char *path, const char *timeout) {
  struct raw_call *call = next_call();
  assert_true(raw_request(c, call, path, timeout));
  return call;
}

static struct raw_call *request(const char *path, const char *timeout) {
  struct raw_call *call = request_on(&p.c, path, timeout);
  run_short();
  return call;
}

static void finish_handlers(void) {
  rig_finish_all(&p.rig);
  run_short();
}

/* ---- how calls end ---- */

static void answered(void) { assert_int_equal(request("/t/Answer", NULL)->status, FC_CODE_OK); }

static void given_up(void) {
  assert_int_equal(request("/t/GiveUp", NULL)->status, FC_CODE_UNKNOWN);
}

static void without_handler(void) {
  assert_int_equal(request("/t/None", NULL)->status, FC_CODE_UNIMPLEMENTED);
}

static void malformed(void) {
  assert_int_equal(request("/t/Hold", "abc")->status, FC_CODE_INTERNAL);
}

static void finished_before_its_handle_goes(void) {
  struct raw_call *call = request("/t/Hold", NULL);
  fc_call *held = p.rig.held[p.rig.held_count - 1];
  assert_int_equal(fc_call_finish(held, FC_CODE_ABORTED, NULL, FC_SLICE_EMPTY), FC_OK);
  run_short();
  assert_int_equal(call->status, FC_CODE_ABORTED);
  finish_handlers();
}

static void reset_while_its_handler_runs(void) {
  raw_reset(request("/t/Hold", NULL));
  run_short();
  finish_handlers();
}

static void reset_before_its_request_came(void) {
  struct raw_call *call = next_call();
  assert_true(raw_begin(&p.c, call, "/t/Hold", NULL));
  run_short();
  raw_reset(call);
  run_short();
}

static void reset_in_the_same_read(void) {
  raw_hold(&p.c);
  raw_reset(request_on(&p.c, "/t/Hold", NULL));
  raw_release(&p.c);
  run_short();
}

static void expired_while_its_handler_runs(void) {
  struct raw_call *call = request("/t/Hold", "50m");
  sim_run_for(p.rig.sim, FC_SECOND);
  assert_int_equal(call->status, FC_CODE_DEADLINE_EXCEEDED);
  finish_handlers();
}

static void expired_before_its_request_came(void) {
  struct raw_call *call = next_call();
  assert_true(raw_begin(&p.c, call, "/t/Hold", "50m"));
  sim_run_for(p.rig.sim, FC_SECOND);
  assert_int_equal(call->status, FC_CODE_DEADLINE_EXCEEDED);
}

static void expired_at_once(void) {
  assert_int_equal(request("/t/Hold", "0S")->status, FC_CODE_DEADLINE_EXCEEDED);
}

static void lost_with_its_connection(void) {
  struct raw_client other;
  connect_client(&other);
  (void)request_on(&other, "/t/Hold", NULL);
  assert_true(raw_begin(&other, next_call(), "/t/Hold", NULL));
  run_short();
  raw_close(&other);
  run_short();
  finish_handlers();
}

static void refused(void) {
  for (int i = 0; i < PLACES; i++) (void)request("/t/Hold", NULL);
  for (int i = 0; i < PLACES; i++) (void)request("/t/Answer", NULL);
  finish_handlers();
}

static void (*const ends_of_calls[])(void) = {
    answered,
    given_up,
    without_handler,
    malformed,
    finished_before_its_handle_goes,
    reset_while_its_handler_runs,
    reset_before_its_request_came,
    reset_in_the_same_read,
    expired_while_its_handler_runs,
    expired_before_its_request_came,
    expired_at_once,
    lost_with_its_connection,
    refused,
};

static bool is_refused(const struct raw_call *call) {
  return call->status == FC_CODE_RESOURCE_EXHAUSTED ||
         (call->reset && call->code == FC__H2_REFUSED_STREAM);
}

static void expect_places_for_calls(void) {
  struct raw_call *calls[PLACES + 1];
  for (int i = 0; i <= PLACES; i++) calls[i] = request("/t/Hold", NULL);
  assert_int_equal(p.rig.running, PLACES);
  assert_true(is_refused(calls[PLACES]));
  finish_handlers();
  for (int i = 0; i < PLACES; i++) assert_int_equal(calls[i]->status, FC_CODE_OK);
}

static void expect_all_ends_to_free(const fc_server_options *o) {
  for (size_t i = 0; i < sizeof ends_of_calls / sizeof *ends_of_calls; i++) {
    memset(&p, 0, sizeof p);
    rig_open(&p.rig, o);
    connect_client(&p.c);
    raw_ignore_limits(&p.c);
    for (int k = 0; k < TIMES; k++) ends_of_calls[i]();
    expect_places_for_calls();
    raw_close(&p.c);
    rig_close(&p.rig);
  }
}

static void each_call_that_ends_leaves_its_place_to_another(void **state) {
  (void)state;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_concurrent_calls = PLACES;
  expect_all_ends_to_free(&o);
}

static void each_stream_that_ends_leaves_its_place_to_another(void **state) {
  (void)state;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_concurrent_streams = PLACES;
  expect_all_ends_to_free(&o);
}

/* ---- how connections end ---- */

static void closed_by_the_client(void) {
  struct raw_client c;
  connect_client(&c);
  raw_close(&c);
  run_short();
}

static void closed_before_it_is_accepted(void) {
  struct raw_client c;
  raw_open(&c, sim_reactor(p.rig.sim), RIG_ADDRESS);
  raw_close(&c);
  run_short();
}

static void broken(void) {
  struct raw_client c;
  connect_client(&c);
  sim_cut_all(p.rig.sim, SIM_CUT_RESET);
  run_short();
  raw_close(&c);
}

static void silent(void) {
  struct raw_client c;
  raw_open_silent(&c, sim_reactor(p.rig.sim), RIG_ADDRESS);
  sim_run_for(p.rig.sim, 30 * FC_SECOND);
  assert_true(c.closed);
  raw_close(&c);
}

static void idle(void) {
  struct raw_client c;
  connect_client(&c);
  sim_run_for(p.rig.sim, 100 * FC_SECOND);
  assert_true(c.closed);
  raw_close(&c);
}

static void closed_with_its_handlers_running(void) {
  struct raw_client c;
  connect_client(&c);
  (void)request_on(&c, "/t/Hold", NULL);
  run_short();
  raw_close(&c);
  run_short(); /* the descriptor is free, whatever the handler does */
}

static void failed_to_be_accepted(void) {
  const int errors[] = {EMFILE, ECONNABORTED, EINTR, EAGAIN};
  for (size_t i = 0; i < 4; i++) {
    struct raw_client c;
    sim_fail_accept(p.rig.sim, -errors[i], 3);
    connect_client(&c);
    sim_run_for(p.rig.sim, 10 * FC_SECOND);
    raw_close(&c);
    run_short();
  }
}

static void kept_waiting(void) {
  struct raw_client c[2 * PLACES];
  for (int i = 0; i < 2 * PLACES; i++) raw_open(&c[i], sim_reactor(p.rig.sim), RIG_ADDRESS);
  sim_run_for(p.rig.sim, 5 * FC_SECOND);
  for (int i = 2 * PLACES; i-- > 0;) raw_close(&c[i]);
  sim_run_for(p.rig.sim, 5 * FC_SECOND);
}

static void (*const ends_of_connections[])(void) = {
    closed_by_the_client,  closed_before_it_is_accepted,     broken,       silent, idle,
    failed_to_be_accepted, closed_with_its_handlers_running, kept_waiting,
};

static void expect_places_for_connections(void) {
  struct raw_client c[PLACES + 1];
  for (int i = 0; i <= PLACES; i++) connect_client(&c[i]);
  sim_run_for(p.rig.sim, FC_SECOND);
  for (int i = 0; i <= PLACES; i++)
    assert_int_equal(fc__h2_peer_settings_seen(c[i].h2), i < PLACES);
  for (int i = 0; i <= PLACES; i++) raw_close(&c[i]);
}

static void each_connection_that_ends_leaves_its_place_to_another(void **state) {
  (void)state;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_connections = PLACES;
  o.max_connection_idle_ns = 60 * FC_SECOND;
  for (size_t i = 0; i < sizeof ends_of_connections / sizeof *ends_of_connections; i++) {
    memset(&p, 0, sizeof p);
    rig_open(&p.rig, &o);
    for (int k = 0; k < TIMES; k++) ends_of_connections[i]();
    expect_places_for_connections();
    rig_close(&p.rig);
  }
}

/* ---- how calls end that wait to be taken ---- */

static void taken(void) {
  fc_call *call;
  struct raw_call *waiting = request("/t/Take", NULL);
  assert_int_equal(fc_server_take(p.rig.server, 0, 0, &call, NULL), FC_OK);
  assert_int_equal(fc_call_finish(call, FC_CODE_NOT_FOUND, NULL, FC_SLICE_EMPTY), FC_OK);
  fc_call_destroy(call);
  run_short();
  assert_int_equal(waiting->status, FC_CODE_NOT_FOUND);
}

static void taken_and_reset(void) {
  fc_call *call;
  struct raw_call *waiting = request("/t/Take", NULL);
  assert_int_equal(fc_server_take(p.rig.server, 0, 0, &call, NULL), FC_OK);
  raw_reset(waiting);
  run_short();
  fc_call_destroy(call);
}

static void reset_while_it_waits(void) {
  raw_reset(request("/t/Take", NULL));
  run_short();
}

static void expired_while_it_waits(void) {
  struct raw_call *call = request("/t/Take", "50m");
  sim_run_for(p.rig.sim, FC_SECOND);
  assert_int_equal(call->status, FC_CODE_DEADLINE_EXCEEDED);
}

static void lost_while_it_waits(void) {
  struct raw_client other;
  connect_client(&other);
  (void)request_on(&other, "/t/Take", NULL);
  run_short();
  raw_close(&other);
  run_short();
}

static void refused_the_wait(void) {
  struct raw_call *calls[4 * PLACES];
  for (int i = 0; i < 4 * PLACES; i++) calls[i] = request("/t/Take", NULL);
  for (int i = 0; i < 4 * PLACES; i++) raw_reset(calls[i]);
  run_short();
}

static void (*const ends_of_waits[])(void) = {
    taken,
    taken_and_reset,
    reset_while_it_waits,
    expired_while_it_waits,
    lost_while_it_waits,
    refused_the_wait,
};

/* Below a third of the limit none is refused, at the limit all are. */
static void expect_places_for_waits(void) {
  fc_call *call;
  int waiting = 0;
  for (int i = 0; i < 10 * PLACES; i++) {
    taken();
    (void)request("/t/Take", NULL);
    assert_int_equal(fc_server_take(p.rig.server, 0, 0, &call, NULL), FC_OK);
    fc_call_destroy(call);
  }
  for (int i = 0; i < 10 * PLACES; i++) (void)request("/t/Take", NULL);
  for (; fc_server_take(p.rig.server, 0, 0, &call, NULL) == FC_OK; waiting++) fc_call_destroy(call);
  assert_int_equal(waiting, PLACES);
}

static void each_call_that_need_not_wait_leaves_its_place_to_another(void **state) {
  (void)state;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  fc_handler h = FC_HANDLER_INIT;
  h.kind = FC_HANDLER_TAKEN;
  o.max_pending_calls = PLACES;
  for (size_t i = 0; i < sizeof ends_of_waits / sizeof *ends_of_waits; i++) {
    memset(&p, 0, sizeof p);
    rig_create(&p.rig, &o);
    assert_int_equal(fc_server_register(p.rig.server, "/t/Take", &h, NULL), FC_OK);
    rig_start(&p.rig);
    connect_client(&p.c);
    for (int k = 0; k < TIMES; k++) ends_of_waits[i]();
    expect_places_for_waits();
    raw_close(&p.c);
    rig_close(&p.rig);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_call_that_ends_leaves_its_place_to_another),
      cmocka_unit_test(each_stream_that_ends_leaves_its_place_to_another),
      cmocka_unit_test(each_connection_that_ends_leaves_its_place_to_another),
      cmocka_unit_test(each_call_that_need_not_wait_leaves_its_place_to_another),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
