/*
 * Where TLS is spoken and with whom: addresses of every kind, several reactors, verifiers that are asked; and what is said
 * when the other end is not who or what it should be.
 */
#include <stdio.h>
#include <unistd.h>

#include "support/failing_alloc.h"
#include "support/stage.h"
#include "support/tls_credentials.h"

static void serve(struct stage *stage) {
  stage_serve(stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo, NULL);
}

static void expect_status(fc_channel *channel, fc_code code, const char *part) {
  fc_bytes *response;
  fc_error err = FC_ERROR_INIT;
  fc_code found = fc_unary_unary(channel, "/t/Echo", TEXT("hi"), NULL, &response, NULL, &err);
  if (found != code || !strstr(err.message, part)) {
    fail_msg("%s \"%s\" instead of %s \"%s\"", fc_code_name(found), err.message, fc_code_name(code),
             part);
  }
  fc_bytes_unref(response);
}

/* Another channel of the stage, to a target of its own. */
static void expect_at(struct stage *stage, const char *target, fc_code code, const char *part) {
  fc_channel *channel;
  fc_error err = FC_ERROR_INIT;
  if (fc_channel_create(target, &stage->options, &channel, &err) != FC_OK)
    fail_msg("%s", err.message);
  expect_status(channel, code, part);
  fc_channel_destroy(channel);
}

/* ---- addresses ---- */

static void all_kinds_of_addresses(void **state) {
  struct stage stage;
  char path[64], name[64], target[80];
  int port = 0;
  snprintf(path, sizeof path, "unix:/tmp/farcall-tls-%d", (int)getpid());
  snprintf(name, sizeof name, "unix-abstract:farcall-tls-%d", (int)getpid());
  stage_open(&stage, state);
  stage.options.credentials = tls_channel_as("client");
  stage.credentials = tls_server("server", FC_TLS_CLIENT_AUTH_REQUIRE);
  serve(&stage);
  const char *const addresses[] = {path, name, "[::1]:0"};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(
        fc_server_listen_secure(stage.server, addresses[i], stage.credentials, &port, NULL), FC_OK);
  }
  stage_start(&stage);
  expect_at(&stage, path, FC_CODE_OK, ""); /* the name of which is localhost */
  expect_at(&stage, name, FC_CODE_OK, "");
  snprintf(target, sizeof target, "ipv6:[::1]:%d", port);
  expect_at(&stage, target, FC_CODE_OK, "");
  snprintf(target, sizeof target, "localhost:%s", strrchr(stage.target, ':') + 1);
  expect_at(&stage, target, FC_CODE_OK, "");
  stage_close(&stage);
}

/* What one port asks for is nothing to the others. */
static void ports_have_credentials_of_their_own(void **state) {
  struct stage stage;
  char plain[80];
  int port;
  stage_open(&stage, state);
  stage.credentials = tls_server("server", FC_TLS_CLIENT_AUTH_NONE);
  stage.options.credentials = tls_channel_as(NULL);
  serve(&stage);
  fc_server_credentials *strict = tls_server("renewed", FC_TLS_CLIENT_AUTH_REQUIRE);
  char strict_target[80];
  assert_int_equal(fc_server_listen_secure(stage.server, "127.0.0.1:0", strict, &port, NULL),
                   FC_OK);
  fc_server_credentials_destroy(strict);
  snprintf(strict_target, sizeof strict_target, "ipv4:127.0.0.1:%d", port);
  assert_int_equal(fc_server_listen(stage.server, "127.0.0.1:0", &port, NULL), FC_OK);
  snprintf(plain, sizeof plain, "ipv4:127.0.0.1:%d", port);
  stage_start(&stage);
  expect_status(stage.channel, FC_CODE_OK, "");
  expect_at(&stage, strict_target, FC_CODE_UNAVAILABLE, "certificate required");
  expect_at(&stage, plain, FC_CODE_UNAVAILABLE, "TLS handshake: the peer does not speak TLS");
  fc_channel_credentials *secure = stage.options.credentials;
  stage.options.credentials = NULL;
  expect_at(&stage, plain, FC_CODE_OK, "");
  expect_at(&stage, stage.target, FC_CODE_UNAVAILABLE, "HTTP/2 handshake: ");
  stage.options.credentials = secure;
  stage_close(&stage);
}

static void several_reactors_share_credentials(void **state) {
  enum { CHANNELS = 20 };
  struct stage stage;
  stage_open(&stage, state);
  stage.server_options.reactors = 3;
  stage.credentials = tls_server("server", FC_TLS_CLIENT_AUTH_NONE);
  stage.options.credentials = tls_channel_as(NULL);
  serve(&stage);
  stage_start(&stage);
  for (int i = 0; i < CHANNELS; i++) expect_at(&stage, stage.target, FC_CODE_OK, "");
  stage_close(&stage);
}

/* ---- who is refused ---- */

static void a_wrong_name_is_refused(void **state) {
  struct stage stage;
  stage_open(&stage, state);
  stage.credentials = tls_server("server", FC_TLS_CLIENT_AUTH_NONE);
  stage.options.credentials = tls_channel_as(NULL);
  serve(&stage);
  stage_start(&stage);
  char expected[200];
  snprintf(expected, sizeof expected,
           "last error: %s: TLS handshake: certificate verify failed: hostname mismatch",
           stage.target);
  stage.options.tls_target_name = "other.example";
  expect_at(&stage, stage.target, FC_CODE_UNAVAILABLE, expected);
  stage.options.tls_target_name = NULL;
  stage.options.authority = "other.example:443";
  expect_at(&stage, stage.target, FC_CODE_UNAVAILABLE, expected);
  stage_close(&stage);
}

struct verifier {
  atomic_int asked, dropped;
  char name[64];
  fc_result answer;
};

static fc_result verify(const fc_auth_context *peer, const char *name, fc_error *err, void *user) {
  struct verifier *v = user;
  fc_slice common_name;
  v->asked++;
  MUST(fc_auth_context_find(peer, "x509_common_name", &common_name));
  snprintf(v->name, sizeof v->name, "%.*s as %s", FC_SLICE_PRINT(common_name), name);
  snprintf(err->message, sizeof err->message, "I do not know it");
  return v->answer;
}

static void verifier_dropped(void *user) { ((struct verifier *)user)->dropped++; }

static void a_verifier_is_asked_for_each_connection(void **state) {
  struct stage stage;
  struct verifier client = {0}, server = {0};
  fc_tls_client_options co = tls_client_options();
  fc_tls_server_options so = FC_TLS_SERVER_OPTIONS_INIT;
  fc_tls_identity shown = cert_identity("server"), own = cert_identity("client");
  stage_open(&stage, state);
  co.identity = &own;
  co.verify = verify;
  co.verify_user = &client;
  co.verify_drop = verifier_dropped;
  so.identities = &shown;
  so.identity_count = 1;
  so.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  so.client_roots = cert_text("ca.pem");
  so.verify = verify;
  so.verify_user = &server;
  so.verify_drop = verifier_dropped;
  stage.options.credentials = tls_channel(&co);
  stage.credentials = tls_server_with(&so);
  serve(&stage);
  stage_start(&stage);
  assert_string_equal(client.name, "server as 127.0.0.1");
  assert_string_equal(server.name, "test-client as ");
  expect_at(&stage, stage.target, FC_CODE_OK, ""); /* resumed, and asked for all that */
  assert_int_equal(client.asked, 2);
  assert_int_equal(server.asked, 2);
  client.answer = FC_ERR_INVALID;
  expect_at(&stage, stage.target, FC_CODE_UNAVAILABLE, "TLS handshake: I do not know it");
  client.answer = FC_OK;
  server.answer = FC_ERR_INVALID;
  expect_at(&stage, stage.target, FC_CODE_UNAVAILABLE, "");
  stage_close(&stage);
  assert_int_equal(client.dropped, 1);
  assert_int_equal(server.dropped, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_kinds_of_addresses),
      cmocka_unit_test(ports_have_credentials_of_their_own),
      cmocka_unit_test(several_reactors_share_credentials),
      cmocka_unit_test(a_wrong_name_is_refused),
      cmocka_unit_test(a_verifier_is_asked_for_each_connection),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
