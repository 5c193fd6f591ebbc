#ifndef FC_TESTS_TLS_HAND_H
#define FC_TESTS_TLS_HAND_H
/*
 * One side with the library's TLS and the other by hand, at HAND_ADDRESS of the simulated network:
 * one of each, for a test program. Either
 *
 *   hand_server("wrong_name");          // by hand, shows that certificate; hand.tls may be changed now
 *   hand_channel(NULL);                 // trusts ca.pem; hand.w.options before it
 *   secure_expect(&hand.w, FC_CODE_UNAVAILABLE, "...");
 *
 * or
 *
 *   hand_serve(NULL);                   // a server with server.pem; hand.w.server_options before it
 *   hand_client();                      // by hand; hand.tls may be changed now
 *   hand_connect();
 *   hand_request();
 *
 * A second time, each begins anew.
 */
#include "sim/secure_world.h"
#include "sim/tls_raw.h"
#include "support/certs.h"

#define HAND_ADDRESS "127.0.0.1:443"
#define HAND_PEER "ipv4:" HAND_ADDRESS
#define HAND_REQUEST                                                                               \
  ":method: POST\n:scheme: https\n:path: /t/Echo\n:authority: localhost\nte: trailers\n"           \
  "content-type: application/grpc\n"

struct hand {
  struct secure_world w;
  struct raw_end end;
  struct tls_raw tls;
  fc_server_credentials *credentials; /* of hand_serve, the server's */
  uint32_t id;                        /* of the last request */
  size_t live;
};

extern struct hand hand;

/* ---- life: fixtures ---- */

int hand_start(void **state);
int hand_stop(void **state); /* nothing may have leaked */
int hand_run(const struct CMUnitTest *tests, size_t count);

#define HAND_TEST(name) cmocka_unit_test_setup_teardown(name, hand_start, hand_stop)

/* ---- a server by hand ---- */

void hand_server(const char *identity);
/* A channel to it; roots are ca.pem unless there are some. options may be NULL. */
void hand_channel(const fc_tls_client_options *options);
/* A call fails with UNAVAILABLE and a text that names the address and has this part; the server has
 * heard nothing of HTTP/2, and its side of the connection is over. */
void hand_expect_refused(const char *part);
void hand_expect_ready(void); /* the handshake succeeds, and the server hears SETTINGS */

/* ---- a client by hand ---- */

/* options may be NULL; server.pem is shown unless there are identities. */
void hand_serve(const fc_tls_server_options *options);
void hand_client(void);
/* A new connection; 20 ms pass, in which the handshake is done unless something is wrong. */
void hand_connect(void);
/* Whether the connection is secured and still there. */
bool hand_stands(void);
void hand_request(
    void); /* a whole unary request; it is built now, and sent when the handshake is over */
void hand_expect_answer(void); /* the last request was answered well */
/* The server has ended the connection, with this alert (-1: none), and no handler has run on it. */
void hand_expect_closed(int alert);

#endif
