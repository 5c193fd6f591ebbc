/* The stage of stage.h. */
#include "support/stage.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "call/call.h"
#include "support/failing_alloc.h"

void stage_open(struct stage *stage, void **state) {
  const enum drive_kind *kind = state ? *state : NULL;
  memset(stage, 0, sizeof *stage);
  stage->live = failing_alloc_live();
  stage->options = (fc_channel_options)FC_CHANNEL_OPTIONS_INIT;
  stage->server_options = (fc_server_options)FC_SERVER_OPTIONS_INIT;
  drive_open(&stage->drive, kind ? *kind : DRIVE_CALLER);
}

void stage_serve(struct stage *stage, const char *method, fc_pattern pattern, fc_handler_kind kind,
                 fc_handler_fn fn, void *user) {
  fc_handler handler = FC_HANDLER_INIT;
  handler.pattern = pattern;
  handler.kind = kind;
  handler.fn = fn;
  handler.user = user;
  if (!stage->server)
    assert_int_equal(fc_server_create(&stage->server_options, &stage->server, NULL), FC_OK);
  assert_int_equal(fc_server_register(stage->server, method, &handler, NULL), FC_OK);
}

static int listen_at(struct stage *stage, const char *address) {
  int port;
  fc_result r = stage->credentials ? fc_server_listen_secure(stage->server, address,
                                                             stage->credentials, &port, NULL)
                                   : fc_server_listen(stage->server, address, &port, NULL);
  assert_int_equal(r, FC_OK);
  return port;
}

static void listen_anywhere(struct stage *stage) {
  static int sockets;
  char *target = stage->target;
  if (stage->over_unix) {
    snprintf(target, sizeof stage->target, "unix-abstract:farcall-test-%d-%d", (int)getpid(),
             sockets++);
    (void)listen_at(stage, target);
  } else {
    snprintf(target, sizeof stage->target, "ipv4:127.0.0.1:%d", listen_at(stage, "127.0.0.1:0"));
  }
}

void stage_start(struct stage *stage) {
  fc_error err = FC_ERROR_INIT;
  listen_anywhere(stage);
  assert_int_equal(fc_server_start(stage->server, NULL), FC_OK);
  stage->options.reactor = stage->drive.reactor;
  if (fc_channel_create(stage->target, &stage->options, &stage->channel, &err) != FC_OK)
    fail_msg("%s", err.message);
  if (fc_channel_wait_ready(stage->channel, 60 * FC_SECOND, &err) != FC_OK)
    fail_msg("%s", err.message);
}

void stage_close(struct stage *stage) {
  fc_channel_destroy(stage->channel);
  fc_server_destroy(stage->server);
  fc_channel_credentials_destroy(stage->options.credentials);
  fc_server_credentials_destroy(stage->credentials);
  drive_close(&stage->drive);
  if (!failing_alloc_comes_to(stage->live))
    fail_msg("%zu blocks of memory are left", failing_alloc_live() - stage->live);
}

/* ---- handlers ---- */

void stage_echo(fc_call *call, void *user) {
  fc_bytes *message;
  (void)user;
  while (fc_call_recv(call, &message) == FC_OK) {
    if (fc_call_send(call, message, 0) != FC_OK) fc_bytes_unref(message);
  }
  (void)!fc_call_finish(call, FC_CODE_OK, NULL, FC_SLICE_EMPTY);
}

void stage_hold(fc_call *call, void *user) {
  (void)!fc_call_wait(call, FC_NEVER);
  gate_pass(user);
}

/* ---- short ways ---- */

void stage_await_waiters(fc_call *call, size_t many) {
  for (size_t count = 0; count < many; sched_yield()) {
    count = 0;
    fc__loop_lock(call->loop);
    for (struct fc__node *n = call->waiters.next; n != &call->waiters; n = n->next) count++;
    fc__loop_unlock(call->loop);
  }
}

void stage_await_waiter(fc_call *call) { stage_await_waiters(call, 1); }

fc_call *stage_call(struct stage *stage, const char *method, fc_pattern pattern,
                    const fc_call_options *options) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_error err = FC_ERROR_INIT;
  fc_call *call;
  if (options) o = *options;
  o.pattern = pattern;
  if (fc_channel_call(stage->channel, method, &o, &call, &err) != FC_OK)
    fail_msg("%s", err.message);
  return call;
}

/* Letters that depend on the length, over and over in a period that no power of two divides. */
enum { PERIOD = 997 };

static uint8_t letter(size_t len, size_t at) { return (uint8_t)('a' + (len + at) % 26); }

fc_bytes *stage_message(size_t len) {
  uint8_t *data;
  fc_bytes *message = fc_bytes_create(len, &data);
  MUST(message != NULL);
  for (size_t i = 0; i < len && i < PERIOD; i++) data[i] = letter(len, i);
  for (size_t i = PERIOD; i < len; i += PERIOD)
    memcpy(data + i, data, len - i < PERIOD ? len - i : PERIOD);
  return message;
}

bool stage_is_message(fc_slice bytes, size_t len) {
  bool right = bytes.len == len;
  for (size_t i = 0; right && i < len && i < PERIOD; i++) right = bytes.data[i] == letter(len, i);
  return right && (len <= PERIOD || memcmp(bytes.data, bytes.data + PERIOD, len - PERIOD) == 0);
}

void stage_expect(fc_call *call, const char *text) {
  fc_bytes *message;
  assert_int_equal(fc_call_recv(call, &message), FC_OK);
  assert_true(fc_slice_equals(fc_bytes_slice(message), text));
  fc_bytes_unref(message);
}

void stage_expect_end(fc_call *call, fc_code code) {
  fc_bytes *message;
  assert_int_equal(fc_call_recv(call, &message), FC_END);
  assert_null(message);
  const fc_status *status = fc_call_status(call);
  if (status->code != code)
    fail_msg("%s \"%s\", not %s", fc_code_name(status->code), status->message, fc_code_name(code));
  fc_call_destroy(call);
}
