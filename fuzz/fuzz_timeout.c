/*
 * grpc-timeout: what is read can be written, and is then read as no shorter; what is written from any
 * number can be read.
 */
#include <string.h>

#include "check.h"
#include "wire/timeout.h"

static int64_t write_and_read(int64_t ns) {
  char text[FC__TIMEOUT_TEXT_MAX];
  int64_t read = -1;
  size_t len = fc__timeout_encode(ns, text);
  CHECK(len >= 2 && len <= FC__TIMEOUT_TEXT_MAX);
  CHECK(fc__timeout_decode((fc_slice){(const uint8_t *)text, len}, &read));
  return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int64_t ns;
  if (fc__timeout_decode((fc_slice){data, size}, &ns)) {
    CHECK(ns >= 0 && size >= 2);
    CHECK(write_and_read(ns) >= ns);
  }
  if (size >= sizeof ns) {
    memcpy(&ns, data, sizeof ns);
    int64_t read = write_and_read(ns);
    CHECK(read >= ns && read > 0);
    CHECK(read == FC_NEVER || read == (ns < 1 ? 1 : ns) || read - ns <= ns / 100000);
  }
  return 0;
}
