#ifndef FC_CALL_LINK_H
#define FC_CALL_LINK_H
/*
 * One HTTP/2 connection over one transport: reads into the engine, writes what it produces, keeps its timers and
 * the connection's health (keepalive, stalled writes). Client and server put their own rules on top. All functions
 * run under the loop's lock.
 */
#include "base/loop.h"
#include "base/net.h"
#include "http2/conn.h"

struct fc_call;
struct fc__link;
struct fc__method;

struct fc__link_ops {
  /* The peer's SETTINGS have come: calls may be attached. Client only needs it. */
  void (*on_up)(struct fc__link *link, int64_t now);
  /* A stream has ended or the peer allows more of them: a waiting call may be attached. */
  void (*on_room)(struct fc__link *link, int64_t now);
  /* The peer goes away: attach nothing any more. Calls that it did not process are handed to
   * fc__call_owner_ops.on_unprocessed after this. */
  void (*on_goaway)(struct fc__link *link, uint32_t code, fc_slice debug, int64_t now);
  /* The ack of a PING of the owner's; may be NULL. */
  void (*on_pong)(struct fc__link *link, uint64_t opaque, int64_t now);
  /* The connection is gone and the transport closed; its calls have been told. Exactly once; the owner may destroy the link
   * in it. reason: one sentence with the step, the address and the cause. */
  void (*on_down)(struct fc__link *link, const char *reason, int64_t now);
  /* Server: a request begins: a call made by fc__call_create_server, or NULL to refuse the stream. */
  struct fc_call *(*new_call)(struct fc__link *link, int64_t now);
};

struct fc__link_config {
  struct fc__h2_config h2;
  int64_t keepalive_time; /* FC_NEVER: none */
  int64_t keepalive_timeout;
  bool keepalive_without_calls;
  int64_t stall_timeout; /* no progress in writing; FC_NEVER: none */
};

enum { FC__LINK_REPLAYS = 16 };

struct fc__link {
  struct fc__loop *loop;
  struct fc__transport *transport; /* NULL when the owner has been told that the link is down */
  /* What is known of the peer, while the transport is there; NULL: fc__auth_insecure. The owner may know better. */
  const struct fc_auth_context *auth;
  struct fc__h2_conn *h2;
  const struct fc__link_ops *ops;
  void *owner;
  struct fc__link_config config;
  struct fc__flush flush;
  struct fc__timer timer;
  int64_t last_read;     /* of bytes, for keepalive */
  int64_t looked_at;     /* when it was last read, with or without success */
  int64_t stalled_since; /* payload waits and none of it could be written; FC_NEVER */
  int64_t ping_sent;     /* keepalive ping in flight since, or FC_NEVER */
  bool up, going_away, closing, down, writing_blocked,
      destroyed;  /* closing: ends with its last stream */
  size_t lingers; /* down, but the transport is read until it ends, at most so many bytes; 0: not */
  size_t *total;  /* the owner's sum of what its links keep for their peers, or NULL... */
  size_t counted; /* ...and what this one counts for in it */
  unsigned busy;  /* depth of calls into the link: destruction waits for 0 */
  struct fc__link_replay {
    uint32_t method; /* id + 1; 0: none yet */
    struct fc__h2_replay replay;
  } replays[FC__LINK_REPLAYS]; /* client: request headers by method id */
  struct fc__link_run
      *run; /* what the peer's repeated header fields mean, repeat.c; NULL: none yet */
  struct fc__h2_replay headers_replay, trailers_replay; /* server: plain headers; trailers of OK */
  size_t peer_len;
  char peer[FC__ADDR_TEXT_MAX];
  char farewell[80]; /* the GOAWAY that the peer sent last, as text */
  char reason[256];  /* why it went down */
};

/* Takes the transport over (also on failure). NULL: no memory. peer_text is copied. */
struct fc__link *fc__link_create(struct fc__loop *loop, struct fc__transport *transport,
                                 const char *peer_text, const struct fc__link_config *config,
                                 const struct fc__link_ops *ops, void *owner, int64_t now);

/* Calls may be attached now. */
bool fc__link_has_room(const struct fc__link *link);

/* Gives the connection up at once: calls end UNAVAILABLE (client) or CANCELLED (server) with reason, then
 * on_down. h2_code goes in a GOAWAY that is written if the socket takes it. */
void fc__link_close(struct fc__link *link, uint32_t h2_code, const char *reason, int64_t now);

/* GOAWAY: see fc__h2_goaway. After the final step the link closes itself when its last stream has ended. */
void fc__link_goaway(struct fc__link *link, uint32_t code, const char *debug, bool final,
                     int64_t now);

/* The peer's GOAWAY: no call is attached any more, and the link's end tells of it. */
void fc__link_went_away(struct fc__link *link, uint32_t code, fc_slice debug, int64_t now);

/* Reads whatever lies in the socket, so that the end of the connection is known if it has come. */
void fc__link_probe(struct fc__link *link, int64_t now);

/* Something was queued: it is written at the end of this turn or API call. */
void fc__link_touch(struct fc__link *link);

/* A PING of the owner's; opaque at least 2 and below 2^63. */
void fc__link_ping(struct fc__link *link, uint64_t opaque);

/* Frees a link that is down, or closes it first without on_down. NULL is fine. */
void fc__link_destroy(struct fc__link *link);

#endif
