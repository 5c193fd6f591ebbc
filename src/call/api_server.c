/* What only a server's side of a call does. */
#include "farcall/server_call.h"

#include <string.h>

#include "call/internal.h"

fc_result fc_call_send_initial_metadata(fc_call *call, const fc_metadata *metadata) {
  if (!call || !call->server) return FC_ERR_INVALID;
  fc__loop_lock(call->loop);
  fc_result r = call->over ? FC_ERR_CLOSED : call->started ? FC_ERR_BUSY : FC_OK;
  if (r == FC_OK) r = fc__reply_headers(call, metadata);
  fc__loop_unlock(call->loop);
  return r;
}

static fc_result replace_trailing(fc_call *call, const fc_metadata *metadata) {
  struct fc_metadata copy;
  fc__metadata_init(&copy);
  fc_result r = metadata ? fc__metadata_append(&copy, metadata) : FC_OK;
  if (r != FC_OK) {
    fc__metadata_finish(&copy);
    return r;
  }
  fc__metadata_finish(&call->kept.sending);
  call->kept.sending = copy;
  return FC_OK;
}

fc_result fc_call_set_trailing_metadata(fc_call *call, const fc_metadata *metadata) {
  if (!call || !call->server) return FC_ERR_INVALID;
  fc__loop_lock(call->loop);
  fc_result r = call->over ? FC_ERR_CLOSED : replace_trailing(call, metadata);
  fc__loop_unlock(call->loop);
  return r;
}

fc_result fc_call_set_compression(fc_call *call, fc_compression compression) {
  if (!call || !call->server || (unsigned)compression > FC_COMPRESSION_GZIP) return FC_ERR_INVALID;
  fc__loop_lock(call->loop);
  fc_result r = call->started ? FC_ERR_BUSY : FC_OK;
  if (r == FC_OK) {
    call->send_encoding = compression == FC_COMPRESSION_UNSET
                              ? (uint8_t)call->owner->compression
                              : (uint8_t)(compression - FC_COMPRESSION_NONE);
  }
  fc__loop_unlock(call->loop);
  return r;
}

fc_result fc_call_finish(fc_call *call, fc_code code, const char *message, fc_slice details) {
  if (!call || !call->server || (!details.data && details.len)) return FC_ERR_INVALID;
  fc__loop_lock(call->loop);
  fc_result r =
      fc__call_finish(call, code, fc_slice_from_string(message), details, fc__loop_now(call->loop));
  fc__loop_unlock(call->loop);
  return r;
}

static fc_result respond_locked(fc_call *call, fc_bytes *message) {
  if (call->over || call->send_closed) return FC_ERR_CLOSED;
  if (call->sending || call->send_op.state != FC__OP_IDLE) return FC_ERR_BUSY;
  if ((call->pattern & FC_PATTERN_STREAM_UNARY) && call->sent_count > 0) return FC_ERR_INVALID;
  fc_result r = fc__call_check_length(call->owner, fc_bytes_slice(message).len, NULL);
  if (r == FC_OK) r = fc__call_queue(call, message, 0);
  if (r != FC_OK) return r;
  /* The message is the call's now; what becomes of the status is told by the call. */
  (void)fc__call_finish(call, FC_CODE_OK, (fc_slice){0}, (fc_slice){0}, fc__loop_now(call->loop));
  return FC_OK;
}

fc_result fc_call_respond(fc_call *call, fc_bytes *message) {
  if (!call || !call->server || !message) return FC_ERR_INVALID;
  fc_bytes *passed = message;
  const bool hooked = call->hooks != NULL;
  fc_result r = fc__hooks_send(call, &passed);
  if (r != FC_OK) return r;
  fc__loop_lock(call->loop);
  r = respond_locked(call, passed);
  fc__loop_unlock(call->loop);
  return fc__hooks_sent(hooked, message, passed, r);
}

fc_result fc_call_add_hooks(fc_call *call, const fc_call_hooks *hooks) {
  if (!call || !call->server || !hooks) return FC_ERR_INVALID;
  fc__loop_lock(call->loop);
  fc_result r = fc__hooks_add(call, hooks, true);
  if (r == FC_OK && fc__hooks_watch_end(call) == FC_ERR_NO_MEMORY) {
    fc__hooks_remove_first(call);
    r = FC_ERR_NO_MEMORY;
  }
  fc__loop_unlock(call->loop);
  return r;
}
