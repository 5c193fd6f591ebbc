#ifndef FC_TESTS_PAIR_H
#define FC_TESTS_PAIR_H
/*
 * A server and a channel to it, each on a reactor of its own, for programs under the scheduler:
 *
 *   /t/Take     unary, waits to be taken
 *   /t/Work     unary, handled by a worker thread
 *   /t/Answer   unary, answered on the server's driver
 *   /t/Echo     stream-stream, each message comes back from a worker thread
 *
 * All answer with the request; a unary request "slow" takes the handler 20 ms.
 */
#include "farcall/rpc.h"
#include "farcall/server_take.h"
#include "threads/node.h"

struct pair {
  fc_reactor *server_reactor,
      *client_reactor; /* the channel's and the server's references alone keep them */
  struct node *server_node, *client_node;
  fc_server *server;
  fc_channel *channel;
  int answered; /* by handlers */
};

static const int64_t pair_slow = 20 * FC_MILLISECOND;

/* options may be NULL; the reactor is filled in. */
void pair_open(struct pair *p, const fc_server_options *options);
void pair_open_server(struct pair *p, const fc_server_options *options);
void pair_open_channel(struct pair *p);
void pair_close(struct pair *p); /* what of server and channel is not NULL */

void pair_answer(struct pair *p, fc_call *call); /* as a handler does; keeps the handle */

/* A blocking call that must be over by then; timeout 0: none. */
fc_code pair_call(struct pair *p, const char *method, const char *request, int64_t timeout,
                  int64_t by);

#endif
