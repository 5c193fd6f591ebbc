#ifndef FC_IO_POSIX_SOCKET_H
#define FC_IO_POSIX_SOCKET_H
/* A connected or connecting stream socket as a transport. */
#include "io/posix_io.h"

/* Takes a nonblocking descriptor. 0, or a negative errno and the descriptor is still the caller's. */
int fc__socket_create(struct fc__posix_io *io, int fd, bool connecting, struct fc__transport **out);

#endif
