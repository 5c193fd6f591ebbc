/*
 * The client of the raw TCP limit: client WORKLOAD[=NUMBER] PORT LIMIT SERVER_PID
 *
 *   ping           a message there and back, blocking
 *   connections=N  the same over N connections in turn
 *   outstanding=N  N messages under way: what has come back is sent again, in one write
 *   stream         one way, a write for each message
 *   echo1m         1 MiB there and back
 */
#include "tcp.h"

struct job {
  int port, number;
  char *out, *in;
  struct measure measure;
};

static int connect_to(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                          .sin_port = htons((uint16_t)port)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a)) tcp_fail("connect");
  tcp_no_delay(fd);
  return fd;
}

static size_t read_some(int fd, char *into, size_t size) {
  ssize_t n = read(fd, into, size);
  if (n <= 0) tcp_fail("read");
  return (size_t)n;
}

static void ping(struct job *job, int fd) {
  tcp_write_all(fd, job->out, TCP_MESSAGE);
  for (size_t got = 0; got < TCP_MESSAGE;) got += read_some(fd, job->in, TCP_MESSAGE - got);
}

static void run_pings(struct job *job, int count) {
  struct measure *m = &job->measure;
  int *fds = (int *)calloc((size_t)count, sizeof *fds);
  uint64_t done = 0, begun;
  int next = 0;
  if (!fds) abort();
  for (int i = 0; i < count; i++) fds[i] = connect_to(job->port);
  for (int i = 0; i < 2 * count + 10000; i++) ping(job, fds[i % count]);
  measure_begin(m);
  for (begun = m->now; measure_more(m, done); done++) {
    ping(job, fds[next]);
    begun = measure_sample(m, begun);
    if (++next == count) next = 0;
  }
  measure_end(m, done);
  free(fds);
}

static void run_outstanding(struct job *job) {
  int fd = connect_to(job->port);
  size_t rest = 0;
  uint64_t done = 0;
  tcp_write_all(fd, job->out, (size_t)job->number * TCP_MESSAGE);
  measure_begin(&job->measure);
  while (measure_more(&job->measure, 0)) {
    size_t got = rest + read_some(fd, job->in, TCP_BIG), whole = got / TCP_MESSAGE;
    rest = got % TCP_MESSAGE;
    tcp_write_all(fd, job->out, whole * TCP_MESSAGE);
    done += whole;
  }
  measure_end(&job->measure, done);
}

static void run_stream(struct job *job) {
  int fd = connect_to(job->port);
  uint64_t done = 0;
  for (int i = 0; i < 10000; i++) tcp_write_all(fd, job->out, TCP_MESSAGE);
  for (measure_begin(&job->measure); measure_more(&job->measure, done); done++)
    tcp_write_all(fd, job->out, TCP_MESSAGE);
  measure_end(&job->measure, done);
}

/* The server answers while the client still writes, as 1 MiB fits no socket buffer: both directions at once. */
static void ping_big(struct job *job, int fd) {
  size_t sent = 0, got = 0;
  while (got < TCP_BIG) {
    ssize_t n = sent < TCP_BIG ? send(fd, job->out + sent, TCP_BIG - sent, MSG_DONTWAIT) : 0;
    if (n > 0) sent += (size_t)n;
    n = recv(fd, job->in + got, TCP_BIG - got, sent < TCP_BIG ? MSG_DONTWAIT : 0);
    if (n > 0) got += (size_t)n;
    if (n == 0 || (n < 0 && errno != EAGAIN)) tcp_fail("echo");
  }
}

static void run_echo1m(struct job *job) {
  struct measure *m = &job->measure;
  int fd = connect_to(job->port);
  uint64_t done = 0, begun;
  for (int i = 0; i < 100; i++) ping_big(job, fd);
  measure_begin(m);
  for (begun = m->now; measure_more(m, done); done++) {
    ping_big(job, fd);
    begun = measure_sample(m, begun);
  }
  measure_end(m, done);
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: client WORKLOAD[=NUMBER] PORT LIMIT SERVER_PID\n");
    return 2;
  }
  const char *work = argv[1], *number = strchr(work, '=');
  struct job job = {.port = atoi(argv[2]), .number = number ? atoi(number + 1) : 1};
  job.out = tcp_buffer();
  job.in = tcp_buffer();
  measure_init(&job.measure, argv[3], argv[4]);
  measure_raise_files();
  if (!strcmp(work, "stream")) {
    run_stream(&job);
  } else if (!strcmp(work, "echo1m")) {
    run_echo1m(&job);
  } else if (!strncmp(work, "outstanding", strlen("outstanding"))) {
    run_outstanding(&job);
  } else {
    run_pings(&job, job.number);
  }
  return 0;
}
