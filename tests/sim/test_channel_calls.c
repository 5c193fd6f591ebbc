/* Calls of a channel: waiting, failing, queueing, being tried again. Spec: doc/wait-for-ready.md,
 * gRFC A6, A8 */
#include <stdio.h>

#include "client/conn.h"
#include "farcall/credentials.h"
#include "sim/channel_world.h"
#include "support/check.h"

#define S FC_SECOND
#define MS FC_MILLISECOND

/* ---- wait for ready ---- */

static void fail_fast_calls_fail_with_the_first_round(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.2:80");
  fc_call *fast = world_call(&w, "/s/m", 0, false), *patient = world_call(&w, "/s/m", 5 * S, true);
  world_run(&w, 10 * MS);
  world_expect(fast, FC_CODE_UNAVAILABLE, "Connection refused");
  world_expect_running(patient);
  fast = world_call(&w, "/s/m", 0, false);
  world_expect(fast, FC_CODE_UNAVAILABLE, "Connection refused"); /* at once, between rounds */
  world_run(&w, 5 * S);
  world_expect(patient, FC_CODE_DEADLINE_EXCEEDED, "");
  world_close(&w);
}

/* What is sent before there is a connection is kept, up to a bound; the sender goes on when it leaves. */
static void a_sender_that_fills_the_room_goes_on_with_the_connection(void **state) {
  (void)state;
  static const uint8_t block[1000];
  struct world w;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call;
  assert_int_equal(fc_stream_stream(w.channel, "/s/m", NULL, &call, NULL), FC_OK);
  for (int i = 0; i < 70; i++) {
    assert_int_equal(fc_call_send_copy(call, (fc_slice){block, sizeof block}, 0), FC_OK);
  }
  fc_call_destroy(call);
  world_close(&w);
}

static void patient_calls_go_out_when_the_server_comes(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  raw_server_unlisten(&w.server);
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *calls[3];
  for (int i = 0; i < 3; i++) calls[i] = world_call(&w, "/s/m", 0, true);
  world_run(&w, 2 * S);
  raw_server_listen(&w.server, "10.0.0.1:80");
  world_run(&w, 3 * S);
  for (int i = 0; i < 3; i++) world_expect(calls[i], FC_CODE_OK, "");
  world_close(&w);
}

static void the_channel_can_say_that_calls_wait(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.options.wait_for_ready = FC_WAIT_FOR_READY_ON;
  world_channel(&w, "ipv4:10.0.0.2:80");
  fc_call *call = world_call(&w, "/s/m", 0, false), *hasty;
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.wait_for_ready = FC_WAIT_FOR_READY_OFF;
  assert_int_equal(fc_unary_unary_future(w.channel, "/s/m", TEXT(""), &o, &hasty, NULL), FC_OK);
  world_run(&w, 10 * S);
  world_expect_running(call);
  world_expect(hasty, FC_CODE_UNAVAILABLE, "");
  fc_call_destroy(call);
  world_close(&w);
}

static void a_call_waits_for_a_round_that_has_begun(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  raw_server_unlisten(&w.server);
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call = world_call(&w, "/s/m", 0, false);
  world_run(&w, 900 * MS);
  world_expect(call, FC_CODE_UNAVAILABLE, "");
  raw_server_listen(&w.server, "10.0.0.1:80");
  world_run(&w, 101 * MS);
  assert_int_equal(fc_channel_state(w.channel, false), FC_CONNECTIVITY_CONNECTING);
  world_exchange(&w);
  world_close(&w);
}

static void a_deadline_holds_while_connecting(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  sim_link(w.sim, NULL)->connect_unanswered = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  int64_t start = world_now(&w);
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.timeout_ns = 1234 * MS;
  o.wait_for_ready = FC_WAIT_FOR_READY_ON;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_unary_unary(w.channel, "/s/m", TEXT(""), &o, NULL, NULL, &err),
                   FC_CODE_DEADLINE_EXCEEDED);
  assert_int_equal(world_now(&w) - start, 1234 * MS);
  assert_int_equal(err.result, FC_ERR_TIMEOUT);
  world_close(&w);
}

static void a_call_can_be_cancelled_in_line(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  sim_link(w.sim, NULL)->connect_unanswered = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *first = world_call(&w, "/s/m", 0, true), *second = world_call(&w, "/s/m", 0, true);
  fc_call_cancel(first, FC_CODE_CANCELLED, "enough");
  world_expect(first, FC_CODE_CANCELLED, "enough");
  world_expect_running(second);
  fc_call_destroy(second);
  world_close(&w);
}

/* ---- room ---- */

static void calls_queue_in_order_behind_the_peers_limit(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.max_streams = 2;
  w.server.hold = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *calls[6];
  char method[16];
  for (int i = 0; i < 6; i++) {
    snprintf(method, sizeof method, "/s/%d", i);
    calls[i] = world_call(&w, method, 0, false);
  }
  world_run(&w, 100 * MS);
  assert_string_equal(w.server.log, "/s/0 /s/1 ");
  raw_server_answer(&w.server, 1);
  world_run(&w, 10 * MS);
  assert_string_equal(w.server.log, "/s/0 /s/1 /s/2 ");
  fc_call_destroy(calls[3]); /* leaves the line */
  w.server.hold = false;
  raw_server_answer(&w.server, 2);
  world_run(&w, 100 * MS);
  assert_string_equal(w.server.log, "/s/0 /s/1 /s/2 /s/4 /s/5 ");
  for (int i = 0; i < 6; i++) {
    if (i != 3) world_expect(calls[i], FC_CODE_OK, "");
  }
  world_close(&w);
}

static void a_deadline_holds_behind_the_limit(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.max_streams = 1;
  w.server.hold = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *first = world_call(&w, "/s/1", 0, false), *second = world_call(&w, "/s/2", S, false);
  world_run(&w, S);
  world_expect(second, FC_CODE_DEADLINE_EXCEEDED, "");
  raw_server_answer(&w.server, 1);
  world_run(&w, 10 * MS);
  world_expect(first, FC_CODE_OK, "");
  assert_string_equal(w.server.log, "/s/1 ");
  world_close(&w);
}

static void queued_calls_survive_the_connection(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.max_streams = 1;
  w.server.hold = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *first = world_call(&w, "/s/1", 0, false), *second = world_call(&w, "/s/2", 0, false);
  world_run(&w, 10 * MS);
  w.server.hold = false;
  raw_server_hang_up(&w.server);
  world_run(&w, 10 * MS);
  world_expect(first, FC_CODE_UNAVAILABLE, "ipv4:10.0.0.1:80 closed the connection");
  world_expect(second, FC_CODE_OK, "");
  world_close(&w);
}

/* ---- GOAWAY: hostile.md 56 ---- */

static void calls_that_a_goaway_leaves_out_are_made_again(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.hold = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *calls[4];
  char method[16];
  for (int i = 0; i < 4; i++) {
    snprintf(method, sizeof method, "/s/%d", i);
    calls[i] = world_call(&w, method, 0, false);
  }
  world_run(&w, 10 * MS);
  raw_server_goaway(&w.server, 3, FC__H2_NO_ERROR, "");
  world_run(&w, 10 * MS);
  assert_int_equal(w.server.accepted, 2);
  assert_string_equal(w.server.log, "/s/0 /s/1 /s/2 /s/3 /s/2 /s/3 ");
  raw_server_answer(&w.server, 100);
  world_run(&w, 10 * MS);
  for (int i = 0; i < 4; i++) world_expect(calls[i], FC_CODE_OK, "");
  assert_int_equal(w.server.open, 1); /* the old connection ended with its last call */
  world_close(&w);
}

/* In the order of all calls, so before those that waited meanwhile. */
static void calls_that_are_made_again_come_first(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.max_streams = 2;
  w.server.hold = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *calls[3];
  static const char *const methods[] = {"/s/0", "/s/1", "/s/2"};
  for (int i = 0; i < 3; i++) calls[i] = world_call(&w, methods[i], 0, false);
  world_run(&w, 10 * MS);
  raw_server_goaway(&w.server, 0, FC__H2_NO_ERROR, "");
  world_run(&w, 10 * MS);
  assert_string_equal(w.server.log, "/s/0 /s/1 /s/0 /s/1 ");
  w.server.hold = false;
  raw_server_answer(&w.server, 100);
  world_run(&w, 10 * MS);
  assert_string_equal(w.server.log, "/s/0 /s/1 /s/0 /s/1 /s/2 ");
  for (int i = 0; i < 3; i++) world_expect(calls[i], FC_CODE_OK, "");
  world_close(&w);
}

static void calls_to_be_made_again_fail_with_the_next_round(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.hold = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call = world_call(&w, "/s/m", 0, false), *patient = world_call(&w, "/s/p", 0, true);
  world_run(&w, 10 * MS);
  raw_server_unlisten(&w.server);
  raw_server_goaway(&w.server, 0, FC__H2_NO_ERROR, "");
  world_run(&w, 10 * MS);
  world_expect(call, FC_CODE_UNAVAILABLE, "failed to connect to all addresses");
  world_expect_running(patient);
  raw_server_listen(&w.server, "10.0.0.1:80");
  w.server.hold = false;
  world_run(&w, 2 * S);
  world_expect(patient, FC_CODE_OK, "");
  world_close(&w);
}

static void a_call_is_made_again_only_once(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.hold = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call = world_call(&w, "/s/m", 0, true);
  world_run(&w, 10 * MS);
  raw_server_goaway(&w.server, 0, FC__H2_NO_ERROR, "");
  world_run(&w, 10 * MS);
  world_expect_running(call);
  raw_server_goaway(&w.server, 0, FC__H2_INTERNAL_ERROR, "server bug 17");
  world_run(&w, 10 * MS);
  world_expect(call, FC_CODE_UNAVAILABLE, "GOAWAY INTERNAL_ERROR: server bug 17");
  assert_int_equal(w.server.requests, 2);
  world_close(&w);
}

static void later_calls_take_another_connection(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.hold = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *old = world_call(&w, "/s/old", 0, false);
  world_run(&w, 10 * MS);
  raw_server_goaway(&w.server, 0x7fffffff, FC__H2_NO_ERROR, "");
  raw_server_goaway(&w.server, 1, FC__H2_NO_ERROR, ""); /* the second step */
  world_run(&w, 10 * MS);
  assert_int_equal(fc_channel_state(w.channel, false), FC_CONNECTIVITY_IDLE);
  fc_call *new = world_call(&w, "/s/new", 0, false);
  world_run(&w, 10 * MS);
  assert_int_equal(w.server.accepted, 2);
  raw_server_answer(&w.server, 2);
  world_run(&w, 10 * MS);
  world_expect(old, FC_CODE_OK, "");
  world_expect(new, FC_CODE_OK, "");
  world_close(&w);
}

static void a_refused_stream_is_made_again_once(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.resets = 1;
  w.server.reset_code = FC__H2_REFUSED_STREAM;
  world_channel(&w, "ipv4:10.0.0.1:80");
  world_exchange(&w);
  assert_int_equal(w.server.requests, 2);
  assert_int_equal(w.server.accepted, 1);
  w.server.resets = 2;
  fc_call *call = world_call(&w, "/s/m", 0, false);
  world_run(&w, 10 * MS);
  world_expect(call, FC_CODE_UNAVAILABLE, "REFUSED_STREAM");
  world_close(&w);
}

/* A server that counts a stream for longer than it lasts is not asked again at once. */
static void a_refused_stream_waits_for_room(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.1:80");
  world_exchange(&w);
  w.server.hold = true;
  fc_call *calls[2] = {world_call(&w, "/s/0", 0, false)};
  world_run(&w, 10 * MS);
  w.server.resets = 1;
  w.server.reset_code = FC__H2_REFUSED_STREAM;
  calls[1] = world_call(&w, "/s/1", 0, false);
  raw_server_answer(&w.server, 1); /* arrives before the refusal, so it makes no room */
  world_run(&w, 2 * MS);           /* the refusal is here */
  world_run(&w, 2 * MS + MS / 2);
  assert_int_equal(w.server.requests, 3);
  world_run(&w, MS);
  assert_int_equal(w.server.requests, 4);
  raw_server_answer(&w.server, 1);
  world_run(&w, 10 * MS);
  for (int i = 0; i < 2; i++) world_expect(calls[i], FC_CODE_OK, "");
  world_close(&w);
}

/* RFC 9113 section 5.1.1: a client that runs out of stream ids opens another connection. */
static void a_connection_without_stream_ids_is_replaced(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.1:80");
  world_exchange(&w);
  w.server.hold = true;
  w.channel->connector.conn->attached = FC__CONN_CALLS_MAX - 2;
  fc_call *calls[3];
  for (int i = 0; i < 3; i++) calls[i] = world_call(&w, "/s/m", 0, false);
  world_run(&w, 10 * MS);
  assert_int_equal(w.server.accepted, 2);
  assert_int_equal(w.server.open, 2);
  raw_server_answer(&w.server, 3);
  world_run(&w, 10 * MS);
  for (int i = 0; i < 3; i++) world_expect(calls[i], FC_CODE_OK, "");
  assert_int_equal(w.server.open, 1);
  world_close(&w);
}

/* The server's view of how often this client pings: 20 s, then 40 s. */
static void too_many_pings_double_the_keepalive_time(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.options.keepalive_time_ns = 20 * S;
  w.options.keepalive_timeout_ns = 5 * S;
  world_channel(&w, "ipv4:10.0.0.1:80");
  world_exchange(&w);
  raw_server_goaway(&w.server, 1, FC__H2_ENHANCE_YOUR_CALM, "too_many_pings");
  world_run(&w, S);
  w.server.hold = true;
  fc_call *call = world_call(&w, "/s/m", 0, false);
  world_run(&w, S);
  sim_cut_all(w.sim, SIM_CUT_BLACK_HOLE);
  world_run(&w, 30 * S); /* 20 and 5 would be over */
  world_expect_running(call);
  world_run(&w, 20 * S);
  world_expect(call, FC_CODE_UNAVAILABLE, "keepalive");
  world_close(&w);
}

/* ---- close and destroy ---- */

enum moment { RESOLVING, CONNECTING, HANDSHAKE, RUNNING, QUEUED, BACKOFF, DRAINING, MOMENTS };

/* Brings a channel into a state with two calls under way, which wait for ready. */
static void reach(struct world *w, enum moment moment, fc_call *calls[2]) {
  world_open(w);
  w->server.hold = true;
  if (moment == RESOLVING) sim_add_host(w->sim, "slow.test", "10.0.0.1", FC_NEVER);
  if (moment == CONNECTING) sim_link(w->sim, NULL)->connect_unanswered = true;
  if (moment == HANDSHAKE) w->server.manners = RAW_MUTE;
  if (moment == QUEUED) w->server.max_streams = 1;
  if (moment == BACKOFF) raw_server_unlisten(&w->server);
  world_channel(w, moment == RESOLVING ? "slow.test:80" : "ipv4:10.0.0.1:80");
  for (int i = 0; i < 2; i++) calls[i] = world_call(w, "/s/m", 300 * S, true);
  world_run(w, 10 * MS);
  if (moment == DRAINING) {
    raw_server_goaway(&w->server, 3, FC__H2_NO_ERROR, "");
    world_run(w, 10 * MS);
  }
}

static void closing_ends_the_calls_in_every_state(void **state) {
  (void)state;
  for (int moment = 0; moment < MOMENTS; moment++) {
    struct world w;
    fc_call *calls[2];
    reach(&w, (enum moment)moment, calls);
    fc_channel_close(w.channel);
    fc_channel_close(w.channel);
    assert_int_equal(fc_channel_state(w.channel, true), FC_CONNECTIVITY_SHUTDOWN);
    for (int i = 0; i < 2; i++) {
      assert_int_equal(fc_call_wait(calls[i], 0), FC_ERR_CANCELLED);
      world_expect(calls[i], FC_CODE_CANCELLED, "Channel closed!");
    }
    fc_call *late = world_call(&w, "/s/m", 0, true);
    world_expect(late, FC_CODE_CANCELLED, "Channel closed!");
    world_run(&w, 10 * MS);
    assert_int_equal(w.server.open, 0);
    world_close(&w);
  }
}

static void calls_survive_the_destroyed_channel_in_every_state(void **state) {
  (void)state;
  for (int moment = 0; moment < MOMENTS; moment++) {
    struct world w;
    fc_call *calls[2];
    reach(&w, (enum moment)moment, calls);
    fc_channel_destroy(w.channel);
    w.channel = NULL;
    if (moment == BACKOFF) raw_server_listen(&w.server, "10.0.0.1:80");
    bool answered = moment >= RUNNING;
    for (int i = 0; i < 5; i++) {
      world_run(&w, S);
      raw_server_answer(&w.server, 2);
    }
    world_run(&w, answered ? S : 300 * S);
    for (int i = 0; i < 2; i++) {
      world_expect(calls[i], answered ? FC_CODE_OK : FC_CODE_DEADLINE_EXCEEDED, "");
    }
    world_run(&w, 10 * MS);
    assert_int_equal(w.server.open, 0); /* the last call took the connection with it */
    world_close(&w);
  }
}

static void calls_can_be_given_back_after_the_channel_in_every_state(void **state) {
  (void)state;
  for (int moment = 0; moment < MOMENTS; moment++) {
    struct world w;
    fc_call *calls[2];
    reach(&w, (enum moment)moment, calls);
    fc_channel_destroy(w.channel);
    w.channel = NULL;
    for (int i = 0; i < 2; i++) fc_call_destroy(calls[i]);
    world_close(&w);
  }
}

static void an_unused_channel_touches_no_network(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  world_channel(&w, "example.test:80");
  world_run(&w, 3600 * S);
  assert_int_equal(sim_lookups(w.sim), 0);
  world_close(&w);
}

/* ---- what is refused ---- */

/* hostile.md 64 */
static void credentials_do_not_travel_in_the_clear(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call_credentials *secret;
  assert_int_equal(fc_call_credentials_from_token("hunter2", &secret, NULL), FC_OK);
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.credentials = secret;
  fc_error err = FC_ERROR_INIT;
  assert_int_equal(fc_unary_unary(w.channel, "/s/m", TEXT(""), &o, NULL, NULL, &err),
                   FC_CODE_UNAUTHENTICATED);
  assert_null(strstr(err.message, "hunter2"));
  fc_call_credentials_destroy(secret);
  world_run(&w, S);
  assert_int_equal(w.server.accepted, 0);
  world_close(&w);
}

static void bad_calls_are_refused_before_they_start(void **state) {
  (void)state;
  struct world w;
  fc_error err = FC_ERROR_INIT;
  fc_call *call;
  world_open(&w);
  w.options.max_send_message_bytes = 4;
  world_channel(&w, "ipv4:10.0.0.1:80");
  static const char *const methods[] = {"", "/", "s/m", "/s", "/s/", "//m", "/s/\x80", "/s/a b"};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    assert_int_equal(fc_channel_call(w.channel, methods[i], NULL, &call, &err), FC_ERR_INVALID);
    assert_null(call);
    assert_int_equal(err.result, FC_ERR_INVALID);
  }
  assert_int_equal(fc_channel_call(w.channel, NULL, NULL, &call, &err), FC_ERR_INVALID);
  assert_int_equal(fc_channel_call(NULL, "/s/m", NULL, &call, &err), FC_ERR_INVALID);
  assert_int_equal(fc_channel_call(w.channel, "/s/m", NULL, NULL, &err), FC_ERR_INVALID);
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  o.timeout_ns = -1;
  assert_int_equal(fc_channel_call(w.channel, "/s/m", &o, &call, &err), FC_ERR_INVALID);
  assert_int_equal(fc_unary_unary(w.channel, "/s/m", TEXT(""), &o, NULL, &call, &err),
                   FC_CODE_INVALID_ARGUMENT);
  assert_int_equal(fc_unary_unary(NULL, "/s/m", TEXT(""), NULL, NULL, &call, &err),
                   FC_CODE_INVALID_ARGUMENT);
  assert_int_equal(fc_unary_unary(w.channel, "/s/m", TEXT("12345"), NULL, NULL, &call, &err),
                   FC_CODE_RESOURCE_EXHAUSTED);
  assert_null(call);
  world_close(&w);
}

static void many_methods_are_no_burden(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.1:80");
  char method[32];
  for (int i = 0; i < 3000; i++) {
    snprintf(method, sizeof method, "/s/%d", i % 2500);
    assert_int_equal(fc_unary_unary(w.channel, method, TEXT(""), NULL, NULL, NULL, NULL),
                     FC_CODE_OK);
    if (i < 2998) w.server.log[0] = 0;
  }
  assert_string_equal(w.server.log, "/s/498 /s/499 ");
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fail_fast_calls_fail_with_the_first_round),
      cmocka_unit_test(a_sender_that_fills_the_room_goes_on_with_the_connection),
      cmocka_unit_test(patient_calls_go_out_when_the_server_comes),
      cmocka_unit_test(the_channel_can_say_that_calls_wait),
      cmocka_unit_test(a_call_waits_for_a_round_that_has_begun),
      cmocka_unit_test(a_deadline_holds_while_connecting),
      cmocka_unit_test(a_call_can_be_cancelled_in_line),
      cmocka_unit_test(calls_queue_in_order_behind_the_peers_limit),
      cmocka_unit_test(a_deadline_holds_behind_the_limit),
      cmocka_unit_test(queued_calls_survive_the_connection),
      cmocka_unit_test(calls_that_a_goaway_leaves_out_are_made_again),
      cmocka_unit_test(calls_that_are_made_again_come_first),
      cmocka_unit_test(calls_to_be_made_again_fail_with_the_next_round),
      cmocka_unit_test(a_call_is_made_again_only_once),
      cmocka_unit_test(later_calls_take_another_connection),
      cmocka_unit_test(a_refused_stream_is_made_again_once),
      cmocka_unit_test(a_refused_stream_waits_for_room),
      cmocka_unit_test(a_connection_without_stream_ids_is_replaced),
      cmocka_unit_test(too_many_pings_double_the_keepalive_time),
      cmocka_unit_test(closing_ends_the_calls_in_every_state),
      cmocka_unit_test(calls_survive_the_destroyed_channel_in_every_state),
      cmocka_unit_test(calls_can_be_given_back_after_the_channel_in_every_state),
      cmocka_unit_test(an_unused_channel_touches_no_network),
      cmocka_unit_test(credentials_do_not_travel_in_the_clear),
      cmocka_unit_test(bad_calls_are_refused_before_they_start),
      cmocka_unit_test(many_methods_are_no_burden),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
