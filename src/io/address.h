#ifndef FC_IO_ADDRESS_H
#define FC_IO_ADDRESS_H
/* Socket addresses as text and back. */
#include <sys/socket.h>

#include "base/net.h"

/* False when the address is longer than the storage. */
bool fc__addr_from_system(struct fc__addr *addr, const struct sockaddr *from, socklen_t len);
void fc__addr_to_system(const struct fc__addr *addr, struct sockaddr_storage *out);
int fc__addr_family(const struct fc__addr *addr);
void fc__addr_set_port(struct fc__addr *addr, uint16_t port); /* nothing for unix addresses */

/* Reads the text of fc__net_ops.parse. */
bool fc__addr_parse(const char *kind, const char *text, struct fc__addr *out);

/* An IPv4 or IPv6 literal, which may be in brackets and have a scope: "::1", "[fe80::1%eth0]". */
bool fc__addr_literal(const char *host, uint16_t port, struct fc__addr *out);

#endif
