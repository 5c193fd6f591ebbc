/*
 * Peers that speak TLS otherwise than HTTP/2 allows, or do not speak it at all, to either side: row
 * 60 of the table of hostile inputs. A server says why in an alert and runs no handler; a client's
 * calls end UNAVAILABLE with a text that tells.
 */
#include "sim/tls_hand.h"

/* RFC 8446 section 6 */
enum {
  CLOSE_NOTIFY = 0,
  HANDSHAKE_FAILURE = 40,
  PROTOCOL_VERSION = 70,
  NO_APPLICATION_PROTOCOL = 120
};

/* What RFC 9113 appendix A lists, of the kinds that a server with such a certificate could choose. */
static const char *const banned[] = {
    "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",    "ECDHE-ECDSA-NULL-SHA",
};
static const char *const banned_rsa[] = {
    "AES128-GCM-SHA256", "AES256-GCM-SHA384",       "AES128-SHA",
    "NULL-SHA256",       "ECDHE-RSA-AES128-SHA256",
};

/* ---- to a server ---- */

static void row_60_a_client_must_offer_h2(void **state) {
  const char *const offers[] = {"http/1.1", "h2c", "h2-14", "H2"};
  (void)state;
  hand_serve(NULL);
  hand_client();
  hand.tls.alpn = NULL;
  hand_connect();
  hand_request();
  hand_expect_closed(
      CLOSE_NOTIFY); /* nothing is asked of who offers nothing: RFC 7301 section 3.2 */
  for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
    hand.tls.alpn = offers[i];
    hand_connect();
    hand_request();
    hand_expect_closed(NO_APPLICATION_PROTOCOL);
  }
  hand.tls.alpn = "h2";
  hand_connect();
  hand_request();
  hand_expect_answer();
}

static void row_60_old_versions_are_refused_by_the_server(void **state) {
  (void)state;
  hand_serve(NULL);
  hand_client();
  tls_raw_versions(&hand.tls, TLS1_VERSION, TLS1_1_VERSION);
  hand_connect();
  hand_request();
  hand_expect_closed(PROTOCOL_VERSION);
  tls_raw_versions(&hand.tls, TLS1_VERSION, TLS1_2_VERSION);
  hand_connect();
  hand_request();
  hand_expect_answer();
  assert_string_equal(SSL_get_version(hand.tls.ssl), "TLSv1.2");
}

static void expect_no_suite(const char *const *suites, size_t count) {
  hand_client();
  tls_raw_versions(&hand.tls, TLS1_2_VERSION, TLS1_2_VERSION);
  for (size_t i = 0; i < count; i++) {
    tls_raw_ciphers(&hand.tls, suites[i]);
    hand_connect();
    hand_request();
    hand_expect_closed(HANDSHAKE_FAILURE);
  }
}

static void row_60_banned_ciphers_are_refused_by_the_server(void **state) {
  (void)state;
  fc_tls_identity rsa = cert_identity("rsa_server");
  fc_tls_server_options options = FC_TLS_SERVER_OPTIONS_INIT;
  options.identities = &rsa;
  options.identity_count = 1;
  hand_serve(NULL);
  expect_no_suite(banned, sizeof banned / sizeof *banned);
  hand_serve(&options);
  expect_no_suite(banned_rsa, sizeof banned_rsa / sizeof *banned_rsa);
  tls_raw_ciphers(&hand.tls, "ECDHE-RSA-AES128-GCM-SHA256");
  hand_connect();
  hand_request();
  hand_expect_answer();
}

static void row_60_plain_text_to_a_port_of_tls_is_refused(void **state) {
  (void)state;
  hand_serve(NULL);
  raw_end_connect(&hand.end, hand.w.sim, HAND_ADDRESS);
  raw_end_go(&hand.end);
  hand_request();
  raw_end_go(&hand.end);
  assert_null(hand.end.transport);
  assert_int_equal(hand.w.handled, 0);
  secure_channel(&hand.w, HAND_PEER, NULL);
  secure_expect(&hand.w, FC_CODE_UNAVAILABLE, HAND_PEER);
  assert_int_equal(hand.w.handled, 0);
}

/* ---- to a client ---- */

static void row_60_a_server_must_choose_h2(void **state) {
  (void)state;
  hand_server("server");
  hand.tls.alpn = NULL;
  hand_channel(NULL);
  hand_expect_refused("TLS handshake: the server does not choose HTTP/2");
  hand_server("server");
  hand.tls.alpn = "http/1.1"; /* which was not offered */
  hand_channel(NULL);
  hand_expect_refused("TLS handshake: bad extension");
}

static void row_60_old_versions_are_refused_by_the_client(void **state) {
  (void)state;
  hand_server("server");
  tls_raw_versions(&hand.tls, TLS1_VERSION, TLS1_1_VERSION);
  hand_channel(NULL);
  hand_expect_refused("TLS handshake: ");
  assert_string_equal(hand.tls.failure, "unsupported protocol");
}

static void row_60_banned_ciphers_are_refused_by_the_client(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof banned / sizeof *banned; i++) {
    hand_server("server");
    tls_raw_versions(&hand.tls, TLS1_2_VERSION, TLS1_2_VERSION);
    tls_raw_ciphers(&hand.tls, banned[i]);
    hand_channel(NULL);
    hand_expect_refused("TLS handshake: ");
    assert_string_equal(hand.tls.failure, "no shared cipher");
  }
  for (size_t i = 0; i < sizeof banned_rsa / sizeof *banned_rsa; i++) {
    hand_server("rsa_server");
    tls_raw_versions(&hand.tls, TLS1_2_VERSION, TLS1_2_VERSION);
    tls_raw_ciphers(&hand.tls, banned_rsa[i]);
    hand_channel(NULL);
    hand_expect_refused("TLS handshake: ");
    assert_string_equal(hand.tls.failure, "no shared cipher");
  }
}

static void row_60_tls_to_a_port_without_is_refused(void **state) {
  (void)state;
  hand_server("server");
  raw_end_finish(&hand.end);
  raw_end_listen(&hand.end, hand.w.sim, HAND_ADDRESS);
  hand_channel(NULL);
  secure_expect(&hand.w, FC_CODE_UNAVAILABLE, HAND_PEER ": TLS handshake: ");
  raw_end_go(&hand.end);
  assert_null(hand.end.transport);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      HAND_TEST(row_60_a_client_must_offer_h2),
      HAND_TEST(row_60_old_versions_are_refused_by_the_server),
      HAND_TEST(row_60_banned_ciphers_are_refused_by_the_server),
      HAND_TEST(row_60_plain_text_to_a_port_of_tls_is_refused),
      HAND_TEST(row_60_a_server_must_choose_h2),
      HAND_TEST(row_60_old_versions_are_refused_by_the_client),
      HAND_TEST(row_60_banned_ciphers_are_refused_by_the_client),
      HAND_TEST(row_60_tls_to_a_port_without_is_refused),
  };
  return hand_run(tests, sizeof tests / sizeof *tests);
}
