/*
 * A process that forks while other threads are blocked in functions of a call: in the child these threads do not exist, so
 * nobody sends, receives or waits there, and the call, its parent's, is over. In the parent they go on.
 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call/call.h"
#include "support/failing_alloc.h"
#include "support/stage.h"

enum { PART = 100 * 1024, PARTS = 10 }; /* more than the windows and queues on the way take */
enum { THREADS = 4, EXCHANGES = 20 };

/* In the child: what must hold, or it ends with the number of the line. */
#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) _exit(1 + __LINE__ % 250);                                                   \
  } while (0)

static struct stage stage;
static struct gate gate;

/* Takes nothing until the gate is open, then all, and sends one message back. */
static void take_when_told(fc_call *call, void *user) {
  fc_bytes *message;
  gate_await(user, 1);
  while (fc_call_recv(call, &message) == FC_OK) fc_bytes_unref(message);
  (void)!fc_call_send_copy(call, TEXT("answer"), 0);
  (void)!fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY);
}

/* ---- threads that are blocked ---- */

static void *send_all(void *user) {
  fc_call *call = user;
  for (int i = 0; i < PARTS; i++) {
    fc_bytes *part = stage_message(PART);
    MUST(fc_call_send(call, part, i == PARTS - 1 ? FC_SEND_LAST : 0) == FC_OK);
  }
  return NULL;
}

static void *receive(void *user) {
  fc_bytes *message;
  MUST(fc_call_recv(user, &message) == FC_OK);
  MUST(fc_slice_equals(fc_bytes_slice(message), "answer"));
  fc_bytes_unref(message);
  return NULL;
}

static void *await_headers(void *user) {
  const fc_metadata *metadata;
  MUST(fc_call_initial_metadata(user, FC_NEVER, &metadata) == FC_OK);
  return NULL;
}

static void *await_end(void *user) {
  MUST(fc_call_wait(user, FC_NEVER) == FC_OK);
  return NULL;
}

/* ---- in the child ---- */

static void check_nobody_waits(fc_call *call) {
  fc__loop_lock(call->loop);
  CHECK(fc__list_empty(&call->waiters));
  CHECK(!call->sending && !call->receiving);
  fc__loop_unlock(call->loop);
}

static void exchange(void) {
  fc_bytes *response;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.timeout_ns = 20 * FC_SECOND;
  CHECK(fc_unary_unary(stage.channel, "/t/Echo", TEXT("hello"), &o, &response, NULL, NULL) ==
        FC_CODE_OK);
  CHECK(fc_slice_equals(fc_bytes_slice(response), "hello"));
  fc_bytes_unref(response);
}

static void *exchange_often(void *user) {
  (void)user;
  for (int i = 0; i < EXCHANGES; i++) exchange();
  return NULL;
}

/* Threads of the child's own, which wake each other, and one call for which nobody waits. */
static void use_the_channel(void) {
  pthread_t threads[THREADS];
  fc_call *call;
  alarm(120);
  for (int i = 0; i < THREADS; i++)
    CHECK(pthread_create(&threads[i], NULL, exchange_often, NULL) == 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  CHECK(fc_unary_unary_future(stage.channel, "/t/Echo", TEXT("hello"), NULL, &call, NULL) == FC_OK);
  while (!fc_call_is_done(call)) usleep(100);
  CHECK(fc_call_status(call)->code == FC_CODE_OK);
  fc_call_destroy(call);
}

/* By way of the call itself, or of the channel's next one. */
static void be_the_child(fc_call *call, bool exchange_first) {
  fc_bytes *message;
  check_nobody_waits(call);
  if (exchange_first) exchange();
  fc_result sent = fc_call_send_copy(call, TEXT("more"), 0);
  /* With room for a message it may be taken before the end of the call shows; nobody is in its way. */
  CHECK(sent == FC_ERR_CLOSED || (sent == FC_OK && !exchange_first));
  CHECK(fc_call_recv(call, &message) == FC_END);
  CHECK(fc_call_wait(call, 20 * FC_SECOND) == FC_OK);
  fc_code code = fc_call_status(call)->code;
  CHECK(code == FC_CODE_CANCELLED || (code == FC_CODE_UNAVAILABLE && !exchange_first));
  check_nobody_waits(call);
  fc_call_destroy(call);
  use_the_channel();
  _exit(0);
}

/* The line of the check that failed there, or 0; -1: it did not come to an end. */
static int fork_with(fc_call *call, bool exchange_first) {
  int status;
  pid_t child = fork();
  if (child == 0) be_the_child(call, exchange_first);
  MUST(child > 0 && waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- in the parent ---- */

/* Forks while each of these threads is blocked. */
static void fork_beside(void *(*const *blocked)(void *), size_t count) {
  pthread_t threads[4];
  static int failed; /* once is enough: a child that hangs takes two minutes */
  assert_int_equal(failed, 0);
  gate = (struct gate)GATE_INIT;
  stage_open(&stage, NULL);
  stage_serve(&stage, "/t/Take", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, take_when_told,
              &gate);
  stage_serve(&stage, "/t/Echo", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, stage_echo, NULL);
  stage_start(&stage);
  fc_call *call = stage_call(&stage, "/t/Take", FC_PATTERN_STREAM_STREAM, NULL);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, blocked[i], call), 0);
    stage_await_waiters(call, i + 1);
  }
  for (int i = 0; i < 2 && !failed; i++) failed = fork_with(call, i);
  gate_pass(&gate);
  if (blocked[0] != send_all) assert_int_equal(fc_call_close_send(call), FC_OK);
  for (size_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
  assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
  fc_call_destroy(call);
  stage_close(&stage);
  assert_int_equal(failed, 0);
}

#define FORK_BESIDE(...)                                                                           \
  do {                                                                                             \
    void *(*const blocked[])(void *) = {__VA_ARGS__};                                              \
    fork_beside(blocked, sizeof blocked / sizeof *blocked);                                        \
  } while (0)

static void a_blocked_sender_is_not_in_the_child(void **state) {
  (void)state;
  FORK_BESIDE(send_all);
}

static void a_blocked_receiver_is_not_in_the_child(void **state) {
  (void)state;
  FORK_BESIDE(receive);
}

static void threads_that_wait_are_not_in_the_child(void **state) {
  (void)state;
  FORK_BESIDE(await_headers);
  FORK_BESIDE(await_end);
  FORK_BESIDE(send_all, receive, await_headers, await_end);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_blocked_sender_is_not_in_the_child),
      cmocka_unit_test(a_blocked_receiver_is_not_in_the_child),
      cmocka_unit_test(threads_that_wait_are_not_in_the_child),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
