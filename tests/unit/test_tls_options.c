/* What options of TLS are refused, and with which sentence. */
#include "io/tls.h"
#include "support/certs.h"
#include "support/check.h"

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

static void dropped(void *user) { ++*(int *)user; }

static void check_refusal(fc_result got, fc_result wanted, struct fc__tls *tls, const fc_error *err,
                          const char *part, int drops) {
  if (got != wanted || !strstr(err->message, part)) {
    fail_msg("%d \"%s\" instead of %d \"%s\"", got, err->message, wanted, part);
  }
  assert_int_equal(err->result, wanted);
  assert_null(tls);
  assert_int_equal(drops, 0);
}

/* Nothing is dropped after a failure, and the options are fresh again. */
static void client_is_refused(fc_result result, const char *part) {
  struct fc__tls *tls = (struct fc__tls *)&client;
  fc_error err = FC_ERROR_INIT;
  int drops = 0;
  client.verify_user = &drops;
  client.verify_drop = dropped;
  fc_result got = fc__tls_client_create(&client, &tls, &err);
  check_refusal(got, result, tls, &err, part, drops);
  assert_int_equal(fc__tls_client_create(&client, &tls, NULL), result);
  fresh(NULL);
}

static void server_is_refused(fc_result result, const char *part) {
  struct fc__tls *tls = (struct fc__tls *)&server;
  fc_error err = FC_ERROR_INIT;
  int drops = 0;
  server.verify_user = server.handshake_user = &drops;
  server.verify_drop = server.handshake_drop = dropped;
  fc_result got = fc__tls_server_create(&server, NULL, &tls, &err);
  check_refusal(got, result, tls, &err, part, drops);
  assert_int_equal(fc__tls_server_create(&server, NULL, &tls, NULL), result);
  fresh(NULL);
}

static void client_is_fine(void) {
  struct fc__tls *tls;
  fc_error err = FC_ERROR_INIT;
  if (fc__tls_client_create(&client, &tls, &err) != FC_OK) fail_msg("%s", err.message);
  fc__tls_unref(tls);
  fresh(NULL);
}

static void server_is_fine(void) {
  struct fc__tls *tls;
  fc_error err = FC_ERROR_INIT;
  if (fc__tls_server_create(&server, NULL, &tls, &err) != FC_OK) fail_msg("%s", err.message);
  fc__tls_unref(tls);
  fresh(NULL);
}

/* ---- tests ---- */

static void all_defaults_are_fine(void **state) {
  (void)state;
  struct fc__tls *tls;
  assert_int_equal(fc__tls_client_create(NULL, &tls, NULL), FC_OK);
  fc__tls_unref(tls);
  client.roots = FC_SLICE_EMPTY;
  client_is_fine();
  server_is_fine();
  fc__tls_unref(NULL);
}

static void every_user_is_dropped_once_with_the_last_reference(void **state) {
  (void)state;
  struct fc__tls *tls;
  int verifier = 0, hook = 0;
  server.verify_user = &verifier;
  server.handshake_user = &hook;
  server.verify_drop = server.handshake_drop = dropped;
  assert_int_equal(fc__tls_server_create(&server, NULL, &tls, NULL), FC_OK);
  assert_ptr_equal(fc__tls_ref(tls), tls);
  fc__tls_unref(tls);
  assert_int_equal(verifier + hook, 0);
  fc__tls_unref(tls);
  assert_int_equal(verifier, 1);
  assert_int_equal(hook, 1);
}

static void options_of_another_version_are_refused(void **state) {
  (void)state;
  client.size = 1;
  client_is_refused(FC_ERR_INVALID, "fc_tls_client_options");
  server.size = 1;
  server_is_refused(FC_ERR_INVALID, "fc_tls_server_options");
}

static void a_server_needs_an_identity(void **state) {
  (void)state;
  server.identity_count = 0;
  server_is_refused(FC_ERR_INVALID, "identities is empty");
  server.identities = NULL;
  server_is_refused(FC_ERR_INVALID, "identities is empty");
  assert_int_equal(fc__tls_server_create(NULL, NULL, &(struct fc__tls *){NULL}, NULL),
                   FC_ERR_INVALID);
}

static void texts_that_point_to_nothing_are_refused(void **state) {
  (void)state;
  const fc_slice nowhere = {NULL, 32};
  client.roots = nowhere;
  client_is_refused(FC_ERR_INVALID, "roots is NULL, but has 32 bytes");
  client.pinned_keys = nowhere;
  client_is_refused(FC_ERR_INVALID, "pinned_keys is NULL, but has 32 bytes");
  identity.private_key = nowhere;
  server_is_refused(FC_ERR_INVALID, "identities[0].private_key is NULL, but has 32 bytes");
  identity.certificate_chain = nowhere;
  server_is_refused(FC_ERR_INVALID, "identities[0].certificate_chain is NULL, but has 32 bytes");
  client.roots = (fc_slice){(const uint8_t *)"", (size_t)INT32_MAX + 1};
  client_is_refused(FC_ERR_INVALID, "roots has 2147483648 bytes");
}

static void each_half_of_an_identity_is_needed_once(void **state) {
  (void)state;
  identity.certificate_chain = FC_SLICE_EMPTY;
  server_is_refused(FC_ERR_INVALID, "identities[0].certificate_chain is not given");
  identity.private_key = FC_SLICE_EMPTY;
  server_is_refused(FC_ERR_INVALID, "identities[0].private_key is not given");
  identity.certificate_chain_file = cert_path("server.pem");
  server_is_refused(FC_ERR_INVALID, "certificate_chain_file are both given");
  identity.private_key_file = cert_path("server.key");
  server_is_refused(FC_ERR_INVALID, "private_key_file are both given");
  identity.private_key = FC_SLICE_EMPTY;
  client.identity = &identity;
  client_is_refused(FC_ERR_INVALID, "identity.private_key is not given");
}

static void a_later_identity_is_named_by_its_place(void **state) {
  (void)state;
  fc_tls_identity both[2];
  memset(both, 0, sizeof both);
  both[0] = identity;
  server.identities = both;
  server.identity_count = 2;
  server_is_refused(FC_ERR_INVALID, "identities[1].certificate_chain is not given");
}

static void halves_may_come_from_different_places(void **state) {
  (void)state;
  identity.private_key = FC_SLICE_EMPTY;
  identity.private_key_file = cert_path("server.key");
  server_is_fine();
}

static void a_key_of_another_certificate_is_refused(void **state) {
  (void)state;
  identity.private_key = cert_text("renewed.key");
  server_is_refused(FC_ERR_INVALID,
                    "identities[0].private_key is not the key of the certificate in "
                    "identities[0].certificate_chain");
  identity.private_key = cert_text("rsa_server.key");
  server_is_refused(FC_ERR_INVALID, "is not the key of the certificate");
  identity.private_key = cert_text("client.key");
  client.identity = &identity;
  client_is_refused(FC_ERR_INVALID, "identity.private_key is not the key of the certificate");
}

static void an_encrypted_key_is_refused(void **state) {
  (void)state;
  identity.private_key = cert_text("encrypted.key");
  server_is_refused(
      FC_ERR_INVALID,
      "identities[0].private_key: the key is encrypted; give it without a passphrase");
  identity.private_key = cert_text("encrypted_old.key");
  client.identity = &identity;
  client_is_refused(FC_ERR_INVALID, "identity.private_key: the key is encrypted");
}

static void texts_without_what_they_should_hold_are_refused(void **state) {
  (void)state;
  identity.certificate_chain = identity.private_key;
  server_is_refused(FC_ERR_INVALID, "certificate_chain: there is no certificate in it");
  identity.private_key = identity.certificate_chain;
  server_is_refused(FC_ERR_INVALID, "private_key: there is no usable private key in it");
  client.roots = TEXT("no PEM");
  client_is_refused(FC_ERR_INVALID, "roots: there is no certificate in it");
  server.client_roots = TEXT("no PEM");
  server_is_refused(FC_ERR_INVALID, "client_roots: there is no certificate in it");
}

/* A text of which the end is missing is never taken for a shorter one. */
static void a_bundle_that_is_cut_anywhere_is_whole_or_refused(void **state) {
  (void)state;
  fc_slice bundle = cert_text("bundle.pem");
  const char *text = (const char *)bundle.data;
  const char *second = strstr(text + 1, "-----BEGIN ");
  size_t first_end = (size_t)(second - text), accepted = 0;
  for (size_t len = 1; len < bundle.len; len++) {
    struct fc__tls *tls;
    uint8_t *cut = exact_copy((fc_slice){bundle.data, len});
    client.roots = (fc_slice){cut, len};
    if (fc__tls_client_create(&client, &tls, NULL) == FC_OK) {
      accepted++;
      /* The newline may miss, or all of the second. */
      assert_true(len == bundle.len - 1 || len == first_end || len == first_end - 1);
      fc__tls_unref(tls);
    }
    test_free(cut);
  }
  assert_int_equal(accepted, 3);
}

static void a_broken_certificate_is_named_by_its_place(void **state) {
  (void)state;
  fc_slice bundle = cert_text("bundle.pem");
  uint8_t *broken = exact_copy(bundle);
  broken[bundle.len - 200] = '!';
  client.roots = (fc_slice){broken, bundle.len};
  client_is_refused(FC_ERR_INVALID, "roots: certificate 2 cannot be read: ");
  test_free(broken);
}

static void files_that_cannot_be_read_are_named(void **state) {
  (void)state;
  identity = (fc_tls_identity){.certificate_chain_file = "/does/not/exist.pem",
                               .private_key_file = cert_path("server.key")};
  server_is_refused(FC_ERR_SYSTEM,
                    "identities[0].certificate_chain_file \"/does/not/exist.pem\": No such file");
  identity = cert_identity_files("server");
  identity.private_key_file = "/";
  server_is_refused(FC_ERR_SYSTEM, "identities[0].private_key_file \"/\": Is a directory");
  client.roots = FC_SLICE_EMPTY;
  client.roots_file = "/does/not/exist.pem";
  client_is_refused(FC_ERR_SYSTEM, "roots_file \"/does/not/exist.pem\": No such file");
  client.roots_file = cert_path("ca.pem");
  client_is_refused(FC_ERR_INVALID, "roots and roots_file are both given");
  server.client_roots_file = "/dev/zero";
  server_is_refused(FC_ERR_INVALID, "client_roots_file \"/dev/zero\": larger than 16 MiB");
}

static void clients_are_verified_against_something(void **state) {
  (void)state;
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUEST;
  server_is_refused(FC_ERR_INVALID, "client_auth verifies clients, but client_roots is not given");
  server.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  server_is_refused(FC_ERR_INVALID, "client_roots is not given");
  server.client_auth = FC_TLS_CLIENT_AUTH_INSECURE_REQUIRE;
  server_is_fine();
  server.client_auth = (fc_tls_client_auth)5;
  server_is_refused(FC_ERR_INVALID, "client_auth is 5");
}

static void versions_are_checked(void **state) {
  (void)state;
  client.min_version = (fc_tls_version)3;
  client_is_refused(FC_ERR_INVALID, "min_version is 3");
  server.max_version = (fc_tls_version)-1;
  server_is_refused(FC_ERR_INVALID, "max_version is -1");
  client.min_version = FC_TLS_VERSION_1_3;
  client.max_version = FC_TLS_VERSION_1_2;
  client_is_refused(FC_ERR_INVALID, "min_version is above max_version");
  client.min_version = client.max_version = FC_TLS_VERSION_1_2;
  client_is_fine();
}

/* RFC 9113 section 9.2.2 and appendix A. */
static void ciphers_that_http2_forbids_are_refused_by_name(void **state) {
  (void)state;
  client.ciphers = "ECDHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA256";
  client_is_refused(FC_ERR_INVALID, "ciphers allows AES128-GCM-SHA256, which HTTP/2 does not");
  server.ciphers = "ECDHE-ECDSA-AES128-SHA256";
  server_is_refused(FC_ERR_INVALID, "ciphers allows ECDHE-ECDSA-AES128-SHA256");
  client.ciphers = "ECDHE-RSA-AES256-SHA";
  client_is_refused(FC_ERR_INVALID, "ciphers allows ECDHE-RSA-AES256-SHA");
  client.ciphers = "DEFAULT";
  client_is_refused(FC_ERR_INVALID, "ciphers allows ");
  client.ciphers = "PSK-AES128-GCM-SHA256";
  client_is_refused(FC_ERR_INVALID, "ciphers allows PSK-AES128-GCM-SHA256");
}

static void ciphers_that_nobody_knows_are_refused(void **state) {
  (void)state;
  client.ciphers = "NO-SUCH-CIPHER";
  client_is_refused(FC_ERR_INVALID, "ciphers \"NO-SUCH-CIPHER\": no cipher match");
  client.ciphers = "";
  client_is_refused(FC_ERR_INVALID, "ciphers \"\"");
  client.ciphers = "ECDHE+AESGCM:@SECLEVEL=0";
  client_is_refused(FC_ERR_INVALID, "ciphers has @SECLEVEL");
}

static void ciphers_that_http2_allows_are_fine(void **state) {
  (void)state;
  client.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305";
  client_is_fine();
  server.ciphers = "ECDHE+AESGCM";
  server_is_fine();
}

static void pins_are_whole_digests(void **state) {
  (void)state;
  static const uint8_t digests[64];
  client.pinned_keys = (fc_slice){digests, 33};
  client_is_refused(FC_ERR_INVALID, "pinned_keys has 33 bytes; give SHA-256 digests of 32");
  client.pinned_keys = (fc_slice){digests, 64};
  client_is_fine();
}

static void a_key_log_that_cannot_be_opened_is_refused(void **state) {
  (void)state;
  client.insecure_key_log_file = "/does/not/exist";
  client_is_refused(FC_ERR_SYSTEM, "insecure_key_log_file \"/does/not/exist\": No such file");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(all_defaults_are_fine, fresh),
      cmocka_unit_test_setup(every_user_is_dropped_once_with_the_last_reference, fresh),
      cmocka_unit_test_setup(options_of_another_version_are_refused, fresh),
      cmocka_unit_test_setup(a_server_needs_an_identity, fresh),
      cmocka_unit_test_setup(texts_that_point_to_nothing_are_refused, fresh),
      cmocka_unit_test_setup(each_half_of_an_identity_is_needed_once, fresh),
      cmocka_unit_test_setup(a_later_identity_is_named_by_its_place, fresh),
      cmocka_unit_test_setup(halves_may_come_from_different_places, fresh),
      cmocka_unit_test_setup(a_key_of_another_certificate_is_refused, fresh),
      cmocka_unit_test_setup(an_encrypted_key_is_refused, fresh),
      cmocka_unit_test_setup(texts_without_what_they_should_hold_are_refused, fresh),
      cmocka_unit_test_setup(a_bundle_that_is_cut_anywhere_is_whole_or_refused, fresh),
      cmocka_unit_test_setup(a_broken_certificate_is_named_by_its_place, fresh),
      cmocka_unit_test_setup(files_that_cannot_be_read_are_named, fresh),
      cmocka_unit_test_setup(clients_are_verified_against_something, fresh),
      cmocka_unit_test_setup(versions_are_checked, fresh),
      cmocka_unit_test_setup(ciphers_that_http2_forbids_are_refused_by_name, fresh),
      cmocka_unit_test_setup(ciphers_that_nobody_knows_are_refused, fresh),
      cmocka_unit_test_setup(ciphers_that_http2_allows_are_fine, fresh),
      cmocka_unit_test_setup(pins_are_whole_digests, fresh),
      cmocka_unit_test_setup(a_key_log_that_cannot_be_opened_is_refused, fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
