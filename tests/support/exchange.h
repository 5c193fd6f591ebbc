#ifndef FC_TESTS_EXCHANGE_H
#define FC_TESTS_EXCHANGE_H
/*
 * A server whose handlers are all asynchronous, and one call of each pattern by callback, so that a single
 * thread can drive it all. At each step the threads of the process are counted.
 */
#include "farcall/rpc.h"
#include "farcall/server.h"
#include "support/drive.h"

struct exchange {
  fc_server *server;
  fc_channel *channel;
  int port;
  atomic_int running;      /* calls whose outcome has not been told */
  atomic_int threads_most; /* seen in any callback of either side */
  struct gate told;        /* passed by each call whose outcome is told */
  struct exchange_outcome {
    struct exchange *exchange;
    int to_send; /* requests that the source has still to give */
    int messages;
    size_t bytes;
    int told;
    fc_code code;
  } outcomes[5]; /* indexed by fc_pattern; the last is of the call that is never answered */
};

enum { EXCHANGE_HELD = 4, EXCHANGE_STREAM = 100, EXCHANGE_LENGTH = 2000 };

/* Borrowed; NULL: none. */
struct exchange_security {
  fc_channel_credentials *channel;
  fc_server_credentials *server;
};

/* Makes server and channel on these reactors, which may be the same one. */
void exchange_open(struct exchange *exchange, fc_reactor *client, fc_reactor *server);
void exchange_open_secure(struct exchange *exchange, fc_reactor *client, fc_reactor *server,
                          const struct exchange_security *security);

/* Begins one call of each pattern. */
void exchange_start(struct exchange *exchange);

/* Begins a call that is not answered, with a deadline. */
void exchange_start_held(struct exchange *exchange, int64_t timeout_ns);

/* Asserts that the four calls have ended as they should. */
void exchange_check(const struct exchange *exchange);

/* Gives channel and server back; the server is done already. */
void exchange_close(struct exchange *exchange);

/* The threads that the process has, by the system's own account. */
int exchange_threads(void);

#endif
