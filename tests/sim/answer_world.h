#ifndef FC_TESTS_ANSWER_WORLD_H
#define FC_TESTS_ANSWER_WORLD_H
/*
 * A channel over the simulated network and a server made by hand that gives it hostile answers: one
 * of each, for a test program. Every test runs twice, and the second time the channel reads a byte
 * at a time: what comes of an answer must not depend on how it arrives.
 */
#include "farcall/rpc.h"
#include "sim/raw_end.h"

struct answer_world {
  struct sim *sim;
  fc_channel *channel;
  struct raw_end end;
  fc_call *call;    /* the last one, unless it was given back */
  uint32_t id;      /* of its request */
  const char *said; /* by the channel, since the call or the last answers_go */
  int told;         /* ends of the last call: must be 1 in the end */
  size_t read_max, live;
};

extern struct answer_world answers;

#define ANSWER_STATUS(code) "grpc-status: " code "\n"

/* ---- life: fixtures ---- */

int answers_start(void **state);
int answers_start_in_pieces(void **state);
int answers_stop(void **state); /* nothing may have leaked */
/* Begins anew with a channel of these options; the reactor is filled in. */
void answers_restart(fc_channel_options options);

#define ANSWER_TEST(name)                                                                          \
  cmocka_unit_test_setup_teardown(name, answers_start, answers_stop), {                            \
#name "_in_pieces", name, answers_start_in_pieces, answers_stop, NULL                          \
  }
/* For what is too much to be read byte by byte. */
#define ANSWER_TEST_WHOLE(name) cmocka_unit_test_setup_teardown(name, answers_start, answers_stop)

int answers_run(const struct CMUnitTest *tests, size_t count);

/* ---- calling ---- */

/* A unary call whose request has come to the server; or one of another pattern, with its sending
 * side open. */
fc_call *answers_call(void);
fc_call *answers_call_pattern(fc_pattern pattern);

/* ---- answering the last call: built only ---- */

void answers_headers(const char *fields, unsigned flags);
void answers_message(fc_slice message);
void answers_trailers(const char *fields); /* headers that end the stream */
void answers_data(unsigned flags, fc_slice bytes);
void answers_go(void);

/* ---- what came of it ---- */

/* The call has ended, once, with that code and a part of its text, and is given back. */
void answers_expect(fc_call *call, fc_code code, const char *part);
/* The same; besides the connection lives, and a good call on it succeeds. */
void answers_expect_alive(fc_call *call, fc_code code, const char *part);
/* The same; but the connection is over, and the good call has another. */
void answers_expect_dead(fc_call *call, fc_code code, const char *part);
/* A call is answered as on a fresh connection. */
void answers_expect_good_call(void);

#endif
