#ifndef FC_TESTS_BLOCKING_COST_H
#define FC_TESTS_BLOCKING_COST_H
/*
 * What a warm blocking client costs, in counts. Its server is a process of its own, and so is a client whose system calls are
 * counted.
 */
#include "farcall/channel.h"
#include "support/service.h"

enum { COST_WARM = 20, COST_ROUNDS = 200 };

struct cost {
  struct service service;
  fc_channel_credentials *(*credentials)(void); /* makes those of the client; NULL: insecure */
};

/* So many round trips; stream is NULL at first, and kept by those that need one. */
typedef void (*cost_rounds_fn)(fc_channel *channel, fc_call **stream, int count);
void cost_unary_calls(fc_channel *channel, fc_call **stream, int count);
void cost_messages_of_a_stream(fc_channel *channel, fc_call **stream, int count);

fc_channel *cost_connect(const struct cost *cost);

/* A round trip makes three system calls, to write, to wait and to read, and no thread. */
void cost_expect_three_system_calls(const struct cost *cost, cost_rounds_fn rounds);
/* A round trip allocates the request that is copied, and the response; failing_alloc.h is installed. */
void cost_expect_two_allocations(const struct cost *cost, cost_rounds_fn rounds);

#endif
