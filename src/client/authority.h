#ifndef FC_CLIENT_AUTHORITY_H
#define FC_CLIENT_AUTHORITY_H
/* The host in an authority: what a server's certificate is verified against. */
#include "farcall/base.h"

/* "example.test:443" gives "example.test", "[::1]:80" gives "::1". FC_ERR_INVALID there is none; FC_ERR_NO_MEMORY. */
fc_result fc__authority_host(const char *authority, char **out, fc_error *err);

#endif
