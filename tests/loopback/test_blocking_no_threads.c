/* A purely blocking client: its process has the caller's thread and no other. The server is a child. */
#include <stdio.h>

#include "support/check.h"
#include "support/exchange.h"
#include "support/service.h"

struct client {
  struct service service;
  int threads;
  fc_channel *channel;
};

static int set_up(void **state) {
  static struct client client;
  char target[40];
  service_start(&client.service, NULL);
  client.threads = exchange_threads();
  snprintf(target, sizeof target, "ipv4:127.0.0.1:%d", client.service.port);
  assert_int_equal(fc_channel_create(target, NULL, &client.channel, NULL), FC_OK);
  *state = &client;
  return 0;
}

static int tear_down(void **state) {
  struct client *client = *state;
  fc_channel_destroy(client->channel);
  service_stop(&client->service);
  return 0;
}

static void assert_no_thread_came(const struct client *client) {
  assert_int_equal(exchange_threads(), client->threads);
}

static void waiting_for_the_connection_needs_no_thread(void **state) {
  struct client *client = *state;
  assert_int_equal(fc_channel_wait_ready(client->channel, 30 * FC_SECOND, NULL), FC_OK);
  assert_no_thread_came(client);
}

static void unary_calls_need_no_thread(void **state) {
  struct client *client = *state;
  for (int i = 0; i < 100; i++) {
    fc_bytes *response;
    assert_int_equal(fc_unary_unary(client->channel, "/test.Exchange/UnaryUnary", TEXT("request"),
                                    NULL, &response, NULL, NULL),
                     FC_CODE_OK);
    assert_slice_is(fc_bytes_slice(response), "request");
    fc_bytes_unref(response);
  }
  assert_no_thread_came(client);
}

static void a_stream_of_responses_needs_no_thread(void **state) {
  struct client *client = *state;
  fc_call *call;
  fc_bytes *message;
  int count = 0;
  assert_int_equal(fc_unary_stream(client->channel, "/test.Exchange/UnaryStream", TEXT("request"),
                                   NULL, &call, NULL),
                   FC_OK);
  for (; fc_call_recv(call, &message) == FC_OK; count++) {
    fc_bytes_unref(message);
    assert_no_thread_came(client);
  }
  assert_int_equal(count, 100);
  assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
  fc_call_destroy(call);
  assert_no_thread_came(client);
}

struct requests {
  struct client *client;
  int left;
};

static fc_bytes *next_request(fc_call *call, void *user) {
  (void)call;
  static const char content[2000];
  struct requests *requests = user;
  assert_no_thread_came(requests->client);
  return requests->left-- > 0 ? fc_bytes_wrap(content, sizeof content, NULL, NULL) : NULL;
}

static void a_stream_of_requests_needs_no_thread(void **state) {
  struct client *client = *state;
  struct requests requests = {client, 100};
  fc_bytes *response;
  assert_int_equal(fc_stream_unary(client->channel, "/test.Exchange/StreamUnary", next_request,
                                   &requests, NULL, &response, NULL, NULL),
                   FC_CODE_OK);
  fc_bytes_unref(response);
  assert_no_thread_came(client);
}

static void a_conversation_needs_no_thread(void **state) {
  struct client *client = *state;
  fc_call *call;
  fc_bytes *message;
  assert_int_equal(
      fc_stream_stream(client->channel, "/test.Exchange/StreamStream", NULL, &call, NULL), FC_OK);
  for (int i = 0; i < 100; i++) {
    assert_int_equal(fc_call_send_copy(call, TEXT("ping"), 0), FC_OK);
    assert_int_equal(fc_call_recv(call, &message), FC_OK);
    assert_slice_is(fc_bytes_slice(message), "ping");
    fc_bytes_unref(message);
    assert_no_thread_came(client);
  }
  assert_int_equal(fc_call_close_send(call), FC_OK);
  assert_int_equal(fc_call_recv(call, &message), FC_END);
  assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
  fc_call_destroy(call);
}

static void a_deadline_needs_no_thread(void **state) {
  struct client *client = *state;
  fc_bytes *response;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.timeout_ns = 50 * FC_MILLISECOND;
  assert_int_equal(fc_unary_unary(client->channel, "/test.Exchange/Hold", TEXT("hold"), &options,
                                  &response, NULL, NULL),
                   FC_CODE_DEADLINE_EXCEEDED);
  assert_null(response);
  assert_no_thread_came(client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(waiting_for_the_connection_needs_no_thread),
      cmocka_unit_test(unary_calls_need_no_thread),
      cmocka_unit_test(a_stream_of_responses_needs_no_thread),
      cmocka_unit_test(a_stream_of_requests_needs_no_thread),
      cmocka_unit_test(a_conversation_needs_no_thread),
      cmocka_unit_test(a_deadline_needs_no_thread),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
