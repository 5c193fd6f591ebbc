/* Writing header blocks: the shortest form of each field that the tables offer. */
#include <string.h>

#include "base/mem.h"
#include "http2/hpack_huffman.h"
#include "http2/hpack_index.h"

enum {
  UPDATES_BYTES = 6, /* two sizes up to 4,096 with a 5-bit prefix */
  FIELD_BYTES = 24,  /* first byte and the integers of a field, with room to spare */
  /* A shorter string would save four bytes at most, and cost each end as many instructions as all
     indexed fields of a call. */
  CODED_LEAST = 12,
  /*
   * RFC 7541 section 6.2.3. Secrets are encoded so although other implementations index them, and although that makes a
   * token of 1,000 bytes one byte from the second call on: in a table they stay in memory at both ends, and can be
   * guessed at by whoever sees the lengths of blocks (section 7.1). What would cost is the Huffman code (3.3 us for that
   * token, a sixth of a call on one machine, and as much again to read it), so it is left out: 0.04 us.
   */
  NEVER_INDEXED = 0x10,
};

struct fc__hpack_encoder {
  struct fc__hpack_index index;
  uint64_t generation;
  bool update_due;
  size_t smallest; /* maximum since the last update that was sent */
};

struct fc__hpack_encoder *fc__hpack_encoder_create(void) {
  struct fc__hpack_encoder *e = fc__alloc_zero(sizeof *e);
  if (!e) return NULL;
  fc__hpack_table_init(&e->index.table, FC__HPACK_TABLE_DEFAULT);
  e->generation = 1;
  return e;
}

void fc__hpack_encoder_destroy(struct fc__hpack_encoder *e) {
  if (!e) return;
  fc__hpack_table_finish(&e->index.table);
  fc__free(e);
}

uint64_t fc__hpack_encoder_generation(const struct fc__hpack_encoder *e) { return e->generation; }

/* ---- table size, RFC 7541 section 4.2 ---- */

static void announce(struct fc__hpack_encoder *e, size_t size) {
  if (!e->update_due || size < e->smallest) e->smallest = size;
  e->update_due = true;
  e->generation++;
}

void fc__hpack_encoder_set_table_max(struct fc__hpack_encoder *e, size_t size) {
  if (size > FC__HPACK_TABLE_DEFAULT) size = FC__HPACK_TABLE_DEFAULT;
  if (size == e->index.table.max) return;
  fc__hpack_table_resize(&e->index.table, size);
  announce(e, size);
}

void fc__hpack_encoder_restart(struct fc__hpack_encoder *e) {
  size_t max = e->index.table.max;
  fc__hpack_table_resize(&e->index.table, 0);
  fc__hpack_table_resize(&e->index.table, max);
  announce(e, 0);
}

/* ---- writing ---- */

/* Spec: RFC 7541 section 5.1 */
static uint8_t *put_integer(uint8_t *to, unsigned first, unsigned mask, size_t value) {
  if (value < mask) {
    *to++ = (uint8_t)(first | value);
    return to;
  }
  *to++ = (uint8_t)(first | mask);
  for (value -= mask; value >= 0x80; value >>= 7) *to++ = (uint8_t)(value | 0x80);
  *to++ = (uint8_t)value;
  return to;
}

/* Spec: RFC 7541 section 5.2 */
static uint8_t *put_plain(uint8_t *to, fc_slice text) {
  to = put_integer(to, 0, 0x7f, text.len);
  if (text.len) memcpy(to, text.data, text.len);
  return to + text.len;
}

static uint8_t *put_string(uint8_t *to, fc_slice text) {
  size_t coded = text.len < CODED_LEAST ? text.len : fc__huffman_length(text);
  if (coded >= text.len) return put_plain(to, text);
  return fc__huffman_encode(put_integer(to, 0x80, 0x7f, coded), text);
}

/* Spec: RFC 7541 section 6.2 */
static uint8_t *put_literal(uint8_t *to, unsigned first, unsigned mask, size_t name_index,
                            const struct fc__hpack_wanted *w) {
  to = put_integer(to, first, mask, name_index);
  if (!name_index) to = put_string(to, w->name);
  return first == NEVER_INDEXED ? put_plain(to, w->value) : put_string(to, w->value);
}

/* Spec: RFC 7541 section 6.3 */
static uint8_t *put_updates(struct fc__hpack_encoder *e, uint8_t *to) {
  if (e->smallest < e->index.table.max) to = put_integer(to, 0x20, 0x1f, e->smallest);
  to = put_integer(to, 0x20, 0x1f, e->index.table.max);
  e->update_due = false;
  e->generation++;
  return to;
}

static uint8_t *put_field(struct fc__hpack_encoder *e, uint8_t *to, struct fc__hpack_wanted *w,
                          enum fc__hpack_indexing how) {
  if (how == FC__HPACK_NEVER) {
    fc__hpack_wanted_hash_name(w);
    return put_literal(to, NEVER_INDEXED, 0x0f, fc__hpack_find_name(&e->index, w), w);
  }
  size_t index = fc__hpack_find_static(w);
  if (!index) fc__hpack_wanted_hash(w);
  if (!index) index = fc__hpack_find_field(&e->index, w);
  if (index) return put_integer(to, 0x80, 0x7f, index);
  index = fc__hpack_find_name(&e->index, w); /* as it is before an insertion */
  if (how == FC__HPACK_LITERAL || !fc__hpack_insert(&e->index, w))
    return put_literal(to, 0x00, 0x0f, index, w);
  e->generation++;
  return put_literal(to, 0x40, 0x3f, index, w);
}

/* Nearly always there is room already. */
static uint8_t *reserve(struct fc__buf *out, size_t len) {
  if (out->cap - out->len >= len) return out->data + out->len;
  return fc__buf_reserve(out, len);
}

static void written(struct fc__buf *out, const uint8_t *end) {
  out->len = (size_t)(end - out->data);
}

size_t fc__hpack_bound(size_t name_len, size_t value_len) {
  return UPDATES_BYTES + FIELD_BYTES + name_len + value_len;
}

bool fc__hpack_encode(struct fc__hpack_encoder *e, struct fc__buf *out, fc_slice name,
                      fc_slice value, enum fc__hpack_indexing indexing) {
  uint8_t *to = reserve(out, fc__hpack_bound(name.len, value.len));
  if (!to) return false;
  struct fc__hpack_wanted w = {name, value, fc__hpack_name_of(name), 0, 0};
  if (e->update_due) to = put_updates(e, to);
  written(out, put_field(e, to, &w, indexing));
  return true;
}

bool fc__hpack_encode_updates(struct fc__hpack_encoder *e, struct fc__buf *out) {
  if (!e->update_due) return true;
  uint8_t *to = reserve(out, UPDATES_BYTES);
  if (!to) return false;
  written(out, put_updates(e, to));
  return true;
}

bool fc__hpack_encode_stateless(struct fc__buf *out, fc_slice name, fc_slice value,
                                bool never_indexed) {
  uint8_t *to = reserve(out, fc__hpack_bound(name.len, value.len));
  if (!to) return false;
  struct fc__hpack_wanted w = {name, value, fc__hpack_name_of(name), 0, 0};
  size_t index = never_indexed ? 0 : fc__hpack_find_static(&w);
  if (index) {
    to = put_integer(to, 0x80, 0x7f, index);
  } else {
    to = put_literal(to, never_indexed ? NEVER_INDEXED : 0x00, 0x0f, w.known->static_index, &w);
  }
  written(out, to);
  return true;
}
