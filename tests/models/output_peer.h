#ifndef FC_TESTS_OUTPUT_PEER_H
#define FC_TESTS_OUTPUT_PEER_H
/*
 * The peer of a connection under test that reads what leaves, frame by frame, and compares it with what the application
 * has sent: each byte of each stream in order, header blocks field by field, ends and resets at their place, and no more than
 * windows, frame sizes and the header table allow at that moment.
 */
#include <stddef.h>

#include "base/buf.h"
#include "http2/hpack.h"

enum { OUTPUT_STREAMS = 256, OUTPUT_BLOCKS = 2, OUTPUT_PINGS = 4096, OUTPUT_SETTINGS = 512 };

/* What was sent on a stream, and what has come of it. */
struct output_stream {
  bool opened;
  bool ended;               /* by the application */
  bool reset;               /* by the application, with reset_code */
  bool cut_short;           /* the peer has reset it: what was on its way may still come */
  bool no_more;             /* the peer has reset it, and nothing was on its way */
  bool may_be_told_to_stop; /* a server may end before the request has: RFC 9113 section 8.1 */
  uint32_t reset_code;
  uint64_t sent, blocks_sent;
  uint64_t hashes[OUTPUT_BLOCKS]; /* of the blocks sent */
  int64_t window;

  uint64_t got, blocks_got;
  bool end_seen, reset_seen;
};

struct output_setting {
  unsigned name; /* enum fc__h2_setting */
  uint32_t value;
};

struct output_peer {
  struct output_stream streams[OUTPUT_STREAMS]; /* by id / 2 */
  struct fc__hpack_decoder *decoder;
  struct fc__buf bytes; /* left, not yet a whole frame */
  struct fc__buf block; /* of the header block being received */
  uint32_t block_id;    /* 0: none */
  bool block_ends;
  int64_t window; /* of the connection */
  uint32_t initial_window, max_frame;
  /* Answers that must come, in order: to PINGs, and to SETTINGS, whose values hold from then on. */
  uint64_t pings[OUTPUT_PINGS];
  struct output_setting settings[OUTPUT_SETTINGS];
  size_t pings_sent, pings_got, settings_sent, settings_got;
  size_t own_pings, own_pings_got; /* of the application */
  bool failed;                     /* the connection has no memory: it may say GOAWAY and no more */
  bool goaway_seen;
};

void output_peer_init(struct output_peer *p);
void output_peer_finish(struct output_peer *p);

struct output_stream *output_stream(struct output_peer *p, uint32_t id);
/* A stream whose initial window is the present one. */
struct output_stream *output_stream_open(struct output_peer *p, uint32_t id);

/* Byte number i of all that is sent on a stream. */
void output_fill(uint32_t id, uint64_t from, uint8_t *to, size_t len);

/* Of a header block: from 0, field after field. */
uint64_t output_hash_field(uint64_t hash, fc_slice name, fc_slice value, bool never_indexed);

/* Bytes that left. */
void output_peer_read(struct output_peer *p, fc_slice bytes);

/* All that can leave has left: nothing that was sent is missing unless a window holds it back. */
void output_peer_expect_all(const struct output_peer *p);

#endif
