#ifndef FC_HTTP2_CONN_INTERNAL_H
#define FC_HTTP2_CONN_INTERNAL_H
/*
 * The inside of a connection, for the files of the engine:
 *
 *   conn.c           life cycle, errors, deadlines, GOAWAY and PING that we send
 *   receive.c        bytes to frames, their dispatch
 *   recv_headers.c   HEADERS and CONTINUATION     recv_data.c     DATA
 *   run.c            header fields that come again with each call
 *   recv_control.c   PING, GOAWAY, RST_STREAM, WINDOW_UPDATE, PRIORITY
 *   settings.c       SETTINGS, both ways
 *   stream.c         one stream: opening, ends, errors
 *   flow.c           receive windows and their tuning
 *   output.c         bytes waiting to be written
 *   send_headers.c   header blocks                send_data.c     payload
 *   queue.c          payload that waits
 */
#include <string.h>

#include "farcall/base.h"
#include "http2/abuse.h"
#include "http2/conn.h"
#include "http2/frame.h"
#include "http2/streams.h"
#include "http2/validate.h"

enum {
  FC__H2_HEAD_MAX = 16,      /* of a message's prefix */
  FC__H2_CONTROL_MAX = 512,  /* of a control frame: 32 settings, or a GOAWAY and its text */
  FC__H2_OUT_LIMIT = 262144, /* of unwritten output, for more to be made of queued data */
};

/* Kept out of line: what is rare must not lengthen the path that every call takes. */
#define FC__H2_RARE __attribute__((noinline, cold))

/* WINDOW_UPDATEs that cost nothing: Envoy allows 10 for each DATA frame sent, and some for
 * opening windows. */
enum {
  FC__H2_UPDATES_FIRST = 100,
  FC__H2_UPDATES_FOR_DATA = 10,
  FC__H2_UPDATES_FOR_STREAM = 2,
  FC__H2_UPDATES_MOST = 1000000,
};

/* ---- input ---- */

enum fc__h2_in_state {
  FC__H2_IN_PREFACE, /* the client's 24 bytes */
  FC__H2_IN_HEADER,
  FC__H2_IN_PREFIX,  /* pad length and priority, before the body */
  FC__H2_IN_BODY,    /* DATA and header fragments, passed on as they come */
  FC__H2_IN_CONTROL, /* payload of a small frame, gathered unless it is whole */
  FC__H2_IN_SKIP,    /* padding, unknown frames */
};

struct fc__h2_in {
  enum fc__h2_in_state state;
  struct fc__h2_frame frame;
  uint32_t need;     /* bytes that PREFIX or CONTROL waits for */
  uint32_t left;     /* bytes of BODY */
  uint32_t skip;     /* bytes after that which mean nothing */
  uint32_t gathered; /* bytes in gather */
  uint8_t gather[FC__H2_CONTROL_MAX];
};

/* The header block being received. */
struct fc__h2_block_in {
  bool active;
  bool begun; /* some of it went to the decoder */
  bool end_stream, malformed, too_large;
  uint32_t continuations;
  uint32_t id;
  uint32_t fields;
  uint64_t bytes; /* RFC 9113 section 6.5.2 size of its fields */
  uint64_t wire_bytes;
  struct fc__h2_stream *stream; /* NULL: its fields are decoded and dropped */
  int64_t deadline;
  struct fc__h2_check check;
};

enum { FC__H2_RUN_MAX = 24 };

/* The run of one-byte indexed fields that began the last block, and what came of it: run.c */
struct fc__h2_run {
  uint8_t len; /* 0: there is none */
  uint8_t bytes[FC__H2_RUN_MAX];
  uint64_t generation; /* of the decoder */
  uint32_t fields;
  uint64_t size;
  struct fc__h2_check check;
};

/* ---- output ---- */

enum { FC__H2_SEGMENT_HEAD = 32 }; /* a frame header and a message's prefix, at least */

/* Frames that may be handed out for writing, or have been, and do not change any more: bytes of the connection's own, then
 * perhaps a part of a message, from where that lies. */
struct fc__h2_segment {
  uint8_t *own; /* a buffer of own_cap bytes; NULL: they are in head */
  size_t own_len, own_cap;
  const uint8_t *body;
  size_t body_len;
  fc_bytes *owner; /* of body, referenced; NULL: there is none */
  size_t written;  /* how much of own, and then of body */
  bool secret;     /* own has such fields in it */
  uint8_t head[FC__H2_SEGMENT_HEAD];
};

struct fc__h2_out {
  /* An array, of which those from first to end are not written yet, and limit ends the room. */
  struct fc__h2_segment *segments, *first, *end, *limit;
  size_t segment_bytes; /* of these, not written */
  struct fc__buf buf;   /* frames behind them; those handed out already do not change either */
  uint8_t *spare;       /* an empty buffer, or NULL */
  size_t spare_cap;
  size_t open_frame;      /* in buf: the DATA frame that ends it and may take in more */
  uint32_t open_frame_id; /* its stream; 0: there is none */
  /* Control frames and acknowledgements not written yet. Those queued before the present epoch began,
   * and since. The epoch ends when all bytes queued before it are written. */
  uint64_t written, epoch_at;
  uint32_t controls[2], acks[2];
};

/* The header block being built. */
struct fc__h2_block_out {
  struct fc__h2_stream *stream;
  struct fc__buf *to;  /* the output, or the stream's trailers */
  size_t at;           /* of its first frame's header in the output */
  uint64_t generation; /* of the encoder at its begin */
  size_t list_size;
  bool failed, stateless;
};

/* Chunks not in use, up to a number of each size. */
struct fc__h2_spare {
  struct fc__h2_chunk *first;
  uint32_t count;
};

enum fc__h2_goaway_step { FC__H2_GOAWAY_NONE, FC__H2_GOAWAY_ANNOUNCED, FC__H2_GOAWAY_FINAL };

struct fc__h2_conn {
  const struct fc__h2_events *events;
  void *owner;
  bool server;
  bool closed; /* fc__h2_close was called */
  int result;  /* 0, or what fc__h2_receive returns from now on */
  uint32_t failure_code;
  const char *failure;
  int64_t now; /* of the last call that told it */

  struct fc__h2_in in;
  struct fc__h2_block_in block;
  struct fc__h2_run run;
  struct fc__h2_stream *data_stream; /* of the DATA frame being received; NULL: it is dropped */
  struct fc__hpack_decoder *decoder;

  struct fc__h2_out out;
  struct fc__h2_block_out building;
  struct fc__hpack_encoder *encoder;
  struct fc__h2_spare spare[2];
  size_t queued; /* bytes that the chunks of all streams keep */

  struct fc__h2_table table;
  struct fc__h2_history history;
  struct fc__node all;   /* streams in the table */
  struct fc__node ready; /* streams with data and an open window of their own */
  struct fc__node done;  /* ended on both sides, on_closed is due */

  int64_t send_window, recv_window;
  int64_t recv_target;    /* size of our receive window */
  uint32_t recv_credit;   /* not announced yet */
  uint32_t stream_target; /* size of our streams' receive windows */
  bool window_unacked;    /* stream_target is below the default and not acknowledged yet */

  /* Bandwidth-delay measurement, flow.c */
  bool tuning, tune_ping;         /* a PING of ours is in flight */
  uint32_t tune_bytes;            /* of DATA since the last PING of ours */
  uint32_t tune_skip, tune_pause; /* occasions left out, and how many were last */
  uint64_t tune_opaque;

  uint32_t peer_initial_window, peer_max_frame, peer_max_streams, peer_max_header_list;
  bool peer_settings_seen;
  uint32_t settings_unacked; /* SETTINGS frames of ours */
  int64_t settings_deadline; /* for the peer's first SETTINGS */
  int64_t ack_deadline;

  uint32_t refuse_code; /* for the request that on_open is told of */
  uint8_t goaway_sent;  /* enum fc__h2_goaway_step */
  bool goaway_received;
  uint32_t goaway_last; /* in the last GOAWAY received */
  uint32_t pings_out;   /* of the owner's, not acknowledged */

  struct fc__h2_bucket bucket;
  uint32_t updates_free; /* WINDOW_UPDATEs that cost no token */
  bool traffic;          /* DATA or HEADERS, either way, since the last PING */
  bool sent_since_ping;  /* DATA or HEADERS sent since the last PING received */
  uint8_t ping_strikes;
  int64_t last_ping;
  struct fc__h2_config config;
};

static inline int64_t fc__h2_after(int64_t from, int64_t span) {
  return span >= FC_NEVER - from ? FC_NEVER : from + span;
}

/* ---- conn.c ---- */

/* Connection error, RFC 9113 section 5.4.1: queues the GOAWAY. text is a constant. Only the
 * first one counts. */
void fc__h2_fail(struct fc__h2_conn *c, uint32_t code, const char *text);
void fc__h2_fail_memory(struct fc__h2_conn *c);

/* ---- receive.c calls ---- */

/* Each is called when the frame's fixed part is there. They start a body by leaving c->in.left,
 * or fail. */
void fc__h2_recv_data(struct fc__h2_conn *c);
void fc__h2_recv_data_piece(struct fc__h2_conn *c, fc_slice piece, bool last);
void fc__h2_recv_headers(struct fc__h2_conn *c, uint32_t depends_on); /* 0: no priority given */
void fc__h2_recv_continuation(struct fc__h2_conn *c);
void fc__h2_recv_fragment(struct fc__h2_conn *c, fc_slice fragment, bool last);
/* Bytes of a fragment that need no decoding; end: the block ends with it. */
size_t fc__h2_run_again(struct fc__h2_conn *c, fc_slice block, bool end);
size_t fc__h2_run_begins(const struct fc__h2_conn *c, fc_slice block); /* that are worth keeping */
void fc__h2_run_keep(struct fc__h2_conn *c, fc_slice run);             /* has just been decoded */

/* Control frames: judges the header, and takes the payload when it is whole. */
void fc__h2_begin_control(struct fc__h2_conn *c);
void fc__h2_take_control(struct fc__h2_conn *c, const uint8_t *payload);
void fc__h2_recv_settings(struct fc__h2_conn *c, const uint8_t *payload);

static inline void fc__h2_after_body(struct fc__h2_in *in) {
  in->state = in->skip > 0 ? FC__H2_IN_SKIP : FC__H2_IN_HEADER;
}

/* ---- settings.c ---- */

void fc__h2_settings_send_first(struct fc__h2_conn *c);
void fc__h2_settings_send_window(struct fc__h2_conn *c, uint32_t window);

/* ---- stream.c ---- */

/* Puts s in the table; false: no memory. */
bool fc__h2_stream_open(struct fc__h2_conn *c, struct fc__h2_stream *s, uint32_t id);
/* Takes s out of the connection; its queued data is dropped. */
void fc__h2_stream_detach(struct fc__h2_conn *c, struct fc__h2_stream *s, enum fc__h2_past how);
/* The same, and says so at once. */
void fc__h2_stream_close(struct fc__h2_conn *c, struct fc__h2_stream *s, enum fc__h2_past how,
                         uint32_t code, bool remote);
/* END_STREAM was received, or left for the output: if it was the second, the stream is over. */
void fc__h2_stream_half_ended(struct fc__h2_conn *c, struct fc__h2_stream *s);
/* Stream error, RFC 9113 section 5.4.2, of the peer's doing. */
void fc__h2_stream_error(struct fc__h2_conn *c, struct fc__h2_stream *s, uint32_t code);
void fc__h2_report_done(struct fc__h2_conn *c); /* on_closed for streams in c->done */
/* A frame came for a stream that is not in the table: fails, resets or lets it pass; all in
 * section 5.1. */
void fc__h2_late_frame(struct fc__h2_conn *c, uint32_t id);

/* END_STREAM left for the output. */
static inline bool fc__h2_sent_all(const struct fc__h2_stream *s) {
  return s->local_end && !s->end_queued;
}

/* ---- flow.c ---- */

/* DATA with len bytes of payload came; false: the connection's window was too small. */
bool fc__h2_flow_arrived(struct fc__h2_conn *c, uint32_t len);
/* An occasion to measure the path: DATA has just come, and more than a little. */
void fc__h2_flow_sample(struct fc__h2_conn *c);
void fc__h2_flow_ack(struct fc__h2_conn *c, uint64_t opaque);
void fc__h2_shift_recv_windows(struct fc__h2_conn *c, int64_t by);

/* ---- output.c ---- */

bool fc__h2_out_init(struct fc__h2_out *out); /* false: no memory; nothing is to be finished then */
void fc__h2_out_finish(struct fc__h2_conn *c);
uint8_t *fc__h2_out_grow(struct fc__h2_conn *c, size_t len);
/* Makes sure that the next fc__h2_out_add_body finds memory; false: there is none. */
bool fc__h2_out_reserve_segment(struct fc__h2_out *out);
/* Ends the frame in the buffer, and so a segment, with a part of a message. */
void fc__h2_out_add_body(struct fc__h2_out *out, fc_slice body, fc_bytes *owner);
/* Appends a frame of the owner's; fails the connection when memory is short. */
void fc__h2_put_frame(struct fc__h2_conn *c, enum fc__h2_type type, uint8_t flags, uint32_t id,
                      const uint8_t *payload, uint32_t len);
/* The same for a frame that the peer has caused: also fails when too many of them were not
 * written yet. */
void fc__h2_put_control(struct fc__h2_conn *c, enum fc__h2_type type, uint8_t flags, uint32_t id,
                        const uint8_t *payload, uint32_t len);
void fc__h2_put_u32_frame(struct fc__h2_conn *c, enum fc__h2_type type, uint32_t id,
                          uint32_t value);

/* Drops a reference to payload that is sent, or not going to be. */
static inline void fc__h2_unref(struct fc__h2_conn *c, fc_bytes *bytes) {
  if (c->events->on_release) {
    c->events->on_release(c->owner, bytes);
  } else {
    fc_bytes_unref(bytes);
  }
}

static inline size_t fc__h2_out_pending(const struct fc__h2_out *out) {
  return out->segment_bytes + out->buf.len;
}

/* Room for len bytes at the end of the output, not counted yet; NULL: no memory. */
static inline uint8_t *fc__h2_out_room(struct fc__h2_conn *c, size_t len) {
  struct fc__buf *b = &c->out.buf;
  return b->cap - b->len >= len ? b->data + b->len : fc__h2_out_grow(c, len);
}

/* ---- queue.c ---- */

/* Queues head, then body or inline_body; not what the end of the stream is about. */
fc_result fc__h2_queue(struct fc__h2_conn *c, struct fc__h2_stream *s, fc_slice head,
                       fc_bytes *body, fc_slice inline_body);
/* The start of what s has queued, for one frame: bytes that are copied, then perhaps a part of a message that is not. */
struct fc__h2_payload {
  size_t copied, body;
};
struct fc__h2_payload fc__h2_queue_peek(const struct fc__h2_stream *s, size_t most);
/* Moves that payload to the output, behind a frame header there, where memory for it is reserved. */
void fc__h2_queue_move(struct fc__h2_conn *c, struct fc__h2_stream *s,
                       struct fc__h2_payload payload);
void fc__h2_drop_queue(struct fc__h2_conn *c, struct fc__h2_stream *s);
void fc__h2_spare_finish(struct fc__h2_conn *c);

static inline void fc__h2_append(uint8_t *to, fc_slice a, fc_slice b) {
  if (a.len) memcpy(to, a.data, a.len);
  if (b.len) memcpy(to + a.len, b.data, b.len);
}

/* ---- send_headers.c, send_data.c ---- */

/* Sends the trailers that waited behind the data of s. */
bool fc__h2_send_waiting_trailers(struct fc__h2_conn *c, struct fc__h2_stream *s);
void fc__h2_send_ended(struct fc__h2_conn *c,
                       struct fc__h2_stream *s); /* END_STREAM is in the output */
void fc__h2_make_ready(struct fc__h2_conn *c, struct fc__h2_stream *s); /* if s can send */
void fc__h2_produce(
    struct fc__h2_conn *c); /* frames from queued data, as far as windows and the output allow */

static inline bool fc__h2_can_produce(const struct fc__h2_conn *c) {
  return !fc__list_empty(&c->ready) && c->send_window > 0;
}

/* DATA or HEADERS leave: what that means for pings and window updates. */
static inline void fc__h2_note_sent(struct fc__h2_conn *c, uint32_t updates) {
  c->traffic = c->sent_since_ping = true;
  if (c->updates_free < FC__H2_UPDATES_MOST) c->updates_free += updates;
}

#endif
