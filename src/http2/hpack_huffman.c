/*
 * The Huffman code of header strings. Codes of up to eight bits, which is nearly all text, take one
 * look into a table of 512 bytes; longer ones are found by comparing with the first and last code
 * of each length.
 */
#include "http2/hpack_huffman.h"

#include <assert.h>

#include "http2/hpack_data.h"

size_t fc__huffman_length(fc_slice text) {
  size_t bits = 0;
  for (size_t i = 0; i < text.len; i++) bits += fc__huffman_lengths[text.data[i]];
  return (bits + 7) / 8;
}

uint8_t *fc__huffman_encode(uint8_t *out, fc_slice text) {
  uint64_t bits = 0;
  unsigned count = 0;
  for (size_t i = 0; i < text.len; i++) {
    unsigned length = fc__huffman_lengths[text.data[i]];
    bits = bits << length | fc__huffman_codes[text.data[i]];
    for (count += length; count >= 8; count -= 8) *out++ = (uint8_t)(bits >> (count - 8));
  }
  /* Padding is the beginning of EOS: ones. */
  if (count) *out++ = (uint8_t)(bits << (8 - count) | 0xffU >> count);
  return out;
}

enum { EOS_LENGTH = 30, LONGEST = EOS_LENGTH };

static const uint32_t eos_first = UINT32_MAX << (32 - EOS_LENGTH);

/* The code of more than eight bits that top, the next 32 bits, begins with; it is not EOS. */
static unsigned long_code(uint32_t top, uint8_t *symbol) {
  const struct fc__huffman_row *row = fc__huffman_rows;
  while (top > row->last) row++;
  *symbol = fc__huffman_long_symbols[row->at + ((top - row->first) >> (32 - row->length))];
  return row->length;
}

/* Takes bytes from *at up to end while they fit. */
static void refill(struct fc__huffman *h, const uint8_t **at, const uint8_t *end) {
  while (h->count <= 56 && *at < end) {
    h->bits |= (uint64_t) * (*at)++ << (56 - h->count);
    h->count += 8;
  }
}

bool fc__huffman_decode(struct fc__huffman *h, fc_slice in, uint8_t *out, size_t room,
                        size_t *decoded) {
  const uint8_t *at = in.data, *end = in.data + in.len;
  struct fc__huffman left = *h;
  size_t count = 0;
  for (;;) {
    if (left.count < LONGEST) refill(&left, &at, end);
    struct fc__huffman_short code = fc__huffman_shorts[left.bits >> 56];
    unsigned length = code.length;
    if (!length) {
      uint32_t top = (uint32_t)(left.bits >> 32);
      if (top >= eos_first) return false;
      length = long_code(top, &code.symbol);
    }
    /* Bits not read are 0, so a code that was cut off looks longer than what there is. */
    if (length > left.count) break;
    if (count < room) out[count] = code.symbol;
    count++;
    left.bits <<= length;
    left.count -= length;
  }
  assert(at == end && "a code is never longer than what was refilled");
  *h = left;
  *decoded = count;
  return true;
}

bool fc__huffman_at_end(const struct fc__huffman *h) {
  if (h->count >= 8) return false;
  return !h->count || h->bits >> (64 - h->count) == (1U << h->count) - 1;
}
