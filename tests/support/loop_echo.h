#ifndef FC_TESTS_LOOP_ECHO_H
#define FC_TESTS_LOOP_ECHO_H
/*
 * A listener that sends back what it is sent, and a client for it, on a reactor and nothing above: what the
 * tests of the reactor move bytes with.
 */
#include "base/loop.h"
#include "base/net.h"

enum { ECHO_MAX = 16 };

struct echo_end {
  struct fc__transport *transport; /* NULL: this one is free */
  char bytes[4096];
  size_t len; /* read and not yet sent back */
};

struct echo_server {
  struct fc__loop *loop;
  struct fc__net *net;
  struct fc__listener *listener;
  struct fc__addr bound;
  struct echo_end ends[ECHO_MAX];
};

/* At "127.0.0.1:0" unless kind and text say otherwise. Without the lock, like all functions here. */
void echo_server_start(struct echo_server *s, struct fc__loop *loop, struct fc__net *net,
                       const char *kind, const char *text);
void echo_server_stop(struct echo_server *s);

struct echo_client {
  struct fc__loop *loop;
  struct fc__net *net;
  struct fc__transport *transport;
  struct fc__flush flush;
  struct fc__waiter *waiter; /* woken by the answer, by failure */
  bool connected;
  int error;                 /* a negative errno: the connection is lost */
  size_t unsent;             /* bytes 'x' to be written by the flush */
  size_t expected;           /* bytes still to come back */
  bool holding;              /* keeps the background thread at it */
  struct fc__task *answered; /* deferred when all has come back; may be NULL */
};

void echo_client_start(struct echo_client *c, struct fc__loop *loop, struct fc__net *net,
                       const struct fc__addr *to);
void echo_client_stop(struct echo_client *c);

/* [locked] Queues len bytes. */
void echo_client_send(struct echo_client *c, size_t len);
/* Sends len bytes and blocks until they are back; false when the connection fails or the time is over. */
bool echo_client_exchange(struct echo_client *c, size_t len, int64_t until);
/* Sends len bytes; answered is deferred when they are back or the connection failed. */
void echo_client_exchange_later(struct echo_client *c, size_t len, struct fc__task *answered);

#endif
