/*
 * A server's view of a request: its header fields, what is wrong with them (hostile inputs get the
 * answers of reference tables: grpc core's where the specification is silent), and when it may be
 * dispatched. Spec: PROTOCOL-HTTP2.md, Requests
 */
#include <string.h>

#include "base/slice.h"
#include "call/internal.h"
#include "wire/timeout.h"

static void take_path(fc_call *call, fc_slice value) {
  struct fc__buf *path = &call->kept.path;
  path->len = 0;
  if (!fc__buf_append(path, value.data, value.len) || !fc__buf_append(path, "", 1)) {
    fc__call_header_wrong(call, FC_CODE_RESOURCE_EXHAUSTED, "the method name is too long");
  }
}

static void take_timeout(fc_call *call, fc_slice value) {
  bool twice = call->header.seen & FC__SEEN_TIMEOUT;
  call->header.seen |= FC__SEEN_TIMEOUT;
  if (twice || !fc__timeout_decode(value, &call->header.timeout)) {
    fc__call_header_wrong(call, FC_CODE_INTERNAL, "grpc-timeout is malformed");
  }
}

static void take_content_type(fc_call *call, fc_slice value) {
  bool other;
  call->header.grpc = fc__content_type_is_grpc(value, &other);
  if (other)
    fc__call_header_wrong(call, FC_CODE_UNIMPLEMENTED,
                          "the content-type's message format is unknown");
}

static void take_encoding(fc_call *call, fc_slice value) {
  call->recv_encoding = (uint8_t)fc__encoding_parse(value);
  if (call->recv_encoding == FC__ENCODING_UNKNOWN) {
    fc__call_header_wrong(call, FC_CODE_UNIMPLEMENTED,
                          "grpc-encoding is not one of " FC__ENCODING_ACCEPTED);
  }
}

void fc__request_field(fc_call *call, const struct fc__field *field) {
  fc_slice value = field->value;
  switch (field->token) {
    case FC__TOKEN_METHOD:
      if (!FC__SLICE_IS(value, "POST")) {
        fc__call_header_wrong(call, FC_CODE_UNKNOWN, "the HTTP method is not POST");
      }
      break;
    case FC__TOKEN_SCHEME:
      if (!FC__SLICE_IS(value, "http") && !FC__SLICE_IS(value, "https")) {
        fc__call_header_wrong(call, FC_CODE_UNKNOWN, "the scheme is neither http nor https");
      }
      break;
    case FC__TOKEN_PATH:
      take_path(call, value);
      break;
    case FC__TOKEN_AUTHORITY:
    case FC__TOKEN_HOST:
      call->header.seen |= FC__SEEN_AUTHORITY;
      break;
    case FC__TOKEN_TE:
      if (FC__SLICE_IS(value, "trailers")) call->header.seen |= FC__SEEN_TE;
      break;
    case FC__TOKEN_CONTENT_TYPE:
      take_content_type(call, value);
      break;
    case FC__TOKEN_CONTENT_LENGTH:
      break;
    case FC__TOKEN_GRPC_TIMEOUT:
      take_timeout(call, value);
      break;
    case FC__TOKEN_GRPC_ENCODING:
      take_encoding(call, value);
      break;
    case FC__TOKEN_GRPC_ACCEPT_ENCODING:
      call->peer_accepts = fc__encoding_parse_list(value);
      break;
    default:
      fc__call_field(call, field, false);
  }
}

static bool path_is_text(const struct fc__buf *path) {
  for (size_t i = 0; i + 1 < path->len; i++) {
    if (path->data[i] <= 0x20 || path->data[i] >= 0x7f) return false;
  }
  return path->len > 1;
}

/* "/service/method", or what the server allows: the string that routing, interceptors and handlers all see,
 * CVE-2026-33186. */
static bool path_is_routable(const fc_call *call) {
  const struct fc__buf *path = &call->kept.path;
  if (call->owner->any_path) return path_is_text(path);
  if (path->len < 4 || path->data[0] != '/') return false;
  const uint8_t *slash = memchr(path->data + 1, '/', path->len - 1);
  return slash && slash != path->data + 1 && slash[1] != 0;
}

static void check_request(fc_call *call) {
  unsigned seen = call->header.seen;
  if (!(seen & FC__SEEN_TE)) {
    fc__call_header_wrong(call, FC_CODE_UNKNOWN, "the header te: trailers is missing");
  } else if (!(seen & FC__SEEN_AUTHORITY)) {
    fc__call_header_wrong(call, FC_CODE_UNKNOWN, "the request has no authority");
  } else if (!path_is_routable(call)) {
    fc__call_header_wrong(call, FC_CODE_UNIMPLEMENTED, "Method not found!");
  }
}

static void start_deadline(fc_call *call, int64_t now) {
  int64_t timeout = call->header.timeout;
  if (timeout >= FC_NEVER - now) return;
  call->deadline = now + timeout;
  if (timeout == 0) {
    fc__call_end(call, FC_CODE_DEADLINE_EXCEEDED, "Deadline Exceeded", now);
  } else {
    fc__loop_timer_set(call->loop, &call->timer, call->deadline);
  }
}

static void dispatch(fc_call *call, int64_t now) {
  if (call->over || call->dispatched) return;
  call->dispatched = true;
  call->owner->ops->on_dispatch(call->owner, call, now);
}

void fc__request_ended(fc_call *call, int64_t now) {
  if (!call->over && !call->header.grpc) {
    fc__h2_reject(call->link->h2, &call->stream);
    fc__reply_not_grpc(call, now);
  }
  if (!call->over && fc__deframer_in_message(&call->deframer)) {
    fc__call_end(call, FC_CODE_INTERNAL, "the request ended inside a message", now);
  }
  if (call->over || !(call->pattern & FC_PATTERN_UNARY_STREAM)) return;
  if (call->received_count == 0) {
    fc__call_end(call, FC_CODE_UNIMPLEMENTED, "the client sent no request, where one is due", now);
  } else {
    dispatch(call, now);
  }
}

/* An early answer costs the client a token, or it could have the server answer at no cost of its
 * own: MadeYouReset, CVE-2025-8671. */
static void reject(fc_call *call, int64_t now) {
  fc__h2_reject(call->link->h2, &call->stream);
  fc__call_end(call, call->header.code, call->header.text, now);
}

static void accept(fc_call *call, const struct fc__h2_block *block, int64_t now) {
  check_request(call);
  if (call->header.text) {
    reject(call, now);
    return;
  }
  start_deadline(call, now);
  if (!call->over) call->owner->ops->on_request(call->owner, call, now);
  if (!call->over && !(call->pattern & FC_PATTERN_UNARY_STREAM)) dispatch(call, now);
  if (!call->over && block->end_stream) fc__request_ended(call, now);
}

void fc__request_block(fc_call *call, const struct fc__h2_block *block, int64_t now) {
  if (block->end_stream) call->remote_closed = true;
  if (block->trailers) { /* a client has none to send; END_STREAM is what counts */
    fc__request_ended(call, now);
    if (!call->over) fc__call_notify(call, FC__EVENT_MESSAGE);
    return;
  }
  call->headers_in = true;
  if (block->too_large) {
    fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED,
                 "the request's metadata is larger than the limit", now);
  } else if (call->header.grpc) {
    accept(call, block, now);
  } else if (
      block
          ->end_stream) { /* else the rest is read first: HTTP clients mostly want to have sent it */
    fc__request_ended(call, now);
  }
}
