#ifndef FC_TESTS_RAW_SERVER_H
#define FC_TESTS_RAW_SERVER_H
/*
 * An HTTP/2 server without manners: the engine's server side on bare transports, for what fc_server
 * would not do. It answers every request with OK and two bytes unless told otherwise. It lives on a
 * reactor like everything else, and its functions take the lock themselves.
 */
#include "farcall/reactor.h"
#include "http2/conn.h"

enum raw_manners {
  RAW_SERVE,
  RAW_MUTE,  /* accepts connections and says nothing */
  RAW_BYTES, /* says these bytes and nothing else */
  RAW_SLAM,  /* closes every connection at once */
};

enum { RAW_LOG_MAX = 4096 };

struct raw_server {
  fc_reactor *reactor;
  struct fc__loop *loop;
  struct fc__net *net;
  struct fc__listener *listener;
  struct fc__node connections, held;
  /* What a test chooses, from the next connection or request on. */
  enum raw_manners manners;
  const char *bytes;
  uint32_t max_streams; /* advertised */
  bool hold;            /* requests wait for raw_server_answer */
  unsigned resets;      /* so many requests are answered with RST_STREAM... */
  uint32_t reset_code;  /* ...of this code */
  /* What it has seen. */
  unsigned accepted, open, requests, goaways;
  char log[RAW_LOG_MAX]; /* the paths of the requests, each followed by a space */
};

/* Listens on an IPv4 address, "10.0.0.1:80". */
void raw_server_open(struct raw_server *s, fc_reactor *reactor, const char *address);
void raw_server_close(struct raw_server *s);    /* connections too; may be called again */
void raw_server_unlisten(struct raw_server *s); /* new connections are refused */
void raw_server_listen(struct raw_server *s, const char *address);
void raw_server_hang_up(struct raw_server *s); /* closes all connections */

/* Answers the oldest held requests. */
void raw_server_answer(struct raw_server *s, size_t count);

/* Says these bytes on all connections, beside what the engine says. */
void raw_server_say(struct raw_server *s, fc_slice bytes);

/* Says to all connections that requests above last_id will not be processed. */
void raw_server_goaway(struct raw_server *s, uint32_t last_id, uint32_t code, const char *debug);

#endif
