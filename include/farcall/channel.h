#ifndef FARCALL_CHANNEL_H
#define FARCALL_CHANNEL_H
/* A channel leads to a service by name: it resolves, connects, reconnects, and carries calls. */
#include "farcall/call.h"
#include "farcall/credentials.h"
#include "farcall/reactor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc_channel fc_channel;

/** Spec: grpc/grpc doc/connectivity-semantics-and-api.md */
typedef enum fc_connectivity {
  FC_CONNECTIVITY_IDLE = 0,
  FC_CONNECTIVITY_CONNECTING = 1,
  FC_CONNECTIVITY_READY = 2,
  FC_CONNECTIVITY_TRANSIENT_FAILURE = 3,
  FC_CONNECTIVITY_SHUTDOWN = 4,
} fc_connectivity;

/**
 * Names a state: "TRANSIENT_FAILURE".
 *
 * Owns:    a constant string
 * Errors:  a value that is no state gives "UNKNOWN"
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API const char *fc_connectivity_name(fc_connectivity state);

/** The rest of a chain of interceptors, the call itself at its end. Lives while the interceptor runs. */
typedef struct fc_next fc_next;

/**
 * Makes the call go on, with the method and options given. May be called any number of times, each one a call of its own;
 * the interceptor returns one of them and destroys the others.
 *
 * Owns:    the caller owns *out
 * Errors:  those of fc_channel_call
 * Threads: the interceptor's. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_next_call(fc_next *next, const char *method,
                                          const fc_call_options *options, fc_call **out,
                                          fc_error *err);

/** Sees each call of a channel before it starts. options is never NULL and has every field of this library's version, so
 * it may be copied and changed. It runs on the thread that makes the call, under no lock; it may block
 * (so a unary call may be waited for and made again), and then the caller waits too. What it returns is a client's call:
 * a server's is refused with FC_ERR_INVALID. */
typedef struct fc_interceptor {
  fc_result (*call)(fc_next *next, const char *method, const fc_call_options *options,
                    fc_call **out, fc_error *err, void *user);
  void *user; /* must live as long as the channel */
} fc_interceptor;

/** All zero is the default of each. */
typedef struct fc_channel_options {
  size_t size;
  fc_reactor *reactor;    /* NULL: the process's own */
  const char *authority;  /* :authority of the calls; NULL: from the target */
  const char *user_agent; /* put before the library's own */
  fc_wait_for_ready wait_for_ready;
  fc_compression compression;
  const fc_interceptor *interceptors; /* the first sees a call first */
  size_t interceptor_count;           /* at most 1,024 */
  size_t max_receive_message_bytes;   /* 0: 4 MiB; SIZE_MAX: no limit */
  size_t max_send_message_bytes;      /* 0, or more than gRPC has: 4 GiB - 1 */
  uint32_t max_metadata_bytes;        /* received header lists; 0: 16 KiB */
  uint32_t max_metadata_fields;       /* 0: 128 */
  int64_t connect_timeout_ns;         /* whole handshake; 0: 20 s */
  int64_t min_backoff_ns;             /* 0: 1 s  (doc/connection-backoff.md INITIAL_BACKOFF) */
  int64_t max_backoff_ns;             /* 0: 120 s */
  int64_t keepalive_time_ns; /* ping after so long without reading; 0: never (doc/keepalive.md) */
  int64_t keepalive_timeout_ns; /* 0: 20 s */
  bool keepalive_without_calls;
  int64_t idle_timeout_ns;       /* disconnect after so long without calls; 0: 30 min; FC_NEVER */
  uint32_t initial_window_bytes; /* receive window of a stream; 0: 64 KiB and automatic growth */
  /* NULL: insecure, nothing is encrypted and nobody verified */
  fc_channel_credentials *credentials;
  /* With TLS, the name that the server's certificate must have, and the authority unless that is given; NULL: the
   * authority. For tests whose certificates name another host. */
  const char *tls_target_name;
  bool
      any_path; /* methods need not be called "/package.Service/Method": any printable ASCII will do */
  const char *user_agent_suffix; /* put behind the library's own */
} fc_channel_options;

#define FC_CHANNEL_OPTIONS_INIT                                                                    \
  { .size = sizeof(fc_channel_options) }

/**
 * Makes a channel, encrypted if options have such credentials. It connects when first used.
 *
 * target:  "dns:///host:port", "host:port", "host" (port 443), "ipv4:a.b.c.d:port[,...]", "ipv6:[::1]:port[,...]",
 *          "unix:path", "unix:///path", "unix-abstract:name"        Spec: grpc/grpc doc/naming.md
 * Owns:    target and options are copied; the caller owns the channel
 * Errors:  FC_ERR_INVALID the target or an option, with err saying which and why; FC_ERR_NO_MEMORY; FC_ERR_SYSTEM
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_channel_create(const char *target,
                                               const fc_channel_options *options, fc_channel **out,
                                               fc_error *err);

/**
 * Gives the channel back. Calls that are not over go on to their end; fc_channel_close ends them.
 *
 * Owns:    takes the channel; NULL is fine
 * Errors:  none
 * Threads: any, when no other thread uses the channel and none waits in a function of it. Blocks: never
 * Since:   0.1
 */
FC_API void fc_channel_destroy(fc_channel *channel);

/**
 * Closes the channel: its calls end with CANCELLED "Channel closed!", its state becomes SHUTDOWN, later calls end with
 * CANCELLED as well. Closing again does nothing.
 *
 * Owns:    nothing
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API void fc_channel_close(fc_channel *channel);

/**
 * Starts a call. What can be known at once to be wrong is refused here; all else is told by the call's status.
 *
 * Owns:    method, options and metadata are copied, a request is referenced; the caller owns *out
 * Errors:  FC_ERR_INVALID channel, method ("/service/method") or an option; FC_ERR_LIMIT the request is longer than
 *          max_send_message_bytes or 4 GiB - 1; FC_ERR_NO_MEMORY
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_channel_call(fc_channel *channel, const char *method,
                                             const fc_call_options *options, fc_call **out,
                                             fc_error *err);

/**
 * The state of the channel; with connect, an idle channel begins to connect.
 *
 * Owns:    nothing
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API fc_connectivity fc_channel_state(fc_channel *channel, bool connect);

/**
 * Waits until the state is no longer the one given.
 *
 * Owns:    nothing
 * Errors:  FC_ERR_TIMEOUT it still is; FC_ERR_INVALID
 * Threads: any. Blocks: for timeout_ns at most
 * Units:   nanoseconds from now, FC_NEVER without end
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_channel_wait_change(fc_channel *channel, fc_connectivity last,
                                                    int64_t timeout_ns);

/**
 * Connects if need be and waits until the channel is ready.
 *
 * Owns:    nothing
 * Errors:  FC_ERR_TIMEOUT not ready in time, with err naming the last failure; FC_ERR_CLOSED the channel is closed
 * Threads: any. Blocks: for timeout_ns at most
 * Units:   nanoseconds from now, FC_NEVER without end
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_channel_wait_ready(fc_channel *channel, int64_t timeout_ns,
                                                   fc_error *err);

/** Told of each new state, in order. Runs on the driver's thread, under no lock. */
typedef void (*fc_connectivity_fn)(fc_channel *channel, fc_connectivity state, void *user);

typedef struct fc_watch fc_watch;

/**
 * Watches the state; fn is first called with the present one.
 *
 * Owns:    the caller owns *out, ended with fc_watch_cancel (before the channel is destroyed); it is stored before fn runs
 * Errors:  FC_ERR_NO_MEMORY, FC_ERR_INVALID
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_channel_watch(fc_channel *channel, fc_connectivity_fn fn,
                                              void *user, fc_watch **out);

/**
 * Ends a watch: fn is not called after this returned, except when called from fn itself.
 *
 * Owns:    takes the watch: it is cancelled once, like anything that is destroyed. Where fn and others may want to, whoever
 *          is first to exchange the pointer for NULL does. NULL is fine
 * Errors:  none
 * Threads: any; may be called in fn. Blocks: until a running fn has returned, unless called in it
 * Since:   0.1
 */
FC_API void fc_watch_cancel(fc_watch *watch);

#ifdef __cplusplus
}
#endif
#endif
