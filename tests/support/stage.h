#ifndef FC_TESTS_STAGE_H
#define FC_TESTS_STAGE_H
/*
 * A server on its own thread and a channel under one of the three drivers, over real sockets, for tests of calls:
 *
 *   struct stage stage;
 *   stage_open(&stage, state);          // state: from drive_run_tests, or NULL for blocked callers
 *   stage_serve(&stage, "/t/Method", FC_PATTERN_UNARY_UNARY, FC_HANDLER_BLOCKING, handler, user);
 *   stage_start(&stage);                // connected
 *   ...
 *   stage_close(&stage);                // asserts that nothing is left in memory
 */
#include "farcall/rpc.h"
#include "farcall/server.h"
#include "support/check.h"
#include "support/drive.h"

struct stage {
  struct drive drive;
  fc_server *server;
  fc_channel *channel;
  fc_channel_options options;       /* change them before stage_start... */
  fc_server_options server_options; /* ...and these before stage_serve */
  /* Of the port, before stage_start; NULL: insecure. stage_close gives them back, and those in options too. */
  fc_server_credentials *credentials;
  bool over_unix; /* a Unix socket instead of a port: local credentials take it, and carry tokens */
  char target[80];
  size_t live; /* allocations before it was opened */
};

void stage_open(struct stage *stage, void **state);
void stage_serve(struct stage *stage, const char *method, fc_pattern pattern, fc_handler_kind kind,
                 fc_handler_fn fn, void *user);
void stage_start(struct stage *stage);
void stage_close(struct stage *stage);

/* ---- handlers of either kind of pattern ---- */

/* Blocking, any pattern: sends each message back, then OK. */
void stage_echo(fc_call *call, void *user);
/* Blocking: keeps the call, reading nothing, until it is over; then passes the gate that user is. */
void stage_hold(fc_call *call, void *user);

/* ---- short ways ---- */

/* Returns when a thread is blocked in a function of this call, or so many are. */
void stage_await_waiter(fc_call *call);
void stage_await_waiters(fc_call *call, size_t many);

fc_call *stage_call(struct stage *stage, const char *method, fc_pattern pattern,
                    const fc_call_options *options);
fc_bytes *stage_message(size_t len); /* of letters, a function of len */
bool stage_is_message(fc_slice bytes, size_t len);
/* Asserts that the next message is this one. */
void stage_expect(fc_call *call, const char *text);
/* Asserts that no message comes any more and the call ends with this code; gives the handle back. */
void stage_expect_end(fc_call *call, fc_code code);

#endif
