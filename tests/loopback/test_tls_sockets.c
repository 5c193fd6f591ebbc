/* TLS over sockets: what a simulated network has not, which is to end one direction of a connection alone. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "io/reactor.h"
#include "io/tls.h"
#include "support/certs.h"
#include "support/check.h"

struct end {
  struct fc__transport *transport;
  bool stands, ended, reads;
  int error;
  size_t received;
};

static fc_reactor *reactor;
static struct fc__loop *loop;
static struct fc__tls *client_tls, *server_tls;
static struct end client, server;
static int server_fd;

/* ---- owners ---- */

static void read_in(struct end *end) {
  static uint8_t bytes[65536];
  struct iovec iov = {bytes, sizeof bytes};
  ssize_t n = end->transport->ops->read(end->transport, &iov, 1);
  if (n == -EAGAIN) return;
  if (n < 0) end->error = (int)n;
  if (n == 0) end->ended = true;
  if (n > 0) end->received += (size_t)n;
}

static void on_ready(struct fc__transport *t, unsigned ready, int64_t now) {
  struct end *end = t->user;
  (void)now;
  if (!end->stands) {
    end->error = t->ops->finish_connect(t);
    end->stands = true;
    t->ops->want(t, end->reads ? FC__READY_READ : 0);
  } else if (ready & FC__READY_READ) {
    read_in(end);
    if (end->ended || end->error) t->ops->want(t, 0);
  }
}

static void open_end(struct end *end, int fd, struct fc__tls *tls, const char *name) {
  struct fc__net *net = fc__reactor_net(reactor);
  struct fc__transport *below;
  *end = (struct end){.reads = true};
  assert_int_equal(net->ops->adopt(net, fd, &below), 0);
  assert_int_equal(fc__tls_wrap(tls, loop, below, name, &end->transport), 0);
  end->transport->on_ready = on_ready;
  end->transport->user = end;
}

static void turn(void) {
  struct pollfd fd = {fc_reactor_fd(reactor), POLLIN, 0};
  int64_t timeout = fc_reactor_timeout(reactor);
  assert_true(poll(&fd, 1, timeout == 0 ? 0 : -1) >= 0);
  assert_int_equal(fc_reactor_dispatch(reactor), FC_OK);
}

static void run_until(const bool *done) {
  while (!*done) turn();
}

/* ---- life ---- */

static int set_up(void **state) {
  (void)state;
  int fds[2], small = 4096;
  fc_reactor_options host = FC_REACTOR_OPTIONS_INIT;
  fc_tls_client_options o = FC_TLS_CLIENT_OPTIONS_INIT;
  fc_tls_server_options p = FC_TLS_SERVER_OPTIONS_INIT;
  fc_tls_identity identity = cert_identity("server");
  host.mode = FC_REACTOR_HOST;
  o.roots = cert_text("ca.pem");
  p.identities = &identity;
  p.identity_count = 1;
  assert_int_equal(fc_reactor_create(&host, &reactor, NULL), FC_OK);
  assert_int_equal(fc__tls_client_create(&o, &client_tls, NULL), FC_OK);
  assert_int_equal(fc__tls_server_create(&p, NULL, &server_tls, NULL), FC_OK);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  }
  server_fd = fds[1];
  loop = fc__reactor_loop(reactor);
  fc__loop_lock(loop);
  open_end(&client, fds[0], client_tls, "localhost");
  open_end(&server, fds[1], server_tls, NULL);
  fc__loop_unlock(loop);
  run_until(&client.stands);
  run_until(&server.stands);
  assert_int_equal(client.error, 0);
  assert_int_equal(server.error, 0);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  fc__loop_lock(loop);
  if (client.transport) client.transport->ops->close(client.transport);
  if (server.transport) server.transport->ops->close(server.transport);
  fc__loop_unlock(loop);
  fc_reactor_destroy(reactor);
  fc__tls_unref(client_tls);
  fc__tls_unref(server_tls);
  return 0;
}

/* ---- tests ---- */

/* Writes until the socket takes no more; says how much that was. */
static size_t fill(struct end *end) {
  static uint8_t bytes[50000];
  struct iovec iov = {bytes, sizeof bytes};
  size_t total = 0;
  for (ssize_t n; (n = end->transport->ops->write(end->transport, &iov, 1)) > 0;) {
    total += (size_t)n;
    if ((size_t)n < sizeof bytes) break;
  }
  return total;
}

/* Not only TLS, the socket too. */
static void expect_no_more_comes(void) {
  struct pollfd fd = {server_fd, POLLRDHUP, 0};
  assert_int_equal(poll(&fd, 1, 0), 1);
  assert_int_equal(fd.revents & POLLRDHUP, POLLRDHUP);
}

/* A part of a record and close_notify still wait for the socket when one side ends its direction. */
static void an_end_comes_after_what_was_written(void **state) {
  (void)state;
  fc__loop_lock(loop);
  server.transport->ops->want(server.transport, 0);
  size_t written = fill(&client);
  client.transport->ops->shutdown(client.transport);
  server.transport->ops->want(server.transport, FC__READY_READ);
  fc__loop_unlock(loop);
  run_until(&server.ended);
  assert_in_range(server.received, written, written + 1); /* the byte that is owed may be there */
  assert_int_equal(server.error, 0);
  assert_false(client.ended);
  expect_no_more_comes();
}

static void the_other_direction_goes_on(void **state) {
  (void)state;
  fc__loop_lock(loop);
  client.transport->ops->shutdown(client.transport);
  fc__loop_unlock(loop);
  run_until(&server.ended);
  expect_no_more_comes();
  fc__loop_lock(loop);
  uint8_t byte = 0;
  struct iovec iov = {&byte, 1};
  assert_int_equal(server.transport->ops->write(server.transport, &iov, 1), 1);
  assert_int_equal(client.transport->ops->write(client.transport, &iov, 1), -EPIPE);
  fc__loop_unlock(loop);
  while (client.received == 0) turn();
  assert_int_equal(client.received, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_end_comes_after_what_was_written),
      TEST(the_other_direction_goes_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
