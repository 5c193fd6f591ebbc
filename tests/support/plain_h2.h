#ifndef FC_TESTS_PLAIN_H2_H
#define FC_TESTS_PLAIN_H2_H
/*
 * The peer of a connection, which writes frames into a script and beside each what must come of it by RFC 9113: events, told
 * to a record of their own, and lines as h2_said gives them. A stream is what this peer has made of it, no more.
 */
#include "support/h2_script.h"
#include "support/plain_fields.h"
#include "support/plain_hpack.h"

enum { PLAIN_H2_STREAMS = 120, PLAIN_H2_FIELDS = 24 };

enum plain_h2_state {
  PLAIN_H2_OPEN,
  PLAIN_H2_ENDED, /* by this peer; the other side has not ended it yet */
  PLAIN_H2_OVER,  /* ended by both */
  PLAIN_H2_RESET, /* by this peer */
  PLAIN_H2_CUT,   /* by the connection under test: frames may have crossed with that */
};

struct plain_h2_stream {
  uint32_t id;
  enum plain_h2_state state;
  bool other_ended; /* a client's request is whole */
  bool headers_sent, has_length;
  uint64_t left;               /* of the content-length */
  struct fc__h2_stream *owned; /* in the record, until it is closed */
};

struct plain_h2_block {
  struct plain_field fields[PLAIN_H2_FIELDS];
  size_t count;
  bool end;
  size_t again; /* as many by the indexes that the block before began with */
};

struct plain_h2 {
  struct fc__random *random;
  struct h2_script script;
  struct plain_hpack hpack;
  uint8_t run[PLAIN_H2_FIELDS]; /* the indexes of one byte that began the last block with some */
  size_t run_len;
  struct h2_record told; /* what the owner must be told */
  char said[1 << 16];    /* what must be sent, without the beginning and WINDOW_UPDATEs */
  size_t said_len;
  struct plain_h2_stream streams[PLAIN_H2_STREAMS];
  size_t count;
  uint32_t next_id;
  size_t pings;         /* of the owner's, not acknowledged */
  uint32_t goaway_last; /* of the last GOAWAY; UINT32_MAX: there was none */
};

void plain_h2_begin(struct plain_h2 *p, struct fc__random *random, bool server);
void plain_h2_finish(struct plain_h2 *p);

__attribute__((format(printf, 2, 3))) void plain_h2_say(struct plain_h2 *p, const char *format,
                                                        ...);

/* To a server, a stream whose headers are to come; to a client, one of its requests. */
struct plain_h2_stream *plain_h2_open(struct plain_h2 *p, uint32_t id, bool other_ended);

/* The fields that the run of the last block means now, as far as it means anything. */
void plain_h2_repeat(const struct plain_h2 *p, struct plain_h2_block *block);

/* HEADERS and CONTINUATIONs, padded, with priority, cut anywhere. */
void plain_h2_put_block(struct plain_h2 *p, struct plain_h2_stream *s,
                        const struct plain_h2_block *block);
/* A block of those indexes that cannot be decoded: one means nothing any more, or a size update comes behind them, RFC 7541
 * section 4.2. The connection fails with COMPRESSION_ERROR. */
void plain_h2_put_undecodable(struct plain_h2 *p, struct plain_h2_stream *s);
void plain_h2_put_data(struct plain_h2 *p, struct plain_h2_stream *s, size_t len, bool end);
void plain_h2_put_reset(struct plain_h2 *p, struct plain_h2_stream *s, uint32_t code);
/* The owner resets a stream, or a server's answers it. */
void plain_h2_reset(struct plain_h2 *p, struct plain_h2_stream *s, uint32_t code);
void plain_h2_answer(struct plain_h2 *p, struct plain_h2_stream *s);

#endif
