/* A blocked caller drives the reactor itself, and hands it over to the next. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>

#include "support/loop_reactor.h"

static size_t threads(void) {
  size_t n = 0;
  DIR *dir = opendir("/proc/self/task");
  assert_non_null(dir);
  while (readdir(dir)) n++;
  closedir(dir);
  return n - 2;
}

static void a_blocked_caller_needs_no_other_thread(void **state) {
  struct pair p;
  size_t before = threads();
  pair_open(&p, reactor_for(state, FC_REACTOR_AUTO));
  for (int i = 0; i < 100; i++) assert_true(echo_client_exchange(&p.client, 100, FC_NEVER));
  assert_int_equal(threads(), before);
  pair_close(&p);
}

static void much_is_exchanged_against_full_sockets(void **state) {
  struct pair p;
  pair_open(&p, reactor_for(state, FC_REACTOR_AUTO));
  assert_true(echo_client_exchange(&p.client, 5000000, FC_NEVER));
  pair_close(&p);
}

struct exchanger {
  pthread_t thread;
  struct echo_client client;
  bool fine;
};

static void *exchange_often(void *user) {
  struct exchanger *e = user;
  e->fine = true;
  for (int i = 0; i < 300; i++) e->fine = e->fine && echo_client_exchange(&e->client, 10, FC_NEVER);
  return NULL;
}

static void callers_poll_for_each_other(void **state) {
  struct pair p;
  struct exchanger e[4];
  pair_open(&p, reactor_for(state, FC_REACTOR_AUTO));
  for (int i = 0; i < 4; i++) echo_client_start(&e[i].client, p.loop, p.net, &p.server.bound);
  for (int i = 0; i < 4; i++) pthread_create(&e[i].thread, NULL, exchange_often, &e[i]);
  for (int i = 0; i < 4; i++) {
    pthread_join(e[i].thread, NULL);
    assert_true(e[i].fine);
    echo_client_stop(&e[i].client);
  }
  assert_int_equal(p.reactor->background, FC__BACKGROUND_NONE);
  pair_close(&p);
}

static void waiting_ends_when_the_time_has_come(void **state) {
  fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
  struct fc__loop *loop = fc__reactor_loop(r);
  struct fc__waiter waiter = {0};
  fc__loop_lock(loop);
  int64_t start = fc__loop_now(loop);
  assert_false(fc__loop_wait(loop, &waiter, start + 5 * FC_MILLISECOND));
  assert_true(fc__loop_now(loop) >= start + 5 * FC_MILLISECOND);
  assert_false(fc__loop_wait(loop, &waiter, start)); /* already over */
  fc__loop_wake(loop, &waiter);
  assert_true(fc__loop_wait(loop, &waiter, FC_NEVER)); /* already woken */
  fc__loop_unlock(loop);
  fc_reactor_destroy(r);
}

/* ---- what other threads do to the one that polls ---- */

struct poller {
  fc_reactor *reactor;
  struct fc__waiter waiter;
  pthread_t thread;
  bool woken;
};

static void *wait_for_ever(void *user) {
  struct poller *p = user;
  struct fc__loop *loop = fc__reactor_loop(p->reactor);
  fc__loop_lock(loop);
  p->woken = fc__loop_wait(loop, &p->waiter, FC_NEVER);
  fc__loop_unlock(loop);
  return NULL;
}

/* Returns under the lock while the thread waits in the kernel. */
static void start_poller(struct poller *p, fc_reactor *reactor) {
  memset(p, 0, sizeof *p);
  p->reactor = reactor;
  pthread_create(&p->thread, NULL, wait_for_ever, p);
  fc__loop_lock(fc__reactor_loop(reactor));
  while (!reactor->asleep) {
    fc__loop_unlock(fc__reactor_loop(reactor));
    sched_yield();
    fc__loop_lock(fc__reactor_loop(reactor));
  }
}

static void join_poller(struct poller *p) {
  pthread_join(p->thread, NULL);
  assert_true(p->woken);
}

static void the_poller_is_woken_by_another_thread(void **state) {
  struct poller p;
  fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
  start_poller(&p, r);
  fc__loop_wake(fc__reactor_loop(r), &p.waiter);
  fc__loop_unlock(fc__reactor_loop(r));
  join_poller(&p);
  fc_reactor_destroy(r);
}

struct waking_timer {
  struct fc__timer timer;
  struct fc__loop *loop;
  struct fc__waiter *waiter;
};

static void wake_waiter(struct fc__timer *timer, int64_t now) {
  struct waking_timer *t = FC__CONTAINER(timer, struct waking_timer, timer);
  assert_true(now >= timer->at);
  fc__loop_wake(t->loop, t->waiter);
}

static void the_poller_sees_a_timer_set_by_another_thread(void **state) {
  struct poller p;
  fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
  start_poller(&p, r);
  struct waking_timer t = {{.fire = wake_waiter}, fc__reactor_loop(r), &p.waiter};
  fc__loop_timer_set(t.loop, &t.timer, fc__loop_now(t.loop) + FC_MILLISECOND);
  fc__loop_unlock(t.loop);
  join_poller(&p);
  fc_reactor_destroy(r);
}

static void the_poller_sees_a_connection_made_by_another_thread(void **state) {
  struct poller p;
  struct pair pair;
  fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
  start_poller(&p, r);
  fc__loop_unlock(fc__reactor_loop(r));
  pair_open(&pair, r);
  assert_true(echo_client_exchange(&pair.client, 5, FC_NEVER)); /* while the other polls */
  fc__loop_lock(pair.loop);
  fc__loop_wake(pair.loop, &p.waiter);
  fc__loop_unlock(pair.loop);
  join_poller(&p);
  pair_close(&pair);
}

static void a_later_timer_wakes_nobody(void **state) {
  struct poller p;
  fc_reactor *r = reactor_for(state, FC_REACTOR_AUTO);
  struct fc__loop *loop = fc__reactor_loop(r);
  struct waking_timer first = {{.fire = wake_waiter}, loop, &p.waiter}, second = first;
  fc__loop_lock(loop);
  int64_t now = fc__loop_now(loop);
  fc__loop_timer_set(loop, &first.timer, now + 100 * FC_SECOND);
  fc__loop_unlock(loop);
  start_poller(&p, r);
  fc__loop_timer_set(loop, &second.timer, now + 200 * FC_SECOND);
  fc__loop_unlock(loop);
  fc__loop_lock(loop);
  assert_false(r->woken_up);
  fc__loop_timer_set(loop, &first.timer, now);
  fc__loop_timer_stop(loop, &second.timer);
  fc__loop_unlock(loop);
  join_poller(&p);
  fc_reactor_destroy(r);
}

/* ---- the reactor itself ---- */

static void the_default_reactor_is_shared_while_it_lives(void **state) {
  (void)state;
  fc_reactor *a = fc__reactor_default(NULL), *b = fc__reactor_default(NULL);
  assert_non_null(a);
  assert_ptr_equal(a, b);
  fc_reactor_destroy(a);
  fc_reactor_destroy(b);
  assert_null(fc__reactors_default);
  a = fc__reactor_default(NULL);
  assert_non_null(a);
  fc_reactor_destroy(a);
}

static void bad_options_are_refused(void **state) {
  (void)state;
  fc_error err = FC_ERROR_INIT;
  fc_reactor *r = (fc_reactor *)&err;
  fc_reactor_options options = FC_REACTOR_OPTIONS_INIT;
  options.mode = (fc_reactor_mode)7;
  assert_int_equal(fc_reactor_create(&options, &r, &err), FC_ERR_INVALID);
  assert_null(r);
  assert_string_equal(err.message, "7 is not a mode of a reactor");
  assert_int_equal(fc_reactor_create(NULL, NULL, &err), FC_ERR_INVALID);
  assert_int_equal(fc_reactor_dispatch(NULL), FC_ERR_INVALID);
  assert_int_equal(fc_reactor_fd(NULL), -1);
  assert_true(fc_reactor_timeout(NULL) == FC_NEVER);
  fc_reactor_destroy(NULL);
}

enum { DESCRIPTORS = 64 };

static void descriptors_are_not_inherited_by_programs(void **state) {
  struct pair p;
  bool before[DESCRIPTORS];
  for (int fd = 0; fd < DESCRIPTORS; fd++) before[fd] = fcntl(fd, F_GETFD) >= 0;
  pair_open(&p, reactor_for(state, FC_REACTOR_AUTO));
  assert_true(echo_client_exchange(&p.client, 1, FC_NEVER));
  for (int fd = 0; fd < DESCRIPTORS; fd++) {
    int flags = before[fd] ? -1 : fcntl(fd, F_GETFD);
    if (flags >= 0) assert_true(flags & FD_CLOEXEC);
  }
  pair_close(&p);
}

#define OVER_BOTH_POLLERS(test)                                                                    \
  {#test " (system's poller)", test, NULL, NULL, NULL}, {                                          \
#test " (poll)", test, NULL, NULL, (void *)(uintptr_t)&poll_poller                             \
  }

int main(void) {
  static const fc__poller_create_fn poll_poller = fc__poller_poll_create;
  const struct CMUnitTest tests[] = {
      OVER_BOTH_POLLERS(a_blocked_caller_needs_no_other_thread),
      OVER_BOTH_POLLERS(much_is_exchanged_against_full_sockets),
      OVER_BOTH_POLLERS(callers_poll_for_each_other),
      OVER_BOTH_POLLERS(waiting_ends_when_the_time_has_come),
      OVER_BOTH_POLLERS(the_poller_is_woken_by_another_thread),
      OVER_BOTH_POLLERS(the_poller_sees_a_timer_set_by_another_thread),
      OVER_BOTH_POLLERS(the_poller_sees_a_connection_made_by_another_thread),
      OVER_BOTH_POLLERS(a_later_timer_wakes_nobody),
      OVER_BOTH_POLLERS(descriptors_are_not_inherited_by_programs),
      cmocka_unit_test(the_default_reactor_is_shared_while_it_lives),
      cmocka_unit_test(bad_options_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
