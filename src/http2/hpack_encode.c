/*
 * Writing header blocks. What is in the dynamic table is found through chains of entries whose
 * hashes share a bucket; chains and buckets name insertions by number, so evicting an entry leaves
 * nothing to tidy up.
 */
#include <string.h>

#include "base/mem.h"
#include "http2/hpack_huffman.h"
#include "http2/hpack_table.h"

enum {
  BUCKETS = 64,
  UPDATES_BYTES = 6, /* two sizes up to 4,096 with a 5-bit prefix */
  FIELD_BYTES = 24,  /* first byte and the integers of a field, with room to spare */
  /* A shorter string would save four bytes, and cost both ends as many instructions as all other fields of a call. */
  CODED_LEAST = 12,
};

_Static_assert((int)FC__HPACK_TABLE_DEFAULT / (int)FC__HPACK_ENTRY_OVERHEAD <= UINT8_MAX,
               "an entry's way back to the next of its chain would not fit");

struct fc__hpack_encoder {
  struct fc__hpack_table table;
  uint64_t generation;
  bool update_due;
  size_t smallest;          /* maximum since the last update that was sent */
  uint32_t inserted;        /* the number of the newest entry; older ones count down */
  uint32_t fields[BUCKETS]; /* the newest insertion with such a hash: the head of a chain */
  uint32_t names[BUCKETS];  /* the newest insertion whose name has such a hash */
};

struct fc__hpack_encoder *fc__hpack_encoder_create(void) {
  struct fc__hpack_encoder *e = fc__alloc_zero(sizeof *e);
  if (!e) return NULL;
  fc__hpack_table_init(&e->table, FC__HPACK_TABLE_DEFAULT);
  e->generation = 1;
  return e;
}

void fc__hpack_encoder_destroy(struct fc__hpack_encoder *e) {
  if (!e) return;
  fc__hpack_table_finish(&e->table);
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
  if (size == e->table.max) return;
  fc__hpack_table_resize(&e->table, size);
  announce(e, size);
}

void fc__hpack_encoder_restart(struct fc__hpack_encoder *e) {
  size_t max = e->table.max;
  fc__hpack_table_resize(&e->table, 0);
  fc__hpack_table_resize(&e->table, max);
  announce(e, 0);
}

/* ---- finding ---- */

/* A field to be written, with what is needed to find it. */
struct wanted {
  fc_slice name, value;
  const struct fc__hpack_name *known;
  uint64_t name_hash, hash;
};

static bool same(fc_slice a, const uint8_t *b, size_t len) {
  return a.len == len && (!len || memcmp(a.data, b, len) == 0);
}

static uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15); /* 2^64 over the golden ratio */
  return hash ^ hash >> 32;
}

/* Reads eight bytes at a time, the last of them twice where the length is no multiple. */
static uint64_t hash_text(uint64_t hash, fc_slice text) {
  uint64_t word = text.len;
  if (text.len >= 8) {
    for (size_t at = 0; at + 8 < text.len; at += 8) {
      memcpy(&word, text.data + at, 8);
      hash = mix(hash, word);
    }
    memcpy(&word, text.data + text.len - 8, 8);
  } else {
    for (size_t i = 0; i < text.len; i++) word = word << 8 | text.data[i];
  }
  return mix(hash, word);
}

static void hash_wanted(struct wanted *w) {
  w->name_hash =
      w->known->len ? mix(0, (uint64_t)(w->known - fc__hpack_names)) : hash_text(0, w->name);
  w->hash = hash_text(w->name_hash, w->value);
}

static size_t bucket(uint64_t hash) { return hash >> 16 & (BUCKETS - 1); }

static bool name_is(const struct fc__hpack_encoder *e, const struct fc__hpack_entry *entry,
                    const struct wanted *w) {
  if (entry->token) return entry->token == w->known->token;
  return same(w->name, e->table.block + entry->at, entry->name_len);
}

static size_t dynamic_index(size_t place) { return place + 1 + FC__HPACK_STATIC_COUNT; }

/* Index of the very field in the dynamic table, or 0. */
static size_t find_field(const struct fc__hpack_encoder *e, const struct wanted *w) {
  uint32_t place = e->inserted - e->fields[bucket(w->hash)];
  while (place < e->table.count) {
    const struct fc__hpack_entry *entry = &e->table.newest[place];
    const uint8_t *value = e->table.block + entry->at + entry->name_len;
    if (entry->hash == (uint16_t)w->hash && same(w->value, value, entry->value_len) &&
        name_is(e, entry, w))
      return dynamic_index(place);
    if (!entry->back) break;
    place += entry->back;
  }
  return 0;
}

/* Index of some field with this name, or 0. Only the newest of a bucket is looked at: that costs
 * bytes where two names share one, never correctness. */
static size_t find_name(const struct fc__hpack_encoder *e, const struct wanted *w) {
  if (w->known->static_index) return w->known->static_index;
  uint32_t place = e->inserted - e->names[bucket(w->name_hash)];
  return place < e->table.count && name_is(e, &e->table.newest[place], w) ? dynamic_index(place)
                                                                          : 0;
}

static size_t find_static_field(const struct wanted *w) {
  size_t first = w->known->static_index;
  for (size_t index = first; index < first + w->known->static_count; index++) {
    fc_slice value = fc__hpack_static[index - 1].value;
    if (same(w->value, value.data, value.len)) return index;
  }
  return 0;
}

/* ---- inserting ---- */

/* A field that would take most of the table is not worth what it evicts. */
static bool worth_inserting(const struct fc__hpack_encoder *e, const struct wanted *w) {
  return w->name.len + w->value.len + FC__HPACK_ENTRY_OVERHEAD <= e->table.max / 4 * 3;
}

static bool insert(struct fc__hpack_encoder *e, const struct wanted *w) {
  if (!worth_inserting(e, w) || !fc__hpack_table_add(&e->table, w->name, w->value, w->known->token))
    return false;
  struct fc__hpack_entry *entry = e->table.newest;
  uint32_t *head = &e->fields[bucket(w->hash)];
  uint32_t number = ++e->inserted;
  entry->hash = (uint16_t)w->hash;
  entry->back = number - *head < e->table.count ? (uint8_t)(number - *head) : 0;
  *head = e->names[bucket(w->name_hash)] = number;
  e->generation++;
  return true;
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
static uint8_t *put_string(uint8_t *to, fc_slice text) {
  size_t coded = text.len < CODED_LEAST ? text.len : fc__huffman_length(text);
  if (coded < text.len) return fc__huffman_encode(put_integer(to, 0x80, 0x7f, coded), text);
  to = put_integer(to, 0, 0x7f, text.len);
  if (text.len) memcpy(to, text.data, text.len);
  return to + text.len;
}

/* Spec: RFC 7541 section 6.2 */
static uint8_t *put_literal(uint8_t *to, unsigned first, unsigned mask, size_t name_index,
                            const struct wanted *w) {
  to = put_integer(to, first, mask, name_index);
  if (!name_index) to = put_string(to, w->name);
  return put_string(to, w->value);
}

/* Spec: RFC 7541 section 6.3 */
static uint8_t *put_updates(struct fc__hpack_encoder *e, uint8_t *to) {
  if (e->smallest < e->table.max) to = put_integer(to, 0x20, 0x1f, e->smallest);
  to = put_integer(to, 0x20, 0x1f, e->table.max);
  e->update_due = false;
  e->generation++;
  return to;
}

static uint8_t *put_field(struct fc__hpack_encoder *e, uint8_t *to, struct wanted *w,
                          enum fc__hpack_indexing how) {
  size_t index = how == FC__HPACK_NEVER ? 0 : find_static_field(w);
  if (index) return put_integer(to, 0x80, 0x7f, index);
  hash_wanted(w);
  if (how == FC__HPACK_NEVER) return put_literal(to, 0x10, 0x0f, find_name(e, w), w);
  index = find_field(e, w);
  if (index) return put_integer(to, 0x80, 0x7f, index);
  index = find_name(e, w); /* as it is before the insertion */
  if (how == FC__HPACK_INDEX && insert(e, w)) return put_literal(to, 0x40, 0x3f, index, w);
  return put_literal(to, 0x00, 0x0f, index, w);
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
  struct wanted w = {name, value, fc__hpack_name_of(name), 0, 0};
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
  struct wanted w = {name, value, fc__hpack_name_of(name), 0, 0};
  size_t index = never_indexed ? 0 : find_static_field(&w);
  if (index) {
    to = put_integer(to, 0x80, 0x7f, index);
  } else {
    to = put_literal(to, never_indexed ? 0x10 : 0x00, 0x0f, w.known->static_index, &w);
  }
  written(out, to);
  return true;
}
