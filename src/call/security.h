#ifndef FC_CALL_SECURITY_H
#define FC_CALL_SECURITY_H
/* What credentials of either side make of a connection, and the rule of local ones. */
#include "base/auth_context.h"
#include "base/net.h"
#include "farcall/credentials.h"

enum fc__security {
  FC__SECURITY_INSECURE,
  FC__SECURITY_LOCAL_TCP,
  FC__SECURITY_LOCAL_UNIX,
  FC__SECURITY_TLS,
};

/* FC_ERR_INVALID there is no such type. */
fc_result fc__security_of_local(fc_local_type type, enum fc__security *out, fc_error *err);

/* Local credentials trust addresses of this machine alone: FC_ERR_INVALID, with a sentence that names the address.
 * Everything else goes anywhere. */
fc_result fc__security_check_address(enum fc__security security, const struct fc__addr *addr,
                                     fc_error *err);

/* The same for an address to listen on, which may also be 0.0.0.0 or ::, since each peer is looked at again. */
fc_result fc__security_check_listening(enum fc__security security, const struct fc__addr *addr,
                                       fc_error *err);

/* What local credentials tell of a peer. NULL: with others its transport knows. Constant. */
const fc_auth_context *fc__security_local_auth(enum fc__security security);

#endif
