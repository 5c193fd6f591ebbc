/*
 * What keeps a TLS connection from standing ends the calls that wait for it with one sentence, which names the step, the
 * address and the reason; no handler runs, and no byte of a call is sent.
 */
#include <stdio.h>

#include "sim/secure_world.h"
#include "support/check.h"
#include "support/tls_credentials.h"

#define ADDRESS "127.0.0.1:80"
#define TARGET "ipv4:127.0.0.1:80"

/* Serves with one, calls with the other, and asserts how the call ends. */
static void expect(fc_server_credentials *server, const char *target,
                   fc_channel_credentials *channel, const char *part) {
  struct secure_world w;
  secure_open(&w);
  sim_add_host(w.sim, "localhost", "127.0.0.1", FC_MILLISECOND);
  sim_add_host(w.sim, "other.example", "127.0.0.1", FC_MILLISECOND);
  secure_serve(&w, ADDRESS, server);
  secure_channel(&w, target, channel);
  secure_expect(&w, FC_CODE_UNAVAILABLE, part);
  assert_int_equal(w.handled, 0);
  secure_close(&w);
}

static void expect_refused(const char *identity, const char *reason) {
  char text[300];
  snprintf(text, sizeof text,
           "failed to connect to all addresses (1 tried); last error: "
           "ipv4:127.0.0.1:80: TLS handshake: certificate verify failed: %s",
           reason);
  expect(tls_server(identity, FC_TLS_CLIENT_AUTH_NONE), "localhost:80", tls_channel_as(NULL), text);
}

/* ---- the server's certificate ---- */

static void a_certificate_must_have_the_name(void **state) {
  (void)state;
  expect_refused("wrong_name", "hostname mismatch");
  expect(tls_server("server", FC_TLS_CLIENT_AUTH_NONE), "other.example:80", tls_channel_as(NULL),
         "TLS handshake: certificate verify failed: hostname mismatch");
  expect(tls_server("no_ip", FC_TLS_CLIENT_AUTH_NONE), TARGET, tls_channel_as(NULL),
         "TLS handshake: certificate verify failed: IP address mismatch");
}

static void a_certificate_must_be_signed_by_an_authority(void **state) {
  (void)state;
  expect_refused("other_server", "unable to get local issuer certificate");
  expect_refused("self_signed", "self-signed certificate");
}

static void a_certificate_must_be_valid_now(void **state) {
  (void)state;
  expect_refused("expired", "certificate has expired");
  expect_refused("future", "certificate is not yet valid");
}

static void a_certificate_must_be_for_servers(void **state) {
  (void)state;
  expect_refused("wrong_usage", "unsuitable certificate purpose");
}

static fc_result refuse(const fc_auth_context *peer, const char *name, fc_error *err, void *user) {
  (void)peer;
  (*(int *)user)++;
  snprintf(err->message, sizeof err->message, "nobody here likes %s", name);
  return FC_ERR_INVALID;
}

static void a_verifier_may_refuse(void **state) {
  (void)state;
  int asked = 0;
  fc_tls_client_options o = tls_client_options();
  o.verify = refuse;
  o.verify_user = &asked;
  expect(tls_server("server", FC_TLS_CLIENT_AUTH_NONE), "localhost:80", tls_channel(&o),
         "ipv4:127.0.0.1:80: TLS handshake: nobody here likes localhost");
  assert_int_equal(asked, 1);
}

/* ---- the client's certificate ---- */

static fc_channel_credentials *client_of(const char *identity, fc_tls_version version) {
  fc_tls_client_options o = tls_client_options();
  fc_tls_identity shown;
  if (identity) {
    shown = cert_identity(identity);
    o.identity = &shown;
  }
  o.max_version = version;
  return tls_channel(&o);
}

/* With TLS 1.3 a client has finished before the server has looked at its certificate: RFC 8446 section 4.4.2.4. */
static void expect_client_refused(const char *identity, const char *alert) {
  expect(tls_server("server", FC_TLS_CLIENT_AUTH_REQUIRE), TARGET,
         client_of(identity, FC_TLS_VERSION_1_2), alert);
  expect(tls_server("server", FC_TLS_CLIENT_AUTH_REQUIRE), TARGET,
         client_of(identity, FC_TLS_VERSION_1_3), alert);
}

static void a_client_without_a_certificate_is_refused(void **state) {
  (void)state;
  expect(tls_server("server", FC_TLS_CLIENT_AUTH_REQUIRE), TARGET,
         client_of(NULL, FC_TLS_VERSION_1_2),
         "TLS handshake: alert from the peer: handshake failure");
  expect(tls_server("server", FC_TLS_CLIENT_AUTH_REQUIRE), TARGET,
         client_of(NULL, FC_TLS_VERSION_1_3), "TLS: alert from the peer: certificate required");
}

static void a_client_with_a_bad_certificate_is_refused(void **state) {
  (void)state;
  expect_client_refused("other_client", "alert from the peer: unknown CA");
  expect_client_refused("expired_client", "alert from the peer: certificate expired");
  expect_client_refused("server", "alert from the peer: unsupported certificate");
}

static void a_client_that_shows_a_bad_one_unasked_is_refused(void **state) {
  (void)state;
  expect(tls_server("server", FC_TLS_CLIENT_AUTH_REQUEST), TARGET,
         client_of("other_client", FC_TLS_VERSION_1_3), "alert from the peer: unknown CA");
}

/* ---- who does not speak TLS ---- */

static void plain_text_to_a_tls_port(void **state) {
  (void)state;
  expect(tls_server("server", FC_TLS_CLIENT_AUTH_NONE), TARGET, NULL,
         "last error: HTTP/2 handshake: ipv4:127.0.0.1:80 closed the connection");
}

static void tls_to_a_plain_port(void **state) {
  (void)state;
  expect(NULL, TARGET, tls_channel_as(NULL),
         "ipv4:127.0.0.1:80: TLS handshake: the peer does not speak TLS");
}

/* ---- who does not answer ---- */

static void expect_in_time(enum sim_cut_kind cut, int64_t timeout, const char *part,
                           int64_t seconds) {
  struct secure_world w;
  secure_open(&w);
  sim_link(w.sim, NULL)->cut = cut;
  sim_link(w.sim, NULL)->cut_direction = SIM_TO_CLIENT;
  w.options.connect_timeout_ns = timeout;
  secure_serve(&w, ADDRESS, tls_server("server", FC_TLS_CLIENT_AUTH_NONE));
  secure_channel(&w, TARGET, tls_channel_as(NULL));
  int64_t began = sim_now(w.sim);
  secure_expect(&w, FC_CODE_UNAVAILABLE, part);
  assert_int_equal((sim_now(w.sim) - began) / FC_SECOND, seconds);
  secure_close(&w);
}

static void the_connect_timeout_covers_the_handshake(void **state) {
  (void)state;
  expect_in_time(SIM_CUT_BLACK_HOLE, 0,
                 "last error: TLS handshake with ipv4:127.0.0.1:80: no answer within 20 s", 20);
  expect_in_time(SIM_CUT_BLACK_HOLE, 3 * FC_SECOND, "no answer within 3 s", 3);
}

static void a_peer_may_hang_up_in_the_handshake(void **state) {
  (void)state;
  expect_in_time(SIM_CUT_END, 0, "ipv4:127.0.0.1:80: TLS handshake: the peer closed the connection",
                 0);
  expect_in_time(SIM_CUT_RESET, 0, "ipv4:127.0.0.1:80: TLS handshake: ", 0);
}

/* TLS took half of the time: HTTP/2 has the other half. */
static void the_connect_timeout_covers_both_handshakes(void **state) {
  (void)state;
  struct secure_world w;
  secure_open(&w);
  sim_link(w.sim, NULL)->latency = 4 * FC_SECOND;
  w.options.connect_timeout_ns = 19 * FC_SECOND;
  secure_serve(&w, ADDRESS, tls_server("server", FC_TLS_CLIENT_AUTH_NONE));
  secure_channel(&w, TARGET, tls_channel_as(NULL));
  int64_t began = sim_now(w.sim);
  secure_expect(&w, FC_CODE_UNAVAILABLE,
                "HTTP/2 handshake with ipv4:127.0.0.1:80: no SETTINGS within 19 s");
  assert_int_equal((sim_now(w.sim) - began) / FC_SECOND, 19);
  secure_close(&w);
}

/* ---- waiting for better times ---- */

struct mending {
  struct secure_world w;
  fc_server_credentials *server;
};

static void mend(void *user) {
  struct mending *m = user;
  fc_tls_identity good = cert_identity("server");
  assert_int_equal(fc_server_credentials_update(m->server, &good, 1, FC_SLICE_EMPTY, NULL), FC_OK);
}

static void a_call_may_wait_until_the_handshake_succeeds(void **state) {
  (void)state;
  struct mending m;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_bytes *response;
  size_t attempts;
  secure_open(&m.w);
  fc_tls_server_options so = FC_TLS_SERVER_OPTIONS_INIT;
  fc_tls_identity bad = cert_identity("expired");
  so.identities = &bad;
  so.identity_count = 1;
  m.server = tls_server_with(&so);
  fc_server_credentials *mine = m.server; /* the server has a reference of its own */
  assert_int_equal(fc_server_create(&m.w.server_options, &m.w.server, NULL), FC_OK);
  assert_int_equal(fc_server_listen_secure(m.w.server, ADDRESS, mine, NULL, NULL), FC_OK);
  fc_server_credentials_destroy(mine);
  assert_int_equal(fc_server_start(m.w.server, NULL), FC_OK);
  secure_channel(&m.w, TARGET, tls_channel_as(NULL));
  o.wait_for_ready = FC_WAIT_FOR_READY_ON;
  int64_t began = sim_now(m.w.sim);
  sim_at(m.w.sim, began + 2 * FC_SECOND, mend, &m);
  fc_code code = fc_unary_unary(m.w.channel, "/t/None", TEXT(""), &o, &response, NULL, NULL);
  assert_int_equal(code, FC_CODE_UNIMPLEMENTED); /* which the server says */
  const struct sim_attempt *a = sim_attempts(m.w.sim, &attempts);
  /* doc/connection-backoff.md: after 1 s, and 1.6 s with up to a fifth more or less. */
  assert_int_equal(attempts, 3);
  assert_in_range((uintmax_t)(a[1].at - a[0].at), FC_SECOND, FC_SECOND);
  assert_in_range((uintmax_t)(a[2].at - a[1].at), 1280 * FC_MILLISECOND, 1920 * FC_MILLISECOND);
  secure_close(&m.w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_certificate_must_have_the_name),
      cmocka_unit_test(a_certificate_must_be_signed_by_an_authority),
      cmocka_unit_test(a_certificate_must_be_valid_now),
      cmocka_unit_test(a_certificate_must_be_for_servers),
      cmocka_unit_test(a_verifier_may_refuse),
      cmocka_unit_test(a_client_without_a_certificate_is_refused),
      cmocka_unit_test(a_client_with_a_bad_certificate_is_refused),
      cmocka_unit_test(a_client_that_shows_a_bad_one_unasked_is_refused),
      cmocka_unit_test(plain_text_to_a_tls_port),
      cmocka_unit_test(tls_to_a_plain_port),
      cmocka_unit_test(the_connect_timeout_covers_the_handshake),
      cmocka_unit_test(a_peer_may_hang_up_in_the_handshake),
      cmocka_unit_test(the_connect_timeout_covers_both_handshakes),
      cmocka_unit_test(a_call_may_wait_until_the_handshake_succeeds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
