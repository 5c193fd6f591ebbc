/*
 * Messages on their way out: compressed, framed, given to the stream. Until the peer is known to have processed
 * something of a client's call its messages are also kept, so that a call that the server did not take can be made
 * again (gRFC A6), at most FC__REPLAY_MAX bytes of them.
 */
#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "call/internal.h"

fc_result fc__call_check_length(const struct fc__call_owner *owner, size_t len, fc_error *err) {
  if (len <= owner->max_send) return FC_OK;
  bool chosen = owner->max_send < FC__MESSAGE_MAX;
  return fc__error(err, FC_ERR_LIMIT, "the message has %zu bytes, %s allows %zu", len,
                   chosen ? "max_send_message_bytes" : "the length prefix of gRPC",
                   owner->max_send);
}

fc_result fc__call_explain_limit(const fc_call *call, const fc_bytes *message, fc_error *err) {
  fc_result r = fc__call_check_length(call->owner, fc_bytes_slice(message).len, err);
  return r == FC_OK
             ? fc__error(err, FC_ERR_LIMIT, "a hook has made the message longer than %zu bytes",
                         call->owner->max_send)
             : r;
}

fc_bytes *fc__call_copy(const struct fc__call_owner *owner, fc_slice bytes) {
  return bytes.len <= owner->max_send ? fc_bytes_copy(bytes.data, bytes.len)
                                      : fc_bytes_wrap(bytes.data, bytes.len, NULL, NULL);
}

void fc__call_drop_outgoing(fc_call *call) {
  for (uint32_t i = 0; i < call->outgoing_count; i++) {
    fc__bytes_discard(&call->loop->garbage, call->kept.outgoing[i].body);
  }
  call->outgoing_count = 0;
  call->outgoing_bytes = 0;
}

void fc__call_commit(fc_call *call) {
  call->committed = true;
  if (call->outgoing_count) fc__call_drop_outgoing(call);
}

/* Messages wait for a connection in the call itself; there is room as long as they could all be kept for a retry. */
bool fc__call_may_send(const fc_call *call) {
  if (call->over) return false;
  if (call->stream.open || (call->server && !call->started))
    return call->stream.queued <= FC__H2_LOW_WATER;
  return call->outgoing_bytes <= FC__H2_LOW_WATER;
}

static fc_result transmit(fc_call *call, const struct fc__outgoing *m) {
  uint8_t prefix[FC__MESSAGE_PREFIX];
  fc_slice body = fc_bytes_slice(m->body);
  fc__message_prefix(prefix, body.len, m->compressed);
  fc_slice head = {prefix, sizeof prefix};
  fc_result r = fc__h2_send(call->link->h2, &call->stream, head, m->body, (fc_slice){0}, m->last);
  /* Nothing follows before what is there has gone: without room nobody can send the rest. */
  if (r == FC_OK && (!m->more || !fc__call_may_send(call))) fc__link_touch(call->link);
  return r;
}

static bool keep(fc_call *call, const struct fc__outgoing *m) {
  struct fc__call_kept *k = &call->kept;
  if (call->outgoing_count == k->outgoing_cap) {
    uint32_t cap = k->outgoing_cap ? 2 * k->outgoing_cap : 4;
    struct fc__outgoing *grown = fc__resize(k->outgoing, cap * sizeof *grown);
    if (!grown) return false;
    k->outgoing = grown;
    k->outgoing_cap = cap;
  }
  k->outgoing[call->outgoing_count++] = *m;
  call->outgoing_bytes += fc_bytes_slice(m->body).len + FC__MESSAGE_PREFIX;
  return true;
}

/* Compression that saves nothing is not used: the flag of each message says. */
static fc_result encode(fc_call *call, fc_bytes *message, unsigned flags,
                        struct fc__outgoing *out) {
  out->body = message;
  out->compressed = false;
  out->last = flags & FC_SEND_LAST;
  out->more = flags & FC_SEND_MORE;
  if (call->send_encoding == FC__ENCODING_IDENTITY || (flags & FC_SEND_UNCOMPRESSED)) return FC_OK;
  fc_slice plain = fc_bytes_slice(message);
  if (plain.len == 0) return FC_OK;
  fc_bytes *small;
  fc_result r = fc__compress(call->send_encoding, plain, plain.len - 1, &small);
  if (r == FC_ERR_LIMIT) return FC_OK;
  if (r != FC_OK) return r;
  out->body = small;
  out->compressed = true;
  return FC_OK;
}

/* Keeps the body, sends it, or both. Takes it over on success. */
static fc_result pass_on(fc_call *call, const struct fc__outgoing *m) {
  bool attached = call->stream.open;
  size_t size = fc_bytes_slice(m->body).len;
  if (attached && !call->committed && call->outgoing_bytes + size > FC__REPLAY_MAX)
    fc__call_commit(call);
  bool kept = !call->server && !call->committed;
  if (kept && !keep(call, m)) return FC_ERR_NO_MEMORY;
  if (!attached) return FC_OK;
  fc_result r = transmit(call, m);
  if (kept && r != FC_OK) {
    call->outgoing_count--;
    call->outgoing_bytes -= size + FC__MESSAGE_PREFIX;
  }
  if (!kept && r == FC_OK) fc__bytes_discard(&call->loop->garbage, m->body);
  return r;
}

fc_result fc__call_queue(fc_call *call, fc_bytes *message, unsigned flags) {
  struct fc__outgoing m;
  fc_result r = call->server && !call->started ? fc__reply_headers(call, NULL) : FC_OK;
  if (r == FC_OK) r = encode(call, message, flags, &m);
  if (r != FC_OK) return r;
  r = pass_on(call, &m);
  if (r != FC_OK) {
    if (m.body != message) fc_bytes_unref(m.body);
    return r;
  }
  if (m.body != message) fc__bytes_discard(&call->loop->garbage, message);
  call->sent_count++;
  if (m.last) call->send_closed = true;
  return FC_OK;
}

/* A peer that is not told of the end would wait for it, and the call for the peer. */
void fc__call_send_end(fc_call *call, int64_t now) {
  struct fc__link *link = call->link;
  if (fc__h2_send_end(link->h2, &call->stream) == FC_ERR_NO_MEMORY) {
    fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED, "out of memory", now);
  }
  fc__link_touch(link);
}

void fc__call_send_kept(fc_call *call, int64_t now) {
  bool ended = false, was_full = call->outgoing_bytes > FC__H2_LOW_WATER;
  for (uint32_t i = 0; i < call->outgoing_count; i++) {
    const struct fc__outgoing *m = &call->kept.outgoing[i];
    if (transmit(call, m) != FC_OK) {
      fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED, "out of memory", now);
      return;
    }
    ended = m->last;
  }
  if (call->outgoing_bytes > FC__REPLAY_MAX) fc__call_commit(call);
  /* The stream tells of room only where its queue was full; it need not have been. */
  if (was_full && fc__call_may_send(call)) fc__call_notify(call, FC__EVENT_SEND);
  if (call->send_closed && !ended && !call->stream.local_end && !call->stream.end_queued)
    fc__call_send_end(call, now);
}
