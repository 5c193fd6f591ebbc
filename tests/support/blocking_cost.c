/* The counting of blocking_cost.h. System calls are counted by ptrace. */
#include "support/blocking_cost.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"
#include "support/exchange.h"
#include "support/failing_alloc.h"
#include "support/watched.h"

enum { CALLS_EACH = 3, CANNOT = 77 };

fc_channel *cost_connect(const struct cost *cost) {
  char target[40];
  fc_channel *channel;
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  snprintf(target, sizeof target, "ipv4:127.0.0.1:%d", cost->service.port);
  if (cost->credentials) options.credentials = cost->credentials();
  MUST(fc_channel_create(target, &options, &channel, NULL) == FC_OK);
  fc_channel_credentials_destroy(options.credentials);
  return channel;
}

/* ---- what is counted: so many round trips ---- */

void cost_unary_calls(fc_channel *channel, fc_call **stream, int count) {
  (void)stream;
  for (int i = 0; i < count; i++) {
    fc_bytes *response;
    MUST(fc_unary_unary(channel, "/test.Exchange/UnaryUnary", TEXT("request"), NULL, &response,
                        NULL, NULL) == FC_CODE_OK);
    fc_bytes_unref(response);
  }
}

void cost_messages_of_a_stream(fc_channel *channel, fc_call **stream, int count) {
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

/* ---- system calls ---- */

static void run_client(const struct cost *cost, cost_rounds_fn rounds) {
  fc_call *stream = NULL;
  fc_channel *channel = cost_connect(cost);
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(CANNOT);
  rounds(channel, &stream, COST_WARM);
  raise(SIGSTOP); /* from here... */
  rounds(channel, &stream, COST_ROUNDS);
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

/* How many system calls there were beyond those expected; skips where they cannot be counted. */
static int calls_too_many(const struct cost *cost, cost_rounds_fn rounds) {
  struct count count = {0, 0};
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) run_client(cost, rounds);
  if (!count_calls(child, &count)) skip();
  assert_int_equal(count.threads, 0);
  return count.total - COST_ROUNDS * CALLS_EACH;
}

/* On a loaded machine a call now and then comes so long after the last that its connection is probed, or is answered in two
 * pieces: so the best of some tries counts, and one in ten may. What makes a call more each time shows all the same. */
void cost_expect_three_system_calls(const struct cost *cost, cost_rounds_fn rounds) {
  /* raise() makes a few, to mask signals and to find out who it is. */
  enum { TRIES = 10, OF_RAISE = 5, MOST = OF_RAISE + COST_ROUNDS / 10 };
  int calls = MOST + 1;
  if (WATCHED_BY_SANITIZER || watched_by_valgrind()) skip(); /* they make calls of their own */
  for (int i = 0; i < TRIES && calls > MOST; i++) calls = calls_too_many(cost, rounds);
  if (calls > MOST) fail_msg("%d system calls too many for %d round trips", calls, COST_ROUNDS);
}

/* ---- memory and threads, in this process ---- */

void cost_expect_two_allocations(const struct cost *cost, cost_rounds_fn rounds) {
  fc_call *stream = NULL;
  fc_channel *channel = cost_connect(cost);
  int threads = exchange_threads();
  rounds(channel, &stream, COST_WARM);
  failing_alloc_restart();
  size_t live = failing_alloc_live();
  rounds(channel, &stream, COST_ROUNDS);
  assert_int_equal(failing_alloc_count(), 2 * COST_ROUNDS);
  assert_int_equal(failing_alloc_live(), live);
  assert_int_equal(exchange_threads(), threads);
  end_stream(stream);
  fc_channel_destroy(channel);
}
