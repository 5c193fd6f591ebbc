/* Receive windows: what is given back when, messages larger than a window, tuning to the path. */
#include <stdio.h>
#include <stdlib.h>

#include "support/h2_peer.h"

#define OWN_PING UINT64_C(0x8000000000000001)

static struct h2_peer peer;

static int start(void **state) {
  (void)state;
  h2_peer_start(&peer, false);
  peer.record.hoard = true;
  struct fc__h2_stream *s = h2_open_request(&peer, true);
  h2_put_headers(&peer, s->id, 0, H2_RESPONSE);
  assert_int_equal(h2_feed(&peer), 0);
  (void)h2_sent(&peer);
  (void)h2_events(&peer);
  return 0;
}

static int stop(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  return 0;
}

static struct fc__h2_stream *stream(void) { return h2_record_find(&peer.record, 1); }

static void receive(size_t len) {
  for (; len > 16384; len -= 16384) h2_put_zeros(&peer, 1, 0, 16384);
  h2_put_zeros(&peer, 1, 0, len);
  assert_int_equal(h2_feed(&peer), 0);
}

static void consume(size_t len) { fc__h2_consume(peer.conn, stream(), len); }

static void no_tuning(void) {
  stop(NULL);
  h2_peer_init(&peer, false);
  peer.config.max_window = FC__H2_DEFAULT_WINDOW;
  h2_peer_started(&peer);
  peer.record.hoard = true;
  h2_open_request(&peer, true);
  h2_put_headers(&peer, 1, 0, H2_RESPONSE);
  assert_int_equal(h2_feed(&peer), 0);
  (void)h2_sent(&peer);
}

/* ---- credit ---- */

static void a_streams_window_is_given_back_by_halves(void **state) {
  (void)state;
  no_tuning();
  receive(65535);
  assert_string_equal(h2_sent(&peer), "");
  consume(32766);
  assert_string_equal(h2_sent(&peer), "");
  consume(1);
  assert_string_equal(h2_sent(&peer), "WINDOW_UPDATE 1 32767\n");
  consume(32768);
  assert_string_equal(h2_sent(&peer), "WINDOW_UPDATE 1 32768\n");
  assert_int_equal(stream()->recv_window, 65535);
}

static void nothing_is_given_back_to_a_stream_that_has_ended(void **state) {
  (void)state;
  struct fc__h2_stream *s = h2_open_request(&peer, false);
  h2_put_headers(&peer, s->id, 0, H2_RESPONSE);
  h2_put_zeros(&peer, s->id, 0, 16384);
  h2_put_zeros(&peer, s->id, 0, 16384);
  h2_put_zeros(&peer, s->id, FC__H2_END_STREAM, 16384);
  assert_int_equal(h2_feed(&peer), 0);
  (void)h2_sent(&peer);
  fc__h2_consume(peer.conn, s, 3 * 16384);
  assert_string_equal(h2_sent(&peer), "");
}

static void nothing_is_given_back_to_a_stream_that_was_answered_early(void **state) {
  (void)state;
  stop(NULL);
  h2_peer_start(&peer, true);
  peer.record.hoard = true;
  h2_put_request(&peer, 1, 0);
  receive(49152);
  (void)h2_sent(&peer);
  struct fc__h2_stream *s = stream();
  fc__h2_block_begin(peer.conn, s);
  fc__h2_block_field(peer.conn, TEXT(":status"), TEXT("200"), FC__HPACK_INDEX);
  assert_int_equal(fc__h2_block_end(peer.conn, s, true), FC_OK);
  fc__h2_consume(peer.conn, s, 49152);
  assert_string_equal(h2_sent(&peer), "HEADERS 1 end :status=200\nRST_STREAM 1 NO_ERROR\n");
}

static void the_connections_window_is_given_back_although_nobody_reads(void **state) {
  (void)state;
  no_tuning();
  for (int i = 0; i < 16; i++) {
    struct fc__h2_stream *s = h2_open_request(&peer, true);
    uint32_t id = s->id;
    h2_put_headers(&peer, id, 0, H2_RESPONSE);
    h2_put_zeros(&peer, id, 0, 16384);
    h2_put_zeros(&peer, id, 0, 16384);
    assert_int_equal(h2_feed(&peer), 0);
  }
  assert_non_null(strstr(h2_sent(&peer), "WINDOW_UPDATE 0 524288\n"));
}

/* ---- messages larger than the window ---- */

static void a_message_larger_than_the_window_can_be_expected(void **state) {
  (void)state;
  no_tuning();
  receive(5);
  fc__h2_expect(peer.conn, stream(), 1000000);
  assert_string_equal(h2_sent(&peer), "WINDOW_UPDATE 1 934470\n");
  assert_int_equal(stream()->recv_window, 1000000);
  fc__h2_expect(peer.conn, stream(), 999999);
  assert_string_equal(h2_sent(&peer), "");
  receive(1000000);
  (void)h2_sent(&peer);
  consume(1000005);
  (void)h2_sent(&peer);
  /* What was announced ahead is not announced again. */
  assert_int_equal(stream()->recv_window + stream()->recv_credit, 65535);
}

static void what_was_consumed_goes_with_what_is_expected(void **state) {
  (void)state;
  no_tuning();
  receive(30000);
  consume(30000);
  fc__h2_expect(peer.conn, stream(), 65000);
  assert_string_equal(h2_sent(&peer), "WINDOW_UPDATE 1 29465\n");
  assert_int_equal(stream()->recv_credit, 30000 - 29465);
  assert_int_equal(stream()->recv_advance, 0);
}

static void an_expectation_is_limited(void **state) {
  (void)state;
  fc__h2_expect(peer.conn, stream(), SIZE_MAX);
  assert_int_equal(stream()->recv_window, 1 << 30);
}

/* ---- tuning ---- */

static void small_calls_are_never_measured(void **state) {
  (void)state;
  peer.record.hoard = false;
  for (int i = 0; i < 3000; i++) {
    struct fc__h2_stream *s = h2_open_request(&peer, true);
    uint32_t id = s->id;
    h2_put_headers(&peer, id, 0, H2_RESPONSE);
    h2_put_data(&peer, id, 0, "a small message of some sixty bytes, as unary calls have them...");
    h2_put_headers(&peer, id, FC__H2_END_STREAM, "grpc-status: 0\n");
    assert_int_equal(h2_feed(&peer), 0);
    const char *sent = h2_sent(&peer);
    assert_null(strstr(sent, "PING"));
    assert_null(strstr(sent, "WINDOW_UPDATE"));
  }
}

static void windows_double_while_they_limit_the_peer(void **state) {
  (void)state;
  receive(40000);
  assert_string_equal(h2_sent(&peer), "PING 8000000000000001\n");
  consume(40000);
  assert_string_equal(h2_sent(&peer), "WINDOW_UPDATE 1 40000\n");
  receive(21845);
  h2_put_ping(&peer, OWN_PING, true);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "SETTINGS 4=131070\n");
  assert_int_equal(stream()->recv_window, 131070 - 21845);
}

static void windows_stay_when_little_comes_in_a_round_trip(void **state) {
  (void)state;
  receive(40000);
  consume(40000);
  assert_non_null(strstr(h2_sent(&peer), "PING"));
  receive(21844);
  h2_put_ping(&peer, OWN_PING, true);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_sent(&peer), "");
  /* The next occasion is left out, the one after it is taken. */
  receive(12000);
  consume(12000 + 21844);
  assert_string_equal(h2_sent(&peer), "WINDOW_UPDATE 1 33844\n");
  receive(33000);
  assert_string_equal(h2_sent(&peer), "PING 8000000000000002\n");
  /* After much in a round trip none is left out. */
  consume(33000);
  receive(21845);
  h2_put_ping(&peer, OWN_PING + 1, true);
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_sent(&peer), "SETTINGS 4=131070\n"));
  receive(44000);
  assert_string_equal(h2_sent(&peer), "PING 8000000000000003\n");
}

static uint64_t answer_own_pings(uint64_t opaque, const char *sent) {
  char expected[32];
  snprintf(expected, sizeof expected, "PING %llx\n", (unsigned long long)opaque);
  if (!strstr(sent, expected)) return opaque;
  return opaque + 1;
}

static void windows_grow_to_their_limit_and_no_further(void **state) {
  (void)state;
  uint64_t ping = OWN_PING;
  size_t pings = 0;
  h2_put_ping(&peer, 0, false);
  for (int i = 0; i < 4000; i++) {
    int64_t room = stream()->recv_window;
    size_t len = room < 16384 ? (size_t)room : 16384;
    if (len) receive(len);
    consume(len);
    uint64_t next = answer_own_pings(ping, h2_sent(&peer));
    if (next != ping) {
      pings++;
      /* A round trip in which the whole window comes. */
      for (int64_t left = stream()->recv_window / 2; left > 0; left -= 16384) {
        len = left < 16384 ? (size_t)left : 16384;
        receive(len);
        consume(len);
      }
      h2_put_ping(&peer, ping, true);
      ping = next;
      assert_int_equal(h2_feed(&peer), 0);
      if (strstr(h2_sent(&peer), "SETTINGS")) h2_put_settings_ack(&peer);
      assert_int_equal(h2_feed(&peer), 0);
    }
  }
  assert_int_equal(pings, 8); /* from 65,535 bytes to 8 MiB */
  assert_int_equal(stream()->recv_window + stream()->recv_credit, 8 << 20);
}

/* A grpc server forgives PINGs when it sends DATA: each of ours follows DATA that came after the
 * last ack. */
static void no_ping_is_sent_without_data_since_the_last_one(void **state) {
  (void)state;
  receive(65535);
  assert_string_equal(h2_sent(&peer), "PING 8000000000000001\n");
  h2_put_ping(&peer, OWN_PING, true);
  assert_int_equal(h2_feed(&peer), 0);
  (void)h2_sent(&peer);
  consume(65535);
  assert_null(strstr(h2_sent(&peer), "PING"));
}

static void an_ack_of_another_ping_is_no_measure(void **state) {
  (void)state;
  receive(40000);
  consume(40000);
  receive(60000);
  h2_put_ping(&peer, OWN_PING + 1, true);
  assert_int_equal(h2_feed(&peer), 0);
  assert_null(strstr(h2_sent(&peer), "SETTINGS"));
}

/* ---- the SETTINGS that announce a larger window: RFC 9113 section 6.5.3 ---- */

static const int64_t patience = 20 * FC_SECOND;

/* Either side; some time after the first SETTINGS were acknowledged. */
static void start_side(bool server) {
  stop(NULL);
  h2_peer_start(&peer, server);
  peer.record.hoard = true;
  if (server) {
    h2_put_request(&peer, 1, 0);
  } else {
    h2_open_request(&peer, true);
    h2_put_headers(&peer, 1, 0, H2_RESPONSE);
  }
  assert_int_equal(h2_feed(&peer), 0);
  (void)h2_sent(&peer);
  peer.now += 1000 * FC_SECOND;
}

/* Fills the pipe, so that the n-th SETTINGS of this kind leave now. */
static void grow_window(unsigned n) {
  size_t window = (size_t)FC__H2_DEFAULT_WINDOW << (n - 1);
  receive(window / 8 * 5);
  consume(window / 8 * 5);
  receive(window / 2);
  consume(window / 2);
  h2_put_ping(&peer, OWN_PING + n - 1, true);
  assert_int_equal(h2_feed(&peer), 0);
  char expected[32];
  snprintf(expected, sizeof expected, "SETTINGS 4=%zu\n", 2 * window);
  assert_non_null(strstr(h2_sent(&peer), expected));
}

static void acknowledge(void) {
  h2_put_settings_ack(&peer);
  assert_int_equal(h2_feed(&peer), 0);
}

static void expect_timeout_at(int64_t at) {
  assert_int_equal(fc__h2_next_at(peer.conn), at);
  assert_int_equal(fc__h2_tick(peer.conn, at - 1), 0);
  assert_int_equal(fc__h2_tick(peer.conn, at), FC_ERR_PROTOCOL);
  assert_non_null(strstr(h2_sent(&peer), "SETTINGS_TIMEOUT"));
}

static void later_settings_must_be_acknowledged_in_time(void **state) {
  (void)state;
  for (int server = 0; server < 2; server++) {
    start_side(server);
    assert_int_equal(fc__h2_next_at(peer.conn), FC_NEVER);
    grow_window(1);
    int64_t sent_at = peer.now;
    peer.now += FC_SECOND; /* what else comes is no acknowledgement */
    h2_put_setting(&peer, FC__H2_MAX_CONCURRENT_STREAMS, 10);
    h2_put_ping(&peer, OWN_PING, true);
    assert_int_equal(h2_feed(&peer), 0);
    expect_timeout_at(sent_at + patience);
  }
}

static void each_acknowledgement_ends_one_wait(void **state) {
  (void)state;
  for (int server = 0; server < 2; server++) {
    start_side(server);
    for (unsigned n = 1; n < 3; n++) {
      grow_window(n);
      assert_int_equal(fc__h2_next_at(peer.conn), peer.now + patience);
      peer.now += patience / 2;
      acknowledge();
      assert_int_equal(fc__h2_next_at(peer.conn), FC_NEVER);
      peer.now += 1000 * FC_SECOND;
    }
    h2_put_settings_ack(&peer);
    h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
  }
}

/* A peer acknowledges them one after the other: the wait for the second goes on. */
static void of_two_settings_the_second_is_waited_for_too(void **state) {
  (void)state;
  for (int server = 0; server < 2; server++) {
    for (int both = 0; both < 2; both++) {
      start_side(server);
      grow_window(1);
      int64_t first_at = peer.now;
      peer.now += patience / 2;
      grow_window(2);
      int64_t second_at = peer.now;
      assert_int_equal(fc__h2_next_at(peer.conn), first_at + patience);
      peer.now += patience / 4;
      acknowledge();
      int64_t next_at = fc__h2_next_at(peer.conn);
      assert_true(second_at + patience <= next_at && next_at <= peer.now + patience);
      if (both) acknowledge();
      assert_true(!both || fc__h2_next_at(peer.conn) == FC_NEVER);
      if (!both) expect_timeout_at(next_at);
    }
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_streams_window_is_given_back_by_halves),
      TEST(nothing_is_given_back_to_a_stream_that_has_ended),
      TEST(nothing_is_given_back_to_a_stream_that_was_answered_early),
      TEST(the_connections_window_is_given_back_although_nobody_reads),
      TEST(a_message_larger_than_the_window_can_be_expected),
      TEST(what_was_consumed_goes_with_what_is_expected),
      TEST(an_expectation_is_limited),
      TEST(small_calls_are_never_measured),
      TEST(windows_double_while_they_limit_the_peer),
      TEST(windows_stay_when_little_comes_in_a_round_trip),
      TEST(windows_grow_to_their_limit_and_no_further),
      TEST(no_ping_is_sent_without_data_since_the_last_one),
      TEST(an_ack_of_another_ping_is_no_measure),
      TEST(later_settings_must_be_acknowledged_in_time),
      TEST(each_acknowledgement_ends_one_wait),
      TEST(of_two_settings_the_second_is_waited_for_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
