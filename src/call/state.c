/*
 * The end of a call: who may decide the status, and what follows from it. Whatever happens to the peer, the
 * connection and the application, settle() runs once for each call.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "call/internal.h"
#include "wire/status_map.h"

static void stop_deadline(fc_call *call) {
  if (call->deadline != FC_NEVER) fc__loop_timer_stop(call->loop, &call->timer);
}

void fc__call_check_life(fc_call *call) {
  if (!call->live || !call->over || call->stream.open) return;
  call->live = false;
  call->link = NULL;
  stop_deadline(call);
  fc__call_unref(call);
}

/* The handle of a server's call that no handler has seen is nobody's. */
static void give_up_unseen_handle(fc_call *call) {
  if (!call->server || call->dispatched || !call->handle) return;
  call->handle = false;
  fc__call_unref(call);
}

/* The status is in call->status. The last thing a caller does with the call: it may be freed. */
static void settle(fc_call *call, int64_t now) {
  call->over = true;
  call->headers_in = true;
  if (!call->server) stop_deadline(call);
  fc__call_drop_outgoing(call);
  fc__call_ref(call);
  call->owner->ops->on_over(call->owner, call, now);
  fc__call_notify(call, FC__EVENT_HEADERS | FC__EVENT_MESSAGE | FC__EVENT_SEND | FC__EVENT_DONE);
  if (call->held) {
    call->held = false;
    fc__loop_unkeep(call->loop);
  }
  give_up_unseen_handle(call);
  fc__call_check_life(call);
  fc__call_unref(call);
}

/* Text that is not a constant is kept by the call; without memory for it the status goes without. */
static void set_status(fc_call *call, fc_code code, fc_origin origin, const char *message) {
  struct fc__buf *b = &call->kept.message;
  if (*message && message != (const char *)b->data) {
    b->len = 0;
    size_t len = strlen(message);
    if (len >= b->max) len = b->max - 1;
    bool kept = fc__buf_append(b, message, len) && fc__buf_append(b, "", 1);
    message = kept ? (const char *)b->data : "out of memory for the status message";
  }
  call->status.code = code;
  call->status.origin = origin;
  call->status.message = message;
}

void fc__call_abandon_stream(fc_call *call, uint32_t code, int64_t now) {
  if (!call->stream.open) return;
  struct fc__link *link = call->link;
  fc__h2_reset(link->h2, &call->stream, code);
  fc__link_touch(link);
  call->link = NULL;
  link->ops->on_room(link, now);
}

/* A server tells the client with trailers if nothing stands before them; else the stream is cut. */
static void tell_peer(fc_call *call, fc_code code, int64_t now) {
  if (!call->stream.open || (call->server && call->stream.local_end)) return;
  if (call->server && call->stream.queued == 0) {
    fc_slice text = fc_slice_from_string(call->status.message);
    if (fc__reply_trailers(call, code, text, (fc_slice){0}) == FC_OK) return;
  }
  fc__call_abandon_stream(call, FC__H2_CANCEL, now);
}

/* Of several responses those that came before something went wrong are still given: the stream has them in that order.
 * One response counts only with OK, and who gives a call up wants no more of it. */
static bool keeps_messages(const fc_call *call, fc_code code) {
  if (call->server || (call->pattern & FC_PATTERN_STREAM_UNARY)) return false;
  return !call->cancelled && code != FC_CODE_CANCELLED && code != FC_CODE_DEADLINE_EXCEEDED;
}

void fc__call_end(fc_call *call, fc_code code, const char *message, int64_t now) {
  if (call->over) return;
  set_status(call, code, FC_ORIGIN_LOCAL, message);
  fc__call_ref(call);
  call->over = true; /* nothing that telling the peer sets off may decide the status again */
  tell_peer(call, code, now);
  if (keeps_messages(call, code)) {
    fc__deframer_finish(&call->deframer);
  } else {
    fc__call_drop_messages(call);
  }
  settle(call, now);
  fc__call_unref(call);
}

void fc__call_endf(fc_call *call, int64_t now, fc_code code, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  fc__call_end(call, code, text, now);
}

/* gRPC leaves no doubt about the number of responses: statuscodes.md, UNIMPLEMENTED for a cardinality violation. */
static bool lacks_response(const fc_call *call) {
  return (call->pattern & FC_PATTERN_STREAM_UNARY) && call->header.status == FC_CODE_OK &&
         call->received_count == 0;
}

void fc__call_end_by_peer(fc_call *call, int64_t now) {
  if (call->over) return;
  if (lacks_response(call)) {
    fc__call_end(call, FC_CODE_UNIMPLEMENTED, "the server sent no response, where one is due", now);
    return;
  }
  struct fc__buf *b = &call->kept.message;
  if ((call->pattern & FC_PATTERN_STREAM_UNARY) && call->header.status != FC_CODE_OK)
    fc__call_drop_messages(call);
  call->status.code = call->header.status;
  call->status.origin = FC_ORIGIN_PEER;
  call->status.message = b->len ? (const char *)b->data : "";
  call->status.details = (fc_slice){call->kept.details.data, call->kept.details.len};
  fc__call_ref(call);
  /* RFC 9113 section 8.1: the server may end before the client has; the rest of the request is not wanted. */
  if (call->stream.open && (!call->stream.local_end || call->stream.end_queued)) {
    call->over = true;
    fc__call_abandon_stream(call, FC__H2_NO_ERROR, now);
  }
  settle(call, now);
  fc__call_unref(call);
}

/* What a handler may not finish with ends the call all the same: its client would wait for nothing. */
static bool refuse_finish(fc_call *call, fc_code code, int64_t now) {
  if ((unsigned)code > FC_CODE_UNAUTHENTICATED) {
    fc__call_endf(call, now, FC_CODE_UNKNOWN, "the handler gave %d, which is no status code",
                  (int)code);
    return true;
  }
  if (code != FC_CODE_OK || !(call->pattern & FC_PATTERN_STREAM_UNARY) || call->sent_count > 0)
    return false;
  fc__call_end(call, FC_CODE_INTERNAL, "the handler finished with OK, but sent no response", now);
  return true;
}

fc_result fc__call_finish(fc_call *call, fc_code code, fc_slice message, fc_slice details,
                          int64_t now) {
  if (call->over || call->send_closed) return FC_ERR_CLOSED;
  if (refuse_finish(call, code, now)) return FC_ERR_INVALID;
  fc__call_ref(call);
  call->over = call->finished = true;
  fc_result r = fc__reply_trailers(call, code, message, details);
  set_status(call, code, FC_ORIGIN_LOCAL, "");
  if (message.len && fc__buf_append(&call->kept.message, message.data, message.len) &&
      fc__buf_append(&call->kept.message, "", 1)) {
    call->status.message = (const char *)call->kept.message.data;
  }
  if (r != FC_OK) fc__call_abandon_stream(call, FC__H2_INTERNAL_ERROR, now);
  settle(call, now);
  fc__call_unref(call);
  return r;
}

void fc__call_deadline(struct fc__timer *timer, int64_t now) {
  fc_call *call = FC__CONTAINER(timer, fc_call, timer);
  if (!call->over) {
    fc__call_end(call, FC_CODE_DEADLINE_EXCEEDED, "Deadline Exceeded", now);
  } else {
    /* A server's answer is over but the client does not take it. */
    fc__call_abandon_stream(call, FC__H2_CANCEL, now);
    fc__call_check_life(call);
  }
}

/* ---- the stream has ended ---- */

static void closed_by_connection(fc_call *call, const struct fc__link *link, int64_t now) {
  if (call->server) {
    fc__call_end(call, FC_CODE_CANCELLED, link->reason, now);
  } else {
    fc__call_end(call, FC_CODE_UNAVAILABLE, link->reason, now);
  }
}

static bool may_retry(const fc_call *call, uint32_t code) {
  return code == FC__H2_REFUSED_STREAM && !call->server && !call->committed && !call->retried;
}

/* gRFC A6, transparent retries: the server says that it has not processed the call. */
static void retry(fc_call *call, int64_t now) {
  call->retried = true;
  call->started = false;
  memset(&call->stream, 0, sizeof call->stream);
  call->owner->ops->on_unprocessed(call->owner, call, now);
}

static void closed_by_reset(fc_call *call, const struct fc__link *link, uint32_t code, bool remote,
                            int64_t now) {
  fc_code status = call->server ? FC_CODE_CANCELLED : fc__code_from_h2(code);
  if (code == FC__H2_CANCEL && now >= call->deadline) status = FC_CODE_DEADLINE_EXCEEDED;
  if (code == FC__H2_REFUSED_STREAM && link->farewell[0]) {
    fc__call_endf(call, now, status, "%s went away before it processed the call (%s)",
                  call->kept.peer, link->farewell);
  } else if (remote) {
    fc__call_endf(call, now, status, "%s reset the stream (RST_STREAM %s)", call->kept.peer,
                  fc__h2_error_name(code));
  } else {
    fc__call_endf(call, now, call->server ? FC_CODE_CANCELLED : FC_CODE_INTERNAL,
                  "%s broke the protocol on the stream (%s)", call->kept.peer,
                  fc__h2_error_name(code));
  }
}

void fc__call_stream_closed(fc_call *call, uint32_t code, bool remote, int64_t now) {
  struct fc__link *link = call->link;
  call->link = NULL;
  fc__call_ref(call);
  if (call->over) {
    fc__call_check_life(call);
  } else if (may_retry(call, code)) {
    retry(call, now);
  } else if (link->down) {
    closed_by_connection(call, link, now);
  } else if (code == FC__H2_NO_ERROR && !remote) {
    fc__call_end(call, FC_CODE_INTERNAL, "the stream ended without a status", now);
  } else {
    closed_by_reset(call, link, code, remote, now);
  }
  fc__call_unref(call);
  if (!link->down) link->ops->on_room(link, now);
}
