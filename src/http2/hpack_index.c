/*
 * Finding a field in the tables. Entries whose hashes share a bucket form a chain; chains and
 * buckets name insertions by number, so evicting an entry leaves nothing to tidy up.
 */
#include "http2/hpack_index.h"

#include <string.h>

_Static_assert((int)FC__HPACK_TABLE_DEFAULT / (int)FC__HPACK_ENTRY_OVERHEAD <= UINT8_MAX,
               "an entry's way back to the next of its chain would not fit");

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

void fc__hpack_wanted_hash_name(struct fc__hpack_wanted *w) {
  w->name_hash =
      w->known->len ? mix(0, (uint64_t)(w->known - fc__hpack_names)) : hash_text(0, w->name);
}

void fc__hpack_wanted_hash(struct fc__hpack_wanted *w) {
  fc__hpack_wanted_hash_name(w);
  w->hash = hash_text(w->name_hash, w->value);
}

static size_t bucket(uint64_t hash) { return hash >> 16 & (FC__HPACK_BUCKETS - 1); }

static bool name_is(const struct fc__hpack_index *x, const struct fc__hpack_entry *entry,
                    const struct fc__hpack_wanted *w) {
  if (entry->token) return entry->token == w->known->token;
  return same(w->name, x->table.block + entry->at, entry->name_len);
}

static size_t dynamic_index(size_t place) { return place + 1 + FC__HPACK_STATIC_COUNT; }

size_t fc__hpack_find_field(const struct fc__hpack_index *x, const struct fc__hpack_wanted *w) {
  uint32_t place = x->inserted - x->fields[bucket(w->hash)];
  while (place < x->table.count) {
    const struct fc__hpack_entry *entry = &x->table.newest[place];
    const uint8_t *value = x->table.block + entry->at + entry->name_len;
    if (entry->hash == (uint16_t)w->hash && same(w->value, value, entry->value_len) &&
        name_is(x, entry, w))
      return dynamic_index(place);
    if (!entry->back) break;
    place += entry->back;
  }
  return 0;
}

/* Only the newest of a bucket is looked at: that costs bytes where two names share one, never
 * correctness. */
size_t fc__hpack_find_name(const struct fc__hpack_index *x, const struct fc__hpack_wanted *w) {
  if (w->known->static_index) return w->known->static_index;
  uint32_t place = x->inserted - x->names[bucket(w->name_hash)];
  return place < x->table.count && name_is(x, &x->table.newest[place], w) ? dynamic_index(place)
                                                                          : 0;
}

size_t fc__hpack_find_static(const struct fc__hpack_wanted *w) {
  size_t first = w->known->static_index;
  for (size_t index = first; index < first + w->known->static_count; index++) {
    fc_slice value = fc__hpack_static[index - 1].value;
    if (same(w->value, value.data, value.len)) return index;
  }
  return 0;
}

/* A field that would take most of the table is not worth what it evicts. */
static bool worth_inserting(const struct fc__hpack_index *x, const struct fc__hpack_wanted *w) {
  return w->name.len + w->value.len + FC__HPACK_ENTRY_OVERHEAD <= x->table.max / 4 * 3;
}

bool fc__hpack_insert(struct fc__hpack_index *x, const struct fc__hpack_wanted *w) {
  if (!worth_inserting(x, w) || !fc__hpack_table_add(&x->table, w->name, w->value, w->known->token))
    return false;
  struct fc__hpack_entry *entry = x->table.newest;
  uint32_t *head = &x->fields[bucket(w->hash)];
  uint32_t number = ++x->inserted;
  entry->hash = (uint16_t)w->hash;
  entry->back = number - *head < x->table.count ? (uint8_t)(number - *head) : 0;
  *head = x->names[bucket(w->name_hash)] = number;
  return true;
}
