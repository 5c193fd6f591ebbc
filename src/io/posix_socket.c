/*
 * A stream socket as a transport: nonblocking, gathered reads and writes, never a SIGPIPE. While it connects it
 * tells only the outcome.
 */
#include "io/posix_socket.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/mem.h"

enum { IOV_AT_ONCE = 1024 }; /* IOV_MAX of the systems in use */

struct socket_transport {
  struct fc__transport base;
  struct fc__source source;
  struct fc__posix_io *io;
  bool connecting;
};

static struct socket_transport *from_base(struct fc__transport *t) {
  return FC__CONTAINER(t, struct socket_transport, base);
}

static ssize_t socket_read(struct fc__transport *base, const struct iovec *iov, int count) {
  struct fc__source *s = &from_base(base)->source;
  if (s->fd < 0) return -s->error;
  ssize_t n;
  do {
    n = readv(s->fd, iov, count < IOV_AT_ONCE ? count : IOV_AT_ONCE);
  } while (n < 0 && errno == EINTR);
  return n >= 0 ? n : -errno;
}

static ssize_t socket_write(struct fc__transport *base, const struct iovec *iov, int count) {
  struct fc__source *s = &from_base(base)->source;
  if (s->fd < 0) return -s->error;
  struct msghdr message = {
      .msg_iov = (struct iovec *)(uintptr_t)iov, /* sendmsg does not change it */
      .msg_iovlen = (size_t)(count < IOV_AT_ONCE ? count : IOV_AT_ONCE),
  };
  ssize_t n;
  do {
    n = sendmsg(s->fd, &message, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  return n >= 0 ? n : -errno;
}

static void socket_want(struct fc__transport *base, unsigned ready) {
  struct socket_transport *t = from_base(base);
  fc__source_want(t->io, &t->source, ready);
}

static int socket_finish_connect(struct fc__transport *base) {
  struct socket_transport *t = from_base(base);
  if (t->source.fd < 0) return -t->source.error;
  int error = 0;
  socklen_t len = sizeof error;
  if (getsockopt(t->source.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) error = errno;
  if (error != 0) return -error;
  t->connecting = false;
  fc__source_want(t->io, &t->source, FC__READY_READ);
  return 0;
}

static void socket_shutdown(struct fc__transport *base) {
  struct fc__source *s = &from_base(base)->source;
  if (s->fd >= 0) (void)shutdown(s->fd, SHUT_WR);
}

static void socket_close(struct fc__transport *base) {
  struct socket_transport *t = from_base(base);
  fc__source_close(t->io, &t->source);
}

static const struct fc__transport_ops socket_ops = {
    .read = socket_read,
    .write = socket_write,
    .want = socket_want,
    .finish_connect = socket_finish_connect,
    .shutdown = socket_shutdown,
    .close = socket_close,
};

static void socket_ready(struct fc__source *s, unsigned ready, int64_t now) {
  struct socket_transport *t = FC__CONTAINER(s, struct socket_transport, source);
  if (t->connecting) ready &= (unsigned)FC__READY_WRITE;
  if (ready && t->base.on_ready) t->base.on_ready(&t->base, ready, now);
}

static void socket_release(struct fc__source *s) {
  fc__free(FC__CONTAINER(s, struct socket_transport, source));
}

int fc__socket_create(struct fc__posix_io *io, int fd, bool connecting,
                      struct fc__transport **out) {
  struct socket_transport *t = fc__alloc_zero(sizeof *t);
  if (t == NULL) return -ENOMEM;
  t->base.ops = &socket_ops;
  t->io = io;
  t->connecting = connecting;
  t->source.ready = socket_ready;
  t->source.release = socket_release;
  t->source.interest = connecting ? FC__READY_WRITE : FC__READY_READ;
  int result = fc__source_open(io, &t->source, fd);
  if (result == 0) {
    *out = &t->base;
  } else {
    fc__free(t);
  }
  return result;
}
