/*
 * OpenSSL's own allocations fail too. Not every function of it says then that memory was the reason, but none of ours crashes,
 * loses anything or gives out half of something; and all works again afterwards.
 */
#include "io/tls_context.h"
#include "support/certs.h"
#include "support/check.h"
#include "support/tls_failing_openssl.h"
#include "support/tls_pair.h"

/* Thousands of allocations make one handshake: a step that shares no factor with their periods sees all kinds. */
enum { STEP = 211 };

static fc_tls_identity identities[2], client_identity;
static struct fc__tls *client_tls, *server_tls;

static fc_result make_client(struct fc__tls **out, fc_error *err) {
  fc_tls_client_options o = FC_TLS_CLIENT_OPTIONS_INIT;
  o.roots = cert_text("ca.pem");
  o.identity = &client_identity;
  return fc__tls_client_create(&o, out, err);
}

static fc_result make_server(struct fc__tls **out, fc_error *err) {
  fc_tls_server_options o = FC_TLS_SERVER_OPTIONS_INIT;
  o.identities = identities;
  o.identity_count = 2;
  o.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  o.client_roots = cert_text("ca.pem");
  return fc__tls_server_create(&o, NULL, out, err);
}

static bool meet(void) {
  struct tls_party ends[2];
  bool met = tls_meet(client_tls, "localhost", server_tls, ends);
  tls_forget(ends);
  return met;
}

static int make_both(void **state) {
  (void)state;
  identities[0] = cert_identity("server");
  identities[1] = cert_identity("rsa_server");
  client_identity = cert_identity("client");
  if (make_client(&client_tls, NULL) != FC_OK || make_server(&server_tls, NULL) != FC_OK) return -1;
  return meet() && meet() ? 0 : -1; /* what OpenSSL makes once is there now */
}

static int drop_both(void **state) {
  (void)state;
  fc__tls_unref(client_tls);
  fc__tls_unref(server_tls);
  return 0;
}

/* ---- scenarios ---- */

static void expect_all_or_nothing(fc_result r, struct fc__tls *tls, const fc_error *err) {
  assert_int_equal(r == FC_OK, tls != NULL);
  assert_int_equal(err->result, r);
  assert_true(r == FC_OK || err->message[0]);
  fc__tls_unref(tls);
}

static void create_client(void) {
  struct fc__tls *tls;
  fc_error err = FC_ERROR_INIT;
  fc_result r = make_client(&tls, &err);
  expect_all_or_nothing(r, tls, &err);
}

static void create_server(void) {
  struct fc__tls *tls;
  fc_error err = FC_ERROR_INIT;
  fc_result r = make_server(&tls, &err);
  expect_all_or_nothing(r, tls, &err);
}

static void update(void) {
  fc_error err = FC_ERROR_INIT;
  fc_result r = fc__tls_server_update(server_tls, identities, 2, FC_SLICE_EMPTY, &err);
  assert_int_equal(err.result, r);
}

static void shake_hands(void) { (void)meet(); }

static void torture(void (*scenario)(void)) {
  for (int all = 0; all < 2; all++) {
    bool reached = true;
    for (size_t n = 0; reached; n += STEP) {
      failing_openssl_arm(n, all);
      scenario();
      reached = failing_openssl_disarm();
    }
    assert_true(meet());
  }
}

static void creation_survives(void **state) {
  (void)state;
  torture(create_client);
  torture(create_server);
}

static void updates_survive(void **state) {
  (void)state;
  torture(update);
}

static void handshakes_survive(void **state) {
  (void)state;
  torture(shake_hands);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(creation_survives),
      cmocka_unit_test(updates_survive),
      cmocka_unit_test(handshakes_survive),
  };
  if (!failing_openssl_install()) return 1;
  return cmocka_run_group_tests(tests, make_both, drop_both);
}
