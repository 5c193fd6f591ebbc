#ifndef BENCH_TCP_H
#define BENCH_TCP_H
/* The limit that the system sets: messages over loopback TCP with no protocol at all. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"

/* 100 bytes are about what the headers, frames and 64 B of a unary call come to. */
enum { TCP_MESSAGE = 100, TCP_BIG = 1 << 20 };

static inline _Noreturn void tcp_fail(const char *what) {
  perror(what);
  exit(1);
}

static inline void tcp_no_delay(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static inline void *tcp_buffer(void) {
  void *buffer = malloc(TCP_BIG);
  if (!buffer) abort();
  return memset(buffer, 'x', TCP_BIG);
}

static inline void tcp_write_all(int fd, const char *data, size_t left) {
  while (left > 0) {
    ssize_t n = write(fd, data, left);
    if (n < 0) tcp_fail("write");
    data += n;
    left -= (size_t)n;
  }
}

#endif
