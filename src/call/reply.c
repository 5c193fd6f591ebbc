/* A server's answer: response headers, trailers, or both in one block. Spec: PROTOCOL-HTTP2.md, Responses */
#include <stdio.h>

#include "base/buf.h"
#include "call/internal.h"
#include "wire/base64.h"
#include "wire/percent.h"

#define TEXT(s)                                                                                    \
  { (const uint8_t *)(s), sizeof(s) - 1 }

static const struct fc__h2_replay_field response_fields[] = {
    {TEXT(":status"), TEXT("200")},
    {TEXT("content-type"), TEXT("application/grpc")},
    {TEXT("grpc-accept-encoding"), TEXT(FC__ENCODING_ACCEPTED)},
};

static const struct fc__h2_replay_field ok_fields[] = {{TEXT("grpc-status"), TEXT("0")}};

static void begin_response(fc_call *call, struct fc__h2_conn *h2, struct fc__link *link) {
  fc__h2_block_replay(h2, &link->headers_replay, response_fields,
                      sizeof response_fields / sizeof *response_fields);
  call->started = true;
}

fc_result fc__reply_headers(fc_call *call, const struct fc_metadata *metadata) {
  struct fc__link *link = call->link;
  if (!link || !call->stream.open) return FC_ERR_CLOSED;
  /* compression.md: a server must not use what the client does not accept. */
  if (!(call->peer_accepts & (1U << call->send_encoding)))
    call->send_encoding = FC__ENCODING_IDENTITY;
  fc__h2_block_begin(link->h2, &call->stream);
  begin_response(call, link->h2, link);
  if (call->send_encoding != FC__ENCODING_IDENTITY) {
    fc__block_text(link->h2, "grpc-encoding", fc__encoding_name(call->send_encoding),
                   FC__HPACK_INDEX);
  }
  fc_result filled = fc__block_metadata(link->h2, metadata);
  fc_result r = fc__h2_block_end(link->h2, &call->stream, false);
  if (filled != FC_OK && r == FC_OK) {
    fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED, "out of memory for metadata",
                 fc__loop_now(call->loop));
    return filled;
  }
  call->started = r == FC_OK;
  if (r == FC_OK) fc__link_touch(link);
  return r;
}

/* Adds name with what write() makes of bytes; without memory for it the field is left out. */
static void block_encoded(struct fc__h2_conn *h2, const char *name, fc_slice bytes,
                          bool (*write)(struct fc__buf *out, fc_slice bytes)) {
  struct fc__buf b;
  if (bytes.len == 0) return;
  fc__buf_init(&b, SIZE_MAX);
  if (write(&b, bytes)) {
    fc__h2_block_field(h2, fc_slice_from_string(name), (fc_slice){b.data, b.len},
                       FC__HPACK_LITERAL);
  }
  fc__buf_finish(&b);
}

static bool write_base64(struct fc__buf *out, fc_slice bytes) {
  size_t len = fc__base64_encoded_len(bytes.len);
  uint8_t *at = fc__buf_reserve(out, len);
  if (!at) return false;
  fc__base64_encode(bytes, at);
  out->len += len;
  return true;
}

static fc_result trailers_block(fc_call *call, struct fc__link *link, fc_code code,
                                fc_slice message, fc_slice details,
                                const struct fc_metadata *metadata) {
  bool was_started = call->started;
  fc__h2_block_begin(link->h2, &call->stream);
  if (!call->started) begin_response(call, link->h2, link);
  if (code == FC_CODE_OK) {
    fc__h2_block_replay(link->h2, &link->trailers_replay, ok_fields, 1);
  } else {
    char digits[12];
    snprintf(digits, sizeof digits, "%d", (int)code);
    fc__block_text(link->h2, "grpc-status", digits, FC__HPACK_INDEX);
  }
  block_encoded(link->h2, "grpc-message", message, fc__percent_encode);
  block_encoded(link->h2, "grpc-status-details-bin", details, write_base64);
  (void)fc__block_metadata(link->h2, metadata);
  fc_result r = fc__h2_block_end(link->h2, &call->stream, true);
  if (r != FC_OK) call->started = was_started;
  return r;
}

fc_result fc__reply_trailers(fc_call *call, fc_code code, fc_slice message, fc_slice details) {
  struct fc__link *link = call->link;
  if (!link || !call->stream.open) return FC_ERR_CLOSED;
  fc_result r = trailers_block(call, link, code, message, details, &call->kept.sending);
  /* More than the client takes (SETTINGS_MAX_HEADER_LIST_SIZE): the status alone is. */
  if (r == FC_ERR_LIMIT)
    r = trailers_block(call, link, FC_CODE_RESOURCE_EXHAUSTED, (fc_slice){0}, (fc_slice){0}, NULL);
  if (r == FC_OK) fc__link_touch(link);
  return r;
}

void fc__reply_not_grpc(fc_call *call, int64_t now) {
  static const char text[] = "This is a gRPC server: content-type must be application/grpc.\n";
  struct fc__link *link = call->link;
  fc__h2_block_begin(link->h2, &call->stream);
  fc__block_text(link->h2, ":status", "415", FC__HPACK_LITERAL);
  fc__block_text(link->h2, "content-type", "text/plain", FC__HPACK_LITERAL);
  if (fc__h2_block_end(link->h2, &call->stream, false) == FC_OK) {
    (void)fc__h2_send(link->h2, &call->stream, (fc_slice){0}, NULL, fc_slice_from_string(text),
                      true);
  }
  fc__link_touch(link);
  fc__call_end(call, FC_CODE_UNKNOWN, "the request is not gRPC", now);
}
