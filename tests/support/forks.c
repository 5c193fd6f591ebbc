/*
 * A child process uses the channel that its parent made: it connects by itself, its parent's calls
 * end there and go on here, and neither notices the other. hostile.md 67
 */
#include "support/forks.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

#include "farcall/rpc.h"
#include "support/check.h"

/* It knows neither threads that a child starts nor locks that it makes anew. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#define UNDER_TSAN __has_feature(thread_sanitizer)
#else
#define UNDER_TSAN 0
#endif

/* Its allocator leaves locks of threads that a child does not have as they were. */
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#define UNDER_ASAN __has_feature(address_sanitizer)
#else
#define UNDER_ASAN 0
#endif

/* The server runs in a process of its own, so that no fork copies it in the middle of something. */
struct service {
  pid_t process;
  int port;
};

static fc_bytes *name_of_peer(fc_call *call, fc_bytes *message) {
  char peer[160];
  fc_bytes_unref(message);
  fc_call_peer(call, peer, sizeof peer);
  return fc_bytes_copy(peer, strlen(peer));
}

static void echo(fc_call *call, void *user) {
  fc_bytes *message;
  (void)user;
  while (fc_call_recv(call, &message) == FC_OK) {
    if (fc_slice_equals(fc_bytes_slice(message), "hold")) usleep(300 * 1000);
    if (fc_slice_equals(fc_bytes_slice(message), "who")) message = name_of_peer(call, message);
    if (fc_call_send(call, message, 0) != FC_OK) fc_bytes_unref(message);
  }
  fc_result r = fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0});
  (void)r;
}

static const struct forks_security *security;

static fc_result listen_at(fc_server *server, const char *address, int *port) {
  if (!security->server) return fc_server_listen(server, address, port, NULL);
  fc_server_credentials *credentials = security->server();
  fc_result r = fc_server_listen_secure(server, address, credentials, port, NULL);
  fc_server_credentials_destroy(credentials);
  return r;
}

static fc_channel *make_channel(const char *target, fc_channel_options *o) {
  fc_channel *channel;
  if (security->channel) o->credentials = security->channel();
  assert_int_equal(fc_channel_create(target, o, &channel, NULL), FC_OK);
  fc_channel_credentials_destroy(o->credentials);
  return channel;
}

/* A server outlives no test that fails: whoever reads what the test says waits until both have ended. */
enum { SERVER_SECONDS = 100 };

static void live_for_the_test(void) {
  alarm(SERVER_SECONDS);
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

static void serve(int out) {
  live_for_the_test();
  fc_server *server;
  fc_handler handler = FC_HANDLER_INIT;
  int port = 0;
  handler.fn = echo;
  if (fc_server_create(NULL, &server, NULL) != FC_OK ||
      fc_server_set_fallback(server, &handler, NULL) != FC_OK ||
      listen_at(server, "127.0.0.1:0", &port) != FC_OK || fc_server_start(server, NULL) != FC_OK ||
      write(out, &port, sizeof port) != sizeof port) {
    _exit(1);
  }
  pause();
}

static void open_service(struct service *s) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  s->process = fork();
  if (s->process == 0) {
    close(ends[0]);
    serve(ends[1]);
  }
  close(ends[1]);
  assert_int_equal(read(ends[0], &s->port, sizeof s->port), sizeof s->port);
  close(ends[0]);
}

static void close_service(struct service *s) {
  int status;
  kill(s->process, SIGKILL);
  assert_int_equal(waitpid(s->process, &status, 0), s->process);
}

static fc_channel *connect_to(int port) {
  char target[64];
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  snprintf(target, sizeof target, "127.0.0.1:%d", port);
  return make_channel(target, &o);
}

static bool exchange(fc_channel *channel) {
  fc_bytes *response;
  fc_error err = FC_ERROR_INIT;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.timeout_ns = 20 * FC_SECOND;
  fc_code code = fc_unary_unary(channel, "/s/m", TEXT("hello"), &o, &response, NULL, &err);
  bool right = code == FC_CODE_OK && fc_slice_equals(fc_bytes_slice(response), "hello");
  if (!right) fprintf(stderr, "%d: %s %s\n", (int)getpid(), fc_code_name(code), err.message);
  fc_bytes_unref(response);
  return right;
}

/* Runs what(channel, user) in a child and asserts that it said true. */
static void in_child(bool (*what)(fc_channel *channel, void *user), fc_channel *channel,
                     void *user) {
  int status;
  pid_t child = fork();
  if (child == 0) _exit(what(channel, user) ? 0 : 1);
  assert_true(child > 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static bool several_calls(fc_channel *channel, void *user) {
  (void)user;
  bool right = true;
  for (int i = 0; i < 3 && right; i++) right = exchange(channel);
  fc_channel_destroy(channel);
  return right;
}

static void a_child_connects_by_itself(void **state) {
  (void)state;
  struct service s;
  open_service(&s);
  fc_channel *channel = connect_to(s.port);
  in_child(several_calls, channel, NULL); /* never used before */
  for (int i = 0; i < 5; i++) {
    assert_true(exchange(channel));
    in_child(several_calls, channel, NULL); /* just used */
    assert_true(exchange(channel));
    usleep(15 * 1000);
    in_child(several_calls, channel, NULL); /* used a while ago */
  }
  assert_true(exchange(channel));
  fc_channel_destroy(channel);
  close_service(&s);
}

static bool calls_are_over(fc_channel *channel, void *user) {
  fc_call *call = user;
  bool right = exchange(channel);
  right = right && fc_call_wait(call, 5 * FC_SECOND) == FC_OK;
  right = right && fc_call_status(call)->code == FC_CODE_CANCELLED;
  fc_call_destroy(call);
  fc_channel_destroy(channel);
  return right;
}

static void calls_under_way_stay_with_the_parent(void **state) {
  (void)state;
  struct service s;
  fc_call *call;
  fc_bytes *response;
  open_service(&s);
  fc_channel *channel = connect_to(s.port);
  assert_true(exchange(channel));
  for (int i = 0; i < 3; i++) {
    assert_int_equal(fc_unary_unary_future(channel, "/s/m", TEXT("hold"), NULL, &call, NULL),
                     FC_OK);
    in_child(calls_are_over, channel, call);
    assert_int_equal(fc_call_wait(call, 20 * FC_SECOND), FC_OK);
    assert_int_equal(fc_call_status(call)->code, FC_CODE_OK);
    assert_int_equal(fc_call_recv(call, &response), FC_OK);
    fc_bytes_unref(response);
    fc_call_destroy(call);
  }
  fc_channel_destroy(channel);
  close_service(&s);
}

static bool ready_soon(fc_channel *channel, void *user) {
  (void)user;
  bool right = fc_channel_wait_ready(channel, 10 * FC_SECOND, NULL) == FC_OK && exchange(channel);
  fc_channel_destroy(channel);
  return right;
}

/* The parent waits an hour after a failure; the child begins anew, and the server is there now. */
static void a_backoff_does_not_delay_the_child(void **state) {
  (void)state;
  struct service s;
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  char target[64];
  open_service(&s);
  snprintf(target, sizeof target, "unix:/tmp/farcall-fork-%d", (int)getpid());
  o.min_backoff_ns = o.max_backoff_ns = 3600 * FC_SECOND;
  fc_channel *channel = make_channel(target, &o);
  assert_int_equal(fc_channel_wait_ready(channel, 50 * FC_MILLISECOND, NULL), FC_ERR_TIMEOUT);
  fc_server *server;
  fc_handler handler = FC_HANDLER_INIT;
  handler.fn = echo;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t process = fork();
  if (process == 0) {
    live_for_the_test();
    bool up = fc_server_create(NULL, &server, NULL) == FC_OK &&
              fc_server_set_fallback(server, &handler, NULL) == FC_OK &&
              listen_at(server, target, NULL) == FC_OK && fc_server_start(server, NULL) == FC_OK;
    if (write(ends[1], &up, sizeof up) != sizeof up) _exit(1);
    pause();
  }
  bool up = false;
  assert_int_equal(read(ends[0], &up, sizeof up), sizeof up);
  close(ends[0]);
  close(ends[1]);
  assert_true(up);
  in_child(ready_soon, channel, NULL);
  assert_int_equal(fc_channel_state(channel, false), FC_CONNECTIVITY_TRANSIENT_FAILURE);
  fc_channel_destroy(channel);
  struct service unix_service = {process, 0};
  close_service(&unix_service);
  unlink(target + 5);
  close_service(&s);
}

/* ---- a fork while threads call ---- */

enum { CALLERS = 8, FORKS = 5 };

/* The client's end of the connection, as the server sees it. */
struct name {
  char text[160];
};

static bool ask_name(fc_channel *channel, struct name *name) {
  fc_bytes *response;
  fc_code code = fc_unary_unary(channel, "/s/m", TEXT("who"), NULL, &response, NULL, NULL);
  snprintf(name->text, sizeof name->text, "%.*s", FC_SLICE_PRINT(fc_bytes_slice(response)));
  fc_bytes_unref(response);
  return code == FC_CODE_OK;
}

struct caller {
  fc_channel *channel;
  int number, calls;
  bool right;
  atomic_bool *stop;
  pthread_t thread;
};

static bool exchange_number(fc_channel *channel, int number, int count) {
  char text[40];
  fc_bytes *response;
  snprintf(text, sizeof text, "%d.%d", number, count);
  fc_code code =
      fc_unary_unary(channel, "/s/m", fc_slice_from_string(text), NULL, &response, NULL, NULL);
  bool right = code == FC_CODE_OK && fc_slice_equals(fc_bytes_slice(response), text);
  fc_bytes_unref(response);
  return right;
}

static void *call_on(void *user) {
  struct caller *caller = user;
  while (caller->right && !atomic_load(caller->stop)) {
    caller->right = exchange_number(caller->channel, caller->number, caller->calls++);
  }
  return NULL;
}

/* In the child: blocking calls, and a future, for which it starts a thread of its own. */
static bool has_a_connection_of_its_own(fc_channel *channel, const struct name *parent) {
  struct name own;
  fc_call *call;
  bool right = true;
  live_for_the_test();
  for (int i = 0; i < 10 && right; i++) right = exchange_number(channel, -1, i);
  right = right && ask_name(channel, &own) && strcmp(own.text, parent->text) != 0;
  right = right && fc_unary_unary_future(channel, "/s/m", TEXT("x"), NULL, &call, NULL) == FC_OK;
  while (right && !fc_call_is_done(call)) usleep(1000);
  right = right && fc_call_status(call)->code == FC_CODE_OK;
  fc_call_destroy(call);
  fc_channel_destroy(channel);
  return right;
}

/* The calls of threads that the child has not are lost in it, so it ends where no leak is looked for: by a signal. */
static void in_child_without_threads(fc_channel *channel, const struct name *parent) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    if (has_a_connection_of_its_own(channel, parent)) kill(getpid(), SIGKILL);
    _exit(1);
  }
  assert_true(child > 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_fork_in_the_middle_of_calls_is_noticed_by_nobody(void **state) {
  (void)state;
  if (UNDER_ASAN) skip();
  struct service s;
  struct name before, after;
  struct caller callers[CALLERS];
  atomic_bool stop = false;
  open_service(&s);
  fc_channel *channel = connect_to(s.port);
  assert_true(ask_name(channel, &before));
  for (int i = 0; i < CALLERS; i++) {
    callers[i] = (struct caller){.channel = channel, .number = i, .right = true, .stop = &stop};
    assert_int_equal(pthread_create(&callers[i].thread, NULL, call_on, &callers[i]), 0);
  }
  for (int i = 0; i < FORKS; i++) {
    in_child_without_threads(channel, &before);
    assert_true(exchange(channel));
  }
  atomic_store(&stop, true);
  for (int i = 0; i < CALLERS; i++) {
    pthread_join(callers[i].thread, NULL);
    assert_true(callers[i].right);
    assert_true(callers[i].calls > 0);
  }
  /* The children's end has not touched the connection. */
  assert_true(ask_name(channel, &after));
  assert_string_equal(before.text, after.text);
  fc_channel_destroy(channel);
  close_service(&s);
}

int forks_run(const struct forks_security *how) {
  security = how;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_child_connects_by_itself),
      cmocka_unit_test(calls_under_way_stay_with_the_parent),
      cmocka_unit_test(a_backoff_does_not_delay_the_child),
      cmocka_unit_test(a_fork_in_the_middle_of_calls_is_noticed_by_nobody),
  };
  return UNDER_TSAN ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
