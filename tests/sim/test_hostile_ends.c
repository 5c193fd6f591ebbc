/*
 * Clients that vanish in the middle of a request, to a server: row 57 of the table of hostile
 * inputs. Handlers that have begun are told, once, and the server serves the next client.
 */
#include "sim/request_world.h"

static uint8_t request[512];
static size_t request_len;

/* All that a client says for one call of a stream, preface and SETTINGS left out. */
static void build_request(void) {
  struct fc__buf *in = &requests.end.peer.in;
  requests_begin(REQUEST("/t/Stream"), 0);
  raw_end_message(&requests.end, requests.id, 0, 0, TEXT("first"));
  raw_end_message(&requests.end, requests.id, 0, 0, TEXT("second"));
  h2_put_frame(&requests.end.peer, FC__H2_DATA, FC__H2_END_STREAM, requests.id, TEXT(""));
  request_len = in->len;
  assert_true(request_len <= sizeof request);
  memcpy(request, in->data, request_len);
  in->len = 0;
}

enum cut { CUT_END, CUT_HALF, CUT_RESET, CUT_BLACK_HOLE };

static void cut(enum cut how) {
  static const enum sim_cut_kind kinds[] = {
      [CUT_HALF] = SIM_CUT_END, [CUT_RESET] = SIM_CUT_RESET, [CUT_BLACK_HOLE] = SIM_CUT_BLACK_HOLE};
  if (how == CUT_END) {
    raw_end_hang_up(&requests.end);
  } else {
    sim_cut_all(requests.rig.sim, kinds[how]);
  }
}

static void cut_after(size_t len, enum cut how) {
  fc_server_options o = FC_SERVER_OPTIONS_INIT;
  struct rig *rig = &requests.rig;
  o.keepalive_time_ns = 10 * FC_SECOND;
  requests_restart(&o);
  h2_put_bytes(&requests.end.peer, (fc_slice){request, len});
  requests_go();
  int begun = rig->begun;
  assert_int_equal(rig->over, 0);
  int64_t since = sim_now(rig->sim);
  cut(how);
  sim_run_for(rig->sim, 40 * FC_SECOND);
  assert_int_equal(rig->begun, begun);
  assert_int_equal(rig->over, begun);
  if (begun) assert_int_equal(rig->code, FC_CODE_CANCELLED);
  if (begun &&
      how == CUT_BLACK_HOLE) { /* a ping after 10 s without a word, and 20 s for its answer */
    assert_in_range((uintmax_t)(rig->at - since), 29 * FC_SECOND, 31 * FC_SECOND);
  }
  rig_finish_all(rig);
  requests_reconnect();
  requests_expect_good_call();
}

static void cut_everywhere(enum cut how) {
  int begun = 0;
  build_request();
  for (size_t len = 0; len <= request_len; len++) {
    cut_after(len, how);
    begun += requests.rig.begun > 1;
  }
  assert_true(begun > 0 && begun < (int)request_len);
}

static void row_57_an_end_at_every_byte_of_a_request_is_cancelled(void **state) {
  (void)state;
  cut_everywhere(CUT_END);
}

/* The client says no more, but reads on. */
static void row_57_a_half_close_at_every_byte_of_a_request_is_cancelled(void **state) {
  (void)state;
  cut_everywhere(CUT_HALF);
}

static void row_57_a_reset_at_every_byte_of_a_request_is_cancelled(void **state) {
  (void)state;
  cut_everywhere(CUT_RESET);
}

static void row_57_a_black_hole_at_every_byte_of_a_request_is_found(void **state) {
  (void)state;
  cut_everywhere(CUT_BLACK_HOLE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      REQUEST_TEST(row_57_an_end_at_every_byte_of_a_request_is_cancelled),
      REQUEST_TEST(row_57_a_half_close_at_every_byte_of_a_request_is_cancelled),
      REQUEST_TEST(row_57_a_reset_at_every_byte_of_a_request_is_cancelled),
      REQUEST_TEST(row_57_a_black_hole_at_every_byte_of_a_request_is_found),
  };
  return requests_run(tests, sizeof tests / sizeof *tests);
}
