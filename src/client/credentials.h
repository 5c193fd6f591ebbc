#ifndef FC_CLIENT_CREDENTIALS_H
#define FC_CLIENT_CREDENTIALS_H
/* The inside of channel and call credentials. Both are constant once made, and counted on any thread. */
#include <stdatomic.h>

#include "call/security.h"
#include "farcall/credentials.h"
#include "io/tls.h"

/* ---- channel_credentials.c ---- */

struct fc_channel_credentials {
  atomic_uint refs;
  enum fc__security security;
  struct fc__tls *tls;       /* with FC__SECURITY_TLS, referenced */
  fc_call_credentials *call; /* of a composite, referenced; or NULL */
};

/* NULL gives NULL. */
fc_channel_credentials *fc__channel_credentials_ref(fc_channel_credentials *credentials);

/* Call credentials may travel: over TLS and local Unix sockets. */
static inline bool fc__security_carries(enum fc__security security) {
  return security == FC__SECURITY_TLS || security == FC__SECURITY_LOCAL_UNIX;
}

/* ---- call_credentials.c ---- */

fc_call_credentials *fc__call_credentials_ref(fc_call_credentials *credentials);

#endif
