/* DATA: flow control of both levels, content-length, and the payload on to the owner as it
 * comes. */
#include "http2/conn_internal.h"

/* Padding is never seen by the owner, so its window is given back here. */
static void credit_padding(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  uint32_t padding = c->in.frame.len - c->in.left;
  if (padding > 0) fc__h2_consume(c, s, padding);
}

/* RFC 9113 section 8.1.1 */
static bool length_is_right(const struct fc__h2_conn *c, struct fc__h2_stream *s) {
  if (!s->has_length) return true;
  if (c->in.left > s->length_left) return false;
  s->length_left -= c->in.left;
  return s->length_left == 0 || !(c->in.frame.flags & FC__H2_END_STREAM);
}

static void begin_on_stream(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  uint32_t len = c->in.frame.len;
  if (s->remote_end) {
    fc__h2_fail(c, FC__H2_STREAM_CLOSED, "DATA after END_STREAM");
  } else if (len > s->recv_window) {
    fc__h2_stream_error(c, s, FC__H2_FLOW_CONTROL_ERROR);
  } else if (!s->headers_seen || !length_is_right(c, s)) {
    fc__h2_stream_error(c, s, FC__H2_PROTOCOL_ERROR);
  } else {
    s->recv_window -= len;
    if (s->recv_window < c->stream_target / 2) fc__h2_flow_sample(c);
    credit_padding(c, s);
    c->data_stream = s;
  }
}

void fc__h2_recv_data(struct fc__h2_conn *c) {
  const struct fc__h2_frame *f = &c->in.frame;
  c->data_stream = NULL;
  c->traffic = true;
  if (!fc__h2_flow_arrived(c, f->len)) {
    fc__h2_fail(c, FC__H2_FLOW_CONTROL_ERROR, "DATA beyond the connection's window");
    return;
  }
  /* CVE-2019-9518: frames that carry nothing. */
  if (c->in.left == 0 && !(f->flags & FC__H2_END_STREAM)) fc__h2_charge(c);
  if (c->result) return;
  struct fc__h2_stream *s = fc__h2_table_find(&c->table, f->id);
  if (s) {
    begin_on_stream(c, s);
  } else {
    fc__h2_late_frame(c, f->id);
  }
}

void fc__h2_recv_data_piece(struct fc__h2_conn *c, fc_slice piece, bool last) {
  struct fc__h2_stream *s = c->data_stream;
  bool end = last && (c->in.frame.flags & FC__H2_END_STREAM);
  if (!s || (piece.len == 0 && !end)) return;
  s->remote_end = end;
  c->events->on_data(c->owner, s, piece, end);
  /* The owner may have reset it, or ended its side: then c->data_stream is gone. */
  if (c->data_stream && end) fc__h2_stream_half_ended(c, s);
}
