#ifndef FC_CLIENT_CONN_H
#define FC_CLIENT_CONN_H
/* One connection of a channel to one address: connecting, the handshake, calls, going away. */
#include "client/channel.h"

/* A connection has so many stream ids for requests. RFC 9113 section 5.1.1 */
#define FC__CONN_CALLS_MAX (UINT64_C(1) << 30)

/* How far an attempt has come. */
enum fc__conn_stage { FC__CONN_CONNECT, FC__CONN_TLS, FC__CONN_HTTP2 };

struct fc__conn {
  struct fc_channel *channel;
  struct fc__node draining; /* in the channel's list once the peer goes away */
  enum fc__conn_stage stage;
  struct fc__transport *transport; /* until it is connected, and secure */
  struct fc__link *link;           /* from then on */
  bool up;                         /* the peer's SETTINGS have come */
  bool given_up;                   /* by the channel: nothing is reported */
  int64_t up_at;
  uint64_t attached;         /* calls so far */
  bool crowded;              /* the peer has refused a stream, see fc__conn_refused... */
  size_t crowd;              /* ...beside so many others, */
  struct fc__timer patience; /* which holds no longer than this */
  char peer[FC__ADDR_TEXT_MAX];
};

/* ---- dial.c ---- */

/* NULL, with the reason in *err. What becomes of it is reported to connect.c, never from inside
 * this call. */
struct fc__conn *fc__conn_open(struct fc_channel *ch, const struct fc__addr *addr, int64_t now,
                               fc_error *err);

void fc__conn_give_up_dialling(struct fc__conn *conn);

/* ---- conn.c ---- */

extern const struct fc__link_ops fc__conn_link_ops;

void fc__conn_free(struct fc__conn *conn);

bool fc__conn_has_room(const struct fc__conn *conn);

/* The peer has refused a stream below its own limit: some servers count a stream for a moment longer
 * than its end is seen here. No other is opened until one more has ended, or a moment has passed. */
void fc__conn_refused(struct fc__conn *conn, int64_t now);

/* Sends a call on a connection that has room. The last that it has ids for retires it. */
void fc__conn_attach(struct fc__conn *conn, fc_call *call, int64_t now);

/* Ends and frees it without a report; its calls end UNAVAILABLE with reason. */
void fc__conn_close(struct fc__conn *conn, const char *reason, int64_t now);

#endif
