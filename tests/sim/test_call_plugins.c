/*
 * Plugins for the metadata of calls: when they are asked and what for, what becomes of their answers, and of calls that
 * end before one comes. hostile.md 64
 */
#include <stdio.h>

#include "client/channel.h"
#include "sim/credential_world.h"
#include "support/failing_alloc.h"

#define S FC_SECOND
#define MS FC_MILLISECOND
#define FAILED "Getting metadata from plugin failed with error: "

static struct credential_world w;
static struct plugin a, b;

static int open_world(void **state) {
  (void)state;
  a = (struct plugin){.way = PLUGIN_KEEPS, .key = "x-a", .value = "1"};
  b = (struct plugin){.way = PLUGIN_KEEPS, .key = "x-b", .value = "2"};
  credentials_open(&w);
  return 0;
}

static int close_world(void **state) {
  (void)state;
  credentials_close(&w);
  assert_null(a.request);
  assert_null(b.request);
  return 0;
}

/* A call with these credentials of its own, whose reference is taken. */
static fc_call *start(fc_call_credentials *own) {
  fc_call *call = credentials_call(&w, own, 0);
  fc_call_credentials_destroy(own);
  return call;
}

/* The server was connected to, and no more. */
static void expect_nothing_sent(void) { assert_string_equal(credentials_said(&w), ""); }

/* ---- answers ---- */

static void an_answer_at_once_goes_with_the_call(void **state) {
  (void)state;
  a.way = PLUGIN_GIVES;
  credentials_channel(&w, NULL);
  credentials_expect_sent(&w, start(plugin_credentials(&a)), 1, " never:x-a=1");
  assert_string_equal(a.url, "https://localhost/pkg.Service");
  assert_string_equal(a.method, "Method");
  assert_int_equal(a.dropped, 1);
}

static void a_call_waits_for_a_later_answer(void **state) {
  (void)state;
  credentials_channel(&w, NULL);
  fc_call *call = start(plugin_credentials(&a));
  expect_nothing_sent();
  assert_int_equal(w.end.accepted, 1); /* meanwhile it connects */
  assert_false(fc_call_is_done(call));
  assert_int_equal(a.dropped, 0);
  plugin_give(&a);
  assert_int_equal(a.dropped, 1);
  credentials_expect_sent(&w, call, 1, " never:x-a=1");
}

static void an_answer_may_have_no_metadata(void **state) {
  (void)state;
  a.way = PLUGIN_GIVES;
  a.key = NULL;
  credentials_channel(&w, plugin_credentials(&a));
  credentials_expect_sent(&w, start(NULL), 1, "");
  assert_int_equal(a.dropped, 0);
  credentials_expect_sent(&w, start(NULL), 3, "");
  assert_int_equal(a.asked, 2);
}

static void give_a(void *user) {
  (void)user;
  plugin_give(&a);
}

static void a_blocking_call_waits_too(void **state) {
  (void)state;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_error err = FC_ERROR_INIT;
  credentials_channel(&w, NULL);
  o.credentials = plugin_credentials(&a);
  o.timeout_ns = S;
  sim_at(w.sim, sim_now(w.sim) + 300 * MS, give_a, NULL);
  fc_code code = fc_unary_unary(w.channel, "/s/m", TEXT(""), &o, NULL, NULL, &err);
  assert_int_equal(code, FC_CODE_DEADLINE_EXCEEDED); /* the server does not answer */
  assert_non_null(strstr(credentials_said(&w), "grpc-timeout=700m never:x-a=1\n"));
  fc_call_credentials_destroy(o.credentials);
}

struct outcome {
  int told;
  fc_code code;
};

static void told(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  struct outcome *outcome = user;
  (void)call;
  outcome->told++;
  outcome->code = status->code;
  fc_bytes_unref(response);
}

static void a_call_with_a_callback_waits_too(void **state) {
  (void)state;
  struct outcome outcome = {0};
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  credentials_channel(&w, both(plugin_credentials(&a), plugin_credentials(&b)));
  assert_int_equal(
      fc_unary_unary_async(w.channel, "/s/m", TEXT(""), &o, told, &outcome, NULL, NULL), FC_OK);
  plugin_give(&a);
  expect_nothing_sent();
  plugin_give(&b);
  assert_non_null(strstr(credentials_said(&w), " never:x-a=1 never:x-b=2\n"));
  credentials_answer(&w, 1);
  assert_int_equal(outcome.told, 1);
  assert_int_equal(outcome.code, FC_CODE_OK);
}

/* Messages that were sent meanwhile follow the headers in order. */
static void a_stream_can_be_written_before_the_answer(void **state) {
  (void)state;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  credentials_channel(&w, NULL);
  o.credentials = plugin_credentials(&a);
  assert_int_equal(fc_channel_call(w.channel, "/s/m", &o, &call, NULL), FC_OK);
  fc_call_credentials_destroy(o.credentials);
  assert_int_equal(fc_call_send_copy(call, TEXT("one"), 0), FC_OK);
  assert_int_equal(fc_call_send_copy(call, TEXT("second"), FC_SEND_LAST), FC_OK);
  expect_nothing_sent();
  plugin_give(&a);
  assert_non_null(strstr(credentials_said(&w), " never:x-a=1\nDATA 1 19 end\n"));
  fc_call_destroy(call);
}

/* ---- several ---- */

static void plugins_are_asked_in_order_one_by_one(void **state) {
  (void)state;
  credentials_channel(&w, both(token("t"), plugin_credentials(&a)));
  fc_call *call = start(both(both(token("u"), plugin_credentials(&b)), token("v")));
  assert_int_equal(a.asked, 1);
  assert_int_equal(b.asked, 0);
  plugin_give(&a);
  assert_int_equal(b.asked, 1);
  expect_nothing_sent();
  plugin_give(&b);
  credentials_expect_sent(&w, call, 1,
                          " never:authorization=Bearer t never:x-a=1 never:authorization=Bearer u"
                          " never:x-b=2 never:authorization=Bearer v");
}

static void after_a_failure_nobody_else_is_asked(void **state) {
  (void)state;
  credentials_channel(&w, NULL);
  fc_call *call = start(both(plugin_credentials(&a), plugin_credentials(&b)));
  plugin_fail(&a, "no");
  credentials_expect(call, FC_CODE_UNAVAILABLE, FAILED "no");
  assert_int_equal(b.asked, 0);
  assert_int_equal(b.dropped, 1);
  expect_nothing_sent();
}

/* Each answers inside of the other's answer, as it were; the stack must not know. */
static void very_many_plugins_answer_at_once(void **state) {
  (void)state;
  a.way = PLUGIN_GIVES;
  a.key = NULL;
  fc_call_credentials *all = plugin_credentials(&a);
  for (int i = 0; i < 15; i++) {
    fc_call_credentials *half = all;
    assert_int_equal(fc_call_credentials_composite(half, half, &all, NULL), FC_OK);
    fc_call_credentials_destroy(half);
  }
  credentials_channel(&w, NULL);
  credentials_expect_sent(&w, start(all), 1, "");
  assert_int_equal(a.asked, 1 << 15);
}

/* ---- failures ---- */

static void a_failure_ends_the_call(void **state) {
  (void)state;
  a.way = PLUGIN_FAILS;
  a.failure = "no token today";
  credentials_channel(&w, NULL);
  fc_call *call = start(plugin_credentials(&a));
  assert_int_equal(fc_call_status(call)->origin, FC_ORIGIN_LOCAL);
  credentials_expect(call, FC_CODE_UNAVAILABLE, FAILED "no token today");
  call = start(plugin_credentials(&b));
  plugin_fail(&b, "");
  credentials_expect(call, FC_CODE_UNAVAILABLE, FAILED);
  expect_nothing_sent();
}

static void a_long_failure_is_told_whole(void **state) {
  (void)state;
  static char reason[5001], whole[sizeof FAILED + sizeof reason];
  memset(reason, 'x', sizeof reason - 1);
  snprintf(whole, sizeof whole, FAILED "%s", reason);
  credentials_channel(&w, NULL);
  fc_call *call = start(plugin_credentials(&a));
  plugin_fail(&a, reason);
  credentials_expect(call, FC_CODE_UNAVAILABLE, whole);
}

/* What fc_metadata_add would refuse, as bytes that were not checked. */
static void give_unchecked(fc_slice key, fc_slice value, const char *message) {
  fc_call *call = start(plugin_credentials(&a));
  struct fc_metadata *list = fc_metadata_create();
  assert_int_equal(fc__metadata_add_slice(list, TEXT("fine"), TEXT("1")), FC_OK);
  assert_int_equal(fc__metadata_add_slice(list, key, value), FC_OK);
  fc_auth_request_answer(a.request, list, NULL);
  a.request = NULL;
  fc_metadata_destroy(list);
  credentials_expect(call, FC_CODE_UNAVAILABLE, message);
}

static void metadata_that_cannot_be_sent_ends_the_call(void **state) {
  (void)state;
  credentials_channel(&w, NULL);
  give_unchecked(
      TEXT("host"), TEXT("x"),
      "Illegal metadata from plugin \"test\", key \"host\": metadata key \"host\" is reserved");
  give_unchecked(TEXT("grpc-timeout"), TEXT("1S"),
                 "Illegal metadata from plugin \"test\", key \"grpc-timeout\": metadata key "
                 "\"grpc-timeout\" is reserved");
  give_unchecked(
      TEXT("Upper\n\xff"), TEXT("x"),
      "Illegal metadata from plugin \"test\", key \"Upper??\": metadata key has byte 0x55 "
      "at 0; only 0-9 a-z _ - . are allowed");
  give_unchecked(
      TEXT("authorization"), TEXT("secret\r\n"),
      "Illegal metadata from plugin \"test\", key \"authorization\": its value cannot be "
      "sent");
  give_unchecked(TEXT(""), TEXT("x"),
                 "Illegal metadata from plugin \"test\", key \"\": metadata key is empty");
  expect_nothing_sent();
}

static void a_channel_that_cannot_connect_asks_nobody(void **state) {
  (void)state;
  raw_end_finish(&w.end);
  credentials_channel(&w, NULL);
  fc_call *call = start(NULL);
  sim_run_for(w.sim, 20 * MS);
  assert_int_equal(fc_call_status(call)->code, FC_CODE_UNAVAILABLE);
  fc_call_destroy(call);
  call = start(plugin_credentials(&a));
  assert_int_equal(fc_call_status(call)->code, FC_CODE_UNAVAILABLE);
  fc_call_destroy(call);
  assert_int_equal(a.asked, 0);
}

static void connecting_may_fail_while_a_plugin_is_asked(void **state) {
  (void)state;
  raw_end_finish(&w.end);
  credentials_channel(&w, NULL);
  fc_call *call = start(plugin_credentials(&a));
  sim_run_for(w.sim, 20 * MS);
  assert_false(fc_call_is_done(call));
  plugin_give(&a);
  assert_int_equal(fc_call_status(call)->code, FC_CODE_UNAVAILABLE);
  assert_non_null(strstr(fc_call_status(call)->message, "failed to connect"));
  fc_call_destroy(call);
}

/* ---- calls that end first ---- */

static void a_plugin_that_never_answers_meets_the_deadline(void **state) {
  (void)state;
  credentials_channel(&w, NULL);
  fc_call_credentials *own = plugin_credentials(&a);
  fc_call *call = credentials_call(&w, own, S);
  fc_call_credentials_destroy(own);
  sim_run_for(w.sim, S - MS);
  assert_false(fc_call_is_done(call));
  sim_run_for(w.sim, MS);
  credentials_expect(call, FC_CODE_DEADLINE_EXCEEDED, "Deadline Exceeded");
  plugin_give(&a);
  expect_nothing_sent();
}

static void an_answer_after_cancelling_is_dropped(void **state) {
  (void)state;
  credentials_channel(&w, NULL);
  fc_call *call = start(both(plugin_credentials(&a), plugin_credentials(&b)));
  fc_call_cancel(call, FC_CODE_ABORTED, "enough");
  credentials_expect(call, FC_CODE_ABORTED, "enough");
  plugin_give(&a);
  assert_int_equal(b.asked, 0);
  assert_int_equal(a.dropped, 1);
  expect_nothing_sent();
}

static void an_answer_to_a_call_that_was_given_back_is_dropped(void **state) {
  (void)state;
  credentials_channel(&w, NULL);
  fc_call_destroy(start(plugin_credentials(&a)));
  plugin_fail(&a, "too late");
  expect_nothing_sent();
}

static void closing_the_channel_ends_the_call(void **state) {
  (void)state;
  credentials_channel(&w, NULL);
  fc_call *call = start(plugin_credentials(&a));
  fc_channel_close(w.channel);
  assert_int_equal(fc_call_wait(call, 0), FC_ERR_CANCELLED);
  credentials_expect(call, FC_CODE_CANCELLED, "Channel closed!");
  plugin_give(&a);
  call = start(plugin_credentials(&b));
  credentials_expect(call, FC_CODE_CANCELLED, "Channel closed!");
  assert_int_equal(b.asked, 0);
}

/* A channel that was given back lives until its last call is over. */
static void the_call_goes_on_without_the_channels_handle(void **state) {
  (void)state;
  credentials_channel(&w, plugin_credentials(&a));
  fc_call *call = start(NULL);
  fc_channel_destroy(w.channel);
  w.channel = NULL;
  sim_run_for(w.sim, S);
  plugin_give(&a);
  credentials_expect_sent(&w, call, 1, " never:x-a=1");
}

/* The request keeps what it needs: not the channel, which is gone. */
static void the_channel_can_go_before_the_answer(void **state) {
  (void)state;
  credentials_channel(&w, plugin_credentials(&a));
  fc_call_destroy(start(NULL));
  size_t with_channel = failing_alloc_live();
  fc_channel_destroy(w.channel);
  w.channel = NULL;
  sim_run_for(w.sim, S);
  assert_true(failing_alloc_live() < with_channel);
  assert_int_equal(a.dropped, 0);
  assert_string_equal(fc_auth_request_service_url(a.request), "https://localhost/pkg.Service");
  assert_string_equal(fc_auth_request_method(a.request), "Method");
  plugin_give(&a);
  assert_int_equal(a.dropped, 1);
}

/* ---- what a plugin may do ---- */

static void call_inside(void *user) {
  (void)user;
  credentials_expect_sent(&w, start(token("inner")), 1, " never:authorization=Bearer inner");
}

static void a_plugin_may_make_calls_on_the_channel(void **state) {
  (void)state;
  a.way = PLUGIN_GIVES;
  a.inside = call_inside;
  credentials_channel(&w, NULL);
  credentials_expect_sent(&w, start(plugin_credentials(&a)), 3, " never:x-a=1");
}

static void close_inside(void *user) { fc_channel_close(user); }

static void a_plugin_may_close_the_channel(void **state) {
  (void)state;
  a.way = PLUGIN_GIVES;
  a.inside = close_inside;
  credentials_channel(&w, NULL);
  a.user = w.channel;
  credentials_expect(start(plugin_credentials(&a)), FC_CODE_CANCELLED, "Channel closed!");
}

static void destroy_inside(void *user) {
  (void)user;
  fc_channel_destroy(w.channel);
  w.channel = NULL;
}

static void a_plugin_may_give_the_channel_back(void **state) {
  (void)state;
  a.way = PLUGIN_GIVES;
  a.inside = destroy_inside;
  credentials_channel(&w, NULL);
  credentials_expect_sent(&w, start(plugin_credentials(&a)), 1, " never:x-a=1");
}

static void wait_inside(void *user) {
  (void)user;
  sim_run_for(w.sim, 2 * S);
}

static void a_plugin_may_take_longer_than_the_call_has(void **state) {
  (void)state;
  a.way = PLUGIN_GIVES;
  a.inside = wait_inside;
  credentials_channel(&w, NULL);
  fc_call_credentials *own = both(plugin_credentials(&a), plugin_credentials(&b));
  credentials_expect(credentials_call(&w, own, S), FC_CODE_DEADLINE_EXCEEDED, "Deadline Exceeded");
  fc_call_credentials_destroy(own);
  assert_int_equal(b.asked, 0);
  expect_nothing_sent();
}

/* ---- transparent retries; gRFC A6 ---- */

static void a_call_that_was_not_processed_asks_no_more(void **state) {
  (void)state;
  a.way = PLUGIN_GIVES;
  credentials_channel(&w, NULL);
  fc_call *call = start(plugin_credentials(&a));
  assert_non_null(strstr(credentials_said(&w), " never:x-a=1\n"));
  h2_put_u32(&w.end.peer, FC__H2_RST_STREAM, 1, FC__H2_REFUSED_STREAM);
  raw_end_go(&w.end);
  credentials_expect_sent(&w, call, 3, " never:x-a=1");
  assert_int_equal(a.asked, 1);
}

/* ---- the service's name ---- */

static void services_are_named_as_in_grpc_core(void **state) {
  (void)state;
  static const struct {
    const char *authority, *method, *url, *name;
  } cases[] = {
      {"example.com", "/s/m", "https://example.com/s", "m"},
      {"example.com:443", "/s/m", "https://example.com/s", "m"},
      {"example.com:4430", "/s/m", "https://example.com:4430/s", "m"},
      {"example.com:8443", "/s/m", "https://example.com:8443/s", "m"},
      {"example.com:80", "/s/m", "https://example.com:80/s", "m"},
      {"[::1]:443", "/p.q.S/M", "https://[::1]/p.q.S", "M"},
      {"[::1]", "/p.q.S/M", "https://[::1]/p.q.S", "M"},
      {":443", "/s/m", "https:///s", "m"},
      {"443", "/s/m", "https://443/s", "m"},
      {"a", "/prefix/s/m", "https://a/prefix/s", "m"},
      {"a", "/s/", "https://a/s", ""},
      {"a", "/m", "https://a/m", ""},
      {"a", "m", "https://a", ""},
  };
  a.way = PLUGIN_FAILS;
  a.failure = "";
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fc_call_options o = FC_CALL_OPTIONS_INIT;
    w.options.authority = cases[i].authority;
    w.options.any_path = true;
    credentials_channel(&w, NULL);
    o.credentials = plugin_credentials(&a);
    assert_int_equal(fc_unary_unary(w.channel, cases[i].method, TEXT(""), &o, NULL, NULL, NULL),
                     FC_CODE_UNAVAILABLE);
    fc_call_credentials_destroy(o.credentials);
    assert_string_equal(a.url, cases[i].url);
    assert_string_equal(a.method, cases[i].name);
    fc_channel_destroy(w.channel);
    w.channel = NULL;
  }
}

static void without_a_request_there_is_nothing_to_answer(void **state) {
  (void)state;
  assert_string_equal(fc_auth_request_service_url(NULL), "");
  assert_string_equal(fc_auth_request_method(NULL), "");
  fc_auth_request_answer(NULL, NULL, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_answer_at_once_goes_with_the_call),
      TEST(a_call_waits_for_a_later_answer),
      TEST(an_answer_may_have_no_metadata),
      TEST(a_blocking_call_waits_too),
      TEST(a_call_with_a_callback_waits_too),
      TEST(a_stream_can_be_written_before_the_answer),
      TEST(plugins_are_asked_in_order_one_by_one),
      TEST(after_a_failure_nobody_else_is_asked),
      TEST(very_many_plugins_answer_at_once),
      TEST(a_failure_ends_the_call),
      TEST(a_long_failure_is_told_whole),
      TEST(metadata_that_cannot_be_sent_ends_the_call),
      TEST(a_channel_that_cannot_connect_asks_nobody),
      TEST(connecting_may_fail_while_a_plugin_is_asked),
      TEST(a_plugin_that_never_answers_meets_the_deadline),
      TEST(an_answer_after_cancelling_is_dropped),
      TEST(an_answer_to_a_call_that_was_given_back_is_dropped),
      TEST(closing_the_channel_ends_the_call),
      TEST(the_call_goes_on_without_the_channels_handle),
      TEST(the_channel_can_go_before_the_answer),
      TEST(a_plugin_may_make_calls_on_the_channel),
      TEST(a_plugin_may_close_the_channel),
      TEST(a_plugin_may_give_the_channel_back),
      TEST(a_plugin_may_take_longer_than_the_call_has),
      TEST(a_call_that_was_not_processed_asks_no_more),
      TEST(services_are_named_as_in_grpc_core),
      TEST(without_a_request_there_is_nothing_to_answer),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
