#ifndef FC_TESTS_CALLBACKS_H
#define FC_TESTS_CALLBACKS_H
/*
 * Callbacks that call the library: one of each place of callback_table.h calls each function that the table allows there,
 * on objects of the reactor that runs it, whose lock would be taken twice if the callback ran under it.
 *
 *   callbacks_open(&c, state);                 // a server and a channel on one reactor
 *   callbacks_prepare(&c, 1);                  // so many visits follow
 *   ... makes the library call a function that does
 *         callbacks_visit(&c, PLACE(fc_bytes_wrap, release));
 *   callbacks_await(&c);                       // they are over
 *   callbacks_close(&c);                       // asserts that the row of each place is complete, and nothing left
 */
#include "farcall/rpc.h"
#include "farcall/server_take.h"
#include "support/callback_table.h"
#include "support/check.h"
#include "support/drive.h"

#define PLACE(of, name) PLACE_##of##_##name

enum callback_place {
#define X(of, name, rule) PLACE(of, name),
  CALLBACK_PLACES(X)
#undef X
      PLACE_COUNT
};

enum callback_function {
#define X(function, scope) CALLED_##function,
  CALLBACK_FUNCTIONS(X)
#undef X
      FUNCTION_COUNT
};

enum { CALLBACKS_HELD_MAX = 256, CALLBACKS_LEFT_MAX = 64 };

struct callbacks {
  struct drive drive;
  fc_server *server;
  fc_channel *channel;
  char target[64];
  size_t live;
  struct gate kept; /* calls of "/v/Keep", whose handles are in held */
  fc_call *held[CALLBACKS_HELD_MAX];
  fc_call *asking[CALLBACKS_HELD_MAX]; /* their clients */
  atomic_int taken;                    /* of those held */
  struct gate late;                    /* callbacks of what visits have begun */
  atomic_int due;                      /* how many of these there will be */
  struct gate visited;
  int visits; /* to be made */
  atomic_bool seen[PLACE_COUNT];
  atomic_bool called[PLACE_COUNT][FUNCTION_COUNT];
  fc_server
      *left[CALLBACKS_LEFT_MAX]; /* servers that could not be destroyed where they were made */
  atomic_int left_count;
};

void callbacks_open(struct callbacks *c, void **state);
void callbacks_prepare(struct callbacks *c, int visits);
void callbacks_await(struct callbacks *c);
void callbacks_close(struct callbacks *c);

/* Once for each place; true then. */
bool callbacks_visit(struct callbacks *c, enum callback_place place);

/* Calls a function of the library that only the visitor of this place has the arguments for:
 *   CALL_AT(&c, PLACE(fc_interceptor, call), fc_next_call)(next, ...) */
#define CALL_AT(c, place, function)                                                                \
  (atomic_store(&(c)->called[place][CALLED_##function], true), function)

/* A server and a channel to it, both on the reactor; options may be NULL. */
fc_server *callbacks_server(struct callbacks *c, const fc_server_options *options);
void callbacks_register(fc_server *server, const char *method, const fc_handler *handler);
void callbacks_start(fc_server *server, fc_server_credentials *credentials, char target[64]);
fc_channel *callbacks_channel(struct callbacks *c, const char *target,
                              const fc_channel_options *options);

#endif
