/*
 * Tokens of channels and calls: where they stand, how they are encoded, where they are not sent, and what is left of them
 * in memory.
 */
#include "call/call.h"
#include "sim/channel_world.h"
#include "sim/credential_world.h"
#include "support/failing_alloc.h"

#define MS FC_MILLISECOND
#define SECRET "a-secret-that-is-longer-than-any-buffer-of-a-test-would-begin-with"

static struct credential_world w;

static int open_world(void **state) {
  (void)state;
  credentials_open(&w);
  return 0;
}

static int close_world(void **state) {
  (void)state;
  credentials_close(&w);
  return 0;
}

static void expect_sent(fc_call_credentials *own, uint32_t id, const char *fields) {
  fc_call *call = credentials_call(&w, own, 0);
  fc_call_credentials_destroy(own);
  credentials_expect_sent(&w, call, id, fields);
}

/* ---- what is sent ---- */

/* RFC 6750 section 2.1; RFC 7541 section 7.1.3 */
static void a_token_goes_behind_the_users_metadata(void **state) {
  (void)state;
  credentials_channel(&w, NULL);
  expect_sent(token("t"), 1, " never:authorization=Bearer t");
  expect_sent(NULL, 3, "");
  expect_sent(token("t"), 5, " never:authorization=Bearer t");
}

static void the_channels_credentials_go_before_the_calls(void **state) {
  (void)state;
  credentials_channel(&w, token("channel"));
  expect_sent(token("call"), 1,
              " never:authorization=Bearer channel never:authorization=Bearer call");
  expect_sent(NULL, 3, " never:authorization=Bearer channel");
}

static void composites_keep_their_order(void **state) {
  (void)state;
  credentials_channel(&w, both(token("a"), both(token("b"), token("c"))));
  expect_sent(both(both(token("d"), token("e")), token("f")), 1,
              " never:authorization=Bearer a never:authorization=Bearer b"
              " never:authorization=Bearer c never:authorization=Bearer d"
              " never:authorization=Bearer e never:authorization=Bearer f");
}

static void channels_of_composites_take_more(void **state) {
  (void)state;
  fc_channel_credentials *local, *inner, *outer;
  fc_call_credentials *a = token("a"), *b = token("b");
  assert_int_equal(fc_channel_credentials_local(FC_LOCAL_UNIX, &local, NULL), FC_OK);
  assert_int_equal(fc_channel_credentials_composite(local, a, &inner, NULL), FC_OK);
  assert_int_equal(fc_channel_credentials_composite(inner, b, &outer, NULL), FC_OK);
  w.options.credentials = outer;
  assert_int_equal(fc_channel_create("unix:/run/test.sock", &w.options, &w.channel, NULL), FC_OK);
  fc_channel_credentials_destroy(local);
  fc_channel_credentials_destroy(inner);
  fc_channel_credentials_destroy(outer);
  fc_call_credentials_destroy(a);
  fc_call_credentials_destroy(b);
  expect_sent(NULL, 1, " never:authorization=Bearer a never:authorization=Bearer b");
}

/* gRFC A6: the same call, on the same channel. */
static void a_call_that_was_not_processed_is_sent_again_with_its_token(void **state) {
  (void)state;
  credentials_channel(&w, NULL);
  fc_call_credentials *own = token("t");
  fc_call *call = credentials_call(&w, own, 0);
  fc_call_credentials_destroy(own);
  assert_non_null(strstr(credentials_said(&w), " never:authorization=Bearer t"));
  h2_put_u32(&w.end.peer, FC__H2_RST_STREAM, 1, FC__H2_REFUSED_STREAM);
  raw_end_go(&w.end);
  credentials_expect_sent(&w, call, 3, " never:authorization=Bearer t");
}

/* ---- where nothing is sent ---- */

static void expect_refused(const char *target, fc_channel_credentials *credentials, bool own,
                           const char *part) {
  struct world plain;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_error err = FC_ERROR_INIT;
  world_open(&plain);
  plain.options.credentials = credentials;
  world_channel(&plain, target);
  fc_channel_credentials_destroy(credentials);
  fc_call_credentials *secret = own ? token("hunter2") : NULL;
  o.credentials = secret;
  assert_int_equal(fc_unary_unary(plain.channel, "/s/m", TEXT(""), &o, NULL, NULL, &err),
                   FC_CODE_UNAUTHENTICATED);
  assert_null(strstr(err.message, "hunter2"));
  if (!strstr(err.message, part)) fail_msg("%s", err.message);
  fc_call_credentials_destroy(secret);
  world_run(&plain, FC_SECOND);
  assert_int_equal(plain.server.accepted, 0);
  world_close(&plain);
}

/* gRFC L62 */
static void nothing_is_sent_where_it_could_be_read(void **state) {
  (void)state;
  fc_channel_credentials *c, *all;
  fc_call_credentials *secret = token("hunter2");
  expect_refused("ipv4:10.0.0.1:80", NULL, true, "not sufficient");
  assert_int_equal(fc_channel_credentials_insecure(&c, NULL), FC_OK);
  expect_refused("ipv4:10.0.0.1:80", c, true, "insecure");
  assert_int_equal(fc_channel_credentials_local(FC_LOCAL_TCP, &c, NULL), FC_OK);
  assert_int_equal(fc_channel_credentials_composite(c, secret, &all, NULL), FC_OK);
  expect_refused("ipv4:127.0.0.1:80", c, true, "local over TCP");
  expect_refused("ipv4:127.0.0.1:80", all, false, "local over TCP");
  fc_call_credentials_destroy(secret);
}

/* ---- what is left in memory ---- */

static void watch(void) { failing_alloc_watch(TEXT("that-is-longer-than-any")); }

/* Of all that lived between watch and this. */
static void expect_no_trace(void) {
  assert_int_equal(failing_alloc_spilled(), 0);
  failing_alloc_watch(FC_SLICE_EMPTY);
}

static void a_token_lives_no_longer_than_its_call(void **state) {
  (void)state;
  const fc_slice secret = TEXT(SECRET);
  watch();
  credentials_channel(&w, NULL);
  fc_call_credentials *own = both(token(SECRET), token(SECRET));
  assert_int_equal(failing_alloc_holding(secret), 2);
  fc_call *call = credentials_call(&w, own, 0), *cancelled = credentials_call(&w, own, 0);
  fc_call_credentials_destroy(own);
  assert_int_equal(failing_alloc_holding(secret), 2); /* the calls, not connected yet */
  raw_end_go(&w.end);
  assert_int_equal(failing_alloc_holding(secret), 2); /* what was written is erased */
  fc_call_cancel(cancelled, FC_CODE_CANCELLED, NULL);
  assert_int_equal(failing_alloc_holding(secret), 1);
  credentials_answer(&w, 1);
  assert_int_equal(failing_alloc_holding(secret), 0);
  credentials_expect(call, FC_CODE_OK, "");
  credentials_expect(cancelled, FC_CODE_CANCELLED, "Cancelled");
  expect_no_trace();
}

/* A stream may last for days; once it is answered nothing of it is sent again. */
static void a_stream_keeps_no_token_once_it_is_answered(void **state) {
  (void)state;
  watch();
  credentials_channel(&w, token(SECRET));
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  assert_int_equal(fc_channel_call(w.channel, "/s/m", &o, &call, NULL), FC_OK);
  raw_end_go(&w.end);
  assert_int_equal(failing_alloc_holding(TEXT(SECRET)), 2); /* the credentials and the call */
  h2_put_headers(&w.end.peer, 1, 0, H2_RESPONSE);
  raw_end_go(&w.end);
  assert_int_equal(failing_alloc_holding(TEXT(SECRET)), 1);
  fc_call_destroy(call);
  fc_channel_destroy(w.channel);
  w.channel = NULL;
  sim_run_for(w.sim, MS);
  expect_no_trace();
}

/* The values of -bin keys are secrets in base64 too. */
static void growing_leaves_nothing_behind(const char *watched) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *calls[40];
  failing_alloc_watch(fc_slice_from_string(watched));
  credentials_channel(&w, token(SECRET));
  fc_metadata *metadata = fc_metadata_create();
  for (int i = 0; i < 10; i++) {
    assert_int_equal(fc_metadata_add_string(metadata, "authorization", SECRET, NULL), FC_OK);
    assert_int_equal(fc_metadata_add_string(metadata, "cookie", SECRET, NULL), FC_OK);
    assert_int_equal(fc_metadata_add_string(metadata, "key-bin", SECRET, NULL), FC_OK);
    assert_int_equal(fc_metadata_add_string(metadata, "key-bin", SECRET SECRET, NULL), FC_OK);
  }
  o.metadata = metadata;
  for (size_t i = 0; i < 40; i++)
    assert_int_equal(fc_channel_call(w.channel, "/s/m", &o, &calls[i], NULL), FC_OK);
  raw_end_go(&w.end); /* all leave in one write */
  fc_metadata_destroy(metadata);
  for (size_t i = 0; i < 40; i++) fc_call_destroy(calls[i]);
  assert_int_equal(failing_alloc_holding(TEXT(SECRET)), 1); /* the channel's */
  fc_channel_destroy(w.channel);
  w.channel = NULL;
  sim_run_for(w.sim, MS);
  expect_no_trace();
}

/* Arenas and buffers that grow with a secret in them leave none behind, whoever put it there. */
static void growing_leaves_no_secret_behind(void **state) {
  (void)state;
  growing_leaves_nothing_behind("that-is-longer-than-any");
}

static void growing_leaves_no_encoded_secret_behind(void **state) {
  (void)state;
  growing_leaves_nothing_behind("dGhhdC1pcy1sb25nZXItdGhhbi1hbnkt");
}

static void what_is_never_written_is_erased_too(void **state) {
  (void)state;
  watch();
  credentials_channel(&w, token(SECRET));
  fc_call *call = credentials_call(&w, NULL, 0);
  raw_end_go(&w.end);
  sim_link(w.sim, NULL)->buffer = 16; /* of the next connection */
  raw_end_hang_up(&w.end);
  sim_run_for(w.sim, MS);
  credentials_expect(call, FC_CODE_UNAVAILABLE, "unix:/run/test.sock closed the connection");
  call = credentials_call(&w, NULL, 0);
  sim_run_for(w.sim, 5 * MS);
  assert_true(failing_alloc_holding(TEXT(SECRET)) >= 2); /* the server does not read that fast */
  fc_call_destroy(call);
  fc_channel_destroy(w.channel);
  w.channel = NULL;
  sim_run_for(w.sim, MS);
  expect_no_trace();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_token_goes_behind_the_users_metadata),
      TEST(the_channels_credentials_go_before_the_calls),
      TEST(composites_keep_their_order),
      TEST(channels_of_composites_take_more),
      TEST(a_call_that_was_not_processed_is_sent_again_with_its_token),
      TEST(nothing_is_sent_where_it_could_be_read),
      TEST(a_token_lives_no_longer_than_its_call),
      TEST(a_stream_keeps_no_token_once_it_is_answered),
      TEST(growing_leaves_no_secret_behind),
      TEST(growing_leaves_no_encoded_secret_behind),
      TEST(what_is_never_written_is_erased_too),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
