/*
 * What requests and responses have in common: fields that become metadata, content types, and the events of a
 * connection, told to the calls that they are about.
 */
#include <string.h>

#include "base/bytes.h"
#include "call/events.h"
#include "call/internal.h"

void fc__call_header_wrong(fc_call *call, fc_code code, const char *text) {
  if (call->header.text) return;
  call->header.code = code;
  call->header.text = text;
}

/* "application/grpc", with parameters, "+proto" or "+" anything: the last is another format. Spec:
 * PROTOCOL-HTTP2.md, Content-Type */
bool fc__content_type_is_grpc(fc_slice value, bool *other_format) {
  static const char base[] = "application/grpc", proto[] = "+proto";
  const size_t base_len = sizeof base - 1, proto_len = sizeof proto - 1;
  *other_format = false;
  if (value.len < base_len || memcmp(value.data, base, base_len) != 0) return false;
  fc_slice rest = {value.data + base_len, value.len - base_len};
  if (rest.len == 0 || rest.data[0] == ';') return true;
  if (rest.data[0] != '+') return false;
  bool is_proto = rest.len >= proto_len && memcmp(rest.data, proto, proto_len) == 0 &&
                  (rest.len == proto_len || rest.data[proto_len] == ';');
  *other_format = !is_proto;
  return true;
}

void fc__call_field(fc_call *call, const struct fc__field *field, bool trailers) {
  struct fc_metadata *to = trailers ? &call->kept.trailing : &call->kept.initial;
  fc_result r;
  if (field->judged && (*field->judged & FC__JUDGED_METADATA)) {
    r = fc__metadata_add_slice(to, field->name, field->value);
  } else {
    size_t before = to->count;
    r = fc__metadata_add_wire(to, field->name, field->value);
    bool taken = r == FC_OK && to->count > before && !fc__metadata_key_is_binary(field->name);
    if (taken && field->judged) *field->judged |= FC__JUDGED_METADATA;
  }
  if (r == FC_ERR_NO_MEMORY) {
    fc__call_header_wrong(call, FC_CODE_RESOURCE_EXHAUSTED, "out of memory for metadata");
  } else if (r == FC_ERR_LIMIT) {
    fc__call_header_wrong(call, FC_CODE_RESOURCE_EXHAUSTED, "a metadata field has too many values");
  } else if (r != FC_OK) {
    fc__call_header_wrong(call, FC_CODE_INTERNAL, "a binary metadata value is not base64");
  }
}

/* ---- the engine's events ---- */

static fc_call *call_of(struct fc__h2_stream *s) { return FC__CONTAINER(s, fc_call, stream); }

static struct fc__h2_stream *on_open(void *owner, uint32_t id) {
  struct fc__link *link = owner;
  (void)id;
  fc_call *call = link->ops->new_call ? link->ops->new_call(link, fc__loop_now(link->loop)) : NULL;
  return call ? &call->stream : NULL;
}

static void on_field(void *owner, struct fc__h2_stream *s, const struct fc__field *field,
                     bool trailers) {
  fc_call *call = call_of(s);
  (void)owner;
  if (call->over) return;
  if (call->server) {
    if (!trailers) fc__request_field(call, field);
  } else {
    fc__response_field(call, field, trailers);
  }
}

static bool on_run(void *owner, struct fc__h2_stream *s) {
  return fc__repeat_keep(call_of(s), owner);
}

static void on_run_again(void *owner, struct fc__h2_stream *s) {
  fc__repeat_apply(call_of(s), owner);
}

static void on_block(void *owner, struct fc__h2_stream *s, const struct fc__h2_block *block) {
  fc_call *call = call_of(s);
  struct fc__link *link = owner;
  int64_t now = fc__loop_now(link->loop);
  if (call->over) return;
  if (call->server) {
    fc__request_block(call, block, now);
  } else {
    fc__response_block(call, block, now);
  }
}

static void on_data(void *owner, struct fc__h2_stream *s, fc_slice data, bool end_stream) {
  struct fc__link *link = owner;
  fc__call_data(call_of(s), data, end_stream, fc__loop_now(link->loop));
}

static void on_closed(void *owner, struct fc__h2_stream *s, uint32_t code, bool remote) {
  struct fc__link *link = owner;
  fc__call_stream_closed(call_of(s), code, remote, fc__loop_now(link->loop));
}

static void on_writable(void *owner, struct fc__h2_stream *s) {
  (void)owner;
  fc__call_notify(call_of(s), FC__EVENT_SEND);
}

static void on_goaway(void *owner, uint32_t last_id, uint32_t code, fc_slice debug) {
  struct fc__link *link = owner;
  (void)last_id;
  fc__link_went_away(link, code, debug, fc__loop_now(link->loop));
}

static void on_settings(void *owner) {
  struct fc__link *link = owner;
  bool first = !link->up;
  int64_t now = fc__loop_now(link->loop);
  link->up = true;
  if (first && link->ops->on_up) link->ops->on_up(link, now);
  if (!link->down) link->ops->on_room(link, now);
}

static void on_ping_ack(void *owner, uint64_t opaque, int64_t now) {
  struct fc__link *link = owner;
  if (opaque > 1 && link->ops->on_pong) link->ops->on_pong(link, opaque, now);
}

static void on_release(void *owner, fc_bytes *body) {
  struct fc__link *link = owner;
  fc__bytes_discard(&link->loop->garbage, body);
}

const struct fc__h2_events fc__call_events = {
    .on_open = on_open,
    .on_field = on_field,
    .on_block = on_block,
    .on_run = on_run,
    .on_run_again = on_run_again,
    .on_data = on_data,
    .on_closed = on_closed,
    .on_writable = on_writable,
    .on_goaway = on_goaway,
    .on_settings = on_settings,
    .on_ping_ack = on_ping_ack,
    .on_release = on_release,
};
