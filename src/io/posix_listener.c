/*
 * Listening sockets. [::] takes IPv4 too, and becomes 0.0.0.0 where there is no IPv6. The file of a unix socket
 * goes with its listener, and a file that a dead process left gives way.
 */
#include "io/posix_listener.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/address.h"
#include "io/posix_fd.h"
#include "io/posix_socket.h"

struct posix_listener {
  struct fc__listener base;
  struct fc__source source;
  struct fc__posix_io *io;
  int family;
  struct fc__addr bound;
  dev_t device; /* of a unix socket's file: only that very file is removed */
  ino_t inode;
};

static struct posix_listener *from_base(struct fc__listener *l) {
  return FC__CONTAINER(l, struct posix_listener, base);
}

/* ---- unix socket files ---- */

/* The file of a unix socket that has one, or NULL. */
static const char *socket_file(const struct fc__addr *addr, struct sockaddr_storage *memory) {
  fc__addr_to_system(addr, memory);
  const struct sockaddr_un *a = (const struct sockaddr_un *)memory;
  return memory->ss_family == AF_UNIX && a->sun_path[0] ? a->sun_path : NULL;
}

static void remember_file(struct posix_listener *l) {
  struct sockaddr_storage memory;
  struct stat status;
  const char *path = socket_file(&l->bound, &memory);
  if (path == NULL || lstat(path, &status) != 0) return;
  l->device = status.st_dev;
  l->inode = status.st_ino;
}

static void remove_file(struct posix_listener *l) {
  struct sockaddr_storage memory;
  struct stat status;
  const char *path = socket_file(&l->bound, &memory);
  if (path == NULL || l->inode == 0 || lstat(path, &status) != 0) return;
  if (status.st_dev == l->device && status.st_ino == l->inode) (void)unlink(path);
}

/* Removes the file of a socket on which nobody listens; only then does connecting find it and is refused. */
static bool remove_stale_file(const struct fc__addr *addr) {
  struct sockaddr_storage memory;
  struct stat status;
  const char *path = socket_file(addr, &memory);
  if (path == NULL || lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  int fd = fc__fd_socket(AF_UNIX);
  if (fd < 0) return false;
  bool refused =
      connect(fd, (const struct sockaddr *)&memory, addr->len) != 0 && errno == ECONNREFUSED;
  close(fd);
  return refused && unlink(path) == 0;
}

/* ---- opening ---- */

static int set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : -errno;
}

static int set_options(int fd, int family, const struct fc__listen_options *options) {
  int result = 0;
  if (family == AF_UNIX) return 0;
  result = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (result == 0 && family == AF_INET6) result = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (result == 0 && options->reuse_port) {
#ifdef SO_REUSEPORT
    result = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
#else
    result = -ENOPROTOOPT;
#endif
  }
  return result;
}

static int bind_to(int fd, const struct fc__addr *addr) {
  struct sockaddr_storage system;
  fc__addr_to_system(addr, &system);
  return bind(fd, (const struct sockaddr *)&system, addr->len) == 0 ? 0 : -errno;
}

/* A listening descriptor, or a negative errno. */
static int open_at(const struct fc__addr *addr, const struct fc__listen_options *options) {
  int family = fc__addr_family(addr);
  int fd = fc__fd_socket(family);
  if (fd < 0) return fd;
  int result = set_options(fd, family, options);
  if (result == 0) result = bind_to(fd, addr);
  if (result == -EADDRINUSE && remove_stale_file(addr)) result = bind_to(fd, addr);
  int backlog = options->backlog > 0 ? options->backlog : INT_MAX; /* the system cuts it down */
  if (result == 0 && listen(fd, backlog) != 0) result = -errno;
  if (result == 0) return fd;
  close(fd);
  return result;
}

/* 0.0.0.0 with the same port, when addr is [::]. */
static bool without_ipv6(const struct fc__addr *addr, struct fc__addr *out) {
  struct sockaddr_storage system;
  fc__addr_to_system(addr, &system);
  const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)&system;
  if (system.ss_family != AF_INET6 || !IN6_IS_ADDR_UNSPECIFIED(&a->sin6_addr)) return false;
  return fc__addr_literal("0.0.0.0", ntohs(a->sin6_port), out);
}

static int open_listening(const struct fc__addr *addr, const struct fc__listen_options *options) {
  struct fc__addr ipv4;
  int fd = open_at(addr, options);
  bool no_ipv6 = fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL;
  return no_ipv6 && without_ipv6(addr, &ipv4) ? open_at(&ipv4, options) : fd;
}

/* ---- struct fc__listener ---- */

/* accept takes over pending errors of the network, which say nothing about the listener: Linux's accept(2). */
static bool is_network_error(int error) {
  switch (error) {
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

static int listener_accept(struct fc__listener *base, struct fc__transport **out,
                           struct fc__addr *peer) {
  struct posix_listener *l = from_base(base);
  *out = NULL;
  if (l->source.fd < 0) return -EAGAIN;
  struct sockaddr_storage system = {0};
  socklen_t len = sizeof system;
  int fd = fc__fd_accept(l->source.fd, (struct sockaddr *)&system, &len);
  if (fd < 0) return is_network_error(-fd) ? -ECONNABORTED : fd;
  fc__fd_no_delay(fd, l->family);
  (void)fc__addr_from_system(peer, (const struct sockaddr *)&system, len);
  int result = fc__socket_create(l->io, fd, false, out);
  if (result != 0) close(fd);
  return result;
}

static void listener_pause(struct fc__listener *base, bool paused) {
  struct posix_listener *l = from_base(base);
  fc__source_want(l->io, &l->source, paused ? 0 : FC__READY_READ);
}

/* After fork the file is the parent's. */
static void listener_close(struct fc__listener *base) {
  struct posix_listener *l = from_base(base);
  if (l->source.fd >= 0) remove_file(l);
  fc__source_close(l->io, &l->source);
}

static const struct fc__listener_ops listener_ops = {
    .accept = listener_accept,
    .pause = listener_pause,
    .close = listener_close,
};

static void listener_ready(struct fc__source *s, unsigned ready, int64_t now) {
  struct posix_listener *l = FC__CONTAINER(s, struct posix_listener, source);
  (void)ready;
  if (s->fd >= 0 && l->base.on_ready) l->base.on_ready(&l->base, now);
}

static void listener_release(struct fc__source *s) {
  fc__free(FC__CONTAINER(s, struct posix_listener, source));
}

static int set_bound(struct posix_listener *l, int fd) {
  struct sockaddr_storage system = {0};
  socklen_t len = sizeof system;
  if (getsockname(fd, (struct sockaddr *)&system, &len) != 0) return -errno;
  (void)fc__addr_from_system(&l->bound, (const struct sockaddr *)&system, len);
  l->family = system.ss_family;
  remember_file(l);
  return 0;
}

static int create(struct fc__posix_io *io, int fd, struct posix_listener **out) {
  struct posix_listener *l = fc__alloc_zero(sizeof *l);
  if (l == NULL) return -ENOMEM;
  l->base.ops = &listener_ops;
  l->io = io;
  l->source.ready = listener_ready;
  l->source.release = listener_release;
  l->source.interest = FC__READY_READ;
  int result = set_bound(l, fd);
  if (result == 0) result = fc__source_open(io, &l->source, fd);
  if (result == 0) {
    *out = l;
  } else {
    remove_file(l);
    fc__free(l);
  }
  return result;
}

int fc__posix_listen(struct fc__net *net, const struct fc__addr *addr,
                     const struct fc__listen_options *options, struct fc__listener **out,
                     struct fc__addr *bound) {
  const struct fc__listen_options defaults = {0};
  struct posix_listener *l = NULL;
  *out = NULL;
  int fd = open_listening(addr, options ? options : &defaults);
  if (fd < 0) return fd;
  int result = create(fc__posix_io_from_net(net), fd, &l);
  if (result != 0) {
    close(fd);
    return result;
  }
  *out = &l->base;
  if (bound) *bound = l->bound;
  return 0;
}
