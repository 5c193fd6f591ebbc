/* Receiving on a call. */
#include "call/internal.h"

static fc_result check_recv(const fc_call *call) {
  if (call->receiving || call->recv_op.state != FC__OP_IDLE) return FC_ERR_BUSY;
  return FC_OK;
}

static fc_result recv_locked(fc_call *call, fc_bytes **message) {
  fc_result r = check_recv(call);
  if (r != FC_OK) return r;
  call->receiving = true;
  if (!fc__call_has_result(call)) fc__call_want_message(call);
  while (r == FC_OK && !fc__call_has_result(call))
    r = fc__call_wait_for(call, FC__EVENT_MESSAGE | FC__EVENT_DONE, FC_NEVER);
  call->receiving = false;
  if (r != FC_OK) return r;
  *message = fc__call_take(call);
  if (*message) return FC_OK;
  return call->messages_first ? FC_ERR_NO_MEMORY : FC_END;
}

fc_result fc_call_recv(fc_call *call, fc_bytes **message) {
  if (!call || !message) return FC_ERR_INVALID;
  *message = NULL;
  fc__loop_lock(call->loop);
  fc_result r = recv_locked(call, message);
  fc__loop_unlock(call->loop);
  if (r != FC_OK || !call->hooks) return r;
  *message = fc__hooks_receive(call, *message);
  return *message ? FC_OK : FC_END;
}

/* A caller that finds no message will ask again: so the peer may send the rest of it, even if it is longer than the window. */
static fc_result try_recv_locked(fc_call *call, fc_bytes **message) {
  fc_result r = check_recv(call);
  if (r != FC_OK) return r;
  if (fc__call_has_result(call)) return recv_locked(call, message);
  fc__call_want_message(call);
  return FC_ERR_TIMEOUT;
}

fc_result fc_call_try_recv(fc_call *call, fc_bytes **message) {
  if (!call || !message) return FC_ERR_INVALID;
  *message = NULL;
  fc__loop_lock(call->loop);
  fc_result r = try_recv_locked(call, message);
  fc__loop_unlock(call->loop);
  if (r != FC_OK || !call->hooks) return r;
  *message = fc__hooks_receive(call, *message);
  return *message ? FC_OK : FC_END;
}

fc_result fc_call_recv_async(fc_call *call, fc_received_fn done, void *user) {
  if (!call || !done) return FC_ERR_INVALID;
  fc__loop_lock(call->loop);
  fc_result r = check_recv(call);
  if (r == FC_OK) {
    call->recv_op.fn.received = done;
    call->recv_op.user = user;
    fc__op_start(&call->recv_op);
    if (fc__call_has_result(call)) {
      fc__op_complete_recv(call);
    } else {
      fc__call_want_message(call);
    }
  }
  fc__loop_unlock(call->loop);
  return r;
}
