/* The world of secure_world.h. */
#include "sim/secure_world.h"

#include <stdio.h>

#include "base/auth_context.h"
#include "support/check.h"

void secure_open(struct secure_world *w) {
  memset(w, 0, sizeof *w);
  w->sim = sim_create(1);
  w->server_options = (fc_server_options)FC_SERVER_OPTIONS_INIT;
  w->server_options.reactor = sim_reactor(w->sim);
  w->server_options.max_connections = 1000; /* so that they are counted */
  w->options = (fc_channel_options)FC_CHANNEL_OPTIONS_INIT;
  w->options.reactor = sim_reactor(w->sim);
}

static void keep(const fc_auth_context **kept, const fc_auth_context *context) {
  fc__auth_unref(*kept);
  *kept = fc__auth_ref(context);
}

/* ---- the server ---- */

static void echo(fc_call *call, void *user) {
  struct secure_world *w = user;
  fc_bytes *request;
  w->handled++;
  keep(&w->server_auth, fc_call_auth_context(call));
  assert_int_equal(fc_call_recv(call, &request), FC_OK);
  if (fc_call_respond(call, request) != FC_OK) fc_bytes_unref(request);
  fc_call_destroy(call);
}

static void listen_at(struct secure_world *w, const char *address,
                      fc_server_credentials *credentials) {
  fc_error err = FC_ERROR_INIT;
  fc_result r = credentials ? fc_server_listen_secure(w->server, address, credentials, NULL, &err)
                            : fc_server_listen(w->server, address, NULL, &err);
  fc_server_credentials_destroy(credentials);
  if (r != FC_OK) fail_msg("%s", err.message);
}

void secure_serve(struct secure_world *w, const char *address, fc_server_credentials *credentials) {
  fc_handler h = FC_HANDLER_INIT;
  h.pattern = FC_PATTERN_UNARY_UNARY;
  h.kind = FC_HANDLER_ASYNC;
  h.fn = echo;
  h.user = w;
  bool first = w->server == NULL;
  if (first) {
    assert_int_equal(fc_server_create(&w->server_options, &w->server, NULL), FC_OK);
    assert_int_equal(fc_server_register(w->server, "/t/Echo", &h, NULL), FC_OK);
  }
  listen_at(w, address, credentials);
  if (first) assert_int_equal(fc_server_start(w->server, NULL), FC_OK);
}

/* ---- the channel ---- */

void secure_channel(struct secure_world *w, const char *target,
                    fc_channel_credentials *credentials) {
  fc_error err = FC_ERROR_INIT;
  fc_channel_destroy(w->channel);
  w->options.credentials = credentials;
  fc_result r = fc_channel_create(target, &w->options, &w->channel, &err);
  fc_channel_credentials_destroy(credentials);
  w->options.credentials = NULL;
  if (r != FC_OK) fail_msg("%s", err.message);
}

fc_code secure_call(struct secure_world *w, char *message, size_t size) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_bytes *response;
  fc_call *call;
  o.timeout_ns = 100 * FC_SECOND;
  (void)fc_unary_unary(w->channel, "/t/Echo", TEXT("hello"), &o, &response, &call, NULL);
  assert_non_null(call);
  fc_code code = fc_call_status(call)->code;
  if (code == FC_CODE_OK) assert_slice_is(fc_bytes_slice(response), "hello");
  snprintf(message, size, "%s", fc_call_status(call)->message);
  keep(&w->channel_auth, fc_call_auth_context(call));
  fc_bytes_unref(response);
  fc_call_destroy(call);
  return code;
}

void secure_expect(struct secure_world *w, fc_code code, const char *part) {
  char message[1024];
  fc_code found = secure_call(w, message, sizeof message);
  if (found == code && strstr(message, part)) return;
  fail_msg("%s \"%s\" instead of %s \"%s\"", fc_code_name(found), message, fc_code_name(code),
           part);
}

void secure_expect_auth(const fc_auth_context *context, const char *name, const char *value) {
  fc_slice found;
  if (!fc_auth_context_find(context, name, &found)) fail_msg("%s is not known", name);
  if (!fc_slice_equals(found, value)) {
    fail_msg("%s is \"%.*s\", not \"%s\"", name, FC_SLICE_PRINT(found), value);
  }
}

void secure_close(struct secure_world *w) {
  fc_channel_destroy(w->channel);
  fc_server_destroy(w->server);
  fc__auth_unref(w->server_auth);
  fc__auth_unref(w->channel_auth);
  sim_run_for(w->sim, 3 * FC_SECOND);
  assert_int_equal(sim_connections(w->sim), 0);
  sim_destroy(w->sim);
}
