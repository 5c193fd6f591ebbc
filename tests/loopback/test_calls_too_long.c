/*
 * Messages longer than the four bytes of their length can say, given to every function that takes one: refused before
 * anything is sent or copied, and the call goes on. No such message is in memory: only its length is looked at. Under
 * each driver. Spec: PROTOCOL-HTTP2.md, Length-Prefixed-Message
 */
#include <stdio.h>

#include "support/failing_alloc.h"
#include "support/stage.h"
#include "wire/deframer.h"

#define HUGE (FC__MESSAGE_MAX + 10)

static fc_slice huge_slice(void) { return (fc_slice){(const uint8_t *)"huge", HUGE}; }

static fc_bytes *huge_message(void) {
  fc_bytes *message = fc_bytes_wrap("huge", HUGE, NULL, NULL);
  MUST(message != NULL);
  return message;
}

/* Tells the length and the limit. */
static bool tells_both(const char *text) {
  char numbers[2][32];
  snprintf(numbers[0], sizeof numbers[0], " %zu ", HUGE);
  snprintf(numbers[1], sizeof numbers[1], " %zu", FC__MESSAGE_MAX);
  return strstr(text, numbers[0]) && strstr(text, numbers[1]);
}

/* ---- the server's side ---- */

#define REFUSED(call, message, flags)                                                              \
  MUST(fc_call_send(call, message, flags) == FC_ERR_LIMIT);                                        \
  MUST(fc_call_send_async(call, message, flags, never_sent, NULL) == FC_ERR_LIMIT);                \
  MUST(fc_call_send_copy(call, fc_bytes_slice(message), flags) == FC_ERR_LIMIT)

static void never_sent(fc_call *call, fc_result result, void *user) {
  (void)call, (void)result, (void)user;
  MUST(false && "a send that was refused is told of");
}

/* Nothing has been sent: the initial metadata still can be. */
static void answer(fc_call *call, void *user) {
  const fc_compression *compression = user;
  fc_bytes *message = huge_message();
  MUST(fc_call_set_compression(call, *compression) == FC_OK);
  REFUSED(call, message, 0);
  REFUSED(call, message, FC_SEND_MORE);
  REFUSED(call, message, FC_SEND_NO_WAIT);
  REFUSED(call, message, FC_SEND_UNCOMPRESSED);
  MUST(fc_call_respond(call, message) == FC_ERR_LIMIT);
  MUST(fc_call_send_initial_metadata(call, NULL) == FC_OK);
  REFUSED(call, message, 0);
  MUST(fc_call_respond(call, message) == FC_ERR_LIMIT);
  fc_bytes_unref(message);
  stage_echo(call, NULL);
}

/* ---- the world ---- */

struct world {
  struct stage stage;
  fc_compression compression; /* of both sides */
  fc_call_options options;
};

static void open_world(struct world *w, void **state, fc_compression compression) {
  *w = (struct world){.compression = compression, .options = FC_CALL_OPTIONS_INIT};
  stage_open(&w->stage, state);
  w->stage.options.max_send_message_bytes = SIZE_MAX;
  w->stage.options.compression = compression;
  w->stage.server_options.max_send_message_bytes = SIZE_MAX;
  stage_serve(&w->stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo,
              NULL);
  stage_serve(&w->stage, "/t/Answer", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, answer,
              &w->compression);
  stage_start(&w->stage);
}

static void close_world(struct world *w) {
  fc_bytes_unref(w->options.request);
  stage_close(&w->stage);
}

/* ---- requests ---- */

static void never_done(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  (void)call, (void)status, (void)response, (void)user;
  MUST(false && "a call that was not made has ended");
}

static bool never_message(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)message, (void)user;
  MUST(false && "a call that was not made has had a response");
  return false;
}

/* By each function of rpc.h that takes a request. */
static void expect_no_call(struct world *w, fc_slice request) {
  fc_error errs[5] = {FC_ERROR_INIT};
  fc_channel *ch = w->stage.channel;
  const fc_call_options *o = &w->options;
  fc_call *call;
  assert_int_equal(fc_unary_unary(ch, "/t/Echo", request, o, NULL, &call, &errs[0]),
                   FC_CODE_RESOURCE_EXHAUSTED);
  assert_null(call);
  assert_int_equal(fc_unary_unary_future(ch, "/t/Echo", request, o, &call, &errs[1]), FC_ERR_LIMIT);
  assert_null(call);
  assert_int_equal(
      fc_unary_unary_async(ch, "/t/Echo", request, o, never_done, NULL, &call, &errs[2]),
      FC_ERR_LIMIT);
  assert_null(call);
  assert_int_equal(fc_unary_stream(ch, "/t/Echo", request, o, &call, &errs[3]), FC_ERR_LIMIT);
  assert_null(call);
  assert_int_equal(fc_unary_stream_async(ch, "/t/Echo", request, o, never_message, never_done, NULL,
                                         &call, &errs[4]),
                   FC_ERR_LIMIT);
  assert_null(call);
  for (size_t i = 0; i < sizeof errs / sizeof *errs; i++) {
    assert_int_equal(errs[i].result, FC_ERR_LIMIT);
    assert_true(tells_both(errs[i].message));
  }
}

static void requests_are_refused(struct world *w) {
  fc_error err = FC_ERROR_INIT;
  fc_call *call;
  fc_bytes *response;
  expect_no_call(w, huge_slice());
  w->options.request = huge_message();
  w->options.pattern = FC_PATTERN_UNARY_UNARY;
  expect_no_call(w, FC_SLICE_EMPTY);
  assert_int_equal(fc_channel_call(w->stage.channel, "/t/Echo", &w->options, &call, &err),
                   FC_ERR_LIMIT);
  assert_null(call);
  assert_true(tells_both(err.message));
  assert_int_equal(
      fc_unary_unary(w->stage.channel, "/t/Echo", TEXT("small"), NULL, &response, NULL, NULL),
      FC_CODE_OK);
  fc_bytes_unref(response);
}

static void a_request_is_refused_before_it_is_a_call(void **state) {
  struct world w;
  for (fc_compression c = FC_COMPRESSION_NONE; c <= FC_COMPRESSION_GZIP; c++) {
    open_world(&w, state, c);
    requests_are_refused(&w);
    close_world(&w);
  }
}

/* ---- messages of a stream ---- */

static void messages_are_refused(struct world *w, const char *method) {
  fc_bytes *message = huge_message();
  fc_call *call = stage_call(&w->stage, method, FC_PATTERN_STREAM_STREAM, NULL);
  REFUSED(call, message, 0);
  REFUSED(call, message, FC_SEND_LAST);
  REFUSED(call, message, FC_SEND_MORE);
  REFUSED(call, message, FC_SEND_NO_WAIT);
  REFUSED(call, message, FC_SEND_UNCOMPRESSED);
  assert_int_equal(fc_call_send_copy(call, TEXT("small"), 0), FC_OK);
  stage_expect(call, "small");
  REFUSED(call, message, FC_SEND_LAST);
  fc_bytes_unref(message);
  assert_int_equal(fc_call_send_copy(call, TEXT("last"), FC_SEND_LAST), FC_OK);
  stage_expect(call, "last");
  stage_expect_end(call, FC_CODE_OK);
}

static void a_message_is_refused_and_the_call_goes_on(void **state) {
  struct world w;
  for (fc_compression c = FC_COMPRESSION_NONE; c <= FC_COMPRESSION_GZIP; c++) {
    open_world(&w, state, c);
    messages_are_refused(&w, "/t/Echo");
    messages_are_refused(&w, "/t/Answer");
    close_world(&w);
  }
}

/* ---- sources ---- */

struct source {
  int given;
  struct gate done;
  fc_code code;
  char text[200];
};

static fc_bytes *give(fc_call *call, void *user) {
  struct source *s = user;
  (void)call;
  MUST(s->given < 2);
  return s->given++ == 0 ? fc_bytes_copy("small", 5) : huge_message();
}

static void done(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct source *s = user;
  (void)call;
  MUST(response == NULL);
  s->code = status->code;
  snprintf(s->text, sizeof s->text, "%s", status->message);
  gate_pass(&s->done);
}

static bool drop_message(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)user;
  fc_bytes_unref(message);
  return true;
}

static void expect_told(struct source *s, int calls) {
  gate_await(&s->done, calls);
  assert_int_equal(s->code, FC_CODE_RESOURCE_EXHAUSTED);
  assert_true(tells_both(s->text));
  s->given = 0;
}

static void a_source_that_gives_one_ends_the_call(void **state) {
  struct world w;
  struct source s = {.done = GATE_INIT};
  fc_error err = FC_ERROR_INIT;
  open_world(&w, state, FC_COMPRESSION_NONE);
  fc_channel *ch = w.stage.channel;
  assert_int_equal(fc_stream_unary(ch, "/t/Echo", give, &s, NULL, NULL, NULL, &err),
                   FC_CODE_RESOURCE_EXHAUSTED);
  assert_int_equal(err.result, FC_ERR_LIMIT);
  assert_true(tells_both(err.message));
  s.given = 0;
  assert_int_equal(fc_stream_unary_async(ch, "/t/Echo", give, NULL, done, &s, NULL, NULL), FC_OK);
  expect_told(&s, 1);
  assert_int_equal(
      fc_stream_stream_async(ch, "/t/Echo", give, drop_message, NULL, done, &s, NULL, NULL), FC_OK);
  expect_told(&s, 2);
  close_world(&w);
}

/* ---- hooks ---- */

/* Of two messages the second becomes too long. */
static fc_bytes *lengthen(fc_call *call, fc_bytes *message, void *user) {
  int *left = user;
  (void)call;
  if ((*left)-- > 0) return message;
  fc_bytes_unref(message);
  return huge_message();
}

static void one_that_a_hook_makes_is_refused_too(void **state) {
  struct world w;
  fc_error err = FC_ERROR_INIT;
  int left = 1;
  fc_call_hooks hooks = FC_CALL_HOOKS_INIT;
  hooks.on_send = lengthen;
  hooks.user = &left;
  open_world(&w, state, FC_COMPRESSION_NONE);
  w.options.hooks = &hooks;
  fc_call *call = stage_call(&w.stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, &w.options);
  assert_int_equal(fc_call_send_copy(call, TEXT("small"), 0), FC_OK);
  assert_int_equal(fc_call_send_copy(call, TEXT("small"), 0), FC_ERR_LIMIT);
  stage_expect(call, "small");
  assert_int_equal(fc_call_close_send(call), FC_OK);
  stage_expect_end(call, FC_CODE_OK);
  left = 0;
  assert_int_equal(
      fc_unary_unary(w.stage.channel, "/t/Echo", TEXT("x"), &w.options, NULL, NULL, &err),
      FC_CODE_RESOURCE_EXHAUSTED);
  char expected[100];
  snprintf(expected, sizeof expected, "a hook has made the message longer than %zu bytes",
           FC__MESSAGE_MAX);
  assert_string_equal(err.message, expected);
  close_world(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_is_refused_before_it_is_a_call),
      cmocka_unit_test(a_message_is_refused_and_the_call_goes_on),
      cmocka_unit_test(a_source_that_gives_one_ends_the_call),
      cmocka_unit_test(one_that_a_hook_makes_is_refused_too),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
