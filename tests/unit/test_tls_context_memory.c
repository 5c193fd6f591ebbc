/* Any allocation may fail: whatever TLS was about to do then fails with the right word, and nothing is left or lost. */
#include "io/tls_context.h"
#include "support/certs.h"
#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/tls_pair.h"

static fc_tls_client_options client;
static fc_tls_server_options server;
static fc_tls_identity identities[2], client_identity;
static struct fc__tls *client_tls, *server_tls;

static int fresh(void **state) {
  (void)state;
  identities[0] = cert_identity("server");
  identities[1] = cert_identity_files("rsa_server");
  client_identity = cert_identity_files("client");
  client = (fc_tls_client_options)FC_TLS_CLIENT_OPTIONS_INIT;
  client.roots_file = cert_path("ca.pem");
  client.identity = &client_identity;
  server = (fc_tls_server_options)FC_TLS_SERVER_OPTIONS_INIT;
  server.identities = identities;
  server.identity_count = 2;
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  server.client_roots = cert_text("ca.pem");
  return 0;
}

static void drop_both(void) {
  fc__tls_unref(client_tls);
  fc__tls_unref(server_tls);
  client_tls = server_tls = NULL;
}

static void expect_no_memory(fc_result r, const fc_error *err) {
  if (r == FC_OK) return;
  if (r != FC_ERR_NO_MEMORY) fail_msg("%d \"%s\"", r, err->message);
  assert_int_equal(err->result, FC_ERR_NO_MEMORY);
}

/* Runs a scenario with allocation 0, 1, 2... failing, until none is left to fail. */
static void torture(void (*scenario)(void)) {
  for (int mode = FAILING_ALLOC_ONCE; mode <= FAILING_ALLOC_FROM_THEN; mode++) {
    for (size_t n = 0;; n++) {
      size_t live = failing_alloc_live();
      failing_alloc_arm(n, (enum failing_alloc_mode)mode);
      scenario();
      bool reached = failing_alloc_disarm();
      assert_int_equal(failing_alloc_live(), live);
      if (!reached) break;
    }
  }
}

/* ---- scenarios ---- */

static void make_client(void) {
  fc_error err = FC_ERROR_INIT;
  expect_no_memory(fc__tls_client_create(&client, &client_tls, &err), &err);
  drop_both();
}

static void make_server(void) {
  fc_error err = FC_ERROR_INIT;
  expect_no_memory(fc__tls_server_create(&server, NULL, &server_tls, &err), &err);
  drop_both();
}

static void update_and_meet(void) {
  struct tls_party ends[2];
  fc_error err = FC_ERROR_INIT;
  expect_no_memory(fc__tls_server_update(server_tls, identities, 2, FC_SLICE_EMPTY, &err), &err);
  for (int i = 0; i < 2; i++) {
    (void)tls_meet(client_tls, "localhost", server_tls, ends);
    for (int j = 0; j < 2; j++) {
      fc_error told = {.result = ends[j].result};
      memcpy(told.message, ends[j].reason, sizeof told.message);
      expect_no_memory(ends[j].result, &told);
      assert_true(ends[j].result != FC_OK || ends[j].auth);
    }
    tls_forget(ends);
  }
  /* As if it had never been. */
  fc__tls_sessions_clear(&client_tls->sessions);
}

/* ---- tests ---- */

static void making_a_client_survives(void **state) {
  (void)state;
  torture(make_client);
}

static void making_a_server_survives(void **state) {
  (void)state;
  torture(make_server);
}

static void updates_and_handshakes_survive(void **state) {
  (void)state;
  assert_int_equal(fc__tls_client_create(&client, &client_tls, NULL), FC_OK);
  assert_int_equal(fc__tls_server_create(&server, NULL, &server_tls, NULL), FC_OK);
  torture(update_and_meet);
  drop_both();
}

/* What it holds is small: a struct, paths, PEM labels. */
static void nothing_of_ours_is_left_when_both_are_gone(void **state) {
  (void)state;
  struct tls_party ends[2];
  size_t live = failing_alloc_live();
  assert_int_equal(fc__tls_client_create(&client, &client_tls, NULL), FC_OK);
  assert_int_equal(fc__tls_server_create(&server, NULL, &server_tls, NULL), FC_OK);
  assert_true(tls_meet(client_tls, "localhost", server_tls, ends));
  assert_true(failing_alloc_live() > live);
  tls_forget(ends);
  drop_both();
  assert_int_equal(failing_alloc_live(), live);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(making_a_client_survives, fresh),
      cmocka_unit_test_setup(making_a_server_survives, fresh),
      cmocka_unit_test_setup(updates_and_handshakes_survive, fresh),
      cmocka_unit_test_setup(nothing_of_ours_is_left_when_both_are_gone, fresh),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
