/*
 * A client's side: request headers out; response headers and trailers in, and the status that they give.
 * Spec: PROTOCOL-HTTP2.md, Requests and Responses; doc/http-grpc-status-mapping.md
 */
#include <string.h>

#include "call/internal.h"
#include "wire/base64.h"
#include "wire/percent.h"
#include "wire/status_map.h"
#include "wire/timeout.h"

#define TEXT(s)                                                                                    \
  { (const uint8_t *)(s), sizeof(s) - 1 }

/* The fields that every call of a method has: a replay of eight indexed fields on a warm connection. */
static void block_method(fc_call *call, struct fc__link *link) {
  const struct fc__call_owner *owner = call->owner;
  const struct fc__method *method = call->method;
  const struct fc__h2_replay_field fields[] = {
      {TEXT(":method"), TEXT("POST")},
      {TEXT(":scheme"), owner->scheme},
      {TEXT(":path"), {(const uint8_t *)method->path, method->len}},
      {TEXT(":authority"), owner->authority},
      {TEXT("te"), TEXT("trailers")},
      {TEXT("content-type"), TEXT("application/grpc")},
      {TEXT("user-agent"), owner->user_agent},
      {TEXT("grpc-accept-encoding"), TEXT(FC__ENCODING_ACCEPTED)},
  };
  struct fc__link_replay *r = &link->replays[method->id % FC__LINK_REPLAYS];
  if (r->method != method->id + 1) {
    r->method = method->id + 1;
    r->replay.generation = 0;
  }
  fc__h2_block_replay(link->h2, &r->replay, fields, sizeof fields / sizeof *fields);
}

static fc_result send_request_headers(fc_call *call, struct fc__link *link, int64_t now) {
  bool end = call->send_closed && call->outgoing_count == 0;
  fc__h2_block_begin(link->h2, NULL);
  block_method(call, link);
  if (call->deadline != FC_NEVER) {
    char text[FC__TIMEOUT_TEXT_MAX];
    size_t len = fc__timeout_encode(call->deadline - now, text);
    fc__h2_block_field(link->h2, fc_slice_from_string("grpc-timeout"),
                       (fc_slice){(const uint8_t *)text, len}, FC__HPACK_LITERAL);
  }
  if (call->send_encoding != FC__ENCODING_IDENTITY) {
    fc__block_text(link->h2, "grpc-encoding", fc__encoding_name(call->send_encoding),
                   FC__HPACK_INDEX);
  }
  fc_result filled = fc__block_metadata(link->h2, &call->kept.sending);
  fc_result r = fc__h2_block_end_request(link->h2, &call->stream, end);
  if (r == FC_OK && filled != FC_OK) {
    fc__h2_reset(link->h2, &call->stream, FC__H2_CANCEL);
    fc__link_touch(link);
    r = filled;
  }
  return r;
}

void fc__call_attach(fc_call *call, struct fc__link *link, int64_t now) {
  fc_result r = send_request_headers(call, link, now);
  if (r == FC_ERR_LIMIT) {
    fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED, "the metadata is larger than the server takes",
                 now);
  } else if (r == FC_ERR_NO_MEMORY) {
    fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED, "out of memory", now);
  } else if (r != FC_OK) {
    fc__call_end(call, FC_CODE_UNAVAILABLE, "the connection takes no more calls", now);
  }
  if (r != FC_OK) return;
  call->started = true;
  call->link = link;
  fc__call_note_peer(call, link);
  fc__link_touch(link);
  fc__call_send_kept(call, now);
}

/* ---- fields ---- */

/* A wrong one is no error yet: in headers that do not end the stream it says nothing. */
static void take_status(fc_call *call, fc_slice value) {
  bool twice = call->header.seen & FC__SEEN_STATUS;
  bool wrong = !fc__code_parse(value, &call->header.status) || twice;
  call->header.seen |= wrong ? FC__SEEN_STATUS | FC__SEEN_STATUS_WRONG : FC__SEEN_STATUS;
}

static void take_message(fc_call *call, fc_slice value) {
  struct fc__buf *b = &call->kept.message;
  b->len = 0;
  /* Cut at the ceiling rather than lost: three bytes can become nine. */
  if (value.len > b->max / 4) value.len = b->max / 4;
  if (!fc__percent_decode(b, value) || !fc__buf_append(b, "", 1)) b->len = 0;
}

static void take_details(fc_call *call, fc_slice value) {
  struct fc__buf *b = &call->kept.details;
  b->len = 0;
  uint8_t *at = fc__buf_reserve(b, fc__base64_decoded_max(value.len));
  size_t len;
  if (at && fc__base64_decode(value, at, &len)) b->len = len;
}

static void take_content_type(fc_call *call, fc_slice value) {
  bool other;
  call->header.seen |= FC__SEEN_CONTENT_TYPE;
  call->header.grpc = fc__content_type_is_grpc(value, &other);
  if (other)
    fc__call_header_wrong(call, FC_CODE_INTERNAL,
                          "the response's content-type is of another message format");
}

static int parse_http_status(fc_slice value) {
  int status = 0;
  for (size_t i = 0; i < value.len && i < 3; i++) status = status * 10 + (value.data[i] - '0');
  return status;
}

void fc__response_field(fc_call *call, const struct fc__field *field, bool trailers) {
  switch (field->token) {
    case FC__TOKEN_STATUS:
      call->header.http_status = parse_http_status(field->value);
      break;
    case FC__TOKEN_CONTENT_TYPE:
      if (!trailers) take_content_type(call, field->value);
      break;
    case FC__TOKEN_CONTENT_LENGTH:
      break;
    case FC__TOKEN_GRPC_ENCODING:
      if (!trailers) call->recv_encoding = (uint8_t)fc__encoding_parse(field->value);
      break;
    case FC__TOKEN_GRPC_ACCEPT_ENCODING:
      call->peer_accepts = fc__encoding_parse_list(field->value);
      break;
    case FC__TOKEN_GRPC_STATUS:
      take_status(call, field->value);
      break;
    case FC__TOKEN_GRPC_MESSAGE:
      take_message(call, field->value);
      break;
    case FC__TOKEN_GRPC_STATUS_DETAILS_BIN:
      take_details(call, field->value);
      break;
    default:
      fc__call_field(call, field, trailers);
  }
}

/* ---- blocks ---- */

static void forget_status(fc_call *call) {
  call->header.seen &= (uint8_t) ~(FC__SEEN_STATUS | FC__SEEN_STATUS_WRONG);
  call->kept.message.len = call->kept.details.len = 0;
}

static void skip_informational(fc_call *call) {
  fc__metadata_clear(&call->kept.initial);
  forget_status(call);
  memset(&call->header, 0, sizeof call->header);
  call->recv_encoding = FC__ENCODING_IDENTITY;
}

/* PROTOCOL-HTTP2.md, Status-Details: only with a failure, and its code must not contradict grpc-status. What is no details
 * of the status can still be seen as metadata; where memory is short it is lost. */
static void check_details(fc_call *call) {
  struct fc__buf *b = &call->kept.details;
  fc_slice details = {b->data, b->len};
  fc_code code = call->header.status;
  if (b->len == 0 || (code != FC_CODE_OK && fc__details_agree(details, code))) return;
  (void)fc__metadata_add_slice(&call->kept.trailing,
                               fc_slice_from_string("grpc-status-details-bin"), details);
  b->len = 0;
}

/* The status of a response that ends here. */
static void conclude(fc_call *call, int64_t now) {
  if (fc__deframer_in_message(&call->deframer)) {
    fc__call_end(call, FC_CODE_INTERNAL, "the response ended inside a message", now);
  } else if (call->header.text) {
    fc__call_end(call, call->header.code, call->header.text, now);
  } else if (!(call->header.seen & FC__SEEN_STATUS)) {
    fc__call_end(call, FC_CODE_UNKNOWN, "the response ended without grpc-status", now);
  } else if (call->header.seen & FC__SEEN_STATUS_WRONG) {
    fc__call_end(call, FC_CODE_UNKNOWN, "grpc-status is not a status code", now);
  } else {
    check_details(call);
    fc__call_end_by_peer(call, now);
  }
}

/* What is not a gRPC response gets a status by its HTTP status. True: the call has ended. */
static bool is_refused(fc_call *call, const struct fc__h2_block *block, int64_t now) {
  bool has_status = block->end_stream && (call->header.seen & FC__SEEN_STATUS);
  int http = call->header.http_status;
  if (has_status && (call->header.grpc || !(call->header.seen & FC__SEEN_CONTENT_TYPE)))
    return false;
  if (http != 200) {
    fc__call_endf(call, now, fc__code_from_http(http), "%s answered with HTTP status %d",
                  call->kept.peer, http);
  } else if (!call->header.grpc) {
    fc__call_endf(call, now, FC_CODE_UNKNOWN,
                  "%s answered with a content-type that is not application/grpc", call->kept.peer);
  } else if (call->header.text) {
    fc__call_end(call, call->header.code, call->header.text, now);
  } else if (call->recv_encoding == FC__ENCODING_UNKNOWN) {
    fc__call_end(call, FC_CODE_INTERNAL, "the response has an unknown grpc-encoding", now);
  } else {
    return false;
  }
  return true;
}

static void first_block(fc_call *call, const struct fc__h2_block *block, int64_t now) {
  if (is_refused(call, block, now)) return;
  if (!block->end_stream) {
    /* A status is trailers' business: one in headers that do not end the stream says nothing. */
    forget_status(call);
    call->headers_in = true;
    fc__call_notify(call, FC__EVENT_HEADERS);
    return;
  }
  /* Trailers-Only: what came is trailing metadata. */
  struct fc_metadata none = call->kept.trailing;
  call->kept.trailing = call->kept.initial;
  call->kept.initial = none;
  conclude(call, now);
}

void fc__response_block(fc_call *call, const struct fc__h2_block *block, int64_t now) {
  if (block->informational) {
    skip_informational(call);
    return;
  }
  fc__call_commit(call);
  fc__metadata_drop_secrets(&call->kept.sending); /* nobody sends them again */
  if (block->end_stream) call->remote_closed = true;
  if (block->too_large) {
    fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED,
                 "the response's metadata is larger than the limit", now);
  } else if (block->trailers) {
    conclude(call, now);
  } else {
    first_block(call, block, now);
  }
}
