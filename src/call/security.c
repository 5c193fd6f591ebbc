/* Local credentials: peers are trusted for where they are, not for what they show. */
#include "call/security.h"

#include "base/error.h"

fc_result fc__security_of_local(fc_local_type type, enum fc__security *out, fc_error *err) {
  switch (type) {
    case FC_LOCAL_UNIX:
      *out = FC__SECURITY_LOCAL_UNIX;
      return FC_OK;
    case FC_LOCAL_TCP:
      *out = FC__SECURITY_LOCAL_TCP;
      return FC_OK;
  }
  return fc__error(err, FC_ERR_INVALID, "type is %d; give FC_LOCAL_UNIX or FC_LOCAL_TCP",
                   (int)type);
}

fc_result fc__security_check_address(enum fc__security security, const struct fc__addr *addr,
                                     fc_error *err) {
  bool tcp = security == FC__SECURITY_LOCAL_TCP;
  if (!tcp && security != FC__SECURITY_LOCAL_UNIX) return FC_OK;
  if (fc__addr_place(addr) == (tcp ? FC__ADDR_LOOPBACK : FC__ADDR_UNIX)) return FC_OK;
  char text[FC__ADDR_TEXT_MAX];
  fc__addr_text(addr, text);
  return fc__error(err, FC_ERR_INVALID, "%s is not a %s, which the local credentials ask for", text,
                   tcp ? "loopback address" : "Unix socket");
}

fc_result fc__security_check_listening(enum fc__security security, const struct fc__addr *addr,
                                       fc_error *err) {
  if (security == FC__SECURITY_LOCAL_TCP && fc__addr_place(addr) == FC__ADDR_ANYWHERE) return FC_OK;
  return fc__security_check_address(security, addr, err);
}

const fc_auth_context *fc__security_local_auth(enum fc__security security) {
  if (security == FC__SECURITY_LOCAL_UNIX) return fc__auth_local(true);
  return security == FC__SECURITY_LOCAL_TCP ? fc__auth_local(false) : NULL;
}
