/* The two sides of tls_hand.h. */
#include "sim/tls_hand.h"

#include <stdio.h>

#include "support/failing_alloc.h"

struct hand hand;

static bool is_open;

static void end_connection(void) {
  if (hand.end.sim) raw_end_finish(&hand.end);
  memset(&hand.end, 0, sizeof hand.end);
}

static void close_all(void) {
  if (!is_open) return;
  end_connection();
  tls_raw_finish(&hand.tls);
  hand.credentials = NULL;
  secure_close(&hand.w);
  is_open = false;
}

int hand_start(void **state) {
  (void)state;
  hand.live = failing_alloc_live();
  memset(&hand.w, 0, sizeof hand.w);
  hand.w.server_options = (fc_server_options)FC_SERVER_OPTIONS_INIT;
  hand.w.options = (fc_channel_options)FC_CHANNEL_OPTIONS_INIT;
  return 0;
}

int hand_stop(void **state) {
  (void)state;
  close_all();
  assert_int_equal(failing_alloc_live(), hand.live);
  return 0;
}

int hand_run(const struct CMUnitTest *tests, size_t count) {
  failing_alloc_install();
  return _cmocka_run_group_tests("hand", tests, count, NULL, NULL);
}

/* Keeps the options that a test has set. */
static void open_world(void) {
  fc_server_options server_options = hand.w.server_options;
  fc_channel_options options = hand.w.options;
  close_all();
  secure_open(&hand.w);
  server_options.reactor = options.reactor = sim_reactor(hand.w.sim);
  hand.w.server_options = server_options;
  hand.w.options = options;
  is_open = true;
}

/* ---- a server by hand ---- */

void hand_server(const char *identity) {
  open_world();
  tls_raw_server(&hand.tls, identity);
  raw_end_listen_by(&hand.end, hand.w.sim, HAND_ADDRESS, &hand.tls.layer);
}

void hand_channel(const fc_tls_client_options *options) {
  fc_tls_client_options o = FC_TLS_CLIENT_OPTIONS_INIT;
  fc_channel_credentials *credentials;
  fc_error err = FC_ERROR_INIT;
  if (options) o = *options;
  if (o.roots.len == 0) o.roots = cert_text("ca.pem");
  if (fc_channel_credentials_tls(&o, &credentials, &err) != FC_OK) {
    fail_msg("%s", err.message);
  }
  secure_channel(&hand.w, HAND_PEER, credentials);
}

void hand_expect_refused(const char *part) {
  secure_expect(&hand.w, FC_CODE_UNAVAILABLE, HAND_PEER);
  secure_expect(&hand.w, FC_CODE_UNAVAILABLE, part);
  raw_end_go(&hand.end);
  assert_int_equal(hand.end.accepted, 1); /* the second call was told of the first one's attempt */
  assert_null(hand.end.transport);
  assert_int_equal(hand.end.peer.sent_bytes.len, 0);
}

void hand_expect_ready(void) {
  assert_int_equal(fc_channel_wait_ready(hand.w.channel, FC_SECOND, NULL), FC_OK);
  raw_end_go(&hand.end);
  assert_non_null(strstr(raw_end_said(&hand.end), "SETTINGS"));
}

/* ---- a client by hand ---- */

void hand_serve(const fc_tls_server_options *options) {
  fc_tls_server_options o = FC_TLS_SERVER_OPTIONS_INIT;
  fc_tls_identity identity = cert_identity("server");
  fc_server_credentials *served;
  fc_error err = FC_ERROR_INIT;
  open_world();
  if (options) o = *options;
  if (o.identity_count == 0) {
    o.identities = &identity;
    o.identity_count = 1;
  }
  if (fc_server_credentials_tls(&o, &served, &err) != FC_OK) fail_msg("%s", err.message);
  hand.credentials = served;
  secure_serve(&hand.w, HAND_ADDRESS, served);
}

void hand_client(void) {
  end_connection();
  tls_raw_finish(&hand.tls);
  tls_raw_client(&hand.tls);
}

void hand_connect(void) {
  end_connection();
  hand.id = 0;
  hand.w.handled = 0;
  raw_end_connect_by(&hand.end, hand.w.sim, HAND_ADDRESS, &hand.tls.layer);
  raw_end_go(&hand.end);
}

bool hand_stands(void) { return hand.tls.finished && hand.end.transport; }

void hand_request(void) {
  hand.id = hand.id ? hand.id + 2 : 1;
  h2_put_headers(&hand.end.peer, hand.id, 0, HAND_REQUEST);
  raw_end_message(&hand.end, hand.id, FC__H2_END_STREAM, 0, TEXT("request"));
}

void hand_expect_answer(void) {
  char headers[64];
  int handled = hand.w.handled;
  raw_end_go(&hand.end);
  const char *said = raw_end_said(&hand.end);
  snprintf(headers, sizeof headers, "HEADERS %u end grpc-status=0", hand.id);
  if (!strstr(said, headers)) fail_msg("%s is due instead of:\n%s", headers, said);
  assert_int_equal(hand.w.handled, handled + 1);
}

void hand_expect_closed(int alert) {
  raw_end_go(&hand.end);
  assert_null(hand.end.transport);
  assert_int_equal(hand.tls.alert, alert);
  assert_int_equal(hand.w.handled, 0);
}
