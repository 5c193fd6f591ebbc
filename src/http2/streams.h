#ifndef FC_HTTP2_STREAMS_H
#define FC_HTTP2_STREAMS_H
/*
 * The streams of a connection: the table of those in use, and what became of those that are over.
 *
 * The table is flat, addressed by stream id with linear probing, and at most half full. Ids follow
 * each other, so streams sit side by side and nearly every look-up ends at the first slot. A peer
 * that chooses its ids to collide makes a look-up as long as the number of streams that it was
 * allowed to open.
 */
#include "http2/conn.h"

enum { FC__H2_SLOTS_FIRST = 16 };

struct fc__h2_table {
  struct fc__h2_stream **slots;
  uint32_t mask, count;
  struct fc__h2_stream
      *first[FC__H2_SLOTS_FIRST]; /* no allocation for a connection of few streams */
};

void fc__h2_table_init(struct fc__h2_table *t);
void fc__h2_table_finish(struct fc__h2_table *t);
bool fc__h2_table_add(struct fc__h2_table *t, struct fc__h2_stream *s); /* false: no memory */
void fc__h2_table_remove(struct fc__h2_table *t, struct fc__h2_stream *s);

static inline uint32_t fc__h2_table_home(const struct fc__h2_table *t, uint32_t id) {
  return id >> 1 & t->mask;
}

static inline struct fc__h2_stream *fc__h2_table_find(const struct fc__h2_table *t, uint32_t id) {
  struct fc__h2_stream *s;
  uint32_t i = fc__h2_table_home(t, id);
  for (uint32_t from_home = 0; (s = t->slots[i]); i = (i + 1) & t->mask, from_home++) {
    if (s->id == id) return s;
    /* What is not farther from home than this would be had given way to it. */
    if (((i - fc__h2_table_home(t, s->id)) & t->mask) < from_home) break;
  }
  return NULL;
}

/* How a stream came to its end, which decides what a late frame on it gets, RFC 9113 section
 * 5.1. */
enum fc__h2_past {
  FC__H2_NEVER_OPENED = 0, /* its id was skipped */
  FC__H2_ENDED = 1,        /* both sides ended it */
  FC__H2_PEER_RESET = 2,
  FC__H2_LOCAL_RESET = 3, /* late frames are ignored: they may have crossed with our reset */
  FC__H2_FORGOTTEN = 4,   /* too long ago */
  FC__H2_IDLE = 5,        /* not opened yet */
};

enum { FC__H2_REMEMBERED = 512 }; /* last stream ids of the client's; two bits for each */

struct fc__h2_history {
  uint32_t last; /* highest id opened */
  uint64_t bits[FC__H2_REMEMBERED / 32];
};

void fc__h2_history_open(struct fc__h2_history *h, uint32_t id); /* id > last */
void fc__h2_history_close(struct fc__h2_history *h, uint32_t id, enum fc__h2_past how);
enum fc__h2_past fc__h2_history_find(const struct fc__h2_history *h, uint32_t id);

#endif
