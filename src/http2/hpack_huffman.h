#ifndef FC_HTTP2_HPACK_HUFFMAN_H
#define FC_HTTP2_HPACK_HUFFMAN_H
/* The Huffman code of header strings, whole or in pieces. RFC 7541 section 5.2, appendix B */
#include "farcall/base.h"

/* How many bytes the code of text has. */
size_t fc__huffman_length(fc_slice text);

/* Writes the padded code of text to out, fc__huffman_length(text) bytes, and returns its end. */
uint8_t *fc__huffman_encode(uint8_t *out, fc_slice text);

/* Bits that were read and are not a whole code yet; zero it before a string. */
struct fc__huffman {
  uint64_t bits; /* the first is the highest; those not read are 0 */
  unsigned count;
};

/* Most symbols in len bytes and what an earlier piece left: no code is shorter than 5 bits. */
static inline size_t fc__huffman_most(size_t len) { return len + (len / 5 * 3) + 8; }

/* Decodes the next piece of a string. The first room symbols go to out, all are counted in
 * *decoded. False: the string holds EOS, RFC 7541 section 5.2. */
bool fc__huffman_decode(struct fc__huffman *h, fc_slice in, uint8_t *out, size_t room,
                        size_t *decoded);

/* Says whether a string may end here: only padding is left, less than a byte of ones, RFC 7541
 * section 5.2. */
bool fc__huffman_at_end(const struct fc__huffman *h);

#endif
