/*
 * What a warm blocking client costs, in counts: no thread, a write, a wait and a read for each round trip, and memory for
 * the messages alone. The client is a process of its own, whose system calls its parent counts by ptrace.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"
#include "support/exchange.h"
#include "support/failing_alloc.h"
#include "support/service.h"

/* Sanitizers make system calls of their own, and so does valgrind, which says that it is there by a library. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(thread_sanitizer) || __has_feature(address_sanitizer))
#else
#define SANITIZED 0
#endif

enum { WARM = 20, ROUNDS = 200, CALLS_EACH = 3, CANNOT = 77 };

static struct service service;

static fc_channel *connect_to_service(void) {
  char target[40];
  fc_channel *channel;
  snprintf(target, sizeof target, "ipv4:127.0.0.1:%d", service.port);
  MUST(fc_channel_create(target, NULL, &channel, NULL) == FC_OK);
  return channel;
}

/* ---- what is counted: so many round trips ---- */

static void unary_calls(fc_channel *channel, fc_call **stream, int count) {
  (void)stream;
  for (int i = 0; i < count; i++) {
    fc_bytes *response;
    MUST(fc_unary_unary(channel, "/test.Exchange/UnaryUnary", TEXT("request"), NULL, &response,
                        NULL, NULL) == FC_CODE_OK);
    fc_bytes_unref(response);
  }
}

static void messages_of_a_stream(fc_channel *channel, fc_call **stream, int count) {
  if (!*stream)
    MUST(fc_stream_stream(channel, "/test.Exchange/StreamStream", NULL, stream, NULL) == FC_OK);
  for (int i = 0; i < count; i++) {
    fc_bytes *message;
    MUST(fc_call_send_copy(*stream, TEXT("request"), 0) == FC_OK);
    MUST(fc_call_recv(*stream, &message) == FC_OK);
    fc_bytes_unref(message);
  }
}

static void end_stream(fc_call *stream) {
  fc_bytes *none;
  if (!stream) return;
  MUST(fc_call_close_send(stream) == FC_OK);
  MUST(fc_call_recv(stream, &none) == FC_END);
  fc_call_destroy(stream);
}

typedef void (*rounds_fn)(fc_channel *channel, fc_call **stream, int count);

/* ---- system calls ---- */

static void run_client(rounds_fn rounds) {
  fc_call *stream = NULL;
  fc_channel *channel = connect_to_service();
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(CANNOT);
  rounds(channel, &stream, WARM);
  raise(SIGSTOP); /* from here... */
  rounds(channel, &stream, ROUNDS);
  raise(SIGSTOP); /* ...to here */
  end_stream(stream);
  fc_channel_destroy(channel);
  _exit(0);
}

struct count {
  int total, threads;
};

/* Lets the child run to its next stop for a system call; false: it has stopped or ended for another reason. */
static bool next_stop(pid_t child, struct count *count, int *status) {
  assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
  assert_int_equal(waitpid(child, status, 0), child);
  if (!WIFSTOPPED(*status)) return false;
  if (*status >> 8 == (SIGTRAP | PTRACE_EVENT_CLONE << 8)) count->threads++;
  return WSTOPSIG(*status) != SIGSTOP;
}

/* Between the two signals that the child sends itself. Each system call stops it twice. The first of these are the
 * return of the system call that sent the first signal, and the last ones those that send the second. */
static bool count_calls(pid_t child, struct count *count) {
  int status, stops = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT) return false;
  assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  assert_int_equal(ptrace(PTRACE_SETOPTIONS, child, NULL,
                          PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL),
                   0);
  while (next_stop(child, count, &status)) stops++;
  assert_true(WIFSTOPPED(status));
  count->total = stops / 2;
  assert_int_equal(ptrace(PTRACE_DETACH, child, NULL, NULL), 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  return true;
}

static void expect_system_calls(rounds_fn rounds) {
  struct count count = {0, 0};
  const char *preloaded = getenv("LD_PRELOAD");
  if (SANITIZED || (preloaded && strstr(preloaded, "vgpreload"))) skip();
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) run_client(rounds);
  if (!count_calls(child, &count)) skip();
  assert_int_equal(count.threads, 0);
  /* raise() makes a few, to mask signals and to find out who it is. */
  int calls = count.total - ROUNDS * CALLS_EACH;
  if (calls > 5) fail_msg("%d system calls for %d round trips", count.total, ROUNDS);
}

static void a_unary_call_makes_three_system_calls(void **state) {
  (void)state;
  expect_system_calls(unary_calls);
}

static void a_message_and_its_answer_make_three_system_calls(void **state) {
  (void)state;
  expect_system_calls(messages_of_a_stream);
}

/* ---- memory and threads, in this process ---- */

/* The request that is copied, and the response. */
static void expect_allocations(rounds_fn rounds) {
  fc_call *stream = NULL;
  fc_channel *channel = connect_to_service();
  int threads = exchange_threads();
  rounds(channel, &stream, WARM);
  failing_alloc_restart();
  size_t live = failing_alloc_live();
  rounds(channel, &stream, ROUNDS);
  assert_int_equal(failing_alloc_count(), 2 * ROUNDS);
  assert_int_equal(failing_alloc_live(), live);
  assert_int_equal(exchange_threads(), threads);
  end_stream(stream);
  fc_channel_destroy(channel);
}

static void a_unary_call_allocates_its_two_messages(void **state) {
  (void)state;
  expect_allocations(unary_calls);
}

static void a_message_and_its_answer_are_what_a_stream_allocates(void **state) {
  (void)state;
  expect_allocations(messages_of_a_stream);
}

/* A request of counted bytes is not copied. */
static void counted_bytes_are_not_copied(void **state) {
  (void)state;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  fc_channel *channel = connect_to_service();
  options.request = fc_bytes_copy("request", 7);
  for (int i = 0; i < WARM + ROUNDS; i++) {
    fc_bytes *response;
    if (i == WARM) failing_alloc_restart();
    assert_int_equal(fc_unary_unary(channel, "/test.Exchange/UnaryUnary", FC_SLICE_EMPTY, &options,
                                    &response, NULL, NULL),
                     FC_CODE_OK);
    fc_bytes_unref(response);
  }
  assert_int_equal(failing_alloc_count(), ROUNDS);
  fc_bytes_unref(options.request);
  fc_channel_destroy(channel);
}

static int set_up(void **state) {
  (void)state;
  service_start(&service);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  service_stop(&service);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_unary_call_makes_three_system_calls),
      cmocka_unit_test(a_message_and_its_answer_make_three_system_calls),
      cmocka_unit_test(a_unary_call_allocates_its_two_messages),
      cmocka_unit_test(a_message_and_its_answer_are_what_a_stream_allocates),
      cmocka_unit_test(counted_bytes_are_not_copied),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
