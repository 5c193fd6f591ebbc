#ifndef FC_TESTS_REQUEST_WORLD_H
#define FC_TESTS_REQUEST_WORLD_H
/*
 * A server over the simulated network and a client made by hand that sends it hostile requests: one
 * of each, for a test program. Every test runs twice, and the second time the server reads a byte
 * at a time: what comes of a request must not depend on how it arrives.
 */
#include "sim/raw_end.h"
#include "support/server_rig.h"

struct request_world {
  struct rig rig;
  struct raw_end end;
  uint32_t id;      /* of the last request */
  const char *said; /* by the server, since the request or the last requests_go */
  int begun;        /* handlers, before the last request */
  size_t read_max, live;
};

extern struct request_world requests;

#define REQUEST_HEAD(path)                                                                         \
  ":method: POST\n:scheme: http\n:path: " path "\n:authority: test\nte: trailers\n"
#define REQUEST(path) REQUEST_HEAD(path) "content-type: application/grpc\n"

/* ---- life: fixtures ---- */

int requests_start(void **state);
int requests_start_in_pieces(void **state);
int requests_stop(void **state); /* nothing may have leaked */
/* Begins anew with a server of these options, on which a test may register more before
 * requests_connect. */
void requests_create(const fc_server_options *options);
void requests_connect(void);
void requests_restart(const fc_server_options *options); /* both */

#define REQUEST_TEST(name)                                                                         \
  cmocka_unit_test_setup_teardown(name, requests_start, requests_stop), {                          \
#name "_in_pieces", name, requests_start_in_pieces, requests_stop, NULL                        \
  }
/* For what is too much to be read byte by byte. */
#define REQUEST_TEST_WHOLE(name)                                                                   \
  cmocka_unit_test_setup_teardown(name, requests_start, requests_stop)

int requests_run(const struct CMUnitTest *tests, size_t count);

void requests_reconnect(void); /* a new connection to the same server */

/* ---- asking ---- */

void requests_begin(const char *fields, unsigned flags); /* a new request's headers, built only */
void requests_go(void);
/* A whole request of one message "request", and what came of it. */
void requests_ask(const char *fields);
void requests_ask_block(fc_slice block); /* with an encoded header block */

/* ---- what came of the last request ---- */

/* Exactly one status, with that code and a part of its text; the stream is over, the connection
 * lives. */
void requests_expect(fc_code code, const char *part);
/* The same; besides no handler has run, and a good call succeeds afterwards. */
void requests_expect_refused(fc_code code, const char *part);
/* The stream was reset, without a status and without a handler; a good call succeeds afterwards. */
void requests_expect_reset(uint32_t code);
/* A call on the connection is answered as on a fresh one. */
void requests_expect_good_call(void);
/* The length of the DATA of the last request's answer, of its first frame. */
unsigned requests_data_len(void);

#endif
