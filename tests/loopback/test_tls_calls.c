/* Calls over TLS between real sockets: what both sides know of each other, sessions that are resumed, long messages. */
#include <stdio.h>

#include "support/failing_alloc.h"
#include "support/stage.h"
#include "support/tls_credentials.h"

/* ---- what a context says, as text ---- */

static void add(char *out, size_t size, const char *name, fc_slice value) {
  size_t len = strlen(out);
  snprintf(out + len, size - len, "%s=%.*s\n", name, FC_SLICE_PRINT(value));
}

/* "name=value" in lines, the identity's name last, without the certificates themselves. */
static void describe(const fc_auth_context *context, char *out, size_t size) {
  const char *identity = fc_auth_context_identity(context);
  out[0] = '\0';
  for (size_t i = 0; i < fc_auth_context_count(context); i++) {
    fc_auth_property p = fc_auth_context_at(context, i);
    if (!strstr(p.name, "_pem_")) add(out, size, p.name, p.value);
  }
  add(out, size, "identity", fc_slice_from_string(identity ? identity : "none"));
}

/* Blocking: answers with what is known of the client. */
static void who(fc_call *call, void *user) {
  fc_bytes *request;
  char text[2000];
  (void)user;
  MUST(fc_call_recv(call, &request) == FC_OK);
  fc_bytes_unref(request);
  describe(fc_call_auth_context(call), text, sizeof text);
  fc_bytes *answer = fc_bytes_copy(text, strlen(text));
  MUST(answer && fc_call_respond(call, answer) == FC_OK);
}

/* Behind stage_open. */
static void secure(struct stage *stage, fc_channel_credentials *channel,
                   fc_server_credentials *server) {
  stage->options.credentials = channel;
  stage->credentials = server;
  stage_serve(stage, "/t/Who", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, who, NULL);
  stage_serve(stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo, NULL);
}

/* Both views of the channel's connection. */
struct views {
  char of_client[2000], of_server[2000];
};

static void look(struct stage *stage, struct views *views) {
  fc_bytes *response;
  fc_call *call;
  fc_error err = FC_ERROR_INIT;
  if (fc_unary_unary(stage->channel, "/t/Who", TEXT(""), NULL, &response, &call, &err) !=
      FC_CODE_OK) {
    fail_msg("%s", err.message);
  }
  snprintf(views->of_client, sizeof views->of_client, "%.*s",
           FC_SLICE_PRINT(fc_bytes_slice(response)));
  describe(fc_call_auth_context(call), views->of_server, sizeof views->of_server);
  fc_bytes_unref(response);
  fc_call_destroy(call);
}

/* Without the group, which is the TLS library's choice. */
static void expect_nobody(const char *view) {
  char expected[300];
  const char *group = strstr(view, "ssl_negotiated_key_exchange_group=");
  if (!group) fail_msg("%s", view);
  const char *rest = strchr(group, '\n') + 1;
  snprintf(expected, sizeof expected,
           "transport_security_type=ssl\n%.*ssecurity_level=TSI_PRIVACY_AND_INTEGRITY\n"
           "ssl_session_reused=false\nidentity=none\n",
           (int)(rest - group), group);
  assert_string_equal(view, expected);
}

static void expect_line(const char *text, const char *line) {
  const char *at = strstr(text, line);
  size_t len = strlen(line);
  if (!at || (at != text && at[-1] != '\n') || at[len] != '\n') fail_msg("%s:\n%s", line, text);
}

static void expect_server_known(const char *view) {
  expect_line(view, "transport_security_type=ssl");
  expect_line(view, "security_level=TSI_PRIVACY_AND_INTEGRITY");
  expect_line(view, "x509_subject=CN=server,O=farcall tests");
  expect_line(view, "x509_common_name=server");
  expect_line(view, "x509_subject_alternative_name=localhost");
  expect_line(view, "x509_subject_alternative_name=127.0.0.1");
  expect_line(view, "peer_dns=*.test.example");
  expect_line(view, "peer_ip=127.0.0.1");
  expect_line(view, "identity=x509_subject_alternative_name");
}

static void expect_client_known(const char *view) {
  expect_line(view, "transport_security_type=ssl");
  expect_line(view, "x509_subject=CN=test-client,O=farcall tests");
  expect_line(view, "x509_common_name=test-client");
  expect_line(view, "x509_subject_alternative_name=client.test.example");
  expect_line(view, "x509_subject_alternative_name=spiffe://test.example/client");
  expect_line(view, "peer_dns=client.test.example");
  expect_line(view, "peer_uri=spiffe://test.example/client");
  expect_line(view, "peer_email=client@test.example");
  expect_line(view, "peer_ip=10.0.0.1");
  expect_line(view, "identity=x509_subject_alternative_name");
}

/* ---- who is who ---- */

static void a_server_proves_itself(void **state) {
  struct stage stage;
  struct views views;
  stage_open(&stage, state);
  secure(&stage, tls_channel_as(NULL), tls_server("server", FC_TLS_CLIENT_AUTH_NONE));
  stage_start(&stage);
  look(&stage, &views);
  expect_server_known(views.of_server);
  expect_line(views.of_server, "ssl_session_reused=false");
  expect_nobody(views.of_client);
  stage_close(&stage);
}

static void both_prove_themselves(void **state) {
  struct stage stage;
  struct views views;
  stage_open(&stage, state);
  secure(&stage, tls_channel_as("client"), tls_server("server", FC_TLS_CLIENT_AUTH_REQUIRE));
  stage_start(&stage);
  look(&stage, &views);
  expect_server_known(views.of_server);
  expect_client_known(views.of_client);
  stage_close(&stage);
}

static void a_common_name_identifies_where_there_are_no_others(void **state) {
  struct stage stage;
  struct views views;
  stage_open(&stage, state);
  secure(&stage, tls_channel_as("cn_client"), tls_server("server", FC_TLS_CLIENT_AUTH_REQUIRE));
  stage_start(&stage);
  look(&stage, &views);
  expect_line(views.of_client, "x509_common_name=test-client");
  expect_line(views.of_client, "identity=x509_common_name");
  stage_close(&stage);
}

static void a_client_may_be_asked_without_having_to_answer(void **state) {
  struct stage stage;
  struct views views;
  stage_open(&stage, state);
  secure(&stage, tls_channel_as(NULL), tls_server("server", FC_TLS_CLIENT_AUTH_REQUEST));
  stage_start(&stage);
  look(&stage, &views);
  expect_nobody(views.of_client);
  stage_close(&stage);
}

/* What nobody has verified is no identity. */
static void an_unverified_client_has_no_identity(void **state) {
  struct stage stage;
  struct views views;
  stage_open(&stage, state);
  secure(&stage, tls_channel_as("other_client"),
         tls_server("server", FC_TLS_CLIENT_AUTH_INSECURE_REQUIRE));
  stage_start(&stage);
  look(&stage, &views);
  expect_line(views.of_client, "x509_common_name=test-client");
  expect_line(views.of_client, "identity=none");
  stage_close(&stage);
}

static void contexts_outlive_their_connections(void **state) {
  struct stage stage;
  char before[2000], after[2000];
  fc_slice pem;
  stage_open(&stage, state);
  secure(&stage, tls_channel_as(NULL), tls_server("server", FC_TLS_CLIENT_AUTH_NONE));
  stage_start(&stage);
  fc_call *call = stage_call(&stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, NULL);
  assert_int_equal(fc_call_send_copy(call, TEXT("hello"), 0), FC_OK);
  stage_expect(call, "hello");
  const fc_auth_context *context = fc_call_auth_context(call);
  describe(context, before, sizeof before);
  fc_channel_close(stage.channel);
  fc_server_destroy(stage.server);
  stage.server = NULL;
  assert_ptr_equal(fc_call_auth_context(call), context);
  describe(context, after, sizeof after);
  assert_string_equal(before, after);
  assert_true(fc_auth_context_find(context, "x509_pem_cert", &pem));
  assert_true(pem.len > 100);
  fc_call_destroy(call);
  stage_close(&stage);
}

/* ---- sessions ---- */

/* The same channel connects again. */
static void reconnect(struct stage *stage) {
  fc_channel_destroy(stage->channel);
  assert_int_equal(fc_channel_create(stage->target, &stage->options, &stage->channel, NULL), FC_OK);
}

static void expect_resumed(void **state, fc_tls_version version, bool no_resumption) {
  struct stage stage;
  struct views views;
  fc_tls_client_options o = tls_client_options();
  fc_tls_identity identity = cert_identity("client");
  o.identity = &identity;
  o.max_version = version;
  o.no_session_resumption = no_resumption;
  const char *line = no_resumption ? "ssl_session_reused=false" : "ssl_session_reused=true";
  stage_open(&stage, state);
  secure(&stage, tls_channel(&o), tls_server("server", FC_TLS_CLIENT_AUTH_REQUIRE));
  stage_start(&stage);
  look(&stage, &views);
  expect_line(views.of_server, "ssl_session_reused=false");
  expect_line(views.of_client, "ssl_session_reused=false");
  for (int i = 0; i < 3; i++) {
    reconnect(&stage);
    look(&stage, &views);
    expect_line(views.of_server, line);
    expect_line(views.of_client, line);
    expect_server_known(views.of_server); /* as well as at the first time */
    expect_client_known(views.of_client);
  }
  stage_close(&stage);
}

static void sessions_are_resumed(void **state) {
  expect_resumed(state, FC_TLS_VERSION_1_2, false);
  expect_resumed(state, FC_TLS_VERSION_1_3, false);
}

static void sessions_are_not_resumed_unless_wanted(void **state) {
  expect_resumed(state, FC_TLS_VERSION_1_2, true);
  expect_resumed(state, FC_TLS_VERSION_1_3, true);
}

/* ---- names ---- */

/* The certificate names localhost; the channel asks an address for it. */
static void the_name_may_be_another_than_the_targets(void **state) {
  struct stage stage;
  struct views views;
  stage_open(&stage, state);
  secure(&stage, tls_channel_as(NULL), tls_server("no_ip", FC_TLS_CLIENT_AUTH_NONE));
  stage.options.tls_target_name = "localhost";
  stage_start(&stage);
  look(&stage, &views);
  expect_line(views.of_server, "x509_common_name=localhost");
  stage.options.tls_target_name = NULL;
  stage.options.authority = "localhost:1";
  reconnect(&stage);
  look(&stage, &views);
  expect_line(views.of_server, "x509_common_name=localhost");
  stage.options.tls_target_name = "localhost";
  stage.options.authority = "elsewhere.example"; /* only said, not verified */
  reconnect(&stage);
  look(&stage, &views);
  stage_close(&stage);
}

/* ---- messages ---- */

enum { LONG = 10 * 1024 * 1024 + 7 };

static void long_messages_go_both_ways(void **state) {
  struct stage stage;
  fc_bytes *message;
  stage_open(&stage, state);
  stage.options.max_receive_message_bytes = stage.server_options.max_receive_message_bytes = LONG;
  stage.options.credentials = tls_channel_as(NULL);
  stage.credentials = tls_server("server", FC_TLS_CLIENT_AUTH_NONE);
  stage_serve(&stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, FC_HANDLER_BLOCKING, stage_echo, NULL);
  stage_start(&stage);
  fc_call *call = stage_call(&stage, "/t/Echo", FC_PATTERN_STREAM_STREAM, NULL);
  for (size_t len = 1; len <= LONG; len = len * 9 + 1) {
    assert_int_equal(fc_call_send(call, stage_message(len), 0), FC_OK);
    assert_int_equal(fc_call_recv(call, &message), FC_OK);
    assert_true(stage_is_message(fc_bytes_slice(message), len));
    fc_bytes_unref(message);
  }
  assert_int_equal(fc_call_close_send(call), FC_OK);
  stage_expect_end(call, FC_CODE_OK);
  stage_close(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_server_proves_itself),
      cmocka_unit_test(both_prove_themselves),
      cmocka_unit_test(a_common_name_identifies_where_there_are_no_others),
      cmocka_unit_test(a_client_may_be_asked_without_having_to_answer),
      cmocka_unit_test(an_unverified_client_has_no_identity),
      cmocka_unit_test(contexts_outlive_their_connections),
      cmocka_unit_test(sessions_are_resumed),
      cmocka_unit_test(sessions_are_not_resumed_unless_wanted),
      cmocka_unit_test(the_name_may_be_another_than_the_targets),
      cmocka_unit_test(long_messages_go_both_ways),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
