#ifndef FC_IO_POSIX_LISTENER_H
#define FC_IO_POSIX_LISTENER_H
/* Listening sockets: the listen of struct fc__net_ops. */
#include "io/posix_io.h"

int fc__posix_listen(struct fc__net *net, const struct fc__addr *addr,
                     const struct fc__listen_options *options, struct fc__listener **out,
                     struct fc__addr *bound);

#endif
