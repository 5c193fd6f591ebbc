#ifndef FC_HTTP2_HPACK_DATA_H
#define FC_HTTP2_HPACK_DATA_H
/* Constant tables of RFC 7541, made by scripts/hpack_data.py. */
#include "http2/hpack.h"

enum { FC__HPACK_STATIC_COUNT = 61, FC__HUFFMAN_ROWS = 17 };

/* Appendix A; index 1 is at 0. */
extern const struct fc__field fc__hpack_static[FC__HPACK_STATIC_COUNT];

/* Names of the static table and of tokens, found by fc__hpack_name_of without a search. */
struct fc__hpack_name {
  const char *text;
  uint8_t len;
  uint8_t token;        /* enum fc__token */
  uint8_t static_index; /* the first with this name, 0 when there is none */
  uint8_t static_count; /* how many follow one another with this name */
};

extern const struct fc__hpack_name fc__hpack_names[];
extern const uint8_t fc__hpack_name_slots[256]; /* where in fc__hpack_names, 0 for no name */
extern const uint8_t fc__hpack_name_mix[4];     /* of length, first, middle and last byte */

/* Appendix B, for writing: the code of each byte, in the lowest bits. */
extern const uint32_t fc__huffman_codes[256];
extern const uint8_t fc__huffman_lengths[256];

/* For reading: what the next eight bits begin with. */
struct fc__huffman_short {
  uint8_t symbol;
  uint8_t length; /* 0: the code is longer than eight bits, see the rows */
};

extern const struct fc__huffman_short fc__huffman_shorts[256];

/* Longer codes, one row a length. Codes of a length follow one another, and longer codes are
 * greater when written from the highest of 32 bits on. */
struct fc__huffman_row {
  uint32_t first, last; /* of the values that begin with a code of this length */
  uint8_t length;
  uint8_t at; /* of the symbol of the first code, in fc__huffman_long_symbols */
};

extern const struct fc__huffman_row fc__huffman_rows[FC__HUFFMAN_ROWS];
extern const uint8_t fc__huffman_long_symbols[]; /* without EOS, the last code of the last row */

#endif
