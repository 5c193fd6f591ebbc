/*
 * The server of the raw TCP limit: server echo|sink|epoll. It prints its port and serves until it is killed. echo and
 * sink serve one connection by blocking reads, the cheapest way there is; epoll echoes on any number of them.
 */
#include "tcp.h"

static int listen_anywhere(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, length) || listen(fd, 4096) ||
      getsockname(fd, (struct sockaddr *)&a, &length)) {
    tcp_fail("listen");
  }
  printf("%d\n", ntohs(a.sin_port));
  fflush(stdout);
  return fd;
}

static int accept_one(int listener) {
  int fd = accept(listener, NULL, NULL);
  if (fd < 0) tcp_fail("accept");
  tcp_no_delay(fd);
  return fd;
}

static void serve_one(int listener, int answer) {
  char *buffer = tcp_buffer();
  for (;;) {
    int fd = accept_one(listener);
    ssize_t n;
    while ((n = read(fd, buffer, TCP_BIG)) > 0) {
      if (answer) tcp_write_all(fd, buffer, (size_t)n);
    }
    close(fd);
  }
}

static void serve_many(int listener) {
  char *buffer = tcp_buffer();
  struct epoll_event events[64], e = {.events = EPOLLIN, .data.fd = listener};
  int poller = epoll_create1(0);
  if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e)) tcp_fail("epoll");
  for (;;) {
    int count = epoll_wait(poller, events, 64, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      ssize_t n;
      if (fd == listener) {
        e.data.fd = accept_one(listener);
        if (epoll_ctl(poller, EPOLL_CTL_ADD, e.data.fd, &e)) tcp_fail("epoll");
      } else if ((n = read(fd, buffer, TCP_BIG)) > 0) {
        tcp_write_all(fd, buffer, (size_t)n);
      } else {
        close(fd);
      }
    }
  }
}

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "echo";
  measure_raise_files();
  int listener = listen_anywhere();
  if (!strcmp(how, "epoll")) serve_many(listener);
  serve_one(listener, !strcmp(how, "echo"));
}
