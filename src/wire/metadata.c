/*
 * Metadata: all keys and values in one arena, with a table of where they are. A list that is
 * cleared and filled again allocates nothing.
 */
#include "wire/metadata.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/size.h"
#include "wire/metadata_rules.h"

enum { ARENA_SMALLEST = 256, ENTRIES_SMALLEST = 8 };

void fc__metadata_init(struct fc_metadata *m) { *m = (struct fc_metadata){0}; }

void fc__metadata_erase(struct fc_metadata *m) {
  fc__erase(m->arena, m->arena_len);
  m->arena_len = m->count = 0;
  m->secret = false;
}

void fc__metadata_finish(struct fc_metadata *m) {
  fc__metadata_drop_secrets(m);
  fc__free(m->arena);
  fc__free(m->entries);
  fc__metadata_init(m);
}

void fc__metadata_clear(struct fc_metadata *m) {
  fc__metadata_drop_secrets(m);
  m->arena_len = 0;
  m->count = 0;
}

void fc__metadata_guard(struct fc_metadata *m) {
  if (m->secret) return;
  m->secret = true;
  m->secret_from = m->count;
}

fc_metadata *fc_metadata_create(void) { return fc__alloc_zero(sizeof(fc_metadata)); }

void fc_metadata_destroy(fc_metadata *metadata) {
  if (!metadata) return;
  fc__metadata_finish(metadata);
  fc__free(metadata);
}

/* Doubles *cap from its smallest until need fits; offsets have 32 bits, so 2 GiB is the
 * end. secrets: bytes to erase where they were. False: it cannot. */
static bool grow(void **memory, size_t *cap, size_t smallest, size_t need, size_t item,
                 size_t secrets) {
  if (need <= *cap) return true;
  if (need > INT32_MAX) return false;
  size_t larger = *cap ? *cap : smallest;
  while (larger < need) larger *= 2;
  size_t size = fc__product(larger, item);
  void *moved = secrets ? fc__resize_secret(*memory, secrets, size) : fc__resize(*memory, size);
  if (!moved) return false;
  *memory = moved;
  *cap = larger;
  return true;
}

static bool reserve_arena(struct fc_metadata *m, size_t len) {
  void *arena = m->arena;
  size_t secrets = m->secret ? m->arena_len : 0;
  size_t need = fc__sum(m->arena_len, len);
  bool grown = grow(&arena, &m->arena_cap, ARENA_SMALLEST, need, 1, secrets);
  m->arena = arena;
  return grown;
}

static bool reserve_entries(struct fc_metadata *m, size_t more) {
  void *entries = m->entries;
  size_t need = fc__sum(m->count, more);
  bool grown = grow(&entries, &m->cap, ENTRIES_SMALLEST, need, sizeof *m->entries, 0);
  m->entries = entries;
  return grown;
}

bool fc__metadata_reserve(struct fc_metadata *m, size_t entries, size_t key_len, size_t value_len) {
  return reserve_arena(m, fc__sum(key_len, value_len)) && reserve_entries(m, entries);
}

uint32_t fc__metadata_store(struct fc_metadata *m, fc_slice bytes) {
  size_t at = m->arena_len;
  if (bytes.len) memcpy(m->arena + at, bytes.data, bytes.len);
  m->arena_len += bytes.len;
  return (uint32_t)at;
}

/* The place of a slice in the arena, which may be about to move; SIZE_MAX for memory elsewhere. */
static size_t place_in_arena(const struct fc_metadata *m, fc_slice bytes) {
  uintptr_t start = (uintptr_t)m->arena, at = (uintptr_t)bytes.data;
  return m->arena && at >= start && at - start < m->arena_len ? at - start : SIZE_MAX;
}

fc_result fc__metadata_add_slice(struct fc_metadata *m, fc_slice key, fc_slice value) {
  size_t key_place = place_in_arena(m, key), value_place = place_in_arena(m, value);
  if (!fc__metadata_reserve(m, 1, key.len, value.len)) return FC_ERR_NO_MEMORY;
  if (key_place != SIZE_MAX) key.data = m->arena + key_place;
  if (value_place != SIZE_MAX) value.data = m->arena + value_place;
  struct fc__metadata_index *entry = &m->entries[m->count++];
  entry->key_len = (uint32_t)key.len;
  entry->value_len = (uint32_t)value.len;
  entry->key_at = fc__metadata_store(m, key);
  entry->value_at = fc__metadata_store(m, value);
  return FC_OK;
}

fc_result fc_metadata_add(fc_metadata *metadata, const char *key, fc_slice value, fc_error *err) {
  if (!metadata || !key) return fc__error(err, FC_ERR_INVALID, "metadata and key must not be NULL");
  fc_slice name = fc_slice_from_string(key);
  fc_result result = fc__metadata_check(name, value, err);
  if (result != FC_OK) return result;
  if (fc__metadata_key_is_secret(name)) fc__metadata_guard(metadata);
  result = fc__metadata_add_slice(metadata, name, value);
  return result == FC_ERR_NO_MEMORY ? fc__error_no_memory(err) : result;
}

fc_result fc_metadata_add_string(fc_metadata *metadata, const char *key, const char *value,
                                 fc_error *err) {
  if (!value) return fc__error(err, FC_ERR_INVALID, "metadata value must not be NULL");
  return fc_metadata_add(metadata, key, fc_slice_from_string(value), err);
}

fc_result fc__metadata_append(struct fc_metadata *to, const struct fc_metadata *from) {
  size_t count = fc_metadata_count(from);
  if (count == 0) return FC_OK;
  if (!fc__metadata_reserve(to, count, from->arena_len, 0)) return FC_ERR_NO_MEMORY;
  if (from->secret && !to->secret) {
    to->secret = true;
    to->secret_from = to->count + from->secret_from;
  }
  uint32_t base = fc__metadata_store(to, (fc_slice){from->arena, from->arena_len});
  for (size_t i = 0; i < count; i++) {
    struct fc__metadata_index entry = from->entries[i];
    entry.key_at += base;
    entry.value_at += base;
    to->entries[to->count++] = entry;
  }
  return FC_OK;
}

fc_metadata *fc_metadata_copy(const fc_metadata *metadata) {
  if (!metadata) return NULL;
  fc_metadata *copy = fc_metadata_create();
  if (!copy || fc__metadata_append(copy, metadata) == FC_OK) return copy;
  fc_metadata_destroy(copy);
  return NULL;
}

size_t fc_metadata_count(const fc_metadata *metadata) { return metadata ? metadata->count : 0; }

fc_metadata_entry fc_metadata_at(const fc_metadata *metadata, size_t index) {
  if (index >= fc_metadata_count(metadata)) return (fc_metadata_entry){{NULL, 0}, {NULL, 0}};
  const struct fc__metadata_index *entry = &metadata->entries[index];
  return (fc_metadata_entry){{metadata->arena + entry->key_at, entry->key_len},
                             {metadata->arena + entry->value_at, entry->value_len}};
}

bool fc_metadata_find(const fc_metadata *metadata, const char *key, fc_slice *value) {
  if (value) *value = (fc_slice){NULL, 0};
  for (size_t i = 0; i < fc_metadata_count(metadata); i++) {
    fc_metadata_entry entry = fc_metadata_at(metadata, i);
    if (!key || !fc_slice_equals(entry.key, key)) continue;
    if (value) *value = entry.value;
    return true;
  }
  return false;
}
