#ifndef FC_CALL_CALL_H
#define FC_CALL_CALL_H
/*
 * The inside of fc_call: one call of either side. Its state is touched only under the loop's lock; functions here
 * expect it to be held unless they say otherwise. The public functions are in api_*.c.
 *
 *   client: created -> in the channel's line -> attached to a link -> over
 *   server: created by the link -> headers -> dispatched to a handler -> finished -> over
 */
#include <string.h>

#include "base/auth_context.h"
#include "base/loop.h"
#include "call/link.h"
#include "farcall/call.h"
#include "http2/conn.h"
#include "wire/compress.h"
#include "wire/deframer.h"
#include "wire/metadata.h"

/* A method name, shared by the calls of a channel or server. */
struct fc__method {
  uint32_t refs; /* under the loop's lock */
  uint32_t id;   /* numbers the methods of a channel from 0, for the links' replays */
  size_t len;
  char *path;
};

struct fc__call_owner;

struct fc__call_owner_ops {
  /* Client: the peer did not process the call (REFUSED_STREAM, GOAWAY) and it may be tried again, once: put it in
   * line, or fc__call_end it. */
  void (*on_unprocessed)(struct fc__call_owner *owner, fc_call *call, int64_t now);
  /* Server: the request's headers are valid: find the method, set call->pattern and call->handler; or fc__call_end the call. */
  void (*on_request)(struct fc__call_owner *owner, fc_call *call, int64_t now);
  /* Server: run the handler now (the request message is there, if the pattern has one). Once, unless the call ends before.
   * The handle reference passes to the server. */
  void (*on_dispatch)(struct fc__call_owner *owner, fc_call *call, int64_t now);
  /* The status is decided: leave all lines and counts. Once. */
  void (*on_over)(struct fc__call_owner *owner, fc_call *call, int64_t now);
  /* The last reference has gone: the call may be freed with fc__call_free or kept in fc__call_pool. */
  void (*on_free)(struct fc__call_owner *owner, fc_call *call);
};

/* What the calls of one channel or server share. */
struct fc__call_owner {
  const struct fc__call_owner_ops *ops;
  struct fc__loop *loop;
  size_t max_receive;
  size_t max_send; /* at most FC__MESSAGE_MAX, see fc__call_max_send */
  bool any_path;   /* server: methods need not be named /service/method */
  /* Bytes that peers make us hold: messages not taken by the application or not whole yet, and
   * what links add. */
  size_t buffered;
  enum fc__encoding compression;          /* default for sending */
  fc_slice scheme, authority, user_agent; /* client */
  struct fc__call_pool {
    fc_call *first; /* linked by pool_next */
    size_t count;   /* at most FC__CALL_POOL_MAX */
  } pool;
};

enum { FC__CALL_POOL_MAX = 4096, FC__REPLAY_MAX = 256 * 1024 };

enum fc__call_event { /* what a waiting thread waits for */
                      FC__EVENT_HEADERS = 1,
                      FC__EVENT_MESSAGE = 2,
                      FC__EVENT_SEND = 4,
                      FC__EVENT_DONE = 8,
};

struct fc__call_waiter {
  struct fc__node link;
  fc_call *call;
  unsigned events;
  struct fc__waiter waiter;
};

/* An asynchronous operation: at most one of a kind is pending. */
struct fc__op {
  struct fc__task task;
  fc_call *call;
  enum { FC__OP_IDLE, FC__OP_PENDING, FC__OP_QUEUED } state;
  union {
    fc_sent_fn sent;
    fc_received_fn received;
    fc_call_done_fn done;
  } fn;
  void *user;
  fc_result result;
  fc_bytes *message;
  struct fc__op *next; /* further callbacks of the end */
  bool allocated;
};

struct
    fc__outgoing { /* a message kept until the peer is known to have the call: transparent retry */
  fc_bytes *body;  /* as it goes on the wire */
  bool compressed, last, more;
};

struct fc_call {
  struct fc__h2_stream stream; /* first: the engine's events name the call by it */
  struct fc__loop *loop;
  struct fc__call_owner *owner;
  struct fc__link *link;                /* while the stream is open */
  uint32_t refs;                        /* handle, liveness, pending operations */
  uint8_t pattern;                      /* enum fc_pattern */
  uint8_t send_encoding, recv_encoding; /* enum fc__encoding */
  bool server;
  bool handle; /* the user holds the handle */
  bool live;   /* holds a reference: the status is not decided, or the stream is open */
  bool held;   /* counted in the loop's keeps: a future, see fc__call_hold */
  bool wait_for_ready;
  bool retried;       /* transparently, once */
  bool committed;     /* the peer has processed something of it: no transparent retry */
  bool started;       /* client: request headers were sent. Server: response headers were */
  bool headers_in;    /* the peer's initial metadata is complete */
  bool send_closed;   /* the user has closed the sending side */
  bool remote_closed; /* the peer has */
  bool over;          /* the status is decided */
  bool cancelled;     /* ... by this side's application */
  bool dispatched;    /* server: the handler has it */
  bool finished;      /* server: the handler has given the status */
  bool hooks_watched; /* the end is told to the hooks */
  bool observed;      /* callbacks of the end were added: the call runs on without its handle */
  bool sending, receiving;   /* a thread is in fc_call_send, fc_call_recv */
  uint8_t auth_count;        /* in kept.auth */
  unsigned peer_accepts;     /* encodings, 1 << enum fc__encoding */
  struct fc__method *method; /* client; referenced */
  const void *handler;       /* server: the owner's */
  void *owner_data;          /* the owner's */
  int64_t deadline;          /* FC_NEVER: none */
  struct fc__timer timer;
  struct fc__node line;     /* the owner's: waiting for a connection; a server's running calls */
  struct fc__task dispatch; /* server: runs the handler */
  /* Client: the owner's, while a plugin is asked for metadata. */
  struct fc_auth_request *auth_request;
  /* sending */
  uint32_t outgoing_count;
  uint32_t sent_count;
  size_t outgoing_bytes;
  /* receiving */
  struct fc__deframer deframer;
  fc_bytes *messages_first, *messages_last; /* whole ones, linked by next */
  uint32_t queued_count, received_count;
  size_t ready_bytes;     /* in the queue, without the messages that wait compressed */
  size_t partial_counted; /* bytes of the message that is not whole, in owner->buffered */
  size_t uncredited;      /* received bytes that the peer's window has not got back */
  struct fc__header_state {
    int http_status;
    uint8_t seen;     /* enum fc__seen */
    bool grpc;        /* content-type says so */
    fc_code code;     /* the first thing wrong with a header block */
    const char *text; /* a constant; NULL while nothing is */
    fc_code status;   /* grpc-status */
    int64_t timeout;  /* grpc-timeout, FC_NEVER without */
  } header;
  /* outcome */
  fc_status status; /* points into message and details, or at constants */
  /* waiting */
  struct fc__node waiters;
  struct fc__op send_op, recv_op, headers_op, done_op;
  struct fc__hook *hooks; /* outermost first; hooks.c */
  fc_call *pool_next;
  /* What follows keeps its memory when the call is pooled. */
  struct fc__call_kept {
    struct fc_metadata sending;           /* client: the request's; server: trailing */
    struct fc_metadata initial, trailing; /* received; on a server trailing is unused */
    struct fc__outgoing *outgoing;
    uint32_t outgoing_cap;
    struct fc__buf path, message, details; /* path: server */
    char peer[FC__ADDR_TEXT_MAX];
    /* What its connections tell of the peer, referenced; none where they are insecure. The second is of a transparent
     * retry, when the first may have been handed out, which lives as long as the handle. */
    const fc_auth_context *auth[2];
  } kept;
};

/* Fields of a header block. */
enum fc__seen {
  FC__SEEN_TE = 2,
  FC__SEEN_AUTHORITY = 4,
  FC__SEEN_STATUS = 8,
  FC__SEEN_CONTENT_TYPE = 16,
  FC__SEEN_TIMEOUT = 32,
  FC__SEEN_STATUS_WRONG = 64, /* no code, or the second */
};

/* ---- life: life.c ---- */

/* Client: makes a call with everything its options say, deadline timer included; it is in no line yet. options were read
 * with fc__options_read; method is referenced. The caller owns the handle. FC_ERR_INVALID, FC_ERR_LIMIT,
 * FC_ERR_NO_MEMORY. */
fc_result fc__call_create_client(struct fc__call_owner *owner, struct fc__method *method,
                                 const fc_call_options *options, int64_t now, fc_call **out,
                                 fc_error *err);
/* Without the lock: sends options.request of a call that has hooks, which must see it first; fc__call_create_client
 * leaves it to the caller then. */
void fc__call_send_request(fc_call *call, fc_bytes *request);
/* Server: for fc__link_ops.new_call. The handle is the server's until dispatch. NULL: no memory. */
fc_call *fc__call_create_server(struct fc__call_owner *owner, struct fc__link *link, int64_t now);

/* Notes who the other side of a link is. */
static inline void fc__call_note_peer(fc_call *call, const struct fc__link *link) {
  memcpy(call->kept.peer, link->peer, link->peer_len + 1);
  if (link->auth) call->kept.auth[call->auth_count++] = fc__auth_ref(link->auth);
}

void fc__call_ref(fc_call *call);
void fc__call_unref(fc_call *call); /* the last one: on_free */
void fc__call_drop_handle(fc_call *call,
                          int64_t now); /* what fc_call_destroy does, under the lock */
void fc__call_free(fc_call *call);      /* frees the memory of a call that nobody refers to */
void fc__call_pool_keep(struct fc__call_owner *owner,
                        fc_call *call); /* the usual on_free: keeps it, or frees it */
void fc__call_pool_finish(struct fc__call_owner *owner);
void fc__call_hold(fc_call *call); /* a future: the loop works for it until it is over */

struct fc__method *fc__method_create(fc_slice path,
                                     uint32_t id); /* one reference; NULL: no memory */
void fc__method_unref(struct fc__method *method);

/* ---- the state machine: state.c, request.c, response.c ---- */

/* Client: sends the call on a link that has room. */
void fc__call_attach(fc_call *call, struct fc__link *link, int64_t now);
/* Decides the status on this side, unless it is decided: tells the peer, the owner and whoever waits. message is
 * copied. */
void fc__call_end(fc_call *call, fc_code code, const char *message, int64_t now);
/* The same with a printf format. */
void fc__call_endf(fc_call *call, int64_t now, fc_code code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Server: the handler's status; queued messages go first. */
fc_result fc__call_finish(fc_call *call, fc_code code, fc_slice message, fc_slice details,
                          int64_t now);

/* The text of a status that a hook brings about. */
#define FC__HOOK_REFUSED "a hook refused a message"

/* ---- the length of messages ---- */

/* The limit that an option max_send_message_bytes makes, where 0 means none. */
static inline size_t fc__call_max_send(size_t option) {
  return option == 0 || option > FC__MESSAGE_MAX ? FC__MESSAGE_MAX : option;
}
/* FC_ERR_LIMIT: a message of len bytes is too long to be sent; the error tells both numbers. */
fc_result fc__call_check_length(const struct fc__call_owner *owner, size_t len, fc_error *err);
/* The same of a message that the call has refused; if its length is right, hooks have made it too long. */
fc_result fc__call_explain_limit(const fc_call *call, const fc_bytes *message, fc_error *err);
/* Copies bytes for a message. What is too long is not copied but borrowed: whoever takes the message refuses it. */
fc_bytes *fc__call_copy(const struct fc__call_owner *owner, fc_slice bytes);

/* ---- for the short functions of rpc.h ---- */

/* Waits for the end under the lock: FC_OK, FC_ERR_INTERRUPTED. */
fc_result fc__call_wait_locked(fc_call *call);
/* The response of a call that ended with OK, or NULL; the caller owns it. */
fc_bytes *fc__call_take_response(fc_call *call);

#endif
