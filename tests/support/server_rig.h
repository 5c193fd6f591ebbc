#ifndef FC_TESTS_SERVER_RIG_H
#define FC_TESTS_SERVER_RIG_H
/*
 * A server on a simulated network, with methods that do what a test of the server needs:
 *
 *   /t/Answer   unary, answers with the request
 *   /t/Hold     unary, keeps the call until the test ends it
 *   /t/Stream   stream-stream, keeps the call too
 *   /t/GiveUp   unary, destroys the handle at once
 */
#include "farcall/server.h"
#include "sim/sim_net.h"

#define RIG_ADDRESS "10.0.0.1:80"

enum { RIG_HELD = 512 };

struct rig {
  struct sim *sim;
  fc_server *server;
  int begun;    /* handlers */
  int running;  /* handlers that have the handle of a call they have not finished */
  int most;     /* that ran at once */
  int over;     /* held calls whose end was told */
  fc_code code; /* of the last of those... */
  int64_t at;   /* ...and when it was told */
  fc_call *held[RIG_HELD];
  int held_count;
};

/* options may be NULL; the reactor is filled in. The server listens at RIG_ADDRESS and has started. */
void rig_open(struct rig *rig, const fc_server_options *options);
/* The same in steps, for a test that has something to do in between. */
void rig_create(struct rig *rig, const fc_server_options *options);
void rig_register(struct rig *rig);
void rig_start(struct rig *rig);

/* Ends the held calls that are left, the server if it is still there, and the simulation. */
void rig_close(struct rig *rig);

/* Finishes a held call, or all. */
void rig_finish(struct rig *rig, int index, fc_code code);
void rig_finish_all(struct rig *rig);

#endif
