/*
 * Callbacks that give back all there is: the call, the channel, its credentials and the reactor that runs the callback.
 * What the library still needs it keeps by itself.
 */
#include <poll.h>
#include <stdio.h>

#include "support/failing_alloc.h"
#include "support/stage.h"
#include "support/tls_credentials.h"

/* What the client has. */
static struct {
  fc_reactor *reactor;
  fc_channel *channel;
  fc_channel_credentials *credentials;
  fc_call_credentials *token;
  fc_call *call;
  fc_watch *watch;
  bool host;
  struct gate gone, dropped;
} own;

static void let_all_go(void) {
  if (gate_passed(&own.gone)) return;
  fc_watch_cancel(own.watch);
  fc_call_destroy(own.call);
  fc_channel_destroy(own.channel);
  fc_channel_credentials_destroy(own.credentials);
  fc_call_credentials_destroy(own.token);
  fc_reactor_destroy(own.reactor);
  gate_pass(&own.gone);
}

/* ---- the server ---- */

static fc_server *serve(char target[64]) {
  fc_server *server;
  fc_handler h = FC_HANDLER_INIT;
  fc_server_credentials *credentials = tls_server("server", FC_TLS_CLIENT_AUTH_NONE);
  int port;
  h.fn = stage_echo;
  assert_int_equal(fc_server_create(NULL, &server, NULL), FC_OK);
  assert_int_equal(fc_server_set_fallback(server, &h, NULL), FC_OK);
  assert_int_equal(fc_server_listen_secure(server, "127.0.0.1:0", credentials, &port, NULL), FC_OK);
  fc_server_credentials_destroy(credentials);
  assert_int_equal(fc_server_start(server, NULL), FC_OK);
  snprintf(target, 64, "ipv4:127.0.0.1:%d", port);
  return server;
}

/* ---- the callbacks ---- */

static void dropped(void *user) {
  (void)user;
  gate_pass(&own.dropped);
}

static void drop_lets_go(void *user) {
  let_all_go();
  dropped(user);
}

static fc_result verify(const fc_auth_context *peer, const char *name, fc_error *err, void *user) {
  (void)peer, (void)name, (void)err;
  if (user) let_all_go();
  return FC_OK;
}

static void sent(fc_call *call, fc_result result, void *user) {
  (void)call, (void)result, (void)user;
  let_all_go();
}

static void sent_before(fc_call *call, fc_result result, void *user) {
  (void)call, (void)result, (void)user;
}

static void released(void *user) {
  (void)user;
  let_all_go();
}

static void received(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)user;
  fc_bytes_unref(message);
  let_all_go();
}

static void over(fc_call *call, void *user) {
  (void)call, (void)user;
  let_all_go();
}

static void answered(fc_call *call, const fc_status *status, fc_bytes *response, void *user) {
  (void)status;
  received(call, response, user);
}

static fc_bytes *see(fc_call *call, fc_bytes *message, void *user) {
  (void)call, (void)user;
  let_all_go();
  return message;
}

static void see_end(fc_call *call, const fc_status *status, void *user) {
  (void)call, (void)status, (void)user;
  let_all_go();
}

static void told_state(fc_channel *channel, fc_connectivity state, void *user) {
  (void)channel, (void)user;
  if (state == FC_CONNECTIVITY_READY) let_all_go();
}

static void *answer(void *user) {
  fc_auth_request_answer(user, NULL, NULL);
  return NULL;
}

/* By another thread, so that the call may go meanwhile. */
static void ask(fc_auth_request *request, void *user) {
  pthread_t thread;
  (void)user;
  MUST(pthread_create(&thread, NULL, answer, request) == 0);
  pthread_detach(thread);
}

/* ---- one case ---- */

enum way {
  SENT,
  RECEIVED,
  HEADERS,
  DONE,
  ANSWERED,
  ON_RECEIVE,
  ON_DONE,
  WATCH,
  VERIFY,
  HOOK_DROP,
  RELEASE,
  PLUGIN_DROP,
  WAYS
};

static void open_client(enum way way, const char *target) {
  fc_reactor_options ro = FC_REACTOR_OPTIONS_INIT;
  fc_tls_client_options to = tls_client_options();
  fc_channel_options o = FC_CHANNEL_OPTIONS_INIT;
  ro.mode = own.host ? FC_REACTOR_HOST : FC_REACTOR_AUTO;
  to.verify = verify;
  to.verify_user = way == VERIFY ? &own : NULL;
  to.verify_drop = dropped;
  assert_int_equal(fc_reactor_create(&ro, &own.reactor, NULL), FC_OK);
  own.credentials = o.credentials = tls_channel(&to);
  o.reactor = own.reactor;
  assert_int_equal(fc_channel_create(target, &o, &own.channel, NULL), FC_OK);
  if (way == WATCH)
    assert_int_equal(fc_channel_watch(own.channel, told_state, NULL, &own.watch), FC_OK);
  if (way == WATCH || way == VERIFY) (void)fc_channel_state(own.channel, true);
}

static void start_call(enum way way) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call_hooks hooks = FC_CALL_HOOKS_INIT;
  if (way == ON_RECEIVE) hooks.on_receive = see;
  if (way == ON_DONE) hooks.on_done = see_end;
  if (way == HOOK_DROP) hooks.drop = drop_lets_go;
  if (way == ON_RECEIVE || way == ON_DONE || way == HOOK_DROP) o.hooks = &hooks;
  if (way == PLUGIN_DROP) {
    assert_int_equal(
        fc_call_credentials_from_plugin("p", ask, NULL, drop_lets_go, &own.token, NULL), FC_OK);
    o.credentials = own.token;
  }
  assert_int_equal(fc_channel_call(own.channel, "/s/Echo", &o, &own.call, NULL), FC_OK);
}

/* The drop function may run meanwhile, and finds none. */
static void give_back_call(void) {
  fc_call_credentials *token = own.token;
  fc_call *call = own.call;
  own.token = NULL;
  own.call = NULL;
  fc_call_credentials_destroy(token);
  fc_call_destroy(call);
}

/* Written from where it lies, so that it is released when the last byte has left. */
static void send_wrapped(void) {
  static const uint8_t large[1 << 20];
  fc_bytes *message = fc_bytes_wrap(large, sizeof large, released, NULL);
  assert_false(fc_call_is_done(own.call)); /* which lets it go on by itself */
  assert_int_equal(fc_call_send_async(own.call, message, 0, sent_before, NULL), FC_OK);
}

static void begin_call(enum way way) {
  if (way == ANSWERED) {
    assert_int_equal(fc_unary_unary_async(own.channel, "/s/Echo", TEXT("x"), NULL, answered, NULL,
                                          &own.call, NULL),
                     FC_OK);
    return;
  }
  start_call(way);
  if (way == RELEASE) {
    send_wrapped();
    return;
  }
  fc_bytes *message = fc_bytes_copy("hello", 5);
  if (way == PLUGIN_DROP || way == HOOK_DROP) {
    fc_bytes_unref(message);
    give_back_call();
    return;
  }
  if (way == DONE) assert_int_equal(fc_call_on_done(own.call, over, NULL), FC_OK);
  if (way == HEADERS) assert_int_equal(fc_call_on_initial_metadata(own.call, over, NULL), FC_OK);
  if (way == RECEIVED || way == ON_RECEIVE)
    assert_int_equal(fc_call_recv_async(own.call, received, NULL), FC_OK);
  if (way == ON_DONE) {
    fc_bytes_unref(message);
    fc_call_cancel(own.call, FC_CODE_ABORTED, NULL);
  } else if (way == SENT) {
    assert_int_equal(fc_call_send_async(own.call, message, 0, sent, NULL), FC_OK);
  } else if (fc_call_send(own.call, message, FC_SEND_LAST) != FC_OK) {
    fc_bytes_unref(message);
  }
}

/* In host mode until the callback has come, and the reactor is no more. */
static void await_the_end(void) {
  while (own.host && gate_passed(&own.gone) == 0) {
    struct pollfd fd = {.fd = fc_reactor_fd(own.reactor), .events = POLLIN};
    poll(&fd, 1, 1);
    assert_int_equal(fc_reactor_dispatch(own.reactor), FC_OK);
  }
  gate_await(&own.gone, 1);
}

static void run(bool host) {
  char target[64];
  fc_server *server = serve(target);
  for (enum way way = SENT; way < WAYS; way++) {
    if (host && way == PLUGIN_DROP) continue; /* on a thread that the host's does not know of */
    memset(&own, 0, sizeof own);
    own.gone = own.dropped = (struct gate)GATE_INIT;
    own.host = host;
    open_client(way, target);
    if (way != WATCH && way != VERIFY) begin_call(way);
    await_the_end();
    gate_await(&own.dropped, way == HOOK_DROP || way == PLUGIN_DROP ? 2 : 1);
  }
  fc_server_destroy(server);
}

static void a_callback_may_let_everything_go(void **state) {
  size_t live = failing_alloc_live();
  run(*(const bool *)*state);
  if (!failing_alloc_comes_to(live))
    fail_msg("%zu blocks of memory are left", failing_alloc_live() - live);
}

int main(void) {
  static bool automatic = false, host = true;
  const struct CMUnitTest tests[] = {
      {"a_callback_may_let_everything_go [automatic]", a_callback_may_let_everything_go, NULL, NULL,
       &automatic},
      {"a_callback_may_let_everything_go [host]", a_callback_may_let_everything_go, NULL, NULL,
       &host},
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
