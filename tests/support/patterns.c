/* The tests of patterns.h. */
#include "support/patterns.h"

#include <stdio.h>

#include "support/check.h"
#include "support/drive.h"
#include "support/exchange.h"
#include "support/failing_alloc.h"

enum { STREAM = EXCHANGE_STREAM, LENGTH = EXCHANGE_LENGTH };

struct talk {
  struct drive drive;
  struct exchange_security security;
  struct exchange exchange; /* the server has a thread of its own */
  size_t live;
};

static void (*secure)(struct exchange_security *security);

static void open_talk(struct talk *talk, void **state) {
  talk->live = failing_alloc_live();
  memset(&talk->security, 0, sizeof talk->security);
  if (secure) secure(&talk->security);
  drive_open(&talk->drive, *(const enum drive_kind *)*state);
  exchange_open_secure(&talk->exchange, talk->drive.reactor, NULL, &talk->security);
}

static void close_talk(struct talk *talk) {
  exchange_close(&talk->exchange);
  fc_channel_credentials_destroy(talk->security.channel);
  fc_server_credentials_destroy(talk->security.server);
  drive_close(&talk->drive);
  assert_true(failing_alloc_comes_to(talk->live));
}

static const char *const methods[] = {
    [FC_PATTERN_UNARY_UNARY] = "/test.Exchange/UnaryUnary",
    [FC_PATTERN_UNARY_STREAM] = "/test.Exchange/UnaryStream",
    [FC_PATTERN_STREAM_UNARY] = "/test.Exchange/StreamUnary",
    [FC_PATTERN_STREAM_STREAM] = "/test.Exchange/StreamStream",
};

static char request_text[LENGTH];

static fc_slice request(void) { return (fc_slice){(const uint8_t *)request_text, LENGTH}; }

static void expect_length(fc_bytes *message) {
  assert_int_equal(fc_bytes_slice(message).len, LENGTH);
  fc_bytes_unref(message);
}

static void receive_stream(fc_call *call) {
  fc_bytes *message;
  int count = 0;
  for (; fc_call_recv(call, &message) == FC_OK; count++) expect_length(message);
  assert_int_equal(count, STREAM);
  assert_true(fc_call_is_done(call));
  assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
  assert_int_equal(fc_call_status(call)->origin, FC_ORIGIN_PEER);
  fc_call_destroy(call);
}

/* ---- blocking ---- */

static void unary_unary_blocking(void **state) {
  struct talk talk;
  fc_bytes *response;
  fc_call *call;
  open_talk(&talk, state);
  assert_int_equal(fc_unary_unary(talk.exchange.channel, methods[FC_PATTERN_UNARY_UNARY], request(),
                                  NULL, &response, &call, NULL),
                   FC_CODE_OK);
  expect_length(response);
  fc_call_destroy(call);
  close_talk(&talk);
}

static void unary_stream_blocking(void **state) {
  struct talk talk;
  fc_call *call;
  open_talk(&talk, state);
  assert_int_equal(fc_unary_stream(talk.exchange.channel, methods[FC_PATTERN_UNARY_STREAM],
                                   request(), NULL, &call, NULL),
                   FC_OK);
  receive_stream(call);
  close_talk(&talk);
}

static fc_bytes *next_request(fc_call *call, void *user) {
  int *left = user;
  assert_false(fc_call_is_done(call));
  return (*left)-- > 0 ? fc_bytes_wrap(request_text, LENGTH, NULL, NULL) : NULL;
}

static void stream_unary_blocking(void **state) {
  struct talk talk;
  int left = STREAM;
  fc_bytes *response;
  open_talk(&talk, state);
  assert_int_equal(fc_stream_unary(talk.exchange.channel, methods[FC_PATTERN_STREAM_UNARY],
                                   next_request, &left, NULL, &response, NULL, NULL),
                   FC_CODE_OK);
  expect_length(response);
  close_talk(&talk);
}

static void stream_stream_blocking(void **state) {
  struct talk talk;
  fc_call *call;
  fc_bytes *message;
  open_talk(&talk, state);
  assert_int_equal(
      fc_stream_stream(talk.exchange.channel, methods[FC_PATTERN_STREAM_STREAM], NULL, &call, NULL),
      FC_OK);
  for (int i = 0; i < STREAM; i++) {
    assert_int_equal(fc_call_send_copy(call, request(), 0), FC_OK);
    assert_int_equal(fc_call_recv(call, &message), FC_OK);
    expect_length(message);
  }
  assert_int_equal(fc_call_close_send(call), FC_OK);
  assert_int_equal(fc_call_recv(call, &message), FC_END);
  assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
  fc_call_destroy(call);
  close_talk(&talk);
}

/* ---- futures ---- */

static void expect_one_response(fc_call *call) {
  fc_bytes *message;
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  assert_int_equal(fc_call_wait(call, 0), FC_OK);
  assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
  assert_int_equal(fc_call_recv(call, &message), FC_OK);
  expect_length(message);
  assert_int_equal(fc_call_recv(call, &message), FC_END);
  fc_call_destroy(call);
}

static void unary_unary_future(void **state) {
  struct talk talk;
  fc_call *call;
  open_talk(&talk, state);
  assert_int_equal(fc_unary_unary_future(talk.exchange.channel, methods[FC_PATTERN_UNARY_UNARY],
                                         request(), NULL, &call, NULL),
                   FC_OK);
  expect_one_response(call);
  close_talk(&talk);
}

/* All hundred messages fit into the window, so the end comes without anybody having read. */
static void unary_stream_future(void **state) {
  struct talk talk;
  fc_call *call;
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  open_talk(&talk, state);
  char target[40];
  snprintf(target, sizeof target, "ipv4:127.0.0.1:%d", talk.exchange.port);
  options.reactor = talk.drive.reactor;
  options.initial_window_bytes = 2 * STREAM * LENGTH;
  options.credentials = talk.security.channel;
  fc_channel_destroy(talk.exchange.channel);
  assert_int_equal(fc_channel_create(target, &options, &talk.exchange.channel, NULL), FC_OK);
  assert_int_equal(fc_unary_stream(talk.exchange.channel, methods[FC_PATTERN_UNARY_STREAM],
                                   request(), NULL, &call, NULL),
                   FC_OK);
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  receive_stream(call);
  close_talk(&talk);
}

static void stream_unary_future(void **state) {
  struct talk talk;
  fc_call *call;
  open_talk(&talk, state);
  assert_int_equal(fc_stream_unary_future(talk.exchange.channel, methods[FC_PATTERN_STREAM_UNARY],
                                          NULL, &call, NULL),
                   FC_OK);
  for (int i = 0; i < STREAM; i++) {
    unsigned flags = i == STREAM - 1 ? FC_SEND_LAST : 0;
    assert_int_equal(fc_call_send_copy(call, request(), flags), FC_OK);
  }
  expect_one_response(call);
  close_talk(&talk);
}

static void count_message(fc_call *call, fc_bytes *message, void *user) {
  MUST(message != NULL);
  fc_bytes_unref(message);
  if (gate_passed(user) + 1 < STREAM) MUST(fc_call_recv_async(call, count_message, user) == FC_OK);
  gate_pass(user);
}

/* The future is waited for while what comes is taken by callbacks. */
static void stream_stream_future(void **state) {
  struct talk talk;
  struct gate received = GATE_INIT;
  fc_call *call;
  open_talk(&talk, state);
  assert_int_equal(
      fc_stream_stream(talk.exchange.channel, methods[FC_PATTERN_STREAM_STREAM], NULL, &call, NULL),
      FC_OK);
  assert_int_equal(fc_call_recv_async(call, count_message, &received), FC_OK);
  for (int i = 0; i < STREAM; i++) {
    assert_int_equal(fc_call_send_copy(call, request(), 0), FC_OK);
  }
  assert_int_equal(fc_call_close_send(call), FC_OK);
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
  gate_await(&received, STREAM);
  fc_call_destroy(call);
  close_talk(&talk);
}

/* ---- callbacks ---- */

/* One call of each pattern at once. Blocking calls beside them make their thread the driver, where nobody else is. */
static void all_patterns_by_callback(void **state) {
  struct talk talk;
  open_talk(&talk, state);
  exchange_start(&talk.exchange);
  while (talk.drive.kind == DRIVE_CALLER && talk.exchange.running > 0) {
    assert_int_equal(fc_unary_unary(talk.exchange.channel, methods[FC_PATTERN_UNARY_UNARY],
                                    request(), NULL, NULL, NULL, NULL),
                     FC_CODE_OK);
  }
  gate_await(&talk.exchange.told, 4);
  exchange_check(&talk.exchange);
  close_talk(&talk);
}

static void a_deadline_by_callback(void **state) {
  struct talk talk;
  open_talk(&talk, state);
  exchange_start_held(&talk.exchange, 10 * FC_MILLISECOND);
  gate_await(&talk.exchange.told, 1);
  assert_int_equal(talk.exchange.outcomes[EXCHANGE_HELD].told, 1);
  assert_int_equal(talk.exchange.outcomes[EXCHANGE_HELD].code, FC_CODE_DEADLINE_EXCEEDED);
  close_talk(&talk);
}

int patterns_run(void (*how)(struct exchange_security *security)) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unary_unary_blocking),     cmocka_unit_test(unary_stream_blocking),
      cmocka_unit_test(stream_unary_blocking),    cmocka_unit_test(stream_stream_blocking),
      cmocka_unit_test(unary_unary_future),       cmocka_unit_test(unary_stream_future),
      cmocka_unit_test(stream_unary_future),      cmocka_unit_test(stream_stream_future),
      cmocka_unit_test(all_patterns_by_callback), cmocka_unit_test(a_deadline_by_callback),
  };
  secure = how;
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
