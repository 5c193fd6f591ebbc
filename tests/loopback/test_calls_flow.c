/* Sending and receiving: who waits for whom, and how everybody gets away. Under each driver. */
#include "support/failing_alloc.h"
#include "support/stage.h"

enum { LARGE = 100000, HUGE_LEN = 3 << 20 };

/* ---- a sender that has to wait ---- */

/* "Hold" reads nothing until the gate is passed, and ends the call with ABORTED then. */
struct world {
  struct stage stage;
  struct gate begun, end;
};

static void hold(fc_call *call, void *user) {
  struct world *world = user;
  gate_pass(&world->begun);
  gate_await(&world->end, 1);
  (void)!fc_call_finish(call, FC_CODE_ABORTED, NULL, FC_SLICE_EMPTY);
}

static void open_world(struct world *world, void **state) {
  *world = (struct world){.begun = GATE_INIT, .end = GATE_INIT};
  stage_open(&world->stage, state);
  stage_serve(&world->stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, hold, world);
  stage_serve(&world->stage, "/t/HoldOne", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, hold,
              world);
  stage_serve(&world->stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo,
              NULL);
  stage_serve(&world->stage, "/t/EchoOne", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, stage_echo,
              NULL);
  stage_start(&world->stage);
}

static void close_world(struct world *world) {
  gate_pass(&world->end);
  stage_close(&world->stage);
}

static fc_call *stream(struct world *world, const char *method, int64_t timeout) {
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  options.timeout_ns = timeout;
  return stage_call(&world->stage, method, FC_PATTERN_STREAM_STREAM, &options);
}

struct sender {
  fc_call *call;
  fc_result result;
  pthread_t thread;
};

static void *send_for_ever(void *user) {
  struct sender *sender = user;
  do {
    fc_bytes *message = stage_message(LARGE);
    sender->result = fc_call_send(sender->call, message, 0);
    if (sender->result != FC_OK) fc_bytes_unref(message);
  } while (sender->result == FC_OK);
  return NULL;
}

static void block_a_sender(struct sender *sender, fc_call *call) {
  *sender = (struct sender){.call = call};
  assert_int_equal(pthread_create(&sender->thread, NULL, send_for_ever, sender), 0);
  stage_await_waiter(call);
}

static void expect_released(struct sender *sender, fc_code code) {
  pthread_join(sender->thread, NULL);
  assert_int_equal(sender->result, FC_ERR_CLOSED);
  stage_expect_end(sender->call, code);
}

static void a_deadline_releases_a_sender(void **state) {
  struct world world;
  struct sender sender;
  open_world(&world, state);
  sender.call = stream(&world, "/t/Hold", 20 * FC_MILLISECOND);
  send_for_ever(&sender);
  assert_int_equal(sender.result, FC_ERR_CLOSED);
  stage_expect_end(sender.call, FC_CODE_DEADLINE_EXCEEDED);
  close_world(&world);
}

static void a_cancellation_releases_a_sender(void **state) {
  struct world world;
  struct sender sender;
  open_world(&world, state);
  block_a_sender(&sender, stream(&world, "/t/Hold", 0));
  fc_call_cancel(sender.call, FC_CODE_CANCELLED, NULL);
  expect_released(&sender, FC_CODE_CANCELLED);
  close_world(&world);
}

static void the_end_of_the_call_releases_a_sender(void **state) {
  struct world world;
  struct sender sender;
  open_world(&world, state);
  block_a_sender(&sender, stream(&world, "/t/Hold", 0));
  gate_pass(&world.end);
  expect_released(&sender, FC_CODE_ABORTED);
  close_world(&world);
}

static void the_end_of_the_channel_releases_a_sender(void **state) {
  struct world world;
  struct sender sender;
  open_world(&world, state);
  block_a_sender(&sender, stream(&world, "/t/Hold", 0));
  fc_channel_close(world.stage.channel);
  expect_released(&sender, FC_CODE_CANCELLED);
  close_world(&world);
}

static void the_end_of_the_server_releases_a_sender(void **state) {
  struct world world;
  struct sender sender;
  open_world(&world, state);
  block_a_sender(&sender, stream(&world, "/t/Hold", 0));
  assert_int_equal(fc_server_shutdown(world.stage.server, 0), FC_OK);
  pthread_join(sender.thread, NULL);
  assert_int_equal(sender.result, FC_ERR_CLOSED);
  assert_int_not_equal(fc_call_status(sender.call)->code, FC_CODE_OK);
  fc_call_destroy(sender.call);
  close_world(&world);
}

static void closing_the_sending_side_releases_a_sender(void **state) {
  struct world world;
  struct sender sender;
  open_world(&world, state);
  block_a_sender(&sender, stream(&world, "/t/Hold", 0));
  assert_int_equal(fc_call_close_send(sender.call), FC_OK);
  pthread_join(sender.thread, NULL);
  assert_int_equal(sender.result, FC_ERR_CLOSED);
  assert_false(fc_call_is_done(sender.call));
  gate_pass(&world.end);
  stage_expect_end(sender.call, FC_CODE_ABORTED);
  close_world(&world);
}

/* A handler that sends to a client which does not read, until the client gives up. */
static void send_on(fc_call *call, void *user) {
  struct sender sender = {.call = call};
  (void)user;
  send_for_ever(&sender);
  MUST(sender.result == FC_ERR_CLOSED && fc_call_is_done(call));
  MUST(fc_call_status(call)->code == FC_CODE_CANCELLED);
  gate_pass(&((struct world *)user)->begun);
}

static void a_client_that_goes_releases_a_sending_handler(void **state) {
  struct world world = {.begun = GATE_INIT, .end = GATE_INIT};
  stage_open(&world.stage, state);
  stage_serve(&world.stage, "/t/SendOn", FC_PATTERN_UNARY_STREAM, FC_HANDLER_BLOCKING, send_on,
              &world);
  stage_start(&world.stage);
  fc_call *call;
  fc_bytes *message;
  assert_int_equal(fc_unary_stream(world.stage.channel, "/t/SendOn", TEXT(""), NULL, &call, NULL),
                   FC_OK);
  assert_int_equal(fc_call_recv(call, &message), FC_OK);
  assert_true(stage_is_message(fc_bytes_slice(message), LARGE));
  fc_bytes_unref(message);
  fc_call_destroy(call);
  gate_await(&world.begun, 1);
  close_world(&world);
}

/* ---- one at a time ---- */

static void *receive_end(void *user) {
  fc_bytes *message;
  MUST(fc_call_recv(user, &message) == FC_END && message == NULL);
  return NULL;
}

static void got(fc_call *call, fc_bytes *message, void *user) {
  (void)call;
  MUST(message == NULL);
  gate_pass(user);
}

static void sent(fc_call *call, fc_result result, void *user) {
  (void)call;
  MUST(result == FC_ERR_CLOSED);
  gate_pass(user);
}

static void expect_busy(fc_call *call, bool sending, bool receiving) {
  fc_bytes *message = stage_message(1), *none;
  struct gate unused = GATE_INIT;
  if (sending) {
    assert_int_equal(fc_call_send(call, message, 0), FC_ERR_BUSY);
    assert_int_equal(fc_call_send_copy(call, TEXT("x"), 0), FC_ERR_BUSY);
    assert_int_equal(fc_call_send_async(call, message, 0, sent, &unused), FC_ERR_BUSY);
  }
  if (receiving) {
    assert_int_equal(fc_call_recv(call, &none), FC_ERR_BUSY);
    assert_int_equal(fc_call_recv_async(call, got, &unused), FC_ERR_BUSY);
  }
  fc_bytes_unref(message);
}

static void a_second_sender_or_receiver_is_refused(void **state) {
  struct world world;
  struct sender sender;
  struct gate told = GATE_INIT;
  pthread_t receiver;
  open_world(&world, state);
  fc_call *call = stream(&world, "/t/Hold", 0);
  assert_int_equal(pthread_create(&receiver, NULL, receive_end, call), 0);
  stage_await_waiter(call);
  expect_busy(call, false, true);
  fc_call_cancel(call, FC_CODE_ABORTED, NULL);
  pthread_join(receiver, NULL);
  fc_call_destroy(call);
  block_a_sender(&sender, stream(&world, "/t/Hold", 0));
  expect_busy(sender.call, true, false);
  fc_call_cancel(sender.call, FC_CODE_ABORTED, NULL);
  expect_released(&sender, FC_CODE_ABORTED);
  call = stream(&world, "/t/Hold", 0);
  assert_int_equal(fc_call_send_async(call, stage_message(HUGE_LEN), 0, sent, &told), FC_OK);
  assert_int_equal(fc_call_recv_async(call, got, &told), FC_OK);
  expect_busy(call, true, true);
  fc_call_cancel(call, FC_CODE_ABORTED, NULL);
  gate_await(&told, 2);
  fc_call_destroy(call);
  close_world(&world);
}

/* ---- both at once ---- */

enum { MESSAGES = 300 };

static size_t length_of(int i) { return (size_t)(i * 7919) % 20000; }

static void *send_all(void *call) {
  for (int i = 0; i < MESSAGES; i++) {
    unsigned flags = i == MESSAGES - 1 ? FC_SEND_LAST : 0;
    MUST(fc_call_send(call, stage_message(length_of(i)), flags) == FC_OK);
  }
  return NULL;
}

static void *receive_all(void *call) {
  fc_bytes *message;
  for (int i = 0; i < MESSAGES; i++) {
    MUST(fc_call_recv(call, &message) == FC_OK);
    MUST(stage_is_message(fc_bytes_slice(message), length_of(i)));
    fc_bytes_unref(message);
  }
  return NULL;
}

static void two_threads_send_and_receive_at_once(void **state) {
  struct world world;
  pthread_t sender, receiver;
  open_world(&world, state);
  fc_call *call = stream(&world, "/t/Echo", 0);
  assert_int_equal(pthread_create(&sender, NULL, send_all, call), 0);
  assert_int_equal(pthread_create(&receiver, NULL, receive_all, call), 0);
  pthread_join(sender, NULL);
  pthread_join(receiver, NULL);
  stage_expect_end(call, FC_CODE_OK);
  close_world(&world);
}

/* The connection is not there yet, so messages gather in the call until they are too many. */
static void a_sender_waits_for_the_connection_too(void **state) {
  struct world world;
  pthread_t receiver;
  open_world(&world, state);
  fc_channel *channel;
  for (int i = 0; i < 5; i++) {
    assert_int_equal(fc_channel_create(world.stage.target, &world.stage.options, &channel, NULL),
                     FC_OK);
    fc_call *call;
    assert_int_equal(fc_stream_stream(channel, "/t/Echo", NULL, &call, NULL), FC_OK);
    assert_int_equal(pthread_create(&receiver, NULL, receive_all, call), 0);
    send_all(call);
    pthread_join(receiver, NULL);
    stage_expect_end(call, FC_CODE_OK);
    fc_channel_destroy(channel);
  }
  close_world(&world);
}

/* ---- messages of every size ---- */

static void empty_and_huge_messages_arrive(void **state) {
  static const size_t sizes[] = {0, 1, 5, 2043, 2048, 2049, 16384, 65535, 65536, 0, HUGE_LEN, 0};
  struct world world;
  fc_bytes *message;
  open_world(&world, state);
  fc_call *call = stream(&world, "/t/Echo", 0);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    assert_int_equal(fc_call_send(call, stage_message(sizes[i]), 0), FC_OK);
    assert_int_equal(fc_call_recv(call, &message), FC_OK);
    assert_true(stage_is_message(fc_bytes_slice(message), sizes[i]));
    fc_bytes_unref(message);
  }
  assert_int_equal(fc_call_close_send(call), FC_OK);
  stage_expect_end(call, FC_CODE_OK);
  close_world(&world);
}

static void one_huge_message_each_way(void **state) {
  struct world world;
  fc_bytes *response;
  open_world(&world, state);
  fc_bytes *request = stage_message(HUGE_LEN);
  assert_int_equal(fc_unary_unary(world.stage.channel, "/t/EchoOne", fc_bytes_slice(request), NULL,
                                  &response, NULL, NULL),
                   FC_CODE_OK);
  assert_true(stage_is_message(fc_bytes_slice(response), HUGE_LEN));
  fc_bytes_unref(response);
  fc_bytes_unref(request);
  assert_int_equal(fc_unary_unary(world.stage.channel, "/t/EchoOne", FC_SLICE_EMPTY, NULL,
                                  &response, NULL, NULL),
                   FC_CODE_OK);
  assert_int_equal(fc_bytes_slice(response).len, 0);
  fc_bytes_unref(response);
  close_world(&world);
}

/* ---- the end of sending ---- */

static void expect_closed(fc_call *call) {
  struct gate unused = GATE_INIT;
  fc_bytes *message = stage_message(10);
  assert_int_equal(fc_call_send(call, message, 0), FC_ERR_CLOSED);
  assert_int_equal(fc_call_send(call, message, FC_SEND_LAST), FC_ERR_CLOSED);
  assert_int_equal(fc_call_send_async(call, message, 0, sent, &unused), FC_ERR_CLOSED);
  assert_int_equal(fc_call_send_copy(call, TEXT("x"), 0), FC_ERR_CLOSED);
  assert_true(stage_is_message(fc_bytes_slice(message), 10)); /* still the caller's */
  fc_bytes_unref(message);
}

static void nothing_is_sent_behind_the_last_message(void **state) {
  struct world world;
  open_world(&world, state);
  fc_call *call = stream(&world, "/t/Echo", 0);
  assert_int_equal(fc_call_send_copy(call, TEXT("last"), FC_SEND_LAST), FC_OK);
  expect_closed(call);
  assert_int_equal(fc_call_close_send(call), FC_OK);
  stage_expect(call, "last");
  stage_expect_end(call, FC_CODE_OK);
  close_world(&world);
}

static void the_sending_side_may_be_closed_twice(void **state) {
  struct world world;
  open_world(&world, state);
  fc_call *call = stream(&world, "/t/Echo", 0);
  assert_int_equal(fc_call_close_send(call), FC_OK); /* and no message at all */
  assert_int_equal(fc_call_close_send(call), FC_OK);
  expect_closed(call);
  assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
  assert_int_equal(fc_call_close_send(call), FC_OK);
  stage_expect_end(call, FC_CODE_OK);
  close_world(&world);
}

static void a_call_that_is_over_sends_and_receives_no_more(void **state) {
  struct world world;
  fc_bytes *message;
  struct gate told = GATE_INIT;
  open_world(&world, state);
  gate_pass(&world.end);
  fc_call *call = stream(&world, "/t/Hold", 0);
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  expect_closed(call);
  assert_int_equal(fc_call_recv(call, &message), FC_END);
  assert_int_equal(fc_call_recv(call, &message), FC_END);
  assert_int_equal(fc_call_recv_async(call, got, &told), FC_OK);
  gate_await(&told, 1);
  stage_expect_end(call, FC_CODE_ABORTED);
  close_world(&world);
}

static void a_pattern_with_one_request_takes_one(void **state) {
  struct world world;
  struct gate unused = GATE_INIT;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  open_world(&world, state);
  fc_bytes *message = stage_message(10);
  options.request = message;
  for (int given = 0; given < 2; given++) { /* sent with fc_call_send, or given with the options */
    fc_call *call =
        stage_call(&world.stage, "/t/HoldOne", FC_PATTERN_UNARY_UNARY, given ? &options : NULL);
    if (!given) assert_int_equal(fc_call_send_copy(call, TEXT("one"), 0), FC_OK);
    assert_int_equal(fc_call_send(call, message, 0), FC_ERR_INVALID);
    assert_int_equal(fc_call_send_async(call, message, 0, sent, &unused), FC_ERR_INVALID);
    fc_call_cancel(call, FC_CODE_ABORTED, NULL);
    stage_expect_end(call, FC_CODE_ABORTED);
  }
  fc_bytes_unref(message);
  close_world(&world);
}

/* A handler of a pattern with one response. */
static void respond_twice(fc_call *call, void *user) {
  (void)user;
  fc_bytes *message = stage_message(10);
  MUST(fc_call_send(call, message, FC_SEND_LAST) == FC_ERR_INVALID); /* a client's flag */
  MUST(fc_call_send(call, fc_bytes_ref(message), 0) == FC_OK);
  MUST(fc_call_send(call, message, 0) == FC_ERR_INVALID);
  MUST(fc_call_respond(call, message) == FC_ERR_INVALID);
  fc_bytes_unref(message);
  MUST(fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY) == FC_OK);
  MUST(fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY) == FC_ERR_CLOSED);
}

static void a_pattern_with_one_response_takes_one(void **state) {
  struct stage stage;
  fc_bytes *response;
  stage_open(&stage, state);
  stage_serve(&stage, "/t/Twice", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, respond_twice, NULL);
  stage_start(&stage);
  assert_int_equal(fc_unary_unary(stage.channel, "/t/Twice", TEXT(""), NULL, &response, NULL, NULL),
                   FC_CODE_OK);
  assert_true(stage_is_message(fc_bytes_slice(response), 10));
  fc_bytes_unref(response);
  stage_close(&stage);
}

/* ---- limits ---- */

/* Sends a message that is too long for itself, then one that the client will not take. */
static void send_long(fc_call *call, void *user) {
  (void)user;
  fc_bytes *message = stage_message(2001);
  MUST(fc_call_send(call, message, 0) == FC_ERR_LIMIT);
  MUST(fc_call_respond(call, message) == FC_ERR_LIMIT);
  fc_bytes_unref(message);
  message = stage_message(2000);
  if (fc_call_respond(call, message) != FC_OK) fc_bytes_unref(message);
}

static void lengths_are_limited_both_ways(void **state) {
  struct stage stage;
  fc_error err = FC_ERROR_INIT;
  fc_call *call;
  stage_open(&stage, state);
  stage.options.max_send_message_bytes = 3000;
  stage.options.max_receive_message_bytes = 1000;
  stage.server_options.max_send_message_bytes = 2000;
  stage.server_options.max_receive_message_bytes = 2500;
  stage_serve(&stage, "/t/SendLong", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, send_long, NULL);
  stage_serve(&stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo, NULL);
  stage_start(&stage);
  fc_bytes *message = stage_message(3001);
  fc_slice bytes = fc_bytes_slice(message);
  assert_int_equal(fc_unary_unary(stage.channel, "/t/SendLong", bytes, NULL, NULL, NULL, &err),
                   FC_CODE_RESOURCE_EXHAUSTED);
  assert_int_equal(err.result, FC_ERR_LIMIT);
  assert_non_null(strstr(err.message, "3001"));
  assert_non_null(strstr(err.message, "3000"));
  assert_int_equal(fc_unary_unary_future(stage.channel, "/t/SendLong", bytes, NULL, &call, &err),
                   FC_ERR_LIMIT);
  assert_null(call);
  call = stage_call(&stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, NULL);
  assert_int_equal(fc_call_send(call, message, 0), FC_ERR_LIMIT); /* and the call goes on */
  assert_int_equal(fc_call_send_copy(call, (fc_slice){bytes.data, 1000}, 0), FC_OK);
  fc_bytes *response;
  assert_int_equal(fc_call_recv(call, &response), FC_OK);
  fc_bytes_unref(response);
  bytes.len = 2501;
  assert_int_equal(fc_call_send_copy(call, bytes, 0), FC_OK);
  assert_int_equal(fc_call_status(call)->origin, FC_ORIGIN_PEER);
  stage_expect_end(call, FC_CODE_RESOURCE_EXHAUSTED);
  assert_int_equal(fc_unary_unary(stage.channel, "/t/SendLong", TEXT(""), NULL, NULL, &call, &err),
                   FC_CODE_RESOURCE_EXHAUSTED);
  assert_int_equal(fc_call_status(call)->origin, FC_ORIGIN_LOCAL);
  assert_non_null(strstr(err.message, "2000 vs. 1000"));
  fc_call_destroy(call);
  fc_bytes_unref(message);
  stage_close(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_deadline_releases_a_sender),
      cmocka_unit_test(a_cancellation_releases_a_sender),
      cmocka_unit_test(the_end_of_the_call_releases_a_sender),
      cmocka_unit_test(the_end_of_the_channel_releases_a_sender),
      cmocka_unit_test(the_end_of_the_server_releases_a_sender),
      cmocka_unit_test(closing_the_sending_side_releases_a_sender),
      cmocka_unit_test(a_client_that_goes_releases_a_sending_handler),
      cmocka_unit_test(a_second_sender_or_receiver_is_refused),
      cmocka_unit_test(two_threads_send_and_receive_at_once),
      cmocka_unit_test(a_sender_waits_for_the_connection_too),
      cmocka_unit_test(empty_and_huge_messages_arrive),
      cmocka_unit_test(one_huge_message_each_way),
      cmocka_unit_test(nothing_is_sent_behind_the_last_message),
      cmocka_unit_test(the_sending_side_may_be_closed_twice),
      cmocka_unit_test(a_call_that_is_over_sends_and_receives_no_more),
      cmocka_unit_test(a_pattern_with_one_request_takes_one),
      cmocka_unit_test(a_pattern_with_one_response_takes_one),
      cmocka_unit_test(lengths_are_limited_both_ways),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
