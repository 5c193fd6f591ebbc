/*
 * Handshakes that a server has under way: how long one may take, how many there may be, and who goes first. Rows 15 and
 * 63 of the hostile inputs
 */
#include <errno.h>

#include "base/net.h"
#include "io/reactor.h"
#include "io/tls.h"
#include "sim/secure_world.h"
#include "support/check.h"
#include "support/raw_client.h"
#include "support/tls_credentials.h"

#define ADDRESS "127.0.0.1:80"
#define TARGET "ipv4:127.0.0.1:80"

static void open_server(struct secure_world *w, fc_server_options o) {
  secure_open(w);
  o.size = sizeof o;
  o.reactor = sim_reactor(w->sim);
  w->server_options = o;
  secure_serve(w, ADDRESS, tls_server("server", FC_TLS_CLIENT_AUTH_NONE));
}

static void connect_silent(struct secure_world *w, struct raw_client *c) {
  raw_open_silent(c, sim_reactor(w->sim), ADDRESS);
  sim_run_for(w->sim, 10 * FC_MILLISECOND);
  assert_true(c->connected);
}

static void expect_served(struct secure_world *w) {
  secure_channel(w, TARGET, tls_channel_as(NULL));
  secure_expect(w, FC_CODE_OK, "");
}

/* ---- time ---- */

static void expect_silent_closed_after(fc_server_options o, int64_t seconds) {
  struct secure_world w;
  struct raw_client silent;
  open_server(&w, o);
  int64_t began = sim_now(w.sim);
  raw_open_silent(&silent, sim_reactor(w.sim), ADDRESS);
  sim_run_for(w.sim, 3600 * FC_SECOND);
  assert_true(silent.closed);
  assert_int_equal((silent.closed_at - began) / FC_SECOND, seconds);
  expect_served(&w);
  raw_close(&silent);
  secure_close(&w);
}

static void row_15_a_silent_client_is_closed_at_the_handshake_timeout(void **state) {
  (void)state;
  expect_silent_closed_after((fc_server_options){0}, 20);
  expect_silent_closed_after((fc_server_options){.handshake_timeout_ns = 3 * FC_SECOND}, 3);
}

/* A client that does TLS, and nothing behind it. */
struct mute {
  struct fc__loop *loop;
  struct fc__tls *tls;
  struct fc__transport *transport;
  int64_t secured_at, closed_at;
};

static void mute_reads(struct fc__transport *t, unsigned ready, int64_t now) {
  struct mute *m = t->user;
  uint8_t bytes[1000];
  struct iovec iov = {bytes, sizeof bytes};
  (void)ready;
  ssize_t n;
  while ((n = t->ops->read(t, &iov, 1)) > 0) continue;
  if (n == -EAGAIN) return;
  m->closed_at = now;
  t->ops->close(t);
  m->transport = NULL;
}

static void mute_secured(struct fc__transport *t, unsigned ready, int64_t now) {
  struct mute *m = t->user;
  (void)ready;
  assert_int_equal(t->ops->finish_connect(t), 0);
  m->secured_at = now;
  t->on_ready = mute_reads;
  t->ops->want(t, FC__READY_READ);
}

static void mute_connected(struct fc__transport *t, unsigned ready, int64_t now) {
  struct mute *m = t->user;
  (void)ready, (void)now;
  assert_int_equal(t->ops->finish_connect(t), 0);
  assert_int_equal(fc__tls_wrap(m->tls, m->loop, t, "127.0.0.1", &m->transport), 0);
  m->transport->on_ready = mute_secured;
  m->transport->user = m;
}

static void mute_open(struct mute *m, struct sim *sim) {
  fc_tls_client_options o = tls_client_options();
  struct fc__net *net = fc__reactor_net(sim_reactor(sim));
  struct fc__addr address;
  *m = (struct mute){.loop = fc__reactor_loop(sim_reactor(sim))};
  assert_int_equal(fc__tls_client_create(&o, &m->tls, NULL), FC_OK);
  fc__loop_lock(m->loop);
  assert_true(net->ops->parse(net, "ipv4", ADDRESS, &address));
  assert_int_equal(net->ops->connect(net, &address, &m->transport), 0);
  m->transport->on_ready = mute_connected;
  m->transport->user = m;
  fc__loop_unlock(m->loop);
}

/* With 3 s between them the connection is there after 6 s, and TLS stands after 12: what is left of the time is for HTTP/2. */
static void the_timeout_covers_tls_and_http2_together(void **state) {
  (void)state;
  struct secure_world w;
  struct mute mute;
  open_server(&w, (fc_server_options){.handshake_timeout_ns = 15 * FC_SECOND});
  sim_link(w.sim, NULL)->latency = 3 * FC_SECOND;
  int64_t began = sim_now(w.sim);
  mute_open(&mute, w.sim);
  sim_run_for(w.sim, 100 * FC_SECOND);
  assert_int_equal((mute.secured_at - began) / FC_SECOND, 12);
  /* Accepted after 3 s, closed 15 s later, seen 3 s later. */
  assert_int_equal((mute.closed_at - began) / FC_SECOND, 21);
  fc__tls_unref(mute.tls);
  sim_link(w.sim, NULL)->latency = FC_MILLISECOND;
  expect_served(&w);
  secure_close(&w);
}

/* ---- number ---- */

static void row_63_of_too_many_the_oldest_gives_way(void **state) {
  (void)state;
  enum { MOST = 3 };
  struct secure_world w;
  struct raw_client silent[2 * MOST];
  open_server(&w, (fc_server_options){.max_handshakes = MOST});
  for (int i = 0; i < 2 * MOST; i++) {
    connect_silent(&w, &silent[i]);
    sim_run_for(w.sim, FC_SECOND);
    for (int j = 0; j <= i; j++) assert_int_equal(silent[j].closed, j <= i - MOST);
  }
  expect_served(&w);
  assert_true(silent[MOST].closed); /* it gave way to the channel's */
  assert_false(silent[MOST + 1].closed);
  for (int i = 0; i < 2 * MOST; i++) raw_close(&silent[i]);
  secure_close(&w);
}

/* Those that come faster wait, so that they do not keep each other from coming to an end. */
static void row_63_each_has_a_second_before_it_gives_way(void **state) {
  (void)state;
  enum { MOST = 2 };
  struct secure_world w;
  struct raw_client silent[2 * MOST];
  open_server(&w, (fc_server_options){.max_handshakes = MOST});
  int64_t began = sim_now(w.sim);
  for (int i = 0; i < 2 * MOST; i++) connect_silent(&w, &silent[i]);
  expect_served(&w); /* behind all of them */
  for (int i = 0; i < 2 * MOST; i++) {
    int64_t lived = silent[i].closed_at - began;
    assert_int_equal(silent[i].closed, i <= MOST);
    if (silent[i].closed) assert_in_range((uintmax_t)lived, FC_SECOND * (1 + i / MOST), INT64_MAX);
  }
  assert_in_range((uintmax_t)(sim_now(w.sim) - began), 2 * FC_SECOND, 4 * FC_SECOND);
  for (int i = 0; i < 2 * MOST; i++) raw_close(&silent[i]);
  secure_close(&w);
}

/* Whoever comes to an end makes room at once. */
static void honest_clients_do_not_wait_for_each_other(void **state) {
  (void)state;
  enum { MANY = 50 };
  struct secure_world w;
  fc_call *calls[MANY];
  fc_channel *channels[MANY];
  open_server(&w, (fc_server_options){.max_handshakes = 2});
  int64_t began = sim_now(w.sim);
  for (int i = 0; i < MANY; i++) {
    w.channel = NULL;
    secure_channel(&w, TARGET, tls_channel_as(NULL));
    channels[i] = w.channel;
    assert_int_equal(fc_unary_unary_future(w.channel, "/t/Echo", TEXT("hi"), NULL, &calls[i], NULL),
                     FC_OK);
  }
  for (int i = 0; i < MANY; i++) {
    assert_int_equal(fc_call_wait(calls[i], FC_NEVER), FC_OK);
    assert_int_equal(fc_call_status(calls[i])->code, FC_CODE_OK);
    fc_call_destroy(calls[i]);
    fc_channel_destroy(channels[i]);
  }
  w.channel = NULL;
  assert_in_range((uintmax_t)(sim_now(w.sim) - began), 0, FC_SECOND); /* round trips of 2 ms */
  secure_close(&w);
}

static void connections_that_stand_do_not_count_as_handshakes(void **state) {
  (void)state;
  enum { MANY = 10 };
  struct secure_world w;
  fc_channel *channels[MANY];
  open_server(&w, (fc_server_options){.max_handshakes = 1});
  for (int i = 0; i < MANY; i++) {
    expect_served(&w);
    channels[i] = w.channel;
    w.channel = NULL;
  }
  assert_int_equal(sim_connections(w.sim), MANY);
  for (int i = 0; i < MANY; i++) {
    w.channel = channels[i];
    secure_expect(&w, FC_CODE_OK, "");
    fc_channel_destroy(w.channel);
  }
  w.channel = NULL;
  secure_close(&w);
}

/* A descriptor is one, whatever it is used for. */
static void handshakes_count_as_connections(void **state) {
  (void)state;
  struct secure_world w;
  struct raw_client silent;
  open_server(&w, (fc_server_options){.max_connections = 1, .handshake_timeout_ns = 5 * FC_SECOND});
  int64_t began = sim_now(w.sim);
  connect_silent(&w, &silent);
  expect_served(&w);
  assert_int_equal((sim_now(w.sim) - began) / FC_SECOND, 5); /* until the silent one was given up */
  assert_true(silent.closed);
  raw_close(&silent);
  secure_close(&w);
}

/* ---- the end ---- */

static void shutting_down_ends_handshakes_at_once(void **state) {
  (void)state;
  struct secure_world w;
  struct raw_client silent[2];
  open_server(&w, (fc_server_options){0});
  for (int i = 0; i < 2; i++) connect_silent(&w, &silent[i]);
  assert_int_equal(fc_server_shutdown(w.server, FC_NEVER), FC_OK);
  assert_int_equal(fc_server_wait(w.server, 0), FC_OK);
  sim_run_for(w.sim, 10 * FC_MILLISECOND);
  for (int i = 0; i < 2; i++) {
    assert_true(silent[i].closed);
    raw_close(&silent[i]);
  }
  secure_close(&w);
}

static void a_server_may_be_destroyed_in_a_handshake(void **state) {
  (void)state;
  struct secure_world w;
  for (int64_t after = 0; after < 12; after++) { /* half milliseconds: each step of the handshake */
    secure_open(&w);
    secure_serve(&w, ADDRESS, tls_server("server", FC_TLS_CLIENT_AUTH_NONE));
    secure_channel(&w, TARGET, tls_channel_as(NULL));
    (void)fc_channel_state(w.channel, true);
    sim_run_for(w.sim, after * FC_MILLISECOND / 2);
    fc_server_destroy(w.server);
    w.server = NULL;
    sim_run_for(w.sim, 100 * FC_MILLISECOND);
    assert_int_not_equal(fc_channel_state(w.channel, false), FC_CONNECTIVITY_READY);
    secure_close(&w);
  }
}

static void a_channel_may_be_destroyed_in_a_handshake(void **state) {
  (void)state;
  struct secure_world w;
  for (int64_t after = 0; after < 12; after++) {
    secure_open(&w);
    secure_serve(&w, ADDRESS, tls_server("server", FC_TLS_CLIENT_AUTH_NONE));
    secure_channel(&w, TARGET, tls_channel_as(NULL));
    (void)fc_channel_state(w.channel, true);
    sim_run_for(w.sim, after * FC_MILLISECOND / 2);
    fc_channel_destroy(w.channel);
    w.channel = NULL;
    sim_run_for(w.sim, 100 * FC_MILLISECOND);
    assert_int_equal(sim_connections(w.sim), 0);
    secure_close(&w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(row_15_a_silent_client_is_closed_at_the_handshake_timeout),
      cmocka_unit_test(the_timeout_covers_tls_and_http2_together),
      cmocka_unit_test(row_63_of_too_many_the_oldest_gives_way),
      cmocka_unit_test(row_63_each_has_a_second_before_it_gives_way),
      cmocka_unit_test(honest_clients_do_not_wait_for_each_other),
      cmocka_unit_test(connections_that_stand_do_not_count_as_handshakes),
      cmocka_unit_test(handshakes_count_as_connections),
      cmocka_unit_test(shutting_down_ends_handshakes_at_once),
      cmocka_unit_test(a_server_may_be_destroyed_in_a_handshake),
      cmocka_unit_test(a_channel_may_be_destroyed_in_a_handshake),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
