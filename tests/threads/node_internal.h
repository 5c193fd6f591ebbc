#ifndef FC_TESTS_NODE_INTERNAL_H
#define FC_TESTS_NODE_INTERNAL_H
/* The inside of nodes: node.c waits and tells, node_net.c moves bytes. */
#include "base/random.h"
#include "threads/node.h"

enum { NODE_BUFFER = 16384 };

struct node {
  struct fc__io io;
  struct fc__net net;
  struct fc__random random;
  int64_t read_at, wait_from; /* when the clock was read last; before the wait */
  bool woken, polled, dispatching;
  pthread_t poller; /* the last one */
  struct fc__node events, ends, listeners;
};

/* One end of a connection. */
struct end {
  struct fc__transport base;
  struct fc__node all;
  struct node *node;
  struct end *peer;        /* NULL: it has closed */
  struct fc__node pending; /* at the listener, until it is accepted */
  unsigned interest;
  int connect_error;
  bool connecting, lost, closed;
  size_t len;
  uint8_t bytes[NODE_BUFFER]; /* that have come and were not read */
};

struct listener {
  struct fc__listener base;
  struct fc__node all, everywhere;
  struct node *node;
  struct fc__addr at;
  struct fc__node pending;
  bool paused, closed;
};

void *node_alloc(size_t size);

extern const struct fc__net_ops node_net_ops;
unsigned node_end_ready(const struct end *e); /* what it wants to be told now */
bool node_listener_ready(const struct listener *l);
void node_end_free(struct end *e);
void node_listener_free(struct listener *l);

#endif
