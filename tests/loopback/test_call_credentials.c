/*
 * Call credentials over a real socket, with plugins that answer from threads of their own, or not. Under each driver.
 */
#include <sched.h>
#include <stdio.h>

#include "client/conn.h"
#include "farcall/credentials.h"
#include "support/failing_alloc.h"
#include "support/stage.h"

enum { THREADS = 8, CALLS = 60, ANSWERERS = 2, WAITING_MOST = THREADS * CALLS + 8 };

/* ---- a plugin whose answers come from other threads ---- */

struct office {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  fc_auth_request *waiting[WAITING_MOST];
  int count;
  bool open; /* answers what waits */
  bool closing;
  struct gate asked, dropped;
  pthread_t threads[ANSWERERS];
};

static void answer(fc_auth_request *request) {
  fc_metadata *metadata = fc_metadata_create();
  MUST(fc_metadata_add_string(metadata, "x-method", fc_auth_request_method(request), NULL) ==
       FC_OK);
  fc_auth_request_answer(request, metadata, NULL);
  fc_metadata_destroy(metadata);
}

static void *answer_all(void *user) {
  struct office *o = user;
  pthread_mutex_lock(&o->mutex);
  while (!o->closing || o->count > 0) {
    if (!o->open || o->count == 0) {
      pthread_cond_wait(&o->changed, &o->mutex);
      continue;
    }
    fc_auth_request *request = o->waiting[--o->count];
    pthread_mutex_unlock(&o->mutex);
    answer(request);
    pthread_mutex_lock(&o->mutex);
  }
  pthread_mutex_unlock(&o->mutex);
  return NULL;
}

static void ask(fc_auth_request *request, void *user) {
  struct office *o = user;
  pthread_mutex_lock(&o->mutex);
  MUST(o->count < WAITING_MOST);
  o->waiting[o->count++] = request;
  pthread_cond_broadcast(&o->changed);
  pthread_mutex_unlock(&o->mutex);
  gate_pass(&o->asked);
}

static void dropped(void *user) { gate_pass(&((struct office *)user)->dropped); }

static void set(struct office *o, bool *flag) {
  pthread_mutex_lock(&o->mutex);
  *flag = true;
  pthread_cond_broadcast(&o->changed);
  pthread_mutex_unlock(&o->mutex);
}

static fc_call_credentials *office_open(struct office *o, bool open) {
  fc_call_credentials *c;
  *o = (struct office){PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .open = open,
                       .asked = GATE_INIT, .dropped = GATE_INIT};
  for (int i = 0; i < ANSWERERS; i++)
    assert_int_equal(pthread_create(&o->threads[i], NULL, answer_all, o), 0);
  assert_int_equal(fc_call_credentials_from_plugin("office", ask, o, dropped, &c, NULL), FC_OK);
  return c;
}

/* Answers what still waits. */
static void office_close(struct office *o) {
  set(o, &o->open);
  set(o, &o->closing);
  for (int i = 0; i < ANSWERERS; i++) pthread_join(o->threads[i], NULL);
  gate_await(&o->dropped, 1);
}

/* ---- a stage whose server tells what credentials it was sent ---- */

static void describe(fc_call *call, char *text, size_t size) {
  const fc_metadata *list;
  size_t len = 0;
  MUST(fc_call_initial_metadata(call, FC_NEVER, &list) == FC_OK);
  text[0] = 0;
  for (size_t i = 0; i < fc_metadata_count(list); i++) {
    fc_metadata_entry e = fc_metadata_at(list, i);
    if (!fc_slice_equals(e.key, "authorization") && !fc_slice_equals(e.key, "x-method")) continue;
    len += (size_t)snprintf(text + len, size - len, "%.*s;", FC_SLICE_PRINT(e.value));
    MUST(len < size);
  }
}

/* Any pattern: each message is answered with what came. */
static void tell(fc_call *call, void *user) {
  char text[256];
  fc_bytes *message;
  struct gate *handled = user;
  gate_pass(handled);
  describe(call, text, sizeof text);
  while (fc_call_recv(call, &message) == FC_OK) {
    fc_bytes_unref(message);
    if (fc_call_send_copy(call, fc_slice_from_string(text), 0) != FC_OK) break;
  }
  (void)!fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY);
}

struct scene {
  struct stage stage;
  struct office office;
  struct gate handled;
};

/* The channel's calls carry "channel" and what the office says. */
static void open_scene(struct scene *s, void **state, bool open) {
  fc_channel_credentials *local, *channel;
  fc_call_credentials *token, *plugin, *call;
  memset(s, 0, sizeof *s);
  s->handled = (struct gate)GATE_INIT;
  stage_open(&s->stage, state);
  stage_serve(&s->stage, "/t/Unary", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, tell,
              &s->handled);
  stage_serve(&s->stage, "/t/Stream", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, tell,
              &s->handled);
  plugin = office_open(&s->office, open);
  assert_int_equal(fc_channel_credentials_local(FC_LOCAL_UNIX, &local, NULL), FC_OK);
  assert_int_equal(fc_call_credentials_from_token("channel", &token, NULL), FC_OK);
  assert_int_equal(fc_call_credentials_composite(token, plugin, &call, NULL), FC_OK);
  assert_int_equal(fc_channel_credentials_composite(local, call, &channel, NULL), FC_OK);
  s->stage.options.credentials = channel;
  s->stage.over_unix = true;
  stage_start(&s->stage);
  fc_channel_credentials_destroy(local);
  fc_call_credentials_destroy(token);
  fc_call_credentials_destroy(plugin);
  fc_call_credentials_destroy(call);
}

static void close_scene(struct scene *s) {
  fc_channel_destroy(s->stage.channel);
  fc_channel_credentials_destroy(s->stage.options.credentials);
  s->stage.channel = NULL;
  s->stage.options.credentials = NULL;
  office_close(&s->office);
  stage_close(&s->stage);
}

/* A call's own credentials. */
static fc_call_credentials *own_token(void) {
  fc_call_credentials *c;
  MUST(fc_call_credentials_from_token("own", &c, NULL) == FC_OK);
  return c;
}

static bool is_told(fc_bytes *response, const char *text) {
  bool same = response && fc_slice_equals(fc_bytes_slice(response), text);
  fc_bytes_unref(response);
  return same;
}

#define UNARY "Bearer channel;Unary;"
#define OWN_UNARY UNARY "Bearer own;"

/* ---- each way to make a call ---- */

static fc_code call_blocking(fc_channel *channel, const fc_call_options *options,
                             const char *expected) {
  fc_bytes *response;
  fc_code code = fc_unary_unary(channel, "/t/Unary", TEXT("?"), options, &response, NULL, NULL);
  MUST(code != FC_CODE_OK || is_told(response, expected));
  return code;
}

static void blocking_calls_wait_for_other_threads(void **state) {
  struct scene s;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  open_scene(&s, state, true);
  o.credentials = own_token();
  for (int i = 0; i < CALLS; i++) {
    assert_int_equal(call_blocking(s.stage.channel, &o, OWN_UNARY), FC_CODE_OK);
    assert_int_equal(call_blocking(s.stage.channel, NULL, UNARY), FC_CODE_OK);
  }
  fc_call_credentials_destroy(o.credentials);
  close_scene(&s);
}

static void futures_go_on_when_the_answer_comes(void **state) {
  struct scene s;
  fc_call *calls[CALLS];
  fc_bytes *response;
  open_scene(&s, state, false);
  for (int i = 0; i < CALLS; i++) {
    assert_int_equal(
        fc_unary_unary_future(s.stage.channel, "/t/Unary", TEXT("?"), NULL, &calls[i], NULL),
        FC_OK);
  }
  gate_await(&s.office.asked, CALLS);
  for (int i = 0; i < CALLS; i++) assert_int_equal(fc_call_wait(calls[i], 0), FC_ERR_TIMEOUT);
  set(&s.office, &s.office.open);
  for (int i = 0; i < CALLS; i++) {
    assert_int_equal(fc_call_recv(calls[i], &response), FC_OK);
    assert_true(is_told(response, UNARY));
    stage_expect_end(calls[i], FC_CODE_OK);
  }
  close_scene(&s);
}

static void on_response(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  (void)call;
  MUST(status->code == FC_CODE_OK);
  MUST(is_told(response, UNARY));
  gate_pass(user);
}

static void callbacks_come_when_the_answer_comes(void **state) {
  struct scene s;
  struct gate told = GATE_INIT;
  open_scene(&s, state, false);
  for (int i = 0; i < CALLS; i++) {
    assert_int_equal(fc_unary_unary_async(s.stage.channel, "/t/Unary", TEXT("?"), NULL, on_response,
                                          &told, NULL, NULL),
                     FC_OK);
  }
  gate_await(&s.office.asked, CALLS);
  assert_int_equal(gate_passed(&told), 0);
  set(&s.office, &s.office.open);
  gate_await(&told, CALLS);
  close_scene(&s);
}

static void streams_send_behind_the_answer(void **state) {
  struct scene s;
  open_scene(&s, state, false);
  fc_call *call = stage_call(&s.stage, "/t/Stream", FC_PATTERN_STREAM_STREAM, NULL);
  for (int i = 0; i < 3; i++) assert_int_equal(fc_call_send_copy(call, TEXT("?"), 0), FC_OK);
  assert_int_equal(fc_call_close_send(call), FC_OK);
  set(&s.office, &s.office.open);
  for (int i = 0; i < 3; i++) stage_expect(call, "Bearer channel;Stream;");
  stage_expect_end(call, FC_CODE_OK);
  close_scene(&s);
}

/* ---- interceptors and hooks ---- */

struct seen {
  atomic_int sent, done;
};

static fc_bytes *on_send(fc_call *call, fc_bytes *message, void *user) {
  (void)call;
  ((struct seen *)user)->sent++;
  return message;
}

static void on_done(fc_call *call, const fc_status *status, void *user) {
  (void)call;
  MUST(status->code == FC_CODE_OK);
  ((struct seen *)user)->done++;
}

static fc_result add_credentials(fc_next *next, const char *method, const fc_call_options *options,
                                 fc_call **out, fc_error *err, void *user) {
  fc_call_options o = *options;
  fc_call_hooks hooks = FC_CALL_HOOKS_INIT;
  hooks.on_send = on_send;
  hooks.on_done = on_done;
  hooks.user = user;
  o.hooks = &hooks;
  o.credentials = own_token();
  fc_result r = fc_next_call(next, method, &o, out, err);
  fc_call_credentials_destroy(o.credentials);
  return r;
}

static void interceptors_may_give_credentials(void **state) {
  struct scene s;
  struct seen seen = {0};
  fc_channel *channel;
  fc_interceptor interceptor = {add_credentials, &seen};
  open_scene(&s, state, true);
  fc_channel_options options = s.stage.options;
  options.interceptors = &interceptor;
  options.interceptor_count = 1;
  options.credentials = NULL;
  assert_int_equal(fc_channel_credentials_local(FC_LOCAL_UNIX, &options.credentials, NULL), FC_OK);
  assert_int_equal(fc_channel_create(s.stage.target, &options, &channel, NULL), FC_OK);
  fc_channel_credentials_destroy(options.credentials);
  for (int i = 0; i < 5; i++)
    assert_int_equal(call_blocking(channel, NULL, "Bearer own;"), FC_CODE_OK);
  assert_int_equal(seen.sent, 5);
  fc_channel_destroy(channel);
  close_scene(&s);
  assert_int_equal(seen.done, 5);
}

/* ---- calls that end first ---- */

/* A plugin that works on the caller's thread may take the time that the call has. */
static void give_at_once(fc_auth_request *request, void *user) {
  (void)user;
  answer(request);
}

static void nothing_is_sent_after_the_deadline(void **state) {
  struct scene s;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  open_scene(&s, state, true);
  assert_int_equal(
      fc_call_credentials_from_plugin(NULL, give_at_once, NULL, NULL, &o.credentials, NULL), FC_OK);
  o.timeout_ns = 1;
  for (int i = 0; i < 5; i++)
    assert_int_equal(call_blocking(s.stage.channel, &o, ""), FC_CODE_DEADLINE_EXCEEDED);
  assert_int_equal(s.stage.channel->connector.conn->attached, 0);
  fc_call_credentials_destroy(o.credentials);
  close_scene(&s);
}

static void the_deadline_does_not_wait_for_an_answer(void **state) {
  struct scene s;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  open_scene(&s, state, false);
  o.timeout_ns = 20 * FC_MILLISECOND;
  assert_int_equal(call_blocking(s.stage.channel, &o, ""), FC_CODE_DEADLINE_EXCEEDED);
  close_scene(&s);
  assert_int_equal(gate_passed(&s.handled), 0);
}

static void *call_and_count_cancelled(void *user) {
  struct scene *s = user;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.wait_for_ready = FC_WAIT_FOR_READY_ON;
  MUST(call_blocking(s->stage.channel, &o, "") == FC_CODE_CANCELLED);
  return NULL;
}

static void closing_the_channel_ends_all_that_wait(void **state) {
  struct scene s;
  pthread_t threads[THREADS];
  open_scene(&s, state, false);
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, call_and_count_cancelled, &s), 0);
  gate_await(&s.office.asked, THREADS);
  fc_channel_close(s.stage.channel);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  close_scene(&s);
  assert_int_equal(gate_passed(&s.handled), 0);
}

/* ---- many threads ---- */

static void over(fc_call *call, void *user) {
  (void)call;
  gate_pass(user);
}

struct worker {
  struct scene *scene;
  struct gate over;
  int calls;
  pthread_t thread;
};

static bool may_be(fc_code code) {
  return code == FC_CODE_OK || code == FC_CODE_CANCELLED || code == FC_CODE_DEADLINE_EXCEEDED;
}

/* A call that is given up at some moment before or after its answer. */
static void give_up(struct worker *w, int turns) {
  fc_call *call;
  MUST(fc_unary_unary_future(w->scene->stage.channel, "/t/Unary", TEXT("?"), NULL, &call, NULL) ==
       FC_OK);
  if (fc_call_on_done(call, over, &w->over) == FC_OK) w->calls++;
  for (int i = 0; i < turns; i++) sched_yield();
  fc_call_cancel(call, FC_CODE_CANCELLED, NULL);
  MUST(may_be(fc_call_status(call)->code));
  fc_call_destroy(call);
}

static void *work(void *user) {
  struct worker *w = user;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.credentials = own_token();
  for (int i = 0; i < CALLS; i++) {
    o.timeout_ns = i % 5 == 4 ? 100 * FC_MICROSECOND : 60 * FC_SECOND;
    if (i % 3 == 2) {
      give_up(w, i);
    } else {
      MUST(may_be(call_blocking(w->scene->stage.channel, &o, OWN_UNARY)));
    }
  }
  fc_call_credentials_destroy(o.credentials);
  gate_await(&w->over, w->calls);
  return NULL;
}

static void many_threads_call_answer_and_give_up(void **state) {
  struct scene s;
  struct worker workers[THREADS];
  open_scene(&s, state, true);
  for (int i = 0; i < THREADS; i++) {
    workers[i] = (struct worker){.scene = &s, .over = GATE_INIT};
    assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(workers[i].thread, NULL);
  assert_int_equal(call_blocking(s.stage.channel, NULL, UNARY), FC_CODE_OK);
  close_scene(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocking_calls_wait_for_other_threads),
      cmocka_unit_test(futures_go_on_when_the_answer_comes),
      cmocka_unit_test(callbacks_come_when_the_answer_comes),
      cmocka_unit_test(streams_send_behind_the_answer),
      cmocka_unit_test(interceptors_may_give_credentials),
      cmocka_unit_test(nothing_is_sent_after_the_deadline),
      cmocka_unit_test(the_deadline_does_not_wait_for_an_answer),
      cmocka_unit_test(closing_the_channel_ends_all_that_wait),
      cmocka_unit_test(many_threads_call_answer_and_give_up),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
