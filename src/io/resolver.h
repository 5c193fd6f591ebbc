#ifndef FC_IO_RESOLVER_H
#define FC_IO_RESOLVER_H
/*
 * Names by the system's resolver, on threads of their own that nobody waits for: getaddrinfo cannot be given a
 * deadline. At most FC__RESOLVER_THREADS run in a process; further look-ups queue.
 */
#include <netdb.h>

#include "base/net.h"
#include "io/posix_io.h"

enum { FC__RESOLVER_THREADS = 16 };

int fc__resolver_start(struct fc__net *net, const char *host, uint16_t port, struct fc__resolve *r);
void fc__resolver_cancel(struct fc__net *net, struct fc__resolve *r);

/* Around fork, the second two in parent and child. */
void fc__resolver_lock(void);
void fc__resolver_unlock(void);
void fc__resolver_reset(void);                         /* in the child: no thread runs */
void fc__resolver_after_fork(struct fc__posix_io *io); /* in the child: all look-ups fail */

/* What the threads call, for tests to replace; getaddrinfo. */
typedef int (*fc__lookup_fn)(const char *host, const char *service, const struct addrinfo *hints,
                             struct addrinfo **out);
void fc__resolver_set_lookup(
    fc__lookup_fn lookup); /* NULL restores it; the result goes to freeaddrinfo */

#endif
