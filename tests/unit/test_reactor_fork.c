/* A child process made by fork starts afresh, and its parent notices nothing. */
#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/resolver.h"
#include "support/loop_reactor.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
/* The child starts threads, after the parent had some. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "die_after_fork=0"; }
#endif
#endif

/* In the child: what must hold, or it ends with the number of the line. */
#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) _exit(1 + __LINE__ % 250);                                                   \
  } while (0)

static void await_child(pid_t child) {
  int status;
  assert_true(child > 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

/* A server that is driven by its own reactor's background thread. */
static void open_served(struct pair *p, struct pair *server, fc_reactor_mode mode) {
  pair_open(server, reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO));
  fc__loop_lock(server->loop);
  fc__loop_hold(server->loop);
  fc__loop_unlock(server->loop);
  p->reactor = reactor_over(FC__POLLER_DEFAULT, mode);
  p->loop = fc__reactor_loop(p->reactor);
  p->net = fc__reactor_net(p->reactor);
  echo_client_start(&p->client, p->loop, p->net, &server->server.bound);
}

static void close_served(struct pair *p, struct pair *server) {
  echo_client_stop(&p->client);
  fc_reactor_destroy(p->reactor);
  fc__loop_lock(server->loop);
  fc__loop_unhold(server->loop);
  fc__loop_unlock(server->loop);
  pair_close(server);
}

/* The old connection is dead and says so; a new one to the parent's server works. */
static void check_reconnecting(struct pair *p, struct pair *server) {
  CHECK(!echo_client_exchange(&p->client, 10, FC_NEVER));
  CHECK(p->client.error == -ECONNABORTED);
  echo_client_stop(&p->client);
  echo_client_start(&p->client, p->loop, p->net, &server->server.bound);
  CHECK(echo_client_exchange(&p->client, 10, FC_NEVER));
  echo_client_stop(&p->client);
  fc_reactor_destroy(p->reactor);
}

static void the_child_reconnects_and_the_parent_goes_on(void **state) {
  struct pair p, server;
  open_served(&p, &server, *(fc_reactor_mode *)*state);
  assert_true(echo_client_exchange(&p.client, 10, FC_NEVER));
  pid_t child = fork();
  if (child == 0) {
    check_reconnecting(&p, &server);
    _exit(0);
  }
  assert_true(echo_client_exchange(&p.client, 10, FC_NEVER));
  await_child(child);
  assert_true(echo_client_exchange(&p.client, 10, FC_NEVER));
  close_served(&p, &server);
}

static void a_client_that_connects_during_fork_fails_in_the_child(void **state) {
  (void)state;
  struct pair p, server;
  open_served(&p, &server, FC_REACTOR_AUTO);
  pid_t child = fork();
  if (child == 0) {
    check_reconnecting(&p, &server);
    _exit(0);
  }
  assert_true(echo_client_exchange(&p.client, 10, FC_NEVER));
  await_child(child);
  close_served(&p, &server);
}

/* The parent's listener closes for all when the parent closes it. */
static void the_child_does_not_listen(void **state) {
  (void)state;
  struct pair server;
  struct echo_client late;
  int ready[2], go[2];
  char byte = 0;
  assert_int_equal(pipe(ready), 0);
  assert_int_equal(pipe(go), 0);
  pair_open(&server, reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO));
  pid_t child = fork();
  if (child == 0) {
    close(go[1]);
    CHECK(write(ready[1], &byte, 1) == 1);
    CHECK(read(go[0], &byte, 1) == 0); /* until the parent has seen it refused */
    echo_server_stop(&server.server);
    _exit(0);
  }
  assert_int_equal(read(ready[0], &byte, 1), 1);
  echo_server_stop(&server.server);
  echo_client_start(&late, server.loop, server.net, &server.server.bound);
  assert_false(echo_client_exchange(&late, 1, FC_NEVER));
  assert_int_equal(late.error, -ECONNREFUSED);
  echo_client_stop(&late);
  close(go[1]);
  await_child(child);
  close(go[0]);
  close(ready[0]);
  close(ready[1]);
  echo_client_stop(&server.client);
  fc_reactor_destroy(server.reactor);
}

struct told {
  struct fc__task task;
  struct signal ran;
};

static void tell(struct fc__task *task) {
  signal_give(&FC__CONTAINER(task, struct told, task)->ran);
}

static void the_child_starts_a_thread_of_its_own(void **state) {
  (void)state;
  struct pair p, server;
  struct told answered = {{.run = tell}, SIGNAL_INIT};
  open_served(&p, &server, FC_REACTOR_AUTO);
  echo_client_exchange_later(&p.client, 10, &answered.task);
  signal_take(&answered.ran);
  pid_t child = fork();
  if (child == 0) {
    echo_client_stop(&p.client);
    echo_client_start(&p.client, p.loop, p.net, &server.server.bound);
    echo_client_exchange_later(&p.client, 10, &answered.task);
    signal_take(&answered.ran);
    CHECK(p.client.error == 0);
    echo_client_stop(&p.client);
    fc_reactor_destroy(p.reactor);
    _exit(0);
  }
  await_child(child);
  echo_client_exchange_later(&p.client, 10, &answered.task);
  signal_take(&answered.ran);
  assert_int_equal(p.client.error, 0);
  close_served(&p, &server);
}

/* ---- random numbers ---- */

enum { DRAWS = 4, CHILDREN = 3 };

/* What this process draws, each with the lock held as its users have it. */
static void draw(struct pair *p, uint64_t drawn[DRAWS]) {
  fc__loop_lock(p->loop);
  for (size_t i = 0; i < DRAWS; i++) drawn[i] = p->net->ops->random(p->net);
  fc__loop_unlock(p->loop);
}

static void draw_in_child(struct pair *p, uint64_t drawn[DRAWS]) {
  int ends[2];
  const size_t size = DRAWS * sizeof drawn[0];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    draw(p, drawn);
    CHECK(write(ends[1], drawn, size) == (ssize_t)size);
    _exit(0);
  }
  assert_int_equal(read(ends[0], drawn, size), size);
  await_child(child);
  close(ends[0]);
  close(ends[1]);
}

/* Jitter that parent and children share would have all of them come back at the same time. */
static void no_process_draws_the_random_numbers_of_another(void **state) {
  (void)state;
  struct pair p;
  uint64_t drawn[2 + CHILDREN][DRAWS], *all = drawn[0];
  pair_open(&p, reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO));
  draw(&p, drawn[0]);
  for (size_t i = 0; i < CHILDREN; i++) draw_in_child(&p, drawn[1 + i]);
  draw(&p, drawn[1 + CHILDREN]);
  for (size_t i = 0; i < (2 + CHILDREN) * DRAWS; i++) {
    for (size_t k = 0; k < i; k++) assert_true(all[i] != all[k]);
  }
  pair_close(&p);
}

/* ---- other threads ---- */

struct blocked {
  struct fc__loop *loop;
  struct fc__waiter waiter;
  pthread_t thread;
  bool lost;
};

static void note_loss(struct fc__waiter *waiter) {
  FC__CONTAINER(waiter, struct blocked, waiter)->lost = true;
}

static void *wait_for_ever(void *user) {
  struct blocked *b = user;
  fc__loop_lock(b->loop);
  fc__loop_wait(b->loop, &b->waiter, FC_NEVER);
  fc__loop_unlock(b->loop);
  return NULL;
}

static size_t count_waits(fc_reactor *r) {
  size_t n = 0;
  for (struct fc__node *node = r->waits.next; node != &r->waits; node = node->next) n++;
  return n;
}

static void waiters_of_other_threads_are_forgotten(void **state) {
  (void)state;
  struct pair p, server;
  struct blocked b[2];
  open_served(&p, &server, FC_REACTOR_AUTO);
  for (size_t i = 0; i < 2; i++) { /* one polls, one sleeps */
    b[i] = (struct blocked){.loop = p.loop, .waiter = {.lost = note_loss}};
    pthread_create(&b[i].thread, NULL, wait_for_ever, &b[i]);
  }
  fc__loop_lock(p.loop);
  while (count_waits(p.reactor) < 2) {
    fc__loop_unlock(p.loop);
    sched_yield();
    fc__loop_lock(p.loop);
  }
  fc__loop_unlock(p.loop);
  pid_t child = fork();
  if (child == 0) {
    CHECK(b[0].lost && b[1].lost);
    check_reconnecting(&p, &server);
    _exit(0);
  }
  await_child(child);
  for (size_t i = 0; i < 2; i++) {
    assert_false(b[i].lost);
    fc__loop_lock(p.loop);
    fc__loop_wake(p.loop, &b[i].waiter);
    fc__loop_unlock(p.loop);
    pthread_join(b[i].thread, NULL);
  }
  close_served(&p, &server);
}

/* The parent's thread is inside the first of two callbacks; the child runs the second. */
struct holding {
  struct fc__task task;
  struct signal began, go;
};

static void hold_on(struct fc__task *task) {
  struct holding *h = FC__CONTAINER(task, struct holding, task);
  signal_give(&h->began);
  signal_take(&h->go);
}

static void callbacks_not_begun_run_in_both(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO);
  struct fc__loop *loop = fc__reactor_loop(r);
  struct holding first = {{.run = hold_on}, SIGNAL_INIT, SIGNAL_INIT};
  struct told second = {{.run = tell}, SIGNAL_INIT}, third = second;
  fc__loop_lock(loop);
  fc__loop_defer(loop, &first.task);
  fc__loop_defer(loop, &second.task);
  fc__loop_unlock(loop);
  signal_take(&first.began);
  fc__loop_lock(loop);
  fc__loop_defer(loop, &third.task); /* not in the batch */
  fc__loop_unlock(loop);
  pid_t child = fork();
  if (child == 0) {
    fc__loop_lock(loop);
    fc__loop_unlock(loop);
    signal_take(&second.ran);
    signal_take(&third.ran);
    _exit(0);
  }
  await_child(child);
  signal_give(&first.go);
  signal_take(&second.ran);
  signal_take(&third.ran);
  fc_reactor_destroy(r);
}

/* ---- fork inside of a callback ---- */

struct forking {
  struct fc__task task;
  struct pair *p, *server;
  struct signal ran;
  pid_t child;
};

static void run_fork(struct fc__task *task) {
  struct forking *f = FC__CONTAINER(task, struct forking, task);
  f->child = fork();
  if (f->child == 0) {
    check_reconnecting(f->p, f->server);
    _exit(0);
  }
  signal_give(&f->ran);
}

static void a_callback_may_fork(void **state) {
  (void)state;
  struct pair p, server;
  open_served(&p, &server, FC_REACTOR_AUTO);
  struct forking f = {.task = {.run = run_fork}, .p = &p, .server = &server, .ran = SIGNAL_INIT};
  assert_true(echo_client_exchange(&p.client, 10, FC_NEVER));
  fc__loop_lock(p.loop);
  fc__loop_defer(p.loop, &f.task);
  fc__loop_unlock(p.loop);
  signal_take(&f.ran);
  await_child(f.child);
  assert_true(echo_client_exchange(&p.client, 10, FC_NEVER));
  close_served(&p, &server);
}

/* The child leaves the callback, and with it the loop that dispatched. */
static void run_fork_and_return(struct fc__task *task) {
  FC__CONTAINER(task, struct forking, task)->child = fork();
}

static void a_callback_may_fork_and_return_to_the_host(void **state) {
  (void)state;
  struct pair p, server;
  open_served(&p, &server, FC_REACTOR_HOST);
  struct forking f = {.task = {.run = run_fork_and_return}};
  assert_true(echo_client_exchange(&p.client, 10, FC_NEVER));
  int fd = fc_reactor_fd(p.reactor);
  fc__loop_lock(p.loop);
  fc__loop_defer(p.loop, &f.task);
  fc__loop_unlock(p.loop);
  assert_int_equal(fc_reactor_dispatch(p.reactor), FC_OK);
  if (f.child == 0) {
    CHECK(fc_reactor_fd(p.reactor) >= 0);
    CHECK(fc_reactor_timeout(p.reactor) == 0);
    check_reconnecting(&p, &server);
    _exit(0);
  }
  await_child(f.child);
  assert_int_equal(fc_reactor_fd(p.reactor), fd);
  assert_true(echo_client_exchange(&p.client, 10, FC_NEVER));
  close_served(&p, &server);
}

/* ---- names ---- */

static struct signal look_up_began = SIGNAL_INIT, look_up_go = SIGNAL_INIT;

static int look_up(const char *host, const char *service, const struct addrinfo *hints,
                   struct addrinfo **out) {
  const struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
  (void)service;
  (void)hints;
  if (strcmp(host, "slow.test") == 0) {
    signal_give(&look_up_began);
    signal_take(&look_up_go);
  }
  return getaddrinfo("192.0.2.1", NULL, &numeric, out);
}

struct question {
  struct fc__resolve request;
  struct fc__loop *loop;
  struct fc__waiter waiter;
  size_t count;
  char error[256];
};

static void answered(struct fc__resolve *r, const struct fc__addr *addrs, size_t count,
                     const char *error, int64_t now) {
  struct question *q = r->user;
  (void)addrs;
  (void)now;
  q->count = count;
  strcpy(q->error, error ? error : "");
  fc__loop_wake(q->loop, &q->waiter);
}

static bool ask(struct question *q, fc_reactor *r, const char *host) {
  struct fc__net *net = fc__reactor_net(r);
  memset(q, 0, sizeof *q);
  q->loop = fc__reactor_loop(r);
  q->request.done = answered;
  q->request.user = q;
  fc__loop_lock(q->loop);
  int result = net->ops->resolve(net, host, 1, &q->request);
  fc__loop_unlock(q->loop);
  return result == 0;
}

static void await_answer(struct question *q) {
  fc__loop_lock(q->loop);
  fc__loop_wait(q->loop, &q->waiter, FC_NEVER);
  fc__loop_unlock(q->loop);
}

static void look_ups_under_way_fail_in_the_child(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO);
  struct question q, again;
  fc__resolver_set_lookup(look_up);
  assert_true(ask(&q, r, "slow.test"));
  signal_take(&look_up_began);
  pid_t child = fork();
  if (child == 0) {
    await_answer(&q);
    CHECK(q.count == 0);
    CHECK(strcmp(q.error, "cannot resolve slow.test: the process forked meanwhile") == 0);
    CHECK(ask(&again, r, "fast.test"));
    await_answer(&again);
    CHECK(again.count == 1);
    fc_reactor_destroy(r);
    _exit(0);
  }
  await_child(child);
  signal_give(&look_up_go);
  await_answer(&q);
  assert_int_equal(q.count, 1);
  fc_reactor_destroy(r);
}

/* Many threads and children at once: nothing may lock up. */
static void *exchange_often(void *user) {
  struct echo_client *c = user;
  for (int i = 0; i < 200; i++) {
    if (!echo_client_exchange(c, 10, FC_NEVER)) return c;
  }
  return NULL;
}

static void forking_under_load_disturbs_nobody(void **state) {
  (void)state;
  struct pair p, server;
  struct echo_client clients[3];
  pthread_t threads[3];
  pid_t children[10];
  void *failed;
  open_served(&p, &server, FC_REACTOR_AUTO);
  for (size_t i = 0; i < 3; i++) {
    echo_client_start(&clients[i], p.loop, p.net, &server.server.bound);
    pthread_create(&threads[i], NULL, exchange_often, &clients[i]);
  }
  for (size_t i = 0; i < 10; i++) {
    children[i] = fork();
    if (children[i] == 0) _exit(echo_client_exchange(&p.client, 10, FC_NEVER) ? 1 : 0);
  }
  for (size_t i = 0; i < 10; i++) await_child(children[i]);
  for (size_t i = 0; i < 3; i++) {
    pthread_join(threads[i], &failed);
    assert_null(failed);
    echo_client_stop(&clients[i]);
  }
  assert_true(echo_client_exchange(&p.client, 10, FC_NEVER));
  close_served(&p, &server);
}

int main(void) {
  static fc_reactor_mode automatic = FC_REACTOR_AUTO, host = FC_REACTOR_HOST;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(the_child_reconnects_and_the_parent_goes_on, &automatic),
      cmocka_unit_test_prestate(the_child_reconnects_and_the_parent_goes_on, &host),
      cmocka_unit_test(a_client_that_connects_during_fork_fails_in_the_child),
      cmocka_unit_test(the_child_does_not_listen),
      cmocka_unit_test(the_child_starts_a_thread_of_its_own),
      cmocka_unit_test(no_process_draws_the_random_numbers_of_another),
      cmocka_unit_test(waiters_of_other_threads_are_forgotten),
      cmocka_unit_test(callbacks_not_begun_run_in_both),
      cmocka_unit_test(a_callback_may_fork),
      cmocka_unit_test(a_callback_may_fork_and_return_to_the_host),
      cmocka_unit_test(look_ups_under_way_fail_in_the_child),
      cmocka_unit_test(forking_under_load_disturbs_nobody),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
