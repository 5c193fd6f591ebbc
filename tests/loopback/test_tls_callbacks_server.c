/* Every callback of a server, and of credentials of either side, calls every function that its rule allows, see callbacks.h,
 * and ends what it is told of. */
#include "support/callbacks.h"
#include "support/failing_alloc.h"
#include "support/stage.h"
#include "support/tls_credentials.h"

static struct callbacks c;
static fc_server *server;
static struct gate ended = GATE_INIT, dropped = GATE_INIT;

static void close_all(void) {
  callbacks_close(&c);
  memset(&c, 0, sizeof c);
  ended = dropped = (struct gate)GATE_INIT;
}

static fc_code call_once(fc_channel *channel, const char *method, const fc_call_options *options) {
  fc_bytes *response;
  fc_code code = fc_unary_unary(channel, method, TEXT("x"), options, &response, NULL, NULL);
  fc_bytes_unref(response);
  return code;
}

static void add_handler(const char *method, fc_handler_kind kind, fc_handler_fn fn,
                        fc_drop_fn drop) {
  fc_handler h = FC_HANDLER_INIT;
  h.pattern = FC_PATTERN_UNARY_UNARY;
  h.kind = kind;
  h.fn = fn;
  h.drop = drop;
  callbacks_register(server, method, &h);
}

/* ---- handlers, interceptors, hooks and the end of a server ---- */

static void handle(fc_call *call, void *user) {
  fc_bytes *message;
  (void)user;
  callbacks_visit(&c, PLACE(fc_handler, fn));
  if (fc_call_recv(call, &message) == FC_OK && fc_call_respond(call, message) != FC_OK)
    fc_bytes_unref(message);
}

static void handle_async(fc_call *call, void *user) {
  fc_bytes *message;
  (void)user;
  callbacks_visit(&c, PLACE(fc_handler, fn_async));
  if (fc_call_try_recv(call, &message) == FC_OK && fc_call_respond(call, message) != FC_OK)
    fc_bytes_unref(message);
  fc_call_destroy(call);
}

static void drop_handler(void *user) {
  (void)user;
  callbacks_visit(&c, PLACE(fc_handler, drop));
}

static fc_bytes *see_sent(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)user;
  callbacks_visit(&c, PLACE(fc_call_hooks, on_send_server));
  return message;
}

static fc_bytes *see_received(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)user;
  callbacks_visit(&c, PLACE(fc_call_hooks, on_receive_server));
  return message;
}

static void see_end(fc_call *call, const fc_status *status, void *user) {
  (void)status, (void)user;
  callbacks_visit(&c, PLACE(fc_call_hooks, on_done_server));
  fc_call_cancel(call, FC_CODE_ABORTED, NULL);
}

static void drop_hooks(void *user) {
  (void)user;
  callbacks_visit(&c, PLACE(fc_call_hooks, drop_server));
}

static void intercept(fc_server_next *next, fc_call *call, void *user) {
  static const fc_call_hooks hooks = {sizeof hooks, see_sent, see_received, see_end,
                                      drop_hooks,   NULL,     NULL};
  (void)user;
  callbacks_visit(&c, PLACE(fc_server_interceptor, call));
  MUST(fc_call_add_hooks(call, &hooks) == FC_OK);
  CALL_AT(&c, PLACE(fc_server_interceptor, call), fc_server_next_call)(next, call);
}

static void told_end(fc_server *of, void *user) {
  (void)user;
  callbacks_visit(&c, PLACE(fc_server_options, on_end));
  fc_server_destroy(of);
  gate_pass(&ended);
}

static void callbacks_of_a_server(void **state) {
  static const fc_server_interceptor interceptor = {intercept, NULL};
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  char target[64];
  o.interceptors = &interceptor;
  o.interceptor_count = 1;
  o.on_end = told_end;
  callbacks_open(&c, state);
  server = callbacks_server(&c, &o);
  add_handler("/s/Async", FC_HANDLER_ASYNC, handle_async, NULL);
  add_handler("/s/Blocking", FC_HANDLER_BLOCKING, handle, drop_handler);
  callbacks_start(server, NULL, target);
  callbacks_prepare(&c, 9);
  fc_channel *channel = callbacks_channel(&c, target, NULL);
  assert_int_equal(call_once(channel, "/s/Async", NULL), FC_CODE_OK);
  assert_int_equal(call_once(channel, "/s/Blocking", NULL), FC_CODE_OK);
  fc_channel_destroy(channel);
  assert_int_equal(fc_server_shutdown(server, 0), FC_OK);
  gate_await(&ended, 1);
  close_all();
}

/* ---- calls that are taken ---- */

static void told_untaken(fc_server *of, uint32_t queue, void *user) {
  fc_call *call;
  (void)user;
  callbacks_visit(&c, PLACE(fc_server_options, on_untaken));
  MUST(fc_server_take(of, queue, FC_TAKE_SENT_FOR, &call, NULL) == FC_OK);
  handle_async(call, NULL);
  MUST(fc_server_shutdown(of, FC_SECOND) == FC_OK);
}

static void a_call_that_nobody_takes(void **state) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  char target[64];
  o.on_untaken = told_untaken;
  callbacks_open(&c, state);
  server = callbacks_server(&c, &o);
  add_handler("/s/Taken", FC_HANDLER_TAKEN, NULL, NULL);
  callbacks_start(server, NULL, target);
  callbacks_prepare(&c, 2); /* the other one by handle_async */
  fc_channel *channel = callbacks_channel(&c, target, NULL);
  assert_int_equal(call_once(channel, "/s/Taken", NULL), FC_CODE_OK);
  fc_channel_destroy(channel);
  fc_server_destroy(server);
  close_all();
}

/* ---- TLS ---- */

static fc_result verify_server(const fc_auth_context *peer, const char *name, fc_error *err,
                               void *user) {
  (void)peer, (void)name, (void)err, (void)user;
  callbacks_visit(&c, PLACE(fc_tls_client_options, verify));
  return FC_OK;
}

static fc_result verify_client(const fc_auth_context *peer, const char *name, fc_error *err,
                               void *user) {
  (void)peer, (void)name, (void)err, (void)user;
  callbacks_visit(&c, PLACE(fc_tls_server_options, verify));
  return FC_OK;
}

static void told_handshake(fc_server_credentials *credentials, void *user) {
  fc_tls_identity identity = cert_identity("server");
  (void)user;
  callbacks_visit(&c, PLACE(fc_tls_server_options, on_handshake));
  MUST(fc_server_credentials_update(credentials, &identity, 1, FC_SLICE_EMPTY, NULL) == FC_OK);
}

static void drop_verifier_of_client(void *user) {
  (void)user;
  callbacks_visit(&c, PLACE(fc_tls_client_options, verify_drop));
}

static void drop_verifier(void *user) {
  (void)user;
  callbacks_visit(&c, PLACE(fc_tls_server_options, verify_drop));
}

static void drop_handshake(void *user) {
  (void)user;
  callbacks_visit(&c, PLACE(fc_tls_server_options, handshake_drop));
}

/* Serves with all that may be asked for; the channel is the caller's. */
static fc_channel *open_secure(void) {
  fc_tls_client_options co = tls_client_options();
  fc_tls_server_options so = FC_TLS_SERVER_OPTIONS_INIT;
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  fc_tls_identity own = cert_identity("client"), shown = cert_identity("server");
  char target[64];
  co.identity = &own;
  co.verify = verify_server;
  co.verify_drop = drop_verifier_of_client;
  so.identities = &shown;
  so.identity_count = 1;
  so.client_auth = FC_TLS_CLIENT_AUTH_REQUIRE;
  so.client_roots = cert_text("ca.pem");
  so.verify = verify_client;
  so.verify_drop = drop_verifier;
  so.on_handshake = told_handshake;
  so.handshake_drop = drop_handshake;
  fc_server_credentials *credentials = tls_server_with(&so);
  server = callbacks_server(&c, NULL);
  add_handler("/s/Echo", FC_HANDLER_BLOCKING, stage_echo, NULL);
  callbacks_start(server, credentials, target);
  fc_server_credentials_destroy(credentials);
  o.credentials = tls_channel(&co);
  fc_channel *channel = callbacks_channel(&c, target, &o);
  fc_channel_credentials_destroy(o.credentials);
  return channel;
}

static void callbacks_of_tls(void **state) {
  callbacks_open(&c, state);
  callbacks_prepare(&c, 6);
  fc_channel *channel = open_secure();
  assert_int_equal(call_once(channel, "/s/Echo", NULL), FC_CODE_OK);
  fc_channel_destroy(channel);
  fc_server_destroy(server);
  close_all();
}

/* Without a connection the last reference goes in the function that gives it back. */
static void drop_functions_of_unused_credentials(void **state) {
  callbacks_open(&c, state);
  callbacks_prepare(&c, 3);
  fc_channel *channel = open_secure();
  fc_channel_destroy(channel);
  fc_server_destroy(server);
  close_all();
}

/* ---- call credentials ---- */

static void *answer_later(void *user) {
  fc_auth_request *request = user;
  callbacks_visit(&c, PLACE(fc_call_credentials_from_plugin, plugin));
  CALL_AT(&c, PLACE(fc_call_credentials_from_plugin, plugin), fc_auth_request_answer)
  (request, NULL, NULL);
  gate_pass(&dropped);
  return NULL;
}

static fc_call_credentials
    *own; /* the reference of whoever made them, given back while they are asked */

static void ask_names(const fc_auth_request *request) {
  const enum callback_place here = PLACE(fc_call_credentials_from_plugin, plugin);
  MUST(*CALL_AT(&c, here, fc_auth_request_method)(request));
  MUST(*CALL_AT(&c, here, fc_auth_request_service_url)(request));
  fc_call_credentials_destroy(own);
  own = NULL;
}

static void plugin_at_once(fc_auth_request *request, void *user) {
  (void)user;
  ask_names(request);
  (void)answer_later(request);
}

static void plugin_later(fc_auth_request *request, void *user) {
  pthread_t thread;
  (void)user;
  ask_names(request);
  MUST(pthread_create(&thread, NULL, answer_later, request) == 0);
  pthread_detach(thread);
}

/* It is answered while the plugin still runs. */
static void plugin_meanwhile(fc_auth_request *request, void *user) {
  plugin_later(request, user);
  gate_await(&dropped, 1);
}

static void drop_plugin(void *user) {
  (void)user;
  callbacks_visit(&c, PLACE(fc_call_credentials_from_plugin, drop));
}

static void call_credentials(void **state) {
  static const fc_auth_plugin_fn plugins[] = {plugin_at_once, plugin_later, plugin_meanwhile};
  for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++) {
    fc_call_options o = FC_CALL_OPTIONS_INIT;
    callbacks_open(&c, state);
    callbacks_prepare(&c, 8);
    fc_channel *channel = open_secure();
    assert_int_equal(
        fc_call_credentials_from_plugin("p", plugins[i], NULL, drop_plugin, &own, NULL), FC_OK);
    o.credentials = own;
    assert_int_equal(call_once(channel, "/s/Echo", &o), FC_CODE_OK);
    gate_await(&dropped, 1);
    fc_channel_destroy(channel);
    fc_server_destroy(server);
    close_all();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(callbacks_of_a_server),
      cmocka_unit_test(a_call_that_nobody_takes),
      cmocka_unit_test(callbacks_of_tls),
      cmocka_unit_test(drop_functions_of_unused_credentials),
      cmocka_unit_test(call_credentials),
  };
  failing_alloc_install();
  return drive_run_tests(tests, sizeof tests / sizeof *tests);
}
