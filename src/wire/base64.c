/*
 * Base64 as "-bin" metadata uses it: the standard alphabet, written without padding, read with and
 * without. Nothing is skipped: a line break or a space is an error.
 */
#include "wire/base64.h"

#include "base/size.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t fc__base64_encoded_len(size_t len) {
  return fc__sum(fc__product(len / 3, 4), len % 3 ? len % 3 + 1 : 0);
}

void fc__base64_encode(fc_slice data, uint8_t *out) {
  size_t i = 0;
  for (; data.len - i >= 3; i += 3, out += 4) {
    uint32_t bits =
        (uint32_t)data.data[i] << 16 | (uint32_t)data.data[i + 1] << 8 | data.data[i + 2];
    out[0] = (uint8_t)alphabet[bits >> 18];
    out[1] = (uint8_t)alphabet[bits >> 12 & 63];
    out[2] = (uint8_t)alphabet[bits >> 6 & 63];
    out[3] = (uint8_t)alphabet[bits & 63];
  }
  size_t rest = data.len - i;
  if (rest == 0) return;
  uint32_t bits = (uint32_t)data.data[i] << 16 | (rest == 2 ? (uint32_t)data.data[i + 1] << 8 : 0);
  out[0] = (uint8_t)alphabet[bits >> 18];
  out[1] = (uint8_t)alphabet[bits >> 12 & 63];
  if (rest == 2) out[2] = (uint8_t)alphabet[bits >> 6 & 63];
}

size_t fc__base64_decoded_max(size_t len) { return len / 4 * 3 + len % 4 * 3 / 4; }

/* The value of a character plus one; 0 is no character of the alphabet. */
static const uint8_t values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* Padding fills the last group of four, or is left out; one '=' too few or too many is an error. */
static bool strip_padding(fc_slice *text) {
  size_t padding = 0;
  while (padding < 2 && text->len > padding && text->data[text->len - 1 - padding] == '=')
    padding++;
  if (padding && text->len % 4 != 0) return false;
  text->len -= padding;
  return text->len % 4 != 1; /* six bits hold no byte */
}

/* Bits that are left over after the last byte are ignored, as RFC 4648 section 3.5 allows. */
bool fc__base64_decode(fc_slice text, uint8_t *out, size_t *out_len) {
  *out_len = 0;
  if (!strip_padding(&text)) return false;
  uint32_t bits = 0;
  int have = 0;
  const uint8_t *start = out;
  for (size_t i = 0; i < text.len; i++) {
    uint32_t value = values[text.data[i]];
    if (value == 0) return false;
    bits = bits << 6 | (value - 1);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    *out++ = (uint8_t)(bits >> have & 0xff);
  }
  *out_len = (size_t)(out - start);
  return true;
}
