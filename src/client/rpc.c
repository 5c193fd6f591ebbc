/*
 * The short functions that block or hand out a future. A blocking unary call is one region under
 * the lock, from the making of the call to its end.
 */
#include "farcall/rpc.h"

#include <assert.h>

#include "base/error.h"
#include "client/channel.h"
#include "client/rpc.h"

/* Interceptors may make a request shorter that is too long as it is. */
static fc_bytes *copy_request(const fc_channel *channel, fc_slice request) {
  bool seen = !channel || channel->config.interceptor_count > 0;
  return seen ? fc_bytes_copy(request.data, request.len) : fc__call_copy(&channel->owner, request);
}

fc_result fc__rpc_options(const fc_channel *channel, const fc_call_options *from,
                          fc_pattern pattern, fc_slice request, fc_call_options *out,
                          fc_error *err) {
  fc_result r = fc__options_read(out, sizeof *out, from, "fc_call_options", err);
  if (r != FC_OK) return r;
  out->pattern = pattern;
  if (!(pattern & FC_PATTERN_UNARY_STREAM)) {
    out->request = NULL;
    return FC_OK;
  }
  if (request.len > 0 && (!request.data || out->request)) {
    return fc__error(err, FC_ERR_INVALID,
                     out->request ? "two requests are given: %zu bytes, and options->request"
                                  : "the request is NULL, but has %zu bytes",
                     request.len);
  }
  if (out->request) {
    fc_bytes_ref(out->request);
    return FC_OK;
  }
  out->request = copy_request(channel, request);
  return out->request ? FC_OK : fc__error_no_memory(err);
}

/* ---- what a blocking call returns ---- */

fc_code fc__rpc_code(fc_result r) {
  if (r == FC_ERR_NO_MEMORY || r == FC_ERR_LIMIT) return FC_CODE_RESOURCE_EXHAUSTED;
  if (r == FC_ERR_INVALID) return FC_CODE_INVALID_ARGUMENT;
  return FC_CODE_UNAVAILABLE;
}

static fc_result result_of(fc_code code) {
  switch (code) {
    case FC_CODE_OK:
      return FC_OK;
    case FC_CODE_CANCELLED:
      return FC_ERR_CANCELLED;
    case FC_CODE_DEADLINE_EXCEEDED:
      return FC_ERR_TIMEOUT;
    case FC_CODE_RESOURCE_EXHAUSTED:
      return FC_ERR_LIMIT;
    case FC_CODE_INVALID_ARGUMENT:
      return FC_ERR_INVALID;
    default:
      return FC_ERR_CLOSED;
  }
}

static fc_code tell_status(const fc_status *status, fc_error *err) {
  if (status->code != FC_CODE_OK)
    (void)fc__error(err, result_of(status->code), "%s", status->message);
  return status->code;
}

/* Under the lock: the call is over. */
static fc_code finish(fc_call *call, fc_bytes **response, fc_call **out, fc_error *err) {
  fc_code code = tell_status(&call->status, err);
  if (response && code == FC_CODE_OK) *response = fc__call_take_response(call);
  if (out) {
    *out = call;
  } else {
    fc__call_drop_handle(call, fc__loop_now(call->loop));
  }
  return code;
}

#define INTERRUPTED "Cancelled: the thread that waited was interrupted"

/* Without the lock, so that the call's hooks may see the response. */
static fc_code wait_and_finish(fc_call *call, fc_bytes **response, fc_call **out, fc_error *err) {
  if (fc_call_wait(call, FC_NEVER) == FC_ERR_INTERRUPTED)
    fc_call_cancel(call, FC_CODE_CANCELLED, INTERRUPTED);
  fc_code code = tell_status(fc_call_status(call), err);
  if (response && code == FC_CODE_OK && fc_call_recv(call, response) != FC_OK) {
    code = FC_CODE_INTERNAL;
    (void)fc__error(err, result_of(code), FC__HOOK_REFUSED);
  }
  if (out) {
    *out = call;
  } else {
    fc_call_destroy(call);
  }
  return code;
}

/* ---- unary-unary ---- */

static void wait_locked(fc_call *call) {
  if (fc__call_wait_locked(call) == FC_OK) return;
  call->cancelled = true;
  fc__call_end(call, FC_CODE_CANCELLED, INTERRUPTED, fc__loop_now(call->loop));
}

static fc_code call_at_once(fc_channel *ch, const char *method, fc_call_options *o,
                            fc_bytes **response, fc_call **out, fc_error *err) {
  fc_call *call;
  struct fc__loop *loop = ch->loop;
  fc__loop_lock(loop);
  fc_result r = fc__line_start(ch, method, o, &call, err);
  fc_code code = fc__rpc_code(r);
  if (r == FC_OK) {
    wait_locked(call);
    code = finish(call, response, out, err);
  }
  fc__loop_unlock(loop);
  return code;
}

static fc_code call_through_interceptors(fc_channel *ch, const char *method,
                                         const fc_call_options *o, fc_bytes **response,
                                         fc_call **out, fc_error *err) {
  fc_call *call;
  fc_result r = fc__channel_call(ch, method, o, false, &call, err);
  return r == FC_OK ? wait_and_finish(call, response, out, err) : fc__rpc_code(r);
}

fc_code fc_unary_unary(fc_channel *channel, const char *method, fc_slice request,
                       const fc_call_options *options, fc_bytes **response, fc_call **call,
                       fc_error *err) {
  if (response) *response = NULL;
  if (call) *call = NULL;
  fc_call_options o;
  fc_result r = fc__rpc_options(channel, options, FC_PATTERN_UNARY_UNARY, request, &o, err);
  if (r != FC_OK) return fc__rpc_code(r);
  bool plain = channel && method && channel->config.interceptor_count == 0 && !o.hooks;
  fc_code code = plain ? call_at_once(channel, method, &o, response, call, err)
                       : call_through_interceptors(channel, method, &o, response, call, err);
  fc_bytes_unref(o.request);
  return code;
}

/* ---- calls handed out ---- */

static fc_result start(fc_channel *channel, const char *method, fc_pattern pattern,
                       fc_slice request, const fc_call_options *options, bool hold, fc_call **call,
                       fc_error *err) {
  if (!call) return fc__error(err, FC_ERR_INVALID, "call is NULL");
  *call = NULL;
  fc_call_options o;
  fc_result r = fc__rpc_options(channel, options, pattern, request, &o, err);
  if (r != FC_OK) return r;
  r = fc__channel_call(channel, method, &o, hold, call, err);
  fc_bytes_unref(o.request);
  return r;
}

fc_result fc_unary_unary_future(fc_channel *channel, const char *method, fc_slice request,
                                const fc_call_options *options, fc_call **call, fc_error *err) {
  return start(channel, method, FC_PATTERN_UNARY_UNARY, request, options, true, call, err);
}

fc_result fc_unary_stream(fc_channel *channel, const char *method, fc_slice request,
                          const fc_call_options *options, fc_call **call, fc_error *err) {
  return start(channel, method, FC_PATTERN_UNARY_STREAM, request, options, false, call, err);
}

fc_result fc_stream_unary_future(fc_channel *channel, const char *method,
                                 const fc_call_options *options, fc_call **call, fc_error *err) {
  return start(channel, method, FC_PATTERN_STREAM_UNARY, (fc_slice){0}, options, true, call, err);
}

fc_result fc_stream_stream(fc_channel *channel, const char *method, const fc_call_options *options,
                           fc_call **call, fc_error *err) {
  return start(channel, method, FC_PATTERN_STREAM_STREAM, (fc_slice){0}, options, false, call, err);
}

/* ---- stream-unary, blocking ---- */

void fc__rpc_send_failed(fc_call *call, fc_bytes *message, fc_result r) {
  fc_error err;
  bool too_long = r == FC_ERR_LIMIT && fc__call_explain_limit(call, message, &err) == r;
  const char *text = too_long ? err.message : fc_result_text(r);
  fc_bytes_unref(message);
  if (r == FC_ERR_INTERRUPTED) {
    fc_call_cancel(call, FC_CODE_CANCELLED, INTERRUPTED);
  } else if (r != FC_ERR_CLOSED) {
    fc_call_cancel(call, fc__rpc_code(r), text);
  }
}

static void send_all(fc_call *call, fc_source_fn source, void *user) {
  for (fc_bytes *message; (message = source(call, user));) {
    fc_result r = fc_call_send(call, message, 0);
    if (r == FC_OK) continue;
    fc__rpc_send_failed(call, message, r);
    return;
  }
  fc_result closed = fc_call_close_send(call);
  assert(closed == FC_OK && "only a server's call cannot be closed");
  (void)closed;
}

fc_code fc_stream_unary(fc_channel *channel, const char *method, fc_source_fn source, void *user,
                        const fc_call_options *options, fc_bytes **response, fc_call **call,
                        fc_error *err) {
  if (response) *response = NULL;
  if (call) *call = NULL;
  fc_call *c;
  if (!source) return fc__rpc_code(fc__error(err, FC_ERR_INVALID, "source is NULL"));
  fc_result r =
      start(channel, method, FC_PATTERN_STREAM_UNARY, (fc_slice){0}, options, false, &c, err);
  if (r != FC_OK) return fc__rpc_code(r);
  send_all(c, source, user);
  return wait_and_finish(c, response, call, err);
}
