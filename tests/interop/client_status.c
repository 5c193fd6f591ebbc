/* How calls end: every code with its message and details, unknown methods, a status before its time. */
#include <stdio.h>
#include <string.h>

#include "client.h"

/* A google.rpc.Status in protobuf, {code, message, details: [Any{type_url: "t", value: "\0\1"}]}; shorter
 * than 128 bytes, so each length is one byte. */
static fc_slice rpc_status(uint8_t *to, int code, const char *message) {
  static const uint8_t details[] = {0x1a, 7, 0x0a, 1, 't', 0x12, 2, 0, 1};
  uint8_t len = (uint8_t)strlen(message);
  const uint8_t begin[] = {0x08, (uint8_t)code, 0x12, len};
  memcpy(to, begin, sizeof begin);
  memcpy(to + sizeof begin, message, len);
  memcpy(to + sizeof begin + len, details, sizeof details);
  return (fc_slice){to, sizeof begin + len + sizeof details};
}

static void code_of(int code) {
  uint8_t bytes[128];
  char number[16], message[80];
  snprintf(number, sizeof number, "%d", code);
  snprintf(message, sizeof message, "code %d: 100%% of\n\tnaïve %%41 ✓ \xf0\x9f\x98\x80", code);
  fc_slice details = rpc_status(bytes, code, message);
  fc_metadata *m = wants("want-code", number, "want-message-bin", message, NULL);
  expect(fc_metadata_add(m, "want-details-bin", details, NULL) == FC_OK, "details refused");
  fc_call *call = ask("/interop.Test/Unary", text("x"), m, NULL);
  const fc_status *status = fc_call_status(call);
  if (expect_code(call, (fc_code)code)) {
    expect(strcmp(status->message, message) == 0, "message '%s'", status->message);
    expect_slice(status->details, details, "details");
    expect(status->origin == FC_ORIGIN_PEER, "origin is local");
  }
  fc_call_destroy(call);
}

static void every_code(void) {
  for (int code = 1; code <= 16; code++) code_of(code);
}

static void code_after_messages(void) {
  fc_metadata *m = wants("want-code", "15", "want-message-bin", "later", NULL);
  fc_call *call = open_call("/interop.Test/Both", FC_PATTERN_STREAM_STREAM, m);
  size_t bytes;
  send_all(call, text("abc"), 3);
  fc_call_close_send(call);
  expect(receive_all(call, &bytes) == 3 && bytes == 9, "%zu bytes before the status", bytes);
  if (expect_code(call, FC_CODE_DATA_LOSS))
    expect(strcmp(fc_call_status(call)->message, "later") == 0, "another message");
  fc_call_destroy(call);
}

static void unimplemented(const char *method) {
  fc_call *call = ask(method, text("x"), NULL, NULL);
  expect_code(call, FC_CODE_UNIMPLEMENTED);
  fc_call_destroy(call);
  expect_alive();
}

static void unknown_method(void) { unimplemented("/interop.Test/Missing"); }

static void unknown_service(void) { unimplemented("/no.Such/Method"); }

/* The status comes while the client has megabytes to send; sending then ends. */
static void status_while_sending(void) {
  fc_metadata *m = wants("want-code", "9", NULL);
  fc_call *call = open_call("/interop.Test/Early", FC_PATTERN_STREAM_STREAM, m);
  fc_result r = FC_OK;
  for (int i = 0; i < 200 && r == FC_OK; i++) r = fc_call_send_copy(call, filler(100000), 0);
  expect(r == FC_ERR_CLOSED, "sending went on: %s", fc_result_text(r));
  expect_code(call, FC_CODE_FAILED_PRECONDITION);
  fc_call_destroy(call);
  expect_alive();
}

static void ok_while_sending(void) {
  fc_call *call = open_call("/interop.Test/Early", FC_PATTERN_STREAM_STREAM, NULL);
  expect_code(call, FC_CODE_OK);
  expect(fc_call_send_copy(call, text("x"), 0) == FC_ERR_CLOSED, "sending goes on");
  fc_call_destroy(call);
}

const struct test_case status_cases[] = {
    {"every_code", every_code},
    {"code_after_messages", code_after_messages},
    {"unknown_method", unknown_method},
    {"unknown_service", unknown_service},
    {"status_while_sending", status_while_sending},
    {"ok_while_sending", ok_while_sending},
    {NULL, NULL},
};
