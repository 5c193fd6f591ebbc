#ifndef FC_TESTS_PLAIN_HPACK_H
#define FC_TESTS_PLAIN_HPACK_H
/*
 * A writer of header blocks from RFC 7541 alone, for tests of the decoder: the caller or chance chooses among all
 * representations that are right, the dynamic table is an array of copies. Nothing of the encoder under test is used but the
 * static table and the Huffman code, which are compared with nghttp2's.
 */
#include "base/random.h"
#include "farcall/base.h"

enum { PLAIN_HPACK_ENTRIES = 256, PLAIN_HPACK_ROOM = 1 << 18, PLAIN_HPACK_STATIC = 61 };

struct plain_hpack {
  struct plain_hpack_entry {
    uint8_t *bytes; /* name, then value */
    size_t name_len, value_len;
  } entries[PLAIN_HPACK_ENTRIES]; /* the newest first */
  size_t count, size, max;
  uint8_t block[PLAIN_HPACK_ROOM]; /* being written */
  size_t len;
};

enum plain_hpack_kind { PLAIN_INSERTED = 0x40, PLAIN_LITERAL = 0x00, PLAIN_NEVER = 0x10 };

/* max: the size of the table, at most what PLAIN_HPACK_ENTRIES of 32 bytes come to. */
void plain_hpack_init(struct plain_hpack *p, size_t max);
void plain_hpack_finish(struct plain_hpack *p);

void plain_hpack_begin(struct plain_hpack *p); /* a block */
fc_slice plain_hpack_block(const struct plain_hpack *p);

/* One representation each, right or wrong. */
void plain_hpack_integer(struct plain_hpack *p, unsigned first, unsigned mask, uint64_t value);
void plain_hpack_update(struct plain_hpack *p, size_t max);
void plain_hpack_indexed(struct plain_hpack *p, size_t index);
/* name_index 0: the name is written out. */
void plain_hpack_literal(struct plain_hpack *p, enum plain_hpack_kind kind, size_t name_index,
                         fc_slice name, fc_slice value, bool huffman);

/* What stands at an index of either table; false: nothing. */
bool plain_hpack_at(const struct plain_hpack *p, size_t index, fc_slice *name, fc_slice *value);
/* An index of the field, or with only_name of its name, or 0; chance chooses among several. */
size_t plain_hpack_find(const struct plain_hpack *p, struct fc__random *random, fc_slice name,
                        fc_slice value, bool only_name);

/* A field in any representation that is right for it. */
void plain_hpack_put(struct plain_hpack *p, struct fc__random *random, fc_slice name,
                     fc_slice value, bool never);

#endif
