/* The call as a future: waiting, cancelling, callbacks of the end. Under each driver. */
#include <sched.h>

#include "support/failing_alloc.h"
#include "support/stage.h"

/* A server whose method "Hold" keeps calls until they are over, and tells; "Refuse" and "Answer" end them at once. */
struct world {
  struct stage stage;
  struct gate begun, over;
  fc_code code; /* what the held call ended with, as the server sees it */
  fc_result wait;
};

static void hold(fc_call *call, void *user) {
  struct world *world = user;
  gate_pass(&world->begun);
  world->wait = fc_call_wait(call, FC_NEVER);
  world->code = fc_call_status(call)->code;
  gate_pass(&world->over);
}

static void refuse(fc_call *call, void *user) {
  (void)user;
  MUST(fc_call_finish(call, FC_CODE_NOT_FOUND, "nothing here", FC_SLICE_EMPTY) == FC_OK);
}

static void open_world(struct world *world, void **state) {
  *world = (struct world){.begun = GATE_INIT, .over = GATE_INIT};
  stage_open(&world->stage, state);
  struct stage *s = &world->stage;
  stage_serve(s, "/t/Hold", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, hold, world);
  stage_serve(s, "/t/HoldOne", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, hold, world);
  stage_serve(s, "/t/Refuse", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, refuse, NULL);
  stage_serve(s, "/t/Answer", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, stage_echo, NULL);
  stage_start(s);
}

static fc_call *future(struct world *world, const char *method) {
  fc_call *call;
  assert_int_equal(
      fc_unary_unary_future(world->stage.channel, method, TEXT("request"), NULL, &call, NULL),
      FC_OK);
  return call;
}

static fc_call *held(struct world *world) {
  fc_call *call = stage_call(&world->stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, NULL);
  gate_await(&world->begun, gate_passed(&world->over) + 1);
  return call;
}

/* ---- waiting ---- */

static void waiting_tells_three_outcomes_apart(void **state) {
  struct world world;
  open_world(&world, state);
  fc_call *call = future(&world, "/t/HoldOne");
  assert_int_equal(fc_call_wait(call, 0), FC_ERR_TIMEOUT);
  assert_int_equal(fc_call_wait(call, FC_MILLISECOND), FC_ERR_TIMEOUT);
  assert_false(fc_call_is_done(call));
  fc_call_cancel(call, FC_CODE_CANCELLED, NULL);
  assert_int_equal(fc_call_wait(call, 0), FC_ERR_CANCELLED);
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_ERR_CANCELLED);
  assert_true(fc_call_is_done(call));
  fc_call_destroy(call);
  call = future(&world, "/t/Refuse"); /* ended by itself, whatever the status */
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  assert_int_equal(fc_call_wait(call, 0), FC_OK);
  stage_expect_end(call, FC_CODE_NOT_FOUND);
  call = future(&world, "/t/Answer");
  assert_int_equal(fc_call_wait(call, 100 * FC_SECOND), FC_OK);
  stage_expect(call, "request");
  stage_expect_end(call, FC_CODE_OK);
  stage_close(&world.stage);
}

static void a_deadline_is_no_cancellation(void **state) {
  struct world world;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  open_world(&world, state);
  options.timeout_ns = 5 * FC_MILLISECOND;
  fc_call *call = stage_call(&world.stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, &options);
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  stage_expect_end(call, FC_CODE_DEADLINE_EXCEEDED);
  stage_close(&world.stage);
}

/* A future goes on though nobody waits. */
static void a_future_ends_by_itself(void **state) {
  struct world world;
  open_world(&world, state);
  fc_call *call = future(&world, "/t/Answer");
  while (!fc_call_is_done(call)) sched_yield();
  stage_expect(call, "request");
  fc_call_destroy(call);
  stage_close(&world.stage);
}

/* Nobody is blocked, but somebody asks again and again, in the way that looks after the call. */
static void to_wait_for_no_time_drives_a_stream(void **state) {
  struct world world;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  open_world(&world, state);
  options.timeout_ns = 5 * FC_MILLISECOND;
  fc_call *call = stage_call(&world.stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, &options);
  while (fc_call_wait(call, 0) == FC_ERR_TIMEOUT) sched_yield();
  stage_expect_end(call, FC_CODE_DEADLINE_EXCEEDED);
  stage_close(&world.stage);
}

static void a_stream_that_is_asked_about_goes_on_by_itself(void **state) {
  struct world world;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  open_world(&world, state);
  options.timeout_ns = 5 * FC_MILLISECOND;
  fc_call *call = stage_call(&world.stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, &options);
  while (!fc_call_is_done(call)) sched_yield();
  stage_expect_end(call, FC_CODE_DEADLINE_EXCEEDED);
  stage_close(&world.stage);
}

static void *wait_for(void *call) {
  MUST(fc_call_wait(call, FC_NEVER) == FC_ERR_CANCELLED);
  MUST(fc_call_status(call)->code == FC_CODE_ABORTED);
  return NULL;
}

static void many_threads_wait_for_one_call(void **state) {
  enum { WAITERS = 5 };
  struct world world;
  pthread_t threads[WAITERS];
  open_world(&world, state);
  fc_call *call = held(&world);
  for (int i = 0; i < WAITERS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, wait_for, call), 0);
  stage_await_waiter(call);
  fc_call_cancel(call, FC_CODE_ABORTED, "enough");
  for (int i = 0; i < WAITERS; i++) pthread_join(threads[i], NULL);
  fc_call_destroy(call);
  stage_close(&world.stage);
}

/* ---- cancelling ---- */

static void the_first_cancellation_counts(void **state) {
  struct world world;
  open_world(&world, state);
  fc_call *call = held(&world);
  fc_call_cancel(call, FC_CODE_ABORTED, "first");
  fc_call_cancel(call, FC_CODE_DATA_LOSS, "second");
  fc_call_cancel(call, FC_CODE_OK, NULL);
  assert_string_equal(fc_call_status(call)->message, "first");
  assert_int_equal(fc_call_status(call)->origin, FC_ORIGIN_LOCAL);
  stage_expect_end(call, FC_CODE_ABORTED);
  gate_await(&world.over, 1); /* the server is told, and it was not its own doing */
  assert_int_equal(world.code, FC_CODE_CANCELLED);
  assert_int_equal(world.wait, FC_OK);
  stage_close(&world.stage);
}

static void cancelling_with_ok_or_no_code_is_cancelled(void **state) {
  struct world world;
  open_world(&world, state);
  const int codes[] = {FC_CODE_OK, FC_CODE_CANCELLED, 17, -1};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    fc_call *call = held(&world);
    fc_call_cancel(call, (fc_code)codes[i], NULL);
    assert_string_equal(fc_call_status(call)->message, "Cancelled");
    stage_expect_end(call, FC_CODE_CANCELLED);
    gate_await(&world.over, (int)i + 1);
  }
  stage_close(&world.stage);
}

static void a_call_that_is_over_stays_as_it_is(void **state) {
  struct world world;
  open_world(&world, state);
  fc_call *call = future(&world, "/t/Refuse");
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  fc_call_cancel(call, FC_CODE_ABORTED, "too late");
  assert_int_equal(fc_call_wait(call, 0), FC_OK);
  assert_string_equal(fc_call_status(call)->message, "nothing here");
  assert_int_equal(fc_call_status(call)->origin, FC_ORIGIN_PEER);
  stage_expect_end(call, FC_CODE_NOT_FOUND);
  stage_close(&world.stage);
}

/* Each function that blocks is let go by a cancellation of another thread. */

static void *in_recv(void *call) {
  fc_bytes *message;
  MUST(fc_call_recv(call, &message) == FC_END && message == NULL);
  return NULL;
}

static void *in_send(void *call) {
  fc_bytes *message = stage_message(100000);
  fc_result r;
  while ((r = fc_call_send(call, message, 0)) == FC_OK) message = stage_message(100000);
  MUST(r == FC_ERR_CLOSED);
  fc_bytes_unref(message);
  return NULL;
}

static void *in_initial_metadata(void *call) {
  const fc_metadata *list;
  MUST(fc_call_initial_metadata(call, FC_NEVER, &list) == FC_OK && fc_metadata_count(list) == 0);
  return NULL;
}

static void *in_trailing_metadata(void *call) {
  MUST(fc_metadata_count(fc_call_trailing_metadata(call)) == 0);
  return NULL;
}

static void *in_status(void *call) {
  MUST(fc_call_status(call)->code == FC_CODE_ABORTED);
  return NULL;
}

static void a_cancellation_lets_everybody_go(void **state) {
  static void *(*const functions[])(void *) = {
      in_recv, in_send, in_initial_metadata, in_trailing_metadata, in_status, wait_for};
  struct world world;
  open_world(&world, state);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    pthread_t thread;
    fc_call *call = held(&world);
    assert_int_equal(pthread_create(&thread, NULL, functions[i], call), 0);
    stage_await_waiter(call);
    fc_call_cancel(call, FC_CODE_ABORTED, NULL);
    pthread_join(thread, NULL);
    fc_call_destroy(call);
    gate_await(&world.over, (int)i + 1);
  }
  stage_close(&world.stage);
}

/* ---- callbacks of the end ---- */

struct told {
  struct gate gate;
  fc_code code;
  int order[8];
  bool destroy, add;
};

static void tell(fc_call *call, void *user) {
  struct told *told = user;
  told->code = fc_call_status(call)->code;
  if (told->add) MUST(fc_call_on_done(call, tell, user) == FC_ERR_CLOSED);
  if (told->destroy) fc_call_destroy(call);
  gate_pass(&told->gate);
}

struct nth {
  struct told *told;
  int number;
};

static void tell_nth(fc_call *call, void *user) {
  struct nth *nth = user;
  nth->told->order[gate_passed(&nth->told->gate)] = nth->number;
  tell(call, nth->told);
}

static void any_number_of_callbacks_run_in_order(void **state) {
  struct world world;
  struct told told = {.gate = GATE_INIT};
  struct nth nth[8];
  open_world(&world, state);
  fc_call *call = held(&world);
  for (int i = 0; i < 8; i++) {
    nth[i] = (struct nth){&told, i};
    assert_int_equal(fc_call_on_done(call, tell_nth, &nth[i]), FC_OK);
  }
  assert_int_equal(gate_passed(&told.gate), 0);
  fc_call_cancel(call, FC_CODE_ABORTED, NULL);
  gate_await(&told.gate, 8);
  for (int i = 0; i < 8; i++) assert_int_equal(told.order[i], i);
  assert_int_equal(told.code, FC_CODE_ABORTED);
  fc_call_destroy(call);
  stage_close(&world.stage);
  assert_int_equal(gate_passed(&told.gate), 8);
}

static void a_stream_with_a_callback_goes_on_by_itself(void **state) {
  struct world world;
  struct told told = {.gate = GATE_INIT};
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  open_world(&world, state);
  options.timeout_ns = 5 * FC_MILLISECOND;
  fc_call *call = stage_call(&world.stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, &options);
  assert_int_equal(fc_call_on_done(call, tell, &told), FC_OK);
  while (!fc_call_is_done(call)) sched_yield();
  gate_await(&told.gate, 1);
  assert_int_equal(told.code, FC_CODE_DEADLINE_EXCEEDED);
  fc_call_destroy(call);
  stage_close(&world.stage);
}

static void a_callback_that_comes_too_late_is_not_added(void **state) {
  struct world world;
  struct told told = {.gate = GATE_INIT, .add = true};
  open_world(&world, state);
  fc_call *call = future(&world, "/t/Refuse");
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  assert_int_equal(fc_call_on_done(call, tell, &told), FC_ERR_CLOSED);
  fc_call_destroy(call);
  call = held(&world);
  assert_int_equal(fc_call_on_done(call, tell, &told), FC_OK); /* which tries to add itself again */
  fc_call_cancel(call, FC_CODE_ABORTED, NULL);
  gate_await(&told.gate, 1);
  fc_call_destroy(call);
  stage_close(&world.stage);
  assert_int_equal(gate_passed(&told.gate), 1);
}

/* ---- destroying ---- */

static void a_call_with_a_callback_runs_on_without_its_handle(void **state) {
  struct world world;
  struct told told = {.gate = GATE_INIT};
  open_world(&world, state);
  fc_call *call = stage_call(&world.stage, "/t/Refuse", FC_PATTERN_UNARY_UNARY, NULL);
  assert_int_equal(fc_call_on_done(call, tell, &told), FC_OK);
  assert_int_equal(fc_call_send_copy(call, TEXT("request"), 0), FC_OK);
  fc_call_destroy(call);
  gate_await(&told.gate, 1);
  assert_int_equal(told.code, FC_CODE_NOT_FOUND);
  stage_close(&world.stage);
}

static void a_call_without_one_is_cancelled(void **state) {
  struct world world;
  open_world(&world, state);
  fc_call_destroy(held(&world));
  gate_await(&world.over, 1);
  assert_int_equal(world.code, FC_CODE_CANCELLED);
  fc_call_destroy(NULL);
  stage_close(&world.stage);
}

static void a_callback_may_destroy_the_call(void **state) {
  struct world world;
  struct told told = {.gate = GATE_INIT, .destroy = true};
  open_world(&world, state);
  fc_call *call = held(&world);
  assert_int_equal(fc_call_on_done(call, tell, &told), FC_OK);
  fc_call_cancel(call, FC_CODE_ABORTED, NULL);
  gate_await(&told.gate, 1);
  stage_close(&world.stage);
}

static void received_nothing(fc_call *call, fc_bytes *message, void *user) {
  struct told *told = user;
  MUST(message == NULL);
  if (told->destroy) fc_call_destroy(call);
  gate_pass(&told->gate);
}

static void not_sent(fc_call *call, fc_result result, void *user) {
  struct told *told = user;
  MUST(result == FC_ERR_CLOSED);
  if (told->destroy) fc_call_destroy(call);
  gate_pass(&told->gate);
}

static void headers_or_end(fc_call *call, void *user) {
  (void)call;
  gate_pass(&((struct told *)user)->gate);
}

/* Fills the window until a send has to wait. */
static void begin_every_operation(fc_call *call, struct told *told) {
  fc_bytes *message = stage_message(3 << 20);
  assert_int_equal(fc_call_send_async(call, message, 0, not_sent, told), FC_OK);
  assert_int_equal(fc_call_recv_async(call, received_nothing, told), FC_OK);
  assert_int_equal(fc_call_on_initial_metadata(call, headers_or_end, told), FC_OK);
}

static void pending_operations_end_once_with_the_handle(void **state) {
  struct world world;
  struct told told = {.gate = GATE_INIT};
  open_world(&world, state);
  fc_call *call = held(&world);
  begin_every_operation(call, &told);
  fc_call_destroy(call);
  gate_await(&told.gate, 3);
  gate_await(&world.over, 1);
  call = held(&world);
  begin_every_operation(call, &told);
  assert_int_equal(fc_call_on_done(call, tell, &told), FC_OK);
  fc_call_cancel(call, FC_CODE_ABORTED, NULL);
  fc_call_destroy(call);
  gate_await(&told.gate, 7);
  stage_close(&world.stage);
  assert_int_equal(gate_passed(&told.gate), 7);
}

static void callbacks_of_operations_may_destroy_the_call(void **state) {
  struct world world;
  struct told told = {.gate = GATE_INIT, .destroy = true};
  open_world(&world, state);
  fc_call *call = held(&world);
  assert_int_equal(fc_call_recv_async(call, received_nothing, &told), FC_OK);
  fc_call_cancel(call, FC_CODE_ABORTED, NULL);
  gate_await(&told.gate, 1);
  gate_await(&world.over, 1);
  call = held(&world);
  fc_bytes *message = stage_message(3 << 20);
  assert_int_equal(fc_call_send_async(call, message, 0, not_sent, &told), FC_OK);
  fc_call_cancel(call, FC_CODE_ABORTED, NULL);
  gate_await(&told.gate, 2);
  stage_close(&world.stage);
}

/* ---- a server's call ---- */

static void told_on_the_server(fc_call *call, void *user) {
  struct world *world = user;
  world->code = fc_call_status(call)->code;
  if (fc_call_is_done(call)) gate_pass(&world->over);
  fc_call_destroy(call);
}

static void keep(fc_call *call, void *user) {
  struct world *world = user;
  MUST(fc_call_on_done(call, told_on_the_server, user) == FC_OK);
  gate_pass(&world->begun);
}

static void a_server_is_told_of_the_end_by_callback(void **state) {
  struct world world = {.begun = GATE_INIT, .over = GATE_INIT};
  stage_open(&world.stage, state);
  stage_serve(&world.stage, "/t/Keep", FC_PATTERN_STREAM_STREAM, FC_HANDLER_ASYNC, keep, &world);
  stage_start(&world.stage);
  fc_call *call = stage_call(&world.stage, "/t/Keep", FC_PATTERN_STREAM_STREAM, NULL);
  gate_await(&world.begun, 1);
  fc_call_cancel(call, FC_CODE_CANCELLED, NULL);
  fc_call_destroy(call);
  gate_await(&world.over, 1);
  assert_int_equal(world.code, FC_CODE_CANCELLED);
  stage_close(&world.stage);
}

/* A handler may cancel, too: the client sees the code and the text. */
static void give_up(fc_call *call, void *user) {
  struct world *world = user;
  fc_call_cancel(call, FC_CODE_OUT_OF_RANGE, "too far");
  world->wait = fc_call_wait(call, 0);
  MUST(fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY) == FC_ERR_CLOSED);
  gate_pass(&world->over);
}

static void a_server_may_cancel(void **state) {
  struct world world = {.begun = GATE_INIT, .over = GATE_INIT};
  stage_open(&world.stage, state);
  stage_serve(&world.stage, "/t/GiveUp", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, give_up,
              &world);
  stage_start(&world.stage);
  fc_call *call = stage_call(&world.stage, "/t/GiveUp", FC_PATTERN_STREAM_STREAM, NULL);
  assert_string_equal(fc_call_status(call)->message, "too far");
  stage_expect_end(call, FC_CODE_OUT_OF_RANGE);
  gate_await(&world.over, 1);
  assert_int_equal(world.wait, FC_ERR_CANCELLED);
  stage_close(&world.stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(waiting_tells_three_outcomes_apart),
      cmocka_unit_test(a_deadline_is_no_cancellation),
      cmocka_unit_test(a_future_ends_by_itself),
      cmocka_unit_test(to_wait_for_no_time_drives_a_stream),
      cmocka_unit_test(a_stream_that_is_asked_about_goes_on_by_itself),
      cmocka_unit_test(many_threads_wait_for_one_call),
      cmocka_unit_test(the_first_cancellation_counts),
      cmocka_unit_test(cancelling_with_ok_or_no_code_is_cancelled),
      cmocka_unit_test(a_call_that_is_over_stays_as_it_is),
      cmocka_unit_test(a_cancellation_lets_everybody_go),
      cmocka_unit_test(any_number_of_callbacks_run_in_order),
      cmocka_unit_test(a_stream_with_a_callback_goes_on_by_itself),
      cmocka_unit_test(a_callback_that_comes_too_late_is_not_added),
      cmocka_unit_test(a_call_with_a_callback_runs_on_without_its_handle),
      cmocka_unit_test(a_call_without_one_is_cancelled),
      cmocka_unit_test(a_callback_may_destroy_the_call),
      cmocka_unit_test(pending_operations_end_once_with_the_handle),
      cmocka_unit_test(callbacks_of_operations_may_destroy_the_call),
      cmocka_unit_test(a_server_is_told_of_the_end_by_callback),
      cmocka_unit_test(a_server_may_cancel),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
