/* Calls of each pattern are given up after any number of steps: nothing leaks, and the next call is answered. */
#include "support/failing_alloc.h"
#include "support/stage.h"

enum { LARGE = 100000 };

/* ---- the server: sends until nobody wants it any more, and reads what comes ---- */

static void send_many(fc_call *call, void *user) {
  fc_bytes *message;
  (void)user;
  do {
    message = stage_message(LARGE);
  } while (fc_call_send(call, message, 0) == FC_OK);
  fc_bytes_unref(message);
}

static void receive_many(fc_call *call, void *user) {
  fc_bytes *message;
  (void)user;
  while (fc_call_recv(call, &message) == FC_OK) fc_bytes_unref(message);
  message = stage_message(1);
  if (fc_call_respond(call, message) != FC_OK) fc_bytes_unref(message);
}

/* ---- the steps of a client, the same for each pattern as far as it goes ---- */

struct walk {
  fc_call *call;
  struct gate told;
  int pending; /* callbacks that must come */
};

static void told_received(fc_call *call, fc_bytes *message, void *user) {
  (void)call;
  fc_bytes_unref(message);
  gate_pass(&((struct walk *)user)->told);
}

static void told_sent(fc_call *call, fc_result result, void *user) {
  (void)call, (void)result;
  gate_pass(&((struct walk *)user)->told);
}

static void told_headers(fc_call *call, void *user) {
  (void)call;
  gate_pass(&((struct walk *)user)->told);
}

static void send(struct walk *walk, size_t len) {
  fc_bytes *message = stage_message(len);
  if (fc_call_send(walk->call, message, 0) != FC_OK) fc_bytes_unref(message);
}

static void send_little(struct walk *walk) { send(walk, 10); }
static void send_much(struct walk *walk) { send(walk, LARGE); }

static void send_async(struct walk *walk) {
  fc_bytes *message = stage_message(LARGE);
  if (fc_call_send_async(walk->call, message, 0, told_sent, walk) == FC_OK) {
    walk->pending++;
  } else {
    fc_bytes_unref(message);
  }
}

static void close_send(struct walk *walk) { (void)fc_call_close_send(walk->call); }

static void ask_headers(struct walk *walk) {
  if (fc_call_on_initial_metadata(walk->call, told_headers, walk) == FC_OK) walk->pending++;
}

static void await_headers(struct walk *walk) {
  const fc_metadata *list;
  (void)!fc_call_initial_metadata(walk->call, FC_MILLISECOND, &list);
}

static void receive(struct walk *walk) {
  fc_bytes *message;
  if (fc_call_recv(walk->call, &message) == FC_OK) fc_bytes_unref(message);
}

static void receive_async(struct walk *walk) {
  if (fc_call_recv_async(walk->call, told_received, walk) == FC_OK) walk->pending++;
}

static void wait_a_little(struct walk *walk) { (void)!fc_call_wait(walk->call, FC_MILLISECOND); }
static void cancel(struct walk *walk) { fc_call_cancel(walk->call, FC_CODE_ABORTED, "enough"); }

static void (*const steps[])(struct walk *) = {ask_headers, send_little,   send_much, send_async,
                                               close_send,  await_headers, receive,   receive_async,
                                               receive,     wait_a_little, cancel,    receive};
enum { STEPS = sizeof steps / sizeof *steps };

/* ---- the tests ---- */

static void open_stage(struct stage *stage, void **state) {
  static const struct {
    const char *method;
    fc_pattern pattern;
    fc_handler_fn fn;
  } methods[] = {{"/t/UU", FC_PATTERN_UNARY_UNARY, receive_many},
                 {"/t/US", FC_PATTERN_UNARY_STREAM, send_many},
                 {"/t/SU", FC_PATTERN_STREAM_UNARY, receive_many},
                 {"/t/SS", FC_PATTERN_STREAM_STREAM, stage_echo}};
  stage_open(stage, state);
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    stage_serve(stage, methods[i].method, methods[i].pattern, FC_HANDLER_BLOCKING, methods[i].fn,
                NULL);
  stage_start(stage);
}

/* fresh: the channel has no connection yet. */
static void walk_so_far(struct stage *stage, const char *method, fc_pattern pattern, int count,
                        bool fresh) {
  struct walk walk = {.told = GATE_INIT};
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  fc_channel *channel = stage->channel;
  if (fresh)
    assert_int_equal(fc_channel_create(stage->target, &stage->options, &channel, NULL), FC_OK);
  options.pattern = pattern;
  assert_int_equal(fc_channel_call(channel, method, &options, &walk.call, NULL), FC_OK);
  for (int i = 0; i < count; i++) steps[i](&walk);
  if (fresh) fc_channel_destroy(channel);
  fc_call_destroy(walk.call);
  gate_await(&walk.told, walk.pending);
}

static void walk_all(void **state, const char *method, fc_pattern pattern) {
  struct stage stage;
  open_stage(&stage, state);
  for (int count = 0; count <= STEPS; count++) {
    walk_so_far(&stage, method, pattern, count, false);
    walk_so_far(&stage, method, pattern, count, true);
  }
  fc_bytes *response;
  assert_int_equal(fc_unary_unary(stage.channel, "/t/UU", TEXT(""), NULL, &response, NULL, NULL),
                   FC_CODE_OK);
  fc_bytes_unref(response);
  stage_close(&stage);
}

static void unary_calls(void **state) { walk_all(state, "/t/UU", FC_PATTERN_UNARY_UNARY); }
static void response_streams(void **state) { walk_all(state, "/t/US", FC_PATTERN_UNARY_STREAM); }
static void request_streams(void **state) { walk_all(state, "/t/SU", FC_PATTERN_STREAM_UNARY); }
static void streams_both_ways(void **state) { walk_all(state, "/t/SS", FC_PATTERN_STREAM_STREAM); }

/* ---- the same by callback ---- */

struct left {
  struct gate told;
  int stop_at, messages;
};

static bool take_some(fc_call *call, fc_bytes *message, void *user) {
  struct left *left = user;
  (void)call;
  fc_bytes_unref(message);
  return ++left->messages < left->stop_at;
}

static void told_end(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct left *left = user;
  (void)call;
  MUST(status->code == FC_CODE_CANCELLED);
  fc_bytes_unref(response);
  gate_pass(&left->told);
}

static void a_stream_by_callback_is_left_early(void **state) {
  struct stage stage;
  open_stage(&stage, state);
  for (int handle = 0; handle < 2; handle++) {
    struct left left = {.told = GATE_INIT, .stop_at = 3};
    fc_call *call;
    assert_int_equal(fc_unary_stream_async(stage.channel, "/t/US", TEXT(""), NULL, take_some,
                                           told_end, &left, handle ? &call : NULL, NULL),
                     FC_OK);
    if (handle) fc_call_destroy(call);
    gate_await(&left.told, 1);
    assert_int_equal(left.messages, 3);
  }
  stage_close(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unary_calls),
      cmocka_unit_test(response_streams),
      cmocka_unit_test(request_streams),
      cmocka_unit_test(streams_both_ways),
      cmocka_unit_test(a_stream_by_callback_is_left_early),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
