/* Signals that interrupt threads which wait: whoever polls, whoever sleeps meanwhile, in every function that blocks. */
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "support/stage.h"

static atomic_int caught, asked;
static atomic_bool stop;

static void handler(int number) {
  (void)number;
  caught++;
}

static bool check(void *user) {
  asked++;
  return *(atomic_bool *)user;
}

struct world {
  struct stage stage;
  struct gate over;
};

static void open_world(struct world *world) {
  *world = (struct world){.over = GATE_INIT};
  stage_open(&world->stage, NULL);
  stage_serve(&world->stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_hold,
              &world->over);
  stage_serve(&world->stage, "/t/HoldOne", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, stage_hold,
              &world->over);
  stage_serve(&world->stage, "/t/Echo", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, stage_echo,
              NULL);
  stage_start(&world->stage);
  caught = asked = 0;
  stop = true;
  fc_set_interrupt_check(check, &stop);
}

static void close_world(struct world *world) {
  fc_set_interrupt_check(NULL, NULL);
  stage_close(&world->stage);
}

/* ---- a thread that waits ---- */

struct waiting {
  struct world *world;
  fc_call *call;
  fc_result (*wait)(struct waiting *w);
  fc_result result;
  atomic_bool done;
  pthread_t thread;
};

static fc_result wait_end(struct waiting *w) { return fc_call_wait(w->call, FC_NEVER); }

static fc_result wait_message(struct waiting *w) {
  fc_bytes *message;
  return fc_call_recv(w->call, &message);
}

static fc_result wait_metadata(struct waiting *w) {
  const fc_metadata *list;
  return fc_call_initial_metadata(w->call, FC_NEVER, &list);
}

static fc_result wait_room(struct waiting *w) {
  static const uint8_t text[100000];
  fc_result r;
  do {
    r = fc_call_send_copy(w->call, (fc_slice){text, sizeof text}, 0);
  } while (r == FC_OK);
  return r;
}

static fc_result wait_state(struct waiting *w) {
  return fc_channel_wait_change(w->world->stage.channel, FC_CONNECTIVITY_READY, FC_NEVER);
}

static fc_result wait_server(struct waiting *w) {
  return fc_server_wait(w->world->stage.server, FC_NEVER);
}

static fc_result wait_unary(struct waiting *w) {
  fc_code code =
      fc_unary_unary(w->world->stage.channel, "/t/HoldOne", TEXT("x"), NULL, NULL, NULL, NULL);
  return code == FC_CODE_CANCELLED ? FC_ERR_INTERRUPTED : FC_OK;
}

static void *run(void *user) {
  struct waiting *w = user;
  w->result = w->wait(w);
  w->done = true;
  return NULL;
}

static void start(struct waiting *w) {
  w->done = false;
  MUST(pthread_create(&w->thread, NULL, run, w) == 0);
}

/* A signal that comes before the thread waits interrupts nothing: the next one does. */
static void signal_until(struct waiting *w, atomic_int *count, int enough) {
  const struct timespec moment = {.tv_nsec = 100 * 1000};
  while (!w->done && *count < enough) {
    MUST(pthread_kill(w->thread, SIGUSR1) == 0);
    nanosleep(&moment, NULL);
  }
}

static void join(struct waiting *w) { MUST(pthread_join(w->thread, NULL) == 0); }

/* ---- tests ---- */

static void every_wait_can_be_ended(void **state) {
  (void)state;
  fc_result (*const waits[])(struct waiting *) = {
      wait_end, wait_message, wait_metadata, wait_room, wait_state, wait_server, wait_unary};
  for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
    struct world world;
    open_world(&world);
    struct waiting w = {.world = &world, .wait = waits[i]};
    w.call = stage_call(&world.stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, NULL);
    start(&w);
    signal_until(&w, &asked, INT32_MAX);
    join(&w);
    assert_int_equal(w.result, FC_ERR_INTERRUPTED);
    fc_call_destroy(w.call);
    close_world(&world);
  }
}

static void a_thread_that_sleeps_while_another_polls_is_asked_too(void **state) {
  (void)state;
  struct world world;
  open_world(&world);
  struct waiting first = {.world = &world, .wait = wait_end}, second = first;
  first.call = stage_call(&world.stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, NULL);
  second.call = stage_call(&world.stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, NULL);
  start(&first);
  stage_await_waiter(first.call);
  start(&second);
  stage_await_waiter(second.call);
  signal_until(&second, &asked, INT32_MAX);
  join(&second);
  assert_int_equal(second.result, FC_ERR_INTERRUPTED);
  assert_false(first.done);
  fc_call_cancel(first.call, FC_CODE_ABORTED, NULL);
  join(&first);
  assert_int_equal(first.result, FC_ERR_CANCELLED);
  fc_call_destroy(first.call);
  fc_call_destroy(second.call);
  close_world(&world);
}

static void a_check_that_says_no_lets_the_wait_go_on(void **state) {
  (void)state;
  struct world world;
  open_world(&world);
  stop = false;
  struct waiting w = {.world = &world, .wait = wait_end};
  w.call = stage_call(&world.stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, NULL);
  start(&w);
  signal_until(&w, &asked, 20);
  assert_false(w.done);
  fc_call_cancel(w.call, FC_CODE_ABORTED, NULL);
  join(&w);
  assert_int_equal(w.result, FC_ERR_CANCELLED);
  fc_call_destroy(w.call);
  close_world(&world);
}

static void without_a_check_signals_are_passed_over(void **state) {
  (void)state;
  struct world world;
  open_world(&world);
  fc_set_interrupt_check(NULL, NULL);
  struct waiting w = {.world = &world, .wait = wait_end};
  w.call = stage_call(&world.stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, NULL);
  start(&w);
  signal_until(&w, &caught, 20);
  assert_int_equal(asked, 0);
  fc_call_cancel(w.call, FC_CODE_ABORTED, NULL);
  join(&w);
  fc_call_destroy(w.call);
  close_world(&world);
}

/* On the thread that polled until then: somebody must poll for the call that it makes. That call may be interrupted too. */
static bool check_with_a_call(void *user) {
  static atomic_bool inside;
  struct world *world = user;
  fc_bytes *response;
  if (inside) return false;
  inside = true;
  MUST(fc_unary_unary(world->stage.channel, "/t/Echo", TEXT("x"), NULL, &response, NULL, NULL) ==
       FC_CODE_OK);
  fc_bytes_unref(response);
  inside = false;
  asked++;
  return true;
}

static void a_check_may_make_calls(void **state) {
  (void)state;
  struct world world;
  open_world(&world);
  fc_set_interrupt_check(check_with_a_call, &world);
  struct waiting w = {.world = &world, .wait = wait_end};
  w.call = stage_call(&world.stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, NULL);
  start(&w);
  signal_until(&w, &asked, 1);
  join(&w);
  assert_int_equal(w.result, FC_ERR_INTERRUPTED);
  fc_call_destroy(w.call);
  close_world(&world);
}

/* Of the thread that has set the check: the signal may be what nobody was told of. Once is enough while nothing happens. */
static void a_signal_that_came_before_the_wait_is_noticed(void **state) {
  (void)state;
  struct world world;
  open_world(&world);
  fc_call *call = stage_call(&world.stage, "/t/Hold", FC_PATTERN_STREAM_STREAM, NULL);
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_ERR_INTERRUPTED);
  assert_int_equal(asked, 1);
  stop = false;
  asked = 0;
  assert_int_equal(fc_call_wait(call, 100 * FC_MILLISECOND), FC_ERR_TIMEOUT);
  assert_in_range(asked, 1, 3);
  fc_call_destroy(call);
  close_world(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_wait_can_be_ended),
      cmocka_unit_test(a_thread_that_sleeps_while_another_polls_is_asked_too),
      cmocka_unit_test(a_check_that_says_no_lets_the_wait_go_on),
      cmocka_unit_test(without_a_check_signals_are_passed_over),
      cmocka_unit_test(a_check_may_make_calls),
      cmocka_unit_test(a_signal_that_came_before_the_wait_is_noticed),
  };
  struct sigaction action = {.sa_handler = handler}; /* without SA_RESTART */
  sigaction(SIGUSR1, &action, NULL);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
