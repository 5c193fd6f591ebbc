/*
 * grpc-message: what is written is printable ASCII, what is read is UTF-8 without NUL, and what was read
 * once stays the same when it is written and read again.
 */
#include <string.h>

#include "base/utf8.h"
#include "check.h"
#include "wire/percent.h"

static void check_printable(const struct fc__buf *b) {
  for (size_t i = 0; i < b->len; i++) CHECK(b->data[i] >= 0x20 && b->data[i] <= 0x7e);
}

static void check_utf8(const struct fc__buf *b) {
  for (size_t at = 0; at < b->len;) {
    bool valid;
    size_t len = fc__utf8_next((fc_slice){b->data + at, b->len - at}, &valid);
    CHECK(valid && b->data[at] != '\0');
    at += len;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fc__buf text, wire, again;
  fc__buf_init(&text, SIZE_MAX);
  fc__buf_init(&wire, SIZE_MAX);
  fc__buf_init(&again, SIZE_MAX);
  CHECK(fc__percent_encode(&wire, (fc_slice){data, size}));
  check_printable(&wire);
  wire.len = 0;

  CHECK(fc__percent_decode(&text, (fc_slice){data, size}));
  check_utf8(&text);
  CHECK(text.len <= 3 * size);
  CHECK(fc__percent_encode(&wire, (fc_slice){text.data, text.len}));
  check_printable(&wire);
  CHECK(fc__percent_decode(&again, (fc_slice){wire.data, wire.len}));
  CHECK(again.len == text.len && (text.len == 0 || memcmp(again.data, text.data, text.len) == 0));
  fc__buf_finish(&text);
  fc__buf_finish(&wire);
  fc__buf_finish(&again);
  return 0;
}
