/* TLS as a transport, between two of its kind: to its owners it is like a socket. */
#include <errno.h>

#include "io/reactor.h"
#include "sim/tls_world.h"
#include "support/check.h"

static void open_roughly(struct tls_world *w, uint64_t seed) {
  tls_world_open(w, seed);
  sim_roughen(w->sim);
}

/* So many bytes both ways. */
static void exchange(struct tls_world *w, size_t to_server, size_t to_client) {
  size_t at_server = w->server.received, at_client = w->client.received;
  tls_end_send(&w->client, to_server);
  tls_end_send(&w->server, to_client);
  sim_run_for(w->sim, 1000 * FC_SECOND);
  assert_int_equal(w->server.received, at_server + to_server);
  assert_int_equal(w->client.received, at_client + to_client);
}

static void the_outcome_is_told_once_to_both(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  tls_world_shake_hands(&w);
  sim_run_for(w.sim, 10 * FC_SECOND);
  assert_true(tls_world_stands(&w));
  tls_world_close(&w);
}

static void bytes_pass_in_pieces_of_every_size(void **state) {
  (void)state;
  static const size_t pieces[] = {0, 9, 1000, 16383, 16384, 16385, 70000};
  static const size_t counts[] = {1, 2, 16383, 16384, 16385, 32768, 100000};
  struct tls_world w;
  tls_world_open(&w, 1);
  tls_world_shake_hands(&w);
  for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
    w.client.piece = w.server.piece = pieces[p];
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) exchange(&w, counts[c], 3);
    exchange(&w, 1, 100000);
  }
  w.client.piece = 1;
  exchange(&w, 20000, 0);
  w.client.piece = 0;
  exchange(&w, 3000000, 0);
  tls_world_close(&w);
}

static void both_sides_talk_at_once_whatever_the_network_does(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    struct tls_world w;
    open_roughly(&w, seed);
    tls_world_start(&w);
    w.client.piece = 1 + (size_t)(sim_random(w.sim) % 3000);
    w.server.read_size = 3 + (size_t)(sim_random(w.sim) % 3000);
    exchange(&w, 50000, 40000);
    assert_true(tls_world_stands(&w));
    tls_end_close(&w.client);
    sim_run_for(w.sim, 10 * FC_SECOND);
    assert_true(w.server.ended ||
                w.server.error); /* a network may take but a part of close_notify */
    tls_world_close(&w);
  }
}

static void one_byte_a_read_is_enough(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  sim_link(w.sim, NULL)->read_max = 1;
  tls_world_start(&w);
  exchange(&w, 2000, 1000);
  assert_true(tls_world_stands(&w));
  tls_world_close(&w);
}

/* ---- reading ---- */

/* A read for each time that it is told, and nothing comes from below meanwhile. */
static void what_is_left_is_told_again(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  w.server.read_size = 10;
  tls_world_shake_hands(&w);
  exchange(&w, 100000, 0);
  tls_end_close(&w.client);
  sim_run_for(w.sim, FC_SECOND);
  assert_true(w.server.ended);
  tls_world_close(&w);
}

static void a_reader_that_stops_is_told_when_it_goes_on(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  w.server.reads_max = 1;
  w.server.read_size = 300; /* and so leaves much behind in what was decrypted */
  tls_world_shake_hands(&w);
  tls_end_send(&w.client, 1000);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.server.received, 300);
  unsigned told = w.server.told;
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.server.told, told);
  tls_end_read_on(&w.server);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.server.received, 1000);
  tls_world_close(&w);
}

/* What the client says with its last words of the handshake is there when the server's outcome is. */
static void words_behind_the_handshake_are_told(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  w.client.to_send = 500; /* as soon as it may */
  tls_world_start(&w);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.server.received, 500);
  tls_world_close(&w);
}

/* ---- writing ---- */

static void a_peer_that_does_not_read_holds_the_writer_up(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  w.server.reads_max = 1;
  tls_world_shake_hands(&w);
  tls_end_send(&w.client, 5000000);
  sim_run_for(w.sim, FC_SECOND);
  assert_true(w.client.sent < 600000); /* the network holds 256 KiB, and both ends a little */
  unsigned told = w.client.told;
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.client.told, told);
  tls_end_read_on(&w.server);
  sim_run_for(w.sim, 10 * FC_SECOND);
  assert_int_equal(w.server.received, 5000000);
  tls_world_close(&w);
}

/* Whatever the size of the socket's buffer: nothing of it waits in TLS, where closing would lose it. */
static void what_counts_as_written_arrives_after_closing(void **state) {
  (void)state;
  for (size_t count = 1; count < 4000; count += 97) {
    struct tls_world w;
    tls_world_open(&w, count);
    sim_link(w.sim, NULL)->buffer = 700;
    sim_link(w.sim, NULL)->write_max = 500;
    tls_world_shake_hands(&w);
    w.client.close_when_sent = true;
    w.client.piece = 100;
    tls_end_send(&w.client, count);
    sim_run_for(w.sim, 10 * FC_SECOND);
    assert_null(w.client.transport);
    assert_int_equal(w.server.received, count);
    tls_world_close(&w);
  }
}

/* ---- closing ---- */

static void closing_is_the_end_of_the_stream(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  tls_world_shake_hands(&w);
  exchange(&w, 100, 100);
  tls_end_close(&w.client);
  sim_run_for(w.sim, FC_SECOND);
  assert_true(w.server.ended);
  assert_int_equal(w.server.error, 0);
  tls_world_close(&w);
}

static void one_side_may_end_before_the_other(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  tls_world_shake_hands(&w);
  tls_end_shutdown(&w.client);
  tls_end_shutdown(&w.client); /* once is enough, and twice no harm */
  sim_run_for(w.sim, FC_SECOND);
  assert_true(w.server.ended);
  exchange(&w, 0, 100000);
  assert_false(w.client.ended);
  tls_end_close(&w.server);
  sim_run_for(w.sim, FC_SECOND);
  assert_true(w.client.ended);
  tls_world_close(&w);
}

static void an_owner_may_close_whenever_it_is_told(void **state) {
  (void)state;
  for (unsigned side = 0; side < 2; side++) {
    for (unsigned nth = 1; nth < 20; nth++) {
      struct tls_world w;
      tls_world_open(&w, nth);
      struct tls_end *end = side ? &w.client : &w.server, *other = side ? &w.server : &w.client;
      end->close_in = nth;
      end->read_size = 1000;
      w.client.to_send = w.server.to_send = 300000;
      tls_world_start(&w);
      sim_run_for(w.sim, 10 * FC_SECOND);
      assert_null(end->transport);
      assert_true(other->ended || other->error);
      tls_world_close(&w);
    }
  }
}

/* An end without close_notify may be an attacker's: RFC 8446 section 6.1. */
static void being_cut_off_is_an_error_and_no_end(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  sim_link(w.sim, NULL)->cut_direction = SIM_TO_SERVER;
  tls_world_shake_hands(&w);
  tls_end_send(&w.client, 1000);
  sim_cut_all(w.sim, SIM_CUT_END);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.server.received, 1000);
  assert_false(w.server.ended);
  assert_int_equal(w.server.error, -ECONNRESET);
  assert_string_equal(w.server.failure, "TLS: the connection was cut off without close_notify");
  tls_world_close(&w);
}

static void a_reset_is_told_as_the_system_calls_it(void **state) {
  (void)state;
  struct tls_world w;
  tls_world_open(&w, 1);
  tls_world_shake_hands(&w);
  sim_cut_all(w.sim, SIM_CUT_RESET);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(w.client.error, -ECONNRESET);
  assert_int_equal(w.server.error, -ECONNRESET);
  assert_string_equal(w.client.failure, "");
  tls_world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_outcome_is_told_once_to_both),
      cmocka_unit_test(bytes_pass_in_pieces_of_every_size),
      cmocka_unit_test(both_sides_talk_at_once_whatever_the_network_does),
      cmocka_unit_test(one_byte_a_read_is_enough),
      cmocka_unit_test(what_is_left_is_told_again),
      cmocka_unit_test(a_reader_that_stops_is_told_when_it_goes_on),
      cmocka_unit_test(words_behind_the_handshake_are_told),
      cmocka_unit_test(a_peer_that_does_not_read_holds_the_writer_up),
      cmocka_unit_test(what_counts_as_written_arrives_after_closing),
      cmocka_unit_test(closing_is_the_end_of_the_stream),
      cmocka_unit_test(one_side_may_end_before_the_other),
      cmocka_unit_test(an_owner_may_close_whenever_it_is_told),
      cmocka_unit_test(being_cut_off_is_an_error_and_no_end),
      cmocka_unit_test(a_reset_is_told_as_the_system_calls_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
