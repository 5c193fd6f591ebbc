/*
 * Row 17 of the hostile inputs, second half: clients that make a server hold more than max_buffered_bytes. Idle
 * connections are told to go, new requests are refused, calls that run go on; when the pressure ends so does this.
 * That no count drifts is asserted by the server's end, in these and all other tests.
 */
#include "base/loop.h"
#include "support/check.h"
#include "support/raw_client.h"
#include "support/server_rig.h"

enum { LIMIT = 256 * 1024, BIG = 60000, MANY = 8 };

static char big[BIG + 1];
static struct raw_call calls[MANY];
static struct rig rig;
static struct raw_client client;

static void run_short(void) { sim_run_for(rig.sim, 20 * FC_MILLISECOND); }

static void connect_client(struct raw_client *c) {
  raw_open(c, sim_reactor(rig.sim), RIG_ADDRESS);
  run_short();
}

static void open_world(size_t max) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.max_buffered_bytes = max;
  memset(big, 'x', BIG);
  rig_open(&rig, &o);
  connect_client(&client);
}

static void close_world(void) {
  raw_close(&client);
  rig_close(&rig);
}

static void assert_answers(struct raw_client *c) {
  static struct raw_call call;
  assert_true(raw_request(c, &call, "/t/Answer", NULL));
  run_short();
  assert_int_equal(call.status, FC_CODE_OK);
}

static void assert_refused(struct raw_client *c) {
  static struct raw_call call;
  int begun = rig.begun;
  assert_true(raw_request(c, &call, "/t/Answer", NULL));
  run_short();
  assert_true(call.reset);
  assert_int_equal(call.code, FC__H2_ENHANCE_YOUR_CALM);
  assert_int_equal(rig.begun, begun);
  assert_int_equal(c->goaway_count, 0);
}

/* Streams that nobody reads, each with one large message. */
static void send_unread(int count) {
  for (int i = 0; i < count; i++) {
    assert_true(raw_begin(&client, &calls[i], "/t/Stream", NULL));
    raw_send(&calls[i], big, false);
    run_short();
  }
}

static void row_17_requests_that_no_handler_reads(void **state) {
  (void)state;
  open_world(LIMIT);
  send_unread(4);
  assert_answers(&client);
  assert_true(raw_begin(&client, &calls[4], "/t/Stream", NULL));
  raw_send(&calls[4], big, false);
  run_short();
  assert_refused(&client);
  assert_refused(&client);
  fc_bytes *message;
  assert_int_equal(fc_call_recv(rig.held[4], &message), FC_OK);
  assert_int_equal(fc_bytes_slice(message).len, BIG);
  assert_answers(&client);
  fc_bytes_unref(message);
  rig_finish_all(&rig);
  run_short();
  for (int i = 0; i < 5; i++) assert_int_equal(calls[i].status, FC_CODE_OK);
  assert_answers(&client);
  close_world();
}

static void respond(int index, size_t len) {
  uint8_t *data;
  fc_bytes *message = fc_bytes_create(len, &data);
  assert_non_null(message);
  memset(data, 'y', len);
  assert_int_equal(fc_call_respond(rig.held[index], message), FC_OK);
  run_short();
}

static void set_deaf(struct raw_client *c, bool deaf) {
  c->deaf = deaf;
  raw_release(c);
}

static void row_17_responses_that_the_client_does_not_read(void **state) {
  (void)state;
  struct raw_client other;
  open_world(LIMIT);
  assert_true(raw_request(&client, &calls[0], "/t/Hold", NULL));
  run_short();
  connect_client(&other);
  set_deaf(&client, true);
  assert_answers(&other);
  respond(0, 4 * LIMIT);
  assert_refused(&other);
  set_deaf(&client, false);
  sim_run_for(rig.sim, FC_SECOND);
  assert_int_equal(calls[0].status, FC_CODE_OK);
  assert_int_equal(calls[0].bytes, 4 * LIMIT + 5);
  assert_answers(&other);
  raw_close(&other);
  close_world();
}

static void row_17_what_a_lost_connection_held_counts_no_more(void **state) {
  (void)state;
  struct raw_client other;
  open_world(LIMIT);
  connect_client(&other);
  assert_true(raw_request(&client, &calls[MANY - 1], "/t/Hold", NULL));
  send_unread(5);
  set_deaf(&client, true);
  respond(0, LIMIT);
  assert_refused(&other);
  raw_close(&client);
  run_short();
  assert_answers(&other);
  raw_close(&other);
  close_world();
}

/* A prefix that promises 3 MiB, and a part of them. */
static void row_17_messages_that_never_become_whole(void **state) {
  (void)state;
  const uint8_t prefix[5] = {0, 0, 0x30, 0, 0};
  open_world(LIMIT);
  assert_true(raw_begin(&client, &calls[0], "/t/Answer", NULL));
  fc__loop_lock(client.loop);
  assert_int_equal(
      fc__h2_send(client.h2, &calls[0].stream, (fc_slice){prefix, 5}, NULL, (fc_slice){0}, false),
      FC_OK);
  for (int i = 0; i < 5; i++) {
    fc_slice part = {(const uint8_t *)big, BIG};
    assert_int_equal(fc__h2_send(client.h2, &calls[0].stream, (fc_slice){0}, NULL, part, false),
                     FC_OK);
  }
  fc__loop_unlock(client.loop);
  raw_release(&client);
  run_short();
  assert_refused(&client);
  raw_reset(&calls[0]);
  run_short();
  assert_answers(&client);
  close_world();
}

/* Messages of no bytes are not free. */
static void row_17_empty_messages(void **state) {
  (void)state;
  open_world(LIMIT);
  assert_true(raw_begin(&client, &calls[0], "/t/Stream", NULL));
  for (int i = 0; i <= LIMIT / 32; i++) raw_send(&calls[0], "", false);
  run_short();
  assert_refused(&client);
  rig_finish_all(&rig);
  run_short();
  assert_answers(&client);
  close_world();
}

static void assert_calmed(const struct raw_client *c) {
  assert_true(c->closed);
  assert_int_equal(c->goaway_count, 1);
  assert_int_equal(c->goaways[0].code, FC__H2_ENHANCE_YOUR_CALM);
  assert_string_equal(c->goaways[0].debug, "max_buffered_bytes");
}

static void row_17_idle_connections_are_told_to_go(void **state) {
  (void)state;
  struct raw_client busy, idle, later;
  static struct raw_call held;
  open_world(LIMIT);
  connect_client(&busy);
  assert_true(raw_request(&busy, &held, "/t/Hold", NULL));
  connect_client(&idle);
  send_unread(5);
  run_short();
  assert_int_equal(idle.goaway_count, 0);
  assert_refused(&client);
  assert_calmed(&idle);
  assert_int_equal(busy.goaway_count, 0);
  connect_client(&later);
  assert_refused(&later);
  assert_false(later.closed);
  sim_run_for(rig.sim, FC_SECOND);
  assert_refused(&client);
  assert_calmed(&later);
  rig_finish_all(&rig);
  run_short();
  assert_int_equal(held.status, FC_CODE_OK);
  assert_answers(&busy);
  assert_answers(&client);
  raw_close(&busy);
  raw_close(&idle);
  raw_close(&later);
  close_world();
}

static void row_17_without_a_limit_nothing_is_refused(void **state) {
  (void)state;
  const size_t limits[] = {0, SIZE_MAX};
  for (size_t i = 0; i < 2; i++) {
    open_world(limits[i]);
    send_unread(MANY);
    assert_answers(&client);
    close_world();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(row_17_requests_that_no_handler_reads),
      cmocka_unit_test(row_17_responses_that_the_client_does_not_read),
      cmocka_unit_test(row_17_what_a_lost_connection_held_counts_no_more),
      cmocka_unit_test(row_17_messages_that_never_become_whole),
      cmocka_unit_test(row_17_empty_messages),
      cmocka_unit_test(row_17_idle_connections_are_told_to_go),
      cmocka_unit_test(row_17_without_a_limit_nothing_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
