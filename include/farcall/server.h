#ifndef FARCALL_SERVER_H
#define FARCALL_SERVER_H
/*
 * A server: methods by name, ports, and the calls that clients make. Handlers come in three kinds: blocking ones run on a
 * pool of worker threads, asynchronous ones on the reactor's driver, and others on threads of the application's own
 * (server_take.h). What a call offers is in call.h, what only a server's side of it does in server_call.h.
 */
#include "farcall/credentials.h"
#include "farcall/reactor.h"
#include "farcall/server_call.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc_server fc_server;

/** Handles one call. user is the handler's. */
typedef void (*fc_handler_fn)(fc_call *call, void *user);

typedef enum fc_handler_kind {
  /* On a worker thread; may block. The handle goes when the function returns; a call that was not finished by then ends
   * with UNKNOWN. */
  FC_HANDLER_BLOCKING = 0,
  /* On the driver's thread; must not block. The function owns the handle and ends it with fc_call_destroy, then or
   * later. A method whose client sends one message is handled when that message is there. */
  FC_HANDLER_ASYNC = 1,
  /* On a thread of the application's that takes it with fc_server_take (server_take.h) and owns the handle then; fn is not
   * called. For servers with one reactor and without interceptors, which would not see the call. A method whose client
   * sends one message waits to be taken when that message is there. */
  FC_HANDLER_TAKEN = 2,
} fc_handler_kind;

typedef struct fc_handler {
  size_t size;
  fc_pattern
      pattern; /* cardinality is enforced: UNIMPLEMENTED where the client sends 0 or 2 for 1 */
  fc_handler_kind kind;
  fc_handler_fn fn;
  void *user;
  fc_drop_fn drop; /* told when the server no longer uses user; may be NULL */
  uint32_t queue;  /* of FC_HANDLER_TAKEN: where its calls wait, at most 63 */
} fc_handler;

#define FC_HANDLER_INIT                                                                            \
  { .size = sizeof(fc_handler) }

/** The rest of a chain of server interceptors, the handler at its end. Lives while the interceptor runs. */
typedef struct fc_server_next fc_server_next;

/**
 * Lets a call go on to the next interceptor or the handler.
 *
 * Owns:    passes the handle on
 * Errors:  none
 * Threads: the interceptor's, at most once. Blocks: as the handler does
 * Since:   0.1
 */
FC_API void fc_server_next_call(fc_server_next *next, fc_call *call);

/** Sees each call before its handler, on the handler's thread. It goes on with fc_server_next_call, or answers by itself:
 * fc_call_finish, and for asynchronous handlers fc_call_destroy. */
typedef struct fc_server_interceptor {
  void (*call)(fc_server_next *next, fc_call *call, void *user);
  void *user; /* must live as long as the server */
} fc_server_interceptor;

/** All zero is the default of each. */
typedef struct fc_server_options {
  size_t size;
  fc_reactor *reactor; /* the one to run on; NULL: `reactors` own ones */
  uint32_t reactors;   /* own reactors, each with a thread and a listening socket; 0: 1 */
  uint32_t workers;    /* threads for blocking handlers, started when needed; 0: 16 */
  /* Waiting for a worker, or in a queue; beyond: RESOURCE_EXHAUSTED, and by growing chance from a third of it on; 0: 3,000 */
  uint32_t max_pending_calls;
  uint32_t
      max_concurrent_calls; /* running in the server; beyond: RESOURCE_EXHAUSTED; 0: no limit */
  /* Requests of one connection whose handlers are not done, also when the client has reset them; 0: 100 */
  uint32_t max_concurrent_streams;
  uint32_t max_connections;                  /* 0: no limit; more wait in the listening socket */
  const fc_server_interceptor *interceptors; /* the first sees a call first */
  size_t interceptor_count;                  /* at most 1,024 */
  fc_compression compression;
  size_t max_receive_message_bytes;    /* 0: 4 MiB; SIZE_MAX: no limit */
  size_t max_send_message_bytes;       /* 0, or more than gRPC has: 4 GiB - 1 */
  uint32_t max_metadata_bytes;         /* 0: 16 KiB */
  uint32_t max_metadata_fields;        /* 0: 128 */
  int64_t handshake_timeout_ns;        /* of TLS and HTTP/2 together; 0: 20 s */
  int64_t max_connection_idle_ns;      /* GOAWAY after so long without calls; 0: never  (gRFC A9) */
  int64_t max_connection_age_ns;       /* GOAWAY after so long, +-10 %; 0: never */
  int64_t max_connection_age_grace_ns; /* then the calls have so long; 0: no limit */
  int64_t keepalive_time_ns;           /* 0: 2 h */
  int64_t keepalive_timeout_ns;        /* 0: 20 s */
  int64_t min_ping_interval_ns;        /* more frequent pings are strikes; 0: 5 min  (gRFC A8) */
  bool permit_ping_without_calls;
  /* While a connection has payload to write and the peer takes nothing, by its windows or by its socket, for so long: it
   * is closed, its calls are cancelled. 0: 60 s; FC_NEVER: where streams may pause longer than that. */
  int64_t stall_timeout_ns;
  uint32_t initial_window_bytes; /* receive window of a stream; 0: 64 KiB and automatic growth */
  bool reuse_port; /* share ports with other processes; off: a busy port is an error */
  /* Received messages that no handler has taken and answers that clients do not read, of all
   * connections together; each reactor has an even share. Beyond: idle connections are told to go
   * and new requests refused, both with ENHANCE_YOUR_CALM, which gRPC clients show as
   * RESOURCE_EXHAUSTED; calls that run go on. 0: 1 GiB; SIZE_MAX: no limit */
  size_t max_buffered_bytes;
  /* TLS handshakes under way at once, of which each reactor has an even share; beyond, the oldest is given up when it has
   * had a second, and until then more wait in the listening socket. 0: 1,000 */
  uint32_t max_handshakes;
  /* Told that a call waits in a queue (server_take.h) and that no thread is on its way to it: one should come, and take
   * with FC_TAKE_SENT_FOR. Until it does this is not told again for that queue. */
  void (*on_untaken)(fc_server *server, uint32_t queue, void *user);
  /* Told once that a server which has started was shut down and has no connection any more: all calls are over, though
   * handlers may still run. It may destroy the server unless fc_server_wait, fc_server_await or fc_server_destroy is under
   * way; other functions that have begun, such as the fc_server_shutdown that it follows from, need not have returned.
   * Both run on the driver's thread, under no lock; either may be NULL. */
  void (*on_end)(fc_server *server, void *user);
  void *user; /* of both; must live as long as the server */
  /* Methods need not be called "/package.Service/Method": any printable ASCII will do. */
  bool any_path;
} fc_server_options;

#define FC_SERVER_OPTIONS_INIT                                                                     \
  { .size = sizeof(fc_server_options) }

/**
 * Makes a server.
 *
 * Owns:    options are copied, interceptors too; the caller owns the server
 * Errors:  FC_ERR_INVALID an option; FC_ERR_NO_MEMORY; FC_ERR_SYSTEM
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_server_create(const fc_server_options *options, fc_server **out,
                                              fc_error *err);

/**
 * Registers a method by full name, "/package.Service/Method".
 *
 * Owns:    method and handler are copied
 * Errors:  FC_ERR_INVALID; FC_ERR_EXISTS it is registered; FC_ERR_CLOSED the server has started; FC_ERR_NO_MEMORY.
 *          drop does not run after a failure
 * Threads: one at a time per object. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_server_register(fc_server *server, const char *method,
                                                const fc_handler *handler, fc_error *err);

/**
 * Sets what handles methods that are not registered; without it they end UNIMPLEMENTED "Method not found!".
 *
 * Owns:    handler is copied
 * Errors:  those of fc_server_register
 * Threads: one at a time per object. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_server_set_fallback(fc_server *server, const fc_handler *handler,
                                                    fc_error *err);

/**
 * Binds an address without encryption; may be called several times, before the start and after.
 *
 * address: "host:port", "[::]:port", "0.0.0.0:port", "unix:path", "unix-abstract:name"; port 0 takes a free one
 * Owns:    nothing; *port (may be NULL) is the port bound, 0 for Unix sockets
 * Errors:  FC_ERR_SYSTEM with the address and the reason in err; FC_ERR_INVALID; FC_ERR_CLOSED; FC_ERR_NO_MEMORY
 * Threads: any. Blocks: for a host name, until it is resolved
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_server_listen(fc_server *server, const char *address, int *port,
                                              fc_error *err);

/**
 * Binds an address with credentials, such as those of fc_server_credentials_tls; as fc_server_listen otherwise.
 *
 * Owns:    takes a reference of its own to credentials; *port as fc_server_listen
 * Errors:  those of fc_server_listen; FC_ERR_INVALID credentials is NULL, or they are local and the address is not
 * Threads: any. Blocks: for a host name, until it is resolved
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_server_listen_secure(fc_server *server, const char *address,
                                                     fc_server_credentials *credentials, int *port,
                                                     fc_error *err);

/**
 * Begins to accept calls. With reactors in the automatic mode their background threads serve; in host mode the host's loop.
 *
 * Owns:    nothing
 * Errors:  FC_ERR_CLOSED started or shut down before; FC_ERR_NO_MEMORY; FC_ERR_SYSTEM a thread cannot be started
 * Threads: one at a time per object. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_server_start(fc_server *server, fc_error *err);

/**
 * Ends the server gracefully: no new connection, clients are told to go (GOAWAY in two steps), running calls may end
 * within the grace period; the rest is cancelled. May be called again with a shorter period.
 *
 * Owns:    nothing
 * Errors:  FC_ERR_INVALID negative
 * Threads: any. Blocks: never, see fc_server_wait
 * Units:   nanoseconds; 0 cancels at once; FC_NEVER waits for all
 * Since:   0.1
 */
FC_API fc_result fc_server_shutdown(fc_server *server, int64_t grace_ns);

/**
 * Waits until a shut down server is done: no call runs, no connection is open.
 *
 * Owns:    nothing
 * Errors:  FC_ERR_TIMEOUT; FC_ERR_INVALID
 * Threads: any but a handler's. Blocks: for timeout_ns at most
 * Units:   nanoseconds from now, FC_NEVER without end
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_server_wait(fc_server *server, int64_t timeout_ns);

/**
 * Shuts down at once if that has not been done, waits for handlers that run, and frees the server. No handler is called
 * afterwards; calls that an asynchronous one has kept are over, and their handles stay good.
 *
 * Owns:    takes the server; NULL is fine
 * Errors:  none
 * Threads: any but a handler's, when no other thread uses the server. Blocks: until the handlers' functions have returned
 * Since:   0.1
 */
FC_API void fc_server_destroy(fc_server *server);

#ifdef __cplusplus
}
#endif
#endif
