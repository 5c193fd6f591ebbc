/* Deadlines and cancellation. */
#include "client.h"

static fc_call *start_wait(const char *id, int64_t timeout_ns) {
  fc_call_options options = options_of(FC_PATTERN_UNARY_UNARY, wants("id", id, NULL));
  fc_call *call = NULL;
  options.timeout_ns = timeout_ns;
  fc_result r =
      fc_unary_unary_future(channel, "/interop.Test/Wait", text("x"), &options, &call, NULL);
  expect(r == FC_OK, "%s", fc_result_text(r));
  free_options(&options);
  return call;
}

static void deadline_passes(void) {
  int64_t begin = now_ms();
  fc_call *call = start_wait("c-deadline", 200 * FC_MILLISECOND);
  expect_code(call, FC_CODE_DEADLINE_EXCEEDED);
  int64_t took = now_ms() - begin;
  expect(took >= 200 && took < 1500, "it took %lld ms", (long long)took);
  fc_call_destroy(call);
  expect_noticed("c-deadline");
}

/* The handler sleeps past the deadline and answers nevertheless. */
static void slow_handler(void) {
  fc_call_options options = options_of(FC_PATTERN_UNARY_UNARY, wants("want-delay-ms", "600", NULL));
  fc_call *call;
  options.timeout_ns = 150 * FC_MILLISECOND;
  (void)fc_unary_unary(channel, "/interop.Test/Unary", text("x"), &options, NULL, &call, NULL);
  free_options(&options);
  expect_code(call, FC_CODE_DEADLINE_EXCEEDED);
  fc_call_destroy(call);
  expect_alive();
}

static void server_sees_the_deadline(void) {
  fc_call_options options = options_of(FC_PATTERN_UNARY_UNARY, NULL);
  fc_call *call;
  options.timeout_ns = 5 * FC_SECOND;
  (void)fc_unary_unary(channel, "/interop.Test/Unary", text("x"), &options, NULL, &call, NULL);
  expect_code(call, FC_CODE_OK);
  long ms = last_number(call, "saw-deadline-ms");
  expect(ms > 3000 && ms <= 5000, "the server saw %ld ms", ms);
  fc_call_destroy(call);
}

static void server_sees_no_deadline(void) {
  fc_call *call;
  (void)fc_unary_unary(channel, "/interop.Test/Unary", text("x"), NULL, NULL, &call, NULL);
  expect_code(call, FC_CODE_OK);
  expect(last_number(call, "saw-deadline-ms") == -1, "the server saw a deadline");
  fc_call_destroy(call);
}

static void cancel_unary(void) {
  fc_call *call = start_wait("c-cancel", 30 * FC_SECOND);
  expect(fc_call_wait(call, 100 * FC_MILLISECOND) == FC_ERR_TIMEOUT, "it did not wait");
  fc_call_cancel(call, FC_CODE_CANCELLED, NULL);
  expect_code(call, FC_CODE_CANCELLED);
  fc_call_destroy(call);
  expect_noticed("c-cancel");
}

static void cancel_stream(void) {
  fc_call *call =
      open_call("/interop.Test/Both", FC_PATTERN_STREAM_STREAM, wants("id", "c-stream", NULL));
  fc_bytes *message;
  send_all(call, text("x"), 1);
  expect(fc_call_recv(call, &message) == FC_OK, "no message");
  fc_bytes_unref(message);
  fc_call_cancel(call, FC_CODE_CANCELLED, NULL);
  expect(fc_call_recv(call, &message) == FC_END, "a message after the end");
  expect_code(call, FC_CODE_CANCELLED);
  fc_call_destroy(call);
  expect_noticed("c-stream");
}

/* A stream of 100 MB is left after its first message, by giving its handle back. */
static void leave_stream(void) {
  fc_call_options options =
      options_of(FC_PATTERN_UNARY_STREAM,
                 wants("want-count", "1000", "want-size", "100000", "id", "c-leave", NULL));
  fc_call *call;
  fc_bytes *message;
  fc_result r = fc_unary_stream(channel, "/interop.Test/Down", text("x"), &options, &call, NULL);
  free_options(&options);
  if (!expect(r == FC_OK, "%s", fc_result_text(r))) return;
  expect(fc_call_recv(call, &message) == FC_OK, "no message");
  fc_bytes_unref(message);
  fc_call_destroy(call);
  expect_noticed("c-leave");
}

const struct test_case time_cases[] = {
    {"deadline_passes", deadline_passes},
    {"slow_handler", slow_handler},
    {"server_sees_the_deadline", server_sees_the_deadline},
    {"server_sees_no_deadline", server_sees_no_deadline},
    {"cancel_unary", cancel_unary},
    {"cancel_stream", cancel_stream},
    {"leave_stream", leave_stream},
    {NULL, NULL},
};
