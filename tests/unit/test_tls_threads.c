/* Several loops use the same TLS contexts at once, while certificates are replaced. */
#include <pthread.h>
#include <stdatomic.h>

#include "io/tls_context.h"
#include "support/certs.h"
#include "support/check.h"
#include "support/tls_pair.h"

enum { THREADS = 4, ROUNDS = 40 };

static struct fc__tls *client_tls, *server_tls;
static atomic_uint met, resumed;

/* Assertions belong to the main thread: what a thread saw is counted. */
static void *connect_again_and_again(void *user) {
  (void)user;
  for (int i = 0; i < ROUNDS; i++) {
    struct tls_party ends[2];
    if (tls_meet(client_tls, "localhost", server_tls, ends)) met++;
    if (strcmp(tls_sees(&ends[0], "ssl_session_reused"), "true") == 0) resumed++;
    tls_forget(ends);
  }
  return NULL;
}

static void run_threads(void (*meanwhile)(void)) {
  pthread_t threads[THREADS];
  met = resumed = 0;
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, connect_again_and_again, NULL), 0);
  }
  meanwhile();
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static int make_both(void **state) {
  (void)state;
  fc_tls_identity identity = cert_identity("server"), shown = cert_identity("client");
  fc_tls_client_options client = FC_TLS_CLIENT_OPTIONS_INIT;
  fc_tls_server_options server = FC_TLS_SERVER_OPTIONS_INIT;
  client.roots = server.client_roots = cert_text("ca.pem");
  client.identity = &shown;
  server.identities = &identity;
  server.identity_count = 1;
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  return fc__tls_client_create(&client, &client_tls, NULL) ||
         fc__tls_server_create(&server, NULL, &server_tls, NULL);
}

static int drop_both(void **state) {
  (void)state;
  fc__tls_unref(client_tls);
  fc__tls_unref(server_tls);
  return 0;
}

static void do_nothing(void) {}

static void threads_share_sessions(void **state) {
  (void)state;
  run_threads(do_nothing);
  assert_int_equal(met, THREADS * ROUNDS);
  assert_true(resumed > 0);
}

static void replace_certificates(void) {
  static const char *const names[] = {"renewed", "rsa_server", "server"};
  for (int i = 0; i < ROUNDS; i++) {
    fc_tls_identity next[2] = {cert_identity(names[i % 3]), cert_identity(names[(i + 1) % 3])};
    assert_int_equal(fc__tls_server_update(server_tls, next, 2, FC_SLICE_EMPTY, NULL), FC_OK);
  }
}

static void no_handshake_fails_while_certificates_change(void **state) {
  (void)state;
  run_threads(replace_certificates);
  assert_int_equal(met, THREADS * ROUNDS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(threads_share_sessions, make_both, drop_both),
      cmocka_unit_test_setup_teardown(no_handshake_fails_while_certificates_change, make_both,
                                      drop_both),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
