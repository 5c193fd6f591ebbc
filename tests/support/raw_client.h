#ifndef FC_TESTS_RAW_CLIENT_H
#define FC_TESTS_RAW_CLIENT_H
/*
 * An HTTP/2 client without manners: the engine's client side on a bare transport, for what fc_channel would not do.
 * Nothing is sent by itself but what the engine answers; a test sees all that the server says. It lives on a reactor
 * like everything else, and its functions take the lock themselves.
 */
#include "farcall/reactor.h"
#include "http2/conn.h"

struct raw_client;

struct raw_call {
  struct fc__h2_stream stream; /* first */
  struct raw_client *client;
  int http_status;
  int status;        /* grpc-status; -1 while there is none */
  char message[200]; /* grpc-message as it came */
  size_t bytes;      /* of DATA */
  bool closed;
  bool reset;    /* by the server... */
  uint32_t code; /* ...with this */
};

struct raw_goaway {
  uint32_t last_id, code;
  char debug[64];
  int64_t at;
};

enum { RAW_GOAWAYS = 8 };

struct raw_client {
  fc_reactor *reactor;
  struct fc__loop *loop;
  struct fc__transport *transport;
  struct fc__h2_conn *h2;
  bool connected;
  bool held;
  bool silent; /* writes nothing any more, and does not listen */
  bool deaf;   /* reads nothing any more */
  bool closed; /* by the server, or connecting failed */
  int64_t closed_at;
  uint64_t bytes_read;
  struct raw_goaway goaways[RAW_GOAWAYS];
  int goaway_count;
};

/* Connects to an IPv4 address, "10.0.0.1:80". */
void raw_open(struct raw_client *c, fc_reactor *reactor, const char *address);
/* The same, but nothing is ever written, not even the preface. */
void raw_open_silent(struct raw_client *c, fc_reactor *reactor, const char *address);
void raw_close(struct raw_client *c); /* may be called again */

/* Keeps what is done from now on for one write; raw_release lets it go. Both may stand around the functions below. */
void raw_hold(struct raw_client *c);
void raw_release(struct raw_client *c);

/* Ignores the server's SETTINGS_MAX_CONCURRENT_STREAMS. */
void raw_ignore_limits(struct raw_client *c);

/* Begins a request with headers alone; timeout is a grpc-timeout or NULL. False: the engine may open no stream. */
bool raw_begin(struct raw_client *c, struct raw_call *call, const char *path, const char *timeout);
/* Sends one message. */
void raw_send(struct raw_call *call, const char *text, bool last);
/* A whole unary request. */
bool raw_request(struct raw_client *c, struct raw_call *call, const char *path,
                 const char *timeout);
void raw_reset(struct raw_call *call);

#endif
