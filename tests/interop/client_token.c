/* Call credentials, on a call and on a channel: what the server sees of them, and what becomes of calls without. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "client.h"

static fc_call_credentials *token_of(const char *token) {
  fc_call_credentials *made = NULL;
  fc_error err = FC_ERROR_INIT;
  expect(fc_call_credentials_from_token(token, &made, &err) == FC_OK, "%s", err.message);
  return made;
}

/* The values of "authorization" that the server saw, with commas between them. Takes the call. */
static void expect_saw(fc_call *call, const char *wanted) {
  char seen[256] = "";
  size_t len = 0;
  if (expect_code(call, FC_CODE_OK)) {
    const fc_metadata *last = fc_call_trailing_metadata(call);
    for (size_t i = 0; i < fc_metadata_count(last) && len < sizeof seen; i++) {
      fc_metadata_entry entry = fc_metadata_at(last, i);
      if (fc_slice_equals(entry.key, "saw-authorization"))
        len += (size_t)snprintf(seen + len, sizeof seen - len, "%s%.*s", len ? "," : "",
                                FC_SLICE_PRINT(entry.value));
    }
    expect(strcmp(seen, wanted) == 0, "the server saw '%s'", seen);
  }
  fc_call_destroy(call);
}

static void token_in(const char *method, fc_pattern pattern) {
  fc_call_options options = options_of(pattern, NULL);
  fc_call *call;
  size_t bytes;
  options.credentials = token_of("of-the-call");
  fc_result r = fc_channel_call(channel, method, &options, &call, NULL);
  fc_call_credentials_destroy(options.credentials);
  if (!expect(r == FC_OK, "%s", fc_result_text(r))) return;
  expect(fc_call_send_copy(call, text("x"), FC_SEND_LAST) == FC_OK, "send failed");
  expect(receive_all(call, &bytes) == 1, "not one message");
  expect_saw(call, "Bearer of-the-call");
}

static void token_in_every_pattern(void) {
  fc_call_credentials *token = token_of("of-the-call");
  expect_saw(ask_on(channel, token), "Bearer of-the-call");
  fc_call_credentials_destroy(token);
  token_in("/interop.Test/Down", FC_PATTERN_UNARY_STREAM);
  token_in("/interop.Test/Up", FC_PATTERN_STREAM_UNARY);
  token_in("/interop.Test/Both", FC_PATTERN_STREAM_STREAM);
}

/* A channel like that of this run, whose calls carry credentials too; takes them. */
static fc_channel *channel_carrying(fc_call_credentials *carried) {
  fc_channel_credentials *plain = credentials_of("ca", own_identity()), *both = NULL;
  fc_error err = FC_ERROR_INIT;
  expect(fc_channel_credentials_composite(plain, carried, &both, &err) == FC_OK, "%s", err.message);
  fc_channel_credentials_destroy(plain);
  fc_call_credentials_destroy(carried);
  return channel_with(both, NULL);
}

static void token_of_the_channel_and_of_the_call(void) {
  fc_channel *carrying = channel_carrying(token_of("of-the-channel"));
  fc_call_credentials *token = token_of("of-the-call");
  expect_saw(ask_on(carrying, NULL), "Bearer of-the-channel");
  expect_saw(ask_on(carrying, token), "Bearer of-the-channel,Bearer of-the-call");
  fc_call_credentials_destroy(token);
  fc_channel_destroy(carrying);
}

static void *answer_later(void *request) {
  char value[300];
  snprintf(value, sizeof value, "Bearer for %s of %s", fc_auth_request_method(request),
           fc_auth_request_service_url(request));
  fc_metadata *metadata = wants("authorization", value, NULL);
  fc_auth_request_answer(request, metadata, NULL);
  fc_metadata_destroy(metadata);
  return NULL;
}

static void ask_a_thread(fc_auth_request *request, void *user) {
  pthread_t thread;
  (void)user;
  if (pthread_create(&thread, NULL, answer_later, request) == 0) {
    pthread_detach(thread);
  } else {
    fc_auth_request_answer(request, NULL, "no thread");
  }
}

static void plugin_answers_from_a_thread(void) {
  fc_call_credentials *plugin = NULL;
  char wanted[300];
  fc_result r = fc_call_credentials_from_plugin("thread", ask_a_thread, NULL, NULL, &plugin, NULL);
  expect(r == FC_OK, "%s", fc_result_text(r));
  fc_channel *carrying = channel_carrying(plugin);
  snprintf(wanted, sizeof wanted, "Bearer for Unary of https://%s/interop.Test", target);
  expect_saw(ask_on(carrying, NULL), wanted);
  fc_channel_destroy(carrying);
}

static void refuse(fc_auth_request *request, void *user) {
  fc_auth_request_answer(request, NULL, user);
}

static void plugin_fails(void) {
  static char reason[] = "the vault is closed";
  fc_call_credentials *plugin = NULL;
  fc_result r = fc_call_credentials_from_plugin("vault", refuse, reason, NULL, &plugin, NULL);
  expect(r == FC_OK, "%s", fc_result_text(r));
  fc_call *call = ask_on(channel, plugin);
  if (expect_code(call, FC_CODE_UNAVAILABLE))
    expect(strstr(fc_call_status(call)->message, reason) != NULL, "text '%s'",
           fc_call_status(call)->message);
  fc_call_destroy(call);
  fc_call_credentials_destroy(plugin);
  expect_alive();
}

static void token_is_refused(void) {
  fc_call_credentials *token = token_of("of-the-call");
  fc_call *call = ask_on(channel, token);
  expect_code(call, FC_CODE_UNAUTHENTICATED);
  expect(fc_call_status(call)->origin == FC_ORIGIN_LOCAL, "the peer has seen it");
  fc_call_destroy(call);
  fc_call_credentials_destroy(token);
  expect_alive();
}

const struct test_case token_cases[] = {
    {"tls_token_in_every_pattern", token_in_every_pattern},
    {"tls_token_of_the_channel_and_of_the_call", token_of_the_channel_and_of_the_call},
    {"tls_plugin_answers_from_a_thread", plugin_answers_from_a_thread},
    {"tls_plugin_fails", plugin_fails},
    {"clear_token_is_refused", token_is_refused},
    {NULL, NULL},
};
