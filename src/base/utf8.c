/*
 * UTF-8, one character at a time. Overlong forms, surrogates and values past U+10FFFF are told by
 * the second byte, whose range depends on the first (Unicode table 3-7).
 */
#include "base/utf8.h"

static bool is_continuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

/* Bytes of the character that begins with lead; 0 for a byte that begins none. */
static size_t length_from_lead(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0; /* a continuation, or an overlong form of ASCII */
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

static bool second_fits(uint8_t lead, uint8_t second) {
  switch (lead) {
    case 0xe0:
      return second >= 0xa0 && second <= 0xbf; /* overlong below */
    case 0xed:
      return second >= 0x80 && second <= 0x9f; /* surrogates above */
    case 0xf0:
      return second >= 0x90 && second <= 0xbf; /* overlong below */
    case 0xf4:
      return second >= 0x80 && second <= 0x8f; /* past U+10FFFF above */
    default:
      return is_continuation(second);
  }
}

size_t fc__utf8_next(fc_slice text, bool *valid) {
  size_t len = length_from_lead(text.data[0]);
  *valid = false;
  if (len == 0) return 1;
  for (size_t i = 1; i < len; i++) {
    if (i == text.len) return i;
    bool fits = i == 1 ? second_fits(text.data[0], text.data[1]) : is_continuation(text.data[i]);
    if (!fits) return i;
  }
  *valid = true;
  return len;
}

size_t fc__utf8_cut(fc_slice text, size_t max) {
  if (text.len <= max) return text.len;
  size_t cut = max;
  while (cut > 0 && is_continuation(text.data[cut])) cut--;
  return cut;
}
