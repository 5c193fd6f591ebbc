#ifndef FC_TESTS_TLS_WORLD_H
#define FC_TESTS_TLS_WORLD_H
/*
 * Two owners of a TLS connection over the simulated network, without HTTP/2 between them. Each may be replaced by a
 * tls_raw, or by nothing that speaks TLS.
 *
 *   struct tls_world w;
 *   tls_world_open(&w, seed);
 *   tls_world_start(&w);                     // they connect and shake hands
 *   tls_end_send(&w.client, 100000);
 *   sim_run_for(w.sim, FC_SECOND);
 *   assert_int_equal(w.server.received, 100000);
 *   tls_world_close(&w);
 */
#include "io/tls.h"
#include "sim/sim_net.h"

enum { TLS_PIECES = 64 };

struct tls_end {
  struct fc__loop *loop;
  struct fc__tls *tls; /* NULL: this end is not used */
  const char *name;
  struct fc__transport *transport; /* the socket, then TLS over it; NULL: closed */
  bool wrapped;
  unsigned outcomes; /* how often that of the handshake was told */
  int outcome;
  char failure[256];    /* of the transport, when something failed */
  size_t sent, to_send; /* bytes of a pattern */
  size_t received;      /* of the same, each as it must be */
  size_t piece;         /* what is written comes in pieces of this size; 0: in one */
  size_t read_size;     /* what a read asks for, and one read for each time told; 0: all there is */
  size_t reads_max;     /* bytes that are read; more stay where they are */
  unsigned told, close_in; /* it closes when it is told so often; 0: it does not */
  bool close_when_sent;    /* it closes as soon as all is written */
  bool any_bytes;          /* what it receives is no pattern */
  bool ended;              /* it has read the end of the stream */
  int error;               /* the first of reading or writing */
};

struct tls_world {
  struct sim *sim;
  struct fc__loop *loop;
  struct fc__net *net;
  struct fc__listener *listener;
  struct fc__addr address;
  struct tls_end client, server;
};

/* With tls of both ends as tls_world_client and tls_world_server make them: change them before the start. */
void tls_world_open(struct tls_world *w, uint64_t seed);
/* With these, whose references it takes. */
void tls_world_open_with(struct tls_world *w, uint64_t seed, struct fc__tls *client,
                         struct fc__tls *server);
/* The server listens, the client connects: those that have a tls. */
void tls_world_start(struct tls_world *w);
void tls_world_close(struct tls_world *w);
/* Both have shaken hands successfully. */
bool tls_world_stands(const struct tls_world *w);
void tls_world_shake_hands(struct tls_world *w); /* starts, and asserts that it came so far */

/* Options as tests want them: the client's trusts the certificate of the server's. */
fc_tls_client_options tls_world_client_options(void);
fc_tls_server_options tls_world_server_options(void);
void tls_end_use_none(struct tls_end *end); /* it takes no part */
void tls_end_use(struct tls_end *end, struct fc__tls *tls);
void tls_end_use_client(struct tls_end *end, const fc_tls_client_options *options);
void tls_end_use_server(struct tls_end *end, const fc_tls_server_options *options);

void tls_end_send(struct tls_end *end, size_t count); /* so many bytes more */
void tls_end_shutdown(struct tls_end *end);
void tls_end_close(struct tls_end *end);   /* unless it is closed */
void tls_end_read_on(struct tls_end *end); /* after reads_max has held it up */

#endif
