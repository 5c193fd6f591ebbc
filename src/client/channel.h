#ifndef FC_CLIENT_CHANNEL_H
#define FC_CLIENT_CHANNEL_H
/*
 * The inside of fc_channel, and what its files ask of each other. Everything here is called under
 * the loop's lock unless it says otherwise.
 *
 *   channel.c       life: create, close, destroy, going idle
 *   connect.c       rounds of connecting: resolve, every address in turn, backoff
 *   dial.c          one connection to one address, from connect() to HTTP/2
 *   conn.c          ... and from there to its end
 *   line.c          calls: starting, waiting for a connection or for room, failing
 *   authorize.c     what call credentials add to them first
 *   connectivity.c  the state and those who wait for it; watch.c those who are told of it
 */
#include "call/call.h"
#include "client/method.h"
#include "client/options.h"
#include "client/target.h"
#include "farcall/channel.h"

struct fc__conn;

enum fc__connect_phase {
  FC__CONNECT_OFF,
  FC__CONNECT_RESOLVING,
  FC__CONNECT_TRYING, /* conn is being made */
  FC__CONNECT_UP,     /* conn takes calls */
  FC__CONNECT_BACKOFF,
};

enum { FC__FAILURE_MAX = 384 };

struct fc__connector {
  enum fc__connect_phase phase;
  struct fc__conn *conn;
  struct fc__resolve resolve;
  struct fc__addr *resolved; /* of the last name resolution that succeeded */
  size_t resolved_count;
  const struct fc__addr *addrs; /* of this round */
  size_t count, next;
  struct fc__timer timer; /* ends an attempt or the backoff */
  int64_t backoff;        /* 0: the next round is the first after a success */
  int64_t retry_at;       /* the next round begins no earlier */
  char last_error[256];   /* of the last attempt */
};

struct fc_channel {
  struct fc__call_owner owner; /* first: the calls' owner is their channel */
  struct fc__loop *loop;
  struct fc__net *net;
  struct fc__channel_config config;
  struct fc__target target;
  char *tls_name; /* that the server's certificate must have; NULL without TLS */
  struct fc__methods methods;
  unsigned forks; /* of the loop, when the connections were made */
  unsigned refs;  /* the handle, calls, watches, a flush that is due */
  bool handle;    /* the user holds the channel */
  bool closed;
  bool held;     /* counted in the loop's holds, see fc__channel_update_hold */
  bool settling; /* flush is due */
  struct fc__flush flush;
  struct fc__task end; /* frees the channel, without the lock */
  /* connecting */
  struct fc__connector connector;
  struct fc__node draining; /* connections that finish their calls and take no more */
  struct fc__timer idle;
  int64_t last_active;
  /* the state */
  fc_connectivity state;
  bool wanted; /* somebody asked to connect and does not wait: the loop works until it is decided */
  struct fc__node watches, waiters;
  char failure[FC__FAILURE_MAX]; /* why TRANSIENT_FAILURE */
  /* calls; each that is not over is in one of these */
  struct fc__node line;    /* waiting for a connection or for room */
  struct fc__node again;   /* not processed by the peer: they go before the line */
  struct fc__node running; /* attached to a connection */
  struct fc__node asking;  /* a plugin is asked for their metadata: they go to the line after */
  size_t calls;
};

/* ---- channel.c ---- */

void fc__channel_ref(struct fc_channel *ch);
void fc__channel_unref(struct fc_channel *ch);
void fc__channel_settle(
    struct fc_channel *ch); /* looks at calls and connections again at the end of the turn */
void fc__channel_update_hold(struct fc_channel *ch);
void fc__channel_leave_idle(struct fc_channel *ch, int64_t now); /* the idle timeout begins */
/* In a child process: what is under way belongs to the parent; begins anew, without a backoff. */
void fc__channel_check_fork(struct fc_channel *ch, int64_t now);

/* ---- connect.c ---- */

/* Makes an idle channel connect. */
void fc__connect_begin(struct fc_channel *ch, int64_t now);
/* Begins the next round if its time has come but nobody drove the timers. */
void fc__connect_poll(struct fc_channel *ch, int64_t now);
/* Gives up what is under way and the connection that takes calls. */
void fc__connect_stop(struct fc_channel *ch, const char *reason, int64_t now);
/* A connection that the loop has not looked at for a while is asked whether it still stands. */
void fc__connect_probe(struct fc_channel *ch, int64_t now);
/* Reports of conn.c. */
void fc__connect_up(struct fc_channel *ch, int64_t now);
void fc__connect_failed(struct fc_channel *ch, const char *error, int64_t now);
void fc__connect_lost(struct fc_channel *ch, const char *reason, bool used, int64_t lived,
                      int64_t now);

/* ---- line.c ---- */

extern const struct fc__call_owner_ops fc__line_ops;

/* Makes a call and sends it or puts it in line. options were read; what is unset in them becomes
 * the channel's. The lock is released while plugins of call credentials run. */
fc_result fc__line_start(struct fc_channel *ch, const char *path, fc_call_options *o, fc_call **out,
                         fc_error *err);
/* What remains when a call's metadata is complete. */
void fc__line_place(struct fc_channel *ch, fc_call *call, int64_t now);
void fc__line_run(struct fc_channel *ch, int64_t now);  /* attaches calls while there is room */
void fc__line_fail(struct fc_channel *ch, int64_t now); /* ends those that do not wait for ready */
void fc__line_end_all(struct fc_channel *ch, fc_code code, const char *message, int64_t now);
bool fc__line_is_empty(const struct fc_channel *ch);

/* ---- authorize.c ---- */

static inline fc_call_credentials *fc__channel_call_credentials(const struct fc_channel *ch) {
  return ch->config.credentials ? ch->config.credentials->call : NULL;
}

/* Adds the metadata of the channel's call credentials and of the call's own, then places the call; or puts it aside until
 * a plugin has answered. Releases the lock while plugins run. */
void fc__authorize(struct fc_channel *ch, fc_call *call, fc_call_credentials *own, int64_t now);
/* The call is over: nobody waits for an answer any more, and no secret is kept. */
void fc__authorize_end(fc_call *call);

/* ---- connectivity.c, watch.c ---- */

void fc__channel_set_state(struct fc_channel *ch, fc_connectivity state);
void fc__watches_tell(struct fc_channel *ch, fc_connectivity state);

/* ---- interceptors.c; without the lock ---- */

/* fc_channel_call with a choice: held, the call proceeds though nobody waits for it. */
fc_result fc__channel_call(struct fc_channel *ch, const char *method,
                           const fc_call_options *options, bool hold, fc_call **out, fc_error *err);

#endif
