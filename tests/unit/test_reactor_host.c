/* A host's own loop drives the reactor through its descriptor, timeout and dispatch. */
#include <poll.h>

#include "support/loop_reactor.h"

static bool readable(fc_reactor *r) {
  struct pollfd fd = {.fd = fc_reactor_fd(r), .events = POLLIN};
  return poll(&fd, 1, 0) == 1;
}

/* The loop of a host, in its simplest form. */
static void turn_of_host(fc_reactor *r) {
  struct pollfd fd = {.fd = fc_reactor_fd(r), .events = POLLIN};
  int64_t timeout = fc_reactor_timeout(r);
  (void)poll(&fd, 1, timeout == FC_NEVER ? -1 : (int)((timeout + 999999) / 1000000));
  assert_int_equal(fc_reactor_dispatch(r), FC_OK);
}

struct told {
  struct fc__task task;
  size_t runs;
  pthread_t thread;
};

static void tell(struct fc__task *task) {
  struct told *t = FC__CONTAINER(task, struct told, task);
  t->runs++;
  t->thread = pthread_self();
}

static void defer(struct fc__loop *loop, struct fc__task *task) {
  fc__loop_lock(loop);
  fc__loop_defer(loop, task);
  fc__loop_unlock(loop);
}

static void a_host_loop_drives_everything(void **state) {
  (void)state;
  struct pair p;
  struct told answered = {.task = {.run = tell}};
  pair_open(&p, reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_HOST));
  for (size_t i = 1; i <= 20; i++) {
    echo_client_exchange_later(&p.client, 1000, &answered.task);
    while (answered.runs < i) turn_of_host(p.reactor);
    assert_true(pthread_equal(answered.thread, pthread_self()));
  }
  assert_int_equal(p.reactor->background, FC__BACKGROUND_NONE);
  pair_close(&p);
}

static void a_blocked_caller_drives_a_host_reactor_too(void **state) {
  (void)state;
  struct pair p;
  struct told t = {.task = {.run = tell}};
  pair_open(&p, reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_HOST));
  defer(p.loop, &t.task);
  assert_true(echo_client_exchange(&p.client, 10, FC_NEVER));
  assert_int_equal(t.runs, 1); /* on this thread, while it waited */
  assert_true(pthread_equal(t.thread, pthread_self()));
  pair_close(&p);
}

static void the_descriptor_tells_of_callbacks_and_timers(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_HOST);
  struct fc__loop *loop = fc__reactor_loop(r);
  struct told t = {.task = {.run = tell}};
  assert_true(fc_reactor_timeout(r) == FC_NEVER);
  assert_false(readable(r));
  defer(loop, &t.task);
  assert_true(readable(r));
  assert_int_equal(fc_reactor_timeout(r), 0);
  assert_int_equal(fc_reactor_dispatch(r), FC_OK);
  assert_int_equal(t.runs, 1);
  assert_false(readable(r));
  assert_true(fc_reactor_timeout(r) == FC_NEVER);
  fc_reactor_destroy(r);
}

struct fired {
  struct fc__timer timer;
  size_t count;
};

static void count_fired(struct fc__timer *timer, int64_t now) {
  (void)now;
  FC__CONTAINER(timer, struct fired, timer)->count++;
}

static void set_timer(struct fc__loop *loop, struct fc__timer *timer, int64_t after) {
  fc__loop_lock(loop);
  fc__loop_timer_set(loop, timer, fc__loop_now(loop) + after);
  fc__loop_unlock(loop);
}

static void only_an_earlier_timer_wakes_the_host(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_HOST);
  struct fc__loop *loop = fc__reactor_loop(r);
  struct fired far = {{.fire = count_fired}, 0}, farther = far, near = far;
  set_timer(loop, &far.timer, 100 * FC_SECOND);
  assert_true(readable(r)); /* the host does not know of it yet */
  assert_int_equal(fc_reactor_dispatch(r), FC_OK);
  int64_t timeout = fc_reactor_timeout(r);
  assert_true(timeout > 90 * FC_SECOND && timeout <= 100 * FC_SECOND);
  set_timer(loop, &farther.timer, 200 * FC_SECOND);
  assert_false(readable(r));
  set_timer(loop, &near.timer, -1);
  assert_true(readable(r));
  assert_int_equal(fc_reactor_timeout(r), 0);
  assert_int_equal(fc_reactor_dispatch(r), FC_OK);
  assert_int_equal(near.count, 1);
  assert_int_equal(far.count, 0);
  fc__loop_lock(loop);
  fc__loop_timer_stop(loop, &far.timer);
  fc__loop_timer_stop(loop, &farther.timer);
  fc__loop_unlock(loop);
  fc_reactor_destroy(r);
}

static void dispatching_is_for_hosts(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_AUTO);
  assert_int_equal(fc_reactor_dispatch(r), FC_ERR_BUSY);
  fc_reactor_destroy(r);
}

static void the_portable_poller_has_no_descriptor(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(fc__poller_poll_create, FC_REACTOR_HOST);
  assert_int_equal(fc_reactor_fd(r), -1);
  fc_reactor_destroy(r);
}

/* ---- two threads ---- */

struct blocked {
  fc_reactor *reactor;
  struct fc__waiter waiter;
  pthread_t thread;
};

static void *wait_for_ever(void *user) {
  struct blocked *b = user;
  struct fc__loop *loop = fc__reactor_loop(b->reactor);
  fc__loop_lock(loop);
  fc__loop_wait(loop, &b->waiter, FC_NEVER);
  fc__loop_unlock(loop);
  return NULL;
}

/* Returns under the lock while the other thread polls. */
static void start_blocked(struct blocked *b, fc_reactor *r) {
  memset(b, 0, sizeof *b);
  b->reactor = r;
  pthread_create(&b->thread, NULL, wait_for_ever, b);
  fc__loop_lock(fc__reactor_loop(r));
  while (!r->asleep) {
    fc__loop_unlock(fc__reactor_loop(r));
    sched_yield();
    fc__loop_lock(fc__reactor_loop(r));
  }
}

static void a_host_gives_way_to_a_blocked_caller(void **state) {
  (void)state;
  struct blocked b;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_HOST);
  struct fc__loop *loop = fc__reactor_loop(r);
  struct fired later = {{.fire = count_fired}, 0};
  assert_true(fc_reactor_timeout(r) == FC_NEVER);
  start_blocked(&b, r);
  fc__loop_unlock(loop);
  assert_int_equal(fc_reactor_dispatch(r), FC_ERR_BUSY);
  fc__loop_lock(loop);
  fc__loop_timer_set(loop, &later.timer, fc__loop_now(loop) + 100 * FC_SECOND);
  fc__loop_wake(loop, &b.waiter);
  fc__loop_unlock(loop);
  pthread_join(b.thread, NULL);
  assert_true(readable(r)); /* the timer is the host's business now, and new to it */
  assert_int_equal(fc_reactor_dispatch(r), FC_OK);
  fc__loop_lock(loop);
  fc__loop_timer_stop(loop, &later.timer);
  fc__loop_unlock(loop);
  fc_reactor_destroy(r);
}

/* ---- inside of callbacks ---- */

struct nesting {
  struct fc__task task;
  struct pair *pair;
  struct told inner;
  fc_result dispatched;
  bool exchanged;
};

static void run_dispatch(struct fc__task *task) {
  struct nesting *n = FC__CONTAINER(task, struct nesting, task);
  defer(n->pair->loop, &n->inner.task);
  n->dispatched = fc_reactor_dispatch(n->pair->reactor);
}

static void a_callback_may_dispatch(void **state) {
  (void)state;
  struct pair p;
  pair_open(&p, reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_HOST));
  struct nesting n = {.task = {.run = run_dispatch}, .pair = &p, .inner = {.task = {.run = tell}}};
  defer(p.loop, &n.task);
  assert_int_equal(fc_reactor_dispatch(p.reactor), FC_OK);
  assert_int_equal(n.dispatched, FC_OK);
  assert_int_equal(n.inner.runs, 1);
  pair_close(&p);
}

static void run_exchange(struct fc__task *task) {
  struct nesting *n = FC__CONTAINER(task, struct nesting, task);
  defer(n->pair->loop, &n->inner.task);
  n->exchanged = echo_client_exchange(&n->pair->client, 10, FC_NEVER);
}

static void a_callback_may_block_and_others_run_meanwhile(void **state) {
  (void)state;
  struct pair p;
  pair_open(&p, reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_HOST));
  struct nesting n = {.task = {.run = run_exchange}, .pair = &p, .inner = {.task = {.run = tell}}};
  defer(p.loop, &n.task);
  assert_int_equal(fc_reactor_dispatch(p.reactor), FC_OK);
  assert_true(n.exchanged);
  assert_int_equal(n.inner.runs, 1);
  pair_close(&p);
}

struct destroying {
  struct fc__task task;
  fc_reactor *reactor;
};

static void run_destroy(struct fc__task *task) {
  fc_reactor_destroy(FC__CONTAINER(task, struct destroying, task)->reactor);
}

static void a_callback_may_drop_the_last_reference(void **state) {
  (void)state;
  fc_reactor *r = reactor_over(FC__POLLER_DEFAULT, FC_REACTOR_HOST);
  struct destroying d = {{.run = run_destroy}, r};
  defer(fc__reactor_loop(r), &d.task);
  assert_int_equal(fc_reactor_dispatch(r), FC_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_host_loop_drives_everything),
      cmocka_unit_test(a_blocked_caller_drives_a_host_reactor_too),
      cmocka_unit_test(the_descriptor_tells_of_callbacks_and_timers),
      cmocka_unit_test(only_an_earlier_timer_wakes_the_host),
      cmocka_unit_test(dispatching_is_for_hosts),
      cmocka_unit_test(the_portable_poller_has_no_descriptor),
      cmocka_unit_test(a_host_gives_way_to_a_blocked_caller),
      cmocka_unit_test(a_callback_may_dispatch),
      cmocka_unit_test(a_callback_may_block_and_others_run_meanwhile),
      cmocka_unit_test(a_callback_may_drop_the_last_reference),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
