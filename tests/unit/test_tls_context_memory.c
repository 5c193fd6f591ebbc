/* Any allocation may fail: whatever TLS was about to do then fails with the right word, and nothing is left or lost. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

static char key_file[] = "/tmp/farcall-key-XXXXXX";

static void write_file(const char *path, const char *text) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
  fclose(out);
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

/* A growing buffer, a reload and a failure included. */
static void keys_are_erased(void **state) {
  (void)state;
  struct tls_party ends[2];
  char padded[16384];
  fc_slice key = cert_text("client.key");
  /* The second line of base64: the first says what kind of key it is. */
  const char *line = strchr(strchr((const char *)key.data, '\n') + 1, '\n') + 1;
  fc_slice secret = {(const uint8_t *)line, 40};
  snprintf(padded, sizeof padded, "%.*s%*s", FC_SLICE_PRINT(key), 12000, "");
  int fd = mkstemp(key_file);
  assert_true(fd >= 0);
  close(fd);
  write_file(key_file, padded);
  client_identity.private_key_file = key_file;
  failing_alloc_watch(secret);
  assert_int_equal(fc__tls_client_create(&client, &client_tls, NULL), FC_OK);
  assert_int_equal(fc__tls_server_create(&server, NULL, &server_tls, NULL), FC_OK);
  write_file(key_file, "");
  assert_true(tls_meet(client_tls, "localhost", server_tls, ends));
  tls_forget(ends);
  write_file(key_file, padded + 1);
  assert_true(tls_meet(client_tls, "localhost", server_tls, ends));
  tls_forget(ends);
  assert_int_equal(failing_alloc_holding(secret), 0);
  drop_both();
  assert_int_equal(failing_alloc_spilled(), 0);
  failing_alloc_watch(FC_SLICE_EMPTY);
  unlink(key_file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(making_a_client_survives, fresh),
      cmocka_unit_test_setup(making_a_server_survives, fresh),
      cmocka_unit_test_setup(updates_and_handshakes_survive, fresh),
      cmocka_unit_test_setup(keys_are_erased, fresh),
      cmocka_unit_test_setup(nothing_of_ours_is_left_when_both_are_gone, fresh),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
