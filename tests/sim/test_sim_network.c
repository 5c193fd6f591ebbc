/* The simulated network behaves like one, and the same for the same seed. */
#include <errno.h>
#include <string.h>

#include "io/reactor.h"
#include "sim/sim_net.h"
#include "support/check.h"
#include "support/loop_echo.h"

struct world {
  struct sim *sim;
  struct fc__loop *loop;
  struct fc__net *net;
  struct echo_server server;
  struct echo_client client;
};

static void open_world(struct world *w, uint64_t seed) {
  w->sim = sim_create(seed);
  w->loop = fc__reactor_loop(sim_reactor(w->sim));
  w->net = fc__reactor_net(sim_reactor(w->sim));
  echo_server_start(&w->server, w->loop, w->net, "ipv4", "10.0.0.1:80");
}

static void connect_client(struct world *w) {
  echo_client_start(&w->client, w->loop, w->net, &w->server.bound);
}

static void close_world(struct world *w) {
  echo_client_stop(&w->client);
  echo_server_stop(&w->server);
  sim_destroy(w->sim);
}

static void an_exchange_takes_two_round_trips(void **state) {
  (void)state;
  struct world w;
  open_world(&w, 1);
  connect_client(&w);
  int64_t start = sim_now(w.sim);
  assert_true(echo_client_exchange(&w.client, 10, FC_NEVER)); /* the first connects */
  assert_int_equal(sim_now(w.sim) - start, 4 * FC_MILLISECOND);
  assert_true(echo_client_exchange(&w.client, 10, FC_NEVER));
  assert_int_equal(sim_now(w.sim) - start, 6 * FC_MILLISECOND);
  close_world(&w);
}

static void waiting_costs_virtual_time_only(void **state) {
  (void)state;
  struct world w;
  open_world(&w, 1);
  sim_link(w.sim, NULL)->connect_unanswered = true;
  connect_client(&w);
  int64_t until = sim_now(w.sim) + 3600 * FC_SECOND;
  assert_false(echo_client_exchange(&w.client, 10, until));
  assert_int_equal(sim_now(w.sim), until);
  close_world(&w);
}

static void a_closed_port_refuses(void **state) {
  (void)state;
  struct world w;
  open_world(&w, 1);
  struct fc__addr nowhere;
  assert_true(w.net->ops->parse(w.net, "ipv4", "10.0.0.1:81", &nowhere));
  echo_client_start(&w.client, w.loop, w.net, &nowhere);
  assert_false(echo_client_exchange(&w.client, 1, FC_NEVER));
  assert_int_equal(w.client.error, -ECONNREFUSED);
  size_t count;
  assert_string_equal(sim_attempts(w.sim, &count)->address, "ipv4:10.0.0.1:81");
  assert_int_equal(count, 1);
  close_world(&w);
}

static void a_connect_can_be_made_to_fail(void **state) {
  (void)state;
  struct world w;
  open_world(&w, 1);
  sim_link(w.sim, "ipv4:10.0.0.1:80")->connect_error = -ENETUNREACH;
  connect_client(&w);
  assert_false(echo_client_exchange(&w.client, 1, FC_NEVER));
  assert_int_equal(w.client.error, -ENETUNREACH);
  echo_client_stop(&w.client);
  sim_link(w.sim, "ipv4:10.0.0.1:80")->connect_now = -EMFILE;
  connect_client(&w);
  assert_int_equal(w.client.error, -EMFILE);
  close_world(&w);
}

/* What the client finds when its 100 bytes are cut off after 40. */
static int error_of_cut(enum sim_cut_kind kind, enum sim_direction direction, size_t *missing) {
  struct world w;
  open_world(&w, 1);
  struct sim_link *link = sim_link(w.sim, NULL);
  link->cut = kind;
  link->cut_direction = direction;
  link->cut_at = 40;
  connect_client(&w);
  assert_false(echo_client_exchange(&w.client, 100, sim_now(w.sim) + FC_SECOND));
  int error = w.client.error;
  *missing = w.client.expected;
  close_world(&w);
  return error;
}

static void connections_are_cut_at_the_byte(void **state) {
  (void)state;
  size_t missing;
  assert_int_equal(error_of_cut(SIM_CUT_RESET, SIM_TO_CLIENT, &missing), -ECONNRESET);
  assert_int_equal(missing, 60);
  assert_int_equal(error_of_cut(SIM_CUT_END, SIM_TO_CLIENT, &missing), -ECONNRESET);
  assert_int_equal(missing, 60);
  assert_int_equal(error_of_cut(SIM_CUT_RESET, SIM_TO_SERVER, &missing), -ECONNRESET);
  assert_int_equal(error_of_cut(SIM_CUT_END, SIM_TO_SERVER, &missing), -ECONNRESET);
  assert_int_equal(error_of_cut(SIM_CUT_BLACK_HOLE, SIM_TO_CLIENT, &missing), 0);
  assert_int_equal(missing, 60);
  assert_int_equal(error_of_cut(SIM_CUT_BLACK_HOLE, SIM_TO_SERVER, &missing), 0);
  assert_int_equal(missing, 100);
}

static void cut_all(void *user) {
  struct world *w = user;
  sim_cut_all(w->sim, SIM_CUT_RESET);
}

static void all_connections_can_be_cut_at_a_time(void **state) {
  (void)state;
  struct world w;
  open_world(&w, 1);
  sim_link(w.sim, NULL)->latency = 100 * FC_MILLISECOND;
  connect_client(&w);
  sim_at(w.sim, sim_now(w.sim) + 250 * FC_MILLISECOND, cut_all, &w);
  assert_false(echo_client_exchange(&w.client, 100, FC_NEVER));
  assert_int_equal(w.client.error, -ECONNRESET);
  assert_int_equal(sim_connections(w.sim), 1);
  close_world(&w);
}

static void everything_passes_in_pieces(void **state) {
  (void)state;
  struct world w;
  open_world(&w, 7);
  struct sim_link *link = sim_link(w.sim, NULL);
  link->read_min = 1;
  link->read_max = 7;
  link->buffer = 3000;
  link->jitter = FC_MILLISECOND;
  connect_client(&w);
  assert_true(echo_client_exchange(&w.client, 2000, FC_NEVER));
  close_world(&w);
}

static void short_writes_are_completed(void **state) {
  (void)state;
  struct world w;
  open_world(&w, 3);
  sim_link(w.sim, NULL)->buffer = 10;
  sim_link(w.sim, NULL)->write_max = 4;
  connect_client(&w);
  assert_true(echo_client_exchange(&w.client, 1000, FC_NEVER));
  close_world(&w);
}

static uint64_t fingerprint(uint64_t seed) {
  struct world w;
  open_world(&w, seed);
  sim_roughen(w.sim);
  connect_client(&w);
  for (int i = 0; i < 5; i++) assert_true(echo_client_exchange(&w.client, 3000, FC_NEVER));
  uint64_t result = sim_fingerprint(w.sim);
  close_world(&w);
  return result;
}

static void a_seed_gives_the_same_run(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 20; seed++) {
    assert_true(fingerprint(seed) == fingerprint(seed));
    assert_true(fingerprint(seed) != fingerprint(seed + 1));
  }
}

/* ---- listeners ---- */

static void a_listener_takes_its_address_alone(void **state) {
  (void)state;
  struct world w;
  open_world(&w, 1);
  struct fc__listener *l;
  struct fc__addr addr, bound;
  char text[FC__ADDR_TEXT_MAX];
  fc__loop_lock(w.loop);
  assert_int_equal(w.net->ops->listen(w.net, &w.server.bound, NULL, &l, NULL), -EADDRINUSE);
  assert_true(w.net->ops->parse(w.net, "ipv6", "[::]:0", &addr));
  assert_int_equal(w.net->ops->listen(w.net, &addr, NULL, &l, &bound), 0);
  fc__addr_text(&bound, text);
  assert_string_equal(text, "ipv6:%5B::%5D:40000");
  l->ops->close(l);
  fc__loop_unlock(w.loop);
  connect_client(&w);
  close_world(&w);
}

static void accept_fails_as_often_as_told(void **state) {
  (void)state;
  struct world w;
  open_world(&w, 1);
  sim_fail_accept(w.sim, -EMFILE, 3);
  connect_client(&w);
  assert_true(echo_client_exchange(&w.client, 1, FC_NEVER)); /* the server just tries again */
  close_world(&w);
}

static void a_closed_listener_resets_who_was_not_accepted(void **state) {
  (void)state;
  struct world w;
  open_world(&w, 1);
  w.server.listener->ops->pause(w.server.listener, true);
  connect_client(&w);
  assert_false(echo_client_exchange(&w.client, 1, sim_now(w.sim) + FC_SECOND));
  assert_true(w.client.connected);
  echo_server_stop(&w.server);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.client.error, -ECONNRESET);
  echo_client_stop(&w.client);
  sim_destroy(w.sim);
}

/* ---- names ---- */

struct answer {
  struct fc__resolve request;
  size_t calls, count;
  char first[FC__ADDR_TEXT_MAX], error[256];
  int64_t at;
};

static void answered(struct fc__resolve *r, const struct fc__addr *addrs, size_t count,
                     const char *error, int64_t now) {
  struct answer *a = r->user;
  a->calls++;
  a->count = count;
  a->at = now;
  if (count) fc__addr_text(&addrs[0], a->first);
  if (error) strcpy(a->error, error);
}

static void ask(struct world *w, const char *host, struct answer *a) {
  memset(a, 0, sizeof *a);
  a->request.done = answered;
  a->request.user = a;
  fc__loop_lock(w->loop);
  assert_int_equal(w->net->ops->resolve(w->net, host, 50, &a->request), 0);
  fc__loop_unlock(w->loop);
  assert_int_equal(a->calls, 0);
}

static void names_are_answered_from_the_table(void **state) {
  (void)state;
  struct world w;
  struct answer a;
  open_world(&w, 1);
  connect_client(&w);
  int64_t start = sim_now(w.sim);
  sim_add_host(w.sim, "two.test", "10.0.0.2", 30 * FC_MILLISECOND);
  sim_add_host(w.sim, "two.test", "::2", 30 * FC_MILLISECOND);
  ask(&w, "two.test", &a);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.count, 2);
  assert_string_equal(a.first, "ipv4:10.0.0.2:50");
  assert_int_equal(a.at - start, 30 * FC_MILLISECOND);
  ask(&w, "[::3]", &a);
  sim_run_for(w.sim, 0);
  assert_string_equal(a.first, "ipv6:%5B::3%5D:50");
  assert_int_equal(sim_lookups(w.sim), 1);
  close_world(&w);
}

static void names_fail_as_told(void **state) {
  (void)state;
  struct world w;
  struct answer a;
  open_world(&w, 1);
  connect_client(&w);
  ask(&w, "other.test", &a);
  sim_run_for(w.sim, FC_SECOND);
  assert_string_equal(a.error, "cannot resolve other.test: no such name");
  sim_fail_host(w.sim, "broken.test", "the server is silent", FC_SECOND);
  ask(&w, "broken.test", &a);
  sim_run_for(w.sim, 2 * FC_SECOND);
  assert_string_equal(a.error, "cannot resolve broken.test: the server is silent");
  sim_add_host(w.sim, "late.test", "10.0.0.9", FC_NEVER);
  ask(&w, "late.test", &a);
  sim_run_for(w.sim, 3600 * FC_SECOND);
  assert_int_equal(a.calls, 0);
  fc__loop_lock(w.loop);
  w.net->ops->resolve_cancel(w.net, &a.request);
  fc__loop_unlock(w.loop);
  close_world(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_exchange_takes_two_round_trips),
      cmocka_unit_test(waiting_costs_virtual_time_only),
      cmocka_unit_test(a_closed_port_refuses),
      cmocka_unit_test(a_connect_can_be_made_to_fail),
      cmocka_unit_test(connections_are_cut_at_the_byte),
      cmocka_unit_test(all_connections_can_be_cut_at_a_time),
      cmocka_unit_test(everything_passes_in_pieces),
      cmocka_unit_test(short_writes_are_completed),
      cmocka_unit_test(a_seed_gives_the_same_run),
      cmocka_unit_test(a_listener_takes_its_address_alone),
      cmocka_unit_test(accept_fails_as_often_as_told),
      cmocka_unit_test(a_closed_listener_resets_who_was_not_accepted),
      cmocka_unit_test(names_are_answered_from_the_table),
      cmocka_unit_test(names_fail_as_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
