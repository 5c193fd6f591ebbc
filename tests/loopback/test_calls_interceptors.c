/* Interceptors of both sides and the hooks that they attach. Under each driver. */
#include <stdio.h>

#include "support/failing_alloc.h"
#include "support/stage.h"

/* ---- notes of what happened, in order ---- */

struct notes {
  pthread_mutex_t mutex;
  char text[400];
};

static void note(struct notes *notes, const char *format, const char *name) {
  pthread_mutex_lock(&notes->mutex);
  size_t len = strlen(notes->text);
  snprintf(notes->text + len, sizeof notes->text - len, format, name);
  pthread_mutex_unlock(&notes->mutex);
}

/* Both are there, the first before the second; other threads may have noted something in between. */
static bool in_order(const struct notes *notes, const char *first, const char *second) {
  const char *at = strstr(notes->text, first);
  return at && strstr(at, second);
}

/* ---- a hook that notes what it sees and puts its letter before each message ---- */

struct letter {
  struct notes *notes;
  const char *name;
  bool refuse_send, refuse_receive, cancel;
  struct gate dropped;
};

static fc_bytes *with_letter(const char *name, fc_bytes *message) {
  uint8_t *data;
  fc_slice old = fc_bytes_slice(message);
  fc_bytes *longer = fc_bytes_create(1 + old.len, &data);
  MUST(longer != NULL);
  data[0] = (uint8_t)name[0];
  if (old.len) memcpy(data + 1, old.data, old.len);
  fc_bytes_unref(message);
  return longer;
}

static fc_bytes *on_send(fc_call *call, fc_bytes *message, void *user) {
  struct letter *letter = user;
  note(letter->notes, "send-%s ", letter->name);
  (void)fc_call_time_remaining(call); /* no lock is held */
  if (letter->cancel) fc_call_cancel(call, FC_CODE_ABORTED, "by a hook");
  if (!letter->refuse_send) return with_letter(letter->name, message);
  fc_bytes_unref(message);
  return NULL;
}

static fc_bytes *on_receive(fc_call *call, fc_bytes *message, void *user) {
  struct letter *letter = user;
  note(letter->notes, "receive-%s ", letter->name);
  (void)fc_call_time_remaining(call);
  if (!letter->refuse_receive) return with_letter(letter->name, message);
  fc_bytes_unref(message);
  return NULL;
}

static void on_done(fc_call *call, const fc_status *status, void *user) {
  struct letter *letter = user;
  MUST(fc_call_is_done(call));
  MUST(fc_call_status(call) == status);
  note(letter->notes, "done-%s ", letter->name);
}

static void drop(void *user) {
  struct letter *letter = user;
  note(letter->notes, "drop-%s ", letter->name);
  gate_pass(&letter->dropped);
}

static fc_call_hooks hooks_of(struct letter *letter) {
  fc_call_hooks hooks = FC_CALL_HOOKS_INIT;
  hooks.on_send = on_send;
  hooks.on_receive = on_receive;
  hooks.on_done = on_done;
  hooks.drop = drop;
  hooks.user = letter;
  return hooks;
}

/* ---- a stage with such hooks on the client's calls ---- */

struct world {
  struct stage stage;
  struct notes notes;
  struct letter a, b; /* a before b */
  fc_call_hooks hooks_a, hooks_b;
  fc_call_options options;
};

static void open_world(struct world *w, void **state) {
  *w = (struct world){.notes = {PTHREAD_MUTEX_INITIALIZER, ""}};
  w->a = (struct letter){.notes = &w->notes, .name = "A", .dropped = GATE_INIT};
  w->b = (struct letter){.notes = &w->notes, .name = "B", .dropped = GATE_INIT};
  w->hooks_a = hooks_of(&w->a);
  w->hooks_b = hooks_of(&w->b);
  w->hooks_a.next = &w->hooks_b;
  w->options = (fc_call_options)FC_CALL_OPTIONS_INIT;
  w->options.hooks = &w->hooks_a;
  stage_open(&w->stage, state);
  struct stage *s = &w->stage;
  stage_serve(s, "/t/Echo", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo, NULL);
}

static void close_world(struct world *w) { stage_close(&w->stage); }

static void await_drops(struct world *w, int count) {
  gate_await(&w->a.dropped, count);
  gate_await(&w->b.dropped, count);
}

/* ---- hooks of the client ---- */

/* Sending passes the first hook first, receiving the last. */
static void hooks_see_a_stream_in_order(void **state) {
  struct world w;
  open_world(&w, state);
  stage_start(&w.stage);
  fc_call *call = stage_call(&w.stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, &w.options);
  assert_int_equal(fc_call_send_copy(call, TEXT("x"), 0), FC_OK);
  stage_expect(call, "ABBAx");
  assert_int_equal(fc_call_close_send(call), FC_OK);
  stage_expect_end(call, FC_CODE_OK);
  await_drops(&w, 1);
  assert_string_equal(w.notes.text,
                      "send-A send-B receive-B receive-A done-A done-B drop-A drop-B ");
  close_world(&w);
}

static void hooks_see_a_blocking_call(void **state) {
  struct world w;
  fc_bytes *response;
  open_world(&w, state);
  stage_start(&w.stage);
  assert_int_equal(
      fc_unary_unary(w.stage.channel, "/t/Echo", TEXT("x"), &w.options, &response, NULL, NULL),
      FC_CODE_OK);
  assert_slice_is(fc_bytes_slice(response), "ABBAx");
  fc_bytes_unref(response);
  await_drops(&w, 1);
  assert_true(in_order(&w.notes, "send-A", "send-B"));
  assert_true(in_order(&w.notes, "receive-B", "receive-A"));
  assert_true(in_order(&w.notes, "done-A", "done-B"));
  close_world(&w);
}

static void told(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  (void)call;
  MUST(status->code == FC_CODE_OK && fc_slice_equals(fc_bytes_slice(response), "ABBAx"));
  fc_bytes_unref(response);
  gate_pass(user);
}

static void hooks_see_a_call_by_callback(void **state) {
  struct world w;
  struct gate done = GATE_INIT;
  open_world(&w, state);
  stage_start(&w.stage);
  assert_int_equal(fc_unary_unary_async(w.stage.channel, "/t/Echo", TEXT("x"), &w.options, told,
                                        &done, NULL, NULL),
                   FC_OK);
  gate_await(&done, 1);
  await_drops(&w, 1);
  close_world(&w);
}

static void a_hook_that_refuses_to_send_ends_the_call(void **state) {
  struct world w;
  fc_error err = FC_ERROR_INIT;
  open_world(&w, state);
  w.b.refuse_send = true;
  stage_start(&w.stage);
  fc_bytes *message = stage_message(10);
  fc_call *call = stage_call(&w.stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, &w.options);
  assert_int_equal(fc_call_send(call, message, 0), FC_ERR_CLOSED);
  assert_true(stage_is_message(fc_bytes_slice(message), 10));
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK); /* nobody has cancelled it */
  stage_expect_end(call, FC_CODE_INTERNAL);
  /* A request that is given with the options goes the same way. */
  assert_int_equal(fc_unary_unary(w.stage.channel, "/t/Echo", fc_bytes_slice(message), &w.options,
                                  NULL, NULL, &err),
                   FC_CODE_INTERNAL);
  assert_string_equal(err.message, "a hook refused a message");
  fc_bytes_unref(message);
  await_drops(&w, 2);
  close_world(&w);
}

static void a_hook_that_refuses_to_receive_ends_the_call(void **state) {
  struct world w;
  open_world(&w, state);
  w.b.refuse_receive = true;
  stage_start(&w.stage);
  fc_call *call = stage_call(&w.stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, &w.options);
  assert_int_equal(fc_call_send_copy(call, TEXT("x"), 0), FC_OK);
  stage_expect_end(call, FC_CODE_INTERNAL);
  await_drops(&w, 1);
  assert_null(strstr(w.notes.text, "receive-A")); /* it came no further */
  close_world(&w);
}

static void told_refused(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  (void)call;
  MUST(status->code == FC_CODE_INTERNAL && response == NULL);
  gate_pass(user);
}

/* The one response of a call is shown to the hooks when the call is over. */
static void a_response_that_a_hook_refuses_is_no_success(void **state) {
  struct world w;
  fc_bytes *response;
  fc_error err = FC_ERROR_INIT;
  struct gate done = GATE_INIT;
  open_world(&w, state);
  w.a.refuse_receive = true;
  stage_start(&w.stage);
  assert_int_equal(
      fc_unary_unary(w.stage.channel, "/t/Echo", TEXT("x"), &w.options, &response, NULL, &err),
      FC_CODE_INTERNAL);
  assert_null(response);
  assert_string_equal(err.message, "a hook refused a message");
  assert_int_equal(fc_unary_unary_async(w.stage.channel, "/t/Echo", TEXT("x"), &w.options,
                                        told_refused, &done, NULL, NULL),
                   FC_OK);
  gate_await(&done, 1);
  close_world(&w);
}

/* What a hook makes of a request can be too long; the call must not wait for it for ever. */
static void a_request_that_hooks_make_too_long_ends_the_call(void **state) {
  struct world w;
  fc_error err = FC_ERROR_INIT;
  open_world(&w, state);
  w.stage.options.max_send_message_bytes = 11;
  stage_start(&w.stage);
  assert_int_equal(
      fc_unary_unary(w.stage.channel, "/t/Echo", TEXT("0123456789"), &w.options, NULL, NULL, &err),
      FC_CODE_RESOURCE_EXHAUSTED);
  fc_call *call = stage_call(&w.stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, &w.options);
  assert_int_equal(fc_call_send_copy(call, TEXT("0123456789"), 0), FC_ERR_LIMIT);
  assert_int_equal(fc_call_send_copy(call, TEXT("012345678"), 0), FC_OK);
  fc_call_destroy(call);
  await_drops(&w, 2);
  close_world(&w);
}

static void a_hook_may_cancel_the_call(void **state) {
  struct world w;
  fc_error err = FC_ERROR_INIT;
  open_world(&w, state);
  w.a.cancel = true;
  stage_start(&w.stage);
  assert_int_equal(
      fc_unary_unary(w.stage.channel, "/t/Echo", TEXT("x"), &w.options, NULL, NULL, &err),
      FC_CODE_ABORTED);
  assert_string_equal(err.message, "by a hook");
  await_drops(&w, 1);
  close_world(&w);
}

/* A message that the call does not take is not shown to hooks, which may count or encrypt. */
static void hooks_see_what_is_sent_and_nothing_else(void **state) {
  struct world w;
  open_world(&w, state);
  stage_start(&w.stage);
  fc_call *call = stage_call(&w.stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, &w.options);
  assert_int_equal(fc_call_close_send(call), FC_OK);
  assert_int_equal(fc_call_send_copy(call, TEXT("x"), 0), FC_ERR_CLOSED);
  stage_expect_end(call, FC_CODE_OK);
  await_drops(&w, 1);
  assert_null(strstr(w.notes.text, "send"));
  close_world(&w);
}

static void hooks_of_a_call_that_is_given_up_are_dropped(void **state) {
  struct world w;
  open_world(&w, state);
  stage_start(&w.stage);
  fc_call *call = stage_call(&w.stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, &w.options);
  fc_call_destroy(call);
  await_drops(&w, 1);
  assert_string_equal(w.notes.text, "done-A done-B drop-A drop-B ");
  close_world(&w);
}

/* ---- interceptors of the client ---- */

static fc_result change(fc_next *next, const char *method, const fc_call_options *options,
                        fc_call **out, fc_error *err, void *user) {
  fc_call_options mine = *options;
  fc_metadata *list = fc_metadata_create();
  (void)user;
  MUST(strcmp(method, "/t/Anything") == 0 && options->pattern == FC_PATTERN_UNARY_UNARY);
  MUST(fc_slice_equals(fc_bytes_slice(options->request), "x"));
  MUST(fc_metadata_add_string(list, "added", "here", NULL) == FC_OK);
  mine.metadata = list;
  mine.timeout_ns = 1000 * FC_SECOND;
  fc_result r = fc_next_call(next, "/t/Look", &mine, out, err);
  fc_metadata_destroy(list);
  return r;
}

static void look(fc_call *call, void *user) {
  const fc_metadata *list;
  fc_slice value;
  (void)user;
  MUST(fc_call_initial_metadata(call, 0, &list) == FC_OK);
  MUST(fc_metadata_find(list, "added", &value) && fc_slice_equals(value, "here"));
  MUST(fc_call_time_remaining(call) < FC_NEVER);
  stage_echo(call, NULL);
}

/* Makes the call twice and returns the second. */
static fc_result twice(fc_next *next, const char *method, const fc_call_options *options,
                       fc_call **out, fc_error *err, void *user) {
  fc_call *first;
  fc_result r = fc_next_call(next, method, options, &first, err);
  if (r != FC_OK) return r;
  MUST(fc_call_wait(first, FC_NEVER) == FC_OK);
  gate_pass(user);
  r = fc_next_call(next, method, options, out, err);
  fc_call_destroy(first);
  return r;
}

static void an_interceptor_changes_calls_and_makes_them_again(void **state) {
  struct stage stage;
  struct gate twices = GATE_INIT;
  const fc_interceptor list[] = {{twice, &twices}, {change, NULL}};
  fc_bytes *response;
  stage_open(&stage, state);
  stage.options.interceptors = list;
  stage.options.interceptor_count = 2;
  stage_serve(&stage, "/t/Look", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, look, NULL);
  stage_start(&stage);
  assert_int_equal(
      fc_unary_unary(stage.channel, "/t/Anything", TEXT("x"), NULL, &response, NULL, NULL),
      FC_CODE_OK);
  assert_slice_is(fc_bytes_slice(response), "x");
  fc_bytes_unref(response);
  fc_call *call;
  assert_int_equal(
      fc_unary_unary_future(stage.channel, "/t/Anything", TEXT("x"), NULL, &call, NULL), FC_OK);
  assert_int_equal(fc_call_wait(call, FC_NEVER), FC_OK);
  stage_expect(call, "x");
  fc_call_destroy(call);
  assert_int_equal(gate_passed(&twices), 2);
  stage_close(&stage);
}

/* Each adds a hook before those that are there. */
static fc_result add_hooks(fc_next *next, const char *method, const fc_call_options *options,
                           fc_call **out, fc_error *err, void *user) {
  fc_call_options mine = *options;
  fc_call_hooks hooks = *(const fc_call_hooks *)user;
  hooks.next = options->hooks;
  mine.hooks = &hooks;
  return fc_next_call(next, method, &mine, out, err);
}

static void interceptors_attach_hooks(void **state) {
  struct world w;
  fc_bytes *response;
  open_world(&w, state);
  const fc_interceptor list[] = {{add_hooks, &w.hooks_b}, {add_hooks, &w.hooks_a}};
  w.stage.options.interceptors = list;
  w.stage.options.interceptor_count = 2;
  stage_start(&w.stage);
  assert_int_equal(
      fc_unary_unary(w.stage.channel, "/t/Echo", TEXT("x"), NULL, &response, NULL, NULL),
      FC_CODE_OK);
  assert_slice_is(fc_bytes_slice(response), "ABBAx");
  fc_bytes_unref(response);
  await_drops(&w, 1);
  close_world(&w);
}

static fc_result deny(fc_next *next, const char *method, const fc_call_options *options,
                      fc_call **out, fc_error *err, void *user) {
  (void)next, (void)method, (void)options, (void)out, (void)user;
  if (err) {
    err->result = FC_ERR_LIMIT;
    snprintf(err->message, sizeof err->message, "not today");
  }
  return FC_ERR_LIMIT;
}

static void an_interceptor_may_refuse_a_call(void **state) {
  struct stage stage;
  const fc_interceptor list[] = {{deny, NULL}};
  fc_error err = FC_ERROR_INIT;
  fc_call *call;
  fc_bytes *response;
  stage_open(&stage, state);
  stage.options.interceptors = list;
  stage.options.interceptor_count = 1;
  stage_serve(&stage, "/t/Echo", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, stage_echo, NULL);
  stage_start(&stage);
  assert_int_equal(
      fc_unary_unary(stage.channel, "/t/Echo", TEXT("x"), NULL, &response, &call, &err),
      FC_CODE_RESOURCE_EXHAUSTED);
  assert_true(response == NULL && call == NULL);
  assert_string_equal(err.message, "not today");
  assert_int_equal(fc_stream_stream(stage.channel, "/t/Echo", NULL, &call, &err), FC_ERR_LIMIT);
  assert_null(call);
  stage_close(&stage);
}

/* What a proxy may mix up. */
struct mix_up {
  struct stage *stage;
  fc_call *served;
};

static fc_result return_served(fc_next *next, const char *method, const fc_call_options *options,
                               fc_call **out, fc_error *err, void *user) {
  const struct mix_up *m = user;
  (void)next, (void)method, (void)options, (void)err;
  *out = m->served;
  return FC_OK;
}

static fc_bytes *no_message(fc_call *call, void *user) {
  (void)call, (void)user;
  return NULL;
}

static void told_nothing(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  (void)call, (void)status, (void)response, (void)user;
  MUST(false && "a call that was not made has ended");
}

static void forward(fc_call *call, void *user) {
  struct mix_up *m = user;
  fc_channel *ch = m->stage->channel;
  fc_error err = FC_ERROR_INIT;
  m->served = call;
  MUST(fc_stream_unary(ch, "/t/Mix", no_message, NULL, NULL, NULL, NULL, &err) ==
       FC_CODE_INVALID_ARGUMENT);
  MUST(strcmp(err.message, "interceptor 0 returned a server's call") == 0);
  MUST(fc_stream_unary_async(ch, "/t/Mix", no_message, NULL, told_nothing, NULL, NULL, NULL) ==
       FC_ERR_INVALID);
  MUST(fc_call_respond(call, fc_bytes_copy("fine", 4)) == FC_OK);
}

static void an_interceptor_may_not_return_a_server_s_call(void **state) {
  struct stage stage;
  struct mix_up m = {.stage = &stage};
  const fc_interceptor list[] = {{return_served, &m}};
  fc_bytes *response;
  stage_open(&stage, state);
  stage.options.interceptors = list;
  stage.options.interceptor_count = 1;
  stage_serve(&stage, "/t/Mix", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, forward, &m);
  stage_start(&stage);
  fc_channel *plain;
  assert_int_equal(fc_channel_create(stage.target, NULL, &plain, NULL), FC_OK);
  assert_int_equal(fc_unary_unary(plain, "/t/Mix", TEXT("x"), NULL, &response, NULL, NULL),
                   FC_CODE_OK);
  assert_slice_is(fc_bytes_slice(response), "fine");
  fc_bytes_unref(response);
  fc_channel_destroy(plain);
  stage_close(&stage);
}

/* ---- interceptors of the server ---- */

struct guard {
  struct notes *notes;
  const char *name;
  fc_call_hooks *hooks;
  bool answer;
};

static void guard_call(fc_server_next *next, fc_call *call, void *user) {
  struct guard *guard = user;
  note(guard->notes, "in-%s ", guard->name);
  if (guard->hooks) MUST(fc_call_add_hooks(call, guard->hooks) == FC_OK);
  if (guard->answer) {
    MUST(fc_call_finish(call, FC_CODE_PERMISSION_DENIED, guard->name, FC_SLICE_EMPTY) == FC_OK);
    return;
  }
  fc_server_next_call(next, call);
  fc_server_next_call(next, call); /* once is what counts */
  note(guard->notes, "out-%s ", guard->name);
}

/* Interceptors can only be given to a server that is made with them. */
static void open_guarded(struct world *w, void **state) {
  open_world(w, state);
  fc_server_destroy(w->stage.server);
  w->stage.server = NULL;
  w->hooks_a.next = w->hooks_b.next = NULL; /* they are added one by one */
}

static void guard_with(struct world *w, const fc_server_interceptor *list, size_t count) {
  w->stage.server_options.interceptors = list;
  w->stage.server_options.interceptor_count = count;
}

static void a_server_s_interceptors_surround_the_handler(void **state) {
  struct world w;
  open_guarded(&w, state);
  struct guard guards[] = {{&w.notes, "1", &w.hooks_b, false}, {&w.notes, "2", &w.hooks_a, false}};
  const fc_server_interceptor list[] = {{guard_call, &guards[0]}, {guard_call, &guards[1]}};
  guard_with(&w, list, 2);
  stage_serve(&w.stage, "/t/Echo", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, stage_echo, NULL);
  stage_start(&w.stage);
  fc_bytes *response;
  assert_int_equal(
      fc_unary_unary(w.stage.channel, "/t/Echo", TEXT("x"), NULL, &response, NULL, NULL),
      FC_CODE_OK);
  assert_slice_is(fc_bytes_slice(response), "BAABx");
  fc_bytes_unref(response);
  await_drops(&w, 1);
  assert_memory_equal(w.notes.text, "in-1 in-2 receive-B receive-A send-A send-B ", 44);
  assert_true(in_order(&w.notes, "out-2", "out-1"));
  assert_true(in_order(&w.notes, "done-A", "done-B"));
  close_world(&w);
}

static void a_server_s_interceptor_may_answer(void **state) {
  struct world w;
  open_guarded(&w, state);
  struct guard guards[] = {{&w.notes, "1", NULL, false}, {&w.notes, "2", NULL, true}};
  const fc_server_interceptor list[] = {{guard_call, &guards[0]}, {guard_call, &guards[1]}};
  guard_with(&w, list, 2);
  stage_serve(&w.stage, "/t/Echo", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, stage_echo, NULL);
  stage_start(&w.stage);
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_unary_unary(w.stage.channel, "/t/Echo", TEXT("x"), NULL, NULL, NULL, &err),
                   FC_CODE_PERMISSION_DENIED);
  assert_string_equal(err.message, "2");
  close_world(&w);
}

/* The client reads only when both messages were taken, which are more than its window. */
static void respond_behind_a_full_window(fc_call *call, void *user) {
  fc_bytes *message = stage_message(300000);
  MUST(fc_call_send(call, message, 0) == FC_OK);
  MUST(fc_call_respond(call, fc_bytes_copy("the end", 7)) == FC_OK);
  gate_pass(user);
}

static void to_respond_waits_for_nobody(void **state) {
  struct world w;
  struct gate responded = GATE_INIT;
  open_guarded(&w, state);
  struct guard guard = {&w.notes, "1", &w.hooks_a, false};
  const fc_server_interceptor list[] = {{guard_call, &guard}};
  guard_with(&w, list, 1);
  stage_serve(&w.stage, "/t/Full", FC_PATTERN_UNARY_STREAM, FC_HANDLER_BLOCKING,
              respond_behind_a_full_window, &responded);
  stage_start(&w.stage);
  fc_call *call;
  fc_bytes *message;
  assert_int_equal(fc_unary_stream(w.stage.channel, "/t/Full", TEXT(""), NULL, &call, NULL), FC_OK);
  gate_await(&responded, 1);
  assert_int_equal(fc_call_recv(call, &message), FC_OK);
  assert_int_equal(fc_bytes_slice(message).len, 300001);
  fc_bytes_unref(message);
  stage_expect(call, "Athe end");
  stage_expect_end(call, FC_CODE_OK);
  close_world(&w);
}

/* Nothing is taken when a hook refuses, and the handler keeps its message. */
static void respond_refused(fc_call *call, void *user) {
  fc_bytes *message = stage_message(10);
  MUST(fc_call_respond(call, message) == FC_ERR_CLOSED);
  MUST(stage_is_message(fc_bytes_slice(message), 10));
  fc_bytes_unref(message);
  gate_pass(user);
}

static void a_hook_may_refuse_a_response(void **state) {
  struct world w;
  struct gate responded = GATE_INIT;
  open_guarded(&w, state);
  w.a.refuse_send = true;
  struct guard guard = {&w.notes, "1", &w.hooks_a, false};
  const fc_server_interceptor list[] = {{guard_call, &guard}};
  guard_with(&w, list, 1);
  stage_serve(&w.stage, "/t/Refused", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, respond_refused,
              &responded);
  stage_start(&w.stage);
  assert_int_equal(fc_unary_unary(w.stage.channel, "/t/Refused", TEXT(""), NULL, NULL, NULL, NULL),
                   FC_CODE_INTERNAL);
  gate_await(&responded, 1);
  close_world(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hooks_see_a_stream_in_order),
      cmocka_unit_test(hooks_see_a_blocking_call),
      cmocka_unit_test(hooks_see_a_call_by_callback),
      cmocka_unit_test(a_hook_that_refuses_to_send_ends_the_call),
      cmocka_unit_test(a_hook_that_refuses_to_receive_ends_the_call),
      cmocka_unit_test(a_response_that_a_hook_refuses_is_no_success),
      cmocka_unit_test(a_request_that_hooks_make_too_long_ends_the_call),
      cmocka_unit_test(a_hook_may_cancel_the_call),
      cmocka_unit_test(hooks_see_what_is_sent_and_nothing_else),
      cmocka_unit_test(hooks_of_a_call_that_is_given_up_are_dropped),
      cmocka_unit_test(an_interceptor_changes_calls_and_makes_them_again),
      cmocka_unit_test(interceptors_attach_hooks),
      cmocka_unit_test(an_interceptor_may_refuse_a_call),
      cmocka_unit_test(an_interceptor_may_not_return_a_server_s_call),
      cmocka_unit_test(a_server_s_interceptors_surround_the_handler),
      cmocka_unit_test(a_server_s_interceptor_may_answer),
      cmocka_unit_test(to_respond_waits_for_nobody),
      cmocka_unit_test(a_hook_may_refuse_a_response),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
