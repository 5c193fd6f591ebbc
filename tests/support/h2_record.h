#ifndef FC_TESTS_H2_RECORD_H
#define FC_TESTS_H2_RECORD_H
/*
 * The owner of a connection that writes down, a line for each, what the connection tells it:
 *
 *   open 1                        block 1 end trailers large informational
 *   field 1 :path: /a/b           data 1 "text" end     data 1 70000 bytes 5d41402a
 *   trailer 1 grpc-status: 0      closed 1 CANCEL remote
 *   settings   pong 5   writable 1   goaway 7 NO_ERROR text
 *
 * Pieces of data that follow each other on a stream make one line, so a record does not depend on
 * how the bytes were cut. Each stream has its own memory, freed as soon as the connection has let
 * go of it, so a sanitizer sees a late access. Knows no test library: fuzz targets use it too.
 */
#include "http2/conn.h"

struct h2_record_stream;

struct h2_record {
  struct fc__h2_conn *conn;
  struct fc__buf text;
  struct h2_record_stream *streams; /* open ones, newest first */
  uint32_t data_id;                 /* of the data line being made, 0: none */
  size_t data_len;
  uint32_t data_sum;
  bool data_end;
  uint8_t data_head[64];
  /* How the owner behaves. */
  bool refuse; /* requests */
  bool hoard;  /* does not give data back to the window */
  bool answer; /* requests get headers, the 5 bytes "hello" and trailers at their end */
  unsigned
      reset_every; /* of so many fields, blocks and ends of data: the owner resets the stream within the event; 0: never */
  unsigned resettable; /* such events so far */
  size_t count;        /* of all requests that were opened */
  size_t total;        /* bytes of data, of all streams */
  bool quiet;          /* fields are not written down */
  struct fc__buf run;  /* "name: value" lines of the run kept last */
  bool in_block;
  size_t block_at; /* where the fields of the block begin in text */
  size_t runs_again;
};

extern const struct fc__h2_events h2_record_events;
/* The same for an owner that keeps runs of fields: it must write down the same. */
extern const struct fc__h2_events h2_record_events_of_runs;

void h2_record_init(struct h2_record *r);
void h2_record_finish(struct h2_record *r); /* after the connection is destroyed */

/* What was written down; NUL ends it. Lives until the next event. */
const char *h2_record_text(struct h2_record *r);
void h2_record_clear(struct h2_record *r);

/* The open stream of that id, or NULL. */
struct fc__h2_stream *h2_record_find(struct h2_record *r, uint32_t id);
/* A stream for a request that the owner makes. */
struct fc__h2_stream *h2_record_new_stream(struct h2_record *r);
/* Resets, and frees. */
void h2_record_reset(struct h2_record *r, struct fc__h2_stream *s, uint32_t code);

#endif
