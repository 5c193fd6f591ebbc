/* Header blocks written plainly. */
#include "support/plain_hpack.h"

#include <stdlib.h>
#include <string.h>

#include "http2/hpack_data.h"
#include "http2/hpack_huffman.h"

void plain_hpack_init(struct plain_hpack *p, size_t max) {
  p->count = p->size = p->len = 0;
  p->max = max;
}

static void evict(struct plain_hpack *p, size_t room) {
  while (p->size > room) {
    struct plain_hpack_entry *oldest = &p->entries[--p->count];
    p->size -= oldest->name_len + oldest->value_len + 32;
    free(oldest->bytes);
  }
}

void plain_hpack_finish(struct plain_hpack *p) { evict(p, 0); }

void plain_hpack_begin(struct plain_hpack *p) { p->len = 0; }

fc_slice plain_hpack_block(const struct plain_hpack *p) { return (fc_slice){p->block, p->len}; }

/* ---- the table, RFC 7541 section 4 ---- */

static void insert(struct plain_hpack *p, fc_slice name, fc_slice value) {
  struct plain_hpack_entry entry = {malloc(name.len + value.len + 1), name.len, value.len};
  if (!entry.bytes) abort();
  if (name.len) memcpy(entry.bytes, name.data, name.len);
  if (value.len) memcpy(entry.bytes + name.len, value.data, value.len);
  size_t size = name.len + value.len + 32;
  evict(p, size <= p->max ? p->max - size : 0);
  if (size > p->max) {
    free(entry.bytes);
    return;
  }
  if (p->count == PLAIN_HPACK_ENTRIES) abort();
  memmove(p->entries + 1, p->entries, p->count * sizeof entry);
  p->entries[0] = entry;
  p->count++;
  p->size += size;
}

bool plain_hpack_at(const struct plain_hpack *p, size_t index, fc_slice *name, fc_slice *value) {
  if (index == 0 || index > PLAIN_HPACK_STATIC + p->count) return false;
  if (index <= PLAIN_HPACK_STATIC) {
    *name = fc__hpack_static[index - 1].name;
    *value = fc__hpack_static[index - 1].value;
    return true;
  }
  const struct plain_hpack_entry *entry = &p->entries[index - 1 - PLAIN_HPACK_STATIC];
  *name = (fc_slice){entry->bytes, entry->name_len};
  *value = (fc_slice){entry->bytes + entry->name_len, entry->value_len};
  return true;
}

static bool same(fc_slice a, fc_slice b) {
  return a.len == b.len && (!a.len || memcmp(a.data, b.data, a.len) == 0);
}

size_t plain_hpack_find(const struct plain_hpack *p, struct fc__random *random, fc_slice name,
                        fc_slice value, bool only_name) {
  size_t found = 0, matches = 0;
  fc_slice a, b;
  for (size_t index = 1; plain_hpack_at(p, index, &a, &b); index++) {
    if (!same(a, name) || (!only_name && !same(b, value))) continue;
    if (fc__random_below(random, ++matches) == 0) found = index;
  }
  return found;
}

/* ---- representations, RFC 7541 sections 5 and 6 ---- */

static void put_byte(struct plain_hpack *p, uint64_t byte) {
  if (p->len == sizeof p->block) abort();
  p->block[p->len++] = (uint8_t)byte;
}

void plain_hpack_integer(struct plain_hpack *p, unsigned first, unsigned mask, uint64_t value) {
  if (value < mask) {
    put_byte(p, first + value);
    return;
  }
  put_byte(p, first + mask);
  for (value -= mask; value >= 128; value /= 128) put_byte(p, 128 + value % 128);
  put_byte(p, value);
}

static void put_string(struct plain_hpack *p, fc_slice text, bool huffman) {
  size_t len = huffman ? fc__huffman_length(text) : text.len;
  plain_hpack_integer(p, huffman ? 0x80 : 0, 0x7f, len);
  if (len > sizeof p->block - p->len) abort();
  if (huffman) {
    fc__huffman_encode(p->block + p->len, text);
  } else if (len) {
    memcpy(p->block + p->len, text.data, len);
  }
  p->len += len;
}

void plain_hpack_update(struct plain_hpack *p, size_t max) {
  plain_hpack_integer(p, 0x20, 0x1f, max);
  p->max = max;
  evict(p, max);
}

void plain_hpack_indexed(struct plain_hpack *p, size_t index) {
  plain_hpack_integer(p, 0x80, 0x7f, index);
}

void plain_hpack_literal(struct plain_hpack *p, enum plain_hpack_kind kind, size_t name_index,
                         fc_slice name, fc_slice value, bool huffman) {
  plain_hpack_integer(p, kind, kind == PLAIN_INSERTED ? 0x3f : 0x0f, name_index);
  if (name_index == 0) put_string(p, name, huffman);
  put_string(p, value, huffman);
  if (kind == PLAIN_INSERTED) insert(p, name, value);
}

void plain_hpack_put(struct plain_hpack *p, struct fc__random *random, fc_slice name,
                     fc_slice value, bool never) {
  uint64_t chance = fc__random_next(random);
  size_t index = plain_hpack_find(p, random, name, value, false);
  if (index && !never && chance % 8) {
    plain_hpack_indexed(p, index);
    return;
  }
  size_t name_index = chance / 8 % 4 ? plain_hpack_find(p, random, name, value, true) : 0;
  enum plain_hpack_kind kind = never             ? PLAIN_NEVER
                               : chance / 32 % 3 ? PLAIN_INSERTED
                                                 : PLAIN_LITERAL;
  plain_hpack_literal(p, kind, name_index, name, value, chance / 128 % 2);
}
