#ifndef FC_TESTS_SECURE_WORLD_H
#define FC_TESTS_SECURE_WORLD_H
/*
 * A server and a channel with credentials over the simulated network:
 *
 *   secure_open(&w);
 *   secure_serve(&w, "127.0.0.1:80", server_credentials);       // takes the reference; NULL: insecure
 *   secure_channel(&w, "ipv4:127.0.0.1:80", credentials);       // here too
 *   secure_expect(&w, FC_CODE_OK, "");
 *   secure_close(&w);
 */
#include "farcall/rpc.h"
#include "farcall/server.h"
#include "sim/sim_net.h"

struct secure_world {
  struct sim *sim;
  fc_server_options server_options; /* change them before secure_serve... */
  fc_channel_options options;       /* ...and these before secure_channel */
  fc_server *server;
  fc_channel *channel;
  int handled;                         /* handlers begun */
  const fc_auth_context *server_auth;  /* of the last one's client, or NULL */
  const fc_auth_context *channel_auth; /* of the last call's server */
};

void secure_open(struct secure_world *w);
void secure_serve(struct secure_world *w, const char *address, fc_server_credentials *credentials);
void secure_channel(struct secure_world *w, const char *target,
                    fc_channel_credentials *credentials);
void secure_close(struct secure_world *w);

/* A unary call; it is answered with its request. Asserts the code, and that the message has this part. */
void secure_expect(struct secure_world *w, fc_code code, const char *part);
/* The same without asserting. The message is cut to size. */
fc_code secure_call(struct secure_world *w, char *message, size_t size);

/* Asserts that a property has this value. */
void secure_expect_auth(const fc_auth_context *context, const char *name, const char *value);

#endif
