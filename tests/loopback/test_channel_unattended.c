/*
 * A blocking client drives its channel only while it waits for a call. What happened meanwhile, to
 * connections and timers, is found out in time by the next call.
 */
#include <stdio.h>
#include <unistd.h>

#include "farcall/rpc.h"
#include "farcall/server.h"
#include "support/check.h"

static void answer(fc_call *call, void *user) {
  (void)user;
  fc_bytes *response = fc_bytes_copy("ok", 2);
  if (fc_call_respond(call, response) != FC_OK) fc_bytes_unref(response);
  fc_call_destroy(call);
}

/* Port 0 takes a free one. */
static fc_server *serve(int *port) {
  fc_server *server;
  fc_error err = FC_ERROR_INIT;
  fc_handler handler = FC_HANDLER_INIT;
  char address[64];
  handler.kind = FC_HANDLER_ASYNC;
  handler.pattern = FC_PATTERN_UNARY_UNARY;
  handler.fn = answer;
  snprintf(address, sizeof address, "127.0.0.1:%d", *port);
  assert_int_equal(fc_server_create(NULL, &server, NULL), FC_OK);
  assert_int_equal(fc_server_set_fallback(server, &handler, NULL), FC_OK);
  if (fc_server_listen(server, address, port, &err) != FC_OK) fail_msg("%s", err.message);
  assert_int_equal(fc_server_start(server, NULL), FC_OK);
  return server;
}

static fc_channel *connect_to(int port, fc_channel_options *options) {
  char target[64];
  fc_channel *channel;
  snprintf(target, sizeof target, "ipv4:127.0.0.1:%d", port);
  assert_int_equal(fc_channel_create(target, options, &channel, NULL), FC_OK);
  return channel;
}

static fc_code exchange(fc_channel *channel, int64_t timeout, fc_error *err) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.timeout_ns = timeout;
  return fc_unary_unary(channel, "/s/m", TEXT("hello"), &o, NULL, NULL, err);
}

static void expect_answer(fc_channel *channel) {
  fc_error err = FC_ERROR_INIT;
  if (exchange(channel, 20 * FC_SECOND, &err) != FC_CODE_OK) fail_msg("%s", err.message);
}

static void a_closed_connection_is_noticed_before_a_call_uses_it(void **state) {
  (void)state;
  int port = 0;
  fc_server *server = serve(&port);
  fc_channel *channel = connect_to(port, NULL);
  for (int i = 0; i < 5; i++) {
    expect_answer(channel);
    fc_server_destroy(server);
    server = serve(&port);
    usleep(20 * 1000);
    expect_answer(channel);
  }
  fc_channel_destroy(channel);
  fc_server_destroy(server);
}

static void the_state_is_asked_of_the_connection(void **state) {
  (void)state;
  int port = 0;
  fc_server *server = serve(&port);
  fc_channel *channel = connect_to(port, NULL);
  expect_answer(channel);
  assert_int_equal(fc_channel_state(channel, false), FC_CONNECTIVITY_READY);
  fc_server_destroy(server);
  usleep(20 * 1000);
  assert_int_equal(fc_channel_state(channel, false), FC_CONNECTIVITY_IDLE);
  fc_channel_destroy(channel);
}

/* The time for connecting is over when the second call comes, but nobody was there to go on
 * connecting. */
static void an_interrupted_attempt_to_connect_goes_on(void **state) {
  (void)state;
  int port = 0;
  fc_server *server = serve(&port);
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  o.connect_timeout_ns = 100 * FC_MILLISECOND;
  fc_channel *channel = connect_to(port, &o);
  fc_call *call;
  assert_int_equal(fc_unary_stream(channel, "/s/m", TEXT("hello"), NULL, &call, NULL), FC_OK);
  fc_call_destroy(call);
  usleep(1200 * 1000);
  expect_answer(channel);
  fc_channel_destroy(channel);
  fc_server_destroy(server);
}

static void a_backoff_ends_without_help(void **state) {
  (void)state;
  int port = 0;
  fc_server *server = serve(&port);
  fc_server_destroy(server);
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  o.min_backoff_ns = 50 * FC_MILLISECOND;
  fc_channel *channel = connect_to(port, &o);
  assert_int_equal(exchange(channel, FC_NEVER, NULL), FC_CODE_UNAVAILABLE);
  server = serve(&port);
  usleep(60 * 1000);
  expect_answer(channel);
  fc_channel_destroy(channel);
  fc_server_destroy(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_closed_connection_is_noticed_before_a_call_uses_it),
      cmocka_unit_test(the_state_is_asked_of_the_connection),
      cmocka_unit_test(an_interrupted_attempt_to_connect_goes_on),
      cmocka_unit_test(a_backoff_ends_without_help),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
