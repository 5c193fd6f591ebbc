/*
 * Any allocation of the library's may fail while TLS connects, exchanges and closes: then that connection ends with an
 * error, and nothing leaks. And a connection that stands idle keeps little.
 */
#include <errno.h>

#include "io/reactor.h"
#include "sim/tls_world.h"
#include "support/check.h"
#include "support/failing_alloc.h"

static struct fc__tls *client, *server;

static fc_result accept_all(const fc_auth_context *peer, const char *name, fc_error *err,
                            void *user) {
  (void)peer, (void)name, (void)err, (void)user;
  return FC_OK;
}

static void look_on(fc_server_credentials *credentials, void *user) {
  (void)credentials, (void)user;
}

static int set_up(void **state) {
  (void)state;
  struct tls_end end = {0};
  fc_tls_client_options o = tls_world_client_options();
  fc_tls_server_options p = tls_world_server_options();
  o.no_session_resumption = true; /* every run is the same */
  o.verify = accept_all;
  p.on_handshake = look_on;
  tls_end_use_client(&end, &o);
  client = fc__tls_ref(end.tls);
  tls_end_use_server(&end, &p);
  server = end.tls;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  fc__tls_unref(client);
  fc__tls_unref(server);
  return 0;
}

static void check_end(const struct tls_end *end) {
  if (!end->wrapped) return;
  assert_int_equal(end->outcomes, 1);
  if (end->outcome == 0 || end->outcome == -ENOMEM || end->outcome == -ECONNRESET) return;
  if (!strstr(end->failure, "alert")) fail_msg("%d \"%s\"", end->outcome, end->failure);
}

static void connect_exchange_and_close(void) {
  struct tls_world w;
  failing_alloc_pause(true); /* the simulation's own */
  tls_world_open_with(&w, 1, fc__tls_ref(client), fc__tls_ref(server));
  failing_alloc_pause(false);
  w.client.to_send = w.server.to_send = 200000;
  w.client.piece = w.server.piece = 5000;
  tls_world_start(&w);
  sim_run_for(w.sim, 10 * FC_SECOND);
  check_end(&w.client);
  check_end(&w.server);
  if (!w.client.error && !w.server.error) {
    assert_int_equal(w.client.received + w.server.received, 400000);
  }
  tls_end_close(&w.client);
  sim_run_for(w.sim, FC_SECOND);
  if (!w.client.error && !w.server.error) assert_true(w.server.ended);
  tls_world_close(&w);
}

static void torture(enum failing_alloc_mode mode) {
  size_t failed = 0;
  for (bool reached = true; reached; failed++) {
    size_t live = failing_alloc_live();
    failing_alloc_arm(failed, mode);
    connect_exchange_and_close();
    reached = failing_alloc_disarm();
    assert_int_equal(failing_alloc_live(), live);
  }
  assert_true(failed > 5);
}

static void each_allocation_may_fail(void **state) {
  (void)state;
  torture(FAILING_ALLOC_ONCE);
}

static void memory_may_be_out_from_any_moment_on(void **state) {
  (void)state;
  torture(FAILING_ALLOC_FROM_THEN);
}

/* The filters themselves, names and what is known of the peer; the room that both have used is there once. */
static void an_idle_connection_keeps_no_room(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open_with(&w, 1, fc__tls_ref(client), fc__tls_ref(server));
  size_t before = failing_alloc_live_bytes();
  w.client.to_send = w.server.to_send = 200000;
  tls_world_shake_hands(&w);
  assert_int_equal(w.client.received + w.server.received, 400000);
  const size_t room = 110000, each = 6000;
  assert_in_range(failing_alloc_live_bytes() - before, 1, room + 2 * each);
  tls_world_close(&w);
}

/* However much is to be sent: one room where it is held up, one of what has come and is not read, one to spare. */
static void a_connection_that_is_held_up_keeps_a_room_on_either_side(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open_with(&w, 1, fc__tls_ref(client), fc__tls_ref(server));
  size_t before = failing_alloc_live_bytes();
  w.server.reads_max = 0;
  w.client.to_send = 5000000;
  tls_world_shake_hands(&w);
  const size_t rooms = 3 * (size_t)110000, each = 6000;
  assert_in_range(failing_alloc_live_bytes() - before, 1, rooms + 2 * each);
  tls_world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_allocation_may_fail),
      cmocka_unit_test(memory_may_be_out_from_any_moment_on),
      cmocka_unit_test(an_idle_connection_keeps_no_room),
      cmocka_unit_test(a_connection_that_is_held_up_keeps_a_room_on_either_side),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
