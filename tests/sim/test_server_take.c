/* Calls that wait until a thread takes them: in what order, who is sent for, and what becomes of them otherwise. */
#include <stdio.h>

#include "farcall/server_take.h"
#include "support/check.h"
#include "support/raw_client.h"
#include "support/server_rig.h"

enum { CALLS = 40 };

/* What the server has told. */
struct told {
  int asked[2]; /* for a thread, by queue */
  int ended;
};

struct taking {
  struct rig rig;
  struct raw_client c;
  struct raw_call calls[CALLS];
  struct told told;
};

static void on_untaken(fc_server *server, uint32_t queue, void *user) {
  struct told *told = user;
  (void)server;
  told->asked[queue]++;
}

static void on_end(fc_server *server, void *user) {
  struct told *told = user;
  (void)server;
  told->ended++;
}

static int first_user, second_user;

static void add(struct rig *rig, const char *name, fc_pattern pattern, uint32_t queue, void *user) {
  fc_handler h = FC_HANDLER_INIT;
  h.kind = FC_HANDLER_TAKEN;
  h.pattern = pattern;
  h.queue = queue;
  h.user = user;
  assert_int_equal(fc_server_register(rig->server, name, &h, NULL), FC_OK);
}

static void run_short(struct taking *t) { sim_run_for(t->rig.sim, 20 * FC_MILLISECOND); }

static void start_with(struct taking *t, const fc_server_options *options) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  if (options) o = *options;
  memset(t, 0, sizeof *t);
  o.on_untaken = on_untaken;
  o.on_end = on_end;
  o.user = &t->told;
  rig_create(&t->rig, &o);
  add(&t->rig, "/t/First", FC_PATTERN_UNARY_UNARY, 0, &first_user);
  add(&t->rig, "/t/Second", FC_PATTERN_UNARY_UNARY, 1, &second_user);
  add(&t->rig, "/t/Stream", FC_PATTERN_STREAM_STREAM, 0, &first_user);
  rig_start(&t->rig);
  raw_open(&t->c, sim_reactor(t->rig.sim), RIG_ADDRESS);
  run_short(t);
}

static void start(struct taking *t) { start_with(t, NULL); }

static void stop(struct taking *t) {
  raw_close(&t->c);
  rig_close(&t->rig);
}

static void request(struct taking *t, int index, const char *path) {
  assert_true(raw_request(&t->c, &t->calls[index], path, NULL));
  run_short(t);
}

static fc_result take(struct taking *t, unsigned flags, fc_call **call) {
  return fc_server_take(t->rig.server, 0, flags, call, NULL);
}

static void answer(fc_call *call) {
  fc_bytes *message;
  assert_int_equal(fc_call_recv(call, &message), FC_OK);
  assert_int_equal(fc_call_respond(call, message), FC_OK);
  fc_call_destroy(call);
}

/* ---- taking ---- */

static void calls_are_taken_in_their_order(void **state) {
  (void)state;
  struct taking t;
  fc_call *call;
  start(&t);
  for (int i = 0; i < 3; i++) request(&t, i, "/t/First");
  for (int i = 0; i < 3; i++) {
    assert_int_equal(take(&t, i == 0 ? FC_TAKE_SENT_FOR : 0, &call), FC_OK);
    answer(call);
    run_short(&t);
    for (int j = 0; j < 3; j++) assert_int_equal(t.calls[j].status, j <= i ? FC_CODE_OK : -1);
  }
  assert_int_equal(take(&t, 0, &call), FC_ERR_TIMEOUT);
  assert_null(call);
  stop(&t);
}

static void queues_are_apart_and_tell_whose_call_it_is(void **state) {
  (void)state;
  struct taking t;
  fc_call *call;
  void *user;
  start(&t);
  request(&t, 0, "/t/Second");
  assert_int_equal(fc_server_take(t.rig.server, 0, 0, &call, &user), FC_ERR_TIMEOUT);
  assert_null(user);
  assert_int_equal(fc_server_take(t.rig.server, 1, 0, &call, &user), FC_OK);
  assert_ptr_equal(user, &second_user);
  answer(call);
  assert_int_equal(t.told.asked[0], 0);
  assert_int_equal(t.told.asked[1], 1);
  stop(&t);
}

static void a_unary_call_waits_to_be_taken_when_its_request_is_there(void **state) {
  (void)state;
  struct taking t;
  fc_call *call;
  start(&t);
  assert_true(raw_begin(&t.c, &t.calls[0], "/t/First", NULL));
  assert_true(raw_begin(&t.c, &t.calls[1], "/t/Stream", NULL));
  run_short(&t);
  assert_int_equal(take(&t, FC_TAKE_SENT_FOR, &call), FC_OK);
  assert_string_equal(fc_call_method(call), "/t/Stream");
  (void)!fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY);
  fc_call_destroy(call);
  assert_int_equal(take(&t, 0, &call), FC_ERR_TIMEOUT);
  raw_send(&t.calls[0], "request", true);
  run_short(&t);
  assert_int_equal(take(&t, 0, &call), FC_OK);
  answer(call);
  stop(&t);
}

static void what_cannot_be_taken_is_refused(void **state) {
  (void)state;
  struct taking t;
  fc_call *call;
  start(&t);
  assert_int_equal(fc_server_take(NULL, 0, 0, &call, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_server_take(t.rig.server, 2, 0, &call, NULL), FC_ERR_INVALID);
  assert_int_equal(take(&t, 4, &call), FC_ERR_INVALID);
  assert_int_equal(take(&t, 0, NULL), FC_ERR_INVALID);
  assert_int_equal(fc_server_await(t.rig.server, 2, 0), FC_ERR_INVALID);
  assert_int_equal(fc_server_await(t.rig.server, 0, -1), FC_ERR_INVALID);
  stop(&t);
}

/* ---- sending for threads ---- */

static void one_thread_is_sent_for_until_it_has_come(void **state) {
  (void)state;
  struct taking t;
  fc_call *call;
  start(&t);
  for (int i = 0; i < 4; i++) request(&t, i, "/t/First");
  assert_int_equal(t.told.asked[0], 1);
  assert_int_equal(take(&t, FC_TAKE_SENT_FOR, &call), FC_OK);
  answer(call);
  run_short(&t);
  assert_int_equal(t.told.asked[0], 2);
  assert_int_equal(take(&t, 0, &call),
                   FC_OK); /* by the same thread: the second is still on its way */
  answer(call);
  run_short(&t);
  assert_int_equal(t.told.asked[0], 2);
  stop(&t);
}

static void who_comes_and_takes_nothing_has_another_sent_for(void **state) {
  (void)state;
  struct taking t;
  start(&t);
  request(&t, 0, "/t/First");
  assert_int_equal(take(&t, FC_TAKE_SENT_FOR | FC_TAKE_NOTHING, NULL), FC_ERR_TIMEOUT);
  run_short(&t);
  assert_int_equal(t.told.asked[0], 2);
  stop(&t);
}

/* A thread that waits polls, which in the simulation is what makes time go on. */
static void a_thread_that_waits_is_told_first(void **state) {
  (void)state;
  struct taking t;
  fc_call *call;
  start(&t);
  assert_int_equal(fc_server_await(t.rig.server, 0, 10 * FC_MILLISECOND), FC_ERR_TIMEOUT);
  assert_true(raw_request(&t.c, &t.calls[0], "/t/First", NULL));
  assert_int_equal(fc_server_await(t.rig.server, 0, FC_SECOND), FC_OK);
  assert_int_equal(t.told.asked[0], 0);
  assert_int_equal(take(&t, FC_TAKE_SENT_FOR, &call), FC_OK);
  answer(call);
  run_short(&t);
  assert_int_equal(t.calls[0].status, FC_CODE_OK);
  stop(&t);
}

static void what_waits_already_is_told_at_once(void **state) {
  (void)state;
  struct taking t;
  fc_call *call;
  start(&t);
  request(&t, 0, "/t/First");
  assert_int_equal(take(&t, FC_TAKE_SENT_FOR, &call), FC_OK);
  request(&t, 1, "/t/First");
  assert_int_equal(fc_server_await(t.rig.server, 0, 0), FC_ERR_TIMEOUT); /* one is on its way */
  assert_int_equal(take(&t, FC_TAKE_SENT_FOR | FC_TAKE_NOTHING, NULL), FC_ERR_TIMEOUT);
  answer(call);
  assert_int_equal(take(&t, FC_TAKE_SENT_FOR, &call), FC_OK);
  answer(call);
  stop(&t);
}

static void quick_threads_come_and_go_many_times(void **state) {
  (void)state;
  struct taking t;
  start(&t);
  for (int i = 0; i < CALLS; i++) {
    fc_call *call;
    assert_true(raw_request(&t.c, &t.calls[i], "/t/First", NULL));
    assert_int_equal(fc_server_await(t.rig.server, 0, FC_SECOND), FC_OK);
    assert_int_equal(take(&t, FC_TAKE_SENT_FOR, &call), FC_OK);
    answer(call);
    assert_int_equal(take(&t, 0, &call), FC_ERR_TIMEOUT);
  }
  run_short(&t);
  for (int i = 0; i < CALLS; i++) assert_int_equal(t.calls[i].status, FC_CODE_OK);
  assert_int_equal(t.told.asked[0], 0);
  stop(&t);
}

/* ---- other ends ---- */

static void a_call_that_ends_while_it_waits_is_not_taken(void **state) {
  (void)state;
  struct taking t;
  fc_call *call;
  start(&t);
  request(&t, 0, "/t/First");
  request(&t, 1, "/t/First");
  raw_reset(&t.calls[0]);
  run_short(&t);
  assert_int_equal(take(&t, FC_TAKE_SENT_FOR, &call), FC_OK);
  answer(call);
  run_short(&t);
  assert_int_equal(t.calls[1].status, FC_CODE_OK);
  assert_int_equal(take(&t, 0, &call), FC_ERR_TIMEOUT);
  stop(&t);
}

static void too_many_that_wait_are_refused(void **state) {
  (void)state;
  struct taking t;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  int refused = 0;
  o.max_pending_calls = 6;
  start_with(&t, &o);
  for (int i = 0; i < 20; i++) request(&t, i, "/t/First");
  for (int i = 0; i < 20; i++) {
    if (t.calls[i].status < 0) continue;
    assert_int_equal(t.calls[i].status, FC_CODE_RESOURCE_EXHAUSTED);
    refused++;
  }
  assert_in_range(refused, 14, 18);
  stop(&t);
}

static void the_end_is_told_once_and_wakes_who_waits(void **state) {
  (void)state;
  struct taking t;
  fc_call *call;
  start(&t);
  request(&t, 0, "/t/First");
  request(&t, 1, "/t/First");
  assert_int_equal(take(&t, FC_TAKE_SENT_FOR, &call), FC_OK);
  assert_int_equal(fc_server_shutdown(t.rig.server, FC_SECOND), FC_OK);
  run_short(&t);
  assert_int_equal(t.told.ended, 0);
  sim_run_for(t.rig.sim, 2 * FC_SECOND);
  assert_int_equal(t.told.ended, 1); /* though the handler of one has not returned */
  assert_int_equal(fc_server_await(t.rig.server, 0, FC_NEVER), FC_ERR_CLOSED);
  assert_true(fc_call_is_done(call));
  assert_int_equal(fc_server_shutdown(t.rig.server, 0), FC_OK);
  fc_call_destroy(call);
  run_short(&t);
  assert_int_equal(t.told.ended, 1);
  stop(&t);
}

static void handlers_that_make_no_sense_are_refused(void **state) {
  (void)state;
  struct rig rig;
  fc_error err = FC_ERROR_INIT;
  fc_handler h = FC_HANDLER_INIT;
  rig_create(&rig, NULL);
  h.kind = FC_HANDLER_TAKEN;
  h.queue = 64;
  assert_int_equal(fc_server_register(rig.server, "/t/M", &h, &err), FC_ERR_INVALID);
  h.queue = 63;
  assert_int_equal(fc_server_register(rig.server, "/t/M", &h, &err), FC_OK);
  rig_close(&rig);
}

static void pass(fc_server_next *next, fc_call *call, void *user) {
  (void)user;
  fc_server_next_call(next, call);
}

/* They would be passed by unseen, and with them what they check. */
static void interceptors_and_taking_exclude_each_other(void **state) {
  (void)state;
  struct rig rig;
  fc_error err = FC_ERROR_INIT;
  fc_handler h = FC_HANDLER_INIT;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  const fc_server_interceptor interceptor = {pass, NULL};
  o.interceptors = &interceptor;
  o.interceptor_count = 1;
  rig_create(&rig, &o);
  h.kind = FC_HANDLER_TAKEN;
  assert_int_equal(fc_server_register(rig.server, "/t/M", &h, &err), FC_ERR_INVALID);
  assert_non_null(strstr(err.message, "interceptors"));
  rig_close(&rig);
}

static void any_name_of_a_method_is_served_if_asked(void **state) {
  (void)state;
  const char *const names[] = {"Bare", "//", "/half", "/t/"};
  for (int any = 0; any < 2; any++) {
    struct taking t;
    fc_server_options o = FC_SERVER_OPTIONS_INIT;
    o.any_path = any;
    memset(&t, 0, sizeof t);
    rig_create(&t.rig, &o);
    fc_handler h = FC_HANDLER_INIT;
    h.kind = FC_HANDLER_TAKEN;
    assert_int_equal(fc_server_set_fallback(t.rig.server, &h, NULL), FC_OK);
    rig_start(&t.rig);
    raw_open(&t.c, sim_reactor(t.rig.sim), RIG_ADDRESS);
    run_short(&t);
    for (int i = 0; i < 4; i++) {
      fc_call *call;
      request(&t, i, names[i]);
      fc_result r = take(&t, 0, &call);
      if (r == FC_OK) assert_string_equal(fc_call_method(call), names[i]);
      if (r == FC_OK) answer(call);
      run_short(&t);
      assert_int_equal(t.calls[i].status, any ? FC_CODE_OK : FC_CODE_UNIMPLEMENTED);
    }
    stop(&t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calls_are_taken_in_their_order),
      cmocka_unit_test(queues_are_apart_and_tell_whose_call_it_is),
      cmocka_unit_test(a_unary_call_waits_to_be_taken_when_its_request_is_there),
      cmocka_unit_test(what_cannot_be_taken_is_refused),
      cmocka_unit_test(one_thread_is_sent_for_until_it_has_come),
      cmocka_unit_test(who_comes_and_takes_nothing_has_another_sent_for),
      cmocka_unit_test(a_thread_that_waits_is_told_first),
      cmocka_unit_test(what_waits_already_is_told_at_once),
      cmocka_unit_test(quick_threads_come_and_go_many_times),
      cmocka_unit_test(a_call_that_ends_while_it_waits_is_not_taken),
      cmocka_unit_test(too_many_that_wait_are_refused),
      cmocka_unit_test(the_end_is_told_once_and_wakes_who_waits),
      cmocka_unit_test(handlers_that_make_no_sense_are_refused),
      cmocka_unit_test(interceptors_and_taking_exclude_each_other),
      cmocka_unit_test(any_name_of_a_method_is_served_if_asked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
