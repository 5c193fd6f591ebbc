/*
 * Many threads make, read, cancel and destroy calls of all kinds on shared channels, with the server in the same process,
 * in an order that a seed gives each thread; then all of it ends in the middle. Every callback comes once, every call has
 * one status, nothing is left. Most of all for ThreadSanitizer.
 */
#include <sched.h>
#include <stdio.h>

#include "base/random.h"
#include "support/failing_alloc.h"
#include "support/stage.h"

enum { THREADS = 6, CHANNELS = 2, ROUNDS = 120, LARGE = 90000 };

struct stress {
  struct stage stage;
  fc_channel *channels[CHANNELS];
  atomic_int due, told; /* callbacks */
  atomic_int good, other;
  atomic_bool closing; /* from here on calls may fail */
};

struct worker {
  struct stress *stress;
  struct fc__random random;
  pthread_t thread;
};

static unsigned choose(struct worker *w, unsigned count) {
  return (unsigned)fc__random_below(&w->random, count);
}

static fc_channel *channel_of(struct worker *w) { return w->stress->channels[choose(w, CHANNELS)]; }

/* ---- the server, besides stage_echo ---- */

static void received_async(fc_call *call, fc_bytes *message, void *user);

static void sent_async(fc_call *call, fc_result result, void *user) {
  if (result == FC_OK && fc_call_recv_async(call, received_async, user) == FC_OK) return;
  fc_call_destroy(call);
}

static void received_async(fc_call *call, fc_bytes *message, void *user) {
  if (message && fc_call_send_async(call, message, 0, sent_async, user) == FC_OK) return;
  fc_bytes_unref(message);
  if (!message) (void)!fc_call_finish(call, FC_CODE_OK, "the end", FC_SLICE_EMPTY);
  fc_call_destroy(call);
}

static void echo_async(fc_call *call, void *user) { sent_async(call, FC_OK, user); }

/* ---- outcomes ---- */

static void count(struct stress *s, fc_code code) {
  MUST((unsigned)code <= FC_CODE_UNAUTHENTICATED);
  atomic_fetch_add(code == FC_CODE_OK ? &s->good : &s->other, 1);
}

static void told(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct stress *s = user;
  MUST(fc_call_is_done(call) && (response == NULL || status->code == FC_CODE_OK));
  fc_bytes_unref(response);
  count(s, status->code);
  atomic_fetch_add(&s->told, 1);
}

static void told_end(fc_call *call, void *user) {
  struct stress *s = user;
  count(s, fc_call_status(call)->code);
  atomic_fetch_add(&s->told, 1);
}

static void expect_due(struct stress *s, fc_result r) {
  if (r == FC_OK) {
    atomic_fetch_add(&s->due, 1);
  } else {
    MUST(r == FC_ERR_CLOSED);
  }
}

/* ---- kinds of calls ---- */

static void blocking(struct worker *w) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  if (choose(w, 4) == 0) o.timeout_ns = 1 + choose(w, 500) * FC_MICROSECOND;
  fc_bytes *response;
  fc_error err = FC_ERROR_INIT;
  fc_code code = fc_unary_unary(channel_of(w), "/t/Echo", TEXT("hello"), &o, &response, NULL, &err);
  bool may_fail = o.timeout_ns || atomic_load(&w->stress->closing);
  if (code != FC_CODE_OK && !may_fail) fprintf(stderr, "%s: %s\n", fc_code_name(code), err.message);
  MUST((code == FC_CODE_OK) == fc_slice_equals(fc_bytes_slice(response), "hello"));
  MUST(code == FC_CODE_OK || may_fail);
  fc_bytes_unref(response);
  count(w->stress, code);
}

static void by_callback(struct worker *w) {
  fc_call *call;
  expect_due(w->stress, fc_unary_unary_async(channel_of(w), "/t/Async", TEXT("hello"), NULL, told,
                                             w->stress, &call, NULL));
  if (choose(w, 2)) fc_call_cancel(call, FC_CODE_CANCELLED, NULL);
  if (choose(w, 2)) MUST(fc_call_wait(call, FC_NEVER) != FC_ERR_TIMEOUT);
  fc_call_destroy(call);
}

static bool take(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)user;
  fc_bytes_unref(message);
  return true;
}

static fc_bytes *give_one(fc_call *call, void *user) {
  (void)user;
  char peer[160];
  fc_call_peer(call, peer, sizeof peer);
  return fc_call_time_remaining(call) == FC_NEVER ? NULL : stage_message(LARGE);
}

static void stream_by_callback(struct worker *w) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.timeout_ns = choose(w, 3) ? 0 : FC_MILLISECOND;
  expect_due(w->stress, fc_stream_stream_async(channel_of(w), "/t/Async", give_one, take, &o, told,
                                               w->stress, NULL, NULL));
}

static void *cancel_it(void *call) {
  const fc_metadata *list;
  (void)!fc_call_initial_metadata(call, 100 * FC_MICROSECOND, &list);
  fc_call_cancel(call, FC_CODE_ABORTED, "by another thread");
  return NULL;
}

/* Written, read and cancelled by three threads. */
static void *read_all(void *call) {
  fc_bytes *message;
  while (fc_call_recv(call, &message) == FC_OK) fc_bytes_unref(message);
  return NULL;
}

static void three_threads(struct worker *w) {
  pthread_t reader, canceller;
  fc_call *call;
  MUST(fc_stream_stream(channel_of(w), choose(w, 2) ? "/t/Echo" : "/t/Async", NULL, &call, NULL) ==
       FC_OK);
  expect_due(w->stress, fc_call_on_done(call, told_end, w->stress));
  bool cancelled = choose(w, 2);
  MUST(pthread_create(&reader, NULL, read_all, call) == 0);
  if (cancelled) MUST(pthread_create(&canceller, NULL, cancel_it, call) == 0);
  for (int i = 0; i < 5; i++) {
    fc_bytes *message = stage_message(choose(w, LARGE));
    if (fc_call_send(call, message, 0) != FC_OK) fc_bytes_unref(message);
  }
  MUST(fc_call_close_send(call) == FC_OK);
  pthread_join(reader, NULL);
  if (cancelled) pthread_join(canceller, NULL);
  fc_call_destroy(call);
}

static void given_up(struct worker *w) {
  fc_call *call;
  MUST(fc_unary_stream(channel_of(w), "/t/Echo", TEXT("hello"), NULL, &call, NULL) == FC_OK);
  if (choose(w, 2)) expect_due(w->stress, fc_call_on_done(call, told_end, w->stress));
  fc_call_destroy(call);
}

static void *work(void *user) {
  static void (*const kinds[])(struct worker *) = {blocking,           blocking,      by_callback,
                                                   stream_by_callback, three_threads, given_up};
  struct worker *w = user;
  for (int i = 0; i < ROUNDS; i++) kinds[choose(w, sizeof kinds / sizeof *kinds)](w);
  return NULL;
}

/* ---- the tests ---- */

static void open_stress(struct stress *s, void **state) {
  memset(s, 0, sizeof *s);
  struct stage *stage = &s->stage;
  stage_open(stage, state);
  /* A cancelled call counts until its handler is done, so with fewer others would be refused now and then. */
  stage->server_options.max_concurrent_streams = 10000;
  stage_serve(stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo, NULL);
  stage_serve(stage, "/t/Async", FC_PATTERN_STREAM_STREAM, FC_HANDLER_ASYNC, echo_async, NULL);
  stage_start(stage);
  for (int i = 0; i < CHANNELS; i++) {
    assert_int_equal(fc_channel_create(stage->target, &stage->options, &s->channels[i], NULL),
                     FC_OK);
  }
}

static void start_workers(struct stress *s, struct worker *workers) {
  for (int i = 0; i < THREADS; i++) {
    workers[i].stress = s;
    fc__random_init(&workers[i].random, (uint64_t)i);
    assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
}

static void close_stress(struct stress *s, struct worker *workers) {
  for (int i = 0; i < THREADS; i++) pthread_join(workers[i].thread, NULL);
  for (int i = 0; i < CHANNELS; i++) fc_channel_destroy(s->channels[i]);
  stage_close(&s->stage); /* which waits for the memory of the last call */
  assert_int_equal(s->told, s->due);
  assert_true(s->good > 0);
}

static void calls_of_all_kinds_at_once(void **state) {
  struct stress s;
  struct worker workers[THREADS];
  open_stress(&s, state);
  start_workers(&s, workers);
  close_stress(&s, workers);
}

static void a_server_shut_down_while_busy(void **state) {
  struct stress s;
  struct worker workers[THREADS];
  open_stress(&s, state);
  start_workers(&s, workers);
  while (atomic_load(&s.good) < 50) sched_yield();
  atomic_store(&s.closing, true);
  assert_int_equal(fc_server_shutdown(s.stage.server, 5 * FC_MILLISECOND), FC_OK);
  assert_int_equal(fc_server_wait(s.stage.server, FC_NEVER), FC_OK);
  close_stress(&s, workers);
}

static void channels_closed_while_busy(void **state) {
  struct stress s;
  struct worker workers[THREADS];
  open_stress(&s, state);
  start_workers(&s, workers);
  while (atomic_load(&s.good) < 50) sched_yield();
  atomic_store(&s.closing, true);
  for (int i = 0; i < CHANNELS; i++) fc_channel_close(s.channels[i]);
  close_stress(&s, workers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calls_of_all_kinds_at_once),
      cmocka_unit_test(a_server_shut_down_while_busy),
      cmocka_unit_test(channels_closed_while_busy),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
