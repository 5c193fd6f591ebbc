#ifndef FC_TESTS_SIM_INTERNAL_H
#define FC_TESTS_SIM_INTERNAL_H
/* The inside of the simulation. Its memory is not the library's: failing that is not what it is for. */
#include "base/random.h"
#include "io/reactor.h"
#include "sim/sim_net.h"

struct sim_named_link {
  struct sim_named_link *next;
  char address[FC__ADDR_TEXT_MAX];
  struct sim_link link;
};

struct sim_host {
  struct sim_host *next;
  char *name, *error;
  int64_t delay;
  size_t count;
  char literals[8][64];
};

/* Bytes of one write. They can be read from `at` on. */
struct sim_segment {
  struct sim_segment *next;
  int64_t at;
  size_t len, taken;
  uint8_t bytes[];
};

/* One direction of a connection. */
struct sim_pipe {
  struct sim_segment *first, *last;
  size_t held;      /* bytes in segments */
  uint64_t written; /* bytes ever */
  int64_t arrival;  /* of what was written last: order is kept */
  int64_t end_at;   /* the reader finds the end of the stream, after all segments */
  int64_t
      reset_at; /* the reader finds a reset, after the segments if `late`, else instead of them */
  bool late;
  bool deaf; /* what is written from now on never arrives */
};

struct sim_transport;

struct sim_connection {
  struct fc__node all;
  struct sim *sim;
  struct sim_link link;
  struct fc__addr to, from;
  struct fc__timer arrives;      /* of the request for the connection at the listener */
  struct fc__node pending;       /* in the listener's queue */
  struct sim_pipe pipes[2];      /* by enum sim_direction */
  struct sim_transport *ends[2]; /* 0 the client, 1 the server; NULL before and after */
  bool server_gone;              /* closed, or its listener was */
  int64_t connected_at;          /* the client learns the outcome then */
  int outcome;
};

struct sim_transport {
  struct fc__transport base;
  struct fc__node all;
  struct sim_connection *connection;
  enum sim_direction out; /* where it writes to */
  unsigned interest;
  bool connecting, closed;
};

struct sim_listener {
  struct fc__listener base;
  struct fc__node all;
  struct sim *sim;
  struct fc__addr at;
  struct fc__node pending;
  bool paused, closed;
};

struct sim {
  struct fc__io io;
  struct fc__net net;
  fc_reactor *reactor;
  bool io_gone;
  uint64_t seed;
  struct fc__random random, draws; /* the network's, and the net's users' */
  int64_t now;
  uint64_t fingerprint;
  size_t idle_turns; /* without time passing */
  int64_t *times;    /* a heap: something arrives then */
  size_t time_count, time_cap;
  struct fc__node connections, transports, listeners;
  struct fc__node lookups, actions;
  struct sim_link link;
  struct sim_named_link *links;
  struct sim_host *hosts;
  int accept_error;
  size_t accept_failures;
  unsigned next_port, next_client;
  struct sim_attempt *attempts;
  size_t attempt_count, lookup_count, read_count;
};

void *sim_alloc(size_t size); /* zeroed; never NULL */
void sim_die(const struct sim *sim, const char *what);
void sim_note(struct sim *sim, uint64_t what);   /* into the fingerprint */
void sim_note_time(struct sim *sim, int64_t at); /* something arrives then */

static inline struct sim *sim_from_net(struct fc__net *net) {
  return FC__CONTAINER(net, struct sim, net);
}

extern const struct fc__net_ops sim_net_ops;
extern const struct fc__io_ops sim_io_ops;

/* sim_pipe.c: the moving of bytes */
void sim_pipe_init(struct sim_pipe *p);
void sim_pipe_finish(struct sim_pipe *p);
ssize_t sim_pipe_read(struct sim_connection *c, struct sim_pipe *p, const struct iovec *iov,
                      int count);
ssize_t sim_pipe_write(struct sim_connection *c, struct sim_pipe *p, const struct iovec *iov,
                       int count);
bool sim_pipe_readable(const struct sim *sim, const struct sim_pipe *p);
void sim_pipe_end(struct sim_connection *c, struct sim_pipe *p); /* behind what was written */
void sim_pipe_reset(struct sim_connection *c, struct sim_pipe *p, int64_t delay);
void sim_connection_cut(struct sim_connection *c, enum sim_cut_kind kind);
void sim_connection_cut_if_due(struct sim_connection *c);

/* sim_transport.c */
unsigned sim_transport_ready(const struct sim_transport *t); /* what it wants to be told now */
struct sim_transport *sim_transport_create(struct sim_connection *c, enum sim_direction out);
int sim_connect(struct fc__net *net, const struct fc__addr *addr, struct fc__transport **out);
void sim_connection_forget_server(struct sim_connection *c);
void sim_release_transports(struct sim *sim); /* the closed ones */

/* sim_listener.c */
int sim_listen(struct fc__net *net, const struct fc__addr *addr,
               const struct fc__listen_options *options, struct fc__listener **out,
               struct fc__addr *bound);
struct sim_listener *sim_find_listener(struct sim *sim, const struct fc__addr *to);
bool sim_listener_ready(const struct sim_listener *l);
void sim_release_listeners(struct sim *sim);

/* sim_names.c */
int sim_resolve(struct fc__net *net, const char *host, uint16_t port, struct fc__resolve *r);
void sim_resolve_cancel(struct fc__net *net, struct fc__resolve *r);
void sim_forget_hosts(struct sim *sim);

#endif
