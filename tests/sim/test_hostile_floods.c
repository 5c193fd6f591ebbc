/*
 * Floods as a whole server meets them: rows 1 to 18 of the table of hostile inputs, where handlers,
 * answers or other connections are concerned. What a connection answers by itself is in
 * test_h2_floods.c.
 */
#include <errno.h>

#include "sim/request_world.h"
#include "support/failing_alloc.h"
#include "support/raw_client.h"

enum { BURST = 1000 }; /* tokens of the abuse budget */

static struct h2_peer *peer(void) { return &requests.end.peer; }

static void put_u32(unsigned type, uint32_t value) { h2_put_u32(peer(), type, requests.id, value); }

/* The connection was ended for abuse, no more handlers ran at once than streams may be, and others
 * are served. */
static void expect_calm(void) {
  assert_non_null(strstr(requests.said, "ENHANCE_YOUR_CALM"));
  assert_null(requests.end.transport);
  assert_true(requests.rig.most <= 100);
  rig_finish_all(&requests.rig);
  requests_reconnect();
  requests_expect_good_call();
}

/* ---- rows 1 and 2: resets, theirs and ours ---- */

static void row_01_pairs_of_request_and_reset_run_out_of_tokens(void **state) {
  (void)state;
  for (int i = 0; i < BURST + 100; i++) {
    requests_begin(REQUEST("/t/Stream"), 0);
    put_u32(FC__H2_RST_STREAM, FC__H2_CANCEL);
  }
  requests_go();
  expect_calm();
}

/* Requests in one read beyond those that may run at once, or 32, are not even looked at. */
static void row_01_requests_in_one_read_are_limited(void **state) {
  (void)state;
  static const struct {
    uint32_t streams;
    unsigned begun;
  } cases[] = {{10, 32}, {100, 100}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fc_server_options o = FC_SERVER_OPTIONS_INIT;
    o.max_concurrent_streams = cases[i].streams;
    requests_restart(&o);
    for (int round = 0; round < 2; round++) {
      for (unsigned k = 0; k < cases[i].begun + 7; k++) {
        requests_begin(REQUEST("/t/Hold"), 0);
        put_u32(FC__H2_RST_STREAM, FC__H2_CANCEL);
      }
      requests_go();
      assert_int_equal(raw_end_count(requests.said, "REFUSED_STREAM"), 7);
    }
    requests_expect_good_call();
  }
}

static void row_01_resets_free_no_handlers(void **state) {
  (void)state;
  for (int i = 0; i < 300; i++) {
    requests_begin(REQUEST("/t/Stream"), 0);
    requests_go();
    put_u32(FC__H2_RST_STREAM, FC__H2_CANCEL);
    requests_go();
  }
  assert_int_equal(requests.rig.begun, 100);
  assert_int_equal(requests.rig.over, 100);
  rig_finish_all(&requests.rig);
  requests_expect_good_call();
}

static void row_02_resets_that_the_client_provokes_run_out_of_tokens(void **state) {
  (void)state;
  for (int i = 0; i < BURST + 100; i++) {
    requests_begin(REQUEST("/t/Stream"), 0);
    put_u32(FC__H2_WINDOW_UPDATE, INT32_MAX);
  }
  requests_go();
  expect_calm();
}

#define WITHOUT_TE                                                                                 \
  ":method: POST\n:scheme: http\n:path: /t/Answer\n:authority: a\n"                                \
  "content-type: application/grpc\n"

static void row_02_early_answers_run_out_of_tokens(void **state) {
  (void)state;
  static const char *const wrong[] = {REQUEST("/t/Answer") "k-bin: %%%\n",
                                      REQUEST_HEAD("/t/Answer") "content-type: text/html\n",
                                      ":method: POST\n", WITHOUT_TE};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    for (int k = 0; k < 11; k++) {
      for (int n = 0; n < BURST / 10 && requests.end.transport; n++) {
        requests_begin(wrong[i], FC__H2_END_STREAM);
      }
      requests_go();
    }
    expect_calm();
    assert_int_equal(requests.rig.begun, (int)i + 1); /* the good calls */
  }
}

static void row_02_a_method_that_is_not_there_costs_nothing(void **state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    for (int k = 0; k < 100; k++) requests_begin(REQUEST("/t/Old"), FC__H2_END_STREAM);
    requests_go();
  }
  requests_expect_good_call();
}

/* ---- rows 5 and 6: answers that nobody takes ---- */

static size_t accepted; /* bytes that the handler's sends were done with */

static void send_on(fc_call *call, fc_result result, void *user) {
  static const uint8_t kilobyte[1024];
  (void)user;
  if (result != FC_OK) return;
  fc_bytes *message = fc_bytes_copy(kilobyte, sizeof kilobyte);
  assert_non_null(message);
  accepted += sizeof kilobyte;
  if (fc_call_send_async(call, message, 0, send_on, NULL) != FC_OK) fc_bytes_unref(message);
}

/* A handler that sends as much as it may. */
static void begin_to_send(const char *fields) {
  int held = requests.rig.held_count;
  requests_begin(fields, 0);
  requests_go();
  assert_int_equal(requests.rig.held_count, held + 1);
  accepted = 0;
  send_on(requests.rig.held[held], FC_OK, NULL);
  requests_go();
}

static void set_windows(uint32_t stream, uint32_t more_of_connection) {
  h2_put_setting(peer(), FC__H2_INITIAL_WINDOW_SIZE, stream);
  if (more_of_connection) h2_put_u32(peer(), FC__H2_WINDOW_UPDATE, 0, more_of_connection);
  requests_go();
}

static void row_06_a_shut_window_holds_up_the_handler(void **state) {
  (void)state;
  set_windows(0, 0);
  size_t live = failing_alloc_live_bytes();
  begin_to_send(REQUEST("/t/Stream"));
  assert_in_range(accepted, 64 * 1024, 68 * 1024);
  assert_true(failing_alloc_live_bytes() < live + 256 * 1024);
  assert_int_equal(requests_data_len(), 0);
  put_u32(FC__H2_WINDOW_UPDATE, 1);
  requests_go();
  assert_int_equal(requests_data_len(), 1);
  put_u32(FC__H2_WINDOW_UPDATE, 30000);
  requests_go();
  assert_true(accepted > 90000);
  put_u32(FC__H2_RST_STREAM, FC__H2_CANCEL);
  requests_go();
  assert_int_equal(requests.rig.code, FC_CODE_CANCELLED);
  rig_finish_all(&requests.rig);
  set_windows(65535, 0);
  requests_expect_good_call();
}

static void row_06_the_deadline_cuts_an_answer_behind_a_shut_window(void **state) {
  (void)state;
  set_windows(0, 0);
  size_t live = failing_alloc_live_bytes();
  begin_to_send(REQUEST("/t/Stream") "grpc-timeout: 1S\n");
  sim_run_for(requests.rig.sim, FC_SECOND);
  requests_go();
  assert_non_null(strstr(requests.said, "RST_STREAM 1 CANCEL"));
  assert_int_equal(requests.rig.code, FC_CODE_DEADLINE_EXCEEDED);
  rig_finish_all(&requests.rig);
  assert_true(failing_alloc_live_bytes() < live + 128 * 1024); /* spare room for the next */
  set_windows(65535, 0);
  requests_expect_good_call();
}

/* The socket's buffer takes 256 KiB; what a connection queues above that is bounded too. */
static void row_06_a_client_that_never_reads_is_left(void **state) {
  (void)state;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.stall_timeout_ns = 5 * FC_SECOND;
  requests_restart(&o);
  set_windows(INT32_MAX, 1 << 30);
  requests.end.deaf = true;
  size_t live = failing_alloc_live_bytes();
  begin_to_send(REQUEST("/t/Stream"));
  assert_true(accepted < 1024 * 1024);
  assert_true(failing_alloc_live_bytes() < live + 1024 * 1024);
  sim_run_for(requests.rig.sim, 4 * FC_SECOND);
  assert_int_equal(requests.rig.over, 0);
  sim_run_for(requests.rig.sim, 2 * FC_SECOND);
  assert_int_equal(requests.rig.over, 1);
  assert_int_equal(requests.rig.code, FC_CODE_CANCELLED);
  rig_finish_all(&requests.rig);
  requests_reconnect();
  requests_expect_good_call();
}

static void row_06_a_window_that_stays_shut_is_left(void **state) {
  (void)state;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  o.stall_timeout_ns = 5 * FC_SECOND;
  requests_restart(&o);
  set_windows(0, 0);
  begin_to_send(REQUEST("/t/Stream"));
  sim_run_for(requests.rig.sim, 4 * FC_SECOND);
  put_u32(FC__H2_WINDOW_UPDATE, 1); /* progress, if little */
  requests_go();
  sim_run_for(requests.rig.sim, 4 * FC_SECOND);
  assert_int_equal(requests.rig.over, 0);
  sim_run_for(requests.rig.sim, 2 * FC_SECOND);
  assert_int_equal(requests.rig.over, 1);
  assert_int_equal(requests.rig.code, FC_CODE_CANCELLED);
  rig_finish_all(&requests.rig);
  requests_reconnect();
  requests_expect_good_call();
}

/* CVE-2026-49975: tiny fields without number, and an answer that is not taken. */
static void row_05_a_bomb_of_fields_with_a_shut_window_holds_nothing(void **state) {
  (void)state;
  static struct raw_block block;
  set_windows(0, 0);
  size_t live = failing_alloc_live_bytes();
  raw_block_begin(&block, REQUEST("/t/Stream"));
  raw_block_literal(&block, RAW_INSERTED, "a", TEXT(""));
  for (int i = 0; i < 15000; i++) raw_block_index(&block, 62);
  for (int i = 0; i < 10; i++) {
    requests_ask_block(raw_block_slice(&block));
    requests_expect(FC_CODE_RESOURCE_EXHAUSTED, "metadata");
  }
  assert_int_equal(requests.rig.begun, 0);
  assert_true(failing_alloc_live_bytes() < live + 64 * 1024);
  set_windows(65535, 0);
  requests_expect_good_call();
}

/* ---- row 16 ---- */

/* CVE-2023-4785, CVE-2024-47609 */
static void row_16_want_of_descriptors_ends_nothing(void **state) {
  (void)state;
  struct rig *rig = &requests.rig;
  struct raw_client late;
  sim_fail_accept(rig->sim, -EMFILE, 1000000);
  raw_open(&late, sim_reactor(rig->sim), RIG_ADDRESS);
  sim_run_for(rig->sim, 100 * FC_SECOND);
  requests_expect_good_call();
  assert_int_equal(late.bytes_read, 0);
  sim_fail_accept(rig->sim, 0, 0);
  sim_run_for(rig->sim, FC_SECOND + 10 * FC_MILLISECOND);
  assert_true(late.bytes_read > 0);
  raw_close(&late);
  requests_expect_good_call();
}

/* ---- after the end ---- */

/* A server reads a little after its last words, so that they are not lost: 1 MiB, or for a second. */
static void a_client_that_was_sent_away_cannot_send_for_ever(void **state) {
  (void)state;
  enum { PART = 64 * 1024, MIB = 1024 * 1024 };
  static const uint8_t part[PART];
  size_t sent = 0;
  requests.end.deaf = true; /* it does not see the end that the server has put behind its GOAWAY */
  h2_put_frame(peer(), FC__H2_DATA, 0, 0, TEXT(""));
  raw_end_go(&requests.end);
  int64_t since = sim_now(requests.rig.sim);
  while (requests.end.transport && sent < 2 * (size_t)MIB) {
    h2_put_bytes(peer(), (fc_slice){part, PART});
    sent += PART;
    raw_end_go(&requests.end);
  }
  assert_null(requests.end.transport);
  assert_in_range(sent, MIB, MIB + 4 * PART);
  assert_true(sim_now(requests.rig.sim) - since < FC_SECOND);
  requests.end.deaf = false;
  requests_reconnect();
  requests_expect_good_call();
}

/* Its place is taken until then. */
static void a_client_that_was_sent_away_has_a_second_to_go(void **state) {
  (void)state;
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  struct raw_client next;
  o.max_connections = 1;
  requests_restart(&o);
  requests.end.deaf = true;
  h2_put_frame(peer(), FC__H2_DATA, 0, 0, TEXT(""));
  int64_t since = sim_now(requests.rig.sim) + FC_MILLISECOND;
  raw_end_go(&requests.end);
  raw_open(&next, sim_reactor(requests.rig.sim), RIG_ADDRESS);
  sim_run_until(requests.rig.sim, since + FC_SECOND - 1);
  assert_int_equal(next.bytes_read, 0);
  sim_run_for(requests.rig.sim, 10 * FC_MILLISECOND);
  assert_true(next.bytes_read > 0);
  raw_close(&next);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      REQUEST_TEST_WHOLE(row_01_pairs_of_request_and_reset_run_out_of_tokens),
      REQUEST_TEST_WHOLE(row_01_requests_in_one_read_are_limited),
      REQUEST_TEST(row_01_resets_free_no_handlers),
      REQUEST_TEST_WHOLE(row_02_resets_that_the_client_provokes_run_out_of_tokens),
      REQUEST_TEST_WHOLE(row_02_early_answers_run_out_of_tokens),
      REQUEST_TEST_WHOLE(row_02_a_method_that_is_not_there_costs_nothing),
      REQUEST_TEST(row_05_a_bomb_of_fields_with_a_shut_window_holds_nothing),
      REQUEST_TEST(row_06_a_shut_window_holds_up_the_handler),
      REQUEST_TEST(row_06_the_deadline_cuts_an_answer_behind_a_shut_window),
      REQUEST_TEST_WHOLE(row_06_a_client_that_never_reads_is_left),
      REQUEST_TEST_WHOLE(row_06_a_window_that_stays_shut_is_left),
      REQUEST_TEST(row_16_want_of_descriptors_ends_nothing),
      REQUEST_TEST_WHOLE(a_client_that_was_sent_away_cannot_send_for_ever),
      REQUEST_TEST_WHOLE(a_client_that_was_sent_away_has_a_second_to_go),
  };
  return requests_run(tests, sizeof tests / sizeof *tests);
}
