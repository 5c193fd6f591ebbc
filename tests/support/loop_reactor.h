#ifndef FC_TESTS_LOOP_REACTOR_H
#define FC_TESTS_LOOP_REACTOR_H
/* Reactors for tests of the reactor: over either poller, and a pair of echo server and client on one. */
#include <pthread.h>

#include "io/posix_io.h"
#include "io/reactor.h"
#include "support/check.h"
#include "support/loop_echo.h"

static inline fc_reactor *reactor_over(fc__poller_create_fn poller, fc_reactor_mode mode) {
  int error;
  fc_reactor *r;
  struct fc__io *io = fc__posix_io_create(poller, &error);
  assert_non_null(io);
  assert_int_equal(fc__reactor_create_with(io, mode, &r, NULL), FC_OK);
  return r;
}

/* A test's state is the fc__poller_create_fn to use; NULL for the system's. */
static inline fc_reactor *reactor_for(void **state, fc_reactor_mode mode) {
  fc__poller_create_fn *poller = *state;
  return reactor_over(poller ? *poller : FC__POLLER_DEFAULT, mode);
}

struct pair {
  fc_reactor *reactor;
  struct fc__loop *loop;
  struct fc__net *net;
  struct echo_server server;
  struct echo_client client;
};

static inline void pair_open(struct pair *p, fc_reactor *reactor) {
  p->reactor = reactor;
  p->loop = fc__reactor_loop(reactor);
  p->net = fc__reactor_net(reactor);
  echo_server_start(&p->server, p->loop, p->net, NULL, NULL);
  echo_client_start(&p->client, p->loop, p->net, &p->server.bound);
}

static inline void pair_close(struct pair *p) {
  echo_client_stop(&p->client);
  echo_server_stop(&p->server);
  fc_reactor_destroy(p->reactor);
}

/* One thread tells another that something has happened. */
struct signal {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool given;
};

#define SIGNAL_INIT                                                                                \
  { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false }

static inline void signal_give(struct signal *s) {
  pthread_mutex_lock(&s->mutex);
  s->given = true;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->mutex);
}

/* Waits for it, and takes it back. */
static inline void signal_take(struct signal *s) {
  pthread_mutex_lock(&s->mutex);
  while (!s->given) pthread_cond_wait(&s->changed, &s->mutex);
  s->given = false;
  pthread_mutex_unlock(&s->mutex);
}

#endif
