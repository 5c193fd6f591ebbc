/* What a hostile server does to a channel, and the answer it gets: hostile.md, rows 55 and 56. */
#include "sim/channel_world.h"
#include "support/check.h"

#define S FC_SECOND
#define MS FC_MILLISECOND

/* PROTOCOL-HTTP2.md, Errors. */
static void each_reset_code_has_its_status(void **state) {
  (void)state;
  static const struct {
    uint32_t code;
    fc_code status;
  } rows[] = {
      {FC__H2_NO_ERROR, FC_CODE_INTERNAL},
      {FC__H2_PROTOCOL_ERROR, FC_CODE_INTERNAL},
      {FC__H2_INTERNAL_ERROR, FC_CODE_INTERNAL},
      {FC__H2_FLOW_CONTROL_ERROR, FC_CODE_INTERNAL},
      {FC__H2_SETTINGS_TIMEOUT, FC_CODE_INTERNAL},
      {FC__H2_STREAM_CLOSED, FC_CODE_INTERNAL},
      {FC__H2_FRAME_SIZE_ERROR, FC_CODE_INTERNAL},
      {FC__H2_CANCEL, FC_CODE_CANCELLED},
      {FC__H2_COMPRESSION_ERROR, FC_CODE_INTERNAL},
      {FC__H2_CONNECT_ERROR, FC_CODE_INTERNAL},
      {FC__H2_ENHANCE_YOUR_CALM, FC_CODE_RESOURCE_EXHAUSTED},
      {FC__H2_INADEQUATE_SECURITY, FC_CODE_PERMISSION_DENIED},
      {FC__H2_HTTP_1_1_REQUIRED, FC_CODE_INTERNAL},
      {4711, FC_CODE_INTERNAL},
  };
  struct world w;
  world_open(&w);
  world_channel(&w, "ipv4:10.0.0.1:80");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    w.server.resets = 1;
    w.server.reset_code = rows[i].code;
    fc_call *call = world_call(&w, "/s/m", 0, false);
    world_run(&w, 10 * MS);
    world_expect(call, rows[i].status, "RST_STREAM");
    world_exchange(&w); /* the connection lives */
  }
  assert_int_equal(w.server.accepted, 1);
  world_close(&w);
}

/* RFC 9113 section 6.8 */
static void a_goaway_must_not_rise(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.hold = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *calls[3];
  for (int i = 0; i < 3; i++) calls[i] = world_call(&w, "/s/m", 0, false);
  world_run(&w, 10 * MS);
  raw_server_goaway(&w.server, 3, FC__H2_NO_ERROR, "");
  raw_server_goaway(&w.server, 5, FC__H2_NO_ERROR, "");
  world_run(&w, 10 * MS);
  world_expect(calls[0], FC_CODE_UNAVAILABLE, "PROTOCOL_ERROR");
  world_expect(calls[1], FC_CODE_UNAVAILABLE, "PROTOCOL_ERROR");
  world_expect_running(calls[2]); /* made again elsewhere */
  raw_server_answer(&w.server, 1);
  world_run(&w, 10 * MS);
  world_expect(calls[2], FC_CODE_OK, "");
  world_close(&w);
}

static void calls_made_while_a_goaway_is_on_its_way_are_made_again(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  sim_link(w.sim, NULL)->latency = 10 * MS;
  world_channel(&w, "ipv4:10.0.0.1:80");
  world_exchange(&w);
  raw_server_goaway(&w.server, 1, FC__H2_NO_ERROR, "");
  world_run(&w, 9 * MS);
  fc_call *call = world_call(&w, "/s/m", 0, false);
  world_run(&w, 100 * MS);
  world_expect(call, FC_CODE_OK, "");
  assert_int_equal(w.server.accepted, 2);
  world_close(&w);
}

/* A server that tells everybody to go, for ever, uses neither the processor nor the network up. */
static void a_goaway_for_every_connection_ends_in_a_status(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.max_streams = 0;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call = world_call(&w, "/s/m", 60 * S, true);
  for (int i = 0; i < 600; i++) {
    world_run(&w, 100 * MS);
    if (w.server.open) raw_server_goaway(&w.server, 0, FC__H2_NO_ERROR, "");
  }
  world_run(&w, S);
  world_expect(call, FC_CODE_DEADLINE_EXCEEDED, "");
  assert_in_range(w.server.accepted, 3, 15);
  world_close(&w);
}

/* The debug data is text for people from somebody whom they do not trust. */
static void the_status_tells_of_the_goaway_before_the_end(void **state) {
  (void)state;
  struct world w;
  world_open(&w);
  w.server.hold = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call = world_call(&w, "/s/m", 0, false);
  world_run(&w, 10 * MS);
  raw_server_goaway(&w.server, 1, FC__H2_ENHANCE_YOUR_CALM, "too_many\npings\xff");
  world_run(&w, 10 * MS);
  world_expect_running(call);
  raw_server_hang_up(&w.server);
  world_run(&w, 10 * MS);
  world_expect(call, FC_CODE_UNAVAILABLE,
               "closed the connection (GOAWAY ENHANCE_YOUR_CALM: too_many?pings?)");
  world_close(&w);
}

static void a_long_farewell_is_cut(void **state) {
  (void)state;
  char debug[65];
  struct world w;
  world_open(&w);
  w.server.hold = true;
  world_channel(&w, "ipv4:10.0.0.1:80");
  fc_call *call = world_call(&w, "/s/m", 0, false);
  world_run(&w, 10 * MS);
  memset(debug, 'x', sizeof debug - 1);
  debug[sizeof debug - 1] = '\0';
  raw_server_goaway(&w.server, 1, FC__H2_INADEQUATE_SECURITY, debug);
  raw_server_hang_up(&w.server);
  world_run(&w, 10 * MS);
  world_expect(call, FC_CODE_UNAVAILABLE, "xxxxxxxx)");
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_reset_code_has_its_status),
      cmocka_unit_test(a_goaway_must_not_rise),
      cmocka_unit_test(calls_made_while_a_goaway_is_on_its_way_are_made_again),
      cmocka_unit_test(a_goaway_for_every_connection_ends_in_a_status),
      cmocka_unit_test(the_status_tells_of_the_goaway_before_the_end),
      cmocka_unit_test(a_long_farewell_is_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
