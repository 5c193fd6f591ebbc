/*
 * Making descriptors: nonblocking and closed on exec from the start where the system can, a moment later where
 * it cannot.
 */
#include "io/posix_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/random.h>
#endif

int fc__fd_prepare(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return -errno;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return -errno;
#ifdef SO_NOSIGPIPE
  int on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) != 0) return -errno;
#endif
  return 0;
}

static int prepared(int fd) {
  int result = fc__fd_prepare(fd);
  if (result == 0) return fd;
  close(fd);
  return result;
}

int fc__fd_socket(int family) {
#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC)
  int made = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (made >= 0 || errno != EINVAL) return made >= 0 ? made : -errno;
#endif
  int fd = socket(family, SOCK_STREAM, 0);
  return fd >= 0 ? prepared(fd) : -errno;
}

static int accept_once(int fd, struct sockaddr *address, socklen_t *len) {
#ifdef __linux__
  int made = accept4(fd, address, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (made >= 0 || (errno != ENOSYS && errno != EINVAL)) return made >= 0 ? made : -errno;
#endif
  int accepted = accept(fd, address, len);
  return accepted >= 0 ? prepared(accepted) : -errno;
}

int fc__fd_accept(int fd, struct sockaddr *address, socklen_t *len) {
  int result;
  do {
    result = accept_once(fd, address, len);
  } while (result == -EINTR);
  return result;
}

void fc__fd_no_delay(int fd, int family) {
  if (family != AF_INET && family != AF_INET6) return;
  int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* slower without, not wrong */
}

uint64_t fc__system_seed(void) {
  uint64_t seed = 0;
#ifdef __linux__
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed) return seed;
#endif
  int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, &seed, sizeof seed) : -1;
  if (fd >= 0) close(fd);
  if (n == (ssize_t)sizeof seed) return seed;
  struct timespec time;
  (void)clock_gettime(CLOCK_REALTIME, &time);
  return (uint64_t)time.tv_sec * 1000000007U + (uint64_t)time.tv_nsec + (uint64_t)getpid();
}
