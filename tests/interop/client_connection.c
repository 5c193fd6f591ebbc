/* Keepalive, servers that go and come back, and waiting for them. */
#include <stdio.h>
#include <string.h>

#include "client.h"

/* Pings every 50 ms while a call waits for 1 s. */
static fc_call *ping_during_a_call(fc_channel *to) {
  fc_call_options options =
      options_of(FC_PATTERN_UNARY_UNARY, wants("want-delay-ms", "1000", NULL));
  fc_call *call = NULL;
  (void)fc_unary_unary(to, "/interop.Test/Unary", text("x"), &options, NULL, &call, NULL);
  free_options(&options);
  return call;
}

static void keepalive(void) {
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  options.keepalive_time_ns = 50 * FC_MILLISECOND;
  options.keepalive_timeout_ns = 5 * FC_SECOND;
  fc_channel *pinging = connect_to(target, &options);
  fc_call *call = ping_during_a_call(pinging);
  expect_code(call, FC_CODE_OK);
  fc_call_destroy(call);
  fc_channel_destroy(pinging);
}

/* A server that does not allow it says "too_many_pings" or "Too many pings", and the call ends UNAVAILABLE. */
static void keepalive_refused(void) {
  fc_channel_options options = FC_CHANNEL_OPTIONS_INIT;
  char address[64] = "";
  fc_bytes *answer;
  fc_call *call = ask("/interop.Test/Strict", text(""), NULL, &answer);
  if (expect_code(call, FC_CODE_OK))
    memcpy(address, fc_bytes_slice(answer).data, fc_bytes_slice(answer).len);
  fc_bytes_unref(answer);
  fc_call_destroy(call);
  options.keepalive_time_ns = 50 * FC_MILLISECOND;
  fc_channel *pinging = connect_to(address, &options);
  call = ping_during_a_call(pinging);
  if (expect_code(call, FC_CODE_UNAVAILABLE))
    expect(strstr(fc_call_status(call)->message, "many") &&
               strstr(fc_call_status(call)->message, "pings"),
           "message '%s'", fc_call_status(call)->message);
  fc_call_destroy(call);
  fc_channel_destroy(pinging);
}

static void stop_server(const char *away_ms) {
  fc_call *call = ask("/interop.Test/Stop", text(away_ms), NULL, NULL);
  expect_code(call, FC_CODE_OK);
  fc_call_destroy(call);
}

static fc_code ask_ready(fc_channel *to, fc_wait_for_ready wait) {
  fc_call_options options = options_of(FC_PATTERN_UNARY_UNARY, NULL);
  options.timeout_ns = 20 * FC_SECOND;
  options.wait_for_ready = wait;
  return fc_unary_unary(to, "/interop.Test/Unary", text("x"), &options, NULL, NULL, NULL);
}

/* The server goes; calls that run end well, and the channel comes back to the one that begins anew. */
static void graceful_stop(void) {
  fc_call_options options = options_of(FC_PATTERN_UNARY_UNARY, wants("want-delay-ms", "700", NULL));
  fc_call *slow;
  fc_call *stream = open_call("/interop.Test/Both", FC_PATTERN_STREAM_STREAM, NULL);
  fc_bytes *message;
  fc_result r =
      fc_unary_unary_future(channel, "/interop.Test/Unary", text("x"), &options, &slow, NULL);
  free_options(&options);
  expect(r == FC_OK, "%s", fc_result_text(r));
  send_all(stream, text("x"), 1);
  expect(fc_call_recv(stream, &message) == FC_OK, "no message");
  fc_bytes_unref(message);
  stop_server("300");
  expect_code(slow, FC_CODE_OK);
  fc_call_destroy(slow);
  send_all(stream, text("x"), 1);
  fc_call_close_send(stream);
  expect(fc_call_recv(stream, &message) == FC_OK, "no message after the stop");
  fc_bytes_unref(message);
  expect_code(stream, FC_CODE_OK);
  fc_call_destroy(stream);
  expect(ask_ready(channel, FC_WAIT_FOR_READY_ON) == FC_CODE_OK, "no reconnection");
  expect_alive();
}

/* While the server is away, a call fails or waits, as it was told; a new channel as well. */
static void wait_for_ready(void) {
  fc_channel *other = connect_to(target, NULL);
  stop_server("1000");
  int64_t begin = now_ms();
  fc_code code; /* CANCELLED too, by a server that is about to go */
  do {
    code = ask_ready(channel, FC_WAIT_FOR_READY_OFF);
  } while (code != FC_CODE_UNAVAILABLE && now_ms() - begin < 900);
  expect(code == FC_CODE_UNAVAILABLE, "%s without a server", fc_code_name(code));
  code = ask_ready(other, FC_WAIT_FOR_READY_ON);
  expect(code == FC_CODE_OK, "%s of a new channel", fc_code_name(code));
  code = ask_ready(channel, FC_WAIT_FOR_READY_ON);
  expect(code == FC_CODE_OK, "%s of the old channel", fc_code_name(code));
  fc_channel_destroy(other);
}

const struct test_case connection_cases[] = {
    {"keepalive", keepalive},
    {"keepalive_refused", keepalive_refused},
    {"graceful_stop", graceful_stop},
    {"wait_for_ready", wait_for_ready},
    {NULL, NULL},
};
