/*
 * Certificates and authorities that change under a server: row 62 of the table of hostile inputs,
 * as clients by hand see it. What happens under load and with files is in
 * tests/loopback/test_tls_rotation.c.
 */
#include <openssl/pem.h>

#include "sim/tls_hand.h"

enum { UNKNOWN_CA = 48, CERTIFICATE_REQUIRED = 116 }; /* RFC 8446 section 6 */

static void serve(fc_slice client_roots) {
  fc_tls_server_options options = FC_TLS_SERVER_OPTIONS_INIT;
  options.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  options.client_roots = client_roots;
  hand_serve(&options);
}

static fc_result update(fc_tls_identity identity, fc_slice client_roots) {
  return fc_server_credentials_update(hand.credentials, &identity, 1, client_roots, NULL);
}

static void expect_call(void) {
  hand_request();
  hand_expect_answer();
}

/* ---- pairs ---- */

static void expect_shown(const char *name) {
  X509 *shown = SSL_get0_peer_certificate(hand.tls.ssl);
  fc_slice text = cert_text(name);
  BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
  X509 *wanted = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  assert_int_equal(X509_cmp(shown, wanted), 0);
  X509_free(wanted);
  BIO_free(bio);
}

static void row_62_a_new_pair_is_shown_to_new_connections_alone(void **state) {
  (void)state;
  hand_serve(NULL);
  hand_client();
  hand_connect();
  expect_call();
  assert_int_equal(update(cert_identity("renewed"), (fc_slice){0}), FC_OK);
  expect_call(); /* on the connection of before */
  expect_shown("server.pem");
  hand_connect();
  expect_call();
  expect_shown("renewed.pem");
}

static void row_62_a_pair_that_does_not_match_is_refused(void **state) {
  fc_tls_identity mixed = cert_identity("renewed");
  (void)state;
  mixed.private_key = cert_text("server.key");
  hand_serve(NULL);
  hand_client();
  assert_int_equal(update(mixed, (fc_slice){0}), FC_ERR_INVALID);
  mixed.private_key.len = 0;
  assert_int_equal(update(mixed, (fc_slice){0}), FC_ERR_INVALID);
  hand_connect();
  expect_call();
  expect_shown("server.pem");
}

/* ---- sessions ---- */

static void lose_authority(int version) {
  serve(cert_text("bundle.pem"));
  hand_client();
  tls_raw_versions(&hand.tls, version, version);
  tls_raw_identity(&hand.tls, "other_client");
  hand_connect();
  expect_call();
  assert_non_null(hand.tls.session);
  hand_connect();
  expect_call();
  assert_true(SSL_session_reused(hand.tls.ssl));
  secure_expect_auth(hand.w.server_auth, "ssl_session_reused", "true");
  secure_expect_auth(hand.w.server_auth, "x509_common_name", "test-client");
  assert_int_equal(update(cert_identity("server"), cert_text("ca.pem")), FC_OK);
  hand_connect();
  hand_request();
  hand_expect_closed(UNKNOWN_CA);
  assert_false(SSL_session_reused(hand.tls.ssl));
}

static void row_62_a_session_does_not_outlive_its_authority(void **state) {
  (void)state;
  lose_authority(TLS1_2_VERSION);
  lose_authority(TLS1_3_VERSION);
}

/* A session of a server that asked for no certificates is worth nothing to one that does, with the same key or not. */
static void row_62_a_session_of_another_server_is_not_resumed(void **state) {
  (void)state;
  hand_serve(NULL);
  hand_client();
  hand_connect();
  expect_call();
  SSL_SESSION *session = hand.tls.session;
  assert_non_null(session);
  assert_true(SSL_SESSION_up_ref(session));
  serve(cert_text("ca.pem"));
  hand_client();
  hand.tls.session = session;
  hand_connect();
  hand_request();
  hand_expect_closed(CERTIFICATE_REQUIRED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      HAND_TEST(row_62_a_new_pair_is_shown_to_new_connections_alone),
      HAND_TEST(row_62_a_pair_that_does_not_match_is_refused),
      HAND_TEST(row_62_a_session_does_not_outlive_its_authority),
      HAND_TEST(row_62_a_session_of_another_server_is_not_resumed),
  };
  return hand_run(tests, sizeof tests / sizeof *tests);
}
