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

enum fc__call_kind { FC__CALL_TOKEN, FC__CALL_PLUGIN, FC__CALL_LIST };

/* What the kind points at lies behind the struct. */
struct fc_call_credentials {
  atomic_uint refs;
  enum fc__call_kind kind;
  union {
    struct {
      size_t len;
      char *value; /* "Bearer ...", erased with the object */
    } token;
    struct {
      const char *name;
      fc_auth_plugin_fn ask;
      void *user;
      fc_drop_fn drop; /* or NULL */
    } plugin;
    struct {
      size_t count;
      fc_call_credentials *
          *leaves; /* tokens and plugins in order, referenced: a composite is flat */
    } list;
  };
};

fc_call_credentials *fc__call_credentials_ref(fc_call_credentials *credentials); /* NULL: NULL */

/* The tokens and plugins of any; NULL has none. */
static inline size_t fc__call_credentials_count(const fc_call_credentials *c) {
  if (!c) return 0;
  return c->kind == FC__CALL_LIST ? c->list.count : 1;
}

static inline fc_call_credentials *fc__call_credentials_leaf(fc_call_credentials *c, size_t index) {
  return c->kind == FC__CALL_LIST ? c->list.leaves[index] : c;
}

#endif
