/* What two ends agree on, or cannot: versions, cipher suites, the protocol, and what is never done. RFC 9113 section 9.2 */
#include "support/certs.h"
#include "support/check.h"
#include "support/tls_pair.h"

static fc_tls_client_options client;
static fc_tls_server_options server;
static fc_tls_identity identity;

static int fresh(void **state) {
  (void)state;
  identity = cert_identity("server");
  client = (fc_tls_client_options)FC_TLS_CLIENT_OPTIONS_INIT;
  client.roots = cert_text("ca.pem");
  server = (fc_tls_server_options)FC_TLS_SERVER_OPTIONS_INIT;
  server.identities = &identity;
  server.identity_count = 1;
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

static void expect_reason(const struct tls_party *end, const char *part) {
  if (end->result == FC_OK || !strstr(end->reason, part)) {
    fail_msg("%d \"%s\" instead of \"%s\"", end->result, end->reason, part);
  }
}

/* ---- with one another ---- */

static void ends_with_no_version_in_common_say_so(void **state) {
  (void)state;
  client.min_version = FC_TLS_VERSION_1_3;
  server.max_version = FC_TLS_VERSION_1_2;
  struct tls_party c = {.tls = make_client(), .name = "localhost"}, s = {.tls = make_server()};
  assert_false(tls_join(&c, &s));
  expect_reason(&c, "alert protocol version");
  expect_reason(&s, "unsupported protocol");
  tls_part(&c, &s);
  fc__tls_unref(c.tls);
  fc__tls_unref(s.tls);
}

static void either_end_may_hold_back_the_version(void **state) {
  (void)state;
  struct tls_party c = {.name = "localhost"}, s = {0};
  for (int i = 0; i < 3; i++) {
    fresh(NULL);
    if (i == 0) client.max_version = FC_TLS_VERSION_1_2;
    if (i == 1) server.max_version = FC_TLS_VERSION_1_2;
    c.tls = make_client();
    s.tls = make_server();
    assert_true(tls_join(&c, &s));
    assert_int_equal(SSL_version(c.ssl), i < 2 ? TLS1_2_VERSION : TLS1_3_VERSION);
    tls_part(&c, &s);
    fc__tls_unref(c.tls);
    fc__tls_unref(s.tls);
  }
}

static void ciphers_choose_those_of_tls_1_2(void **state) {
  (void)state;
  struct tls_party c = {.name = "localhost"}, s = {0};
  client.max_version = FC_TLS_VERSION_1_2;
  server.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305";
  c.tls = make_client();
  s.tls = make_server();
  assert_true(tls_join(&c, &s));
  assert_string_equal(SSL_get_cipher_name(c.ssl), "ECDHE-ECDSA-CHACHA20-POLY1305");
  tls_part(&c, &s);
  fc__tls_unref(c.tls);
  fc__tls_unref(s.tls);
}

/* ---- with peers that are not ours ---- */

/* An SSL that is not ours: as permissive as it gets. */
static SSL *raw(bool is_server, int version, const char *protocol) {
  SSL_CTX *context = SSL_CTX_new(TLS_method());
  assert_true(SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0"));
  assert_true(SSL_CTX_set_min_proto_version(context, version));
  assert_true(SSL_CTX_set_max_proto_version(context, version));
  assert_true(SSL_CTX_use_certificate_file(context, cert_path("rsa_server.pem"), SSL_FILETYPE_PEM));
  assert_true(SSL_CTX_use_PrivateKey_file(context, cert_path("rsa_server.key"), SSL_FILETYPE_PEM));
  SSL *ssl = SSL_new(context);
  SSL_CTX_free(context);
  unsigned char alpn[16];
  size_t len = protocol ? strlen(protocol) : 0;
  alpn[0] = (unsigned char)len;
  if (len) memcpy(alpn + 1, protocol, len);
  if (is_server) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
    if (len) assert_int_equal(SSL_set_alpn_protos(ssl, alpn, (unsigned)len + 1), 0);
  }
  return ssl;
}

static void join_raw_client(struct tls_party *c, struct tls_party *s, int version,
                            const char *protocol, const char *ciphers) {
  *c = (struct tls_party){.ssl = raw(false, version, protocol)};
  *s = (struct tls_party){.tls = make_server()};
  if (ciphers) assert_true(SSL_set_cipher_list(c->ssl, ciphers));
  (void)tls_join(c, s);
  tls_part(c, s);
  fc__tls_unref(s->tls);
}

/* RFC 7301 section 3.2. */
static void a_client_with_another_protocol_gets_an_alert(void **state) {
  (void)state;
  struct tls_party c, s;
  join_raw_client(&c, &s, TLS1_3_VERSION, "http/1.1", NULL);
  expect_reason(&c, "alert no application protocol");
  expect_reason(&s, "no application protocol");
  join_raw_client(&c, &s, TLS1_2_VERSION, "h2c", NULL);
  expect_reason(&c, "alert no application protocol");
}

static void a_client_without_alpn_is_refused(void **state) {
  (void)state;
  struct tls_party c, s;
  join_raw_client(&c, &s, TLS1_3_VERSION, NULL, NULL);
  expect_reason(&s, "the client does not offer HTTP/2 (\"h2\" by ALPN)");
  join_raw_client(&c, &s, TLS1_2_VERSION, NULL, NULL);
  expect_reason(&s, "the client does not offer HTTP/2 (\"h2\" by ALPN)");
}

static void a_server_without_alpn_is_refused(void **state) {
  (void)state;
  struct tls_party c = {.tls = make_client(), .name = "localhost"};
  struct tls_party s = {.ssl = raw(true, TLS1_3_VERSION, NULL)};
  assert_false(tls_join(&c, &s));
  expect_reason(&c, "the server does not choose HTTP/2 (\"h2\" by ALPN)");
  tls_part(&c, &s);
  fc__tls_unref(c.tls);
}

static void versions_below_1_2_are_refused(void **state) {
  (void)state;
  struct tls_party c, s;
  join_raw_client(&c, &s, TLS1_1_VERSION, "h2", NULL);
  expect_reason(&s, "unsupported protocol");
  expect_reason(&c, "alert protocol version");
  c = (struct tls_party){.tls = make_client(), .name = "localhost"};
  s = (struct tls_party){.ssl = raw(true, TLS1_1_VERSION, NULL)};
  assert_false(tls_join(&c, &s));
  expect_reason(&s, "unsupported protocol");
  tls_part(&c, &s);
  fc__tls_unref(c.tls);
}

/* RFC 9113 section 9.2.2: neither keys that are not ephemeral nor ciphers without authentication. */
static void ciphers_of_before_http2_are_refused(void **state) {
  (void)state;
  static const char *const banned[] = {"AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "AES256-SHA",
                                       "DHE-RSA-AES128-SHA"};
  identity = cert_identity("rsa_server");
  for (size_t i = 0; i < sizeof banned / sizeof *banned; i++) {
    struct tls_party c, s;
    join_raw_client(&c, &s, TLS1_2_VERSION, "h2", banned[i]);
    expect_reason(&s, "no shared cipher");
    expect_reason(&c, "alert handshake failure");
  }
}

static void nobody_renegotiates(void **state) {
  (void)state;
  struct tls_party c = {.ssl = raw(false, TLS1_2_VERSION, "h2")}, s = {.tls = make_server()};
  assert_true(tls_join(&c, &s));
  assert_true(SSL_renegotiate(c.ssl));
  (void)SSL_do_handshake(c.ssl);
  char byte;
  assert_true(SSL_read(s.ssl, &byte, 1) <= 0);
  (void)SSL_read(c.ssl, &byte, 1);
  char reason[128];
  fc__tls_reason(c.ssl, reason, sizeof reason);
  assert_non_null(strstr(reason, "no renegotiation"));
  c.done = false;
  tls_part(&c, &s);
  fc__tls_unref(s.tls);
}

static void early_data_is_not_taken(void **state) {
  (void)state;
  struct fc__tls *tls = make_server();
  SSL *ssl = fc__tls_begin(tls, NULL, NULL);
  assert_int_equal(SSL_get_max_early_data(ssl), 0);
  assert_int_equal(SSL_get_recv_max_early_data(ssl), 0);
  assert_true(SSL_get_options(ssl) & SSL_OP_NO_COMPRESSION);
  SSL_free(ssl);
  fc__tls_unref(tls);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup(name, fresh)
      CASE(ends_with_no_version_in_common_say_so),
      CASE(either_end_may_hold_back_the_version),
      CASE(ciphers_choose_those_of_tls_1_2),
      CASE(a_client_with_another_protocol_gets_an_alert),
      CASE(a_client_without_alpn_is_refused),
      CASE(a_server_without_alpn_is_refused),
      CASE(versions_below_1_2_are_refused),
      CASE(ciphers_of_before_http2_are_refused),
      CASE(nobody_renegotiates),
      CASE(early_data_is_not_taken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
