/*
 * A call of each public function. Those that would wait are called so that they need not: with no time, or when what they
 * wait for has happened. Asynchronous ones are counted until their callbacks have run.
 */
#include "support/callback_calls.h"

#include "support/certs.h"

#define CALL(function) CALL_AT(v->all, v->place, function)

/* ---- callbacks of what is begun here ---- */

static void *due(const struct callback_visit *v, int callbacks) {
  atomic_fetch_add(&v->all->due, callbacks);
  return v->all;
}

/* It has not begun: so many will not come. */
static void unless(const struct callback_visit *v, bool begun, int callbacks) {
  if (!begun) atomic_fetch_sub(&v->all->due, callbacks);
}

static void over(fc_call *call, void *user) {
  (void)call;
  gate_pass(&((struct callbacks *)user)->late);
}

static void sent(fc_call *call, fc_result result, void *user) {
  (void)result;
  over(call, user);
}

static void received(fc_call *call, fc_bytes *message, void *user) {
  fc_bytes_unref(message);
  over(call, user);
}

static void answered(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  (void)status;
  received(call, response, user);
}

static bool on_message(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)user;
  fc_bytes_unref(message);
  return true;
}

static fc_bytes *no_source(fc_call *call, void *user) {
  (void)call, (void)user;
  return NULL;
}

static void ignore_state(fc_channel *channel, fc_connectivity state, void *user) {
  (void)channel, (void)state, (void)user;
}

static void plugin(fc_auth_request *request, void *user) {
  (void)user;
  fc_auth_request_answer(request, NULL, NULL);
}

static void handle(fc_call *call, void *user) {
  (void)user;
  fc_call_destroy(call);
}

static bool no_interrupt(void *user) {
  (void)user;
  return false;
}

/* ---- values ---- */

static void values(const struct callback_visit *v) {
  uint8_t *data;
  fc_slice text = CALL(fc_slice_from_string)("text"), found;
  fc_bytes *copy = CALL(fc_bytes_copy)(text.data, text.len);
  fc_bytes *made = CALL(fc_bytes_create)(4, &data);
  fc_bytes *wrapped = CALL(fc_bytes_wrap)(text.data, text.len, NULL, NULL);
  MUST(copy && made && wrapped);
  MUST(CALL(fc_slice_equals)(CALL(fc_bytes_slice)(copy), "text"));
  fc_bytes_unref(CALL(fc_bytes_ref)(made));
  CALL(fc_bytes_unref)(copy);
  fc_bytes_unref(made);
  fc_bytes_unref(wrapped);
  MUST(CALL(fc_version)() && CALL(fc_result_text)(FC_OK) && CALL(fc_code_name)(FC_CODE_OK) &&
       CALL(fc_connectivity_name)(FC_CONNECTIVITY_IDLE));
  fc_metadata *list = CALL(fc_metadata_create)();
  MUST(CALL(fc_metadata_add)(list, "key", text, NULL) == FC_OK);
  MUST(CALL(fc_metadata_add_string)(list, "key", "value", NULL) == FC_OK);
  MUST(CALL(fc_metadata_count)(list) == 2 && CALL(fc_metadata_at)(list, 1).key.len == 3);
  MUST(CALL(fc_metadata_find)(list, "key", &found));
  fc_metadata_destroy(CALL(fc_metadata_copy)(list));
  CALL(fc_metadata_destroy)(list);
}

static void reactors(const struct callback_visit *v) {
  fc_reactor *own, *shared = v->all->drive.reactor;
  MUST(CALL(fc_reactor_create)(NULL, &own, NULL) == FC_OK);
  CALL(fc_reactor_destroy)(own);
  MUST(CALL(fc_reactor_fd)(shared) >= 0 && CALL(fc_reactor_timeout)(shared) >= 0);
  fc_result r = CALL(fc_reactor_dispatch)(shared);
  MUST(r == FC_OK || r == FC_ERR_BUSY);
  CALL(fc_set_interrupt_check)(no_interrupt, NULL);
}

/* ---- credentials ---- */

static void call_credentials(const struct callback_visit *v, fc_channel_credentials *tls) {
  fc_call_credentials *token, *asked, *both;
  fc_channel_credentials *joined;
  MUST(CALL(fc_call_credentials_from_token)("token", &token, NULL) == FC_OK);
  MUST(CALL(fc_call_credentials_from_plugin)("p", plugin, NULL, NULL, &asked, NULL) == FC_OK);
  MUST(CALL(fc_call_credentials_composite)(token, asked, &both, NULL) == FC_OK);
  MUST(CALL(fc_channel_credentials_composite)(tls, both, &joined, NULL) == FC_OK);
  fc_channel_credentials_destroy(joined);
  fc_call_credentials_destroy(both);
  fc_call_credentials_destroy(asked);
  CALL(fc_call_credentials_destroy)(token);
}

static void channel_credentials(const struct callback_visit *v) {
  fc_tls_client_options o = FC_TLS_CLIENT_OPTIONS_INIT;
  fc_channel_credentials *tls, *plain, *local;
  o.roots = cert_text("ca.pem");
  MUST(CALL(fc_channel_credentials_tls)(&o, &tls, NULL) == FC_OK);
  MUST(CALL(fc_channel_credentials_insecure)(&plain, NULL) == FC_OK);
  MUST(CALL(fc_channel_credentials_local)(FC_LOCAL_TCP, &local, NULL) == FC_OK);
  call_credentials(v, tls);
  CALL(fc_channel_credentials_destroy)(tls);
  fc_channel_credentials_destroy(plain);
  fc_channel_credentials_destroy(local);
}

static void server_credentials(const struct callback_visit *v) {
  fc_tls_server_options o = FC_TLS_SERVER_OPTIONS_INIT;
  fc_tls_identity identity = cert_identity("server");
  fc_server_credentials *tls, *plain, *local;
  o.identities = &identity;
  o.identity_count = 1;
  MUST(CALL(fc_server_credentials_tls)(&o, &tls, NULL) == FC_OK);
  MUST(CALL(fc_server_credentials_update)(tls, &identity, 1, FC_SLICE_EMPTY, NULL) == FC_OK);
  MUST(CALL(fc_server_credentials_insecure)(&plain, NULL) == FC_OK);
  MUST(CALL(fc_server_credentials_local)(FC_LOCAL_TCP, &local, NULL) == FC_OK);
  CALL(fc_server_credentials_destroy)(tls);
  fc_server_credentials_destroy(plain);
  fc_server_credentials_destroy(local);
}

/* ---- channels ---- */

static void channels(const struct callback_visit *v) {
  struct callbacks *c = v->all;
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  fc_channel *channel;
  fc_watch *watch, *own;
  fc_call *call;
  o.reactor = c->drive.reactor;
  MUST(CALL(fc_channel_create)(c->target, &o, &channel, NULL) == FC_OK);
  MUST(CALL(fc_channel_watch)(c->channel, ignore_state, NULL, &watch) == FC_OK);
  MUST(fc_channel_watch(channel, ignore_state, NULL, &own) == FC_OK);
  MUST(CALL(fc_channel_state)(c->channel, true) == FC_CONNECTIVITY_READY);
  (void)fc_channel_state(channel, true);
  MUST(CALL(fc_channel_wait_change)(c->channel, FC_CONNECTIVITY_READY, 0) == FC_ERR_TIMEOUT);
  MUST(CALL(fc_channel_wait_ready)(c->channel, 0, NULL) == FC_OK);
  (void)!fc_channel_wait_ready(channel, 0, NULL);
  MUST(CALL(fc_channel_call)(channel, "/v/Keep", NULL, &call, NULL) == FC_OK);
  CALL(fc_watch_cancel)(watch);
  fc_watch_cancel(own);
  CALL(fc_channel_close)(channel);
  fc_call_destroy(call);
  CALL(fc_channel_destroy)(channel);
}

/* ---- a client's call ---- */

static void ask(const struct callback_visit *v, fc_call *call) {
  char peer[160];
  fc_slice value;
  const fc_metadata *metadata;
  const fc_auth_context *auth = CALL(fc_call_auth_context)(call);
  for (size_t i = 0, n = CALL(fc_auth_context_count)(auth); i < n + 1; i++)
    MUST(CALL(fc_auth_context_at)(auth, i).name);
  (void)CALL(fc_auth_context_find)(auth, "security_level", &value);
  (void)CALL(fc_auth_context_identity)(auth);
  MUST(*CALL(fc_call_method)(call));
  CALL(fc_call_peer)(call, peer, sizeof peer);
  MUST(CALL(fc_call_time_remaining)(call) > 0);
  (void)CALL(fc_call_is_done)(call);
  (void)!CALL(fc_call_initial_metadata)(call, 0, &metadata);
  (void)!CALL(fc_call_wait)(call, 0);
}

static void begin(const struct callback_visit *v, fc_call *call) {
  fc_bytes *message = fc_bytes_copy("hello", 5), *more;
  unless(v, CALL(fc_call_on_done)(call, over, due(v, 1)) == FC_OK, 1);
  unless(v, CALL(fc_call_on_initial_metadata)(call, over, due(v, 1)) == FC_OK, 1);
  unless(v, CALL(fc_call_recv_async)(call, received, due(v, 1)) == FC_OK, 1);
  bool taken = CALL(fc_call_send)(call, message, FC_SEND_NO_WAIT) == FC_OK;
  if (!taken) fc_bytes_unref(message);
  (void)!CALL(fc_call_send_copy)(call, TEXT("hello"), FC_SEND_NO_WAIT);
  message = fc_bytes_copy("hello", 5);
  taken = CALL(fc_call_send_async)(call, message, 0, sent, due(v, 1)) == FC_OK;
  unless(v, taken, 1);
  if (!taken) fc_bytes_unref(message);
  (void)!CALL(fc_call_try_recv)(call, &more);
  fc_bytes_unref(more);
  MUST(CALL(fc_call_close_send)(call) == FC_OK);
}

static void client_calls(const struct callback_visit *v) {
  fc_call *call;
  fc_bytes *message;
  MUST(fc_channel_call(v->all->channel, "/v/Stream", NULL, &call, NULL) == FC_OK);
  ask(v, call);
  begin(v, call);
  CALL(fc_call_cancel)(call, FC_CODE_ABORTED, "enough");
  MUST(CALL(fc_call_status)(call)); /* over: ABORTED, or what the server has said before */
  MUST(CALL(fc_call_trailing_metadata)(call));
  (void)!CALL(fc_call_recv)(call, &message); /* nothing comes any more, so this does not wait */
  fc_bytes_unref(message);
  CALL(fc_call_destroy)(call);
}

static void futures(const struct callback_visit *v) {
  fc_channel *channel = v->all->channel;
  fc_call *calls[4];
  MUST(CALL(fc_unary_unary_future)(channel, "/v/Keep", TEXT("x"), NULL, &calls[0], NULL) == FC_OK);
  fc_call_cancel(calls[0], FC_CODE_OK, NULL);
  MUST(CALL(fc_unary_stream)(channel, "/v/Stream", TEXT("x"), NULL, &calls[1], NULL) == FC_OK);
  MUST(CALL(fc_stream_unary_future)(channel, "/v/Stream", NULL, &calls[2], NULL) == FC_OK);
  MUST(CALL(fc_stream_stream)(channel, "/v/Stream", NULL, &calls[3], NULL) == FC_OK);
  for (int i = 0; i < 4; i++) fc_call_destroy(calls[i]);
}

static void asynchronous(const struct callback_visit *v) {
  fc_channel *channel = v->all->channel;
  fc_slice x = TEXT("x");
  MUST(CALL(fc_unary_unary_async)(channel, "/v/Echo", x, NULL, answered, due(v, 1), NULL, NULL) ==
       FC_OK);
  MUST(CALL(fc_unary_stream_async)(channel, "/v/Stream", x, NULL, on_message, answered, due(v, 1),
                                   NULL, NULL) == FC_OK);
  MUST(CALL(fc_stream_unary_async)(channel, "/v/Stream", no_source, NULL, answered, due(v, 1), NULL,
                                   NULL) == FC_OK);
  MUST(CALL(fc_stream_stream_async)(channel, "/v/Stream", no_source, on_message, NULL, answered,
                                    due(v, 1), NULL, NULL) == FC_OK);
}

static void blocking(const struct callback_visit *v) {
  fc_channel *channel = v->all->channel;
  fc_bytes *response;
  MUST(CALL(fc_unary_unary)(channel, "/v/Echo", TEXT("x"), NULL, &response, NULL, NULL) ==
       FC_CODE_OK);
  fc_bytes_unref(response);
  (void)CALL(fc_stream_unary)(channel, "/v/Stream", no_source, NULL, NULL, &response, NULL, NULL);
  fc_bytes_unref(response);
}

/* ---- a server, and its calls ---- */

static void answers(const struct callback_visit *v) {
  struct callbacks *c = v->all;
  int at = atomic_fetch_add(&c->taken, 2);
  const fc_call_hooks hooks = FC_CALL_HOOKS_INIT;
  MUST(at + 2 <= gate_passed(&c->kept));
  fc_call *first = c->held[at], *second = c->held[at + 1];
  fc_bytes *message = fc_bytes_copy("answer", 6);
  MUST(CALL(fc_call_add_hooks)(first, &hooks) == FC_OK);
  MUST(CALL(fc_call_set_compression)(first, FC_COMPRESSION_GZIP) == FC_OK);
  MUST(CALL(fc_call_send_initial_metadata)(first, NULL) == FC_OK);
  MUST(CALL(fc_call_set_trailing_metadata)(first, NULL) == FC_OK);
  MUST(CALL(fc_call_finish)(first, FC_CODE_ABORTED, "as asked", FC_SLICE_EMPTY) == FC_OK);
  MUST(CALL(fc_call_respond)(second, message) == FC_OK);
  fc_call_destroy(first);
  fc_call_destroy(second);
}

static void end_server(const struct callback_visit *v, fc_server *server) {
  struct callbacks *c = v->all;
  MUST(CALL(fc_server_shutdown)(server, 0) == FC_OK);
  if (v->may_block && !v->in_handler) {
    MUST(CALL(fc_server_wait)(server, 0) == FC_OK);
    CALL(fc_server_destroy)(server);
  } else {
    int at = atomic_fetch_add(&c->left_count, 1);
    MUST(at < CALLBACKS_LEFT_MAX);
    c->left[at] = server;
  }
}

static void servers(const struct callback_visit *v) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  fc_server *server;
  fc_server_credentials *plain;
  fc_handler fallback = FC_HANDLER_INIT, taken = FC_HANDLER_INIT;
  int port;
  o.reactor = v->all->drive.reactor;
  fallback.fn = handle;
  fallback.kind = FC_HANDLER_ASYNC;
  taken.kind = FC_HANDLER_TAKEN;
  MUST(CALL(fc_server_create)(&o, &server, NULL) == FC_OK);
  MUST(CALL(fc_server_register)(server, "/v/Taken", &taken, NULL) == FC_OK);
  MUST(CALL(fc_server_set_fallback)(server, &fallback, NULL) == FC_OK);
  MUST(fc_server_credentials_insecure(&plain, NULL) == FC_OK);
  MUST(CALL(fc_server_listen)(server, "127.0.0.1:0", &port, NULL) == FC_OK);
  MUST(CALL(fc_server_listen_secure)(server, "127.0.0.1:0", plain, &port, NULL) == FC_OK);
  fc_server_credentials_destroy(plain);
  MUST(CALL(fc_server_start)(server, NULL) == FC_OK);
  MUST(CALL(fc_server_take)(server, 0, FC_TAKE_NOTHING, NULL, NULL) == FC_ERR_TIMEOUT);
  MUST(CALL(fc_server_await)(server, 0, 0) == FC_ERR_TIMEOUT);
  end_server(v, server);
}

void callback_calls_all(const struct callback_visit *v) {
  values(v);
  reactors(v);
  channel_credentials(v);
  server_credentials(v);
  channels(v);
  client_calls(v);
  futures(v);
  asynchronous(v);
  answers(v);
  servers(v);
  if (v->may_block) blocking(v);
}
