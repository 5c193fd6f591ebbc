/* Whole conversations of a channel and a server over TLS, on networks that split, delay, hold up and cut. */
#include "sim/secure_world.h"
#include "support/check.h"
#include "support/tls_credentials.h"

#define ADDRESS "127.0.0.1:443"

static struct secure_world w;

static void open_world(void) {
  secure_open(&w);
  w.options.max_receive_message_bytes = w.server_options.max_receive_message_bytes = SIZE_MAX;
}

static void connect(void) {
  secure_serve(&w, ADDRESS, tls_server("server", FC_TLS_CLIENT_AUTH_NONE));
  secure_channel(&w, "ipv4:" ADDRESS, tls_channel_as(NULL));
}

/* A message of that size goes there and comes back. */
static void echo(size_t size) {
  uint8_t *data;
  fc_bytes *request = fc_bytes_create(size, &data), *response;
  fc_error err = FC_ERROR_INIT;
  assert_non_null(request);
  for (size_t i = 0; i < size; i++) data[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16);
  fc_code code =
      fc_unary_unary(w.channel, "/t/Echo", fc_bytes_slice(request), NULL, &response, NULL, &err);
  if (code != FC_CODE_OK) fail_msg("%s: %s", fc_code_name(code), err.message);
  fc_slice back = fc_bytes_slice(response);
  assert_int_equal(back.len, size);
  assert_memory_equal(back.data, data, size);
  fc_bytes_unref(request);
  fc_bytes_unref(response);
}

static void calls_pass_over_networks_of_every_kind(void **state) {
  (void)state;
  for (int seed = 0; seed < 25; seed++) {
    open_world();
    for (int i = 0; i < seed; i++) (void)sim_random(w.sim);
    sim_roughen(w.sim);
    connect();
    for (int i = 0; i < 3; i++) secure_expect(&w, FC_CODE_OK, "");
    echo(20000);
    secure_expect(&w, FC_CODE_OK, "");
    secure_close(&w);
  }
}

static void one_byte_a_read_carries_calls(void **state) {
  (void)state;
  open_world();
  sim_link(w.sim, NULL)->read_max = 1;
  connect();
  secure_expect(&w, FC_CODE_OK, "");
  echo(1000);
  secure_close(&w);
}

/* Several times what the network, the flow control windows and both ends hold. */
static void large_messages_pass_through_small_buffers(void **state) {
  (void)state;
  open_world();
  sim_link(w.sim, NULL)->buffer = 20000;
  sim_link(w.sim, NULL)->write_max = 15000;
  connect();
  echo(5000000);
  echo(1);
  secure_close(&w);
}

/* ---- cuts ---- */

/* A call over a connection that is cut; says whether it was answered all the same. */
static bool run_cut(enum sim_cut_kind kind, int direction, uint64_t at) {
  char message[512];
  open_world();
  struct sim_link *link = sim_link(w.sim, NULL);
  link->cut = kind;
  link->cut_direction = (enum sim_direction)direction;
  link->cut_at = at;
  connect();
  fc_code code = secure_call(&w, message, sizeof message);
  if (code != FC_CODE_OK) assert_int_equal(code, FC_CODE_UNAVAILABLE);
  if (code != FC_CODE_OK) assert_non_null(strstr(message, "ipv4:" ADDRESS));
  link->cut = SIM_CUT_NONE;
  sim_cut_all(w.sim, SIM_CUT_RESET);
  sim_run_for(w.sim, FC_SECOND);
  assert_int_equal(fc_channel_wait_ready(w.channel, 200 * FC_SECOND, NULL), FC_OK);
  secure_expect(&w, FC_CODE_OK, "");
  secure_close(&w);
  return code == FC_CODE_OK;
}

/* Steps of 7 meet other places in each record and frame; test_tls_filter_cuts.c leaves out no byte. */
static void cut_everywhere(enum sim_cut_kind kind) {
  for (int direction = 0; direction < 2; direction++) {
    bool answered = false;
    for (uint64_t at = 0; !answered; at += 7) answered = run_cut(kind, direction, at);
  }
}

static void a_call_whose_connection_is_reset_says_where(void **state) {
  (void)state;
  cut_everywhere(SIM_CUT_RESET);
}

static void a_call_whose_connection_ends_says_where(void **state) {
  (void)state;
  cut_everywhere(SIM_CUT_END);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calls_pass_over_networks_of_every_kind),
      cmocka_unit_test(one_byte_a_read_carries_calls),
      cmocka_unit_test(large_messages_pass_through_small_buffers),
      cmocka_unit_test(a_call_whose_connection_is_reset_says_where),
      cmocka_unit_test(a_call_whose_connection_ends_says_where),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
