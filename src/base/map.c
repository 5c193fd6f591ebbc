/*
 * Open addressing with linear probing, at most three quarters full. Removal moves later entries of
 * the run back instead of leaving tombstones, so a table that churns stays as fast as a new one.
 */
#include "base/map.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"

enum { SMALLEST = 8 };

void fc__map_init(struct fc__map *m, uint64_t seed) {
  struct fc__random spread;
  fc__random_init(&spread, seed);
  *m = (struct fc__map){.hash_key.k0 = fc__random_next(&spread)};
  m->hash_key.k1 = fc__random_next(&spread);
}

void fc__map_finish(struct fc__map *m) {
  for (size_t i = 0; i < m->cap; i++) fc__free(m->slots[i].key);
  fc__free(m->slots);
  m->slots = NULL;
  m->count = m->cap = 0;
}

static bool slot_has(const struct fc__map_slot *slot, uint64_t hash, fc_slice key) {
  return slot->hash == hash && slot->key_len == key.len &&
         (key.len == 0 || memcmp(slot->key, key.data, key.len) == 0);
}

/* The slot of the key, or the free one where it belongs: the table is never full. */
static struct fc__map_slot *probe(const struct fc__map *m, uint64_t hash, fc_slice key) {
  size_t i = (size_t)hash & (m->cap - 1);
  while (m->slots[i].key && !slot_has(&m->slots[i], hash, key)) i = (i + 1) & (m->cap - 1);
  return &m->slots[i];
}

static bool make_room(struct fc__map *m) {
  if (m->count < m->cap / 4 * 3) return true;
  struct fc__map larger = *m;
  larger.cap = m->cap ? m->cap * 2 : SMALLEST;
  if (larger.cap > SIZE_MAX / sizeof *m->slots) return false;
  larger.slots = fc__alloc_zero(larger.cap * sizeof *m->slots);
  if (!larger.slots) return false;
  for (size_t i = 0; i < m->cap; i++) {
    const struct fc__map_slot *slot = &m->slots[i];
    if (slot->key) *probe(&larger, slot->hash, (fc_slice){slot->key, slot->key_len}) = *slot;
  }
  fc__free(m->slots);
  *m = larger;
  return true;
}

bool fc__map_put(struct fc__map *m, fc_slice key, void *value, void **replaced) {
  assert(value && "NULL means that there is no entry");
  if (replaced) *replaced = NULL;
  if (!make_room(m)) return false;
  uint64_t hash = fc__hash(&m->hash_key, key);
  struct fc__map_slot *slot = probe(m, hash, key);
  if (slot->key) {
    if (replaced) *replaced = slot->value;
    slot->value = value;
    return true;
  }
  uint8_t *copy = fc__alloc(key.len);
  if (!copy) return false;
  if (key.len) memcpy(copy, key.data, key.len);
  *slot = (struct fc__map_slot){hash, copy, key.len, value};
  m->count++;
  return true;
}

void *fc__map_get(const struct fc__map *m, fc_slice key) {
  return m->count ? probe(m, fc__hash(&m->hash_key, key), key)->value : NULL;
}

/* Closes the gap: an entry further on whose probe began at or before the gap moves into it. */
static void close_gap(struct fc__map *m, size_t gap) {
  size_t mask = m->cap - 1;
  for (size_t i = (gap + 1) & mask; m->slots[i].key; i = (i + 1) & mask) {
    size_t home = (size_t)m->slots[i].hash & mask;
    if (((i - home) & mask) < ((i - gap) & mask)) continue;
    m->slots[gap] = m->slots[i];
    gap = i;
  }
  m->slots[gap] = (struct fc__map_slot){0};
}

void *fc__map_remove(struct fc__map *m, fc_slice key) {
  if (!m->count) return NULL;
  struct fc__map_slot *slot = probe(m, fc__hash(&m->hash_key, key), key);
  void *value = slot->value;
  if (!slot->key) return NULL;
  fc__free(slot->key);
  close_gap(m, (size_t)(slot - m->slots));
  m->count--;
  return value;
}

bool fc__map_next(const struct fc__map *m, size_t *at, fc_slice *key, void **value) {
  while (*at < m->cap && !m->slots[*at].key) ++*at;
  if (*at >= m->cap) return false;
  const struct fc__map_slot *slot = &m->slots[(*at)++];
  *key = (fc_slice){slot->key, slot->key_len};
  *value = slot->value;
  return true;
}
