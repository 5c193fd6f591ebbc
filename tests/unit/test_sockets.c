/* Sockets as transports and listeners, over both pollers. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/failing_alloc.h"
#include "support/loop_reactor.h"

/* ---- a listener and what it has accepted, by hand ---- */

struct side {
  struct fc__transport *transport;
  unsigned ready; /* as told, all together */
  size_t calls;
  struct side *closes; /* when it is told */
};

static void note_ready(struct fc__transport *t, unsigned ready, int64_t now) {
  struct side *s = t->user;
  (void)now;
  s->ready |= ready;
  s->calls++;
  if (s->closes && s->closes->transport) {
    struct fc__transport *other = s->closes->transport;
    s->closes->transport = NULL;
    other->ops->close(other);
  }
}

static void take(struct side *s, struct fc__transport *t) {
  memset(s, 0, sizeof *s);
  s->transport = t;
  t->on_ready = note_ready;
  t->user = s;
}

struct bench {
  fc_reactor *reactor;
  struct fc__loop *loop;
  struct fc__net *net;
};

static void open_bench(struct bench *b, void **state) {
  b->reactor = reactor_for(state, FC_REACTOR_HOST);
  b->loop = fc__reactor_loop(b->reactor);
  b->net = fc__reactor_net(b->reactor);
  fc__loop_lock(b->loop);
}

static void close_bench(struct bench *b) {
  fc__loop_unlock(b->loop);
  fc_reactor_destroy(b->reactor);
}

static void turn(struct bench *b) {
  fc__loop_unlock(b->loop);
  assert_int_equal(fc_reactor_dispatch(b->reactor), FC_OK);
  fc__loop_lock(b->loop);
}

/* Two ends of a connection, without a network. */
static void make_ends(struct bench *b, struct side *a, struct side *z) {
  int fds[2];
  struct fc__transport *t;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  assert_int_equal(b->net->ops->adopt(b->net, fds[0], &t), 0);
  take(a, t);
  assert_int_equal(b->net->ops->adopt(b->net, fds[1], &t), 0);
  take(z, t);
}

static void close_side(struct side *s) {
  if (s->transport) s->transport->ops->close(s->transport);
  s->transport = NULL;
}

static ssize_t put(struct side *s, const char *text) {
  struct iovec iov[2] = {{(void *)(uintptr_t)text, 1},
                         {(void *)(uintptr_t)(text + 1), strlen(text) - 1}};
  return s->transport->ops->write(s->transport, iov, 2);
}

static ssize_t get(struct side *s, char *to, size_t size) {
  struct iovec iov = {to, size};
  return s->transport->ops->read(s->transport, &iov, 1);
}

/* ---- transports ---- */

static void bytes_arrive_and_are_told(void **state) {
  struct bench b;
  struct side a, z;
  char bytes[10] = "";
  open_bench(&b, state);
  make_ends(&b, &a, &z);
  turn(&b);
  assert_int_equal(z.calls, 0);
  assert_int_equal(get(&z, bytes, sizeof bytes), -EAGAIN);
  assert_int_equal(put(&a, "farcall"), 7);
  turn(&b);
  assert_int_equal(z.ready, FC__READY_READ);
  turn(&b);
  assert_int_equal(z.calls, 2); /* as long as there is something to read */
  assert_int_equal(get(&z, bytes, sizeof bytes), 7);
  assert_string_equal(bytes, "farcall");
  turn(&b);
  assert_int_equal(z.calls, 2);
  close_side(&a);
  turn(&b);
  assert_int_equal(get(&z, bytes, sizeof bytes), 0);
  close_side(&z);
  close_bench(&b);
}

static void only_what_is_wanted_is_told(void **state) {
  struct bench b;
  struct side a, z;
  open_bench(&b, state);
  make_ends(&b, &a, &z);
  z.transport->ops->want(z.transport, FC__READY_READ | FC__READY_WRITE);
  turn(&b);
  assert_int_equal(z.ready, FC__READY_WRITE);
  z.ready = 0;
  z.transport->ops->want(z.transport, FC__READY_READ);
  assert_int_equal(put(&a, "x"), 1);
  turn(&b);
  assert_int_equal(z.ready, FC__READY_READ);
  close_side(&a);
  close_side(&z);
  close_bench(&b);
}

/* A lost connection of which nobody wants to hear ends no wait; later it does. */
static void a_paused_transport_is_quiet_when_its_peer_goes(void **state) {
  struct bench b;
  struct side a, z;
  struct fc__waiter waiter = {0};
  open_bench(&b, state);
  make_ends(&b, &a, &z);
  z.transport->ops->want(z.transport, 0);
  close_side(&a);
  for (int i = 0; i < 3; i++) turn(&b);
  assert_int_equal(z.calls, 0);
  assert_false(fc__loop_wait(b.loop, &waiter, fc__loop_now(b.loop) + FC_MILLISECOND));
  z.transport->ops->want(z.transport, FC__READY_READ);
  turn(&b);
  assert_int_equal(z.calls, 1);
  close_side(&z);
  close_bench(&b);
}

static void writing_to_nobody_raises_no_signal(void **state) {
  struct bench b;
  struct side a, z;
  signal(SIGPIPE, SIG_DFL);
  open_bench(&b, state);
  make_ends(&b, &a, &z);
  close_side(&a);
  assert_int_equal(put(&z, "x."), -EPIPE);
  close_side(&z);
  close_bench(&b);
}

static void a_full_socket_says_so_and_tells_when_it_is_not(void **state) {
  struct bench b;
  struct side a, z;
  static char much[100000];
  ssize_t n;
  open_bench(&b, state);
  make_ends(&b, &a, &z);
  struct iovec iov = {much, sizeof much};
  while ((n = a.transport->ops->write(a.transport, &iov, 1)) > 0) continue;
  assert_int_equal(n, -EAGAIN);
  a.transport->ops->want(a.transport, FC__READY_READ | FC__READY_WRITE);
  turn(&b);
  assert_int_equal(a.calls, 0);
  while (get(&z, much, sizeof much) > 0) continue;
  turn(&b);
  assert_int_equal(a.ready, FC__READY_WRITE);
  close_side(&a);
  close_side(&z);
  close_bench(&b);
}

static void a_transport_may_be_closed_inside_of_any_callback(void **state) {
  struct bench b;
  struct side a[3], z[3];
  open_bench(&b, state);
  for (size_t i = 0; i < 3; i++) {
    make_ends(&b, &a[i], &z[i]);
    assert_int_equal(put(&a[i], "x."), 2);
  }
  for (size_t i = 0; i < 3; i++) z[i].closes = &z[(i + 1) % 3];
  z[2].closes = &z[2]; /* itself, if it is still there then */
  turn(&b);
  assert_int_equal(z[0].calls + z[1].calls + z[2].calls, 2);
  assert_null(z[1].transport);
  assert_null(z[2].transport);
  for (size_t i = 0; i < 3; i++) {
    close_side(&a[i]);
    close_side(&z[i]);
  }
  close_bench(&b);
}

static void only_connected_sockets_are_adopted(void **state) {
  struct bench b;
  struct fc__transport *t;
  int fds[2];
  open_bench(&b, state);
  assert_int_equal(pipe(fds), 0);
  assert_int_equal(b.net->ops->adopt(b.net, fds[0], &t), -ENOTSOCK);
  assert_null(t);
  assert_int_equal(b.net->ops->adopt(b.net, -1, &t), -EBADF);
  close(fds[0]); /* still ours */
  close(fds[1]);
  close_bench(&b);
}

/* ---- connecting and listening ---- */

struct door {
  struct fc__listener *listener;
  struct fc__addr bound;
  size_t knocks;
};

static void note_knock(struct fc__listener *l, int64_t now) {
  (void)now;
  ((struct door *)l->user)->knocks++;
}

static int try_open(struct bench *b, struct door *d, const char *kind, const char *text,
                    const struct fc__listen_options *options) {
  struct fc__addr addr;
  memset(d, 0, sizeof *d);
  assert_true(b->net->ops->parse(b->net, kind, text, &addr));
  int result = b->net->ops->listen(b->net, &addr, options, &d->listener, &d->bound);
  if (result != 0) return result;
  d->listener->on_ready = note_knock;
  d->listener->user = d;
  return 0;
}

static void open_door(struct bench *b, struct door *d, const char *kind, const char *text) {
  assert_int_equal(try_open(b, d, kind, text, NULL), 0);
}

static void close_door(struct door *d) { d->listener->ops->close(d->listener); }

static void knock(struct bench *b, struct side *client, const struct fc__addr *at) {
  struct fc__transport *t;
  assert_int_equal(b->net->ops->connect(b->net, at, &t), 0);
  take(client, t);
}

static void until_ready(struct bench *b, const size_t *calls) {
  struct fc__waiter waiter = {0};
  while (*calls == 0) {
    fc__loop_wait(b->loop, &waiter, fc__loop_now(b->loop) + FC_MILLISECOND);
  }
}

static void let_in(struct bench *b, struct door *d, struct side *server, struct fc__addr *peer) {
  struct fc__transport *t;
  until_ready(b, &d->knocks);
  assert_int_equal(d->listener->ops->accept(d->listener, &t, peer), 0);
  take(server, t);
}

/* Connects, and gives the peer's address as the server sees it. */
static void visit(struct bench *b, struct door *d, const struct fc__addr *at, char *peer_text) {
  struct side client, server;
  struct fc__addr peer;
  char byte;
  knock(b, &client, at);
  let_in(b, d, &server, &peer);
  until_ready(b, &client.calls);
  assert_int_equal(client.ready, FC__READY_WRITE);
  assert_int_equal(client.transport->ops->finish_connect(client.transport), 0);
  assert_int_equal(put(&client, "xy"), 2);
  until_ready(b, &server.calls);
  assert_int_equal(get(&server, &byte, 1), 1);
  fc__addr_text(&peer, peer_text);
  close_side(&client);
  close_side(&server);
}

static void connections_are_accepted_with_the_peers_address(void **state) {
  struct bench b;
  struct door d;
  char text[FC__ADDR_TEXT_MAX];
  open_bench(&b, state);
  open_door(&b, &d, "ipv4", "127.0.0.1:0");
  fc__addr_text(&d.bound, text);
  assert_string_not_equal(text, "ipv4:127.0.0.1:0");
  visit(&b, &d, &d.bound, text);
  assert_int_equal(strncmp(text, "ipv4:127.0.0.1:", 15), 0);
  struct fc__transport *t;
  struct fc__addr peer;
  assert_int_equal(d.listener->ops->accept(d.listener, &t, &peer), -EAGAIN);
  close_door(&d);
  close_bench(&b);
}

static void the_ipv6_wildcard_takes_ipv4_too(void **state) {
  struct bench b;
  struct door d;
  struct fc__addr addr;
  char text[FC__ADDR_TEXT_MAX], local[64];
  open_bench(&b, state);
  open_door(&b, &d, "ipv6", "[::]:0");
  fc__addr_text(&d.bound, text);
  snprintf(local, sizeof local, "127.0.0.1%s", strrchr(text, ':'));
  assert_true(b.net->ops->parse(b.net, "ipv4", local, &addr));
  visit(&b, &d, &addr, text);
  assert_int_equal(strncmp(text, "ipv4:127.0.0.1:", 15), 0);
  close_door(&d);
  close_bench(&b);
}

static void a_refused_connection_says_so(void **state) {
  struct bench b;
  struct door d;
  struct side client;
  open_bench(&b, state);
  open_door(&b, &d, "ipv4", "127.0.0.1:0");
  close_door(&d);
  knock(&b, &client, &d.bound);
  until_ready(&b, &client.calls);
  assert_int_equal(client.transport->ops->finish_connect(client.transport), -ECONNREFUSED);
  close_side(&client);
  close_bench(&b);
}

static void a_port_is_shared_only_on_demand(void **state) {
  struct bench b;
  struct door first, second;
  const struct fc__listen_options shared = {.reuse_port = true};
  char text[FC__ADDR_TEXT_MAX];
  open_bench(&b, state);
  open_door(&b, &first, "ipv4", "127.0.0.1:0");
  fc__addr_text(&first.bound, text);
  assert_int_equal(try_open(&b, &second, "ipv4", text + strlen("ipv4:"), NULL), -EADDRINUSE);
  close_door(&first);
  assert_int_equal(try_open(&b, &first, "ipv4", "127.0.0.1:0", &shared), 0);
  fc__addr_text(&first.bound, text);
  assert_int_equal(try_open(&b, &second, "ipv4", text + strlen("ipv4:"), &shared), 0);
  close_door(&first);
  close_door(&second);
  close_bench(&b);
}

static void a_paused_listener_is_quiet(void **state) {
  struct bench b;
  struct door d;
  struct side client, server;
  struct fc__addr peer;
  open_bench(&b, state);
  open_door(&b, &d, "ipv4", "127.0.0.1:0");
  d.listener->ops->pause(d.listener, true);
  knock(&b, &client, &d.bound);
  until_ready(&b, &client.calls);
  turn(&b);
  assert_int_equal(d.knocks, 0);
  d.listener->ops->pause(d.listener, false);
  let_in(&b, &d, &server, &peer);
  close_side(&client);
  close_side(&server);
  close_door(&d);
  close_bench(&b);
}

static void accept_without_descriptors_fails_and_works_later(void **state) {
  struct bench b;
  struct door d;
  struct side client, second, server;
  struct fc__addr peer;
  struct fc__transport *t;
  struct rlimit before, none;
  open_bench(&b, state);
  open_door(&b, &d, "ipv4", "127.0.0.1:0");
  knock(&b, &client, &d.bound);
  until_ready(&b, &d.knocks);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  none = before;
  none.rlim_cur = 0;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  int refused = d.listener->ops->accept(d.listener, &t, &peer);
  int no_socket = b.net->ops->connect(b.net, &d.bound, &t);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_int_equal(refused, -EMFILE);
  assert_int_equal(no_socket, -EMFILE);
  d.knocks = 0;
  knock(&b, &second, &d.bound);
  let_in(&b, &d, &server, &peer);
  close_side(&client);
  close_side(&second);
  close_side(&server);
  close_door(&d);
  close_bench(&b);
}

/* ---- unix sockets ---- */

static char folder[] = "/tmp/farcall-XXXXXX";
static char path[64];

static int make_folder(void **state) {
  (void)state;
  if (mkdtemp(folder) == NULL) return -1;
  snprintf(path, sizeof path, "%s/socket", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  (void)unlink(path);
  return rmdir(folder);
}

static void a_unix_sockets_file_goes_with_its_listener(void **state) {
  struct bench b;
  struct door d;
  struct stat status;
  char text[FC__ADDR_TEXT_MAX];
  open_bench(&b, state);
  open_door(&b, &d, "unix", path);
  visit(&b, &d, &d.bound, text);
  assert_string_equal(text, "unix:");
  close_door(&d);
  assert_int_equal(stat(path, &status), -1);
  close_bench(&b);
}

static void a_stale_socket_file_gives_way(void **state) {
  struct bench b;
  struct door d, second;
  char moved[80];
  open_bench(&b, state);
  open_door(&b, &d, "unix", path);
  assert_int_equal(try_open(&b, &second, "unix", path, NULL), -EADDRINUSE); /* somebody listens */
  snprintf(moved, sizeof moved, "%s.old", path);
  assert_int_equal(rename(path, moved), 0);
  close_door(&d); /* leaves its file behind under the other name */
  assert_int_equal(rename(moved, path), 0);
  open_door(&b, &second, "unix", path);
  close_door(&second);
  close_bench(&b);
}

static void no_other_file_gives_way(void **state) {
  struct bench b;
  struct door d;
  struct stat status;
  open_bench(&b, state);
  int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  close(fd);
  assert_int_equal(try_open(&b, &d, "unix", path, NULL), -EADDRINUSE);
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(unlink(path), 0);
  open_door(&b, &d, "unix", path);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(mkdir(path, 0700), 0); /* another's by now */
  close_door(&d);
  assert_int_equal(rmdir(path), 0);
  close_bench(&b);
}

static void abstract_names_need_no_file(void **state) {
  struct bench b;
  struct door d;
  char name[64], text[FC__ADDR_TEXT_MAX];
  open_bench(&b, state);
  snprintf(name, sizeof name, "farcall-test-%ld", (long)getpid());
  open_door(&b, &d, "unix-abstract", name);
  visit(&b, &d, &d.bound, text);
  close_door(&d);
  close_bench(&b);
}

/* ---- the rest ---- */

static void random_numbers_differ(void **state) {
  struct bench b;
  uint64_t numbers[4];
  for (size_t i = 0; i < 4; i += 2) {
    open_bench(&b, state);
    numbers[i] = b.net->ops->random(b.net);
    numbers[i + 1] = b.net->ops->random(b.net);
    close_bench(&b);
  }
  assert_true(numbers[0] != numbers[1]);
  assert_true(numbers[0] != numbers[2]);
}

/* A scenario in which any allocation may fail; says nothing about the outcome. */
static void connect_and_accept(fc__poller_create_fn poller) {
  int error;
  fc_reactor *r;
  struct echo_client c;
  struct fc__listener *l;
  struct fc__transport *t;
  struct fc__addr addr, bound, peer;
  struct fc__io *io = fc__posix_io_create(poller, &error);
  if (io == NULL) return;
  if (fc__reactor_create_with(io, FC_REACTOR_AUTO, &r, NULL) != FC_OK) {
    io->ops->destroy(io);
    return;
  }
  struct fc__net *net = fc__reactor_net(r);
  assert_true(net->ops->parse(net, "ipv4", "127.0.0.1:0", &addr));
  fc__loop_lock(fc__reactor_loop(r));
  int result = net->ops->listen(net, &addr, NULL, &l, &bound);
  fc__loop_unlock(fc__reactor_loop(r));
  if (result == 0) {
    echo_client_start(&c, fc__reactor_loop(r), net, &bound);
    if (c.transport) echo_client_exchange(&c, 1, 0);
    fc__loop_lock(fc__reactor_loop(r));
    if (c.transport && l->ops->accept(l, &t, &peer) == 0) t->ops->close(t);
    l->ops->close(l);
    fc__loop_unlock(fc__reactor_loop(r));
    echo_client_stop(&c);
  }
  fc_reactor_destroy(r);
}

static void any_allocation_may_fail(void **state) {
  fc__poller_create_fn *poller = *state;
  for (size_t n = 0;; n++) {
    size_t live = failing_alloc_live();
    failing_alloc_arm(n, FAILING_ALLOC_ONCE);
    connect_and_accept(poller ? *poller : FC__POLLER_DEFAULT);
    bool reached = failing_alloc_disarm();
    assert_int_equal(failing_alloc_live(), live);
    if (!reached) break;
  }
}

#define OVER_BOTH_POLLERS(test)                                                                    \
  {#test " (system's poller)", test, NULL, NULL, NULL}, {                                          \
#test " (poll)", test, NULL, NULL, (void *)(uintptr_t)&poll_poller                             \
  }

int main(void) {
  static const fc__poller_create_fn poll_poller = fc__poller_poll_create;
  failing_alloc_install();
  const struct CMUnitTest tests[] = {
      OVER_BOTH_POLLERS(bytes_arrive_and_are_told),
      OVER_BOTH_POLLERS(only_what_is_wanted_is_told),
      OVER_BOTH_POLLERS(a_paused_transport_is_quiet_when_its_peer_goes),
      OVER_BOTH_POLLERS(writing_to_nobody_raises_no_signal),
      OVER_BOTH_POLLERS(a_full_socket_says_so_and_tells_when_it_is_not),
      OVER_BOTH_POLLERS(a_transport_may_be_closed_inside_of_any_callback),
      OVER_BOTH_POLLERS(only_connected_sockets_are_adopted),
      OVER_BOTH_POLLERS(connections_are_accepted_with_the_peers_address),
      OVER_BOTH_POLLERS(the_ipv6_wildcard_takes_ipv4_too),
      OVER_BOTH_POLLERS(a_refused_connection_says_so),
      OVER_BOTH_POLLERS(a_port_is_shared_only_on_demand),
      OVER_BOTH_POLLERS(a_paused_listener_is_quiet),
      OVER_BOTH_POLLERS(accept_without_descriptors_fails_and_works_later),
      OVER_BOTH_POLLERS(a_unix_sockets_file_goes_with_its_listener),
      OVER_BOTH_POLLERS(a_stale_socket_file_gives_way),
      OVER_BOTH_POLLERS(no_other_file_gives_way),
      OVER_BOTH_POLLERS(abstract_names_need_no_file),
      OVER_BOTH_POLLERS(random_numbers_differ),
      OVER_BOTH_POLLERS(any_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
