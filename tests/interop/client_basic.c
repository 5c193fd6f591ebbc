/* The four patterns, and the orders in which their sides may end. */
#include "client.h"

static void unary_of(fc_slice request) {
  fc_bytes *response;
  fc_call *call = ask("/interop.Test/Unary", request, NULL, &response);
  if (expect_code(call, FC_CODE_OK)) expect_slice(fc_bytes_slice(response), request, "response");
  fc_bytes_unref(response);
  fc_call_destroy(call);
}

static void unary(void) { unary_of(text("hello")); }

static void unary_empty(void) { unary_of((fc_slice){0}); }

static void down_of(const char *count, const char *size, int messages, size_t bytes) {
  fc_call_options options =
      options_of(FC_PATTERN_UNARY_STREAM, wants("want-count", count, "want-size", size, NULL));
  fc_call *call;
  size_t received;
  fc_result r = fc_unary_stream(channel, "/interop.Test/Down", text("go"), &options, &call, NULL);
  free_options(&options);
  if (!expect(r == FC_OK, "%s", fc_result_text(r))) return;
  int got = receive_all(call, &received);
  expect(got == messages && received == bytes, "%d messages of %zu bytes", got, received);
  expect_code(call, FC_CODE_OK);
  fc_call_destroy(call);
}

static void down(void) { down_of("10", "100", 10, 1000); }

static void down_nothing(void) { down_of("0", "100", 0, 0); }

static void down_empty_messages(void) { down_of("10", "0", 10, 0); }

static void up_of(fc_slice message, int count, const char *answer) {
  fc_call *call = open_call("/interop.Test/Up", FC_PATTERN_STREAM_UNARY, NULL);
  fc_bytes *response = NULL;
  send_all(call, message, count);
  fc_call_close_send(call);
  if (expect(fc_call_recv(call, &response) == FC_OK, "no response"))
    expect_slice(fc_bytes_slice(response), text(answer), "response");
  fc_bytes_unref(response);
  expect_code(call, FC_CODE_OK);
  fc_call_destroy(call);
}

static void up(void) { up_of(filler(100), 10, "10 1000"); }

static void up_nothing(void) { up_of(text(""), 0, "0 0"); }

static void up_empty_messages(void) { up_of(text(""), 10, "10 0"); }

static void expect_next(fc_call *call, fc_slice wanted) {
  fc_bytes *message;
  if (expect(fc_call_recv(call, &message) == FC_OK, "no message"))
    expect_slice(fc_bytes_slice(message), wanted, "message");
  fc_bytes_unref(message);
}

static void expect_end(fc_call *call) {
  fc_bytes *message;
  expect(fc_call_recv(call, &message) == FC_END, "a message too many");
  fc_bytes_unref(message);
  expect_code(call, FC_CODE_OK);
}

static void both_ping_pong(void) {
  fc_call *call = open_call("/interop.Test/Both", FC_PATTERN_STREAM_STREAM, NULL);
  for (size_t i = 0; i < 20; i++)
    if (send_all(call, filler(i * 50), 1)) expect_next(call, filler(i * 50));
  fc_call_close_send(call);
  expect_end(call);
  fc_call_destroy(call);
}

static void both_nothing(void) {
  fc_call *call = open_call("/interop.Test/Both", FC_PATTERN_STREAM_STREAM, NULL);
  fc_call_close_send(call);
  expect_end(call);
  fc_call_destroy(call);
}

static void answers_before_half_close(void) {
  fc_call *call = open_call("/interop.Test/Both", FC_PATTERN_STREAM_STREAM, NULL);
  send_all(call, text("one"), 5);
  for (int i = 0; i < 5; i++) expect_next(call, text("one"));
  fc_call_close_send(call);
  expect_end(call);
  fc_call_destroy(call);
}

static void answers_after_half_close(void) {
  fc_call *call = open_call("/interop.Test/Collect", FC_PATTERN_STREAM_STREAM, NULL);
  send_all(call, text("one"), 5);
  fc_call_close_send(call);
  for (int i = 0; i < 5; i++) expect_next(call, text("one"));
  expect_end(call);
  fc_call_destroy(call);
}

static void half_close_with_the_last_message(void) {
  fc_call *call = open_call("/interop.Test/Collect", FC_PATTERN_STREAM_STREAM, NULL);
  send_all(call, text("one"), 1);
  expect(fc_call_send_copy(call, text("two"), FC_SEND_LAST) == FC_OK, "the last send failed");
  expect_next(call, text("one"));
  expect_next(call, text("two"));
  expect_end(call);
  fc_call_destroy(call);
}

const struct test_case basic_cases[] = {
    {"unary", unary},
    {"unary_empty", unary_empty},
    {"down", down},
    {"down_nothing", down_nothing},
    {"down_empty_messages", down_empty_messages},
    {"up", up},
    {"up_nothing", up_nothing},
    {"up_empty_messages", up_empty_messages},
    {"both_ping_pong", both_ping_pong},
    {"both_nothing", both_nothing},
    {"answers_before_half_close", answers_before_half_close},
    {"answers_after_half_close", answers_after_half_close},
    {"half_close_with_the_last_message", half_close_with_the_last_message},
    {NULL, NULL},
};
