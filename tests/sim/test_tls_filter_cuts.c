/*
 * A connection with TLS is cut at every byte of its life: each side has one outcome of the handshake and one end, and what
 * was received before is right. hostile.md 63
 */
#include <errno.h>

#include "io/reactor.h"
#include "sim/tls_world.h"
#include "support/check.h"

/* Making the settings costs more than a handshake does. */
static struct fc__tls *client, *server;

static int set_up(void **state) {
  (void)state;
  struct tls_end end = {0};
  fc_tls_client_options o = tls_world_client_options();
  fc_tls_server_options p = tls_world_server_options();
  o.no_session_resumption = true; /* so that every run is the same */
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
  if (!end->wrapped) return; /* it was cut before TLS began */
  assert_int_equal(end->outcomes, 1);
  assert_true(end->outcome == 0 || end->error == end->outcome);
  if (end->error == -ECONNRESET || end->error == -EPIPE) return;
  if (end->error) fail_msg("%d \"%s\"", end->error, end->failure);
}

/* Says whether all was as if nothing had happened. */
static bool run_cut(enum sim_cut_kind kind, enum sim_direction direction, uint64_t at) {
  struct tls_world w;
  tls_world_open_with(&w, 1, fc__tls_ref(client), fc__tls_ref(server));
  struct sim_link *link = sim_link(w.sim, NULL);
  link->cut = kind;
  link->cut_direction = direction;
  link->cut_at = at;
  w.client.to_send = 20;
  w.server.to_send = 50;
  tls_world_start(&w);
  sim_run_for(w.sim, 10 * FC_SECOND);
  check_end(&w.client);
  check_end(&w.server);
  bool harmless = !w.client.error && !w.server.error;
  if (harmless) assert_int_equal(w.client.received + w.server.received, 70);
  link->cut = SIM_CUT_NONE;
  tls_world_close(&w);
  return harmless;
}

static void cut_everywhere(enum sim_cut_kind kind) {
  for (int direction = 0; direction < 2; direction++) {
    bool harmless = false;
    for (uint64_t at = 0; !harmless; at++) {
      harmless = run_cut(kind, (enum sim_direction)direction, at);
      assert_true(!harmless || at > 300);
    }
  }
}

static void a_reset_at_every_byte_is_told(void **state) {
  (void)state;
  cut_everywhere(SIM_CUT_RESET);
}

static void an_end_at_every_byte_is_told(void **state) {
  (void)state;
  cut_everywhere(SIM_CUT_END);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_reset_at_every_byte_is_told),
      cmocka_unit_test(an_end_at_every_byte_is_told),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
