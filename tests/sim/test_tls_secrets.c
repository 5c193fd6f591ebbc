/* What TLS leaves of tokens in memory: nothing, neither in what lives nor in what is freed. */
#include "sim/credential_world.h"
#include "sim/tls_hand.h"
#include "support/failing_alloc.h"

#define SECRET "a-secret-that-is-longer-than-any-buffer-of-a-test-would-begin-with"

enum { CALLS = 20 };

static fc_call *call_with(fc_call_credentials *own, fc_bytes *request) {
  fc_call_options o = FC_CALL_OPTIONS_INIT;
  fc_call *call;
  o.credentials = own;
  o.request = request;
  assert_int_equal(
      fc_unary_unary_future(hand.w.channel, "/t/Echo", FC_SLICE_EMPTY, &o, &call, NULL), FC_OK);
  return call;
}

/* A large request follows the headers from where it lies, so that a record is gathered from pieces. */
static void no_trace_is_left_of_a_token(size_t request_len) {
  uint8_t *data;
  fc_call *calls[CALLS];
  fc_call_credentials *own = token(SECRET);
  fc_bytes *request = fc_bytes_create(request_len, &data);
  memset(data, 'r', request_len);
  failing_alloc_watch(TEXT("that-is-longer-than-any"));
  hand_server("server");
  hand_channel(NULL);
  assert_int_equal(fc_channel_wait_ready(hand.w.channel, FC_SECOND, NULL), FC_OK);
  for (int i = 0; i < CALLS; i++) calls[i] = call_with(own, request);
  raw_end_go(&hand.end);
  assert_int_equal(raw_end_count(raw_end_said(&hand.end), "never:authorization=Bearer " SECRET),
                   CALLS);
  for (int i = 0; i < CALLS; i++) fc_call_destroy(calls[i]);
  fc_bytes_unref(request);
  assert_int_equal(failing_alloc_holding(TEXT(SECRET)), 1);
  fc_call_credentials_destroy(own);
  fc_channel_destroy(hand.w.channel);
  hand.w.channel = NULL;
  sim_run_for(hand.w.sim, FC_SECOND);
  assert_int_equal(failing_alloc_spilled(), 0);
  failing_alloc_watch(FC_SLICE_EMPTY);
}

static void a_token_before_a_short_request_is_erased(void **state) {
  (void)state;
  no_trace_is_left_of_a_token(10);
}

static void a_token_before_a_long_request_is_erased(void **state) {
  (void)state;
  no_trace_is_left_of_a_token(3000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      HAND_TEST(a_token_before_a_short_request_is_erased),
      HAND_TEST(a_token_before_a_long_request_is_erased),
  };
  return hand_run(tests, sizeof tests / sizeof *tests);
}
