/* Metadata both ways, in all patterns, and more of it than is allowed. */
#include <stdlib.h>
#include <string.h>

#include "client.h"

static fc_slice all_bytes(void) {
  static uint8_t bytes[256];
  for (int i = 0; i < 256; i++) bytes[i] = (uint8_t)i;
  return (fc_slice){bytes, sizeof bytes};
}

static void add(fc_metadata *metadata, const char *key, fc_slice value) {
  expect(fc_metadata_add(metadata, key, value, NULL) == FC_OK, "%s was refused", key);
}

/* Text, bytes, repeated keys with others between them, and an empty value: under "first-" and "last-". */
static fc_metadata *mixed(void) {
  fc_metadata *m = wants("first-text", "a b, c;d=%41", "first-again", "1", "last-text",
                         "!\"#$%&'()~", "last-again", "1", "last-empty", "", NULL);
  add(m, "first-all-bin", all_bytes());
  add(m, "first-again", text("2"));
  add(m, "last-all-bin", all_bytes());
  add(m, "last-again", text("2"));
  add(m, "last-again-bin", text("x"));
  add(m, "last-again-bin", (fc_slice){0});
  add(m, "last-again-bin", text("yz"));
  return m;
}

static void expect_values(const fc_metadata *metadata, const char *key, const fc_slice *values,
                          size_t count) {
  size_t found = 0;
  for (size_t i = 0; i < fc_metadata_count(metadata); i++) {
    fc_metadata_entry entry = fc_metadata_at(metadata, i);
    if (!fc_slice_equals(entry.key, key)) continue;
    if (found < count) expect_slice(entry.value, values[found], key);
    found++;
  }
  expect(found == count, "%s: %zu values, not %zu", key, found, count);
}

static void expect_value(const fc_metadata *metadata, const char *key, fc_slice value) {
  expect_values(metadata, key, &value, 1);
}

/* Takes the call. */
static void expect_mixed(fc_call *call) {
  const fc_slice again[] = {text("1"), text("2")};
  const fc_slice again_bin[] = {text("x"), text(""), text("yz")};
  const fc_metadata *first;
  if (expect_code(call, FC_CODE_OK) && fc_call_initial_metadata(call, FC_NEVER, &first) == FC_OK) {
    const fc_metadata *last = fc_call_trailing_metadata(call);
    expect_value(first, "first-text", text("a b, c;d=%41"));
    expect_values(first, "first-again", again, 2);
    expect_value(first, "first-all-bin", all_bytes());
    expect_value(last, "last-text", text("!\"#$%&'()~"));
    expect_values(last, "last-again", again, 2);
    expect_value(last, "last-all-bin", all_bytes());
    expect_values(last, "last-again-bin", again_bin, 3);
    expect_value(last, "last-empty", text(""));
  }
  fc_call_destroy(call);
}

static void metadata_unary(void) {
  expect_mixed(ask("/interop.Test/Unary", text("x"), mixed(), NULL));
}

static void metadata_of(const char *method, fc_pattern pattern) {
  fc_call *call = open_call(method, pattern, mixed());
  size_t bytes;
  expect(fc_call_send_copy(call, text("x"), FC_SEND_LAST) == FC_OK, "send failed");
  expect(receive_all(call, &bytes) == 1, "not one message");
  expect_mixed(call);
}

static void metadata_down(void) { metadata_of("/interop.Test/Down", FC_PATTERN_UNARY_STREAM); }

static void metadata_up(void) { metadata_of("/interop.Test/Up", FC_PATTERN_STREAM_UNARY); }

static void metadata_both(void) { metadata_of("/interop.Test/Both", FC_PATTERN_STREAM_STREAM); }

/* The initial metadata is there while the call still runs. */
static void metadata_first_before_messages(void) {
  fc_call *call = open_call("/interop.Test/Both", FC_PATTERN_STREAM_STREAM, mixed());
  const fc_metadata *first;
  fc_slice value;
  fc_result r = fc_call_initial_metadata(call, 10 * FC_SECOND, &first);
  if (expect(r == FC_OK, "initial metadata: %s", fc_result_text(r)))
    expect(fc_metadata_find(first, "first-text", &value), "not in the initial metadata");
  expect(!fc_call_is_done(call), "the call is over");
  fc_call_close_send(call);
  expect_code(call, FC_CODE_OK);
  fc_call_destroy(call);
}

/* With an error and no message, all of it comes in one block. */
static void metadata_with_an_error(void) {
  fc_metadata *m = wants("want-code", "9", "last-text", "why", NULL);
  fc_call *call = ask("/interop.Test/Unary", text("x"), m, NULL);
  if (expect_code(call, FC_CODE_FAILED_PRECONDITION))
    expect_value(fc_call_trailing_metadata(call), "last-text", text("why"));
  fc_call_destroy(call);
}

/* grpcio and farcall take 16 KiB unless told otherwise; grpc-go takes 16 MiB. */
static void metadata_request_too_large(void) {
  fc_slice large = {(const uint8_t *)memset(malloc(20000), 'm', 20000), 20000};
  fc_metadata *m = wants("other", "x", NULL);
  add(m, "large", large);
  free((void *)(uintptr_t)large.data);
  fc_call *call = ask("/interop.Test/Unary", text("x"), m, NULL);
  expect_code(call, strcmp(peer_name, "grpc-go") == 0 ? FC_CODE_OK : FC_CODE_RESOURCE_EXHAUSTED);
  fc_call_destroy(call);
  expect_alive();
}

/* grpc-go does not send what we do not take; the others send it. */
static void metadata_response_too_large(void) {
  fc_call *call =
      ask("/interop.Test/Unary", text("x"), wants("want-last-bytes", "20000", NULL), NULL);
  expect_code(call,
              strcmp(peer_name, "grpc-go") == 0 ? FC_CODE_INTERNAL : FC_CODE_RESOURCE_EXHAUSTED);
  fc_call_destroy(call);
  expect_alive();
}

/* Below the limit, but in many frames. */
static void metadata_of_12000_bytes(void) {
  fc_call *call =
      ask("/interop.Test/Unary", text("x"), wants("want-last-bytes", "12000", NULL), NULL);
  fc_slice value = {0};
  if (expect_code(call, FC_CODE_OK))
    expect(fc_metadata_find(fc_call_trailing_metadata(call), "last-filler", &value) &&
               value.len == 12000,
           "%zu bytes came", value.len);
  fc_call_destroy(call);
}

const struct test_case metadata_cases[] = {
    {"metadata_unary", metadata_unary},
    {"metadata_down", metadata_down},
    {"metadata_up", metadata_up},
    {"metadata_both", metadata_both},
    {"metadata_first_before_messages", metadata_first_before_messages},
    {"metadata_with_an_error", metadata_with_an_error},
    {"metadata_request_too_large", metadata_request_too_large},
    {"metadata_response_too_large", metadata_response_too_large},
    {"metadata_of_12000_bytes", metadata_of_12000_bytes},
    {NULL, NULL},
};
