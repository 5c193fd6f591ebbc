/* Handshakes of TLS as a transport: each has one outcome, told once, and a failure says what it was. */
#include <errno.h>

#include "base/error.h"
#include "io/reactor.h"
#include "sim/raw_end.h"
#include "sim/tls_raw.h"
#include "sim/tls_world.h"
#include "support/certs.h"
#include "support/check.h"

static const char address[] = "10.0.0.1:443";

static void expect_failure(const struct tls_end *end, int error, const char *text) {
  assert_int_equal(end->outcomes, 1);
  assert_int_equal(end->outcome, error);
  assert_string_equal(end->failure, text);
}

static void expect_alert(const struct tls_end *end, const char *name) {
  char text[256];
  snprintf(text, sizeof text, "TLS handshake: alert from the peer: %s", name);
  expect_failure(end, -EPROTO, text);
}

/* ---- certificates ---- */

static void a_certificate_that_does_not_hold_is_named(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  w.client.name = "elsewhere.example";
  tls_world_start(&w);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.client.outcomes, 1);
  assert_int_equal(w.client.outcome, -EPROTO);
  assert_non_null(
      strstr(w.client.failure, "TLS handshake: certificate verify failed: hostname mismatch"));
  tls_world_close(&w);
}

static void an_unknown_authority_is_named_on_both_sides(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  fc_tls_client_options o = tls_world_client_options();
  o.roots_file = cert_path("other_ca.pem");
  tls_end_use_client(&w.client, &o);
  tls_world_start(&w);
  sim_run_for(w.sim, FC_SECOND);
  expect_failure(
      &w.client, -EPROTO,
      "TLS handshake: certificate verify failed: unable to get local issuer certificate");
  expect_alert(&w.server, "unknown CA");
  tls_world_close(&w);
}

static void require_client_certificates(struct tls_world *w) {
  fc_tls_server_options o = tls_world_server_options();
  o.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  o.client_roots_file = cert_path("ca.pem");
  tls_end_use_server(&w->server, &o);
}

/* With TLS 1.3 the client's handshake is over before the server has seen what it lacks: RFC 8446 section 4.4.2.4. */
static void a_late_rejection_says_why(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  require_client_certificates(&w);
  tls_world_start(&w);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.client.outcome, 0);
  assert_int_equal(w.client.error, -EPROTO);
  assert_string_equal(w.client.failure, "TLS: alert from the peer: certificate required");
  assert_int_equal(w.server.outcome, -EPROTO);
  tls_world_close(&w);
}

static void close_server(void *user) {
  struct tls_world *w = user;
  tls_end_close(&w->server);
}

/* The client learns of it by a write that fails, when the alert is there but unread. */
static void a_rejection_is_found_by_writing_too(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  require_client_certificates(&w);
  w.client.reads_max = 0;
  tls_world_start(&w);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.client.error, 0);
  sim_at(w.sim, sim_now(w.sim), close_server, &w);
  tls_end_send(&w.client, 10);
  sim_run_for(w.sim, FC_SECOND);
  tls_end_send(&w.client, 10); /* the first was answered with a reset */
  assert_int_equal(w.client.error, -EPROTO);
  assert_string_equal(w.client.failure, "TLS: alert from the peer: certificate required");
  tls_world_close(&w);
}

/* ---- peers that speak something else ---- */

static void a_server_without_tls_is_told_from_others(void **state) {
  (void)state;
  struct tls_world w;
  struct raw_end plain;
  tls_world_open(&w, 1);
  tls_end_use_none(&w.server);
  raw_end_listen(&plain, w.sim, address);
  tls_world_start(&w);
  sim_run_for(w.sim, FC_SECOND);
  expect_failure(
      &w.client, -EPROTO,
      "TLS handshake: the peer does not speak TLS (it answered with HTTP/2 or other plain "
      "text)");
  raw_end_finish(&plain);
  tls_world_close(&w);
}

static void a_client_without_tls_is_told_from_others(void **state) {
  (void)state;
  struct tls_world w;
  struct raw_end plain;
  tls_world_open(&w, 1);
  tls_end_use_none(&w.client);
  tls_world_start(&w);
  raw_end_connect(&plain, w.sim, address);
  sim_run_for(w.sim, FC_SECOND);
  expect_failure(&w.server, -EPROTO,
                 "TLS handshake: the peer does not speak TLS (it sent HTTP/2 or other plain text)");
  raw_end_finish(&plain);
  tls_world_close(&w);
}

static void with_raw_server(struct tls_world *w, struct tls_raw *tls, struct raw_end *end) {
  tls_end_use_none(&w->server);
  raw_end_listen_by(end, w->sim, address, &tls->layer);
  tls_world_start(w);
  sim_run_for(w->sim, FC_SECOND);
}

static void close_raw(struct tls_world *w, struct tls_raw *tls, struct raw_end *end) {
  raw_end_finish(end);
  tls_raw_finish(tls);
  tls_world_close(w);
}

static void a_peer_without_alpn_is_refused(void **state) {
  (void)state;
  struct tls_world w;
  struct tls_raw tls;
  struct raw_end end;
  tls_world_open(&w, 1);
  tls_raw_server(&tls, "server");
  tls.alpn = NULL;
  with_raw_server(&w, &tls, &end);
  assert_int_equal(w.client.outcome, -EPROTO);
  assert_non_null(strstr(w.client.failure, "TLS handshake: "));
  assert_non_null(strstr(w.client.failure, "ALPN"));
  assert_true(tls.goodbye);
  close_raw(&w, &tls, &end);
}

static void a_peer_of_before_tls_1_2_is_refused(void **state) {
  (void)state;
  struct tls_world w;
  struct tls_raw tls;
  struct raw_end end;
  tls_world_open(&w, 1);
  tls_raw_server(&tls, "server");
  tls_raw_versions(&tls, TLS1_1_VERSION, TLS1_1_VERSION);
  with_raw_server(&w, &tls, &end);
  expect_alert(&w.client, "protocol version");
  close_raw(&w, &tls, &end);
}

/* A chain of certificates that is longer than what TLS gathers for a write, and than what the network takes. */
static void a_flight_may_be_longer_than_what_is_gathered(void **state) {
  (void)state;
  enum { COPIES = 190 }; /* nearly all that OpenSSL takes */
  struct tls_world w;
  fc_slice chain = cert_text("server_chain.pem"), more = cert_text("intermediate.pem");
  uint8_t *all;
  fc_bytes *text = fc_bytes_create(chain.len + COPIES * more.len, &all);
  memcpy(all, chain.data, chain.len);
  for (int i = 0; i < COPIES; i++) memcpy(all + chain.len + i * more.len, more.data, more.len);
  fc_tls_identity identity = {.certificate_chain = fc_bytes_slice(text),
                              .private_key = cert_text("server_chain.key")};
  fc_tls_server_options o = tls_world_server_options();
  o.identities = &identity;
  tls_world_open(&w, 1);
  tls_end_use_server(&w.server, &o);
  sim_link(w.sim, NULL)->buffer = 10000;
  tls_world_shake_hands(&w);
  tls_world_close(&w);
  fc_bytes_unref(text);
}

/* ---- peers that go away, or say nothing ---- */

static void a_server_that_hangs_up_is_named(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  sim_link(w.sim, NULL)->cut = SIM_CUT_END;
  sim_link(w.sim, NULL)->cut_direction = SIM_TO_CLIENT;
  sim_link(w.sim, NULL)->cut_at = 100;
  tls_world_start(&w);
  sim_run_for(w.sim, FC_SECOND);
  expect_failure(&w.client, -ECONNRESET, "TLS handshake: the peer closed the connection");
  tls_world_close(&w);
}

static void a_reset_in_the_handshake_names_the_step(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  sim_link(w.sim, NULL)->cut = SIM_CUT_RESET;
  sim_link(w.sim, NULL)->cut_at = 1;
  tls_world_start(&w);
  sim_run_for(w.sim, FC_SECOND);
  expect_failure(&w.client, -ECONNRESET, "TLS handshake: Connection reset by peer");
  tls_world_close(&w);
}

/* How long to wait is the owner's to say. */
static void a_stalled_handshake_goes_on_until_its_owner_closes(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  sim_link(w.sim, NULL)->cut = SIM_CUT_BLACK_HOLE;
  sim_link(w.sim, NULL)->cut_at = 100;
  tls_world_start(&w);
  sim_run_for(w.sim, 3600 * FC_SECOND);
  assert_int_equal(w.client.outcomes + w.server.outcomes, 0);
  assert_true(w.client.wrapped && w.server.wrapped);
  tls_world_close(&w);
}

/* ---- asking the application ---- */

struct asked {
  struct tls_world *w;
  unsigned hooks, verifications;
  fc_result verdict;
  bool closes;
};

/* Neither runs under the lock: closing takes it. */
static void on_handshake(fc_server_credentials *credentials, void *user) {
  struct asked *asked = user;
  (void)credentials;
  asked->hooks++;
  assert_int_equal(asked->w->server.outcomes, 0);
  if (asked->closes) tls_end_close(&asked->w->server);
}

static fc_result verify(const fc_auth_context *peer, const char *name, fc_error *err, void *user) {
  struct asked *asked = user;
  fc_slice type;
  asked->verifications++;
  assert_true(fc_auth_context_find(peer, "transport_security_type", &type));
  assert_string_equal(name, "localhost");
  assert_int_equal(asked->w->client.outcomes, 0);
  if (asked->closes) tls_end_close(&asked->w->client);
  return asked->verdict == FC_OK ? FC_OK : fc__error(err, asked->verdict, "not today");
}

static void open_asking(struct tls_world *w, struct asked *asked) {
  tls_world_open(w, 1);
  fc_tls_client_options client = tls_world_client_options();
  fc_tls_server_options server = tls_world_server_options();
  *asked = (struct asked){.w = w};
  client.verify = verify;
  server.on_handshake = on_handshake;
  client.verify_user = server.handshake_user = asked;
  tls_end_use_client(&w->client, &client);
  tls_end_use_server(&w->server, &server);
}

static void the_application_is_asked_before_and_after(void **state) {
  (void)state;
  struct tls_world w;
  struct asked asked;
  open_asking(&w, &asked);
  tls_world_shake_hands(&w);
  assert_int_equal(asked.hooks, 1);
  assert_int_equal(asked.verifications, 1);
  tls_end_send(&w.client, 1000);
  tls_end_send(&w.server, 1000);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.client.received + w.server.received, 2000);
  tls_world_close(&w);
}

static void a_verifier_that_refuses_gives_the_reason(void **state) {
  (void)state;
  struct tls_world w;
  struct asked asked;
  open_asking(&w, &asked);
  asked.verdict = FC_ERR_INVALID;
  tls_world_start(&w);
  sim_run_for(w.sim, FC_SECOND);
  expect_failure(&w.client, -EPROTO, "TLS handshake: not today");
  assert_true(w.server.ended);
  tls_world_close(&w);
}

static void an_owner_may_close_while_the_application_is_asked(void **state) {
  (void)state;
  struct tls_world w;
  struct asked asked;
  open_asking(&w, &asked);
  asked.closes = true;
  tls_world_start(&w);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(asked.hooks, 1);
  assert_int_equal(w.server.outcomes, 0);
  tls_world_close(&w);

  open_asking(&w, &asked);
  fc_tls_server_options server = tls_world_server_options();
  tls_end_use_server(&w.server, &server);
  asked.closes = true;
  tls_world_start(&w);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(asked.verifications, 1);
  assert_int_equal(w.client.outcomes, 0);
  assert_true(w.server.ended);
  tls_world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_certificate_that_does_not_hold_is_named),
      cmocka_unit_test(an_unknown_authority_is_named_on_both_sides),
      cmocka_unit_test(a_late_rejection_says_why),
      cmocka_unit_test(a_rejection_is_found_by_writing_too),
      cmocka_unit_test(a_server_without_tls_is_told_from_others),
      cmocka_unit_test(a_client_without_tls_is_told_from_others),
      cmocka_unit_test(a_peer_without_alpn_is_refused),
      cmocka_unit_test(a_peer_of_before_tls_1_2_is_refused),
      cmocka_unit_test(a_flight_may_be_longer_than_what_is_gathered),
      cmocka_unit_test(a_server_that_hangs_up_is_named),
      cmocka_unit_test(a_reset_in_the_handshake_names_the_step),
      cmocka_unit_test(a_stalled_handshake_goes_on_until_its_owner_closes),
      cmocka_unit_test(the_application_is_asked_before_and_after),
      cmocka_unit_test(a_verifier_that_refuses_gives_the_reason),
      cmocka_unit_test(an_owner_may_close_while_the_application_is_asked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
