#ifndef FC_TESTS_H2_PEER_H
#define FC_TESTS_H2_PEER_H
/*
 * The other end of a connection under test, made by hand: builds frames, right and wrong ones,
 * feeds them in pieces of any size, and reads what the connection sends as text:
 *
 *   SETTINGS 3=100 6=16384     SETTINGS ack     PING 7     PING 7 ack     WINDOW_UPDATE 0 983041
 *   HEADERS 1 end :status=200 grpc-status=0     DATA 1 5 end     RST_STREAM 1 CANCEL
 *   GOAWAY 1 NO_ERROR text                      never:authorization=secret (never indexed)
 */
#include "http2/conn.h"
#include "http2/frame.h"
#include "support/check.h"
#include "support/h2_record.h"

/* A SETTINGS_HEADER_TABLE_SIZE that was built: it holds for what comes behind the acknowledgement of its frame. */
struct h2_table_size {
  uint32_t frame, size;
};

enum { H2_TABLE_SIZES = 16 };

struct h2_peer {
  struct fc__h2_config config; /* change it between h2_peer_init and h2_peer_open */
  struct h2_record record;
  struct fc__h2_conn *conn;
  int64_t now;
  size_t chunk;      /* bytes fed at once; 0: all */
  struct fc__buf in; /* built, not fed */
  struct fc__buf sent_bytes;
  struct h2_record sent; /* its text alone is used */
  struct fc__hpack_decoder
      *decoder; /* refuses a block without the update of its table's size that is due */
  uint32_t settings_built, settings_acked;
  struct h2_table_size table_sizes[H2_TABLE_SIZES];
  size_t table_size_count;
};

/* server: the connection under test is a server's. */
void h2_peer_init(struct h2_peer *p, bool server);
void h2_peer_open(struct h2_peer *p); /* nothing is exchanged yet */
/* All of it, up to where requests can be made; both sides' SETTINGS are acknowledged, nothing is
 * left to read. */
void h2_peer_start(struct h2_peer *p, bool server);
void h2_peer_started(struct h2_peer *p); /* the same after h2_peer_init, with another config */
void h2_peer_finish(struct h2_peer *p);
/* A new decoder, for a connection that nothing was said on. */
void h2_peer_decode_anew(struct h2_peer *p);

/* ---- frames to the connection ---- */

void h2_put_bytes(struct h2_peer *p, fc_slice bytes);
void h2_put_preface(struct h2_peer *p);
void h2_put_frame(struct h2_peer *p, unsigned type, unsigned flags, uint32_t id, fc_slice payload);
void h2_put_u32(struct h2_peer *p, unsigned type, uint32_t id, uint32_t value);
void h2_put_setting(struct h2_peer *p, unsigned setting, uint32_t value); /* a frame of one */
void h2_put_settings_ack(struct h2_peer *p);
void h2_put_ping(struct h2_peer *p, uint64_t opaque, bool ack);
void h2_put_goaway(struct h2_peer *p, uint32_t last, uint32_t code, const char *debug);
/* Fields as "name: value\n" each; flags beside END_HEADERS, which is set. */
void h2_put_headers(struct h2_peer *p, uint32_t id, unsigned flags, const char *fields);
void h2_put_request(struct h2_peer *p, uint32_t id, unsigned flags); /* H2_REQUEST */
void h2_put_data(struct h2_peer *p, uint32_t id, unsigned flags, const char *text);
void h2_put_zeros(struct h2_peer *p, uint32_t id, unsigned flags, size_t len); /* one DATA frame */
/* The stateless block of fields, valid until the next call. */
fc_slice h2_block_of(const char *fields);

#define H2_REQUEST                                                                                 \
  ":method: POST\n:scheme: http\n:path: /s/m\n:authority: a\nte: trailers\n"                       \
  "content-type: application/grpc\n"
#define H2_RESPONSE ":status: 200\ncontent-type: application/grpc\n"

/* Feeds what was built; the connection's result. */
int h2_feed(struct h2_peer *p);

/* ---- from the connection ---- */

/* What the owner was told since the last call. */
const char *h2_events(struct h2_peer *p);
/* What was sent since the last call. Everything is written. */
const char *h2_sent(struct h2_peer *p);
/* Moves the output to p->sent_bytes without reading it. */
void h2_drain(struct h2_peer *p);
/* Reads p->sent_bytes: whole frames. */
const char *h2_said(struct h2_peer *p);

/* A request from the connection under test, with H2_REQUEST's fields. */
struct fc__h2_stream *h2_open_request(struct h2_peer *p, bool end_stream);

/* Feeds, and asserts that the connection failed with this code in its GOAWAY. */
void h2_expect_failure(struct h2_peer *p, uint32_t code);
/* Feeds, and asserts that the stream alone was reset. */
void h2_expect_reset(struct h2_peer *p, uint32_t id, uint32_t code);

#endif
