#ifndef FARCALL_CALL_H
#define FARCALL_CALL_H
/*
 * One call, on either side and of any of the four patterns. It is at once a stream to send on and receive
 * from, the future of its own result, and what tells of it: metadata, status, peer, time remaining.
 *
 * A call on the client comes from fc_channel_call (channel.h) or the short functions of rpc.h; on the server
 * it is handed to a handler (server.h). One thread may send while another receives; everything else may be
 * called from any thread at any time while the handle lives. Every call ends with exactly one status.
 *
 * A call with one response is a future: it goes on by itself. One that streams goes on by itself while a callback is
 * pending on it, once fc_call_is_done was asked, and in host mode; otherwise while a thread waits in a function of any
 * call on the same reactor. In between it stands still: what the network did not take at once is not sent, and its
 * deadline is noticed late.
 */
#include "farcall/auth_context.h"
#include "farcall/metadata.h"
#include "farcall/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc_call fc_call;
typedef struct fc_call_credentials fc_call_credentials;

/** Which side sends one message, and which any number. */
typedef enum fc_pattern {
  FC_PATTERN_STREAM_STREAM = 0,
  FC_PATTERN_UNARY_STREAM = 1,
  FC_PATTERN_STREAM_UNARY = 2,
  FC_PATTERN_UNARY_UNARY = 3,
} fc_pattern;

/** What a call does while its channel has no connection. Spec: grpc/grpc doc/wait-for-ready.md */
typedef enum fc_wait_for_ready {
  FC_WAIT_FOR_READY_UNSET = 0, /* as the channel says; off by default */
  FC_WAIT_FOR_READY_ON = 1,    /* waits for a connection until its deadline */
  FC_WAIT_FOR_READY_OFF = 2,   /* fails with UNAVAILABLE once connecting has failed */
} fc_wait_for_ready;

/** How messages are compressed. Spec: grpc/grpc doc/compression.md */
typedef enum fc_compression {
  FC_COMPRESSION_UNSET = 0, /* as the channel or server says; none by default */
  FC_COMPRESSION_NONE = 1,
  FC_COMPRESSION_DEFLATE = 2,
  FC_COMPRESSION_GZIP = 3,
} fc_compression;

/**
 * What an interceptor may attach to a call. Each function may be NULL. They run under no lock, on the thread that sends or
 * receives, or on the driver's thread for asynchronous operations; they may call any function but those that
 * block. next chains further hooks: sending passes through a hook before those behind it, receiving after them.
 */
typedef struct fc_call_hooks {
  size_t size;
  /* Sees a message to be sent or just received; returns it, or another one in its place, whose reference is
   * given up with it. NULL ends the call with INTERNAL; a call that is over, as it is when its only response is taken,
   * stays as it is, but the functions of rpc.h give INTERNAL for it. */
  fc_bytes *(*on_send)(fc_call *call, fc_bytes *message, void *user);
  fc_bytes *(*on_receive)(fc_call *call, fc_bytes *message, void *user);
  /* The call is over; once. */
  void (*on_done)(fc_call *call, const fc_status *status, void *user);
  /* The call's memory goes; the last use of user. Not told when the call could not be made. */
  fc_drop_fn drop;
  void *user;
  const struct fc_call_hooks *next;
} fc_call_hooks;

#define FC_CALL_HOOKS_INIT                                                                         \
  { sizeof(fc_call_hooks), NULL, NULL, NULL, NULL, NULL, NULL }

/** How a call is made on the client. All zero is the default of each. */
typedef struct fc_call_options {
  size_t size;
  fc_pattern pattern;
  int64_t timeout_ns; /* 0 or FC_NEVER: no deadline; negative is refused */
  const fc_metadata *metadata;
  fc_call_credentials
      *credentials; /* only on secure channels: UNAUTHENTICATED elsewhere, nothing sent */
  fc_wait_for_ready wait_for_ready;
  fc_compression compression;
  /* The only request of a call whose client sends one message: it leaves with the headers, and the sending
   * side is closed. Its reference is not taken. NULL: it is sent with fc_call_send. */
  fc_bytes *request;
  const fc_call_hooks *hooks;
} fc_call_options;

#define FC_CALL_OPTIONS_INIT                                                                       \
  {                                                                                                \
    sizeof(fc_call_options), FC_PATTERN_STREAM_STREAM, 0, NULL, NULL, FC_WAIT_FOR_READY_UNSET,     \
        FC_COMPRESSION_UNSET, NULL, NULL                                                           \
  }

/** Flags of a send. */
enum {
  FC_SEND_LAST = 1,         /* the sending side is closed behind this message */
  FC_SEND_UNCOMPRESSED = 2, /* this message is not compressed */
  /* Another message or the end of the sending side follows at once: they are written together. One of them must follow */
  FC_SEND_MORE = 4,
  FC_SEND_NO_WAIT = 8, /* FC_ERR_TIMEOUT, and nothing is sent, where it would have to wait */
};

/* ---- sending ---- */

/**
 * Sends one message, waiting while the peer's window and the connection's buffer are full.
 *
 * Owns:    takes the caller's reference to message on success, nothing on failure
 * Errors:  FC_ERR_INVALID message is NULL, or a second one where the pattern allows one, or a flag is unknown or,
 *          on a server, FC_SEND_LAST; FC_ERR_LIMIT longer than max_send_message_bytes, or than the 4 GiB - 1 that
 *          a message's prefix can tell: nothing is sent, and the call goes on; FC_ERR_CLOSED the call is over (see
 *          fc_call_status) or the sending side is closed; FC_ERR_BUSY another send is pending; FC_ERR_TIMEOUT with
 *          FC_SEND_NO_WAIT, it would have to wait; FC_ERR_NO_MEMORY
 * Threads: any; one sender at a time per call. Blocks: until the message is queued for the network, or the
 *          call is over: by deadline or fc_call_cancel at the latest
 * Units:   message without the 5-byte prefix        Spec: PROTOCOL-HTTP2.md, Length-Prefixed-Message
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_send(fc_call *call, fc_bytes *message, unsigned flags);

/**
 * Sends a copy of some bytes as one message; as fc_call_send otherwise.
 *
 * Owns:    the bytes are copied
 * Errors:  those of fc_call_send
 * Threads: any; one sender at a time per call. Blocks: as fc_call_send
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_send_copy(fc_call *call, fc_slice message, unsigned flags);

/** Told how an asynchronous send went: FC_OK it is queued for the network and the next may follow; FC_ERR_CLOSED
 * the call was over first. Runs once, on the driver's thread, under no lock. */
typedef void (*fc_sent_fn)(fc_call *call, fc_result result, void *user);

/**
 * Begins to send one message; done runs when the next one may be sent.
 *
 * Owns:    takes the caller's reference to message on success, nothing on failure; user must live until done ran
 * Errors:  those of fc_call_send; done does not run then
 * Threads: any; one sender at a time per call. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_send_async(fc_call *call, fc_bytes *message, unsigned flags,
                                                fc_sent_fn done, void *user);

/**
 * Closes the sending side of a client's call: no message follows, and a send that waits for room fails with
 * FC_ERR_CLOSED. On a call that is closed or over it does nothing.
 *
 * Owns:    nothing
 * Errors:  FC_ERR_INVALID on a server's call, which ends with fc_call_finish
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API fc_result fc_call_close_send(fc_call *call);

/* ---- receiving ---- */

/**
 * Receives the next message. On a client's call with one response that response is given when the call has ended
 * with OK, and FC_END otherwise.
 *
 * Owns:    the caller owns *message
 * Errors:  FC_END no further message comes (*message is NULL): on the client the status is known then; on the
 *          server the client has closed its sending side, or the call is over, which fc_call_is_done tells;
 *          FC_ERR_NO_MEMORY to expand a compressed message of a call that is over; it waits for the next receive;
 *          FC_ERR_BUSY another receive is pending; FC_ERR_INVALID
 * Threads: any; one receiver at a time per call. Blocks: until there is one, or the call is over
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_recv(fc_call *call, fc_bytes **message);

/**
 * Receives the next message if it is there.
 *
 * Owns:    the caller owns *message
 * Errors:  FC_ERR_TIMEOUT there is none yet; those of fc_call_recv, FC_END among them
 * Threads: any; one receiver at a time per call. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_try_recv(fc_call *call, fc_bytes **message);

/** Told of a message, which the callee owns, or of the end (message NULL). Runs once for each receive, on the driver's
 * thread, under no lock. */
typedef void (*fc_received_fn)(fc_call *call, fc_bytes *message, void *user);

/**
 * Begins to receive the next message.
 *
 * Owns:    user must live until done ran
 * Errors:  FC_ERR_BUSY another receive is pending; FC_ERR_INVALID
 * Threads: any; one receiver at a time per call. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_recv_async(fc_call *call, fc_received_fn done, void *user);

/* ---- the call as a future ---- */

/**
 * Waits for the end of the call.
 *
 * Owns:    nothing
 * Errors:  FC_OK it ended by itself (with any status); FC_ERR_CANCELLED it was cancelled on this side;
 *          FC_ERR_TIMEOUT it is still running; FC_ERR_INVALID negative timeout
 * Threads: any. Blocks: for timeout_ns at most
 * Units:   timeout_ns: nanoseconds from now, FC_NEVER without end, 0 asks only
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_wait(fc_call *call, int64_t timeout_ns);

/** Told that a call is over. Runs once, on the driver's thread, under no lock; the status may be asked. */
typedef void (*fc_call_done_fn)(fc_call *call, void *user);

/**
 * Adds a callback for the end of the call; any number may be added.
 *
 * Owns:    user must live until done ran. The handle may be destroyed before: done then still runs, once
 * Errors:  FC_ERR_CLOSED the call is over already: done was not added and does not run; FC_ERR_INVALID;
 *          FC_ERR_NO_MEMORY
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_on_done(fc_call *call, fc_call_done_fn done, void *user);

/**
 * Ends the call from this side: the status becomes code (CANCELLED where it is OK) and message, the peer is told, every
 * waiting thread returns. A call that is over stays as it is.
 *
 * Owns:    message is copied; NULL gives "Cancelled"
 * Errors:  none; calling it again does nothing
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API void fc_call_cancel(fc_call *call, fc_code code, const char *message);

/**
 * Says whether the call is over; then its status is known. A call that is asked about goes on by itself from then on.
 *
 * Owns:    nothing
 * Errors:  none; a call that is NULL is over
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API bool fc_call_is_done(fc_call *call);

/* ---- asking ---- */

/**
 * The metadata that the peer sent first: on a client's call the server's initial metadata, on a server's call the
 * request's metadata.
 *
 * Owns:    *out lives as long as the handle
 * Errors:  FC_ERR_TIMEOUT not known yet; FC_ERR_INVALID negative timeout; an ended call whose peer sent none gives
 *          an empty list
 * Threads: any. Blocks: until it is known, the call is over, or for timeout_ns
 * Units:   timeout_ns: nanoseconds from now, FC_NEVER without end, 0 asks only
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_initial_metadata(fc_call *call, int64_t timeout_ns,
                                                      const fc_metadata **out);

/**
 * Runs a callback once the initial metadata is known or the call is over; ask fc_call_initial_metadata in it.
 *
 * Owns:    user must live until done ran
 * Errors:  FC_ERR_BUSY one is pending already; FC_ERR_INVALID
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_on_initial_metadata(fc_call *call, fc_call_done_fn done,
                                                         void *user);

/**
 * The metadata that came with the status; empty where there was none. On the server, what this side has set.
 *
 * Owns:    lives as long as the handle
 * Errors:  none
 * Threads: any. Blocks: until the call is over
 * Since:   0.1
 */
FC_API const fc_metadata *fc_call_trailing_metadata(fc_call *call);

/**
 * The outcome.
 *
 * Owns:    lives as long as the handle
 * Errors:  none
 * Threads: any. Blocks: until the call is over
 * Since:   0.1
 */
FC_API const fc_status *fc_call_status(fc_call *call);

/**
 * The other side's address: "ipv4:127.0.0.1:50051", "ipv6:%5B::1%5D:50051", "unix:/path"; "" while there is none.
 *
 * Owns:    the text is copied into peer, cut to size, always ended
 * Errors:  none
 * Threads: any. Blocks: never
 * Units:   size in bytes; 160 is always enough
 * Since:   0.1
 */
FC_API void fc_call_peer(fc_call *call, char *peer, size_t size);

/**
 * What is known of the other side, see auth_context.h. A client's call has one once it is sent; without a connection it is
 * empty.
 *
 * Owns:    lives as long as the handle; never NULL
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API const fc_auth_context *fc_call_auth_context(fc_call *call);

/**
 * The time left until the deadline, 0 when it has passed; FC_NEVER without a deadline.
 *
 * Owns:    nothing
 * Errors:  none
 * Threads: any. Blocks: never
 * Units:   nanoseconds
 * Since:   0.1
 */
FC_API int64_t fc_call_time_remaining(fc_call *call);

/**
 * The full method name, "/package.Service/Method".
 *
 * Owns:    lives as long as the handle
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API const char *fc_call_method(fc_call *call);

/**
 * Gives the handle back. A client's call that is not over is cancelled, unless callbacks of its end were added
 * (fc_call_on_done, the callback mode of rpc.h): then it runs on for them. A server's call that was not finished
 * ends with UNKNOWN.
 *
 * Owns:    takes the handle; NULL is fine
 * Errors:  none
 * Threads: any, when no other thread uses the handle and none waits in a function of it; may be called in the call's
 *          callbacks, also before the function that they follow from has returned. Blocks: never
 * Since:   0.1
 */
FC_API void fc_call_destroy(fc_call *call);

#ifdef __cplusplus
}
#endif
#endif
