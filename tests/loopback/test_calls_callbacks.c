/* What callbacks of all kinds may do: make calls and wait for them, close, cancel, destroy. Under each driver. */
#include "support/failing_alloc.h"
#include "support/stage.h"

enum { MANY = 1000 };

struct world {
  struct stage stage;
  struct gate told, held; /* held: calls of "Hold" that are over */
  fc_call *call;          /* of which a callback is told */
  fc_code code;
  int messages, given;
};

static void refuse(fc_call *call, void *user) {
  (void)user;
  MUST(fc_call_finish(call, FC_CODE_NOT_FOUND, "nothing here", FC_SLICE_EMPTY) == FC_OK);
}

static void count_to_ten(fc_call *call, void *user) {
  (void)user;
  for (int i = 0; i < 10; i++)
    if (fc_call_send_copy(call, TEXT("message"), 0) != FC_OK) return;
  (void)!fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY);
}

static void open_world(struct world *w, void **state) {
  *w = (struct world){.told = GATE_INIT, .held = GATE_INIT};
  struct stage *s = &w->stage;
  stage_open(s, state);
  stage_serve(s, "/t/Echo", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo, NULL);
  stage_serve(s, "/t/Hold", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_hold, &w->held);
  stage_serve(s, "/t/Count", FC_PATTERN_UNARY_STREAM, FC_HANDLER_BLOCKING, count_to_ten, NULL);
  stage_serve(s, "/t/Refuse", FC_PATTERN_STREAM_UNARY, FC_HANDLER_BLOCKING, refuse, NULL);
  stage_start(s);
}

static void close_world(struct world *w) { stage_close(&w->stage); }

/* ---- waiting ---- */

static void call_and_wait(struct world *w) {
  fc_bytes *response;
  fc_call *future;
  MUST(fc_unary_unary(w->stage.channel, "/t/Echo", TEXT("inner"), NULL, &response, NULL, NULL) ==
       FC_CODE_OK);
  MUST(fc_slice_equals(fc_bytes_slice(response), "inner"));
  fc_bytes_unref(response);
  MUST(fc_unary_unary_future(w->stage.channel, "/t/Echo", TEXT("inner"), NULL, &future, NULL) ==
       FC_OK);
  MUST(fc_call_wait(future, FC_NEVER) == FC_OK);
  fc_call_destroy(future);
}

static void answered_calls(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct world *w = user;
  (void)call;
  MUST(status->code == FC_CODE_OK);
  fc_bytes_unref(response);
  call_and_wait(w);
  gate_pass(&w->told);
}

static void end_calls(fc_call *call, void *user) {
  struct world *w = user;
  MUST(fc_call_is_done(call));
  call_and_wait(w);
  gate_pass(&w->told);
}

static void message_calls(fc_call *call, fc_bytes *message, void *user) {
  struct world *w = user;
  fc_bytes_unref(message);
  call_and_wait(w);
  MUST(fc_call_send_copy(call, TEXT("more"), FC_SEND_LAST) == FC_OK);
  gate_pass(&w->told);
}

static void a_callback_may_make_calls_and_wait_for_them(void **state) {
  struct world w;
  open_world(&w, state);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(fc_unary_unary_async(w.stage.channel, "/t/Echo", TEXT("outer"), NULL,
                                          answered_calls, &w, NULL, NULL),
                     FC_OK);
  }
  fc_call *call = stage_call(&w.stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, NULL);
  assert_int_equal(fc_call_on_done(call, end_calls, &w), FC_OK);
  assert_int_equal(fc_call_recv_async(call, message_calls, &w), FC_OK);
  assert_int_equal(fc_call_send_copy(call, TEXT("first"), 0), FC_OK);
  gate_await(&w.told, 4); /* the responses and the message */
  stage_expect(call, "more");
  gate_await(&w.told, 5);
  stage_expect_end(call, FC_CODE_OK);
  close_world(&w);
}

/* ---- ending things ---- */

static void told(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct world *w = user;
  w->code = status->code;
  fc_bytes_unref(response);
  if (w->call) {
    MUST(w->call == call);
    fc_call_destroy(call);
  }
  gate_pass(&w->told);
}

static bool close_channel(fc_call *call, fc_bytes *message, void *user) {
  struct world *w = user;
  (void)call;
  fc_bytes_unref(message);
  w->messages++;
  fc_channel_close(w->stage.channel);
  return true;
}

static void a_callback_may_close_the_channel(void **state) {
  struct world w;
  open_world(&w, state);
  assert_int_equal(fc_unary_stream_async(w.stage.channel, "/t/Count", TEXT(""), NULL, close_channel,
                                         told, &w, NULL, NULL),
                   FC_OK);
  gate_await(&w.told, 1);
  assert_int_equal(w.code, w.messages < 10 ? FC_CODE_CANCELLED : FC_CODE_OK);
  close_world(&w);
}

static bool destroy_call(fc_call *call, fc_bytes *message, void *user) {
  struct world *w = user;
  fc_bytes_unref(message);
  if (w->messages++ == 3) fc_call_destroy(call);
  return true;
}

/* The outcome is told all the same: the call has a callback for it. */
static void a_message_s_callback_may_destroy_the_call(void **state) {
  struct world w;
  fc_call *call;
  open_world(&w, state);
  assert_int_equal(fc_unary_stream_async(w.stage.channel, "/t/Count", TEXT(""), NULL, destroy_call,
                                         told, &w, &call, NULL),
                   FC_OK);
  gate_await(&w.told, 1);
  assert_int_equal(w.code, FC_CODE_OK);
  assert_int_equal(w.messages, 10);
  close_world(&w);
}

static bool count_message(fc_call *call, fc_bytes *message, void *user) {
  (void)call;
  ((struct world *)user)->messages++;
  fc_bytes_unref(message);
  return true;
}

/* It knows the handle, which is stored before any callback runs. */
static void the_last_callback_may_destroy_the_call(void **state) {
  struct world w;
  open_world(&w, state);
  assert_int_equal(
      fc_unary_unary_async(w.stage.channel, "/t/Echo", TEXT(""), NULL, told, &w, &w.call, NULL),
      FC_OK);
  gate_await(&w.told, 1);
  assert_int_equal(fc_unary_stream_async(w.stage.channel, "/t/Count", TEXT(""), NULL, count_message,
                                         told, &w, &w.call, NULL),
                   FC_OK);
  gate_await(&w.told, 2);
  assert_int_equal(w.messages, 10);
  close_world(&w);
}

/* ---- sources ---- */

static fc_bytes *give_up(fc_call *call, void *user) {
  struct world *w = user;
  if (w->given++ < 3) return stage_message(10);
  fc_call_cancel(call, FC_CODE_DATA_LOSS, "the source is dry");
  return NULL;
}

static void a_source_that_fails_ends_the_call(void **state) {
  struct world w;
  fc_error err = FC_ERROR_INIT;
  fc_bytes *response;
  open_world(&w, state);
  assert_int_equal(
      fc_stream_unary(w.stage.channel, "/t/Hold", give_up, &w, NULL, &response, NULL, &err),
      FC_CODE_DATA_LOSS);
  assert_string_equal(err.message, "the source is dry");
  assert_null(response);
  w.given = 0;
  assert_int_equal(fc_stream_stream_async(w.stage.channel, "/t/Hold", give_up, count_message, NULL,
                                          told, &w, NULL, NULL),
                   FC_OK);
  gate_await(&w.told, 1);
  assert_int_equal(w.code, FC_CODE_DATA_LOSS);
  close_world(&w);
}

static fc_bytes *give_for_ever(fc_call *call, void *user) {
  (void)call;
  ((struct world *)user)->given++;
  return stage_message(10000);
}

static void a_source_without_end_is_stopped_by_the_server(void **state) {
  struct world w;
  fc_error err = FC_ERROR_INIT;
  open_world(&w, state);
  assert_int_equal(
      fc_stream_unary(w.stage.channel, "/t/Refuse", give_for_ever, &w, NULL, NULL, NULL, &err),
      FC_CODE_NOT_FOUND);
  assert_string_equal(err.message, "nothing here");
  assert_int_equal(fc_stream_unary_async(w.stage.channel, "/t/Refuse", give_for_ever, NULL, told,
                                         &w, NULL, NULL),
                   FC_OK);
  gate_await(&w.told, 1);
  assert_int_equal(w.code, FC_CODE_NOT_FOUND);
  assert_true(w.given > 0);
  close_world(&w);
}

/* ---- released memory ---- */

struct host_bytes {
  struct world *world;
  fc_call *call;
  char text[100000];
};

/* Under no lock, so it may ask. */
static void released(void *user) {
  struct host_bytes *bytes = user;
  (void)fc_call_time_remaining(bytes->call);
  (void)fc_channel_state(bytes->world->stage.channel, false);
  gate_pass(&bytes->world->told);
}

static void memory_of_the_host_is_released_under_no_lock(void **state) {
  static const size_t sizes[] = {0, 10, 3000, 100000};
  static struct host_bytes bytes;
  struct world w;
  int due = 0;
  open_world(&w, state);
  bytes.world = &w;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    fc_bytes *echo;
    fc_call *call = bytes.call = stage_call(&w.stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, NULL);
    for (int n = 0; n < 3; n++) {
      fc_bytes *message = fc_bytes_wrap(bytes.text, sizes[i], released, &bytes);
      if (n == 2) fc_call_cancel(call, FC_CODE_ABORTED, NULL); /* not taken */
      fc_result r = fc_call_send(call, message, 0);
      if (r != FC_OK) fc_bytes_unref(message);
      if (r == FC_OK && fc_call_recv(call, &echo) == FC_OK) fc_bytes_unref(echo);
      gate_await(&w.told, ++due);
    }
    fc_call_destroy(call);
  }
  assert_int_equal(gate_passed(&w.told), due);
  close_world(&w);
}

/* ---- many at once ---- */

static void told_well(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct world *w = user;
  (void)call;
  MUST(status->code == FC_CODE_OK && fc_slice_equals(fc_bytes_slice(response), "one of many"));
  fc_bytes_unref(response);
  gate_pass(&w->told);
}

static void a_thousand_calls_are_under_way_at_once(void **state) {
  struct world w;
  open_world(&w, state);
  for (int i = 0; i < MANY; i++) {
    assert_int_equal(fc_unary_unary_async(w.stage.channel, "/t/Echo", TEXT("one of many"), NULL,
                                          told_well, &w, NULL, NULL),
                     FC_OK);
  }
  gate_await(&w.told, MANY);
  close_world(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_callback_may_make_calls_and_wait_for_them),
      cmocka_unit_test(a_callback_may_close_the_channel),
      cmocka_unit_test(a_message_s_callback_may_destroy_the_call),
      cmocka_unit_test(the_last_callback_may_destroy_the_call),
      cmocka_unit_test(a_source_that_fails_ends_the_call),
      cmocka_unit_test(a_source_without_end_is_stopped_by_the_server),
      cmocka_unit_test(memory_of_the_host_is_released_under_no_lock),
      cmocka_unit_test(a_thousand_calls_are_under_way_at_once),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
