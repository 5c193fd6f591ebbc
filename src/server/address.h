#ifndef FC_SERVER_ADDRESS_H
#define FC_SERVER_ADDRESS_H
/* What fc_server_listen is given: an address text, and the socket addresses that it stands for. */
#include "base/net.h"

struct fc__server_shard;

enum { FC__SERVER_HOST_MAX = 256 }; /* RFC 1035 section 2.3.4: a name has 255 octets at most */

struct fc__server_address {
  const char *text; /* as it was given */
  bool is_unix;
  const char *kind; /* of a Unix socket, for fc__net_ops.parse */
  const char *path; /* of a Unix socket */
  char host[FC__SERVER_HOST_MAX];
  int port;
};

/* FC_ERR_INVALID with what is wrong with it. text must live as long as out. */
fc_result fc__server_address_parse(const char *text, struct fc__server_address *out, fc_error *err);
/* The socket addresses, without doubles; the caller frees *addrs. Blocks: for a host name, until it is resolved. */
fc_result fc__server_address_resolve(struct fc__server_shard *shard,
                                     const struct fc__server_address *address,
                                     struct fc__addr **addrs, size_t *count, fc_error *err);
int fc__server_address_port(const struct fc__addr *addr); /* 0 for Unix sockets */

#endif
