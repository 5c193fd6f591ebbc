/* A blocked caller drives the reactor itself, and hands it over to the next. */
#include "io/reactor.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>

#include "support/check.h"
#include "support/loop_echo.h"

static fc_reactor *make(fc_reactor_mode mode) {
  fc_reactor *r;
  fc_reactor_options options = FC_REACTOR_OPTIONS_INIT;
  options.mode = mode;
  assert_int_equal(fc_reactor_create(&options, &r, NULL), FC_OK);
  return r;
}

static size_t threads(void) {
  size_t n = 0;
  DIR *dir = opendir("/proc/self/task");
  assert_non_null(dir);
  while (readdir(dir)) n++;
  closedir(dir);
  return n - 2;
}

static void a_blocked_caller_needs_no_other_thread(void **state) {
  (void)state;
  size_t before = threads();
  fc_reactor *r = make(FC_REACTOR_AUTO);
  struct echo_server server;
  struct echo_client client;
  echo_server_start(&server, fc__reactor_loop(r), fc__reactor_net(r), NULL, NULL);
  echo_client_start(&client, fc__reactor_loop(r), fc__reactor_net(r), &server.bound);
  for (int i = 0; i < 100; i++) assert_true(echo_client_exchange(&client, 100, FC_NEVER));
  assert_int_equal(threads(), before);
  echo_client_stop(&client);
  echo_server_stop(&server);
  fc_reactor_destroy(r);
}

static void much_is_exchanged_against_a_full_socket(void **state) {
  (void)state;
  fc_reactor *r = make(FC_REACTOR_AUTO);
  struct echo_server server;
  struct echo_client client;
  echo_server_start(&server, fc__reactor_loop(r), fc__reactor_net(r), NULL, NULL);
  echo_client_start(&client, fc__reactor_loop(r), fc__reactor_net(r), &server.bound);
  assert_true(echo_client_exchange(&client, 1000000, FC_NEVER));
  echo_client_stop(&client);
  echo_server_stop(&server);
  fc_reactor_destroy(r);
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
  (void)state;
  fc_reactor *r = make(FC_REACTOR_AUTO);
  struct echo_server server;
  struct exchanger e[4];
  echo_server_start(&server, fc__reactor_loop(r), fc__reactor_net(r), NULL, NULL);
  for (int i = 0; i < 4; i++) {
    echo_client_start(&e[i].client, fc__reactor_loop(r), fc__reactor_net(r), &server.bound);
  }
  for (int i = 0; i < 4; i++) pthread_create(&e[i].thread, NULL, exchange_often, &e[i]);
  for (int i = 0; i < 4; i++) {
    pthread_join(e[i].thread, NULL);
    assert_true(e[i].fine);
    echo_client_stop(&e[i].client);
  }
  assert_int_equal(r->background, FC__BACKGROUND_NONE);
  echo_server_stop(&server);
  fc_reactor_destroy(r);
}

static void waiting_ends_when_the_time_has_come(void **state) {
  (void)state;
  fc_reactor *r = make(FC_REACTOR_AUTO);
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_blocked_caller_needs_no_other_thread),
      cmocka_unit_test(much_is_exchanged_against_a_full_socket),
      cmocka_unit_test(callers_poll_for_each_other),
      cmocka_unit_test(waiting_ends_when_the_time_has_come),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
