/* The short functions of rpc.h and the interceptors, against a server that echoes. */
#include "farcall/server.h"
#include "sim/channel_world.h"
#include "support/check.h"

#define S FC_SECOND
#define MS FC_MILLISECOND

/* ---- a server with a method of each pattern, on the same reactor ---- */

struct service {
  struct world world;
  fc_server *server;
  size_t received;
};

static void reply_again(fc_call *call, fc_bytes *message, void *user);

static void got_request(fc_call *call, fc_bytes *message, void *user) {
  struct service *s = user;
  if (!message) {
    if (fc_call_finish(call, FC_CODE_OK, NULL, (fc_slice){0}) != FC_OK) s->received = 0;
    fc_call_destroy(call);
    return;
  }
  s->received++;
  reply_again(call, message, user);
}

static void sent_reply(fc_call *call, fc_result result, void *user) {
  if (result == FC_OK && fc_call_recv_async(call, got_request, user) == FC_OK) return;
  fc_call_destroy(call);
}

static void reply_again(fc_call *call, fc_bytes *message, void *user) {
  if (fc_call_send_async(call, message, 0, sent_reply, user) == FC_OK) return;
  fc_bytes_unref(message);
  fc_call_destroy(call);
}

/* Sends every request back: right for stream-stream, and for the rest with one message. */
static void echo(fc_call *call, void *user) {
  if (fc_call_recv_async(call, got_request, user) != FC_OK) fc_call_destroy(call);
}

static void got_one_of_many(fc_call *call, fc_bytes *message, void *user) {
  struct service *s = user;
  if (message) {
    s->received++;
    fc_bytes_unref(message);
    if (fc_call_recv_async(call, got_one_of_many, user) == FC_OK) return;
  } else {
    fc_bytes *sum = fc_bytes_copy("sum", 3);
    if (fc_call_respond(call, sum) != FC_OK) fc_bytes_unref(sum);
  }
  fc_call_destroy(call);
}

static void gather(fc_call *call, void *user) {
  if (fc_call_recv_async(call, got_one_of_many, user) != FC_OK) fc_call_destroy(call);
}

static void abort_call(fc_call *call, void *user) {
  (void)user;
  fc_result r = fc_call_finish(call, FC_CODE_ABORTED, "no way", (fc_slice){0});
  assert_int_equal(r, FC_OK);
  fc_call_destroy(call);
}

static void add(struct service *s, const char *method, fc_pattern pattern,
                void (*fn)(fc_call *, void *)) {
  fc_handler h = FC_HANDLER_INIT;
  h.pattern = pattern;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = fn;
  h.user = s;
  assert_int_equal(fc_server_register(s->server, method, &h, NULL), FC_OK);
}

static void open_service(struct service *s) {
  memset(s, 0, sizeof *s);
  world_open(&s->world);
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.reactor = sim_reactor(s->world.sim);
  assert_int_equal(fc_server_create(&o, &s->server, NULL), FC_OK);
  add(s, "/s/unary", FC_PATTERN_STREAM_STREAM, echo);
  add(s, "/s/gather", FC_PATTERN_STREAM_UNARY, gather);
  add(s, "/s/fail", FC_PATTERN_UNARY_UNARY, abort_call);
  assert_int_equal(fc_server_listen(s->server, "10.0.0.1:90", NULL, NULL), FC_OK);
  assert_int_equal(fc_server_start(s->server, NULL), FC_OK);
}

static void close_service(struct service *s) {
  fc_channel_destroy(s->world.channel);
  s->world.channel = NULL;
  fc_server_destroy(s->server);
  world_close(&s->world);
}

static void open_default(struct service *s) {
  open_service(s);
  world_channel(&s->world, "ipv4:10.0.0.1:90");
}

/* ---- blocking ---- */

static void a_blocking_call_returns_code_response_and_call(void **state) {
  (void)state;
  struct service s;
  fc_bytes *response;
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  open_default(&s);
  assert_int_equal(
      fc_unary_unary(s.world.channel, "/s/unary", TEXT("hello"), NULL, &response, &call, &err),
      FC_CODE_OK);
  assert_slice_is(fc_bytes_slice(response), "hello");
  fc_bytes_unref(response);
  assert_string_equal(fc_call_method(call), "/s/unary");
  assert_int_equal(err.result, FC_OK);
  fc_call_destroy(call);
  assert_int_equal(
      fc_unary_unary(s.world.channel, "/s/fail", TEXT(""), NULL, &response, &call, &err),
      FC_CODE_ABORTED);
  assert_null(response);
  assert_string_equal(err.message, "no way");
  assert_int_equal(fc_call_status(call)->origin, FC_ORIGIN_PEER);
  fc_call_destroy(call);
  assert_int_equal(fc_unary_unary(s.world.channel, "/s/none", TEXT(""), NULL, NULL, NULL, NULL),
                   FC_CODE_UNIMPLEMENTED);
  close_service(&s);
}

struct source {
  int left;
  size_t size;
};

static fc_bytes *give(fc_call *call, void *user) {
  (void)call;
  struct source *source = user;
  if (source->left-- <= 0) return NULL;
  uint8_t *data;
  fc_bytes *message = fc_bytes_create(source->size, &data);
  memset(data, 'x', source->size);
  return message;
}

static void a_source_is_sent_as_fast_as_the_peer_takes_it(void **state) {
  (void)state;
  struct service s;
  struct source source = {50, 100000};
  fc_bytes *response;
  open_default(&s);
  assert_int_equal(
      fc_stream_unary(s.world.channel, "/s/gather", give, &source, NULL, &response, NULL, NULL),
      FC_CODE_OK);
  assert_slice_is(fc_bytes_slice(response), "sum");
  fc_bytes_unref(response);
  assert_int_equal(s.received, 50);
  close_service(&s);
}

static void a_request_that_is_too_long_ends_the_stream(void **state) {
  (void)state;
  struct service s;
  struct source source = {50, 1000};
  fc_error err = FC_ERROR_INIT;
  open_service(&s);
  s.world.options.max_send_message_bytes = 999;
  world_channel(&s.world, "ipv4:10.0.0.1:90");
  assert_int_equal(
      fc_stream_unary(s.world.channel, "/s/gather", give, &source, NULL, NULL, NULL, &err),
      FC_CODE_RESOURCE_EXHAUSTED);
  assert_int_equal(source.left, 49);
  close_service(&s);
}

/* ---- futures ---- */

static void futures_proceed_by_themselves(void **state) {
  (void)state;
  struct service s;
  fc_call *unary, *stream;
  fc_bytes *response;
  open_default(&s);
  assert_int_equal(
      fc_unary_unary_future(s.world.channel, "/s/unary", TEXT("hello"), NULL, &unary, NULL), FC_OK);
  assert_int_equal(fc_stream_unary_future(s.world.channel, "/s/gather", NULL, &stream, NULL),
                   FC_OK);
  assert_int_equal(fc_call_send_copy(stream, TEXT("a"), FC_SEND_LAST), FC_OK);
  world_run(&s.world, S);
  assert_true(fc_call_is_done(unary));
  assert_true(fc_call_is_done(stream));
  assert_int_equal(fc_call_recv(unary, &response), FC_OK);
  assert_slice_is(fc_bytes_slice(response), "hello");
  fc_bytes_unref(response);
  fc_call_destroy(unary);
  fc_call_destroy(stream);
  close_service(&s);
}

static void streams_are_read_to_their_end(void **state) {
  (void)state;
  struct service s;
  fc_call *call;
  fc_bytes *message;
  open_default(&s);
  assert_int_equal(fc_unary_stream(s.world.channel, "/s/unary", TEXT("a"), NULL, &call, NULL),
                   FC_OK);
  assert_int_equal(fc_call_recv(call, &message), FC_OK);
  fc_bytes_unref(message);
  assert_int_equal(fc_call_recv(call, &message), FC_END);
  fc_call_destroy(call);
  assert_int_equal(fc_stream_stream(s.world.channel, "/s/unary", NULL, &call, NULL), FC_OK);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(fc_call_send_copy(call, TEXT("a"), 0), FC_OK);
    assert_int_equal(fc_call_recv(call, &message), FC_OK);
    fc_bytes_unref(message);
  }
  assert_int_equal(fc_call_close_send(call), FC_OK);
  assert_int_equal(fc_call_recv(call, &message), FC_END);
  fc_call_destroy(call);
  close_service(&s);
}

/* ---- callbacks ---- */

struct outcome {
  struct source source;
  int messages, stop_at, told;
  fc_code code;
  bool response;
  fc_call *call;
};

static fc_bytes *give_outcome(fc_call *call, void *user) {
  (void)call;
  return give(call, &((struct outcome *)user)->source);
}

static bool take(fc_call *call, fc_bytes *message, void *user) {
  struct outcome *o = user;
  assert_non_null(call);
  fc_bytes_unref(message);
  return ++o->messages != o->stop_at;
}

static void told(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct outcome *o = user;
  o->told++;
  o->code = status->code;
  o->response = response != NULL;
  assert_true(fc_call_status(call) == status);
  fc_bytes_unref(response);
}

static void callbacks_tell_the_outcome_once(void **state) {
  (void)state;
  struct service s;
  struct outcome unary = {0}, down = {0}, up = {.source = {5, 10}}, both = {.source = {5, 10}};
  open_default(&s);
  fc_channel *ch = s.world.channel;
  assert_int_equal(fc_unary_unary_async(ch, "/s/unary", TEXT("a"), NULL, told, &unary, NULL, NULL),
                   FC_OK);
  assert_int_equal(
      fc_unary_stream_async(ch, "/s/unary", TEXT("a"), NULL, take, told, &down, NULL, NULL), FC_OK);
  assert_int_equal(
      fc_stream_unary_async(ch, "/s/gather", give_outcome, NULL, told, &up, NULL, NULL), FC_OK);
  assert_int_equal(
      fc_stream_stream_async(ch, "/s/unary", give_outcome, take, NULL, told, &both, NULL, NULL),
      FC_OK);
  assert_int_equal(unary.told + down.told + up.told + both.told, 0);
  world_run(&s.world, S);
  assert_true(unary.told == 1 && unary.code == FC_CODE_OK && unary.response);
  assert_true(down.told == 1 && down.code == FC_CODE_OK && !down.response && down.messages == 1);
  assert_true(up.told == 1 && up.code == FC_CODE_OK && up.response);
  assert_true(both.told == 1 && both.code == FC_CODE_OK && both.messages == 5);
  close_service(&s);
}

static fc_bytes *replace(fc_call *call, fc_bytes *message, void *user) {
  (void)call;
  ++*(int *)user;
  fc_bytes_unref(message);
  return fc_bytes_copy("other", 5);
}

/* In each mode the response passes the call's hooks. */
static void hooks_see_the_response(void **state) {
  (void)state;
  struct service s;
  struct outcome o = {0};
  int seen = 0;
  fc_call_hooks hooks = FC_CALL_HOOKS_INIT;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  fc_bytes *response;
  open_default(&s);
  hooks.on_receive = replace;
  hooks.user = &seen;
  options.hooks = &hooks;
  assert_int_equal(
      fc_unary_unary_async(s.world.channel, "/s/unary", TEXT("a"), &options, told, &o, NULL, NULL),
      FC_OK);
  world_run(&s.world, S);
  assert_true(o.told == 1 && o.response && seen == 1);
  assert_int_equal(
      fc_unary_unary(s.world.channel, "/s/unary", TEXT("a"), &options, &response, NULL, NULL),
      FC_CODE_OK);
  assert_slice_is(fc_bytes_slice(response), "other");
  fc_bytes_unref(response);
  assert_int_equal(seen, 2);
  close_service(&s);
}

static void a_callback_is_told_of_a_call_that_failed_at_once(void **state) {
  (void)state;
  struct service s;
  struct outcome unary = {0}, both = {.source = {5, 10}};
  open_default(&s);
  fc_channel_close(s.world.channel);
  assert_int_equal(fc_unary_unary_async(s.world.channel, "/s/unary", TEXT("a"), NULL, told, &unary,
                                        &unary.call, NULL),
                   FC_OK);
  assert_int_equal(fc_stream_stream_async(s.world.channel, "/s/unary", give_outcome, take, NULL,
                                          told, &both, NULL, NULL),
                   FC_OK);
  assert_int_equal(unary.told + both.told, 0); /* never from inside the function */
  fc_call_destroy(unary.call);
  world_run(&s.world, S);
  assert_true(unary.told == 1 && unary.code == FC_CODE_CANCELLED);
  assert_true(both.told == 1 && both.code == FC_CODE_CANCELLED && both.source.left == 5);
  close_service(&s);
}

static void a_callback_can_stop_a_stream(void **state) {
  (void)state;
  struct service s;
  struct outcome both = {.source = {1000, 10000}, .stop_at = 3},
                 late = {.source = {10, 10}, .stop_at = 3};
  open_default(&s);
  assert_int_equal(fc_stream_stream_async(s.world.channel, "/s/unary", give_outcome, take, NULL,
                                          told, &both, NULL, NULL),
                   FC_OK);
  world_run(&s.world, S);
  assert_true(both.told == 1 && both.code == FC_CODE_CANCELLED);
  assert_int_equal(both.messages, 3);
  assert_true(both.source.left > 0);
  assert_int_equal(fc_stream_stream_async(s.world.channel, "/s/unary", give_outcome, take, NULL,
                                          told, &late, NULL, NULL),
                   FC_OK);
  world_run(&s.world, S);
  assert_int_equal(late.told, 1); /* with the server's status, if that was there before */
  assert_int_equal(late.messages, 3);
  close_service(&s);
}

static void a_handle_given_back_early_changes_nothing(void **state) {
  (void)state;
  struct service s;
  struct outcome both = {.source = {5, 10}}, unary = {0};
  open_default(&s);
  assert_int_equal(fc_stream_stream_async(s.world.channel, "/s/unary", give_outcome, take, NULL,
                                          told, &both, &both.call, NULL),
                   FC_OK);
  assert_int_equal(fc_unary_unary_async(s.world.channel, "/s/unary", TEXT("a"), NULL, told, &unary,
                                        &unary.call, NULL),
                   FC_OK);
  fc_call_destroy(both.call);
  fc_call_destroy(unary.call);
  world_run(&s.world, S);
  assert_true(both.told == 1 && both.code == FC_CODE_OK && both.messages == 5);
  assert_true(unary.told == 1 && unary.code == FC_CODE_OK && unary.response);
  close_service(&s);
}

static void missing_callbacks_are_refused(void **state) {
  (void)state;
  struct service s;
  open_default(&s);
  fc_channel *ch = s.world.channel;
  assert_int_equal(fc_unary_unary_async(ch, "/s/m", TEXT(""), NULL, NULL, NULL, NULL, NULL),
                   FC_ERR_INVALID);
  assert_int_equal(fc_unary_stream_async(ch, "/s/m", TEXT(""), NULL, NULL, told, NULL, NULL, NULL),
                   FC_ERR_INVALID);
  assert_int_equal(fc_stream_unary_async(ch, "/s/m", NULL, NULL, told, NULL, NULL, NULL),
                   FC_ERR_INVALID);
  assert_int_equal(fc_stream_stream_async(ch, "/s/m", give, NULL, NULL, told, NULL, NULL, NULL),
                   FC_ERR_INVALID);
  assert_int_equal(fc_stream_unary(ch, "/s/m", NULL, NULL, NULL, NULL, NULL, NULL),
                   FC_CODE_INVALID_ARGUMENT);
  assert_int_equal(fc_unary_unary_future(ch, "/s/m", TEXT(""), NULL, NULL, NULL), FC_ERR_INVALID);
  close_service(&s);
}

/* ---- interceptors ---- */

struct trail {
  char text[100];
};

static fc_result note(struct trail *trail, const char *name, fc_next *next, const char *method,
                      const fc_call_options *o, fc_call **out, fc_error *err) {
  strcat(trail->text, name);
  return fc_next_call(next, method, o, out, err);
}

static fc_result first(fc_next *next, const char *method, const fc_call_options *o, fc_call **out,
                       fc_error *err, void *user) {
  assert_string_equal(method, "/s/any");
  assert_true(o->pattern == FC_PATTERN_UNARY_UNARY && o->request != NULL);
  return note(user, "first ", next, method, o, out, err);
}

static fc_result redirect(fc_next *next, const char *method, const fc_call_options *o,
                          fc_call **out, fc_error *err, void *user) {
  (void)method;
  return note(user, "redirect ", next, "/s/unary", o, out, err);
}

static fc_result insist(fc_next *next, const char *method, const fc_call_options *o, fc_call **out,
                        fc_error *err, void *user) {
  struct trail *trail = user;
  for (int i = 0;; i++) {
    fc_result r = note(trail, "try ", next, i < 2 ? "/s/fail" : method, o, out, err);
    if (r != FC_OK || fc_call_wait(*out, FC_NEVER) != FC_OK) return r;
    if (fc_call_status(*out)->code == FC_CODE_OK) return FC_OK;
    fc_call_destroy(*out);
    *out = NULL;
  }
}

static fc_result refuse(fc_next *next, const char *method, const fc_call_options *o, fc_call **out,
                        fc_error *err, void *user) {
  (void)next, (void)method, (void)o, (void)out, (void)err;
  return *(fc_result *)user;
}

static void interceptors_see_and_change_calls_in_order(void **state) {
  (void)state;
  struct service s;
  struct trail trail = {""};
  fc_interceptor list[] = {{first, &trail}, {redirect, &trail}, {insist, &trail}};
  open_service(&s);
  s.world.options.interceptors = list;
  s.world.options.interceptor_count = 3;
  world_channel(&s.world, "ipv4:10.0.0.1:90");
  fc_bytes *response;
  assert_int_equal(
      fc_unary_unary(s.world.channel, "/s/any", TEXT("hello"), NULL, &response, NULL, NULL),
      FC_CODE_OK);
  assert_slice_is(fc_bytes_slice(response), "hello");
  fc_bytes_unref(response);
  assert_string_equal(trail.text, "first redirect try try try ");
  close_service(&s);
}

static void an_interceptor_may_refuse(void **state) {
  (void)state;
  struct service s;
  fc_result result = FC_ERR_LIMIT;
  fc_interceptor list[] = {{refuse, &result}};
  fc_error err = FC_ERROR_INIT;
  fc_call *call;
  open_service(&s);
  s.world.options.interceptors = list;
  s.world.options.interceptor_count = 1;
  world_channel(&s.world, "ipv4:10.0.0.1:90");
  assert_int_equal(fc_channel_call(s.world.channel, "/s/any", NULL, &call, &err), FC_ERR_LIMIT);
  assert_null(call);
  result = FC_OK; /* and no call */
  assert_int_equal(fc_channel_call(s.world.channel, "/s/any", NULL, &call, &err), FC_ERR_INVALID);
  assert_non_null(strstr(err.message, "interceptor 0"));
  assert_int_equal(fc_next_call(NULL, "/s/any", NULL, &call, &err), FC_ERR_INVALID);
  close_service(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_blocking_call_returns_code_response_and_call),
      cmocka_unit_test(a_source_is_sent_as_fast_as_the_peer_takes_it),
      cmocka_unit_test(a_request_that_is_too_long_ends_the_stream),
      cmocka_unit_test(futures_proceed_by_themselves),
      cmocka_unit_test(streams_are_read_to_their_end),
      cmocka_unit_test(callbacks_tell_the_outcome_once),
      cmocka_unit_test(hooks_see_the_response),
      cmocka_unit_test(a_callback_is_told_of_a_call_that_failed_at_once),
      cmocka_unit_test(a_callback_can_stop_a_stream),
      cmocka_unit_test(a_handle_given_back_early_changes_nothing),
      cmocka_unit_test(missing_callbacks_are_refused),
      cmocka_unit_test(interceptors_see_and_change_calls_in_order),
      cmocka_unit_test(an_interceptor_may_refuse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
