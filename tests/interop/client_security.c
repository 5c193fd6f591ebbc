/* TLS and mutual TLS: who knows what of whom, who is refused, and sessions. */
#include <stdio.h>
#include <string.h>

#include "client.h"

/* A channel to the target; takes the credentials. */
fc_channel *channel_with(fc_channel_credentials *credentials, const char *name) {
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  options.credentials = credentials;
  options.tls_target_name = name;
  fc_channel *made = connect_to(target, &options);
  fc_channel_credentials_destroy(credentials);
  return made;
}

/* A unary call on a channel. */
fc_call *ask_on(fc_channel *to, fc_call_credentials *credentials) {
  fc_call_options options = options_of(FC_PATTERN_UNARY_UNARY, NULL);
  fc_call *call = NULL;
  fc_error err = FC_ERROR_INIT;
  options.credentials = credentials;
  (void)fc_unary_unary(to, "/interop.Test/Unary", text("x"), &options, NULL, &call, &err);
  expect(call != NULL, "%s", err.message);
  return call;
}

/* The answer of Known; empty when the call fails. */
static void known(fc_channel *to, const char *name, char *out, size_t size) {
  fc_call_options options = options_of(FC_PATTERN_UNARY_UNARY, NULL);
  fc_bytes *answer = NULL;
  fc_error err = FC_ERROR_INIT;
  fc_code code =
      fc_unary_unary(to, "/interop.Test/Known", text(name), &options, &answer, NULL, &err);
  expect(code == FC_CODE_OK, "Known: %s (%s)", fc_code_name(code), err.message);
  fc_slice value = fc_bytes_slice(answer);
  snprintf(out, size, "%.*s", FC_SLICE_PRINT(value));
  fc_bytes_unref(answer);
}

static void expect_known(fc_channel *to, const char *name, const char *wanted) {
  char value[4096];
  known(to, name, value, sizeof value);
  expect(strcmp(value, wanted) == 0, "%s is '%s' to the server", name, value);
}

/* No call comes through; the status names the address and says why. Takes the channel. */
static void expect_refused(fc_channel *to, const char *words) {
  fc_call *call = ask_on(to, NULL);
  if (expect_code(call, FC_CODE_UNAVAILABLE)) {
    const char *message = fc_call_status(call)->message;
    expect(strstr(message, words) != NULL, "text '%s'", message);
    expect(strstr(message, target) != NULL, "no address in '%s'", message);
  }
  fc_call_destroy(call);
  fc_channel_destroy(to);
}

/* ---- what is known of the other side ---- */

static void server_knows_the_transport(void) {
  expect_known(channel, "transport_security_type", "ssl");
  expect_known(channel, "security_level", "TSI_PRIVACY_AND_INTEGRITY");
  expect_known(channel, "x509_common_name", mutual ? "test-client" : "");
}

static void server_knows_nothing(void) {
  expect_known(channel, "transport_security_type", "insecure");
  expect_known(channel, "x509_common_name", "");
}

static void expect_property(const fc_auth_context *context, const char *name, const char *wanted) {
  fc_slice value = {0};
  expect(fc_auth_context_find(context, name, &value) && fc_slice_equals(value, wanted),
         "%s is '%.*s'", name, FC_SLICE_PRINT(value));
}

static void client_knows_the_server(void) {
  fc_call *call = ask_on(channel, NULL);
  const fc_auth_context *context = fc_call_auth_context(call);
  const char *identity = fc_auth_context_identity(context);
  expect_code(call, FC_CODE_OK);
  expect_property(context, "transport_security_type", "ssl");
  expect_property(context, "x509_common_name", "server");
  expect_property(context, "x509_subject_alternative_name", "localhost");
  expect(identity && strcmp(identity, "x509_subject_alternative_name") == 0, "identity '%s'",
         identity ? identity : "none");
  fc_call_destroy(call);
}

static void server_knows_the_client(void) {
  static const char *const names[] = {"client.test.example", "spiffe://test.example/client",
                                      "client@test.example", "10.0.0.1"};
  char value[4096];
  known(channel, "x509_subject_alternative_name", value, sizeof value);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    expect(strstr(value, names[i]) != NULL, "no %s in '%s'", names[i], value);
  known(channel, "x509_pem_cert", value, sizeof value);
  expect(strncmp(value, "-----BEGIN CERTIFICATE-----\n", 28) == 0, "certificate '%s'", value);
}

/* ---- what is refused ---- */

static void wrong_authority(void) {
  expect_refused(channel_with(credentials_of("other_ca", own_identity()), NULL),
                 "certificate verify failed");
}

static void wrong_name(void) {
  expect_refused(channel_with(credentials_of("ca", own_identity()), "wrong.example"),
                 "hostname mismatch");
}

static void other_name(void) {
  fc_channel *other = channel_with(credentials_of("ca", own_identity()), "any.test.example");
  fc_call *call = ask_on(other, NULL);
  expect_code(call, FC_CODE_OK);
  fc_call_destroy(call);
  fc_channel_destroy(other);
}

static void plain_text_is_refused(void) {
  fc_channel_credentials *credentials = NULL;
  fc_error err = FC_ERROR_INIT;
  expect(fc_channel_credentials_insecure(&credentials, &err) == FC_OK, "%s", err.message);
  expect_refused(channel_with(credentials, NULL), "");
}

static void tls_is_refused(void) {
  fc_channel_credentials *credentials = NULL;
  fc_error err = FC_ERROR_INIT;
  expect(fc_channel_credentials_tls(NULL, &credentials, &err) == FC_OK, "%s", err.message);
  expect_refused(channel_with(credentials, NULL), "TLS");
}

/* In TLS 1.3 a client learns only after its handshake that its certificate is refused. grpcio closes without an alert. */
static void expect_identity_refused(const char *identity) {
  const char *words = strcmp(peer_name, "grpcio") == 0 ? "TLS" : "alert";
  for (fc_tls_version last = FC_TLS_VERSION_1_2; last <= FC_TLS_VERSION_1_3; last++) {
    fc_tls_client_options options = FC_TLS_CLIENT_OPTIONS_INIT;
    options.max_version = last;
    expect_refused(channel_with(credentials_with(&options, "ca", identity), NULL), words);
  }
}

static void no_certificate(void) { expect_identity_refused(NULL); }

static void wrong_certificate(void) { expect_identity_refused("other_client"); }

static void expired_certificate(void) { expect_identity_refused("expired_client"); }

/* ---- sessions ---- */

/* Two connections one after the other, with the same credentials; what the server says of the second. */
static void expect_second(const fc_tls_client_options *options, const char *reused) {
  fc_tls_client_options copy = *options;
  fc_channel_credentials *credentials = credentials_with(&copy, "ca", own_identity());
  for (int i = 0; i < 2; i++) {
    fc_channel_options channel_options = FC_CHANNEL_OPTIONS_INIT;
    channel_options.credentials = credentials;
    channel_options.tls_target_name = "any.test.example";
    fc_channel *one = connect_to(target, &channel_options);
    expect_known(one, "ssl_session_reused", i == 0 ? "false" : reused);
    fc_channel_destroy(one);
  }
  fc_channel_credentials_destroy(credentials);
}

static void session_is_resumed(void) {
  fc_tls_client_options options = FC_TLS_CLIENT_OPTIONS_INIT;
  options.min_version = FC_TLS_VERSION_1_3;
  expect_second(&options, "true");
}

static void session_is_resumed_1_2(void) {
  fc_tls_client_options options = FC_TLS_CLIENT_OPTIONS_INIT;
  options.max_version = FC_TLS_VERSION_1_2;
  expect_second(&options, "true");
}

static void session_is_not_kept(void) {
  fc_tls_client_options options = FC_TLS_CLIENT_OPTIONS_INIT;
  options.no_session_resumption = true;
  expect_second(&options, "false");
}

const struct test_case security_cases[] = {
    {"tls_server_knows_the_transport", server_knows_the_transport},
    {"tls_client_knows_the_server", client_knows_the_server},
    {"tls_wrong_authority", wrong_authority},
    {"tls_wrong_name", wrong_name},
    {"tls_other_name", other_name},
    {"tls_plain_text_is_refused", plain_text_is_refused},
    {"tls_session_is_resumed", session_is_resumed},
    {"tls_session_is_resumed_1_2", session_is_resumed_1_2},
    {"tls_session_is_not_kept", session_is_not_kept},
    {"mutual_server_knows_the_client", server_knows_the_client},
    {"mutual_no_certificate", no_certificate},
    {"mutual_wrong_certificate", wrong_certificate},
    {"mutual_expired_certificate", expired_certificate},
    {"clear_server_knows_nothing", server_knows_nothing},
    {"clear_tls_is_refused", tls_is_refused},
    {NULL, NULL},
};
