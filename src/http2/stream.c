/*
 * One stream in its connection: opened, ended by each side, reset, closed. An end is reported by
 * on_closed after the frame that brought it, or with the next output when our own END_STREAM was
 * the last: never inside a function that the owner called for the stream.
 */
#include <assert.h>

#include "http2/conn_internal.h"

bool fc__h2_stream_open(struct fc__h2_conn *c, struct fc__h2_stream *s, uint32_t id) {
  s->id = id;
  if (!fc__h2_table_add(&c->table, s)) return false;
  s->conn = c;
  s->open = true;
  s->send_window = c->peer_initial_window;
  s->recv_window = c->window_unacked ? FC__H2_DEFAULT_WINDOW : c->stream_target;
  fc__node_init(&s->ready);
  fc__list_push_back(&c->all, &s->all);
  return true;
}

void fc__h2_stream_detach(struct fc__h2_conn *c, struct fc__h2_stream *s, enum fc__h2_past how) {
  fc__h2_table_remove(&c->table, s);
  fc__h2_history_close(&c->history, s->id, how);
  fc__list_remove(&s->all);
  fc__list_remove(&s->ready);
  if (s->first_chunk || s->trailers.data) fc__h2_drop_queue(c, s);
  if (c->block.stream == s) c->block.stream = NULL;
  if (c->data_stream == s) c->data_stream = NULL;
}

void fc__h2_stream_close(struct fc__h2_conn *c, struct fc__h2_stream *s, enum fc__h2_past how,
                         uint32_t code, bool remote) {
  fc__h2_stream_detach(c, s, how);
  s->open = false;
  c->events->on_closed(c->owner, s, code, remote);
}

static void report_later(struct fc__h2_conn *c, struct fc__h2_stream *s, enum fc__h2_past how) {
  fc__h2_stream_detach(c, s, how);
  s->done = true;
  fc__list_push_back(&c->done, &s->ready);
}

void fc__h2_stream_half_ended(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  if (!s->remote_end || !fc__h2_sent_all(s)) return;
  if (!s->rejected) fc__h2_bucket_give(&c->bucket);
  report_later(c, s, FC__H2_ENDED);
}

void fc__h2_report_done(struct fc__h2_conn *c) {
  for (struct fc__node *n; (n = fc__list_first(&c->done));) {
    struct fc__h2_stream *s = FC__CONTAINER(n, struct fc__h2_stream, ready);
    fc__list_remove(n);
    s->done = s->open = false;
    c->events->on_closed(c->owner, s, FC__H2_NO_ERROR, false);
  }
}

/* The whole answer has left before the request has come: the client is told to stop, without an
 * error, RFC 9113 section 8.1. Free of charge, since an honest client that streams cannot
 * prevent it. */
static void stop_sender(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  fc__h2_put_u32_frame(c, FC__H2_RST_STREAM, s->id, FC__H2_NO_ERROR);
  report_later(c, s, FC__H2_LOCAL_RESET);
}

void fc__h2_send_ended(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  s->end_queued = false;
  if (c->server && !s->remote_end) {
    stop_sender(c, s);
  } else {
    fc__h2_stream_half_ended(c, s);
  }
}

void fc__h2_stream_error(struct fc__h2_conn *c, struct fc__h2_stream *s, uint32_t code) {
  fc__h2_put_u32_frame(c, FC__H2_RST_STREAM, s->id, code);
  fc__h2_stream_close(c, s, FC__H2_LOCAL_RESET, code, false);
  fc__h2_charge(c);
}

void fc__h2_late_frame(struct fc__h2_conn *c, uint32_t id) {
  switch (fc__h2_history_find(&c->history, id)) {
    case FC__H2_IDLE:
      fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "frame on an idle stream");
      break;
    case FC__H2_NEVER_OPENED:
      fc__h2_fail(c, FC__H2_PROTOCOL_ERROR, "frame on a stream whose id was skipped");
      break;
    case FC__H2_ENDED:
      fc__h2_fail(c, FC__H2_STREAM_CLOSED, "frame after END_STREAM");
      break;
    case FC__H2_PEER_RESET:
      fc__h2_put_u32_frame(c, FC__H2_RST_STREAM, id, FC__H2_STREAM_CLOSED);
      fc__h2_charge(c);
      break;
    case FC__H2_LOCAL_RESET:
    case FC__H2_FORGOTTEN: /* perhaps one of very many that were reset together */
      break;
  }
}

/* ---- called by the owner ---- */

/* Resets of the server's own making are CANCEL and NO_ERROR (a deadline, a shutdown). Others
 * answer something that the client did, and count like those it sends: "MadeYouReset",
 * CVE-2025-8671. */
static bool is_provoked(const struct fc__h2_conn *c, uint32_t code) {
  return c->server && code != FC__H2_CANCEL && code != FC__H2_NO_ERROR;
}

void fc__h2_reset(struct fc__h2_conn *c, struct fc__h2_stream *s, uint32_t code) {
  if (!s->open) return;
  assert(s->conn == c && "a stream is reset on its own connection");
  s->open = false;
  if (s->done) {
    s->done = false;
    fc__list_remove(&s->ready);
    return;
  }
  s->reset_sent = true;
  if (c->result == 0) {
    uint8_t payload[4];
    fc__h2_put_u32(payload, code);
    fc__h2_put_frame(c, FC__H2_RST_STREAM, 0, s->id, payload, sizeof payload);
  }
  fc__h2_stream_detach(c, s, FC__H2_LOCAL_RESET);
  if (is_provoked(c, code)) fc__h2_charge(c);
}

void fc__h2_reject(struct fc__h2_conn *c, struct fc__h2_stream *s) {
  s->rejected = true;
  fc__h2_charge(c);
}
