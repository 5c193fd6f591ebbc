#ifndef FC_CLIENT_TARGET_H
#define FC_CLIENT_TARGET_H
/* What a channel leads to, read from the target's text. Spec: grpc/grpc doc/naming.md */
#include "base/net.h"

enum { FC__TARGET_ADDRS_MAX = 64, FC__TARGET_DEFAULT_PORT = 443 };

struct fc__target {
  char *host; /* to be resolved; NULL when the addresses are in the target */
  uint16_t port;
  struct fc__addr *addrs; /* of the target itself */
  size_t count;
  char *authority; /* :authority unless an option says otherwise */
};

/* Fills *out. FC_ERR_INVALID with a sentence that names the target, what is wrong and what to
 * write; FC_ERR_NO_MEMORY. After a failure nothing is held. */
fc_result fc__target_parse(struct fc__net *net, const char *text, struct fc__target *out,
                           fc_error *err);
void fc__target_finish(struct fc__target *target);

#endif
