/* TLS costs a warm blocking client no system call, and no memory of the library's: what it gathers into goes round. */
#include "support/blocking_cost.h"
#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/tls_credentials.h"

static struct cost cost;

static fc_channel_credentials *client_credentials(void) { return tls_channel_as(NULL); }

static fc_server_credentials *server_credentials(void) {
  return tls_server("server", FC_TLS_CLIENT_AUTH_NONE);
}

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

static int set_up(void **state) {
  (void)state;
  cost.credentials = client_credentials;
  service_start(&cost.service, server_credentials);
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
  };
  failing_alloc_install();
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
