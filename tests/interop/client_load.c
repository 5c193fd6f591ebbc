/* Many calls at once, beyond the server's 100 streams, and many messages in one call. */
#include <pthread.h>

#include "client.h"

enum { CALLS = 1000, MESSAGES = 20000 };

static void thousand_calls(void) {
  static fc_call *calls[CALLS];
  for (size_t i = 0; i < CALLS; i++) {
    fc_call_options options = options_of(FC_PATTERN_UNARY_UNARY, NULL);
    fc_result r =
        fc_unary_unary_future(channel, "/interop.Test/Unary", filler(i), &options, &calls[i], NULL);
    expect(r == FC_OK, "call %zu: %s", i, fc_result_text(r));
  }
  for (size_t i = 0; i < CALLS; i++) {
    fc_bytes *response;
    if (expect_code(calls[i], FC_CODE_OK) && fc_call_recv(calls[i], &response) == FC_OK) {
      expect_slice(fc_bytes_slice(response), filler(i), "response");
      fc_bytes_unref(response);
    }
    fc_call_destroy(calls[i]);
  }
}

static void long_down(void) {
  fc_call_options options =
      options_of(FC_PATTERN_UNARY_STREAM, wants("want-count", "20000", "want-size", "20", NULL));
  fc_call *call;
  size_t bytes;
  fc_result r = fc_unary_stream(channel, "/interop.Test/Down", text("x"), &options, &call, NULL);
  free_options(&options);
  if (!expect(r == FC_OK, "%s", fc_result_text(r))) return;
  expect(receive_all(call, &bytes) == MESSAGES && bytes == 20 * MESSAGES, "%zu bytes", bytes);
  expect_code(call, FC_CODE_OK);
  fc_call_destroy(call);
}

static void long_up(void) {
  fc_call *call = open_call("/interop.Test/Up", FC_PATTERN_STREAM_UNARY, NULL);
  fc_bytes *response;
  send_all(call, filler(20), MESSAGES);
  fc_call_close_send(call);
  if (expect(fc_call_recv(call, &response) == FC_OK, "no response"))
    expect_slice(fc_bytes_slice(response), text("20000 400000"), "response");
  fc_bytes_unref(response);
  expect_code(call, FC_CODE_OK);
  fc_call_destroy(call);
}

static void *send_many(void *call) {
  for (int i = 0; i < MESSAGES; i++)
    if (fc_call_send_copy(call, filler(20), 0) != FC_OK) break;
  fc_call_close_send(call);
  return NULL;
}

/* One thread writes while the other reads. */
static void long_both(void) {
  fc_call *call = open_call("/interop.Test/Both", FC_PATTERN_STREAM_STREAM, NULL);
  pthread_t sender;
  size_t bytes;
  if (!expect(pthread_create(&sender, NULL, send_many, call) == 0, "no thread")) return;
  expect(receive_all(call, &bytes) == MESSAGES && bytes == 20 * MESSAGES, "%zu bytes", bytes);
  pthread_join(sender, NULL);
  expect_code(call, FC_CODE_OK);
  fc_call_destroy(call);
}

const struct test_case load_cases[] = {
    {"thousand_calls", thousand_calls},
    {"long_down", long_down},
    {"long_up", long_up},
    {"long_both", long_both},
    {NULL, NULL},
};
