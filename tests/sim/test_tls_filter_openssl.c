/*
 * OpenSSL's own allocations fail while two filters connect, exchange and close: a connection may end, but never in silence,
 * and nothing is received that was not sent.
 */
#include <errno.h>

#include "io/reactor.h"
#include "sim/tls_world.h"
#include "support/check.h"
#include "support/tls_failing_openssl.h"

static struct fc__tls *client, *server;

static void connect_exchange_and_close(bool fails, size_t n, bool all) {
  struct tls_world w;
  tls_world_open_with(&w, 1, fc__tls_ref(client), fc__tls_ref(server));
  w.client.to_send = w.server.to_send = 50000;
  if (fails) failing_openssl_arm(n, all);
  tls_world_start(&w);
  sim_run_for(w.sim, FC_SECOND);
  for (int i = 0; i < 2; i++) {
    const struct tls_end *end = i ? &w.client : &w.server;
    if (!end->wrapped) continue;
    assert_int_equal(end->outcomes, 1);
    assert_true(end->error || end->ended || end->received == 50000);
  }
  assert_true(fails || tls_world_stands(&w));
  tls_world_close(&w);
}

static int set_up(void **state) {
  (void)state;
  struct tls_end end = {0};
  fc_tls_client_options o = tls_world_client_options();
  fc_tls_server_options p = tls_world_server_options();
  tls_end_use_client(&end, &o);
  client = fc__tls_ref(end.tls);
  tls_end_use_server(&end, &p);
  server = end.tls;
  connect_exchange_and_close(false, 0, false); /* what OpenSSL makes once is there now */
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  fc__tls_unref(client);
  fc__tls_unref(server);
  return 0;
}

/* There are thousands of them in a handshake. With a step of 1 all goes well too. */
enum { STEP = 7 };

static void torture(bool all) {
  bool reached = true;
  for (size_t n = 0; reached; n += STEP) {
    connect_exchange_and_close(true, n, all);
    reached = failing_openssl_disarm();
  }
  connect_exchange_and_close(false, 0, false);
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  torture(false);
}

static void memory_may_be_out_from_any_moment_on(void **state) {
  (void)state;
  torture(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_allocation_may_fail),
      cmocka_unit_test(memory_may_be_out_from_any_moment_on),
  };
  if (!failing_openssl_install()) return 1;
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
