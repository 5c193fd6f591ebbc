/* Sessions: resumed where that skips nothing that a full handshake would verify, and nowhere else. */
#include "io/tls_context.h"
#include "support/certs.h"
#include "support/check.h"
#include "support/tls_pair.h"

enum { DECADES = 20 * 366 * 24 * 3600 }; /* all certificates have expired by then */

static fc_tls_client_options client;
static fc_tls_server_options server;
static fc_tls_identity identity, client_identity;
static struct fc__tls *client_tls, *server_tls;
static struct tls_party ends[2]; /* the client, the server */

static int fresh(void **state) {
  (void)state;
  identity = cert_identity("server_chain");
  client_identity = cert_identity("client");
  client = (fc_tls_client_options)FC_TLS_CLIENT_OPTIONS_INIT;
  client.roots = cert_text("ca.pem");
  server = (fc_tls_server_options)FC_TLS_SERVER_OPTIONS_INIT;
  server.identities = &identity;
  server.identity_count = 1;
  server.client_roots = cert_text("ca.pem");
  return 0;
}

static int forget(void **state) {
  (void)state;
  tls_forget(ends);
  fc__tls_unref(client_tls);
  fc__tls_unref(server_tls);
  client_tls = server_tls = NULL;
  return 0;
}

static void make_both(void) {
  fc_error err = FC_ERROR_INIT;
  forget(NULL);
  if (fc__tls_client_create(&client, &client_tls, &err) != FC_OK ||
      fc__tls_server_create(&server, NULL, &server_tls, &err) != FC_OK) {
    fail_msg("%s", err.message);
  }
}

/* Says whether the connection, which succeeds, was a resumed one: both ends must think so. */
static bool resumes_as(const char *name) {
  tls_forget(ends);
  if (!tls_meet(client_tls, name, server_tls, ends)) {
    fail_msg("\"%s\", \"%s\"", ends[0].reason, ends[1].reason);
  }
  assert_string_equal(tls_sees(&ends[0], "ssl_session_reused"),
                      tls_sees(&ends[1], "ssl_session_reused"));
  return strcmp(tls_sees(&ends[0], "ssl_session_reused"), "true") == 0;
}

static bool resumes(void) { return resumes_as("localhost"); }

static void be_at(struct fc__tls *tls, time_t when) {
  X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(tls->context), when);
}

/* ---- resumed ---- */

static void the_second_connection_resumes(void **state) {
  (void)state;
  for (int version = FC_TLS_VERSION_UNSET; version <= FC_TLS_VERSION_1_3; version++) {
    client.max_version = (fc_tls_version)version;
    make_both();
    assert_false(resumes());
    for (int i = 0; i < 5; i++) assert_true(resumes());
  }
}

static void an_address_resumes_too(void **state) {
  (void)state;
  make_both();
  assert_false(resumes_as("127.0.0.1"));
  assert_true(resumes_as("127.0.0.1"));
  assert_false(resumes_as("::1"));
  assert_true(resumes_as("0:0::1"));
}

static void contexts_equal(const fc_auth_context *a, const fc_auth_context *b) {
  assert_int_equal(fc_auth_context_count(a), fc_auth_context_count(b));
  for (size_t i = 0; i < fc_auth_context_count(a); i++) {
    fc_auth_property one = fc_auth_context_at(a, i), other = fc_auth_context_at(b, i);
    assert_string_equal(one.name, other.name);
    if (strcmp(one.name, "ssl_session_reused") == 0) continue;
    assert_int_equal(one.value.len, other.value.len);
    assert_memory_equal(one.value.data, other.value.data, one.value.len);
  }
  assert_string_equal(fc_auth_context_identity(a), fc_auth_context_identity(b));
}

/* Chains included: the server has its client's in the ticket. */
static void a_resumed_connection_knows_as_much_as_the_first(void **state) {
  (void)state;
  char chain[8192];
  fc_slice leaf = cert_text("client.pem"), more = cert_text("ca.pem");
  snprintf(chain, sizeof chain, "%.*s%.*s", FC_SLICE_PRINT(leaf), FC_SLICE_PRINT(more));
  client_identity.certificate_chain = fc_slice_from_string(chain);
  client.identity = &client_identity;
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  for (int version = FC_TLS_VERSION_1_2; version <= FC_TLS_VERSION_1_3; version++) {
    client.max_version = (fc_tls_version)version;
    make_both();
    assert_false(resumes());
    struct tls_party first[2] = {ends[0], ends[1]};
    ends[0].auth = ends[1].auth = NULL;
    assert_string_equal(tls_sees(&first[1], "x509_pem_cert_chain"), chain);
    for (int i = 0; i < 3; i++) {
      assert_true(resumes());
      contexts_equal(ends[0].auth, first[0].auth);
      contexts_equal(ends[1].auth, first[1].auth);
    }
    tls_forget(first);
  }
}

static void unverified_sessions_resume_and_prove_nothing(void **state) {
  (void)state;
  client.insecure_skip_verify = true;
  client.identity = &client_identity;
  client_identity = cert_identity("other_client");
  server.client_auth = FC_TLS_CLIENT_AUTH_INSECURE_REQUIRE;
  make_both();
  assert_false(resumes());
  assert_true(resumes());
  assert_null(fc_auth_context_identity(ends[0].auth));
  assert_null(fc_auth_context_identity(ends[1].auth));
  assert_string_equal(tls_sees(&ends[1], "x509_common_name"), "test-client");
}

/* ---- not resumed ---- */

static void resumption_can_be_turned_off(void **state) {
  (void)state;
  for (int version = FC_TLS_VERSION_1_2; version <= FC_TLS_VERSION_1_3; version++) {
    client.max_version = (fc_tls_version)version;
    client.no_session_resumption = true;
    make_both();
    for (int i = 0; i < 3; i++) assert_false(resumes());
  }
}

static void a_session_belongs_to_its_name(void **state) {
  (void)state;
  make_both();
  assert_false(resumes_as("a.test.example"));
  assert_false(resumes_as("b.test.example"));
  assert_true(resumes_as("a.test.example"));
  assert_true(resumes_as("b.test.example"));
  assert_false(resumes_as("localhost"));
}

static void a_session_belongs_to_its_credentials(void **state) {
  (void)state;
  make_both();
  assert_false(resumes());
  struct fc__tls *first = fc__tls_ref(client_tls), *kept_server = fc__tls_ref(server_tls);
  make_both();
  fc__tls_unref(server_tls);
  server_tls = kept_server;
  assert_false(resumes());
  fc__tls_unref(client_tls);
  client_tls = first;
  assert_true(resumes());
}

/* RFC 8446 appendix C.4: a ticket serves once. */
static void a_ticket_is_offered_once(void **state) {
  (void)state;
  make_both();
  assert_false(resumes());
  SSL *ssl[3];
  bool offered[3];
  for (int i = 0; i < 3; i++) {
    ssl[i] = fc__tls_begin(client_tls, "localhost", NULL);
    assert_non_null(ssl[i]);
    offered[i] = SSL_get_session(ssl[i]) != NULL;
  }
  assert_true(offered[0] && offered[1]); /* the server gave two */
  assert_false(offered[2]);
  assert_ptr_not_equal(SSL_get_session(ssl[0]), SSL_get_session(ssl[1]));
  for (int i = 0; i < 3; i++) SSL_free(ssl[i]);
}

static void names_that_are_long_unused_are_forgotten(void **state) {
  (void)state;
  char name[64];
  make_both();
  for (int i = 0; i <= FC__TLS_SESSION_NAMES; i++) {
    snprintf(name, sizeof name, "n%d.test.example", i);
    assert_false(resumes_as(name));
    assert_true(client_tls->sessions.count <= FC__TLS_SESSION_NAMES);
    if (i > 1) assert_true(resumes_as("n1.test.example")); /* used, it stays */
  }
  assert_true(resumes_as("n64.test.example"));
  assert_false(resumes_as("n0.test.example"));
}

static void new_certificates_end_sessions(void **state) {
  (void)state;
  make_both();
  assert_false(resumes());
  assert_true(resumes());
  fc_tls_identity renewed = cert_identity("renewed");
  assert_int_equal(fc__tls_server_update(server_tls, &renewed, 1, FC_SLICE_EMPTY, NULL), FC_OK);
  assert_false(resumes());
  assert_string_equal(tls_sees(&ends[0], "x509_common_name"), "renewed");
  assert_true(resumes());
}

/* ---- what must still hold ---- */

static void expect_failures(const char *client_reason, const char *server_reason) {
  tls_forget(ends);
  assert_false(tls_meet(client_tls, "localhost", server_tls, ends));
  if (!strstr(ends[0].reason, client_reason) || !strstr(ends[1].reason, server_reason)) {
    fail_msg("\"%s\", \"%s\"", ends[0].reason, ends[1].reason);
  }
}

static void a_servers_certificate_that_expired_meanwhile_is_not_resumed(void **state) {
  (void)state;
  for (int version = FC_TLS_VERSION_1_2; version <= FC_TLS_VERSION_1_3; version++) {
    client.max_version = (fc_tls_version)version;
    make_both();
    assert_false(resumes());
    be_at(client_tls, time(NULL) + DECADES);
    expect_failures("certificate has expired", "alert certificate expired");
    be_at(client_tls, time(NULL));
    assert_int_equal(client_tls->sessions.count, 1);
  }
}

static void a_clients_certificate_that_expired_meanwhile_is_not_resumed(void **state) {
  (void)state;
  client.identity = &client_identity;
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUEST;
  for (int version = FC_TLS_VERSION_1_2; version <= FC_TLS_VERSION_1_3; version++) {
    client.max_version = (fc_tls_version)version;
    make_both();
    assert_false(resumes());
    assert_true(resumes());
    be_at(server_tls, time(NULL) + DECADES);
    expect_failures("alert certificate expired", "certificate has expired");
  }
}

static void a_client_whose_authority_is_gone_is_not_resumed(void **state) {
  (void)state;
  client.identity = &client_identity;
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  make_both();
  assert_false(resumes());
  fc_slice others = cert_text("other_ca.pem");
  assert_int_equal(fc__tls_server_update(server_tls, &identity, 1, others, NULL), FC_OK);
  expect_failures("alert unknown ca", "unable to get local issuer certificate");
  /* Without roots of its own an update keeps those in use. */
  assert_int_equal(fc__tls_server_update(server_tls, &identity, 1, FC_SLICE_EMPTY, NULL), FC_OK);
  expect_failures("alert unknown ca", "unable to get local issuer certificate");
}

static unsigned asked;

static fc_result count_and_refuse_the_third(const fc_auth_context *peer, const char *name,
                                            fc_error *err, void *user) {
  (void)name, (void)err, (void)user;
  assert_true(fc_auth_context_find(peer, "x509_pem_cert", NULL));
  return ++asked == 3 ? FC_ERR_INVALID : FC_OK;
}

static void verifiers_are_asked_about_resumed_connections(void **state) {
  (void)state;
  asked = 0;
  client.verify = count_and_refuse_the_third;
  make_both();
  assert_false(resumes());
  assert_true(resumes());
  expect_failures("the verifier refuses the certificate", "");
  assert_int_equal(asked, 3);
}

/* Pins may change no more once credentials are made; here they do, to see that they are asked. */
static void pins_hold_for_resumed_connections(void **state) {
  (void)state;
  uint8_t pins[32] = {0};
  for (int insecure = 0; insecure < 2; insecure++) {
    client.insecure_skip_verify = insecure;
    client.pinned_keys = FC_SLICE_EMPTY;
    make_both();
    assert_false(resumes());
    uint8_t *none = client_tls->pins;
    client_tls->pins = pins;
    client_tls->pin_count = 1;
    SSL *ssl = fc__tls_begin(client_tls, "localhost", NULL);
    assert_null(SSL_get_session(ssl));
    SSL_free(ssl);
    client_tls->pins = none;
    client_tls->pin_count = 0;
  }
}

static void a_connection_of_before_leaves_no_session(void **state) {
  (void)state;
  make_both();
  struct tls_party c = {.tls = client_tls, .name = "localhost"}, s = {.tls = server_tls};
  SSL_CTX *now = client_tls->context;
  assert_true(SSL_CTX_up_ref(now));
  client_tls->context = SSL_CTX_new(TLS_client_method()); /* as after new roots */
  c.tls = NULL;
  c.ssl = SSL_new(now);
  SSL_set_connect_state(c.ssl);
  assert_int_equal(fc__tls_expect(c.ssl, "localhost", NULL), FC_OK);
  assert_true(tls_join(&c, &s));
  assert_int_equal(client_tls->sessions.count, 0);
  tls_part(&c, &s);
  SSL_CTX_free(client_tls->context);
  client_tls->context = now;
  SSL_CTX_free(now);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, forget)
      CASE(the_second_connection_resumes),
      CASE(an_address_resumes_too),
      CASE(a_resumed_connection_knows_as_much_as_the_first),
      CASE(unverified_sessions_resume_and_prove_nothing),
      CASE(resumption_can_be_turned_off),
      CASE(a_session_belongs_to_its_name),
      CASE(a_session_belongs_to_its_credentials),
      CASE(a_ticket_is_offered_once),
      CASE(names_that_are_long_unused_are_forgotten),
      CASE(new_certificates_end_sessions),
      CASE(a_servers_certificate_that_expired_meanwhile_is_not_resumed),
      CASE(a_clients_certificate_that_expired_meanwhile_is_not_resumed),
      CASE(a_client_whose_authority_is_gone_is_not_resumed),
      CASE(verifiers_are_asked_about_resumed_connections),
      CASE(pins_hold_for_resumed_connections),
      CASE(a_connection_of_before_leaves_no_session),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
