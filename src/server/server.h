#ifndef FC_SERVER_SERVER_H
#define FC_SERVER_SERVER_H
/*
 * The inside of fc_server. A server has one shard for each reactor: listening sockets, connections and calls of a shard
 * are touched only under its loop's lock, and no two loops' locks are ever held together. What shards share is constant
 * after the start, or atomic, or the worker pool with its own lock, which may be taken under a loop's.
 *
 * Who keeps whom: a call counts in its shard until it is freed, and in its connection until its handler is done; a
 * connection counts in its shard until it is down and no handler of it runs. The server's memory goes with the user's
 * handle and the last of these.
 */
#include <stdatomic.h>

#include "base/loop.h"
#include "base/map.h"
#include "base/net.h"
#include "base/random.h"
#include "call/call.h"
#include "call/link.h"
#include "farcall/server.h"
#include "server/credentials.h"
#include "server/workers.h"

/* ---- methods.c ---- */

struct fc__server_methods {
  struct fc__map by_name; /* full name -> fc_handler */
  fc_handler *fallback;   /* or NULL */
};

void fc__server_methods_init(struct fc__server_methods *m, uint64_t seed);
void fc__server_methods_finish(
    struct fc__server_methods *m); /* tells the handlers' drop functions */
/* NULL: there is none, or the name has no service or no method part. */
const fc_handler *fc__server_methods_find(const struct fc__server_methods *m, fc_slice path);

/* ---- take.c: calls that threads of the application take ---- */

enum { FC__SERVER_QUEUE_MAX = 64 };

struct fc__server_queue {
  fc_server *server;
  struct fc__node calls;  /* by their dispatch task */
  uint32_t count;         /* of these */
  struct fc__node takers; /* threads in fc_server_await, the last one first */
  bool sent_for;          /* a thread is on its way */
  int64_t left_at;        /* when a thread went off with a call, FC_NEVER: the last one is back */
  unsigned quick;         /* grows as threads are back soon */
  struct fc__task ask;    /* runs on_untaken */
};

/* ---- the parts of a server ---- */

struct fc__server_shard {
  struct fc__call_owner owner; /* first: calls know their shard by it */
  fc_server *server;
  struct fc__loop *loop; /* referenced */
  struct fc__net *net;
  struct fc__random random;
  unsigned forks; /* of the loop, when the server was made: its workers are that process's */
  bool accepting; /* started, not shut down */
  bool draining;  /* shut down */
  bool held;      /* counted in the loop's holds */
  bool attended;  /* counted in its keeps instead: a thread that takes calls will soon poll again */
  bool released;  /* the user's handle is gone */
  bool going;     /* is being freed: by free_task, or by fc_server_destroy itself */
  bool ended;     /* shut down, and without connections since */
  size_t conn_count; /* not yet freed */
  size_t link_count; /* of these, up */
  size_t call_count; /* not yet freed */
  struct fc__node ports;
  struct fc__node handshakes; /* the oldest first */
  size_t handshake_count, handshakes_max;
  struct fc__node conns;   /* with their link up */
  struct fc__node waiters; /* fc_server_wait */
  size_t buffered_max;     /* of owner.buffered, before new requests are refused */
  int64_t calm_at;         /* when idle connections may be told to go for that once more */
  int64_t grace_at;        /* when what still runs is cancelled, FC_NEVER */
  struct fc__timer grace;
  struct fc__task free_task;
};

enum fc__server_state { FC__SERVER_NEW = 0, FC__SERVER_STARTED = 1, FC__SERVER_SHUT_DOWN = 2 };

struct fc_server {
  fc_server_options options; /* defaults filled in */
  fc_server_interceptor *interceptors;
  struct fc__server_methods methods;
  struct fc__link_config link_config;
  struct fc__workers workers;
  struct fc__server_key *keys; /* of its ports, under the first shard's lock */
  atomic_int state;            /* bits of enum fc__server_state */
  atomic_uint sockets;         /* connections that hold a descriptor, with max_connections */
  atomic_uint running;         /* calls whose handlers are not done, with max_concurrent_calls */
  /* Held by the user's handle, by each shard that is not freed yet, and by each function that may make on_end run: on_end may
   * destroy the server before that function returns. The loops of all shards live as long. */
  atomic_uint refs;
  atomic_uint batches; /* calls of fc_server_listen so far */
  atomic_uint unended; /* shards that have not ended */
  struct fc__task end; /* runs on_end */
  struct fc__server_queue *queues;
  size_t queue_count;
  size_t shard_count;
  struct fc__server_shard shards[];
};

/* ---- server.c ---- */

void fc__server_ref(fc_server *server);
void fc__server_unref(fc_server *server); /* without a loop's lock */

static inline bool fc__server_has_started(const fc_server *server) {
  return atomic_load(&server->state) & FC__SERVER_STARTED;
}

/* Wakes who waits for the shard's end and lets the shard go, as far as nothing needs it. [locked] */
void fc__server_shard_check(struct fc__server_shard *shard);

/* ---- options.c ---- */

/* Reads options and fills the defaults in. FC_ERR_INVALID with the option's name. */
fc_result fc__server_options_read(const fc_server_options *from, fc_server_options *out,
                                  fc_error *err);
void fc__server_link_config(const fc_server_options *o, struct fc__link_config *out);

/* ---- accept.c: one listening socket ---- */

struct fc__server_port {
  struct fc__node node; /* in the shard's ports */
  struct fc__server_shard *shard;
  struct fc__listener *listener;
  fc_server_credentials *credentials; /* the server has them among its keys; NULL: insecure */
  unsigned batch;                     /* the fc_server_listen that it is of */
  bool paused;
  struct fc__timer retry;
};

enum { FC__SERVER_ALL_PORTS = 0 };

static inline enum fc__security fc__server_port_security(const struct fc__server_port *port) {
  return port->credentials ? port->credentials->security : FC__SECURITY_INSECURE;
}

/* Takes the listener over on success; it is paused until fc__server_ports_open. [locked] */
fc_result fc__server_port_add(struct fc__server_shard *shard, struct fc__listener *listener,
                              fc_server_credentials *credentials, unsigned batch);
void fc__server_ports_open(struct fc__server_shard *shard); /* [locked] if the shard accepts */
void fc__server_ports_close(struct fc__server_shard *shard, unsigned batch); /* [locked] */
/* A descriptor has come free: paused ports try again at once. [locked] */
void fc__server_ports_retry(struct fc__server_shard *shard, int64_t now);
/* A descriptor that was accepted is closed. [locked] */
void fc__server_socket_closed(struct fc__server_shard *shard, int64_t now);

/* ---- handshakes.c: between the two ---- */

/* Another one may be accepted now. [locked] */
bool fc__server_may_admit(struct fc__server_port *port, int64_t now);
/* Secures an accepted transport, which it takes over, and has it served. [locked] */
void fc__server_admit(struct fc__server_port *port, struct fc__transport *transport,
                      const struct fc__addr *peer, int64_t now);
/* Gives up all that are under way. [locked] */
void fc__server_handshakes_end(struct fc__server_shard *shard, int64_t now);

/* ---- conn.c: one connection ---- */

enum fc__server_stage {
  FC__SERVER_OPEN,
  FC__SERVER_WARNED, /* the client knows that it should go; requests on their way are taken */
  FC__SERVER_CLOSING /* it knows the last request that is taken */
};

struct fc__server_conn {
  struct fc__node node; /* in the shard's conns, while the link is up */
  struct fc__server_shard *shard;
  struct fc__link *link; /* NULL once down */
  struct fc__node calls; /* whose status is not decided */
  uint32_t slots;        /* calls whose handlers are not done */
  uint32_t turn_calls;   /* begun in the turn at turn_at */
  int64_t turn_at;
  enum fc__server_stage stage;
  int64_t idle_since; /* FC_NEVER: a call runs */
  int64_t warn_at;    /* the end of its age, FC_NEVER */
  int64_t final_at;   /* the second step at the latest, FC_NEVER */
  int64_t close_at;   /* what still runs is cancelled, FC_NEVER */
  struct fc__timer timer;
  /* The method called last: clients call the same one again and again. */
  const fc_handler *last_handler;
  size_t last_path_len;
  uint8_t last_path[64];
};

/* Serves a transport, which it takes over also on failure. since: it was accepted then. NULL: no memory. [locked] */
struct fc__server_conn *fc__server_conn_create(struct fc__server_shard *shard,
                                               struct fc__transport *transport,
                                               const struct fc__addr *peer, int64_t since,
                                               int64_t now);
/* Tells the client to go: both steps, the second a round trip later. [locked] */
void fc__server_conn_goaway(struct fc__server_conn *conn, const char *debug, int64_t now);
/* Cancels what runs on it and closes it. [locked] */
void fc__server_conn_close(struct fc__server_conn *conn, const char *reason, int64_t now);

void fc__server_conn_call_over(struct fc__server_conn *conn, fc_call *call,
                               int64_t now); /* [locked] */
/* The handler is done: its slot is free. May free conn. [locked] */
void fc__server_conn_slot_free(struct fc__server_conn *conn);

/* ---- dispatch.c ---- */

extern const struct fc__call_owner_ops fc__server_call_ops;

/* Makes the queues up to this one. FC_ERR_NO_MEMORY. */
fc_result fc__server_queues_reach(fc_server *server, uint32_t queue);
/* A call comes into its handler's queue. FC_ERR_LIMIT: too many wait there. [locked] */
fc_result fc__server_queue_add(struct fc__server_shard *shard, fc_call *call);
/* Takes a call out again that no thread has taken; says whether it did. [locked] */
bool fc__server_queue_remove(fc_call *call);
void fc__server_queues_end(fc_server *server); /* no call will come any more. [locked] */
/* Whether the loop need not be watched for the shard at once, since a thread comes back to do it. [locked] */
void fc__server_set_attended(struct fc__server_shard *shard, bool attended);

/* ---- shutdown.c ---- */

/* A connection is down, or the server has been shut down: this may be the end. [locked] */
void fc__server_check_end(struct fc__server_shard *shard);
void fc__server_end_run(struct fc__task *task);

void fc__server_shut_down(fc_server *server, int64_t grace);
bool fc__server_shard_is_done(
    const struct fc__server_shard *shard);                    /* [locked] nothing runs any more */
void fc__server_wake_waiters(struct fc__server_shard *shard); /* [locked] */
void fc__server_grace_over(struct fc__timer *timer, int64_t now); /* the shard's grace timer */

#endif
