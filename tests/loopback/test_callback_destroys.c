/*
 * Callbacks that destroy what they are told of, while the function that brought them about has not returned: it has
 * released its lock, and all that the callback does happens before it goes on.
 */
#include "farcall/server.h"
#include "support/check.h"
#include "support/drive.h"
#include "support/failing_alloc.h"
#include "support/lock_owner.h"

/* ---- on_end ---- */

struct ending {
  fc_server *server;
  struct gate ended;
};

static void destroy_server(fc_server *server, void *user) {
  struct ending *e = user;
  fc_server_destroy(server);
  gate_pass(&e->ended);
}

static void create_server(struct ending *e, uint32_t reactors) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  *e = (struct ending){.ended = GATE_INIT};
  o.reactors = reactors;
  o.on_end = destroy_server;
  o.user = e;
  assert_int_equal(fc_server_create(&o, &e->server, NULL), FC_OK);
}

static void await_end(void *user) { gate_await(&((struct ending *)user)->ended, 1); }

static void *shut_down(void *user) {
  MUST(fc_server_shutdown(((struct ending *)user)->server, 0) == FC_OK);
  return NULL;
}

/* Another thread ends the server: its shutdown has returned, and on_end too. */
static void end_meanwhile(void *user) {
  pthread_t thread;
  MUST(pthread_create(&thread, NULL, shut_down, user) == 0);
  pthread_join(thread, NULL);
  await_end(user);
}

static void expect_nothing_left(size_t live) {
  if (!failing_alloc_comes_to(live))
    fail_msg("%zu blocks of memory are left", failing_alloc_live() - live);
}

static void on_end_may_destroy_the_server_before_shutdown_returns(void **state) {
  static const struct {
    uint32_t reactors;
    int nth; /* reactor after which it is looked at */
    lock_owner_fn meanwhile;
  } cases[] = {{1, 0, await_end}, {2, 0, end_meanwhile}, {2, 1, await_end}, {3, 1, end_meanwhile}};
  size_t live = failing_alloc_live();
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct ending e;
    create_server(&e, cases[i].reactors);
    assert_int_equal(fc_server_start(e.server, NULL), FC_OK);
    (void)lock_owner_after_unlock(cases[i].nth, cases[i].meanwhile, &e);
    assert_int_equal(fc_server_shutdown(e.server, 0), FC_OK);
    assert_false(lock_owner_after_unlock(0, NULL, NULL));
    expect_nothing_left(live);
  }
}

static void on_end_may_destroy_the_server_before_start_returns(void **state) {
  size_t live = failing_alloc_live();
  (void)state;
  for (int nth = 0; nth < 3; nth++) {
    struct ending e;
    create_server(&e, 3);
    (void)lock_owner_after_unlock(nth, end_meanwhile, &e);
    assert_int_equal(fc_server_start(e.server, NULL), FC_OK);
    assert_false(lock_owner_after_unlock(0, NULL, NULL));
    expect_nothing_left(live);
  }
}

/* However far it has come. */
static void on_end_may_destroy_the_server_before_listen_returns(void **state) {
  size_t live = failing_alloc_live();
  bool cut = true;
  (void)state;
  for (int nth = 0; cut; nth++) {
    struct ending e;
    int port;
    create_server(&e, 2);
    assert_int_equal(fc_server_start(e.server, NULL), FC_OK);
    (void)lock_owner_after_unlock(nth, end_meanwhile, &e);
    fc_result r = fc_server_listen(e.server, "127.0.0.1:0", &port, NULL);
    cut = !lock_owner_after_unlock(0, NULL, NULL);
    assert_true(r == FC_OK || (cut && r == FC_ERR_CLOSED));
    if (!cut) end_meanwhile(&e);
    expect_nothing_left(live);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(on_end_may_destroy_the_server_before_shutdown_returns),
      cmocka_unit_test(on_end_may_destroy_the_server_before_start_returns),
      cmocka_unit_test(on_end_may_destroy_the_server_before_listen_returns),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
