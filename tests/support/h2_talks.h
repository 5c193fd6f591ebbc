#ifndef FC_TESTS_H2_TALKS_H
#define FC_TESTS_H2_TALKS_H
/* Whole conversations, as one side says them to the connection under test: for tests that cut
 * them up or run them while memory fails. */
#include "support/h2_peer.h"

struct h2_talk {
  const char *name;
  bool server;                    /* the connection under test is a server's */
  unsigned requests;              /* a client's: opened first, without an end */
  void (*put)(struct h2_peer *p); /* everything the peer says */
};

extern const struct h2_talk h2_talks[];
extern const size_t h2_talks_count;

/* Holds one on a peer that is initialised only, feeding at most chunk bytes at once (0: all). */
void h2_talk_hold(const struct h2_talk *talk, struct h2_peer *p, size_t chunk);

#endif
