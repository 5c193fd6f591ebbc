/*
 * Clients that do not prove who they are to a server that wants it: row 61 of the table of hostile
 * inputs. The server closes with an alert that says why, and no handler runs, though the client may
 * have sent a whole request before: in TLS 1.3 it is done with the handshake before the server has
 * seen its certificate.
 */
#include "sim/tls_hand.h"

/* RFC 8446 section 6; a handshake without a certificate that is wanted fails as a whole before TLS 1.3. */
enum {
  HANDSHAKE_FAILURE = 40,
  UNSUPPORTED_CERTIFICATE = 43,
  CERTIFICATE_EXPIRED = 45,
  UNKNOWN_CA = 48,
  CERTIFICATE_REQUIRED = 116,
};

static void serve(fc_tls_client_auth auth) {
  fc_tls_server_options options = FC_TLS_SERVER_OPTIONS_INIT;
  options.client_auth = auth;
  options.client_roots = cert_text("ca.pem");
  hand_serve(&options);
}

/* identity: what the client shows; NULL: nothing. */
static void connect_with(const char *identity, int version) {
  hand_client();
  tls_raw_versions(&hand.tls, version, version);
  if (identity) tls_raw_identity(&hand.tls, identity);
  raw_end_connect_by(&hand.end, hand.w.sim, HAND_ADDRESS, &hand.tls.layer);
  hand.id = 0;
  hand.w.handled = 0;
  hand_request(); /* leaves with the end of the handshake */
}

static void expect_refused(const char *identity, int version, int alert) {
  connect_with(identity, version);
  hand_expect_closed(alert);
  assert_int_equal(hand.tls.finished, version == TLS1_3_VERSION); /* the late rejection */
}

static void expect_all_refused(fc_tls_client_auth auth) {
  serve(auth);
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    expect_refused("other_client", version, UNKNOWN_CA);
    expect_refused("self_signed", version, UNKNOWN_CA);
    expect_refused("expired_client", version, CERTIFICATE_EXPIRED);
    expect_refused("server", version, UNSUPPORTED_CERTIFICATE); /* not for clients */
    connect_with("client", version);
    hand_expect_answer();
    secure_expect_auth(hand.w.server_auth, "x509_common_name", "test-client");
  }
}

static void row_61_certificates_that_are_required_are_verified(void **state) {
  (void)state;
  expect_all_refused(FC_TLS_CLIENT_AUTH_REQUIRE);
}

static void row_61_certificates_that_are_requested_are_verified(void **state) {
  (void)state;
  expect_all_refused(FC_TLS_CLIENT_AUTH_REQUEST);
  connect_with(NULL, TLS1_3_VERSION);
  hand_expect_answer();
  assert_null(fc_auth_context_identity(hand.w.server_auth));
}

static void row_61_a_client_without_a_certificate_is_refused(void **state) {
  (void)state;
  serve(FC_TLS_CLIENT_AUTH_REQUIRE);
  expect_refused(NULL, TLS1_2_VERSION, HANDSHAKE_FAILURE);
  expect_refused(NULL, TLS1_3_VERSION, CERTIFICATE_REQUIRED);
}

static fc_result refuse(const fc_auth_context *peer, const char *name, fc_error *err, void *user) {
  (void)peer, (void)name;
  ++*(int *)user;
  err->message[0] = '\0';
  return FC_ERR_PROTOCOL;
}

static void row_61_a_verifier_is_asked_before_any_handler(void **state) {
  (void)state;
  fc_tls_server_options options = FC_TLS_SERVER_OPTIONS_INIT;
  int asked = 0;
  options.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  options.client_roots = cert_text("ca.pem");
  options.verify = refuse;
  options.verify_user = &asked;
  hand_serve(&options);
  connect_with("client", TLS1_3_VERSION);
  raw_end_go(&hand.end);
  assert_null(hand.end.transport);
  assert_int_equal(asked, 1);
  assert_int_equal(hand.w.handled, 0);
}

/* ---- the client's side ---- */

/* The calls wait for the server's SETTINGS, so that none is lost between the handshake and its rejection. */
static void row_61_a_late_rejection_is_unavailable(void **state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    hand_server("server");
    tls_raw_versions(&hand.tls, version, version);
    SSL_CTX_set_verify(hand.tls.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    hand_channel(NULL);
    secure_expect(&hand.w, FC_CODE_UNAVAILABLE, HAND_PEER);
    secure_expect(&hand.w, FC_CODE_UNAVAILABLE,
                  version == TLS1_3_VERSION ? "alert from the peer: certificate required"
                                            : "alert from the peer: handshake failure");
    assert_string_equal(hand.tls.failure, "peer did not return a certificate");
    assert_int_equal(hand.end.accepted, 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      HAND_TEST(row_61_certificates_that_are_required_are_verified),
      HAND_TEST(row_61_certificates_that_are_requested_are_verified),
      HAND_TEST(row_61_a_client_without_a_certificate_is_refused),
      HAND_TEST(row_61_a_verifier_is_asked_before_any_handler),
      HAND_TEST(row_61_a_late_rejection_is_unavailable),
  };
  return hand_run(tests, sizeof tests / sizeof *tests);
}
