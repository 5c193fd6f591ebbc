/*
 * A process may end whenever it likes. Threads that are in the middle of TLS then, the library's and others, go on until the
 * very end: OpenSSL is not taken away from under them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"
#include "support/exchange.h"
#include "support/tls_credentials.h"

enum { BEFORE = 3, AFTER = 10 };

static struct {
  struct exchange exchange; /* its server has a thread of the library's */
  struct exchange_security security;
  struct gate called;
  atomic_bool failed;
} busy = {.called = GATE_INIT};

/* Connection after connection. */
static void *call_on(void *user) {
  char target[40];
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  fc_channel *channel;
  snprintf(target, sizeof target, "ipv4:127.0.0.1:%d", busy.exchange.port);
  o.credentials = busy.security.channel;
  while (true) {
    MUST(fc_channel_create(target, &o, &channel, NULL) == FC_OK);
    fc_code code =
        fc_unary_unary(channel, "/test.Exchange/UnaryUnary", TEXT("hi"), NULL, NULL, NULL, NULL);
    if (code != FC_CODE_OK) busy.failed = true;
    gate_pass(&busy.called);
    fc_channel_destroy(channel);
  }
  return user;
}

/* What is registered first runs last: behind whatever OpenSSL does at the exit. */
static void see_calls_go_on(void) {
  gate_await(&busy.called, gate_passed(&busy.called) + AFTER);
  if (busy.failed) _exit(2);
}

static void end_in_the_middle(void) {
  pthread_t thread;
  MUST(atexit(see_calls_go_on) == 0);
  busy.security.channel = tls_channel_as(NULL);
  busy.security.server = tls_server("server", FC_TLS_CLIENT_AUTH_NONE);
  exchange_open_secure(&busy.exchange, NULL, NULL, &busy.security);
  MUST(pthread_create(&thread, NULL, call_on, NULL) == 0);
  gate_await(&busy.called, BEFORE);
  exit(0);
}

static void a_process_may_end_in_the_middle_of_tls(void **state) {
  (void)state;
  int status;
  pid_t child = fork();
  if (child == 0) end_in_the_middle();
  assert_true(child > 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_false(WIFSIGNALED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_process_may_end_in_the_middle_of_tls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
