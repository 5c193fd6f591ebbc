#ifndef FC_TESTS_TLS_PAIR_H
#define FC_TESTS_TLS_PAIR_H
/*
 * A whole handshake of two TLS contexts in memory, the way the filter does it. Each end may also be an SSL of the test's
 * own.
 */
#include "io/tls_internal.h"

struct tls_party {
  struct fc__tls *tls; /* NULL: ssl is the test's own */
  const char *name;    /* of the peer, for a client */
  SSL *ssl;
  bool done;        /* the handshake went well, here */
  fc_result result; /* of check and verify; or what stopped the handshake */
  char reason[256]; /* why, if it is not FC_OK */
  fc_auth_context *auth;
};

/* Connects two ends whose tls and name, or ssl, are set; tickets and late alerts arrive too. True: both are content. */
bool tls_join(struct tls_party *client, struct tls_party *server);
/* Closes both properly and frees what join has made. */
void tls_part(struct tls_party *client, struct tls_party *server);

/* Joins and parts; what both ends saw stays in auth (the caller's) and reason. */
bool tls_meet(struct fc__tls *client, const char *name, struct fc__tls *server,
              struct tls_party ends[2]);
void tls_forget(struct tls_party ends[2]); /* drops both auths */

/* The first value of a property, "" if there is none. In the auth, and with a NUL behind it. */
const char *tls_sees(const struct tls_party *end, const char *property);

#endif
