#ifndef FC_TESTS_CHANNEL_WORLD_H
#define FC_TESTS_CHANNEL_WORLD_H
/* A channel over the simulated network, with a raw server at 10.0.0.1:80, and short ways to make
 * calls. */
#include "farcall/rpc.h"
#include "sim/sim_net.h"
#include "support/raw_server.h"

struct world {
  struct sim *sim;
  struct raw_server server;
  fc_channel_options options; /* change them before world_channel */
  fc_channel *channel;
  bool closed; /* a test's note that it has closed the channel */
};

void world_open(struct world *w); /* with a server, without a channel */
void world_channel(struct world *w, const char *target);
void world_close(struct world *w); /* what there is; calls must be gone */

/* A unary call, begun and not waited for. */
fc_call *world_call(struct world *w, const char *method, int64_t timeout, bool wait_for_ready);
/* Asserts that a call is over with that code and a part of its message, and gives it back. */
void world_expect(fc_call *call, fc_code code, const char *part);
void world_expect_running(fc_call *call);
/* A whole call that must be answered; it takes until then. */
void world_exchange(struct world *w);

int64_t world_now(const struct world *w); /* since the world began */
void world_run(struct world *w, int64_t duration);

#endif
