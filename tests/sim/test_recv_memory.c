/*
 * Receives while memory fails at every allocation in turn: each is completed once, with a message or the end, and the call
 * has one status. Messages that wait compressed are expanded when they are taken, which ends the call where memory is short.
 */
#include "sim/answer_world.h"
#include "sim/request_world.h"
#include "support/failing_alloc.h"
#include "wire/compress.h"

enum { LEN = 400 * 1024, MESSAGES = 4 }; /* more than what is expanded ahead */

static const char request[] = REQUEST("/t/Stream") "grpc-encoding: gzip\n";
static const char response[] = H2_RESPONSE "grpc-encoding: gzip\n";

static uint8_t plain[LEN];

struct received {
  int times, messages;
};

static void count(fc_call *call, fc_bytes *message, void *user) {
  struct received *received = user;
  (void)call;
  received->times++;
  if (message) assert_int_equal(fc_bytes_slice(message).len, LEN);
  received->messages += message != NULL;
  fc_bytes_unref(message);
}

static fc_bytes *packed(void) {
  fc_bytes *small;
  assert_int_equal(fc__compress(FC__ENCODING_GZIP, (fc_slice){plain, LEN}, LEN, &small), FC_OK);
  return small;
}

/* Frames of so many messages, built only. */
static void put_messages(struct raw_end *end, uint32_t id, int many) {
  fc_bytes *small = packed();
  for (int i = 0; i < many; i++) raw_end_message(end, id, 0, 1, fc_bytes_slice(small));
  fc_bytes_unref(small);
}

/* ---- one side's call ---- */

struct side {
  void (*open)(void); /* anew, with a call that the other end has begun or answered */
  struct raw_end *end;
  fc_call *(*call)(void);
  void (*close)(void);
};

static void open_request(void) {
  requests_restart(NULL);
  requests_begin(request, 0);
  requests_go();
  assert_int_equal(requests.rig.held_count, 1);
}

static fc_call *call_of_request(void) { return requests.rig.held[0]; }
static void close_request(void) { rig_finish_all(&requests.rig); }

static fc_call *client_call;

static void open_response(void) {
  answers_restart((fc_channel_options)FC_CHANNEL_OPTIONS_INIT);
  client_call = answers_call_pattern(FC_PATTERN_STREAM_STREAM);
  answers_headers(response, 0);
  answers_go();
}

static fc_call *call_of_response(void) { return client_call; }

static void close_response(void) {
  fc_call_destroy(client_call);
  answers.call = NULL;
}

static const struct side server = {open_request, &requests.end, call_of_request, close_request};
static const struct side client = {open_response, &answers.end, call_of_response, close_response};

static uint32_t id_of(const struct side *side) {
  return side == &server ? requests.id : answers.id;
}

/* What comes of a receive must not depend on the rest: others follow until the end, once each. */
static void receive_to_the_end(fc_call *call, struct received *all, struct raw_end *end) {
  for (int i = 0; i < 2 * MESSAGES; i++) {
    struct received one = {0};
    if (!fc_call_is_done(call) && all->messages == MESSAGES) return;
    assert_int_equal(fc_call_recv_async(call, count, &one), FC_OK);
    raw_end_go(end);
    assert_int_equal(one.times, 1);
    all->messages += one.messages;
    if (one.messages == 0) return;
  }
}

/* Memory is what the call or its connection lacked. */
static void expect_once(const struct received *received, fc_call *call) {
  assert_int_equal(received->times, 1);
  assert_int_equal(received->messages == 0, fc_call_is_done(call));
  if (received->messages) return;
  const fc_status *status = fc_call_status(call);
  if (!strstr(status->message, "out of memory")) fail_msg("%s", status->message);
}

/* ---- messages that are there already ---- */

static bool take_with_failure(const struct side *side, size_t n, enum failing_alloc_mode mode) {
  struct received first = {0}, second = {0};
  side->open();
  put_messages(side->end, id_of(side), MESSAGES);
  raw_end_go(side->end);
  fc_call *call = side->call();
  assert_int_equal(fc_call_recv_async(call, count, &first), FC_OK);
  raw_end_go(side->end);
  assert_int_equal(first.messages, 1);
  failing_alloc_arm(n, mode);
  assert_int_equal(fc_call_recv_async(call, count, &second), FC_OK);
  bool reached = failing_alloc_disarm();
  raw_end_go(side->end);
  expect_once(&second, call);
  second.messages += first.messages;
  receive_to_the_end(call, &second, side->end);
  if (!reached) assert_int_equal(second.messages, MESSAGES);
  side->close();
  (void)raw_end_said(side->end);
  return reached;
}

/* ---- a message that comes while a receive waits ---- */

static bool await_with_failure(const struct side *side, size_t n, enum failing_alloc_mode mode) {
  struct received received = {0};
  side->open();
  fc_call *call = side->call();
  assert_int_equal(fc_call_recv_async(call, count, &received), FC_OK);
  put_messages(side->end, id_of(side), 1);
  failing_alloc_arm(n, mode);
  raw_end_go(side->end);
  bool reached = failing_alloc_disarm();
  raw_end_go(side->end);
  expect_once(&received, call);
  side->close();
  (void)raw_end_said(side->end);
  return reached;
}

static void fail_in_turn(bool (*receive)(const struct side *side, size_t n,
                                         enum failing_alloc_mode mode),
                         const struct side *side) {
  for (int mode = FAILING_ALLOC_ONCE; mode <= FAILING_ALLOC_FROM_THEN; mode++) {
    size_t n = 0;
    while (receive(side, n, (enum failing_alloc_mode)mode)) n++;
    assert_true(n > 0);
  }
}

static void a_server_completes_a_receive_of_what_waits_once(void **state) {
  (void)state;
  fail_in_turn(take_with_failure, &server);
}

static void a_server_completes_a_receive_that_waits_once(void **state) {
  (void)state;
  fail_in_turn(await_with_failure, &server);
}

static void a_client_completes_a_receive_of_what_waits_once(void **state) {
  (void)state;
  fail_in_turn(take_with_failure, &client);
}

static void a_client_completes_a_receive_that_waits_once(void **state) {
  (void)state;
  fail_in_turn(await_with_failure, &client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      REQUEST_TEST_WHOLE(a_server_completes_a_receive_of_what_waits_once),
      REQUEST_TEST_WHOLE(a_server_completes_a_receive_that_waits_once),
      ANSWER_TEST_WHOLE(a_client_completes_a_receive_of_what_waits_once),
      ANSWER_TEST_WHOLE(a_client_completes_a_receive_that_waits_once),
  };
  return answers_run(tests, sizeof tests / sizeof *tests);
}
