#ifndef FC_TESTS_FORKS_H
#define FC_TESTS_FORKS_H
/* What a fork does to a channel that parent and child both use, with any credentials. */
#include "farcall/server.h"

/* Each gives a reference away; NULL: insecure. */
struct forks_security {
  fc_channel_credentials *(*channel)(void);
  fc_server_credentials *(*server)(void);
};

int forks_run(const struct forks_security *security); /* gives what main returns */

#endif
