/*
 * Base64: any data comes back from its text, padded or not; any text that is read stands for data whose
 * own text is read as the same.
 */
#include <string.h>

#include "check.h"
#include "wire/base64.h"

static void check_back(fc_slice text, fc_slice data) {
  uint8_t *back = malloc(fc__base64_decoded_max(text.len) + 1);
  size_t len;
  CHECK(back && fc__base64_decode(text, back, &len));
  CHECK(len == data.len && (len == 0 || memcmp(back, data.data, len) == 0));
  free(back);
}

static void check_data(fc_slice data) {
  size_t len = fc__base64_encoded_len(data.len);
  uint8_t *text = malloc(len + 4);
  CHECK(text);
  fc__base64_encode(data, text);
  check_back((fc_slice){text, len}, data);
  while (len % 4) text[len++] = '=';
  check_back((fc_slice){text, len}, data);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fc_slice input = {data, size};
  check_data(input);
  uint8_t *decoded = malloc(fc__base64_decoded_max(size) + 1);
  size_t len;
  CHECK(decoded);
  if (fc__base64_decode(input, decoded, &len)) {
    CHECK(len <= fc__base64_decoded_max(size));
    check_data((fc_slice){decoded, len});
  }
  free(decoded);
  return 0;
}
