/*
 * Messages on their way in: taken out of the stream's bytes, expanded, queued. The peer's window is
 * given back as the application takes messages, so that an application that does not read holds the
 * peer up, and nobody else. The window counts compressed bytes: of those that wait only a few are
 * expanded ahead, the rest is only checked.
 */
#include "base/bytes.h"
#include "call/internal.h"

enum { EXPAND_AHEAD = 256 * 1024 }; /* and one message of any size */

/* A message of no bytes takes memory too, and a window holds many of them. */
static size_t cost(const fc_bytes *message) { return sizeof *message + message->len; }

static void count_partial(fc_call *call) {
  const fc_bytes *partial = call->deframer.partial;
  size_t bytes = partial ? partial->len : 0;
  call->owner->buffered += bytes - call->partial_counted;
  call->partial_counted = bytes;
}

void fc__call_drop_messages(fc_call *call) {
  for (fc_bytes *m; (m = call->messages_first);) {
    call->messages_first = m->next;
    call->owner->buffered -= cost(m);
    fc_bytes_unref(m);
  }
  call->messages_last = NULL;
  call->queued_count = 0;
  call->ready_bytes = 0;
  fc__deframer_finish(&call->deframer);
  count_partial(call);
}

/* A WINDOW_UPDATE may wait to be written; or there was no memory for one, and the link is to
 * notice. */
static void announce(fc_call *call) {
  struct fc__h2_conn *h2 = call->link->h2;
  uint32_t code;
  if (fc__h2_wants_write(h2) || *fc__h2_failure(h2, &code)) fc__link_touch(call->link);
}

static void credit(fc_call *call, size_t len) {
  if (len == 0) return;
  call->uncredited -= len;
  if (!call->stream.open || call->remote_closed) return;
  fc__h2_consume(call->link->h2, &call->stream, len);
  announce(call);
}

/* Somebody is there for the next message: of a side that sends one message it is always wanted. */
static bool is_wanted(const fc_call *call) {
  unsigned one = call->server ? FC_PATTERN_UNARY_STREAM : FC_PATTERN_STREAM_UNARY;
  return (call->pattern & one) || call->receiving || call->recv_op.state == FC__OP_PENDING;
}

/* A message that is waited for may be larger than the window. */
void fc__call_want_message(fc_call *call) {
  if (call->queued_count > 0 || !call->stream.open || call->remote_closed) return;
  credit(call, call->uncredited);
  const struct fc__deframer *d = &call->deframer;
  if (d->partial && d->message_len > d->partial->len) {
    fc__h2_expect(call->link->h2, &call->stream, d->message_len - d->partial->len);
    announce(call);
  }
}

bool fc__call_has_result(const fc_call *call) {
  if (call->over) return true;
  if (!call->server && (call->pattern & FC_PATTERN_STREAM_UNARY)) return false;
  return call->messages_first || (call->server && call->remote_closed);
}

/* The first message, expanded; it was checked before. */
static bool unpack_first(fc_call *call) {
  fc_bytes *m = call->messages_first, *plain;
  fc_result r =
      fc__decompress(call->recv_encoding, fc_bytes_slice(m), call->owner->max_receive, &plain);
  if (r != FC_OK) {
    fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED, "out of memory", fc__loop_now(call->loop));
    return false;
  }
  plain->next = m->next;
  if (call->messages_last == m) call->messages_last = plain;
  call->messages_first = plain;
  call->ready_bytes += plain->len;
  call->owner->buffered += plain->len - m->len;
  fc_bytes_unref(m);
  return true;
}

fc_bytes *fc__call_take(fc_call *call) {
  /* The one response of a call counts only with the status OK. */
  if (!call->server && (call->pattern & FC_PATTERN_STREAM_UNARY) &&
      call->status.code != FC_CODE_OK) {
    return NULL;
  }
  if (!call->messages_first) return NULL;
  if (call->messages_first->packed && !unpack_first(call)) return NULL;
  fc_bytes *m = call->messages_first;
  call->messages_first = m->next;
  call->ready_bytes -= m->len;
  if (!m->next) call->messages_last = NULL;
  m->next = NULL;
  call->owner->buffered -= cost(m);
  /* Each queued message stands for its share of what came: the sum is right when the queue is empty. */
  credit(call, call->uncredited / call->queued_count);
  call->queued_count--;
  return m;
}

static void push(fc_call *call, fc_bytes *message) {
  message->next = NULL;
  if (call->messages_last) {
    call->messages_last->next = message;
  } else {
    call->messages_first = message;
  }
  call->messages_last = message;
  call->queued_count++;
  if (!message->packed) call->ready_bytes += message->len;
  call->owner->buffered += cost(message);
}

static const char *side(const fc_call *call) { return call->server ? "SERVER" : "CLIENT"; }

static void refuse_packed(fc_call *call, fc_result r, int64_t now) {
  if (r == FC_ERR_LIMIT) {
    fc__call_endf(call, now, FC_CODE_RESOURCE_EXHAUSTED,
                  "%s: Received message expands to more than max (%zu)", side(call),
                  call->owner->max_receive);
  } else if (r == FC_ERR_NO_MEMORY) {
    fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED, "out of memory", now);
  } else {
    fc__call_endf(call, now, FC_CODE_INTERNAL, "a message is not valid %s data",
                  fc__encoding_name(call->recv_encoding));
  }
}

static fc_result expand(fc_call *call, fc_bytes **message) {
  fc_slice packed = fc_bytes_slice(*message);
  size_t max = call->owner->max_receive;
  fc_bytes *plain;
  (*message)->packed = call->ready_bytes >= EXPAND_AHEAD;
  if ((*message)->packed) return fc__decompress_check(call->recv_encoding, packed, max);
  fc_result r = fc__decompress(call->recv_encoding, packed, max, &plain);
  if (r != FC_OK) return r;
  fc_bytes_unref(*message);
  *message = plain;
  return FC_OK;
}

static bool take_compressed(fc_call *call, fc_bytes **message, int64_t now) {
  if (call->recv_encoding == FC__ENCODING_IDENTITY) {
    fc__call_end(call, FC_CODE_INTERNAL,
                 "a message is marked as compressed, but no grpc-encoding was given", now);
    return false;
  }
  fc_result r = expand(call, message);
  if (r != FC_OK) refuse_packed(call, r, now);
  return r == FC_OK;
}

/* One whole message. False: the call has ended. */
static bool take_in(fc_call *call, fc_bytes *message, bool compressed, int64_t now) {
  call->received_count++;
  unsigned one = call->server ? FC_PATTERN_UNARY_STREAM : FC_PATTERN_STREAM_UNARY;
  if ((call->pattern & one) && call->received_count > 1) {
    fc__call_end(call, FC_CODE_UNIMPLEMENTED, "more than one message came, where one is due", now);
  } else if (!compressed || take_compressed(call, &message, now)) {
    push(call, message);
    return true;
  }
  fc_bytes_unref(message);
  return false;
}

static void refuse(fc_call *call, fc_result r, int64_t now) {
  if (r == FC_ERR_LIMIT) {
    fc__call_endf(call, now, FC_CODE_RESOURCE_EXHAUSTED,
                  "%s: Received message larger than max (%zu vs. %zu)", side(call),
                  call->deframer.message_len, call->owner->max_receive);
  } else if (r == FC_ERR_NO_MEMORY) {
    fc__call_end(call, FC_CODE_RESOURCE_EXHAUSTED, "out of memory", now);
  } else {
    fc__call_end(call, FC_CODE_INTERNAL, "a message has an illegal compression flag", now);
  }
}

static void deframe(fc_call *call, fc_slice data, int64_t now) {
  while (!call->over && data.len > 0) {
    fc_bytes *message;
    bool compressed;
    fc_result r =
        fc__deframer_next(&call->deframer, &data, call->owner->max_receive, &message, &compressed);
    if (r == FC_END) break;
    if (r != FC_OK) {
      refuse(call, r, now);
    } else if (take_in(call, message, compressed, now)) {
      fc__call_notify(call, FC__EVENT_MESSAGE);
    }
  }
  count_partial(call);
}

static void end_of_request(fc_call *call, int64_t now) {
  fc__request_ended(call, now);
  if (!call->over) fc__call_notify(call, FC__EVENT_MESSAGE);
}

void fc__call_data(fc_call *call, fc_slice data, bool end_stream, int64_t now) {
  call->uncredited += data.len;
  if (end_stream) call->remote_closed = true;
  fc__call_ref(call);
  bool grpc = !call->server || call->header.grpc;
  if (!call->over && grpc) deframe(call, data, now);
  if (call->over || !grpc) {
    credit(call, call->uncredited);
    if (end_stream && !grpc) fc__request_ended(call, now);
  } else if (end_stream && call->server) {
    end_of_request(call, now);
  } else if (end_stream) {
    fc__call_end(call, FC_CODE_INTERNAL, "the server ended the stream without a status", now);
  } else if (is_wanted(call)) {
    fc__call_want_message(call);
  }
  fc__call_unref(call);
}
