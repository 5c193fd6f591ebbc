/* Blocking handlers on real threads and sockets: the pool, its line, and the end of a server while they run. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "farcall/rpc.h"
#include "farcall/server.h"
#include "support/check.h"

/* It does not know threads of a child that was forked by a process with threads. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#define UNDER_TSAN __has_feature(thread_sanitizer)
#else
#define UNDER_TSAN 0
#endif

/* A gate that handlers wait at. */
struct gate {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool open;
  int waiting;
};

static struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0};
static atomic_int begun, running, most;

static void set_gate(bool open) {
  pthread_mutex_lock(&gate.mutex);
  gate.open = open;
  pthread_cond_broadcast(&gate.changed);
  pthread_mutex_unlock(&gate.mutex);
}

static void await_gate(int waiting) {
  pthread_mutex_lock(&gate.mutex);
  while (gate.waiting < waiting) pthread_cond_wait(&gate.changed, &gate.mutex);
  pthread_mutex_unlock(&gate.mutex);
}

/* ---- handlers ---- */

static void answer(fc_call *call, void *user) {
  fc_bytes *request;
  (void)user;
  int now = atomic_fetch_add(&running, 1) + 1, seen = atomic_load(&most);
  while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now)) continue;
  atomic_fetch_add(&begun, 1);
  if (fc_call_recv(call, &request) == FC_OK && fc_call_respond(call, request) != FC_OK) {
    fc_bytes_unref(request);
  }
  atomic_fetch_sub(&running, 1);
}

static void wait_at_gate(fc_call *call, void *user) {
  atomic_fetch_add(&begun, 1);
  pthread_mutex_lock(&gate.mutex);
  gate.waiting++;
  pthread_cond_broadcast(&gate.changed);
  while (!gate.open) pthread_cond_wait(&gate.changed, &gate.mutex);
  gate.waiting--;
  pthread_mutex_unlock(&gate.mutex);
  answer(call, user);
}

static void echo(fc_call *call, void *user) {
  fc_bytes *message;
  (void)user;
  atomic_fetch_add(&running, 1);
  while (fc_call_recv(call, &message) == FC_OK) {
    if (fc_call_send(call, message, 0) == FC_OK) continue;
    fc_bytes_unref(message);
    break;
  }
  (void)!fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0});
  atomic_fetch_sub(&running, 1);
}

static void return_at_once(fc_call *call, void *user) { (void)call, (void)user; }

static void destroy_by_mistake(fc_call *call, void *user) {
  (void)user;
  fc_call_destroy(call);
}

/* ---- a server and a channel ---- */

struct pair {
  fc_server *server;
  fc_channel *channel;
  char target[32];
};

static void add(fc_server *server, const char *name, fc_pattern pattern, fc_handler_fn fn) {
  fc_handler h = FC_HANDLER_INIT;
  h.pattern = pattern;
  h.fn = fn;
  assert_int_equal(fc_server_register(server, name, &h, NULL), FC_OK);
}

static fc_channel *dial(const struct pair *p) {
  fc_channel *channel;
  fc_error err = FC_ERROR_INIT;
  if (fc_channel_create(p->target, NULL, &channel, &err) != FC_OK) fail_msg("%s", err.message);
  return channel;
}

static void open_pair(struct pair *p, fc_server_options o) {
  fc_error err = FC_ERROR_INIT;
  int port;
  if (fc_server_create(&o, &p->server, &err) != FC_OK) fail_msg("%s", err.message);
  add(p->server, "/t/Answer", FC_PATTERN_UNARY_UNARY, answer);
  add(p->server, "/t/Gate", FC_PATTERN_UNARY_UNARY, wait_at_gate);
  add(p->server, "/t/Echo", FC_PATTERN_STREAM_STREAM, echo);
  add(p->server, "/t/Return", FC_PATTERN_UNARY_UNARY, return_at_once);
  add(p->server, "/t/Destroy", FC_PATTERN_UNARY_UNARY, destroy_by_mistake);
  if (fc_server_listen(p->server, "127.0.0.1:0", &port, &err) != FC_OK) fail_msg("%s", err.message);
  assert_int_equal(fc_server_start(p->server, NULL), FC_OK);
  snprintf(p->target, sizeof p->target, "127.0.0.1:%d", port);
  p->channel = dial(p);
  atomic_store(&begun, 0);
  atomic_store(&running, 0);
  atomic_store(&most, 0);
  set_gate(false);
}

static void close_pair(struct pair *p) {
  fc_channel_destroy(p->channel);
  fc_server_destroy(p->server);
}

static fc_server_options with_workers(uint32_t workers) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.workers = workers;
  return o;
}

static fc_call *start(fc_channel *channel, const char *method, int64_t timeout) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  o.timeout_ns = timeout;
  assert_int_equal(fc_unary_unary_future(channel, method, TEXT("hello"), &o, &call, NULL), FC_OK);
  return call;
}

static fc_code finish(fc_call *call) {
  fc_code code = fc_call_status(call)->code;
  fc_call_destroy(call);
  return code;
}

/* ---- tests ---- */

static void many_calls_share_few_workers(void **state) {
  (void)state;
  enum { CALLS = 300 };
  struct pair p;
  fc_call *calls[CALLS];
  open_pair(&p, with_workers(4));
  for (int i = 0; i < CALLS; i++) calls[i] = start(p.channel, "/t/Answer", FC_NEVER);
  for (int i = 0; i < CALLS; i++) assert_int_equal(finish(calls[i]), FC_CODE_OK);
  assert_int_equal(atomic_load(&begun), CALLS);
  assert_in_range(atomic_load(&most), 1, 4);
  close_pair(&p);
}

/* The limit on streams equals what is outstanding: an answer frees its slot before the client can see it. */
static void a_full_connection_is_never_refused_a_stream(void **state) {
  (void)state;
  enum { CALLS = 20, ROUNDS = 50 };
  struct pair p;
  fc_call *calls[CALLS];
  fc_server_options o = with_workers(4);
  o.max_concurrent_streams = CALLS / 2;
  open_pair(&p, o);
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < CALLS; i++) calls[i] = start(p.channel, "/t/Answer", FC_NEVER);
    for (int i = 0; i < CALLS; i++) assert_int_equal(finish(calls[i]), FC_CODE_OK);
  }
  assert_int_equal(atomic_load(&begun), CALLS * ROUNDS);
  close_pair(&p);
}

static void a_handler_that_returns_without_finishing_yields_unknown(void **state) {
  (void)state;
  struct pair p;
  open_pair(&p, with_workers(1));
  fc_call *call = start(p.channel, "/t/Return", FC_NEVER);
  assert_int_equal(fc_call_status(call)->code, FC_CODE_UNKNOWN);
  assert_string_equal(fc_call_status(call)->message,
                      "the handler returned without finishing the call");
  fc_call_destroy(call);
  close_pair(&p);
}

static void a_handler_that_destroys_its_call_does_no_harm(void **state) {
  (void)state;
  struct pair p;
  open_pair(&p, with_workers(1));
  for (int i = 0; i < 10; i++) {
    assert_int_equal(finish(start(p.channel, "/t/Destroy", FC_NEVER)), FC_CODE_UNKNOWN);
  }
  assert_int_equal(finish(start(p.channel, "/t/Answer", FC_NEVER)), FC_CODE_OK);
  close_pair(&p);
}

static void a_call_that_ends_in_the_line_is_never_run(void **state) {
  (void)state;
  struct pair p;
  open_pair(&p, with_workers(1));
  fc_call *first = start(p.channel, "/t/Gate", FC_NEVER);
  await_gate(1);
  fc_call *expired = start(p.channel, "/t/Answer", 50 * FC_MILLISECOND);
  fc_call *cancelled = start(p.channel, "/t/Answer", FC_NEVER);
  assert_int_equal(finish(expired), FC_CODE_DEADLINE_EXCEEDED);
  fc_call_cancel(cancelled, FC_CODE_CANCELLED, NULL);
  assert_int_equal(finish(cancelled), FC_CODE_CANCELLED);
  usleep(50000); /* the reset arrives */
  set_gate(true);
  assert_int_equal(finish(first), FC_CODE_OK);
  assert_int_equal(finish(start(p.channel, "/t/Answer", FC_NEVER)), FC_CODE_OK);
  assert_int_equal(atomic_load(&begun), 1 + 1 + 1); /* the gate counts twice */
  close_pair(&p);
}

/* Row 17 of the hostile inputs. */
static void a_line_that_is_too_long_is_cut(void **state) {
  (void)state;
  enum { CALLS = 100 };
  struct pair p;
  fc_call *calls[CALLS];
  int answered = 0, refused = 0;
  fc_server_options o = with_workers(1);
  o.max_pending_calls = 30;
  open_pair(&p, o);
  calls[0] = start(p.channel, "/t/Gate", FC_NEVER);
  await_gate(1);
  for (int i = 1; i < CALLS; i++) calls[i] = start(p.channel, "/t/Answer", FC_NEVER);
  for (int i = CALLS - 1; fc_call_wait(calls[i], 100 * FC_MILLISECOND) != FC_OK; i--) continue;
  set_gate(true);
  for (int i = 0; i < CALLS; i++) {
    const fc_status *status = fc_call_status(calls[i]);
    if (status->code == FC_CODE_RESOURCE_EXHAUSTED) {
      assert_string_equal(status->message, "Too many pending requests for this server");
      refused++;
    } else {
      assert_int_equal(status->code, FC_CODE_OK);
      answered++;
    }
    fc_call_destroy(calls[i]);
  }
  assert_in_range(answered, 11, 31);
  assert_int_equal(answered + refused, CALLS);
  close_pair(&p);
}

static void a_handler_that_waits_is_woken_when_its_client_goes(void **state) {
  (void)state;
  struct pair p;
  fc_call *call;
  open_pair(&p, with_workers(2));
  assert_int_equal(fc_stream_stream(p.channel, "/t/Echo", NULL, &call, NULL), FC_OK);
  fc_bytes *message;
  assert_int_equal(fc_call_send_copy(call, TEXT("one"), 0), FC_OK);
  assert_int_equal(fc_call_recv(call, &message), FC_OK);
  fc_bytes_unref(message);
  assert_int_equal(atomic_load(&running), 1);
  fc_call_destroy(call); /* cancels */
  for (int i = 0; i < 5000 && atomic_load(&running) > 0; i++) usleep(1000);
  assert_int_equal(atomic_load(&running), 0);
  close_pair(&p);
}

static void destruction_ends_handlers_that_wait(void **state) {
  (void)state;
  struct pair p;
  fc_call *calls[3];
  fc_bytes *message;
  open_pair(&p, with_workers(3));
  for (int i = 0; i < 3; i++) {
    assert_int_equal(fc_stream_stream(p.channel, "/t/Echo", NULL, &calls[i], NULL), FC_OK);
    assert_int_equal(fc_call_send_copy(calls[i], TEXT("one"), 0), FC_OK);
    assert_int_equal(fc_call_recv(calls[i], &message), FC_OK);
    fc_bytes_unref(message);
  }
  fc_server_destroy(p.server);
  assert_int_equal(atomic_load(&running), 0);
  for (int i = 0; i < 3; i++) assert_int_equal(finish(calls[i]), FC_CODE_UNAVAILABLE);
  fc_channel_destroy(p.channel);
}

static void *open_gate_later(void *user) {
  usleep(100000);
  set_gate(true);
  return user;
}

static void destruction_waits_for_a_handler_that_works(void **state) {
  (void)state;
  struct pair p;
  pthread_t thread;
  open_pair(&p, with_workers(1));
  fc_call *call = start(p.channel, "/t/Gate", FC_NEVER);
  await_gate(1);
  pthread_create(&thread, NULL, open_gate_later, NULL);
  fc_server_destroy(p.server);
  assert_int_equal(gate.waiting, 0);
  assert_int_equal(atomic_load(&running), 0);
  pthread_join(thread, NULL);
  assert_int_equal(finish(call), FC_CODE_UNAVAILABLE);
  fc_channel_destroy(p.channel);
}

static void a_running_handler_ends_within_the_grace(void **state) {
  (void)state;
  struct pair p;
  open_pair(&p, with_workers(1));
  fc_call *call = start(p.channel, "/t/Gate", FC_NEVER);
  await_gate(1);
  assert_int_equal(fc_server_shutdown(p.server, 10 * FC_SECOND), FC_OK);
  assert_int_equal(fc_server_wait(p.server, 50 * FC_MILLISECOND), FC_ERR_TIMEOUT);
  set_gate(true);
  assert_int_equal(fc_server_wait(p.server, 10 * FC_SECOND), FC_OK);
  assert_int_equal(finish(call), FC_CODE_OK);
  close_pair(&p);
}

static void several_reactors_serve_many_connections(void **state) {
  (void)state;
  enum { CHANNELS = 100 };
  struct pair p;
  fc_channel *channels[CHANNELS];
  fc_call *calls[CHANNELS];
  fc_server_options o = with_workers(4);
  o.reactors = 3;
  open_pair(&p, o);
  for (int i = 0; i < CHANNELS; i++) {
    channels[i] = dial(&p);
    calls[i] = start(channels[i], "/t/Answer", FC_NEVER);
  }
  for (int i = 0; i < CHANNELS; i++) assert_int_equal(finish(calls[i]), FC_CODE_OK);
  assert_int_equal(fc_server_shutdown(p.server, FC_NEVER), FC_OK);
  assert_int_equal(fc_server_wait(p.server, 10 * FC_SECOND), FC_OK);
  for (int i = 0; i < CHANNELS; i++) fc_channel_destroy(channels[i]);
  close_pair(&p);
}

static void connections_wait_across_reactors_at_the_limit(void **state) {
  (void)state;
  enum { CHANNELS = 12 };
  struct pair p;
  fc_server_options o = with_workers(4);
  o.reactors = 3;
  o.max_connections = 2;
  open_pair(&p, o);
  for (int i = 0; i < CHANNELS; i++) {
    fc_channel *channel = dial(&p);
    assert_int_equal(finish(start(channel, "/t/Answer", 10 * FC_SECOND)), FC_CODE_OK);
    fc_channel_destroy(channel);
  }
  close_pair(&p);
}

/* The child has none of the parent's threads; the parent notices nothing. */
static void a_forked_child_can_destroy_the_server(void **state) {
  (void)state;
  struct pair p;
  int status;
  if (UNDER_TSAN) skip();
  open_pair(&p, with_workers(2));
  assert_int_equal(finish(start(p.channel, "/t/Answer", FC_NEVER)), FC_CODE_OK);
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    fc_channel_destroy(p.channel);
    fc_server_destroy(p.server);
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  assert_int_equal(finish(start(p.channel, "/t/Answer", FC_NEVER)), FC_CODE_OK);
  close_pair(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many_calls_share_few_workers),
      cmocka_unit_test(a_full_connection_is_never_refused_a_stream),
      cmocka_unit_test(a_handler_that_returns_without_finishing_yields_unknown),
      cmocka_unit_test(a_handler_that_destroys_its_call_does_no_harm),
      cmocka_unit_test(a_call_that_ends_in_the_line_is_never_run),
      cmocka_unit_test(a_line_that_is_too_long_is_cut),
      cmocka_unit_test(a_handler_that_waits_is_woken_when_its_client_goes),
      cmocka_unit_test(destruction_ends_handlers_that_wait),
      cmocka_unit_test(destruction_waits_for_a_handler_that_works),
      cmocka_unit_test(a_running_handler_ends_within_the_grace),
      cmocka_unit_test(several_reactors_serve_many_connections),
      cmocka_unit_test(connections_wait_across_reactors_at_the_limit),
      cmocka_unit_test(a_forked_child_can_destroy_the_server),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
