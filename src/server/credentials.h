#ifndef FC_SERVER_CREDENTIALS_H
#define FC_SERVER_CREDENTIALS_H
/* The inside of server credentials. They are constant once made, but for the certificates inside TLS, and counted on any
 * thread. */
#include <stdatomic.h>

#include "call/security.h"
#include "farcall/credentials.h"
#include "io/tls.h"

struct fc_server_credentials {
  atomic_uint refs;
  enum fc__security security;
  struct fc__tls *tls; /* with FC__SECURITY_TLS, referenced */
};

/* Those that the ports of a server have. They are kept until nothing of the server runs any more: on_handshake, which is
 * given them, may be running while its port goes. */
struct fc__server_key {
  struct fc__server_key *next;
  fc_server_credentials *credentials; /* referenced */
};

/* Each is kept once. FC_ERR_NO_MEMORY. */
fc_result fc__server_keys_add(struct fc__server_key **keys, fc_server_credentials *credentials);
/* Without a loop's lock: drop functions may run. */
void fc__server_keys_finish(struct fc__server_key **keys);

#endif
