/* A call that a server has refused goes on elsewhere, and what it has told of the server stays true until its handle goes. */
#include "sim/secure_world.h"
#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/tls_credentials.h"

#define ADDRESS "127.0.0.1:80"
#define TARGET "ipv4:127.0.0.1:80"

struct holder {
  struct secure_world w;
  fc_call *first; /* keeps its slot after the client has reset it */
  int seen;
};

static void hold_first(fc_call *call, void *user) {
  struct holder *h = user;
  if (h->seen++ == 0) {
    h->first = call;
    return;
  }
  assert_int_equal(fc_call_send_copy(call, TEXT("yes"), 0), FC_OK);
  assert_int_equal(fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY), FC_OK);
  fc_call_destroy(call);
}

static void open_holder(struct holder *h) {
  fc_handler handler = FC_HANDLER_INIT;
  fc_server_credentials *credentials = tls_server("server", FC_TLS_CLIENT_AUTH_NONE);
  memset(h, 0, sizeof *h);
  secure_open(&h->w);
  h->w.server_options.max_concurrent_streams = 1;
  handler.pattern = FC_PATTERN_UNARY_UNARY;
  handler.kind = FC_HANDLER_ASYNC;
  handler.fn = hold_first;
  handler.user = h;
  assert_int_equal(fc_server_create(&h->w.server_options, &h->w.server, NULL), FC_OK);
  assert_int_equal(fc_server_register(h->w.server, "/t/Hold", &handler, NULL), FC_OK);
  assert_int_equal(fc_server_listen_secure(h->w.server, ADDRESS, credentials, NULL, NULL), FC_OK);
  fc_server_credentials_destroy(credentials);
  assert_int_equal(fc_server_start(h->w.server, NULL), FC_OK);
  secure_channel(&h->w, TARGET, tls_channel_as(NULL));
}

static fc_call *begin(struct holder *h) {
  fc_call *call;
  assert_int_equal(fc_unary_unary_future(h->w.channel, "/t/Hold", TEXT("hi"), NULL, &call, NULL),
                   FC_OK);
  return call;
}

/* The slot of a cancelled call is taken: the server refuses the next. */
static fc_call *begin_refused(struct holder *h) {
  fc_call *first = begin(h);
  sim_run_for(h->w.sim, 100 * FC_MILLISECOND);
  assert_int_equal(h->seen, 1);
  fc_call_destroy(first);
  sim_run_for(h->w.sim, 100 * FC_MILLISECOND);
  fc_call *second = begin(h);
  sim_run_for(h->w.sim, 5 * FC_MILLISECOND / 2); /* there and back; tried again 2 ms later */
  assert_false(fc_call_is_done(second));
  assert_int_equal(h->seen, 1);
  return second;
}

static void expect_answer(struct holder *h, fc_call *call) {
  assert_int_equal(fc_call_wait(call, 10 * FC_SECOND), FC_OK);
  assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
  assert_int_equal(h->seen, 2);
}

static void close_holder(struct holder *h) {
  if (h->first) fc_call_destroy(h->first);
  secure_close(&h->w);
}

static void a_context_stays_when_the_call_moves_to_another_connection(void **state) {
  (void)state;
  struct holder h;
  size_t live = failing_alloc_live();
  open_holder(&h);
  fc_call *call = begin_refused(&h);
  const fc_auth_context *before = fc_call_auth_context(call);
  secure_expect_auth(before, "ssl_session_reused", "false");
  sim_cut_all(h.w.sim, SIM_CUT_RESET);
  expect_answer(&h, call);
  const fc_auth_context *after = fc_call_auth_context(call);
  assert_ptr_not_equal(after, before);
  secure_expect_auth(after, "ssl_session_reused", "true");
  secure_expect_auth(before, "ssl_session_reused", "false");
  secure_expect_auth(before, "x509_common_name", "server");
  fc_call_destroy(call);
  close_holder(&h);
  assert_int_equal(failing_alloc_live(), live);
}

static void a_context_stays_when_the_call_is_made_again(void **state) {
  (void)state;
  struct holder h;
  size_t live = failing_alloc_live();
  open_holder(&h);
  fc_call *call = begin_refused(&h);
  const fc_auth_context *before = fc_call_auth_context(call);
  fc_call_destroy(h.first);
  h.first = NULL;
  expect_answer(&h, call);
  assert_ptr_equal(fc_call_auth_context(call), before);
  fc_call_destroy(call);
  close_holder(&h);
  assert_int_equal(failing_alloc_live(), live);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_context_stays_when_the_call_moves_to_another_connection),
      cmocka_unit_test(a_context_stays_when_the_call_is_made_again),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
