/* The owners of tls_world.h. They use their transports as a link does, and hold them to what a socket would do: when one
 * fails they close it. */
#include "sim/tls_world.h"

#include <errno.h>
#include <stdio.h>

#include "io/reactor.h"
#include "support/certs.h"
#include "support/check.h"

static uint8_t pattern(size_t at) { return (uint8_t)(at * 131 + (at >> 8) * 7); }

/* ---- an owner ---- */

static void note_error(struct tls_end *end, int error) {
  struct fc__transport *t = end->transport;
  const char *failure = t->ops->failure ? t->ops->failure(t) : NULL;
  if (!end->error) end->error = error;
  snprintf(end->failure, sizeof end->failure, "%s", failure ? failure : "");
}

static void close_locked(struct tls_end *end) {
  if (end->transport) end->transport->ops->close(end->transport);
  end->transport = NULL;
}

static void want(struct tls_end *end) {
  bool reads = end->received < end->reads_max && !end->ended;
  bool writes = end->sent < end->to_send;
  unsigned read = reads ? (unsigned)FC__READY_READ : 0;
  unsigned write = writes ? (unsigned)FC__READY_WRITE : 0;
  end->transport->ops->want(end->transport, read | write);
}

static void check_received(struct tls_end *end, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count && !end->any_bytes; i++) {
    if (bytes[i] != pattern(end->received + i)) fail_msg("byte %zu is wrong", end->received + i);
  }
  end->received += count;
}

static void read_in(struct tls_end *end) {
  static uint8_t bytes[65536];
  while (!end->ended && !end->error && end->received < end->reads_max) {
    size_t size = end->read_size ? end->read_size : sizeof bytes;
    struct iovec iov[2] = {{bytes, size / 3}, {bytes + size / 3, size - size / 3}};
    ssize_t n = end->transport->ops->read(end->transport, iov, 2);
    if (n == -EAGAIN) return;
    if (n < 0) note_error(end, (int)n);
    if (n == 0) end->ended = true;
    if (n > 0) check_received(end, bytes, (size_t)n);
    if (end->read_size || (n > 0 && (size_t)n < size)) return;
  }
}

/* A window of the pattern, in pieces. */
static int cut(const struct tls_end *end, uint8_t *window, size_t size, struct iovec *iov) {
  size_t len = end->to_send - end->sent, at = 0;
  if (len > size) len = size;
  for (size_t i = 0; i < len; i++) window[i] = pattern(end->sent + i);
  int count = 0;
  for (; at < len && count < TLS_PIECES; count++) {
    size_t piece = end->piece && end->piece < len - at ? end->piece : len - at;
    iov[count] = (struct iovec){window + at, piece};
    at += piece;
  }
  return count;
}

static void write_out(struct tls_end *end) {
  static uint8_t window[200000];
  while (!end->error && end->sent < end->to_send) {
    struct iovec iov[TLS_PIECES];
    int count = cut(end, window, sizeof window, iov);
    ssize_t n = end->transport->ops->write(end->transport, iov, count);
    memset(window, 0xee, sizeof window); /* it is the owner's again */
    if (n == -EAGAIN) return;
    if (n < 0) {
      note_error(end, (int)n);
    } else {
      end->sent += (size_t)n;
    }
  }
}

static void go_on(struct tls_end *end) {
  if (!end->error) write_out(end);
  if (end->error || (end->close_when_sent && end->sent == end->to_send)) {
    close_locked(end);
  } else {
    want(end);
  }
}

static void note_outcome(struct tls_end *end) {
  end->outcome = end->transport->ops->finish_connect(end->transport);
  assert_true(end->outcome != -EAGAIN && "it was told that there is one");
  end->outcomes++;
  if (end->outcome < 0) note_error(end, end->outcome);
}

static void on_ready(struct fc__transport *t, unsigned ready, int64_t now) {
  struct tls_end *end = t->user;
  (void)now;
  if (++end->told == end->close_in) {
    close_locked(end);
    return;
  }
  if (end->outcomes == 0) {
    assert_int_equal(ready, FC__READY_WRITE);
    note_outcome(end);
  } else if (ready & FC__READY_READ) {
    read_in(end);
  }
  go_on(end);
}

/* Before the outcome is told nothing is to be had. */
static void check_silence(struct fc__transport *filter) {
  uint8_t byte = 0;
  struct iovec iov = {&byte, 1};
  assert_int_equal(filter->ops->finish_connect(filter), -EAGAIN);
  assert_int_equal(filter->ops->read(filter, &iov, 1), -EAGAIN);
  assert_int_equal(filter->ops->write(filter, &iov, 1), -EAGAIN);
  assert_null(filter->ops->auth(filter));
}

static void wrap(struct tls_end *end) {
  struct fc__transport *filter;
  int failed = fc__tls_wrap(end->tls, end->loop, end->transport, end->name, &filter);
  if (failed) {
    note_error(end, failed);
    close_locked(end);
    return;
  }
  end->wrapped = true;
  end->transport = filter;
  filter->on_ready = on_ready;
  filter->user = end;
  check_silence(filter);
}

static void on_connected(struct fc__transport *t, unsigned ready, int64_t now) {
  struct tls_end *end = t->user;
  (void)ready, (void)now;
  int failed = t->ops->finish_connect(t);
  if (failed < 0) note_error(end, failed);
  if (failed < 0) close_locked(end);
  if (failed == 0) wrap(end);
}

static void on_connection(struct fc__listener *l, int64_t now) {
  struct tls_end *end = l->user;
  struct fc__transport *t;
  struct fc__addr peer;
  (void)now;
  if (l->ops->accept(l, &t, &peer) != 0) return;
  assert_null(end->transport);
  end->transport = t;
  wrap(end);
}

/* ---- what tests do with one ---- */

void tls_end_send(struct tls_end *end, size_t count) {
  fc__loop_lock(end->loop);
  end->to_send += count;
  if (end->transport && end->outcomes) go_on(end);
  fc__loop_unlock(end->loop);
}

void tls_end_shutdown(struct tls_end *end) {
  fc__loop_lock(end->loop);
  end->transport->ops->shutdown(end->transport);
  fc__loop_unlock(end->loop);
}

void tls_end_close(struct tls_end *end) {
  fc__loop_lock(end->loop);
  close_locked(end);
  fc__loop_unlock(end->loop);
}

void tls_end_read_on(struct tls_end *end) {
  fc__loop_lock(end->loop);
  end->reads_max = SIZE_MAX;
  want(end);
  fc__loop_unlock(end->loop);
}

void tls_end_use(struct tls_end *end, struct fc__tls *tls) {
  if (end->tls) fc__tls_unref(end->tls);
  end->tls = tls;
}

void tls_end_use_none(struct tls_end *end) { tls_end_use(end, NULL); }

static void use(struct tls_end *end, fc_result result, struct fc__tls *tls, const fc_error *err) {
  if (result != FC_OK) fail_msg("%s", err->message);
  tls_end_use(end, tls);
}

void tls_end_use_client(struct tls_end *end, const fc_tls_client_options *options) {
  struct fc__tls *tls;
  fc_error err = FC_ERROR_INIT;
  fc_result result = fc__tls_client_create(options, &tls, &err);
  use(end, result, tls, &err);
}

void tls_end_use_server(struct tls_end *end, const fc_tls_server_options *options) {
  struct fc__tls *tls;
  fc_error err = FC_ERROR_INIT;
  fc_result result = fc__tls_server_create(options, NULL, &tls, &err);
  use(end, result, tls, &err);
}

/* ---- the world ---- */

fc_tls_client_options tls_world_client_options(void) {
  fc_tls_client_options o = FC_TLS_CLIENT_OPTIONS_INIT;
  o.roots_file = cert_path("ca.pem");
  return o;
}

fc_tls_server_options tls_world_server_options(void) {
  static fc_tls_identity identity;
  fc_tls_server_options o = FC_TLS_SERVER_OPTIONS_INIT;
  identity = cert_identity_files("server");
  o.identities = &identity;
  o.identity_count = 1;
  return o;
}

static void end_init(struct tls_end *end, struct fc__loop *loop) {
  end->loop = loop;
  end->reads_max = SIZE_MAX;
}

void tls_world_open_with(struct tls_world *w, uint64_t seed, struct fc__tls *client,
                         struct fc__tls *server) {
  memset(w, 0, sizeof *w);
  w->sim = sim_create(seed);
  w->loop = fc__reactor_loop(sim_reactor(w->sim));
  w->net = fc__reactor_net(sim_reactor(w->sim));
  assert_true(w->net->ops->parse(w->net, "ipv4", "10.0.0.1:443", &w->address));
  end_init(&w->client, w->loop);
  end_init(&w->server, w->loop);
  w->client.tls = client;
  w->server.tls = server;
  w->client.name = "localhost";
}

void tls_world_open(struct tls_world *w, uint64_t seed) {
  fc_tls_client_options client = tls_world_client_options();
  fc_tls_server_options server = tls_world_server_options();
  tls_world_open_with(w, seed, NULL, NULL);
  tls_end_use_client(&w->client, &client);
  tls_end_use_server(&w->server, &server);
}

static void listen_locked(struct tls_world *w) {
  struct fc__listen_options options = {0};
  assert_int_equal(w->net->ops->listen(w->net, &w->address, &options, &w->listener, &w->address),
                   0);
  w->listener->on_ready = on_connection;
  w->listener->user = &w->server;
}

static void connect_locked(struct tls_world *w) {
  struct tls_end *end = &w->client;
  assert_int_equal(w->net->ops->connect(w->net, &w->address, &end->transport), 0);
  end->transport->on_ready = on_connected;
  end->transport->user = end;
}

void tls_world_start(struct tls_world *w) {
  fc__loop_lock(w->loop);
  if (w->server.tls) listen_locked(w);
  if (w->client.tls) connect_locked(w);
  fc__loop_unlock(w->loop);
}

bool tls_world_stands(const struct tls_world *w) {
  return w->client.outcomes == 1 && w->client.outcome == 0 && w->server.outcomes == 1 &&
         w->server.outcome == 0;
}

void tls_world_shake_hands(struct tls_world *w) {
  tls_world_start(w);
  sim_run_for(w->sim, FC_SECOND);
  if (!tls_world_stands(w)) {
    fail_msg("client: %d \"%s\"; server: %d \"%s\"", w->client.outcome, w->client.failure,
             w->server.outcome, w->server.failure);
  }
}

void tls_world_close(struct tls_world *w) {
  tls_end_close(&w->client);
  tls_end_close(&w->server);
  fc__loop_lock(w->loop);
  if (w->listener) w->listener->ops->close(w->listener);
  fc__loop_unlock(w->loop);
  sim_run_for(w->sim, FC_SECOND);
  assert_int_equal(sim_connections(w->sim), 0);
  tls_end_use_none(&w->client);
  tls_end_use_none(&w->server);
  sim_destroy(w->sim);
}
