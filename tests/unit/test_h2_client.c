/*
 * A connection as a client meets servers: opening, answers, GOAWAY; rows 54 to 56 and 58 of the
 * table of hostile inputs, RFC 9113 sections 5, 6.8 and 8.
 */
#include <stdio.h>

#include "support/h2_peer.h"

static struct h2_peer peer;

static int start_client(void **state) {
  (void)state;
  h2_peer_start(&peer, false);
  return 0;
}

static int stop(void **state) {
  (void)state;
  h2_peer_finish(&peer);
  return 0;
}

static void restart(void) {
  h2_peer_finish(&peer);
  h2_peer_start(&peer, false);
}

static void restart_silent(void) {
  h2_peer_finish(&peer);
  h2_peer_init(&peer, false);
  h2_peer_open(&peer);
}

static struct fc__h2_stream *open_and_forget(bool end_stream) {
  struct fc__h2_stream *s = h2_open_request(&peer, end_stream);
  (void)h2_sent(&peer);
  return s;
}

/* ---- the start ---- */

static void a_client_begins_with_preface_and_settings(void **state) {
  (void)state;
  restart_silent();
  struct iovec iov[FC__H2_IOV_MAX];
  assert_int_equal(fc__h2_output(peer.conn, iov, peer.now), 1);
  assert_memory_equal(iov[0].iov_base, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
  assert_string_equal(h2_sent(&peer), "SETTINGS 2=0 6=16384\nWINDOW_UPDATE 0 983041\n");
}

static void requests_may_be_sent_before_settings_come(void **state) {
  (void)state;
  restart_silent();
  (void)h2_sent(&peer);
  assert_false(fc__h2_peer_settings_seen(peer.conn));
  for (int i = 0; i < 100; i++) {
    assert_true(fc__h2_can_open(peer.conn));
    h2_open_request(&peer, true);
  }
  assert_false(fc__h2_can_open(peer.conn));
  h2_put_setting(&peer, FC__H2_MAX_CONCURRENT_STREAMS, 101);
  assert_int_equal(h2_feed(&peer), 0);
  assert_true(fc__h2_peer_settings_seen(peer.conn));
  assert_int_equal(fc__h2_peer_max_streams(peer.conn), 101);
  assert_true(fc__h2_can_open(peer.conn));
  h2_open_request(&peer, true);
  assert_false(fc__h2_can_open(peer.conn));
  assert_int_equal(fc__h2_stream_count(peer.conn), 101);
}

static void settings_that_name_no_limit_lift_the_first_one(void **state) {
  (void)state;
  restart_silent();
  h2_put_frame(&peer, FC__H2_SETTINGS, 0, 0, TEXT(""));
  assert_int_equal(h2_feed(&peer), 0);
  assert_int_equal(fc__h2_peer_max_streams(peer.conn), UINT32_MAX);
  for (int i = 0; i < 101; i++) h2_open_request(&peer, true);
  assert_true(fc__h2_can_open(peer.conn));
}

static void a_request_too_many_is_refused_here(void **state) {
  (void)state;
  h2_put_setting(&peer, FC__H2_MAX_CONCURRENT_STREAMS, 0);
  assert_int_equal(h2_feed(&peer), 0);
  struct fc__h2_stream s = {0};
  fc__h2_block_begin(peer.conn, NULL);
  fc__h2_block_field(peer.conn, TEXT("a"), TEXT("b"), FC__HPACK_INDEX);
  assert_int_equal(fc__h2_block_end_request(peer.conn, &s, true), FC_ERR_CLOSED);
  assert_false(s.open);
  assert_string_equal(h2_sent(&peer), "SETTINGS ack\n");
}

/* The encoder is restarted when a block that entered its table is not sent: the next one is
 * right. */
static void a_request_over_the_servers_limit_is_refused_here(void **state) {
  (void)state;
  h2_put_setting(&peer, FC__H2_MAX_HEADER_LIST_SIZE, 300);
  assert_int_equal(h2_feed(&peer), 0);
  assert_int_equal(fc__h2_peer_max_header_list(peer.conn), 300);
  struct fc__h2_stream s = {0};
  uint8_t large[300] = {0};
  memset(large, 'x', sizeof large);
  fc__h2_block_begin(peer.conn, NULL);
  fc__h2_block_field(peer.conn, TEXT("a"), TEXT("b"), FC__HPACK_INDEX);
  fc__h2_block_field(peer.conn, TEXT("k"), (fc_slice){large, sizeof large}, FC__HPACK_INDEX);
  assert_int_equal(fc__h2_block_end_request(peer.conn, &s, true), FC_ERR_LIMIT);
  assert_string_equal(h2_sent(&peer), "SETTINGS ack\n");
  h2_open_request(&peer, true);
  assert_string_equal(
      h2_sent(&peer),
      "HEADERS 1 end :method=POST :scheme=http :path=/s/m :authority=a te=trailers\n");
}

/* ---- answers ---- */

static void an_answer_is_told_in_order(void **state) {
  (void)state;
  open_and_forget(true);
  h2_put_headers(&peer, 1, 0, ":status: 100\nx: y\n");
  h2_put_headers(&peer, 1, 0, H2_RESPONSE);
  h2_put_data(&peer, 1, 0, "hello");
  h2_put_headers(&peer, 1, FC__H2_END_STREAM, "grpc-status: 0\n");
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_events(&peer),
                      "field 1 :status: 100\nfield 1 x: y\nblock 1 informational\n"
                      "field 1 :status: 200\nfield 1 content-type: application/grpc\nblock 1\n"
                      "data 1 \"hello\"\ntrailer 1 grpc-status: 0\nblock 1 end trailers\n"
                      "closed 1 NO_ERROR local\n");
}

static void an_early_answer_leaves_the_request_open(void **state) {
  (void)state;
  struct fc__h2_stream *s = open_and_forget(false);
  h2_put_headers(&peer, 1, FC__H2_END_STREAM, H2_RESPONSE "grpc-status: 3\n");
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_events(&peer), "block 1 end\n"));
  assert_true(s->open && s->remote_end);
  h2_put_u32(&peer, FC__H2_RST_STREAM, 1, FC__H2_NO_ERROR);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_events(&peer), "closed 1 NO_ERROR remote\n");
}

static void the_last_end_may_be_ours(void **state) {
  (void)state;
  struct fc__h2_stream *s = open_and_forget(false);
  h2_put_headers(&peer, 1, FC__H2_END_STREAM, H2_RESPONSE);
  assert_int_equal(h2_feed(&peer), 0);
  (void)h2_events(&peer);
  assert_int_equal(fc__h2_send_end(peer.conn, s), FC_OK);
  assert_string_equal(h2_sent(&peer), "DATA 1 0 end\n");
  assert_string_equal(h2_events(&peer), "closed 1 NO_ERROR local\n");
  h2_put_u32(&peer, FC__H2_RST_STREAM, 1, FC__H2_NO_ERROR); /* crossed with our end */
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_events(&peer), "");
}

static void malformed_answers_reset_their_stream(void **state) {
  (void)state;
  static const char *const answers[] = {
      "content-type: a\n", /* no :status */
      ":status: 20\n",     /* no number of three digits */
      ":status: 2x0\n",
      ":status: 101\n",               /* section 8.6 */
      ":status: 200\n:status: 200\n", /* twice */
      "a: b\n:status: 200\n",         /* late */
      ":status: 200\n:path: /\n",
      ":status: 200\n:other: x\n",
      ":status: 200\nUpper: x\n",
      ":status: 200\nconnection: close\n",
      ":status: 200\ntransfer-encoding: chunked\n",
      ":status: 200\ncontent-length: x\n",
      ":status: 200\ncontent-length: 1\ncontent-length: 2\n",
  };
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    restart();
    open_and_forget(true);
    h2_put_headers(&peer, 1, 0, answers[i]);
    h2_expect_reset(&peer, 1, FC__H2_PROTOCOL_ERROR);
    assert_non_null(strstr(h2_events(&peer), "closed 1 PROTOCOL_ERROR local\n"));
  }
}

static void trailers_must_end_the_stream(void **state) {
  (void)state;
  open_and_forget(true);
  h2_put_headers(&peer, 1, 0, H2_RESPONSE);
  h2_put_headers(&peer, 1, 0, "grpc-status: 0\n");
  h2_expect_reset(&peer, 1, FC__H2_PROTOCOL_ERROR);
}

static void an_informational_answer_must_not_end_the_stream(void **state) {
  (void)state;
  open_and_forget(true);
  h2_put_headers(&peer, 1, FC__H2_END_STREAM, ":status: 103\n");
  h2_expect_reset(&peer, 1, FC__H2_PROTOCOL_ERROR);
}

/* ---- row 54 ---- */

static void row_54_push_promise_ends_the_connection(void **state) {
  (void)state;
  open_and_forget(true);
  h2_put_frame(&peer, FC__H2_PUSH_PROMISE, FC__H2_END_HEADERS, 1, TEXT("\0\0\0\2\x82"));
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
}

static void row_54_streams_of_the_servers_end_the_connection(void **state) {
  (void)state;
  static const uint32_t ids[] = {2, 3, 4};
  for (size_t i = 0; i < 3; i++) {
    restart();
    open_and_forget(true);
    h2_put_headers(&peer, ids[i], 0, H2_RESPONSE);
    h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
  }
}

static void row_54_a_server_that_enables_push_ends_the_connection(void **state) {
  (void)state;
  h2_put_setting(&peer, FC__H2_ENABLE_PUSH, 0);
  assert_int_equal(h2_feed(&peer), 0);
  h2_put_setting(&peer, FC__H2_ENABLE_PUSH, 1);
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
}

static void row_54_data_before_headers_resets_the_stream(void **state) {
  (void)state;
  open_and_forget(true);
  h2_put_data(&peer, 1, 0, "x");
  h2_expect_reset(&peer, 1, FC__H2_PROTOCOL_ERROR);
}

static void row_54_headers_after_trailers_end_the_connection(void **state) {
  (void)state;
  open_and_forget(false);
  h2_put_headers(&peer, 1, FC__H2_END_STREAM, H2_RESPONSE);
  h2_put_headers(&peer, 1, FC__H2_END_STREAM, "grpc-status: 0\n");
  h2_expect_failure(&peer, FC__H2_STREAM_CLOSED);
}

/* ---- row 55 ---- */

static void row_55_each_reset_code_is_told(void **state) {
  (void)state;
  for (uint32_t code = 0; code < 16; code++) {
    char expected[64];
    uint32_t id = 2 * code + 1;
    open_and_forget(true);
    h2_put_u32(&peer, FC__H2_RST_STREAM, id, code);
    assert_int_equal(h2_feed(&peer), 0);
    snprintf(expected, sizeof expected, "closed %u %s remote\n", id, fc__h2_error_name(code));
    assert_string_equal(h2_events(&peer), expected);
  }
}

static void row_55_a_reset_after_good_trailers_changes_nothing(void **state) {
  (void)state;
  open_and_forget(true);
  h2_put_headers(&peer, 1, FC__H2_END_STREAM, H2_RESPONSE);
  h2_put_u32(&peer, FC__H2_RST_STREAM, 1, FC__H2_NO_ERROR);
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_events(&peer), "block 1 end\nclosed 1 NO_ERROR local\n"));
}

static void row_55_late_data_eats_no_window(void **state) {
  (void)state;
  for (int i = 0; i < 200; i++) {
    struct fc__h2_stream *s = open_and_forget(true);
    uint32_t id = s->id;
    h2_put_headers(&peer, id, 0, H2_RESPONSE);
    assert_int_equal(h2_feed(&peer), 0);
    h2_record_reset(&peer.record, s, FC__H2_CANCEL);
    h2_put_zeros(&peer, id, 0, 16384);
    h2_put_headers(&peer, id, FC__H2_END_STREAM, "grpc-status: 0\n");
    assert_int_equal(h2_feed(&peer), 0);
  }
  assert_null(strstr(h2_events(&peer), "data"));
}

static void ten_thousand_calls_may_be_cancelled_at_once(void **state) {
  (void)state;
  h2_put_setting(&peer, FC__H2_MAX_CONCURRENT_STREAMS, 10000);
  assert_int_equal(h2_feed(&peer), 0);
  for (uint32_t i = 0; i < 10000; i++) open_and_forget(true);
  for (uint32_t id = 1; id < 20000; id += 2) {
    h2_record_reset(&peer.record, h2_record_find(&peer.record, id), FC__H2_CANCEL);
  }
  (void)h2_sent(&peer);
  for (uint32_t id = 1; id < 20000; id += 2) {
    h2_put_headers(&peer, id, 0, H2_RESPONSE);
    h2_put_data(&peer, id, 0, "late");
    h2_put_headers(&peer, id, FC__H2_END_STREAM, "grpc-status: 0\n");
  }
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_events(&peer), "settings\n");
}

static void resets_by_the_server_cost_a_client_nothing(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 5000; i++) {
    open_and_forget(true);
    h2_put_u32(&peer, FC__H2_RST_STREAM, 2 * i + 1, FC__H2_REFUSED_STREAM);
    assert_int_equal(h2_feed(&peer), 0);
  }
}

/* ---- row 56 ---- */

static void row_56_goaway_closes_what_was_not_processed(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) open_and_forget(true);
  h2_put_goaway(&peer, 3, FC__H2_NO_ERROR, "max_age");
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_events(&peer),
                      "goaway 3 NO_ERROR max_age\n"
                      "closed 5 REFUSED_STREAM remote\nclosed 7 REFUSED_STREAM remote\n");
  assert_true(fc__h2_going_away(peer.conn));
  assert_false(fc__h2_can_open(peer.conn));
  h2_put_headers(&peer, 3, FC__H2_END_STREAM, H2_RESPONSE);
  assert_int_equal(h2_feed(&peer), 0);
  assert_non_null(strstr(h2_events(&peer), "closed 3 NO_ERROR local\n"));
}

static void row_56_goaway_in_two_steps(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) open_and_forget(true);
  h2_put_goaway(&peer, FC__H2_ID_MAX, FC__H2_NO_ERROR, "");
  h2_put_goaway(&peer, 1, FC__H2_NO_ERROR, "");
  h2_put_goaway(&peer, 0, FC__H2_INTERNAL_ERROR, "");
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(
      h2_events(&peer),
      "goaway 2147483647 NO_ERROR \ngoaway 1 NO_ERROR \nclosed 3 REFUSED_STREAM remote\n"
      "goaway 0 INTERNAL_ERROR \nclosed 1 REFUSED_STREAM remote\n");
}

static void row_56_a_last_id_that_rises_ends_the_connection(void **state) {
  (void)state;
  h2_put_goaway(&peer, 1, FC__H2_NO_ERROR, "");
  h2_put_goaway(&peer, 3, FC__H2_NO_ERROR, "");
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
}

static void row_56_too_many_pings_is_told(void **state) {
  (void)state;
  h2_put_goaway(&peer, 0, FC__H2_ENHANCE_YOUR_CALM, "too_many_pings");
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_events(&peer), "goaway 0 ENHANCE_YOUR_CALM too_many_pings\n");
}

static void a_long_debug_text_is_cut(void **state) {
  (void)state;
  char text[1001];
  memset(text, 'x', 1000);
  text[1000] = 0;
  h2_put_goaway(&peer, 0, FC__H2_NO_ERROR, text);
  h2_put_ping(&peer, 7, false);
  assert_int_equal(h2_feed(&peer), 0);
  assert_int_equal(strlen(h2_events(&peer)), strlen("goaway 0 NO_ERROR \n") + 504);
  assert_string_equal(h2_sent(&peer), "PING 7 ack\n");
}

static void a_client_goes_away_in_one_step(void **state) {
  (void)state;
  open_and_forget(true);
  fc__h2_goaway(peer.conn, FC__H2_NO_ERROR, "done", false);
  fc__h2_goaway(peer.conn, FC__H2_NO_ERROR, "done", true);
  assert_string_equal(h2_sent(&peer), "GOAWAY 0 NO_ERROR done\n");
  assert_false(fc__h2_can_open(peer.conn));
}

/* ---- row 58 ---- */

static void row_58_garbage_ends_the_connection_at_once(void **state) {
  (void)state;
  restart_silent();
  h2_put_bytes(&peer, TEXT("HTTP/1.1 400 Bad Request\r\n\r\n"));
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
  uint32_t code;
  assert_string_equal(fc__h2_failure(peer.conn, &code), "the server answers in HTTP/1");
  restart_silent();
  h2_put_bytes(&peer, TEXT("\x15\x03\x01\x00\x02\x02\x16garbage"));
  h2_expect_failure(&peer, FC__H2_FRAME_SIZE_ERROR);
  restart_silent();
  h2_put_bytes(&peer, TEXT("\0\0\x05garbage..."));
  h2_expect_failure(&peer, FC__H2_PROTOCOL_ERROR);
  h2_peer_finish(&peer);
  h2_peer_start(&peer, false);
  h2_put_bytes(&peer, TEXT("HTTP/1.1 400 Bad Request\r\n\r\n"));
  h2_expect_failure(&peer, FC__H2_FRAME_SIZE_ERROR); /* a server that has spoken HTTP/2 */
}

static void row_58_silence_ends_the_connection_in_time(void **state) {
  (void)state;
  restart_silent();
  assert_int_equal(fc__h2_next_at(peer.conn), peer.now + 20 * FC_SECOND);
  assert_int_equal(fc__h2_tick(peer.conn, peer.now + 20 * FC_SECOND), FC_ERR_PROTOCOL);
}

/* ---- pings ---- */

static void an_owners_ping_is_answered_once(void **state) {
  (void)state;
  fc__h2_ping(peer.conn, 5);
  assert_string_equal(h2_sent(&peer), "PING 5\n");
  h2_put_ping(&peer, 5, true);
  h2_put_ping(&peer, 5, true);
  h2_put_ping(&peer, UINT64_MAX, true);
  assert_int_equal(h2_feed(&peer), 0);
  assert_string_equal(h2_events(&peer), "pong 5\n");
}

/* grpc-go measures bandwidth with a PING for every burst of data: free as long as there is
 * traffic. */
static void pings_of_a_server_with_traffic_are_free(void **state) {
  (void)state;
  open_and_forget(false);
  h2_put_headers(&peer, 1, 0, H2_RESPONSE);
  for (int i = 0; i < 5000; i++) {
    h2_put_data(&peer, 1, 0, "x");
    h2_put_ping(&peer, 1, false);
    assert_int_equal(h2_feed(&peer), 0);
    (void)h2_sent(&peer);
  }
  for (int i = 0; i < 1001; i++) h2_put_ping(&peer, 1, false);
  h2_expect_failure(&peer, FC__H2_ENHANCE_YOUR_CALM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_client, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_client_begins_with_preface_and_settings),
      TEST(requests_may_be_sent_before_settings_come),
      TEST(settings_that_name_no_limit_lift_the_first_one),
      TEST(a_request_too_many_is_refused_here),
      TEST(a_request_over_the_servers_limit_is_refused_here),
      TEST(an_answer_is_told_in_order),
      TEST(an_early_answer_leaves_the_request_open),
      TEST(the_last_end_may_be_ours),
      TEST(malformed_answers_reset_their_stream),
      TEST(trailers_must_end_the_stream),
      TEST(an_informational_answer_must_not_end_the_stream),
      TEST(row_54_push_promise_ends_the_connection),
      TEST(row_54_streams_of_the_servers_end_the_connection),
      TEST(row_54_a_server_that_enables_push_ends_the_connection),
      TEST(row_54_data_before_headers_resets_the_stream),
      TEST(row_54_headers_after_trailers_end_the_connection),
      TEST(row_55_each_reset_code_is_told),
      TEST(row_55_a_reset_after_good_trailers_changes_nothing),
      TEST(row_55_late_data_eats_no_window),
      TEST(ten_thousand_calls_may_be_cancelled_at_once),
      TEST(resets_by_the_server_cost_a_client_nothing),
      TEST(row_56_goaway_closes_what_was_not_processed),
      TEST(row_56_goaway_in_two_steps),
      TEST(row_56_a_last_id_that_rises_ends_the_connection),
      TEST(row_56_too_many_pings_is_told),
      TEST(a_long_debug_text_is_cut),
      TEST(a_client_goes_away_in_one_step),
      TEST(row_58_garbage_ends_the_connection_at_once),
      TEST(row_58_silence_ends_the_connection_in_time),
      TEST(an_owners_ping_is_answered_once),
      TEST(pings_of_a_server_with_traffic_are_free),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
