/* What a warm blocking client costs: no thread, a write, a wait and a read for each round trip, and memory for the messages
 * alone. */
#include "support/blocking_cost.h"
#include "support/check.h"
#include "support/exchange.h"
#include "support/failing_alloc.h"

static struct cost cost;

static void a_unary_call_makes_three_system_calls(void **state) {
  (void)state;
  cost_expect_three_system_calls(&cost, cost_unary_calls);
}

static void a_message_and_its_answer_make_three_system_calls(void **state) {
  (void)state;
  cost_expect_three_system_calls(&cost, cost_messages_of_a_stream);
}

static void a_unary_call_allocates_its_two_messages(void **state) {
  (void)state;
  cost_expect_two_allocations(&cost, cost_unary_calls);
}

static void a_message_and_its_answer_are_what_a_stream_allocates(void **state) {
  (void)state;
  cost_expect_two_allocations(&cost, cost_messages_of_a_stream);
}

/* A request of counted bytes is not copied. */
static void counted_bytes_are_not_copied(void **state) {
  (void)state;
  fc_call_options options = FC_CALL_OPTIONS_INIT;
  fc_channel *channel = cost_connect(&cost);
  options.request = fc_bytes_copy("request", 7);
  for (int i = 0; i < COST_WARM + COST_ROUNDS; i++) {
    fc_bytes *response;
    if (i == COST_WARM) failing_alloc_restart();
    assert_int_equal(fc_unary_unary(channel, "/test.Exchange/UnaryUnary", FC_SLICE_EMPTY, &options,
                                    &response, NULL, NULL),
                     FC_CODE_OK);
    fc_bytes_unref(response);
  }
  assert_int_equal(failing_alloc_count(), COST_ROUNDS);
  fc_bytes_unref(options.request);
  fc_channel_destroy(channel);
}

static int set_up(void **state) {
  (void)state;
  service_start(&cost.service, NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  service_stop(&cost.service);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_unary_call_makes_three_system_calls),
      cmocka_unit_test(a_message_and_its_answer_make_three_system_calls),
      cmocka_unit_test(a_unary_call_allocates_its_two_messages),
      cmocka_unit_test(a_message_and_its_answer_are_what_a_stream_allocates),
      cmocka_unit_test(counted_bytes_are_not_copied),
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
