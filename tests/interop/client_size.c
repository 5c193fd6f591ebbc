/* Messages of many frames, messages too large, and windows that one call must not take from another. */
#include <stdio.h>

#include "client.h"

enum { MIB = 1 << 20 };

static void large_unary(void) {
  fc_bytes *response;
  fc_call *call = ask("/interop.Test/Unary", filler(3 * MIB), NULL, &response);
  if (expect_code(call, FC_CODE_OK))
    expect_slice(fc_bytes_slice(response), filler(3 * MIB), "response");
  fc_bytes_unref(response);
  fc_call_destroy(call);
}

static void large_both(void) {
  fc_call *call = open_call("/interop.Test/Both", FC_PATTERN_STREAM_STREAM, NULL);
  for (int i = 0; i < 3; i++) {
    fc_bytes *message;
    send_all(call, filler(3 * MIB), 1);
    if (expect(fc_call_recv(call, &message) == FC_OK, "no message"))
      expect_slice(fc_bytes_slice(message), filler(3 * MIB), "message");
    fc_bytes_unref(message);
  }
  fc_call_close_send(call);
  expect_code(call, FC_CODE_OK);
  fc_call_destroy(call);
}

static void large_up(void) {
  fc_call *call = open_call("/interop.Test/Up", FC_PATTERN_STREAM_UNARY, NULL);
  fc_bytes *response;
  send_all(call, filler(256 * 1024), 64);
  fc_call_close_send(call);
  if (expect(fc_call_recv(call, &response) == FC_OK, "no response"))
    expect_slice(fc_bytes_slice(response), text("64 16777216"), "response");
  fc_bytes_unref(response);
  expect_code(call, FC_CODE_OK);
  fc_call_destroy(call);
}

/* 4 MiB is the limit of the server as of the client. */
static void request_too_large(void) {
  fc_call *call = ask("/interop.Test/Unary", filler(4 * MIB + 1), NULL, NULL);
  expect_code(call, FC_CODE_RESOURCE_EXHAUSTED);
  fc_call_destroy(call);
  expect_alive();
}

static void response_of(const char *size, fc_code code) {
  fc_call *call = ask("/interop.Test/Unary", text("x"), wants("want-size", size, NULL), NULL);
  expect_code(call, code);
  fc_call_destroy(call);
  expect_alive();
}

static void response_too_large(void) { response_of("4194305", FC_CODE_RESOURCE_EXHAUSTED); }

static void response_of_4_mib(void) { response_of("4194304", FC_CODE_OK); }

/* A stream of 20 MB that nobody reads fills its window and no more than that. */
static void unread_stream_stops_no_other(void) {
  fc_call_options options =
      options_of(FC_PATTERN_UNARY_STREAM, wants("want-count", "200", "want-size", "100000", NULL));
  fc_call *unread;
  size_t bytes;
  fc_result r = fc_unary_stream(channel, "/interop.Test/Down", text("x"), &options, &unread, NULL);
  free_options(&options);
  if (!expect(r == FC_OK, "%s", fc_result_text(r))) return;
  large_unary();
  large_both();
  expect(receive_all(unread, &bytes) == 200 && bytes == 20000000, "%zu bytes", bytes);
  expect_code(unread, FC_CODE_OK);
  fc_call_destroy(unread);
}

const struct test_case size_cases[] = {
    {"large_unary", large_unary},
    {"large_both", large_both},
    {"large_up", large_up},
    {"request_too_large", request_too_large},
    {"response_too_large", response_too_large},
    {"response_of_4_mib", response_of_4_mib},
    {"unread_stream_stops_no_other", unread_stream_stops_no_other},
    {NULL, NULL},
};
