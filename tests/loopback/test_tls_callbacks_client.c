/* Every callback of a client calls every function that its rule allows, see callbacks.h, and destroys what it is told of. */
#include "support/callbacks.h"
#include "support/failing_alloc.h"
#include "support/tls_credentials.h"

static struct callbacks c;

static void close_all(void) {
  callbacks_close(&c);
  memset(&c, 0, sizeof c);
}

static fc_call *start(const char *method, const fc_call_hooks *hooks) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  o.hooks = hooks;
  assert_int_equal(fc_channel_call(c.channel, method, &o, &call, NULL), FC_OK);
  return call;
}

/* ---- operations of a call ---- */

static void told_sent(fc_call *call, fc_result result, void *user) {
  (void)call, (void)user;
  MUST(result == FC_OK);
  callbacks_visit(&c, PLACE(fc_call_send_async, done));
}

static void told_received(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)user;
  fc_bytes_unref(message);
  callbacks_visit(&c, PLACE(fc_call_recv_async, done));
  fc_call_cancel(call, FC_CODE_ABORTED, NULL);
}

static void told_headers(fc_call *call, void *user) {
  (void)call, (void)user;
  callbacks_visit(&c, PLACE(fc_call_on_initial_metadata, done));
}

static void told_end(fc_call *call, void *user) {
  (void)user;
  callbacks_visit(&c, PLACE(fc_call_on_done, done));
  fc_call_destroy(call);
}

static void callbacks_of_a_call(void **state) {
  callbacks_open(&c, state);
  callbacks_prepare(&c, 4);
  fc_call *call = start("/v/Stream", NULL);
  fc_bytes *message = fc_bytes_copy("hello", 5);
  assert_int_equal(fc_call_on_done(call, told_end, NULL), FC_OK);
  assert_int_equal(fc_call_on_initial_metadata(call, told_headers, NULL), FC_OK);
  assert_int_equal(fc_call_recv_async(call, told_received, NULL), FC_OK);
  assert_int_equal(fc_call_send_async(call, message, 0, told_sent, NULL), FC_OK);
  close_all();
}

/* ---- the short functions ---- */

static void told_status(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  (void)status;
  fc_bytes_unref(response);
  callbacks_visit(&c, *(enum callback_place *)user);
  fc_call_destroy(call);
}

static bool told_message(fc_call *call, fc_bytes *message, void *user) {
  fc_bytes_unref(message);
  enum callback_place done = *(enum callback_place *)user;
  bool one_way = done == PLACE(fc_unary_stream_async, done);
  callbacks_visit(&c, one_way ? PLACE(fc_unary_stream_async, on_message)
                              : PLACE(fc_stream_stream_async, on_message));
  fc_call_cancel(call, FC_CODE_ABORTED, NULL);
  return true;
}

static fc_bytes *give_one(fc_call *call, void *user) {
  enum callback_place done = *(enum callback_place *)user;
  enum callback_place here =
      done == PLACE(fc_stream_unary_async, done)    ? PLACE(fc_stream_unary_async, source)
      : done == PLACE(fc_stream_stream_async, done) ? PLACE(fc_stream_stream_async, source)
                                                    : PLACE(fc_stream_unary, source);
  (void)call;
  return callbacks_visit(&c, here) ? fc_bytes_copy("hello", 5) : NULL;
}

static void callbacks_of_the_short_functions(void **state) {
  static enum callback_place uu = PLACE(fc_unary_unary_async, done),
                             us = PLACE(fc_unary_stream_async, done),
                             su = PLACE(fc_stream_unary_async, done),
                             ss = PLACE(fc_stream_stream_async, done),
                             blocking = PLACE(fc_stream_unary, source);
  fc_call *calls[4];
  callbacks_open(&c, state);
  callbacks_prepare(&c, 9);
  assert_int_equal(fc_unary_unary_async(c.channel, "/v/Echo", TEXT("x"), NULL, told_status, &uu,
                                        &calls[0], NULL),
                   FC_OK);
  assert_int_equal(fc_unary_stream_async(c.channel, "/v/Stream", TEXT("x"), NULL, told_message,
                                         told_status, &us, &calls[1], NULL),
                   FC_OK);
  assert_int_equal(fc_stream_unary_async(c.channel, "/v/Stream", give_one, NULL, told_status, &su,
                                         &calls[2], NULL),
                   FC_OK);
  assert_int_equal(fc_stream_stream_async(c.channel, "/v/Stream", give_one, told_message, NULL,
                                          told_status, &ss, &calls[3], NULL),
                   FC_OK);
  fc_bytes *response;
  (void)fc_stream_unary(c.channel, "/v/Stream", give_one, &blocking, NULL, &response, NULL, NULL);
  fc_bytes_unref(response);
  close_all();
}

/* ---- hooks ---- */

static fc_bytes *see_sent(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)user;
  callbacks_visit(&c, PLACE(fc_call_hooks, on_send));
  return message;
}

static fc_bytes *see_received(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)user;
  callbacks_visit(&c, PLACE(fc_call_hooks, on_receive));
  return message;
}

static void see_end(fc_call *call, const fc_status *status, void *user) {
  (void)status, (void)user;
  callbacks_visit(&c, PLACE(fc_call_hooks, on_done));
  fc_call_cancel(call, FC_CODE_ABORTED, NULL);
}

static void drop_hooks(void *user) {
  (void)user;
  callbacks_visit(&c, PLACE(fc_call_hooks, drop));
}

static const fc_call_hooks hooks = {sizeof hooks, see_sent, see_received, see_end,
                                    drop_hooks,   NULL,     NULL};

static void take_message(fc_call *call, fc_bytes *message, void *user) {
  (void)call;
  fc_bytes_unref(message);
  gate_pass(user);
}

/* Received by a thread that waits, and by callback; the end by the server, and by this side. */
static void hooks_of_a_call(void **state) {
  for (int way = 0; way < 3; way++) {
    struct gate taken = GATE_INIT;
    callbacks_open(&c, state);
    callbacks_prepare(&c, 4);
    fc_call *call = start("/v/Stream", &hooks);
    fc_bytes *message;
    assert_int_equal(fc_call_send_copy(call, TEXT("hello"), FC_SEND_LAST), FC_OK);
    if (way == 2) {
      assert_int_equal(fc_call_recv_async(call, take_message, &taken), FC_OK);
      gate_await(&taken, 1);
    } else {
      assert_int_equal(fc_call_recv(call, &message), FC_OK);
      fc_bytes_unref(message);
    }
    if (way == 0) assert_int_equal(fc_call_recv(call, &message), FC_END);
    fc_call_destroy(call);
    close_all();
  }
}

/* ---- released memory ---- */

static void released(void *user) {
  callbacks_visit(&c, PLACE(fc_bytes_wrap, release));
  if (user) fc_call_destroy(user);
}

/* What becomes of a message: sent, waiting for its turn, given up before there was a connection, never given to a call. */
enum fate { SENT, QUEUED, UNCONNECTED, CLOSED, UNUSED, FATES };

static void send_wrapped(enum fate fate, fc_channel *channel) {
  static uint8_t large[4 << 20];
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  fc_bytes *message = fc_bytes_wrap(large, fate == SENT ? 1000 : sizeof large, released, NULL);
  assert_int_equal(fc_channel_call(channel, "/v/Stream", &o, &call, NULL), FC_OK);
  fc_result r = fate == UNUSED ? FC_ERR_CLOSED : fc_call_send(call, message, 0);
  if (r != FC_OK) fc_bytes_unref(message);
  if (fate == SENT) assert_int_equal(fc_call_close_send(call), FC_OK);
  if (fate == SENT) (void)fc_call_status(call);
  if (fate == CLOSED) fc_channel_close(channel);
  fc_call_destroy(call);
}

static void release_functions(void **state) {
  for (enum fate fate = SENT; fate < FATES; fate++) {
    fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
    o.wait_for_ready = FC_WAIT_FOR_READY_ON;
    callbacks_open(&c, state);
    callbacks_prepare(&c, 1);
    fc_channel *other = callbacks_channel(&c, fate == UNCONNECTED ? "unix:/nowhere" : c.target, &o);
    send_wrapped(fate, fate == QUEUED || fate == SENT ? c.channel : other);
    fc_channel_destroy(other);
    close_all();
  }
}

/* ---- the channel ---- */

static void told_state(fc_channel *channel, fc_connectivity state, void *user) {
  fc_watch **watch = user;
  (void)state;
  callbacks_visit(&c, PLACE(fc_channel_watch, fn));
  fc_watch_cancel(*watch);
  *watch = NULL;
  fc_channel_destroy(channel);
}

static void a_watch(void **state) {
  static fc_watch *watch;
  callbacks_open(&c, state);
  callbacks_prepare(&c, 1);
  fc_channel *channel = callbacks_channel(&c, c.target, NULL);
  assert_int_equal(fc_channel_watch(channel, told_state, &watch, &watch), FC_OK);
  close_all();
}

static fc_result intercept(fc_next *next, const char *method, const fc_call_options *options,
                           fc_call **out, fc_error *err, void *user) {
  (void)user;
  callbacks_visit(&c, PLACE(fc_interceptor, call));
  return CALL_AT(&c, PLACE(fc_interceptor, call), fc_next_call)(next, method, options, out, err);
}

static void an_interceptor(void **state) {
  static const fc_interceptor interceptor = {intercept, NULL};
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  fc_bytes *response;
  o.interceptors = &interceptor;
  o.interceptor_count = 1;
  callbacks_open(&c, state);
  callbacks_prepare(&c, 1);
  fc_channel *channel = callbacks_channel(&c, c.target, &o);
  assert_int_equal(fc_unary_unary(channel, "/v/Echo", TEXT("x"), NULL, &response, NULL, NULL),
                   FC_CODE_OK);
  fc_bytes_unref(response);
  fc_channel_destroy(channel);
  close_all();
}

static bool interrupt(void *user) {
  callbacks_visit(&c, PLACE(fc_set_interrupt_check, check));
  (void)user;
  return true;
}

/* Asked once by itself: a signal may have come before the thread slept. */
static void the_interrupt_check(void **state) {
  callbacks_open(&c, state);
  callbacks_prepare(&c, 1);
  fc_call *call = start("/v/Stream", NULL);
  fc_set_interrupt_check(interrupt, NULL);
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_ERR_INTERRUPTED);
  fc_call_destroy(call);
  close_all();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(callbacks_of_a_call),
      cmocka_unit_test(callbacks_of_the_short_functions),
      cmocka_unit_test(hooks_of_a_call),
      cmocka_unit_test(release_functions),
      cmocka_unit_test(a_watch),
      cmocka_unit_test(an_interceptor),
      cmocka_unit_test(the_interrupt_check),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
