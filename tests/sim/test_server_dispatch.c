/* From request to handler: which one runs, when, in what chain, and what its end means for the client. Rows 31, 33, 34
 * and 46 of the hostile inputs */
#include <stdio.h>

#include "support/check.h"
#include "support/raw_client.h"
#include "support/server_rig.h"

static void connect_client(struct rig *rig, struct raw_client *c) {
  raw_open(c, sim_reactor(rig->sim), RIG_ADDRESS);
  sim_run_for(rig->sim, 20 * FC_MILLISECOND);
}

static void run_short(struct rig *rig) { sim_run_for(rig->sim, 20 * FC_MILLISECOND); }

static void request(struct rig *rig, struct raw_client *c, struct raw_call *call, const char *path,
                    const char *timeout) {
  assert_true(raw_request(c, call, path, timeout));
  run_short(rig);
}

static void start(struct rig *rig, struct raw_client *c) {
  rig_open(rig, NULL);
  connect_client(rig, c);
}

static void stop(struct rig *rig, struct raw_client *c) {
  raw_close(c);
  rig_close(rig);
}

/* ---- which handler ---- */

static void a_method_that_is_not_there_is_unimplemented(void **state) {
  (void)state;
  const char *const paths[] = {"/t/None",    "/none/Answer", "/t/answer", "/t/Answer/", "/t/Answe",
                               "/t/Answer2", "//t/Answer",   "/t",        "/",          "/t/"};
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  start(&rig, &c);
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    request(&rig, &c, &call, paths[i], NULL);
    assert_int_equal(call.status, FC_CODE_UNIMPLEMENTED);
    assert_string_equal(call.message, "Method not found!");
  }
  assert_int_equal(rig.begun, 0);
  request(&rig, &c, &call, "/t/Answer", NULL);
  assert_int_equal(call.status, FC_CODE_OK);
  stop(&rig, &c);
}

struct seen {
  char methods[4][64];
  int count;
};

static void see(fc_call *call, void *user) {
  struct seen *seen = user;
  snprintf(seen->methods[seen->count++], 64, "%s", fc_call_method(call));
  (void)!fc_call_finish(call, FC_CODE_NOT_FOUND, "by the fallback", (fc_slice){0});
  fc_call_destroy(call);
}

static void the_fallback_gets_what_has_no_handler(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  struct seen seen = {.count = 0};
  fc_handler h = FC_HANDLER_INIT;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = see;
  h.user = &seen;
  rig_create(&rig, NULL);
  rig_register(&rig);
  assert_int_equal(fc_server_set_fallback(rig.server, &h, NULL), FC_OK);
  rig_start(&rig);
  connect_client(&rig, &c);
  request(&rig, &c, &call, "/some.Service/Method", NULL);
  assert_int_equal(call.status, FC_CODE_NOT_FOUND);
  assert_string_equal(call.message, "by the fallback");
  request(&rig, &c, &call, "/t/Answer", NULL);
  assert_int_equal(call.status, FC_CODE_OK);
  request(&rig, &c, &call, "//Method", NULL);
  assert_int_equal(call.status, FC_CODE_UNIMPLEMENTED);
  assert_int_equal(seen.count, 1);
  assert_string_equal(seen.methods[0], "/some.Service/Method");
  stop(&rig, &c);
}

static void a_unary_handler_runs_when_its_request_is_there(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call unary, stream;
  start(&rig, &c);
  assert_true(raw_begin(&c, &unary, "/t/Hold", NULL));
  run_short(&rig);
  assert_int_equal(rig.begun, 0);
  assert_true(raw_begin(&c, &stream, "/t/Stream", NULL));
  run_short(&rig);
  assert_int_equal(rig.begun, 1);
  raw_send(&unary, "request", true);
  run_short(&rig);
  assert_int_equal(rig.begun, 2);
  rig_finish_all(&rig);
  run_short(&rig);
  assert_int_equal(unary.status, FC_CODE_OK);
  assert_int_equal(stream.status, FC_CODE_OK);
  stop(&rig, &c);
}

/* ---- how it ends ---- */

static void a_handler_that_gives_up_yields_unknown(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  start(&rig, &c);
  request(&rig, &c, &call, "/t/GiveUp", NULL);
  assert_int_equal(call.status, FC_CODE_UNKNOWN);
  assert_true(strlen(call.message) > 0);
  stop(&rig, &c);
}

static void a_status_is_given_once(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  start(&rig, &c);
  request(&rig, &c, &call, "/t/Hold", NULL);
  assert_int_equal(fc_call_finish(rig.held[0], FC_CODE_ABORTED, "a\r\nb \xff", (fc_slice){0}),
                   FC_OK);
  assert_int_equal(fc_call_finish(rig.held[0], FC_CODE_OK, NULL, (fc_slice){0}), FC_ERR_CLOSED);
  run_short(&rig);
  assert_int_equal(call.status, FC_CODE_ABORTED);
  assert_string_equal(call.message, "a%0D%0Ab %EF%BF%BD");
  stop(&rig, &c);
}

/* gRPC has no such answer, and a client would have to make something of it. */
static void ok_without_the_response_that_is_due_is_refused(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  start(&rig, &c);
  request(&rig, &c, &call, "/t/Hold", NULL);
  assert_int_equal(fc_call_finish(rig.held[0], FC_CODE_OK, NULL, (fc_slice){0}), FC_ERR_INVALID);
  run_short(&rig);
  assert_int_equal(call.status, FC_CODE_INTERNAL);
  assert_non_null(strstr(call.message, "sent no response"));
  stop(&rig, &c);
}

static void a_status_that_does_not_exist_becomes_unknown(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  start(&rig, &c);
  request(&rig, &c, &call, "/t/Hold", NULL);
  assert_int_equal(fc_call_finish(rig.held[0], (fc_code)99, NULL, (fc_slice){0}), FC_ERR_INVALID);
  run_short(&rig);
  assert_int_equal(call.status, FC_CODE_UNKNOWN);
  stop(&rig, &c);
}

static void a_handler_learns_that_its_client_has_gone(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  start(&rig, &c);
  request(&rig, &c, &call, "/t/Hold", NULL);
  raw_reset(&call);
  run_short(&rig);
  assert_int_equal(rig.over, 1);
  assert_int_equal(rig.code, FC_CODE_CANCELLED);
  request(&rig, &c, &call, "/t/Hold", NULL);
  raw_close(&c);
  run_short(&rig);
  assert_int_equal(rig.over, 2);
  assert_int_equal(rig.code, FC_CODE_CANCELLED);
  rig_close(&rig);
}

/* ---- deadlines ---- */

static void the_deadline_ends_the_call_on_time(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  start(&rig, &c);
  int64_t began = sim_now(rig.sim);
  request(&rig, &c, &call, "/t/Hold", "500m");
  int64_t left = fc_call_time_remaining(rig.held[0]);
  assert_in_range((uintmax_t)left, 470 * FC_MILLISECOND, 500 * FC_MILLISECOND);
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(rig.code, FC_CODE_DEADLINE_EXCEEDED);
  assert_in_range((uintmax_t)(rig.at - began), 500 * FC_MILLISECOND, 502 * FC_MILLISECOND);
  assert_int_equal(call.status, FC_CODE_DEADLINE_EXCEEDED);
  assert_int_equal(fc_call_time_remaining(rig.held[0]), 0);
  stop(&rig, &c);
}

static void a_deadline_that_has_passed_runs_no_handler(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  start(&rig, &c);
  request(&rig, &c, &call, "/t/Hold", "0S");
  assert_int_equal(call.status, FC_CODE_DEADLINE_EXCEEDED);
  request(&rig, &c, &call, "/t/Hold", "abc");
  assert_int_equal(call.status, FC_CODE_INTERNAL);
  assert_int_equal(rig.begun, 0);
  stop(&rig, &c);
}

static void a_deadline_before_the_request_runs_no_handler(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  start(&rig, &c);
  assert_true(raw_begin(&c, &call, "/t/Hold", "100m"));
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(call.status, FC_CODE_DEADLINE_EXCEEDED);
  raw_send(&call, "request", true);
  run_short(&rig);
  assert_int_equal(rig.begun, 0);
  stop(&rig, &c);
}

/* ---- interceptors ---- */

struct chain {
  char order[64];
  bool answers; /* the second one, by itself */
};

static void first(fc_server_next *next, fc_call *call, void *user) {
  struct chain *chain = user;
  strcat(chain->order, "1");
  fc_server_next_call(next, call);
  fc_server_next_call(next, call); /* once is enough: it does nothing */
  strcat(chain->order, "-");
}

static void second(fc_server_next *next, fc_call *call, void *user) {
  struct chain *chain = user;
  strcat(chain->order, "2");
  if (!chain->answers) {
    fc_server_next_call(next, call);
    return;
  }
  assert_int_equal(
      fc_call_finish(call, FC_CODE_PERMISSION_DENIED, fc_call_method(call), (fc_slice){0}), FC_OK);
  fc_call_destroy(call);
}

static void open_with_chain(struct rig *rig, struct raw_client *c, struct chain *chain) {
  const fc_server_interceptor both[] = {{first, chain}, {second, chain}};
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.interceptors = both;
  o.interceptor_count = 2;
  memset(chain, 0, sizeof *chain);
  rig_open(rig, &o);
  connect_client(rig, c);
}

static void interceptors_run_in_order_before_the_handler(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  struct chain chain;
  open_with_chain(&rig, &c, &chain);
  request(&rig, &c, &call, "/t/Answer", NULL);
  assert_int_equal(call.status, FC_CODE_OK);
  assert_string_equal(chain.order, "12-");
  assert_int_equal(rig.begun, 1);
  stop(&rig, &c);
}

static void an_interceptor_may_answer_itself(void **state) {
  (void)state;
  struct rig rig;
  struct raw_client c;
  struct raw_call call;
  struct chain chain;
  open_with_chain(&rig, &c, &chain);
  chain.answers = true;
  request(&rig, &c, &call, "/t/Answer", NULL);
  assert_int_equal(call.status, FC_CODE_PERMISSION_DENIED);
  assert_string_equal(call.message, "/t/Answer");
  assert_int_equal(rig.begun, 0);
  stop(&rig, &c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_method_that_is_not_there_is_unimplemented),
      cmocka_unit_test(the_fallback_gets_what_has_no_handler),
      cmocka_unit_test(a_unary_handler_runs_when_its_request_is_there),
      cmocka_unit_test(a_handler_that_gives_up_yields_unknown),
      cmocka_unit_test(a_status_is_given_once),
      cmocka_unit_test(ok_without_the_response_that_is_due_is_refused),
      cmocka_unit_test(a_status_that_does_not_exist_becomes_unknown),
      cmocka_unit_test(a_handler_learns_that_its_client_has_gone),
      cmocka_unit_test(the_deadline_ends_the_call_on_time),
      cmocka_unit_test(a_deadline_that_has_passed_runs_no_handler),
      cmocka_unit_test(a_deadline_before_the_request_runs_no_handler),
      cmocka_unit_test(interceptors_run_in_order_before_the_handler),
      cmocka_unit_test(an_interceptor_may_answer_itself),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
