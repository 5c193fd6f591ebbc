/*
 * A process that forks while a plugin is asked for the metadata of a call: the call is its parent's, in the child it is
 * over, and the channel goes on in both.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "farcall/credentials.h"
#include "farcall/rpc.h"
#include "farcall/server.h"
#include "support/check.h"

/* ---- a server in a process of its own, which outlives no test that fails ---- */

enum { SERVER_SECONDS = 100 };

static char address[80];

static void echo(fc_call *call, void *user) {
  fc_bytes *message;
  (void)user;
  while (fc_call_recv(call, &message) == FC_OK) {
    if (fc_call_send(call, message, 0) != FC_OK) fc_bytes_unref(message);
  }
  (void)!fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY);
}

static void serve(int out) {
  fc_server *server;
  fc_handler handler = FC_HANDLER_INIT;
  handler.fn = echo;
  alarm(SERVER_SECONDS);
  if (fc_server_create(NULL, &server, NULL) != FC_OK ||
      fc_server_set_fallback(server, &handler, NULL) != FC_OK ||
      fc_server_listen(server, address, NULL, NULL) != FC_OK ||
      fc_server_start(server, NULL) != FC_OK || write(out, "", 1) != 1) {
    _exit(1);
  }
  pause();
}

static pid_t open_server(void) {
  int ends[2];
  char byte;
  snprintf(address, sizeof address, "unix-abstract:farcall-credentials-fork-%d", (int)getpid());
  assert_int_equal(pipe(ends), 0);
  pid_t process = fork();
  if (process == 0) serve(ends[1]);
  close(ends[1]);
  assert_int_equal(read(ends[0], &byte, 1), 1);
  close(ends[0]);
  return process;
}

static void close_server(pid_t process) {
  int status;
  kill(process, SIGKILL);
  assert_int_equal(waitpid(process, &status, 0), process);
}

/* ---- a plugin that keeps its request, or forks ---- */

struct plugin {
  bool forks;
  pid_t child; /* 0: this is it */
  fc_auth_request *request;
};

static void ask(fc_auth_request *request, void *user) {
  struct plugin *p = user;
  p->request = request;
  if (!p->forks) return;
  p->child = fork();
  fc_auth_request_answer(request, NULL, NULL);
}

static fc_channel *open_channel(struct plugin *p, fc_call_credentials **plugin) {
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  fc_channel *channel;
  assert_int_equal(fc_channel_credentials_local(FC_LOCAL_UNIX, &o.credentials, NULL), FC_OK);
  assert_int_equal(fc_channel_create(address, &o, &channel, NULL), FC_OK);
  fc_channel_credentials_destroy(o.credentials);
  assert_int_equal(fc_call_credentials_from_plugin(NULL, ask, p, NULL, plugin, NULL), FC_OK);
  return channel;
}

static bool exchange(fc_channel *channel) {
  fc_bytes *response;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.timeout_ns = 20 * FC_SECOND;
  fc_code code = fc_unary_unary(channel, "/s/m", TEXT("hello"), &o, &response, NULL, NULL);
  bool right = code == FC_CODE_OK && fc_slice_equals(fc_bytes_slice(response), "hello");
  fc_bytes_unref(response);
  return right;
}

static void expect_child(pid_t child) {
  int status;
  assert_true(child > 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void expect_echo(fc_call *call) {
  fc_bytes *response;
  assert_int_equal(fc_call_recv(call, &response), FC_OK);
  assert_true(fc_slice_equals(fc_bytes_slice(response), "mine"));
  fc_bytes_unref(response);
  assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
  fc_call_destroy(call);
}

/* ---- tests ---- */

static bool call_is_over(fc_channel *channel, fc_call *call, fc_auth_request *request) {
  bool right = exchange(channel) && fc_call_wait(call, 0) == FC_OK;
  right = right && fc_call_status(call)->code == FC_CODE_CANCELLED;
  right = right && strstr(fc_call_status(call)->message, "forked");
  fc_auth_request_answer(request, NULL, NULL);
  fc_call_destroy(call);
  fc_channel_destroy(channel);
  return right;
}

static void a_call_that_waits_stays_with_the_parent(void **state) {
  (void)state;
  struct plugin p = {0};
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  pid_t server = open_server();
  fc_channel *channel = open_channel(&p, &o.credentials);
  assert_true(exchange(channel));
  assert_int_equal(fc_channel_call(channel, "/s/m", &o, &call, NULL), FC_OK);
  assert_int_equal(fc_call_send_copy(call, TEXT("mine"), FC_SEND_LAST), FC_OK);
  pid_t child = fork();
  if (child == 0) _exit(call_is_over(channel, call, p.request) ? 0 : 1);
  expect_child(child);
  fc_auth_request_answer(p.request, NULL, NULL);
  expect_echo(call);
  assert_true(exchange(channel));
  fc_call_credentials_destroy(o.credentials);
  fc_channel_destroy(channel);
  close_server(server);
}

static void a_plugin_may_fork(void **state) {
  (void)state;
  struct plugin p = {.forks = true};
  fc_error err = FC_ERROR_INIT;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  pid_t server = open_server();
  fc_channel *channel = open_channel(&p, &o.credentials);
  assert_true(exchange(channel));
  fc_code code = fc_unary_unary(channel, "/s/m", TEXT("mine"), &o, NULL, NULL, &err);
  if (p.child == 0)
    _exit(code == FC_CODE_CANCELLED && strstr(err.message, "forked") && exchange(channel) ? 0 : 1);
  assert_int_equal(code, FC_CODE_OK);
  expect_child(p.child);
  assert_true(exchange(channel));
  fc_call_credentials_destroy(o.credentials);
  fc_channel_destroy(channel);
  close_server(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_call_that_waits_stays_with_the_parent),
      cmocka_unit_test(a_plugin_may_fork),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
