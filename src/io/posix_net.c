/*
 * The network of the system as struct fc__net_ops: connecting, taking over descriptors, addresses and random
 * numbers. Listening and names have files of their own.
 */
#include <errno.h>
#include <unistd.h>

#include "io/address.h"
#include "io/posix_fd.h"
#include "io/posix_listener.h"
#include "io/posix_socket.h"
#include "io/resolver.h"

/* An interrupted connect goes on by itself, like one that would block: POSIX connect(). */
static int begin_connect(int fd, const struct fc__addr *addr) {
  struct sockaddr_storage system;
  fc__addr_to_system(addr, &system);
  if (connect(fd, (const struct sockaddr *)&system, addr->len) == 0) return 0;
  return errno == EINPROGRESS || errno == EINTR ? 0 : -errno;
}

static int net_connect(struct fc__net *net, const struct fc__addr *addr,
                       struct fc__transport **out) {
  *out = NULL;
  int family = fc__addr_family(addr);
  int fd = fc__fd_socket(family);
  if (fd < 0) return fd;
  fc__fd_no_delay(fd, family);
  int result = begin_connect(fd, addr);
  if (result == 0) result = fc__socket_create(fc__posix_io_from_net(net), fd, true, out);
  if (result != 0) close(fd);
  return result;
}

static int net_adopt(struct fc__net *net, int fd, struct fc__transport **out) {
  struct sockaddr_storage system = {0};
  socklen_t len = sizeof system;
  *out = NULL;
  if (getsockname(fd, (struct sockaddr *)&system, &len) != 0) return -errno;
  int result = fc__fd_prepare(fd);
  if (result != 0) return result;
  fc__fd_no_delay(fd, system.ss_family);
  return fc__socket_create(fc__posix_io_from_net(net), fd, false, out);
}

static bool net_parse(struct fc__net *net, const char *kind, const char *text,
                      struct fc__addr *out) {
  (void)net;
  return fc__addr_parse(kind, text, out);
}

static uint64_t net_random(struct fc__net *net) {
  return fc__random_next(&fc__posix_io_from_net(net)->random);
}

const struct fc__net_ops fc__posix_net_ops = {
    .connect = net_connect,
    .listen = fc__posix_listen,
    .adopt = net_adopt,
    .resolve = fc__resolver_start,
    .resolve_cancel = fc__resolver_cancel,
    .parse = net_parse,
    .random = net_random,
};
