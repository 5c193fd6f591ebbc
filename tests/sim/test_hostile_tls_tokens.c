/*
 * Call credentials and those who should not see them: row 64 of the table of hostile inputs, over
 * TLS and without. The life of tokens and plugins is in test_call_tokens.c and test_call_plugins.c.
 */
#include <stdio.h>

#include "sim/credential_world.h"
#include "sim/tls_hand.h"

#define TOKEN "of-the-call"
#define PLUGIN_FAILED "Getting metadata from plugin failed with error: "

/* A call with credentials, whose reference is taken. */
static fc_call *call_with(fc_call_credentials *credentials, int64_t timeout) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  o.credentials = credentials;
  o.timeout_ns = timeout;
  assert_int_equal(fc_unary_unary_future(hand.w.channel, "/t/Echo", TEXT("x"), &o, &call, NULL),
                   FC_OK);
  fc_call_credentials_destroy(credentials);
  raw_end_go(&hand.end);
  return call;
}

/* Takes the call. */
static void expect_end(fc_call *call, fc_code code, const char *part) {
  assert_true(fc_call_is_done(call));
  const fc_status *status = fc_call_status(call);
  if (status->code != code || !strstr(status->message, part)) {
    fail_msg("%s \"%s\"", fc_code_name(status->code), status->message);
  }
  fc_call_destroy(call);
}

static void expect_no_request(void) {
  raw_end_go(&hand.end);
  assert_null(strstr(raw_end_said(&hand.end), "HEADERS"));
}

/* The token is there once; then the call is answered. */
static void expect_request(fc_call *call, uint32_t id) {
  raw_end_go(&hand.end);
  assert_int_equal(raw_end_count(raw_end_said(&hand.end), "authorization=Bearer " TOKEN), 1);
  raw_end_block(&hand.end, id, 0, h2_block_of(H2_RESPONSE));
  raw_end_message(&hand.end, id, 0, 0, TEXT("x"));
  raw_end_block(&hand.end, id, FC__H2_END_STREAM, h2_block_of("grpc-status: 0\n"));
  raw_end_go(&hand.end);
  expect_end(call, FC_CODE_OK, "");
}

/* ---- channels that are not secure ---- */

static void expect_refused_on(fc_channel_credentials *credentials) {
  hand_server("server");
  raw_end_finish(&hand.end);
  raw_end_listen(&hand.end, hand.w.sim, HAND_ADDRESS);
  secure_channel(&hand.w, HAND_PEER, credentials);
  expect_end(call_with(token(TOKEN), 0), FC_CODE_UNAUTHENTICATED, "");
  expect_no_request();
  fc_call *call = call_with(NULL, 0); /* without them it goes on */
  assert_false(fc_call_is_done(call));
  fc_call_destroy(call);
}

static void row_64_an_insecure_channel_carries_no_token(void **state) {
  fc_channel_credentials *insecure, *local;
  (void)state;
  assert_int_equal(fc_channel_credentials_insecure(&insecure, NULL), FC_OK);
  assert_int_equal(fc_channel_credentials_local(FC_LOCAL_TCP, &local, NULL), FC_OK);
  expect_refused_on(NULL);
  expect_refused_on(insecure);
  expect_refused_on(local);
}

/* ---- plugins ---- */

static struct plugin plugin;

static void serve_plugin(enum plugin_way way) {
  plugin = (struct plugin){.way = way};
  hand_server("server");
  hand_channel(NULL);
}

static void row_64_a_plugin_that_fails_sends_nothing(void **state) {
  (void)state;
  serve_plugin(PLUGIN_FAILS);
  plugin.failure = "the vault is closed";
  expect_end(call_with(plugin_credentials(&plugin), 0), FC_CODE_UNAVAILABLE,
             PLUGIN_FAILED "the vault is closed");
  expect_no_request();
  expect_request(call_with(token(TOKEN), 0), 1);
}

static void row_64_illegal_metadata_of_a_plugin_sends_nothing(void **state) {
  const char *const pairs[][2] = {{"authorization", "two\r\nlines"}, {"Authorization", "x"},
                                  {":authority", "wrong.example"},   {"grpc-timeout", "1S"},
                                  {"host", "wrong.example"},         {"", "x"}};
  (void)state;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    fc_metadata *metadata = fc_metadata_create();
    serve_plugin(PLUGIN_KEEPS);
    fc_call *call = call_with(plugin_credentials(&plugin), 0);
    fc_result r = fc_metadata_add_string(metadata, pairs[i][0], pairs[i][1], NULL);
    /* What cannot even be put into metadata cannot be answered with. */
    fc_auth_request_answer(plugin.request, metadata, r == FC_OK ? NULL : "illegal");
    raw_end_go(&hand.end);
    expect_end(call, FC_CODE_UNAVAILABLE, "");
    expect_no_request();
    fc_metadata_destroy(metadata);
    expect_request(call_with(token(TOKEN), 0), 1);
  }
}

static void row_64_a_plugin_that_blocks_holds_up_its_call_alone(void **state) {
  (void)state;
  serve_plugin(PLUGIN_KEEPS);
  plugin.key = "x-late";
  plugin.value = "1";
  fc_call *call = call_with(plugin_credentials(&plugin), 2 * FC_SECOND);
  expect_no_request();
  expect_request(call_with(token(TOKEN), 0), 1);
  sim_run_for(hand.w.sim, 2 * FC_SECOND);
  expect_end(call, FC_CODE_DEADLINE_EXCEEDED, "");
  plugin_give(&plugin);
  expect_no_request();
}

/* ---- other authorities ---- */

static void row_64_a_server_that_is_not_verified_sees_no_token(void **state) {
  const char *const wrong[] = {"wrong_name", "other_server", "expired"};
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    hand_server(wrong[i]);
    hand_channel(NULL);
    expect_end(call_with(token(TOKEN), 0), FC_CODE_UNAVAILABLE, "certificate verify failed");
    assert_int_equal(hand.end.accepted, 1);
    assert_int_equal(hand.end.peer.sent_bytes.len, 0);
  }
}

/* The first address of the name belongs to somebody else. */
static void row_64_only_the_address_that_is_verified_sees_the_token(void **state) {
  struct raw_end other;
  struct tls_raw other_tls;
  fc_tls_client_options options = FC_TLS_CLIENT_OPTIONS_INIT;
  fc_channel_credentials *credentials;
  (void)state;
  hand_server("server");
  sim_add_host(hand.w.sim, "localhost", "10.0.0.1", FC_MILLISECOND);
  sim_add_host(hand.w.sim, "localhost", "127.0.0.1", FC_MILLISECOND);
  tls_raw_server(&other_tls, "wrong_name");
  raw_end_listen_by(&other, hand.w.sim, "10.0.0.1:443", &other_tls.layer);
  options.roots = cert_text("ca.pem");
  assert_int_equal(fc_channel_credentials_tls(&options, &credentials, NULL), FC_OK);
  secure_channel(&hand.w, "localhost:443", credentials);
  fc_call *call = call_with(token(TOKEN), 0);
  expect_request(call, 1);
  assert_int_equal(other.accepted, 1);
  assert_int_equal(other.peer.sent_bytes.len, 0);
  raw_end_finish(&other);
  tls_raw_finish(&other_tls);
}

/* HTTP's redirections are not gRPC's: nobody else is asked. */
static void row_64_a_redirection_is_not_followed(void **state) {
  const char *const codes[] = {"301", "302", "303", "307", "308"};
  (void)state;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    char headers[128];
    size_t attempts;
    hand_server("server");
    hand_channel(NULL);
    fc_call *call = call_with(token(TOKEN), 0);
    snprintf(headers, sizeof headers, ":status: %s\nlocation: https://other.test:443/t/Echo\n",
             codes[i]);
    raw_end_block(&hand.end, 1, FC__H2_END_STREAM, h2_block_of(headers));
    raw_end_go(&hand.end);
    expect_end(call, FC_CODE_UNKNOWN, codes[i]);
    (void)sim_attempts(hand.w.sim, &attempts);
    assert_int_equal(attempts, 1);
    assert_int_equal(sim_lookups(hand.w.sim), 0);
    assert_int_equal(raw_end_count(raw_end_said(&hand.end), "authorization="), 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      HAND_TEST(row_64_an_insecure_channel_carries_no_token),
      HAND_TEST(row_64_a_plugin_that_fails_sends_nothing),
      HAND_TEST(row_64_illegal_metadata_of_a_plugin_sends_nothing),
      HAND_TEST(row_64_a_plugin_that_blocks_holds_up_its_call_alone),
      HAND_TEST(row_64_a_server_that_is_not_verified_sees_no_token),
      HAND_TEST(row_64_only_the_address_that_is_verified_sees_the_token),
      HAND_TEST(row_64_a_redirection_is_not_followed),
  };
  return hand_run(tests, sizeof tests / sizeof *tests);
}
