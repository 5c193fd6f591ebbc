/*
 * Connections that are broken or abused below HTTP/2, to either side: row 63 of the table of
 * hostile inputs. Floods of handshakes are in test_tls_handshakes.c.
 */
#include "sim/tls_hand.h"

enum {
  UNEXPECTED_MESSAGE = 10,
  BAD_RECORD_MAC = 20,
  NO_RENEGOTIATION = 100
}; /* RFC 8446 section 6 */

enum { UPDATES = 1000 };

/* ---- records, to a server ---- */

static void connect_with(int version) {
  hand_client();
  tls_raw_versions(&hand.tls, version, version);
  hand_connect();
  assert_true(hand_stands());
}

static void expect_answer(void) {
  hand_request();
  hand_expect_answer();
}

static void row_63_records_of_one_byte_are_enough_for_a_server(void **state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    for (size_t read_max = 0; read_max <= 1; read_max++) {
      hand_serve(NULL);
      sim_link(hand.w.sim, NULL)->read_max = read_max;
      hand_client();
      tls_raw_versions(&hand.tls, version, version);
      hand.tls.byte_by_byte = true;
      hand_connect();
      expect_answer();
    }
  }
}

/* One bit of a request, at every place of its record. */
static void row_63_a_changed_record_ends_the_connection_with_an_alert(void **state) {
  (void)state;
  hand_serve(NULL);
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    for (size_t at = 5; at < 60; at += 9) { /* behind its header, RFC 8446 section 5.1 */
      connect_with(version);
      hand_request();
      struct fc__buf *said = &hand.end.peer.in;
      fc_slice record = tls_raw_record(&hand.tls, (fc_slice){said->data, said->len});
      said->len = 0;
      raw_append(&hand.end.wire, record);
      hand.end.wire.data[at] ^= 1;
      hand_expect_closed(BAD_RECORD_MAC);
    }
  }
}

static void row_63_plain_text_after_the_handshake_ends_the_connection(void **state) {
  (void)state;
  hand_serve(NULL);
  connect_with(TLS1_3_VERSION);
  raw_append(&hand.end.wire, TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  raw_end_go(&hand.end);
  assert_null(hand.end.transport);
  assert_int_equal(hand.w.handled, 0);
}

/* ---- messages of TLS, to a server ---- */

static void row_63_renegotiation_is_off(void **state) {
  (void)state;
  hand_serve(NULL);
  connect_with(TLS1_2_VERSION);
  assert_int_equal(SSL_renegotiate(hand.tls.ssl), 1);
  assert_int_equal(SSL_do_handshake(hand.tls.ssl), -1);
  raw_end_go(&hand.end);
  assert_int_equal(hand.tls.alert, NO_RENEGOTIATION);
  assert_int_equal(hand.w.handled, 0);
}

static void row_63_a_flood_of_key_updates_ends_the_connection(void **state) {
  (void)state;
  hand_serve(NULL);
  connect_with(TLS1_3_VERSION);
  for (int i = 0; i < UPDATES && hand.end.transport; i++) {
    assert_int_equal(SSL_key_update(hand.tls.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    assert_int_equal(SSL_do_handshake(hand.tls.ssl), 1);
    if (i % 100 == 99) raw_end_go(&hand.end);
  }
  assert_null(hand.end.transport);
  connect_with(TLS1_3_VERSION);
  assert_int_equal(SSL_key_update(hand.tls.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
  expect_answer(); /* one is fine */
}

/* A client that takes a ticket for one that allows early data, and says a whole request in it. */
static void row_63_early_data_is_not_taken(void **state) {
  struct raw_end early = {0};
  (void)state;
  hand_serve(NULL);
  connect_with(TLS1_3_VERSION);
  expect_answer();
  assert_int_equal(SSL_SESSION_get_max_early_data(hand.tls.session), 0);
  assert_int_equal(SSL_SESSION_set_max_early_data(hand.tls.session, 16384), 1);
  h2_peer_init(&early.peer, false);
  h2_put_preface(&early.peer);
  h2_put_headers(&early.peer, 1, 0, HAND_REQUEST);
  raw_end_message(&early, 1, FC__H2_END_STREAM, 0, TEXT("request"));
  hand.tls.early = (fc_slice){early.peer.in.data, early.peer.in.len};
  hand_connect();
  hand_expect_closed(UNEXPECTED_MESSAGE);
  h2_peer_finish(&early.peer);
}

/* ---- to a client ---- */

/* A call whose request has come to the server, which has answered all but the status. */
static fc_call *call_half_answered(int version, bool byte_by_byte) {
  fc_call *call;
  hand_server("server");
  tls_raw_versions(&hand.tls, version, version);
  hand.tls.byte_by_byte = byte_by_byte;
  hand_channel(NULL);
  assert_int_equal(fc_unary_unary_future(hand.w.channel, "/t/Echo", TEXT("x"), NULL, &call, NULL),
                   FC_OK);
  hand_expect_ready();
  raw_end_block(&hand.end, 1, 0, h2_block_of(H2_RESPONSE));
  raw_end_message(&hand.end, 1, 0, 0, TEXT("x"));
  raw_end_go(&hand.end);
  assert_false(fc_call_is_done(call));
  return call;
}

/* Takes the call. */
static void expect_end(fc_call *call, fc_code code, const char *part) {
  assert_int_equal(fc_call_wait(call, FC_SECOND), FC_OK);
  const fc_status *status = fc_call_status(call);
  if (status->code != code || !strstr(status->message, part)) {
    fail_msg("%s \"%s\"", fc_code_name(status->code), status->message);
  }
  fc_call_destroy(call);
}

static void end_stream(void) {
  raw_end_block(&hand.end, 1, FC__H2_END_STREAM, h2_block_of("grpc-status: 0\n"));
}

static void row_63_records_of_one_byte_are_enough_for_a_client(void **state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    fc_call *call = call_half_answered(version, true);
    end_stream();
    raw_end_go(&hand.end);
    expect_end(call, FC_CODE_OK, "");
  }
}

static void row_63_a_truncated_answer_is_an_error_and_no_end(void **state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    fc_call *call = call_half_answered(version, false);
    raw_end_hang_up(&hand.end);
    expect_end(call, FC_CODE_UNAVAILABLE, "TLS: the connection was cut off without close_notify");
    call = call_half_answered(version, false);
    assert_true(SSL_shutdown(hand.tls.ssl) >= 0);
    raw_end_go(&hand.end);
    raw_end_hang_up(&hand.end);
    expect_end(call, FC_CODE_UNAVAILABLE, HAND_PEER);
  }
}

static void row_63_a_changed_answer_is_not_taken(void **state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    fc_call *call = call_half_answered(version, false);
    end_stream();
    struct fc__buf *said = &hand.end.peer.in;
    raw_append(&hand.end.wire, tls_raw_record(&hand.tls, (fc_slice){said->data, said->len}));
    said->len = 0;
    hand.end.wire.data[hand.end.wire.len - 1] ^= 0x80;
    raw_end_go(&hand.end);
    expect_end(call, FC_CODE_UNAVAILABLE, "TLS: decryption failed or bad record mac");
    assert_int_equal(hand.tls.alert, BAD_RECORD_MAC);
  }
}

static void row_63_a_server_cannot_renegotiate(void **state) {
  (void)state;
  fc_call *call = call_half_answered(TLS1_2_VERSION, false);
  assert_int_equal(SSL_renegotiate(hand.tls.ssl), 1);
  assert_int_equal(SSL_do_handshake(hand.tls.ssl), 1);
  raw_end_go(&hand.end);
  assert_int_equal(hand.tls.alert, NO_RENEGOTIATION);
  /* OpenSSL's server gives up on a client that does not want to. */
  expect_end(call, FC_CODE_UNAVAILABLE, "TLS: alert from the peer: handshake failure");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      HAND_TEST(row_63_records_of_one_byte_are_enough_for_a_server),
      HAND_TEST(row_63_a_changed_record_ends_the_connection_with_an_alert),
      HAND_TEST(row_63_plain_text_after_the_handshake_ends_the_connection),
      HAND_TEST(row_63_renegotiation_is_off),
      HAND_TEST(row_63_a_flood_of_key_updates_ends_the_connection),
      HAND_TEST(row_63_early_data_is_not_taken),
      HAND_TEST(row_63_records_of_one_byte_are_enough_for_a_client),
      HAND_TEST(row_63_a_truncated_answer_is_an_error_and_no_end),
      HAND_TEST(row_63_a_changed_answer_is_not_taken),
      HAND_TEST(row_63_a_server_cannot_renegotiate),
  };
  return hand_run(tests, sizeof tests / sizeof *tests);
}
