/* What a call tells of itself. */
#include <string.h>

#include "call/internal.h"

fc_result fc_call_initial_metadata(fc_call *call, int64_t timeout_ns, const fc_metadata **out) {
  if (!call || !out || timeout_ns < 0) return FC_ERR_INVALID;
  *out = NULL;
  fc__loop_lock(call->loop);
  int64_t now = fc__loop_now(call->loop);
  int64_t until = timeout_ns < FC_NEVER - now ? now + timeout_ns : FC_NEVER;
  fc_result r = FC_OK;
  while (r == FC_OK && !call->headers_in)
    r = fc__call_wait_for(call, FC__EVENT_HEADERS | FC__EVENT_DONE, until);
  if (call->headers_in) *out = &call->kept.initial;
  fc__loop_unlock(call->loop);
  return *out ? FC_OK : r;
}

fc_result fc_call_on_initial_metadata(fc_call *call, fc_call_done_fn done, void *user) {
  if (!call || !done) return FC_ERR_INVALID;
  fc_result r = FC_ERR_BUSY;
  fc__loop_lock(call->loop);
  if (call->headers_op.state == FC__OP_IDLE) {
    r = FC_OK;
    call->headers_op.fn.done = done;
    call->headers_op.user = user;
    fc__op_start(&call->headers_op);
    if (call->headers_in) fc__op_complete(&call->headers_op, FC_OK, NULL);
  }
  fc__loop_unlock(call->loop);
  return r;
}

static void wait_over(fc_call *call) {
  fc__loop_lock(call->loop);
  while (fc__call_wait_locked(call) != FC_OK) {
  }
  fc__loop_unlock(call->loop);
}

const fc_metadata *fc_call_trailing_metadata(fc_call *call) {
  if (!call) return NULL;
  wait_over(call);
  return call->server ? &call->kept.sending : &call->kept.trailing;
}

const fc_status *fc_call_status(fc_call *call) {
  static const fc_status none = {
      FC_CODE_INVALID_ARGUMENT, FC_ORIGIN_LOCAL, "there is no call", {NULL, 0}};
  if (!call) return &none;
  wait_over(call);
  return &call->status;
}

void fc_call_peer(fc_call *call, char *peer, size_t size) {
  if (!peer || size == 0) return;
  peer[0] = 0;
  if (!call) return;
  fc__loop_lock(call->loop);
  size_t len = strlen(call->kept.peer);
  if (len >= size) len = size - 1;
  memcpy(peer, call->kept.peer, len);
  peer[len] = 0;
  fc__loop_unlock(call->loop);
}

/* The last connection is the one that serves the call. */
static const fc_auth_context *auth_of(const fc_call *call) {
  if (call->auth_count > 0) return call->kept.auth[call->auth_count - 1];
  return call->kept.peer[0] ? fc__auth_insecure() : fc__auth_empty();
}

const fc_auth_context *fc_call_auth_context(fc_call *call) {
  if (!call) return fc__auth_empty();
  fc__loop_lock(call->loop);
  const fc_auth_context *auth = auth_of(call);
  fc__loop_unlock(call->loop);
  return auth;
}

int64_t fc_call_time_remaining(fc_call *call) {
  if (!call) return 0;
  fc__loop_lock(call->loop);
  int64_t left = call->deadline;
  if (left != FC_NEVER) left -= fc__loop_now(call->loop);
  fc__loop_unlock(call->loop);
  return left > 0 ? left : 0;
}

const char *fc_call_method(fc_call *call) {
  if (!call) return "";
  if (!call->server) return call->method->path;
  return call->kept.path.data ? (const char *)call->kept.path.data : "";
}
