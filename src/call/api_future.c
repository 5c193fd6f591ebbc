/* The call as the future of its own result: waiting, cancelling, callbacks, the handle. */
#include "call/internal.h"

/* timeout_ns from now; FC_NEVER stays. */
static int64_t until(fc_call *call, int64_t timeout_ns) {
  if (timeout_ns == FC_NEVER) return FC_NEVER;
  int64_t now = fc__loop_now(call->loop);
  return timeout_ns < FC_NEVER - now ? now + timeout_ns : FC_NEVER;
}

fc_result fc__call_wait_locked(fc_call *call) {
  fc_result r = FC_OK;
  while (r == FC_OK && !call->over) r = fc__call_wait_for(call, FC__EVENT_DONE, FC_NEVER);
  return r;
}

fc_bytes *fc__call_take_response(fc_call *call) {
  return call->status.code == FC_CODE_OK ? fc__call_take(call) : NULL;
}

fc_result fc_call_wait(fc_call *call, int64_t timeout_ns) {
  if (!call || timeout_ns < 0) return FC_ERR_INVALID;
  fc__loop_lock(call->loop);
  int64_t at = until(call, timeout_ns);
  fc_result r = FC_OK;
  while (r == FC_OK && !call->over) r = fc__call_wait_for(call, FC__EVENT_DONE, at);
  if (call->over) r = call->cancelled ? FC_ERR_CANCELLED : FC_OK;
  fc__loop_unlock(call->loop);
  return r;
}

fc_result fc_call_on_done(fc_call *call, fc_call_done_fn done, void *user) {
  if (!call || !done) return FC_ERR_INVALID;
  fc__loop_lock(call->loop);
  fc_result r = fc__call_add_done(call, done, user);
  if (r == FC_OK) call->observed = true;
  fc__loop_unlock(call->loop);
  return r;
}

void fc_call_cancel(fc_call *call, fc_code code, const char *message) {
  if (!call) return;
  if (code == FC_CODE_OK || (unsigned)code > FC_CODE_UNAUTHENTICATED) code = FC_CODE_CANCELLED;
  fc__loop_lock(call->loop);
  if (!call->over) {
    call->cancelled = true;
    fc__call_end(call, code, message ? message : "Cancelled", fc__loop_now(call->loop));
  }
  fc__loop_unlock(call->loop);
}

bool fc_call_is_done(fc_call *call) {
  if (!call) return true;
  fc__loop_lock(call->loop);
  bool over = call->over;
  /* Who asks without waiting wants the call to go on meanwhile. */
  if (!over) fc__call_hold(call);
  fc__loop_unlock(call->loop);
  return over;
}

void fc_call_destroy(fc_call *call) {
  if (!call) return;
  struct fc__loop *loop = call->loop;
  loop->ops->ref(loop); /* the call's owner may go with it */
  fc__loop_lock(loop);
  fc__call_drop_handle(call, fc__loop_now(loop));
  fc__loop_unlock(loop);
  loop->ops->unref(loop);
}
