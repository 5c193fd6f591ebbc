/* Sending on a call. */
#include "base/error.h"
#include "call/internal.h"

static bool sends_one(const fc_call *call) {
  return call->pattern & (call->server ? FC_PATTERN_STREAM_UNARY : FC_PATTERN_UNARY_STREAM);
}

static fc_result check_send(const fc_call *call, fc_bytes *message, unsigned flags) {
  const unsigned known = FC_SEND_LAST | FC_SEND_UNCOMPRESSED | FC_SEND_MORE | FC_SEND_NO_WAIT;
  if ((flags & ~known) || (call->server && (flags & FC_SEND_LAST))) return FC_ERR_INVALID;
  if (call->over) return FC_ERR_CLOSED;
  if (call->sending || call->send_op.state != FC__OP_IDLE) return FC_ERR_BUSY;
  if (sends_one(call) && call->sent_count > 0) return FC_ERR_INVALID;
  if (call->send_closed) return FC_ERR_CLOSED;
  return fc__call_check_length(call->owner, fc_bytes_slice(message).len, NULL);
}

static void close_by_flag(fc_call *call, unsigned *flags) {
  if (!call->server && sends_one(call)) *flags |= FC_SEND_LAST;
  if (*flags & FC_SEND_LAST) *flags &= ~(unsigned)FC_SEND_MORE;
}

static fc_result send_locked(fc_call *call, fc_bytes *message, unsigned flags) {
  fc_result r = check_send(call, message, flags);
  if (r != FC_OK) return r;
  if ((flags & FC_SEND_NO_WAIT) && !fc__call_may_send(call)) return FC_ERR_TIMEOUT;
  close_by_flag(call, &flags);
  call->sending = true;
  while (r == FC_OK && !call->over && !call->send_closed && !fc__call_may_send(call))
    r = fc__call_wait_for(call, FC__EVENT_SEND | FC__EVENT_DONE, FC_NEVER);
  call->sending = false;
  if (r != FC_OK) return r;
  bool closed = call->over || call->send_closed;
  return closed ? FC_ERR_CLOSED : fc__call_queue(call, message, flags);
}

static fc_result send_async_locked(fc_call *call, fc_bytes *message, unsigned flags,
                                   fc_sent_fn done, void *user) {
  fc_result r = check_send(call, message, flags);
  if (r != FC_OK) return r;
  close_by_flag(call, &flags);
  call->send_op.fn.sent = done;
  call->send_op.user = user;
  r = fc__call_queue(call, message, flags);
  if (r != FC_OK) return r;
  fc__op_start(&call->send_op);
  if (call->over || fc__call_may_send(call)) {
    fc__op_complete(&call->send_op, call->over ? FC_ERR_CLOSED : FC_OK, NULL);
  }
  return FC_OK;
}

/* Hooks see no message that the call would not take; one that is too long they may make shorter. */
static fc_result pass_hooks(fc_call *call, fc_bytes **message, unsigned flags) {
  if (!call->hooks) return FC_OK;
  fc__loop_lock(call->loop);
  fc_result r = check_send(call, *message, flags);
  fc__loop_unlock(call->loop);
  return r == FC_OK || r == FC_ERR_LIMIT ? fc__hooks_send(call, message) : r;
}

fc_result fc_call_send(fc_call *call, fc_bytes *message, unsigned flags) {
  if (!call || !message) return FC_ERR_INVALID;
  fc_bytes *passed = message;
  const bool hooked = call->hooks != NULL;
  fc_result r = pass_hooks(call, &passed, flags);
  if (r != FC_OK) return r;
  fc__loop_lock(call->loop);
  r = send_locked(call, passed, flags);
  fc__loop_unlock(call->loop);
  return fc__hooks_sent(hooked, message, passed, r);
}

void fc__call_send_request(fc_call *call, fc_bytes *request) {
  fc_result r = fc_call_send(call, fc_bytes_ref(request), FC_SEND_LAST);
  fc_error err;
  if (r == FC_OK) return;
  if (r == FC_ERR_LIMIT) {
    (void)fc__call_explain_limit(call, request, &err);
  } else {
    (void)fc__error_no_memory(&err);
  }
  fc_bytes_unref(request);
  fc__loop_lock(call->loop);
  fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED, err.message, fc__loop_now(call->loop));
  fc__loop_unlock(call->loop);
}

fc_result fc_call_send_copy(fc_call *call, fc_slice message, unsigned flags) {
  if (!call || (!message.data && message.len)) return FC_ERR_INVALID;
  fc_bytes *copy =
      call->hooks ? fc_bytes_copy(message.data, message.len) : fc__call_copy(call->owner, message);
  if (!copy) return FC_ERR_NO_MEMORY;
  fc_result r = fc_call_send(call, copy, flags);
  if (r != FC_OK) fc_bytes_unref(copy);
  return r;
}

fc_result fc_call_send_async(fc_call *call, fc_bytes *message, unsigned flags, fc_sent_fn done,
                             void *user) {
  if (!call || !message || !done) return FC_ERR_INVALID;
  fc_bytes *passed = message;
  const bool hooked = call->hooks != NULL;
  fc_result r = pass_hooks(call, &passed, flags);
  if (r != FC_OK) return r;
  fc__loop_lock(call->loop);
  r = send_async_locked(call, passed, flags, done, user);
  fc__loop_unlock(call->loop);
  return fc__hooks_sent(hooked, message, passed, r);
}

fc_result fc_call_close_send(fc_call *call) {
  if (!call || call->server) return FC_ERR_INVALID;
  fc__loop_lock(call->loop);
  if (!call->over && !call->send_closed) {
    call->send_closed = true;
    if (call->stream.open) fc__call_send_end(call, fc__loop_now(call->loop));
    fc__call_notify(call, FC__EVENT_SEND); /* a sender that waits for room */
  }
  fc__loop_unlock(call->loop);
  return FC_OK;
}
