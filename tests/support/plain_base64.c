/* Base64, plainly. */
#include "support/plain_base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool bit_at(fc_slice data, size_t i) {
  return i / 8 < data.len && data.data[i / 8] >> (7 - i % 8) & 1;
}

size_t plain_base64_encode(fc_slice data, uint8_t *out) {
  size_t len = 0;
  for (size_t bit = 0; bit < data.len * 8; bit += 6) {
    unsigned value = 0;
    for (size_t i = 0; i < 6; i++) value = value * 2 + bit_at(data, bit + i);
    out[len++] = (uint8_t)alphabet[value];
  }
  return len;
}

bool plain_base64_decode(fc_slice text, uint8_t *out, size_t *out_len) {
  size_t padding = 0, bits = 0;
  while (padding < text.len && text.data[text.len - 1 - padding] == '=') padding++;
  if (padding > 2 || (padding && text.len % 4)) return false;
  text.len -= padding;
  if (text.len % 4 == 1) return false;
  for (size_t i = 0; i < text.len; i++) {
    const char *at = text.data[i] ? strchr(alphabet, text.data[i]) : NULL;
    if (!at) return false;
    for (int k = 5; k >= 0; k--, bits++) {
      if (bits % 8 == 0) out[bits / 8] = 0;
      out[bits / 8] |= (uint8_t)(((at - alphabet) >> k & 1) << (7 - bits % 8));
    }
  }
  *out_len = bits / 8;
  return true;
}
