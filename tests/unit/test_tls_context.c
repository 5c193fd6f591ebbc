/* Two TLS contexts meet: whom they accept, what they agree on, what each then knows of the other. */
#include <openssl/x509v3.h>

#include "io/tls_context.h"
#include "support/certs.h"
#include "support/check.h"
#include "support/tls_pair.h"

static fc_tls_client_options client;
static fc_tls_server_options server;
static fc_tls_identity identity, client_identity;
static struct tls_party ends[2]; /* the client, the server */

static int fresh(void **state) {
  (void)state;
  identity = cert_identity("server");
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
  return 0;
}

static struct fc__tls *make_client(void) {
  struct fc__tls *tls;
  fc_error err = FC_ERROR_INIT;
  if (fc__tls_client_create(&client, &tls, &err) != FC_OK) fail_msg("%s", err.message);
  return tls;
}

static struct fc__tls *make_server(void) {
  struct fc__tls *tls;
  fc_error err = FC_ERROR_INIT;
  if (fc__tls_server_create(&server, NULL, &tls, &err) != FC_OK) fail_msg("%s", err.message);
  return tls;
}

static bool meet(const char *name) {
  struct fc__tls *c = make_client(), *s = make_server();
  tls_forget(ends);
  bool met = tls_meet(c, name, s, ends);
  fc__tls_unref(c);
  fc__tls_unref(s);
  return met;
}

static void expect_reason(const struct tls_party *end, const char *part) {
  if (end->result == FC_OK || !strstr(end->reason, part)) {
    fail_msg("%d \"%s\" instead of \"%s\"", end->result, end->reason, part);
  }
}

static void expect_meeting(const char *name) {
  if (!meet(name)) fail_msg("\"%s\", \"%s\"", ends[0].reason, ends[1].reason);
}

static void expect_refusal(const char *name, const char *client_reason, const char *server_reason) {
  assert_false(meet(name));
  expect_reason(&ends[0], client_reason);
  if (server_reason) expect_reason(&ends[1], server_reason);
}

/* ---- what is known ---- */

static void a_client_knows_its_server(void **state) {
  (void)state;
  expect_meeting("localhost");
  const fc_auth_context *auth = ends[0].auth;
  assert_string_equal(tls_sees(&ends[0], "transport_security_type"), "ssl");
  assert_string_equal(tls_sees(&ends[0], "security_level"), "TSI_PRIVACY_AND_INTEGRITY");
  assert_string_equal(tls_sees(&ends[0], "ssl_session_reused"), "false");
  assert_string_equal(tls_sees(&ends[0], "x509_common_name"), "server");
  assert_string_equal(tls_sees(&ends[0], "x509_subject"), "CN=server,O=farcall tests");
  assert_string_equal(tls_sees(&ends[0], "peer_dns"), "localhost");
  assert_string_equal(tls_sees(&ends[0], "peer_ip"), "127.0.0.1");
  assert_string_equal(fc_auth_context_identity(auth), "x509_subject_alternative_name");
  assert_string_equal(tls_sees(&ends[0], "x509_pem_cert"),
                      tls_sees(&ends[0], "x509_pem_cert_chain"));
  assert_memory_equal(tls_sees(&ends[0], "x509_pem_cert"), cert_text("server.pem").data,
                      cert_text("server.pem").len);
}

static void a_server_knows_nothing_of_a_client_without_certificate(void **state) {
  (void)state;
  expect_meeting("localhost");
  assert_string_equal(tls_sees(&ends[1], "transport_security_type"), "ssl");
  assert_non_null(tls_sees(&ends[1], "ssl_negotiated_key_exchange_group"));
  assert_int_equal(fc_auth_context_count(ends[1].auth), 4);
  assert_null(fc_auth_context_identity(ends[1].auth));
}

static void names_come_in_the_certificates_order(void **state) {
  (void)state;
  static const char *const order[][2] = {
      {"x509_subject_alternative_name", "client.test.example"},
      {"peer_dns", "client.test.example"},
      {"x509_subject_alternative_name", "spiffe://test.example/client"},
      {"peer_uri", "spiffe://test.example/client"},
      {"x509_subject_alternative_name", "client@test.example"},
      {"peer_email", "client@test.example"},
      {"x509_subject_alternative_name", "10.0.0.1"},
      {"peer_ip", "10.0.0.1"},
  };
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  client.identity = &client_identity;
  expect_meeting("localhost");
  assert_string_equal(tls_sees(&ends[1], "x509_common_name"), "test-client");
  assert_string_equal(fc_auth_context_identity(ends[1].auth), "x509_subject_alternative_name");
  size_t at = 0;
  while (strcmp(fc_auth_context_at(ends[1].auth, at).name, "x509_subject_alternative_name")) at++;
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    fc_auth_property property = fc_auth_context_at(ends[1].auth, at + i);
    assert_string_equal(property.name, order[i][0]);
    assert_true(fc_slice_equals(property.value, order[i][1]));
  }
}

static void a_common_name_identifies_where_there_are_no_others(void **state) {
  (void)state;
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  client.identity = &client_identity;
  client_identity = cert_identity("cn_client");
  expect_meeting("localhost");
  assert_string_equal(tls_sees(&ends[1], "x509_common_name"), "test-client");
  assert_string_equal(fc_auth_context_identity(ends[1].auth), "x509_common_name");
}

static void a_chain_is_told_whole(void **state) {
  (void)state;
  identity = cert_identity("server_chain");
  expect_meeting("localhost");
  fc_slice sent = cert_text("server_chain.pem");
  const char *chain = tls_sees(&ends[0], "x509_pem_cert_chain");
  assert_int_equal(strlen(chain), sent.len);
  assert_memory_equal(chain, sent.data, sent.len);
  assert_memory_equal(tls_sees(&ends[0], "x509_pem_cert"), sent.data, 100);
  assert_true(strlen(tls_sees(&ends[0], "x509_pem_cert")) < sent.len);
}

static void a_name_with_a_nul_is_not_told(void **state) {
  (void)state;
  identity = cert_identity("nul_name");
  client.insecure_skip_verify = true;
  expect_meeting("localhost");
  assert_false(fc_auth_context_find(ends[0].auth, "peer_dns", NULL));
  assert_false(fc_auth_context_find(ends[0].auth, "x509_subject_alternative_name", NULL));
}

static X509 *cert_for(const char *names) {
  X509 *cert = X509_new();
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
  assert_true(X509_set_version(cert, 2) && X509_add_ext(cert, extension, -1));
  X509_EXTENSION_free(extension);
  return cert;
}

/* They are the peer's words, in messages of ours. */
static void names_in_messages_are_whole_and_printable(void **state) {
  (void)state;
  static const char all[] = "a.example, b?.example, 10.0.0.1, http://c.example/";
  X509 *cert =
      cert_for("DNS:a.example,DNS:b\001.example,IP:10.0.0.1,URI:http://c.example/,RID:1.2.3.4");
  for (size_t size = 1; size < 80; size++) {
    char *text = test_malloc(size);
    fc__tls_peer_names(cert, text, size);
    size_t len = strlen(text);
    if (strcmp(text, all) != 0) {
      size_t same = len > 3 ? len - 3 : 0; /* then "..." as far as there is room */
      assert_memory_equal(text, all, same);
      assert_memory_equal(text + same, "...", len - same);
      assert_true(same == 0 || (text[same - 1] == ' ' && text[same - 2] == ','));
    }
    assert_true(size < sizeof all + 8 || strcmp(text, all) == 0);
    test_free(text);
  }
  X509_free(cert);
}

/* ---- whom a client accepts ---- */

/* RFC 9525 section 6. */
static void a_server_must_have_the_name(void **state) {
  (void)state;
  static const struct {
    const char *identity, *name, *reason;
  } cases[] = {
      {"server", "localhost", NULL},
      {"server", "LOCALHOST", NULL},
      {"server", "localhost.", NULL},
      {"server", "a.test.example", NULL},
      {"server", "a.b.test.example", "hostname mismatch"},
      {"server", "test.example", "hostname mismatch"},
      {"server", "127.0.0.1", NULL},
      {"server", "::1", NULL},
      {"server", "0:0:0:0:0:0:0:1", NULL},
      {"server", "::1%lo", NULL},
      {"server", "127.0.0.2", "IP address mismatch"},
      {"server", "::2", "IP address mismatch"},
      {"server_chain", "localhost", NULL},
      {"rsa_server", "localhost", NULL},
      {"no_ip", "127.0.0.1", "IP address mismatch"},
      {"wrong_name", "localhost",
       "certificate verify failed: hostname mismatch (the certificate is for wrong.example)"},
      {"cn_only", "localhost", "hostname mismatch"},
      {"nul_name", "localhost", "hostname mismatch"},
      {"wildcard", "b.example", "hostname mismatch"},
      {"wildcard", "localhost", "hostname mismatch"},
      {"wildcard", "web.test.example", "hostname mismatch"},
      {"wildcard", "x.y.example", "hostname mismatch"},
      {"wildcard", "y.y.example", "hostname mismatch"},
      {"wildcard", "127.0.0.1", "IP address mismatch"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    identity = cert_identity(cases[i].identity);
    if (cases[i].reason) {
      expect_refusal(cases[i].name, cases[i].reason, "alert bad certificate");
    } else {
      expect_meeting(cases[i].name);
    }
  }
}

/* RFC 6125 section 6.4.4: only where nothing better is in the certificate. */
static void a_common_name_counts_when_it_is_asked_for(void **state) {
  (void)state;
  client.insecure_common_name = true;
  identity = cert_identity("cn_only");
  expect_meeting("localhost");
  expect_refusal("other.example", "hostname mismatch", "alert bad certificate");
  expect_refusal("127.0.0.1", "IP address mismatch", "alert bad certificate");
  identity = cert_identity("server");
  expect_meeting("localhost");
  identity = cert_identity("wrong_name");
  expect_refusal("localhost", "hostname mismatch", "alert bad certificate");
}

static void what_is_no_name_is_not_asked_for(void **state) {
  (void)state;
  char huge[300];
  memset(huge, 'a', sizeof huge - 1);
  huge[sizeof huge - 1] = '\0';
  expect_refusal("", "no host can have the name \"\"", NULL);
  expect_refusal(".test.example", "no host can have the name \".test.example\"", NULL);
  expect_refusal(huge, "no host can have the name \"aaa", NULL);
}

static void a_server_must_be_trusted(void **state) {
  (void)state;
  static const struct {
    const char *identity, *reason, *alert;
  } cases[] = {
      {"other_server", "certificate verify failed: unable to get local issuer certificate",
       "alert unknown ca"},
      {"self_signed", "certificate verify failed: self-signed certificate", "alert unknown ca"},
      {"expired", "certificate verify failed: certificate has expired",
       "alert certificate expired"},
      {"future", "certificate verify failed: certificate is not yet valid",
       "alert bad certificate"},
      {"wrong_usage", "certificate verify failed: unsuitable certificate purpose",
       "alert unsupported certificate"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    identity = cert_identity(cases[i].identity);
    expect_refusal("localhost", cases[i].reason, cases[i].alert);
  }
}

static void a_certificate_among_the_roots_is_trusted(void **state) {
  (void)state;
  identity = cert_identity("self_signed");
  client.roots = cert_text("self_signed.pem");
  expect_meeting("localhost");
  identity = cert_identity("server");
  client.roots = cert_text("server.pem"); /* without the authority that signed it */
  expect_meeting("localhost");
  client.roots = cert_text("bundle.pem");
  identity = cert_identity("other_server");
  expect_meeting("localhost");
}

static void skipping_verification_accepts_anything_and_identifies_nobody(void **state) {
  (void)state;
  static const char *const any[] = {"server", "expired", "self_signed", "wrong_usage"};
  client.insecure_skip_verify = true;
  for (size_t i = 0; i < sizeof any / sizeof *any; i++) {
    identity = cert_identity(any[i]);
    expect_meeting("some.where");
    assert_null(fc_auth_context_identity(ends[0].auth));
    assert_non_null(strstr(tls_sees(&ends[0], "x509_pem_cert"), "BEGIN CERTIFICATE"));
  }
}

/* ---- pinned keys ---- */

static void pin(const char *cert, uint8_t out[32]) {
  fc_slice text = cert_text(cert);
  BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
  X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  uint8_t *key = NULL;
  int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
  assert_true(len > 0 && EVP_Digest(key, (size_t)len, out, NULL, EVP_sha256(), NULL));
  OPENSSL_free(key);
  X509_free(x);
  BIO_free(bio);
}

/* RFC 7469 section 2.6: any certificate of the verified chain will do. */
static void one_key_of_the_chain_must_be_pinned(void **state) {
  (void)state;
  uint8_t pins[64] = {0};
  client.pinned_keys = (fc_slice){pins, sizeof pins};
  expect_refusal("localhost", "no key of the certificate chain is pinned", NULL);
  pin("server.pem", pins + 32);
  expect_meeting("localhost");
  pin("ca.pem", pins + 32);
  expect_meeting("localhost");
  pin("renewed.pem", pins + 32);
  expect_refusal("localhost", "no key of the certificate chain is pinned", NULL);
}

static void a_pin_does_not_stand_in_for_trust(void **state) {
  (void)state;
  uint8_t pins[32];
  pin("expired.pem", pins);
  client.pinned_keys = (fc_slice){pins, sizeof pins};
  identity = cert_identity("expired");
  expect_refusal("localhost", "certificate has expired", NULL);
}

static void unverified_the_servers_own_key_must_be_pinned(void **state) {
  (void)state;
  uint8_t pins[32];
  client.insecure_skip_verify = true;
  client.pinned_keys = (fc_slice){pins, sizeof pins};
  identity = cert_identity("server_chain");
  pin("intermediate.pem", pins); /* which the server sends too */
  expect_refusal("localhost", "no key of the certificate chain is pinned", NULL);
  pin("server_chain.pem", pins);
  expect_meeting("localhost");
}

/* ---- the verifier ---- */

struct verifier {
  fc_result answer;
  const char *reason;
  char name[64], peer[64];
  unsigned asked;
};

static fc_result ask_verifier(const fc_auth_context *peer, const char *name, fc_error *err,
                              void *user) {
  struct verifier *v = user;
  fc_slice common_name;
  v->asked++;
  snprintf(v->name, sizeof v->name, "%s", name);
  if (fc_auth_context_find(peer, "x509_common_name", &common_name)) {
    snprintf(v->peer, sizeof v->peer, "%.*s", FC_SLICE_PRINT(common_name));
  }
  if (v->reason) snprintf(err->message, sizeof err->message, "%s", v->reason);
  return v->answer;
}

static void a_clients_verifier_has_the_last_word(void **state) {
  (void)state;
  struct verifier v = {.answer = FC_OK};
  client.verify = ask_verifier;
  client.verify_user = &v;
  expect_meeting("localhost");
  assert_int_equal(v.asked, 1);
  assert_string_equal(v.name, "localhost");
  assert_string_equal(v.peer, "server");
  v.answer = FC_ERR_CANCELLED;
  expect_refusal("localhost", "the verifier refuses the certificate", NULL);
  assert_int_equal(ends[0].result, FC_ERR_CANCELLED);
  v.reason = "not on my list";
  expect_refusal("localhost", "not on my list", NULL);
}

static void a_verifier_is_not_asked_about_what_is_refused_anyway(void **state) {
  (void)state;
  struct verifier v = {.answer = FC_OK};
  client.verify = ask_verifier;
  client.verify_user = &v;
  identity = cert_identity("expired");
  expect_refusal("localhost", "certificate has expired", NULL);
  assert_int_equal(v.asked, 0);
}

static void a_servers_verifier_is_asked_about_certificates(void **state) {
  (void)state;
  struct verifier v = {.answer = FC_OK};
  server.verify = ask_verifier;
  server.verify_user = &v;
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUEST;
  expect_meeting("localhost");
  assert_int_equal(v.asked, 0); /* there is none */
  client.identity = &client_identity;
  expect_meeting("localhost");
  assert_int_equal(v.asked, 1);
  assert_string_equal(v.name, "");
  assert_string_equal(v.peer, "test-client");
}

/* ---- whom a server accepts ---- */

static void a_required_certificate_is_required(void **state) {
  (void)state;
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  assert_false(meet("localhost"));
  expect_reason(&ends[1], "peer did not return a certificate");
  expect_reason(&ends[0], "alert certificate required"); /* RFC 8446 section 4.4.2.4 */
  client.identity = &client_identity;
  expect_meeting("localhost");
}

static void a_requested_certificate_may_be_left_out(void **state) {
  (void)state;
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUEST;
  expect_meeting("localhost");
  assert_null(fc_auth_context_identity(ends[1].auth));
  client.identity = &client_identity;
  expect_meeting("localhost");
  assert_string_equal(fc_auth_context_identity(ends[1].auth), "x509_subject_alternative_name");
}

static void a_clients_certificate_is_verified(void **state) {
  (void)state;
  static const struct {
    const char *identity, *reason;
  } cases[] = {
      {"other_client", "certificate verify failed: unable to get local issuer certificate"},
      {"expired_client", "certificate verify failed: certificate has expired"},
      {"server", "certificate verify failed: unsuitable certificate purpose"},
  };
  client.identity = &client_identity;
  for (int auth = FC_TLS_CLIENT_AUTH_REQUEST; auth <= FC_TLS_CLIENT_AUTH_REQUIRE; auth++) {
    server.client_auth = (fc_tls_client_auth)auth;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      client_identity = cert_identity(cases[i].identity);
      assert_false(meet("localhost"));
      expect_reason(&ends[1], cases[i].reason);
      expect_reason(&ends[0], "alert ");
    }
  }
}

static void an_insecure_server_takes_any_certificate_for_nobody(void **state) {
  (void)state;
  client_identity = cert_identity("other_client");
  server.client_auth = FC_TLS_CLIENT_AUTH_INSECURE_REQUEST;
  expect_meeting("localhost");
  client.identity = &client_identity;
  expect_meeting("localhost");
  assert_string_equal(tls_sees(&ends[1], "x509_common_name"), "test-client");
  assert_null(fc_auth_context_identity(ends[1].auth));
  server.client_auth = FC_TLS_CLIENT_AUTH_INSECURE_REQUIRE;
  expect_meeting("localhost");
  client.identity = NULL;
  assert_false(meet("localhost"));
  expect_reason(&ends[1], "peer did not return a certificate");
}

static void a_server_that_asks_nobody_is_shown_nothing(void **state) {
  (void)state;
  client.identity = &client_identity;
  expect_meeting("localhost");
  assert_string_equal(tls_sees(&ends[1], "x509_common_name"), "");
}

/* ---- which certificate a server shows ---- */

static void the_first_identity_with_the_name_is_shown(void **state) {
  (void)state;
  static const struct {
    const char *name, *shown;
  } cases[] = {
      {"wrong.example", "wrong_name.pem"}, {"WRONG.example", "wrong_name.pem"},
      {"localhost", "rsa_server.pem"},     {"a.test.example", "rsa_server.pem"},
      {"other.example", "cn_only.pem"},    {"127.0.0.1", "cn_only.pem"}, /* asks for nothing */
  };
  fc_tls_identity many[] = {cert_identity("cn_only"), cert_identity("wrong_name"),
                            cert_identity("rsa_server"), cert_identity("server")};
  server.identities = many;
  server.identity_count = 4;
  client.insecure_skip_verify = true;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    expect_meeting(cases[i].name);
    fc_slice shown = cert_text(cases[i].shown);
    assert_memory_equal(tls_sees(&ends[0], "x509_pem_cert"), shown.data, shown.len);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, forget)
      CASE(a_client_knows_its_server),
      CASE(a_server_knows_nothing_of_a_client_without_certificate),
      CASE(names_come_in_the_certificates_order),
      CASE(a_common_name_identifies_where_there_are_no_others),
      CASE(a_chain_is_told_whole),
      CASE(a_name_with_a_nul_is_not_told),
      CASE(names_in_messages_are_whole_and_printable),
      CASE(a_server_must_have_the_name),
      CASE(a_common_name_counts_when_it_is_asked_for),
      CASE(what_is_no_name_is_not_asked_for),
      CASE(a_server_must_be_trusted),
      CASE(a_certificate_among_the_roots_is_trusted),
      CASE(skipping_verification_accepts_anything_and_identifies_nobody),
      CASE(one_key_of_the_chain_must_be_pinned),
      CASE(a_pin_does_not_stand_in_for_trust),
      CASE(unverified_the_servers_own_key_must_be_pinned),
      CASE(a_clients_verifier_has_the_last_word),
      CASE(a_verifier_is_not_asked_about_what_is_refused_anyway),
      CASE(a_servers_verifier_is_asked_about_certificates),
      CASE(a_required_certificate_is_required),
      CASE(a_requested_certificate_may_be_left_out),
      CASE(a_clients_certificate_is_verified),
      CASE(an_insecure_server_takes_any_certificate_for_nobody),
      CASE(a_server_that_asks_nobody_is_shown_nothing),
      CASE(the_first_identity_with_the_name_is_shown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
