#ifndef FC_HTTP2_CONN_H
#define FC_HTTP2_CONN_H
/*
 * One HTTP/2 connection, client or server, sans I/O: bytes and a time in; events, bytes to write
 * and the next time at which it wants to be called out. No lock: the owner serialises. Spec: RFC
 * 9113
 */
#include <sys/uio.h>

#include "base/list.h"
#include "farcall/base.h"
#include "http2/hpack.h"

/* RFC 9113 section 7 */
enum fc__h2_error {
  FC__H2_NO_ERROR = 0,
  FC__H2_PROTOCOL_ERROR = 1,
  FC__H2_INTERNAL_ERROR = 2,
  FC__H2_FLOW_CONTROL_ERROR = 3,
  FC__H2_SETTINGS_TIMEOUT = 4,
  FC__H2_STREAM_CLOSED = 5,
  FC__H2_FRAME_SIZE_ERROR = 6,
  FC__H2_REFUSED_STREAM = 7,
  FC__H2_CANCEL = 8,
  FC__H2_COMPRESSION_ERROR = 9,
  FC__H2_CONNECT_ERROR = 10,
  FC__H2_ENHANCE_YOUR_CALM = 11,
  FC__H2_INADEQUATE_SECURITY = 12,
  FC__H2_HTTP_1_1_REQUIRED = 13,
};

const char *fc__h2_error_name(uint32_t code); /* "PROTOCOL_ERROR"; "unknown error" for others */

struct fc__h2_conn;

/* A piece of data waiting to be sent on a stream: bytes by reference, or copied behind the
 * struct. */
struct fc__h2_chunk;

/*
 * One stream, embedded by its owner (a call). The owner may free it only when `open` is false,
 * which holds before fc__h2_block_end_request, after on_closed, and after fc__h2_reset.
 */
struct fc__h2_stream {
  struct fc__h2_conn *conn;
  uint32_t id;
  bool open;         /* is in the connection's stream table */
  bool local_end;    /* END_STREAM was sent, or waits behind the queued data */
  bool remote_end;   /* END_STREAM was received */
  bool end_queued;   /* END_STREAM is to be sent with the last queued data */
  bool headers_seen; /* a header block that is not informational was received */
  bool reset_sent;
  bool rejected;        /* its end in order gives no token back */
  int64_t send_window;  /* may be negative, RFC 9113 section 6.9.2 */
  int64_t recv_window;  /* what the peer may still send */
  uint32_t recv_credit; /* consumed by the owner, not announced yet */
  size_t queued;        /* bytes waiting for windows */
  struct fc__h2_chunk *first_chunk, *last_chunk;
  struct fc__buf trailers; /* a stateless header block that waits behind the queued data */
  bool done;               /* both sides ended; on_closed comes with the next output */
  bool has_length;         /* a content-length was received */
  uint64_t length_left;    /* of it */
  uint32_t recv_advance;   /* announced by fc__h2_expect before it was consumed */
  struct fc__node ready;   /* in the connection's list of streams that may send, or are done */
  struct fc__node all;     /* in the connection's list of all streams */
};

/* A header block has ended. */
struct fc__h2_block {
  bool end_stream;
  bool trailers;      /* the second block of a stream */
  bool too_large;     /* over a limit of the config: fields past it were not reported */
  bool informational; /* client: a 1xx response, to be skipped */
};

/* Events. They run inside fc__h2_receive, and inside fc__h2_output for on_closed (this side's
 * END_STREAM was the last) and on_writable, inside fc__h2_close for on_closed: never inside a
 * function called for one stream. Within them the owner may call any function of this header but
 * fc__h2_receive, fc__h2_output and fc__h2_conn_destroy. */
struct fc__h2_events {
  /* Server: a request begins. The stream to use for it (zeroed by the owner), or NULL to refuse
   * it with REFUSED_STREAM or the code of fc__h2_refuse_with; its header block is decoded all the
   * same. */
  struct fc__h2_stream *(*on_open)(void *owner, uint32_t id);
  /* One field, in order, already checked against RFC 9113 section 8.2 and 8.3. Slices live until
   * return. */
  void (*on_field)(void *owner, struct fc__h2_stream *s, const struct fc__field *field,
                   bool trailers);
  void (*on_block)(void *owner, struct fc__h2_stream *s, const struct fc__h2_block *block);
  /* The fields so far are a run that may come again: the owner keeps what they mean, beside the
   * connection. False: it cannot. May be NULL. */
  bool (*on_run)(void *owner, struct fc__h2_stream *s);
  /* Instead of on_field for each field of the run kept last. */
  void (*on_run_again)(void *owner, struct fc__h2_stream *s);
  /* Payload, padding removed. The owner announces what it has consumed with fc__h2_consume;
   * padding is announced by the connection itself. len may be 0 with end_stream. */
  void (*on_data)(void *owner, struct fc__h2_stream *s, fc_slice data, bool end_stream);
  /* The stream has left the table: both sides ended (code NO_ERROR, remote false), a reset
   * arrived (remote), this side reset it because of an error of the peer (not remote), or the
   * connection is gone. Exactly once for each stream that was opened and not detached. */
  void (*on_closed)(void *owner, struct fc__h2_stream *s, uint32_t code, bool remote);
  /* Queued data has shrunk to FC__H2_LOW_WATER or less. */
  void (*on_writable)(void *owner, struct fc__h2_stream *s);
  /* Client: streams above last_id were not and will not be processed (on_closed with
   * REFUSED_STREAM follows for each); no new stream may be opened. Server: the client
   * goes away. */
  void (*on_goaway)(void *owner, uint32_t last_id, uint32_t code, fc_slice debug);
  void (*on_settings)(void *owner); /* the peer's first SETTINGS, and each later one */
  void (*on_ping_ack)(void *owner, uint64_t opaque, int64_t now); /* pings of fc__h2_ping only */
  /* A reference to a body given to fc__h2_send is no longer needed: the owner drops it when it
   * may (a release function must run under no lock). NULL: the connection drops it at once. Also
   * within fc__h2_written, fc__h2_reset and fc__h2_conn_destroy. */
  void (*on_release)(void *owner, fc_bytes *body);
};

struct fc__h2_config {
  bool server;
  uint32_t max_concurrent_streams; /* server: advertised; 100 by default of the owner */
  uint32_t initial_window;         /* receive window of a stream, bytes (default 65,535) */
  uint32_t max_window;             /* of tuning (default 8 MiB); initial_window turns it off */
  uint32_t connection_window;      /* receive window of the connection at the start (1 MiB) */
  uint32_t max_frame_size;         /* that we accept, 16,384 to 16,777,215 */
  uint32_t max_header_list_bytes;  /* hard limit (default 16 KiB) */
  uint32_t max_header_fields;      /* default 128 */
  uint32_t bucket_burst, bucket_per_second; /* abuse tokens: default 1,000 and 33 */
  int64_t ping_min_interval; /* server: more often is a strike (5 min); 2 strikes allowed */
  bool ping_without_calls;   /* server: without streams that interval holds too, and not 2 h */
  int64_t settings_timeout; /* until the peer's SETTINGS, its acks, and the end of a header block */
  int64_t handshake_time;   /* that is gone already of the time until the peer's SETTINGS */
};

void fc__h2_config_defaults(struct fc__h2_config *config, bool server);

/* Creates a connection whose preface and SETTINGS already wait in the output. NULL: no memory. */
struct fc__h2_conn *fc__h2_conn_create(const struct fc__h2_config *config,
                                       const struct fc__h2_events *events, void *owner,
                                       int64_t now);
/* Frees it. Streams still open are dropped without an event. */
void fc__h2_conn_destroy(struct fc__h2_conn *c);

/* ---- bytes in ---- */

/* Takes all of data, in whatever pieces. After a connection error (0 is returned before it, a
 * negative FC_ERR_PROTOCOL or FC_ERR_NO_MEMORY from then on) a GOAWAY waits in the output: write
 * it and close. */
int fc__h2_receive(struct fc__h2_conn *c, fc_slice data, int64_t now);

/* The connection is lost or given up: on_closed for every stream with this code. */
void fc__h2_close(struct fc__h2_conn *c, uint32_t code, bool remote);

/* What went wrong, for the status message: "" while nothing has. code: the GOAWAY's. */
const char *fc__h2_failure(const struct fc__h2_conn *c, uint32_t *code);

/* ---- bytes out ---- */

enum { FC__H2_IOV_MAX = 64, FC__H2_LOW_WATER = 65536, FC__H2_INLINE_MAX = 2048 };

/* Produces frames from queued data as windows and a bounded output (256 KiB beyond what is
 * unwritten) allow, then fills iov with what waits to be written. Returns the number of entries,
 * 0 when nothing waits. */
int fc__h2_output(struct fc__h2_conn *c, struct iovec iov[FC__H2_IOV_MAX], int64_t now);
void fc__h2_written(struct fc__h2_conn *c, size_t len, int64_t now);
bool fc__h2_wants_write(const struct fc__h2_conn *c);
/* Bytes kept until the peer takes them. A message that waits counts whole until its last byte is
 * on its way. */
size_t fc__h2_buffered(const struct fc__h2_conn *c);

/* ---- streams ---- */

/* True when a new request may be sent now: SETTINGS limit, GOAWAY, stream ids. */
bool fc__h2_can_open(const struct fc__h2_conn *c);
uint32_t fc__h2_peer_max_streams(const struct fc__h2_conn *c);
size_t fc__h2_stream_count(const struct fc__h2_conn *c); /* in the table, both sides not ended */
bool fc__h2_going_away(const struct fc__h2_conn *c);     /* a GOAWAY was received or sent */
uint32_t fc__h2_peer_max_header_list(const struct fc__h2_conn *c); /* UINT32_MAX unless announced */

/*
 * Header blocks are built in three steps: begin, any number of field and replay calls, end. Nothing
 * else of this header may be called in between. Failure shows at the end: FC_ERR_NO_MEMORY,
 * FC_ERR_LIMIT (more than the peer's SETTINGS_MAX_HEADER_LIST_SIZE), FC_ERR_CLOSED; then nothing
 * was sent, the stream is as before, and the encoder is restarted if fields had entered its table
 * for nothing. s is NULL for a request; trailers of a stream whose data still waits are encoded
 * stateless.
 */
void fc__h2_block_begin(struct fc__h2_conn *c, struct fc__h2_stream *s);
void fc__h2_block_field(struct fc__h2_conn *c, fc_slice name, fc_slice value,
                        enum fc__hpack_indexing how);

/* A constant run of fields replayed from its encoded form. The owner zeroes it and keeps it per
 * connection and method; fields are read again when the encoder's table has changed. */
struct fc__h2_replay {
  uint64_t generation;
  uint32_t list_size; /* of the fields, RFC 9113 section 6.5.2 */
  uint8_t len;
  uint8_t bytes[51];
};
struct fc__h2_replay_field {
  fc_slice name, value;
};
void fc__h2_block_replay(struct fc__h2_conn *c, struct fc__h2_replay *replay,
                         const struct fc__h2_replay_field *fields, size_t count);

/* Client: ends the block as a new request on s (zeroed by the caller); the id is in s->id. */
fc_result fc__h2_block_end_request(struct fc__h2_conn *c, struct fc__h2_stream *s, bool end_stream);
/* Either side: ends the block as response headers or trailers. Trailers always end the stream;
 * if data of the stream still waits, they wait behind it. */
fc_result fc__h2_block_end(struct fc__h2_conn *c, struct fc__h2_stream *s, bool end_stream);

/* Queues payload made of a short copied head (the 5-byte message prefix, at most 16 bytes) and a
 * body. The body is copied when it is at most FC__H2_INLINE_MAX bytes, else referenced until it
 * has been written. */
fc_result fc__h2_send(struct fc__h2_conn *c, struct fc__h2_stream *s, fc_slice head, fc_bytes *body,
                      fc_slice inline_body, bool end_stream);
/* Ends the sending side without data. */
fc_result fc__h2_send_end(struct fc__h2_conn *c, struct fc__h2_stream *s);

/* RST_STREAM (nothing if the stream is closed already); unsent data is dropped. No on_closed
 * follows: the stream is out of the table when this returns. Frames still on their way are
 * ignored. */
void fc__h2_reset(struct fc__h2_conn *c, struct fc__h2_stream *s, uint32_t code);

/* Within an on_open that returns NULL: the code to refuse this request with. */
void fc__h2_refuse_with(struct fc__h2_conn *c, uint32_t code);

/* Server: the client pays for a request that is rejected at once, although not by fc__h2_reset,
 * with a token of its abuse budget. Without one left the connection fails, which fc__h2_tick or
 * fc__h2_receive tells. */
void fc__h2_charge(struct fc__h2_conn *c);

/* The same for the request of s, before it is answered: its end gives no token back. */
void fc__h2_reject(struct fc__h2_conn *c, struct fc__h2_stream *s);

/* Credits the peer for payload that the owner has taken out of the receive window of the stream;
 * the connection's window is credited on arrival. WINDOW_UPDATEs are sent when half the window
 * is used. */
void fc__h2_consume(struct fc__h2_conn *c, struct fc__h2_stream *s, size_t len);
/* Lets the peer send at least len bytes more on the stream although its window is smaller: a
 * message that is being waited for and is larger than the window. */
void fc__h2_expect(struct fc__h2_conn *c, struct fc__h2_stream *s, size_t len);

/* ---- connection ---- */

/* A PING; the ack comes as on_ping_ack. opaque's highest bit must be 0 (the connection's own
 * have it set). */
void fc__h2_ping(struct fc__h2_conn *c, uint64_t opaque);
/* Server: first step of going away (last id 2^31-1), then final: last id as it is. Client: one
 * step. A second call with the same step does nothing. */
void fc__h2_goaway(struct fc__h2_conn *c, uint32_t code, const char *debug, bool final);
bool fc__h2_peer_settings_seen(const struct fc__h2_conn *c);

/* When fc__h2_tick must be called, or FC_NEVER; and the call. 0, or negative as fc__h2_receive. */
int64_t fc__h2_next_at(const struct fc__h2_conn *c);
int fc__h2_tick(struct fc__h2_conn *c, int64_t now);

#endif
