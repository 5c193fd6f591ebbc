/*
 * Look-ups of names. Each belongs to its reactor, under the reactor's lock, but while a thread works on it to
 * that thread; `mutex` guards the hand-over. It is taken inside a reactor's lock, never the other way round.
 */
#include "io/resolver.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "io/address.h"

enum state { QUEUED, RUNNING, DONE };

struct lookup {
  struct fc__posix_io *io; /* NULL: cancelled while a thread works on it, which frees it */
  struct fc__resolve *request;
  enum state state;
  struct fc__node queued;  /* under mutex */
  struct fc__node pending; /* in io->lookups, under the reactor's lock, like all below */
  struct fc__timer answer; /* set when done */
  struct fc__addr *addrs;
  size_t count;
  fc_error error;
  uint16_t port;
  char host[];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct fc__node queue = {&queue, &queue};
static unsigned threads;
static fc__lookup_fn system_lookup = getaddrinfo;

static void destroy(struct lookup *l) {
  fc__free(l->addrs);
  fc__free(l);
}

/* ---- one look-up, by a thread or at once ---- */

static void set_error(struct lookup *l, const char *text) {
  (void)fc__error(&l->error, FC_ERR_SYSTEM, "cannot resolve %.100s: %s", l->host, text);
}

static void take_addresses(struct lookup *l, const struct addrinfo *list) {
  size_t n = 0;
  for (const struct addrinfo *a = list; a; a = a->ai_next) n++;
  l->addrs = fc__alloc((n ? n : 1) * sizeof *l->addrs);
  if (l->addrs == NULL) {
    set_error(l, "out of memory");
    return;
  }
  for (const struct addrinfo *a = list; a; a = a->ai_next) {
    struct fc__addr *to = &l->addrs[l->count];
    if (a->ai_family != AF_INET && a->ai_family != AF_INET6) continue;
    if (!fc__addr_from_system(to, a->ai_addr, a->ai_addrlen)) continue;
    fc__addr_set_port(to, l->port);
    l->count++;
  }
  if (l->count == 0) set_error(l, "no address");
}

static void ask_system(struct lookup *l, fc__lookup_fn lookup) {
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  int result = lookup(l->host, NULL, &hints, &list);
  if (result == 0) {
    take_addresses(l, list);
  } else if (result == EAI_SYSTEM) {
    (void)fc__error_system(&l->error, errno, "cannot resolve %.100s", l->host);
  } else {
    set_error(l, gai_strerror(result));
  }
  if (list) freeaddrinfo(list);
}

static bool set_literal(struct lookup *l) {
  struct fc__addr addr;
  if (!fc__addr_literal(l->host, l->port, &addr)) return false;
  l->addrs = fc__alloc(sizeof addr);
  if (l->addrs == NULL) {
    set_error(l, "out of memory");
  } else {
    *l->addrs = addr;
    l->count = 1;
  }
  return true;
}

/* ---- the answer, in a turn of the reactor ---- */

static void give_answer(struct fc__timer *timer, int64_t now) {
  struct lookup *l = FC__CONTAINER(timer, struct lookup, answer);
  struct fc__resolve *r = l->request;
  fc__list_remove(&l->pending);
  r->impl = NULL;
  r->done(r, l->count ? l->addrs : NULL, l->count, l->count ? NULL : l->error.message, now);
  destroy(l);
}

static void answer_soon(struct lookup *l) {
  l->state = DONE;
  fc__loop_timer_set(l->io->loop, &l->answer, 0);
}

/* ---- threads ---- */

/* The reactor to report to, kept alive for that; NULL when nobody wants to know any more. */
static struct fc__loop *begin_report(struct lookup *l) {
  fc__resolver_lock();
  struct fc__loop *loop = l->io ? l->io->loop : NULL;
  if (loop) loop->ops->ref(loop); /* before it is cancelled, its owner keeps it alive */
  fc__resolver_unlock();
  return loop;
}

static void report(struct lookup *l) {
  struct fc__loop *loop = begin_report(l);
  if (loop == NULL) {
    destroy(l);
    return;
  }
  fc__loop_lock(loop);
  fc__resolver_lock();
  bool wanted = l->io != NULL;
  if (wanted) answer_soon(l);
  fc__resolver_unlock();
  fc__loop_unlock(loop);
  if (!wanted) destroy(l);
  loop->ops->unref(loop);
}

/* The next queued look-up; NULL when there is none, and the thread no longer counts. */
static struct lookup *take_queued(fc__lookup_fn *lookup) {
  struct lookup *l = NULL;
  fc__resolver_lock();
  struct fc__node *node = fc__list_first(&queue);
  if (node) {
    fc__list_remove(node);
    l = FC__CONTAINER(node, struct lookup, queued);
    l->state = RUNNING;
  } else {
    threads--;
  }
  *lookup = system_lookup;
  fc__resolver_unlock();
  return l;
}

static void *run_thread(void *unused) {
  struct lookup *l;
  fc__lookup_fn lookup;
  while ((l = take_queued(&lookup)) != NULL) {
    ask_system(l, lookup);
    report(l);
  }
  return unused;
}

/* 0 or an errno value. No signal of the application is handled there. */
static int start_thread(void) {
  sigset_t all, before;
  pthread_attr_t attributes;
  pthread_t thread;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  error = pthread_create(&thread, &attributes, run_thread, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}

/* Queued look-ups that a running thread will take are fine without another thread. */
static int enqueue(struct lookup *l) {
  fc__resolver_lock();
  fc__list_push_back(&queue, &l->queued);
  int error = 0;
  if (threads < FC__RESOLVER_THREADS) {
    error = start_thread();
    if (error == 0) threads++;
    if (threads > 0) error = 0;
  }
  if (error != 0) fc__list_remove(&l->queued);
  fc__resolver_unlock();
  return -error;
}

/* ---- struct fc__net_ops ---- */

static struct lookup *create(struct fc__posix_io *io, const char *host, uint16_t port,
                             struct fc__resolve *r) {
  size_t len = strlen(host);
  struct lookup *l = fc__alloc_zero(sizeof *l + len + 1);
  if (l == NULL) return NULL;
  memcpy(l->host, host, len);
  l->io = io;
  l->request = r;
  l->port = port;
  l->answer.fire = give_answer;
  fc__node_init(&l->queued);
  return l;
}

int fc__resolver_start(struct fc__net *net, const char *host, uint16_t port,
                       struct fc__resolve *r) {
  struct fc__posix_io *io = fc__posix_io_from_net(net);
  struct lookup *l = create(io, host, port, r);
  if (l == NULL) return -ENOMEM;
  int result = 0;
  if (set_literal(l)) {
    answer_soon(l);
  } else {
    result = enqueue(l);
  }
  if (result != 0) {
    destroy(l);
    return result;
  }
  fc__list_push_back(&io->lookups, &l->pending);
  r->impl = l;
  return 0;
}

void fc__resolver_cancel(struct fc__net *net, struct fc__resolve *r) {
  struct lookup *l = r->impl;
  (void)net;
  if (l == NULL) return; /* answered already */
  r->impl = NULL;
  fc__list_remove(&l->pending);
  fc__resolver_lock();
  bool running = l->state == RUNNING;
  if (running) {
    l->io = NULL;
  } else if (l->state == QUEUED) {
    fc__list_remove(&l->queued);
  } else {
    fc__loop_timer_stop(l->io->loop, &l->answer);
  }
  fc__resolver_unlock();
  if (!running) destroy(l);
}

/* ---- fork ---- */

void fc__resolver_lock(void) { pthread_mutex_lock(&mutex); }

void fc__resolver_unlock(void) { pthread_mutex_unlock(&mutex); }

void fc__resolver_reset(void) {
  pthread_mutex_init(&mutex, NULL);
  fc__node_init(&queue);
  threads = 0;
}

/* A thread of the parent may have been filling it in. */
static void fail_after_fork(struct lookup *l) {
  if (l->state == DONE) return;
  fc__node_init(&l->queued);
  fc__free(l->addrs);
  l->addrs = NULL;
  l->count = 0;
  set_error(l, "the process forked meanwhile");
  answer_soon(l);
}

void fc__resolver_after_fork(struct fc__posix_io *io) {
  for (struct fc__node *n = io->lookups.next; n != &io->lookups; n = n->next) {
    fail_after_fork(FC__CONTAINER(n, struct lookup, pending));
  }
}

void fc__resolver_set_lookup(fc__lookup_fn lookup) {
  fc__resolver_lock();
  system_lookup = lookup ? lookup : getaddrinfo;
  fc__resolver_unlock();
}
