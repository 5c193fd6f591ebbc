/*
 * Bytes to frames. Frames are read where they lie: DATA and header fragments are passed on in
 * whatever pieces come, fixed parts are gathered only when they are split. So every fragmentation
 * gives the same events.
 */
#include <assert.h>

#include "http2/conn_internal.h"

enum { HTTP1 = 0x485454 }; /* "HTT" read as the length of a frame */

static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; /* RFC 9113 section 3.4 */

static void take_preface(struct fc__h2_conn *c, fc_slice *data) {
  while (data->len > 0 && c->in.gathered < sizeof PREFACE - 1) {
    if (data->data[0] != (uint8_t)PREFACE[c->in.gathered]) {
      fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "the client does not begin with the HTTP/2 preface");
      return;
    }
    data->data++, data->len--, c->in.gathered++;
  }
  if (c->in.gathered < sizeof PREFACE - 1) return;
  c->in.gathered = 0;
  c->in.state = FC__H2_IN_HEADER;
}

static inline fc_slice cut(fc_slice *data, size_t len) {
  fc_slice piece = {data->data, len};
  data->data += len;
  data->len -= len;
  return piece;
}

FC__H2_RARE static const uint8_t *gather(struct fc__h2_in *in, fc_slice *data, uint32_t need) {
  size_t missing = need - in->gathered;
  fc_slice piece = cut(data, data->len < missing ? data->len : missing);
  memcpy(in->gather + in->gathered, piece.data, piece.len);
  in->gathered += (uint32_t)piece.len;
  if (in->gathered < need) return NULL;
  in->gathered = 0;
  return in->gather;
}

/* The next need bytes in one run: where they lie, or gathered. NULL: more must come. */
static inline const uint8_t *take_run(struct fc__h2_in *in, fc_slice *data, uint32_t need) {
  if (in->gathered == 0 && data->len >= need) return cut(data, need).data;
  return gather(in, data, need);
}

/* ---- DATA, HEADERS, CONTINUATION ---- */

static inline void deliver(struct fc__h2_conn *c, fc_slice piece, bool last) {
  if (last) fc__h2_after_body(&c->in);
  if (c->in.frame.type == FC__H2_DATA) {
    fc__h2_recv_data_piece(c, piece, last);
  } else {
    fc__h2_recv_fragment(c, piece, last);
  }
}

FC__H2_RARE static void take_body(struct fc__h2_conn *c, fc_slice *data) {
  struct fc__h2_in *in = &c->in;
  fc_slice piece = cut(data, data->len < in->left ? data->len : in->left);
  in->left -= (uint32_t)piece.len;
  deliver(c, piece, in->left == 0);
}

static void begin_body(struct fc__h2_conn *c, fc_slice *data) {
  struct fc__h2_in *in = &c->in;
  if (c->result) return;
  if (data->len >= in->left) {
    deliver(c, cut(data, in->left), true);
  } else {
    in->state = FC__H2_IN_BODY;
    if (data->len > 0) take_body(c, data);
  }
}

static uint32_t prefix_len(const struct fc__h2_frame *f) {
  uint32_t len = f->flags & FC__H2_PADDED ? 1 : 0;
  return f->type == FC__H2_HEADERS && f->flags & FC__H2_HAS_PRIORITY ? len + 5 : len;
}

static void begin_message(struct fc__h2_conn *c, uint32_t depends_on, fc_slice *data) {
  if (c->in.frame.type == FC__H2_DATA) {
    fc__h2_recv_data(c);
  } else {
    fc__h2_recv_headers(c, depends_on);
  }
  begin_body(c, data);
}

/* Pad length and priority are there, prefix points to them: RFC 9113 sections 6.1 and 6.2. */
static void take_prefix(struct fc__h2_conn *c, const uint8_t *prefix, fc_slice *data) {
  const struct fc__h2_frame *f = &c->in.frame;
  uint32_t len = f->len - prefix_len(f), padding = 0, depends_on = 0;
  if (f->flags & FC__H2_PADDED) padding = *prefix++;
  if (padding > len) {
    fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "padding longer than the frame");
    return;
  }
  c->in.left = len - padding;
  c->in.skip = padding;
  if (prefix_len(f) >= 5) depends_on = fc__h2_get_u32(prefix) & FC__H2_ID_MAX;
  begin_message(c, depends_on, data);
}

static void begin_unprefixed(struct fc__h2_conn *c, fc_slice *data) {
  c->in.left = c->in.frame.len;
  c->in.skip = 0;
  begin_message(c, 0, data);
}

static void begin_prefixed(struct fc__h2_conn *c, fc_slice *data) {
  const struct fc__h2_frame *f = &c->in.frame;
  if (f->id == 0) {
    fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "DATA or HEADERS on stream 0");
    return;
  }
  uint32_t need = f->flags & (FC__H2_PADDED | FC__H2_HAS_PRIORITY) ? prefix_len(f) : 0;
  if (need > f->len) {
    fc__h2_fail(c, FC__H2_FRAME_SIZE_ERROR, "frame too short for its padding or priority");
  } else if (need > 0) {
    c->in.need = need;
    c->in.state = FC__H2_IN_PREFIX;
  } else {
    begin_unprefixed(c, data);
  }
}

static void begin_continuation(struct fc__h2_conn *c, fc_slice *data) {
  c->in.left = c->in.frame.len;
  c->in.skip = 0;
  fc__h2_recv_continuation(c);
  begin_body(c, data);
}

/* ---- dispatch ---- */

static void begin_unknown(struct fc__h2_conn *c) {
  fc__h2_charge(c);
  c->in.skip = c->in.frame.len;
  fc__h2_after_body(&c->in);
}

static bool frame_may_come(struct fc__h2_conn *c) {
  const struct fc__h2_frame *f = &c->in.frame;
  if (f->len > c->config.max_frame_size) {
    bool http1 = !c->server && !c->peer_settings_seen && f->len == HTTP1;
    fc__h2_fail(c, http1 ? FC__H2_PROTOCOL_ERROR : FC__H2_FRAME_SIZE_ERROR,
                http1 ? "the server answers in HTTP/1" : "frame longer than allowed");
    return false;
  }
  if (!c->peer_settings_seen && (f->type != FC__H2_SETTINGS || f->flags & FC__H2_ACK)) {
    fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "the first frame is not SETTINGS");
    return false;
  }
  if (c->block.active && (f->type != FC__H2_CONTINUATION || f->id != c->block.id)) {
    fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "another frame inside a header block");
    return false;
  }
  return true;
}

FC__H2_RARE static void begin_frame(struct fc__h2_conn *c, fc_slice *data) {
  if (!frame_may_come(c)) return;
  switch (c->in.frame.type) {
    case FC__H2_DATA:
    case FC__H2_HEADERS:
      begin_prefixed(c, data);
      break;
    case FC__H2_CONTINUATION:
      begin_continuation(c, data);
      break;
    case FC__H2_PRIORITY:
    case FC__H2_RST_STREAM:
    case FC__H2_SETTINGS:
    case FC__H2_PING:
    case FC__H2_GOAWAY:
    case FC__H2_WINDOW_UPDATE:
      fc__h2_begin_control(c);
      break;
    case FC__H2_PUSH_PROMISE: /* sections 6.6, 8.4: clients never push, servers must not to us */
      fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "PUSH_PROMISE although push is off");
      break;
    default:
      begin_unknown(c);
      break;
  }
}

/* Nearly every frame: DATA or HEADERS with nothing in front of the body. The rest is judged one
 * rule at a time. */
static bool is_plain(const struct fc__h2_conn *c, const struct fc__h2_frame *f) {
  return f->type <= FC__H2_HEADERS && !(f->flags & (FC__H2_PADDED | FC__H2_HAS_PRIORITY)) &&
         f->id != 0 && f->len <= c->config.max_frame_size && c->peer_settings_seen &&
         !c->block.active;
}

static void take_header(struct fc__h2_conn *c, fc_slice *data) {
  const uint8_t *header = take_run(&c->in, data, FC__H2_HEADER_LEN);
  if (!header) return;
  if (!fc__list_empty(&c->done)) fc__h2_report_done(c);
  struct fc__h2_frame f = c->in.frame = fc__h2_frame_read(header);
  if (is_plain(c, &f)) {
    begin_unprefixed(c, data);
  } else {
    begin_frame(c, data);
  }
}

/* Inside a frame, or the preface. */
FC__H2_RARE static void go_on(struct fc__h2_conn *c, fc_slice *data) {
  struct fc__h2_in *in = &c->in;
  const uint8_t *run;
  switch (in->state) {
    case FC__H2_IN_PREFACE:
      take_preface(c, data);
      break;
    case FC__H2_IN_BODY:
      take_body(c, data);
      break;
    case FC__H2_IN_PREFIX:
      if ((run = take_run(in, data, in->need))) take_prefix(c, run, data);
      break;
    case FC__H2_IN_CONTROL:
      if ((run = take_run(in, data, in->need))) fc__h2_take_control(c, run);
      break;
    case FC__H2_IN_SKIP:
      in->skip -= (uint32_t)cut(data, data->len < in->skip ? data->len : in->skip).len;
      if (in->skip == 0) in->state = FC__H2_IN_HEADER;
      break;
    default:
      assert(in->state != FC__H2_IN_HEADER && "between frames a header is taken");
  }
}

int fc__h2_receive(struct fc__h2_conn *c, fc_slice data, int64_t now) {
  c->now = now;
  while (data.len > 0 && c->result == 0) {
    if (c->in.state == FC__H2_IN_HEADER) {
      take_header(c, &data);
    } else {
      go_on(c, &data);
    }
  }
  if (!fc__list_empty(&c->done)) fc__h2_report_done(c);
  if (c->block.active && c->block.deadline == FC_NEVER) {
    c->block.deadline = fc__h2_after(now, c->config.settings_timeout);
  }
  return c->result;
}
