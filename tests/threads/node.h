#ifndef FC_TESTS_NODE_H
#define FC_TESTS_NODE_H
/*
 * A reactor over a network in memory, for programs under the scheduler: its poller waits in virtual time, and may be
 * interrupted. Several of them, each with its own lock and poller, reach each other by the addresses that they listen
 * at; what is written is there at once.
 *
 *   fc_reactor *reactor;
 *   struct node *node = node_open(FC_REACTOR_AUTO, &reactor);
 *   ...
 *   fc_reactor_destroy(reactor);      // the node goes with it
 */
#include "farcall/reactor.h"
#include "io/reactor.h"
#include "threads/sched.h"

struct node;

struct node *node_open(fc_reactor_mode mode, fc_reactor **out);

/* Something that the node's poller finds ready, and that is told under the lock. */
struct node_event {
  struct fc__node link;
  void (*told)(struct node_event *event, int64_t now);
};

void node_post(struct node *node, struct node_event *event); /* without the lock, or with it */
void node_withdraw(struct node_event *event);                /* if it was not told yet */

bool node_is_polled(const struct node *node);
bool node_is_polled_by(const struct node *node, pthread_t thread);

/* One turn of a host's loop: waits as a host would, no longer than until, then dispatches. */
fc_result node_host_turn(struct node *node, fc_reactor *reactor, int64_t until);

#endif
