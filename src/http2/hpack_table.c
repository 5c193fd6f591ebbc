/*
 * The dynamic table. Evicting moves a count; inserting copies two strings behind the others. When
 * the block has no room left, what lives moves to the ends of a new one: never within the same,
 * because the name that is being inserted may lie in an entry that has just been evicted, RFC 7541
 * section 4.4.
 */
#include "http2/hpack_table.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum { SMALLEST_BLOCK = 512, ENTRY = sizeof(struct fc__hpack_entry) };

_Static_assert((int)ENTRY < (int)FC__HPACK_ENTRY_OVERHEAD,
               "the block would not hold what the table may");

void fc__hpack_table_init(struct fc__hpack_table *t, size_t max) {
  *t = (struct fc__hpack_table){.max = max};
}

void fc__hpack_table_finish(struct fc__hpack_table *t) {
  fc__free(t->block);
  fc__hpack_table_init(t, t->max);
}

static size_t entry_size(const struct fc__hpack_entry *e) {
  return (size_t)e->name_len + e->value_len + FC__HPACK_ENTRY_OVERHEAD;
}

/* How many of the newest entries fit into room bytes; their size goes to *size. */
static size_t count_within(const struct fc__hpack_table *t, size_t room, size_t *size) {
  size_t count = t->count;
  *size = t->size;
  while (*size > room) *size -= entry_size(&t->newest[--count]);
  return count;
}

static void evict_to(struct fc__hpack_table *t, size_t room) {
  t->count = count_within(t, room, &t->size);
}

void fc__hpack_table_resize(struct fc__hpack_table *t, size_t max) {
  t->max = max;
  t->generation++;
  evict_to(t, max);
}

/* Blocks double, as far as the table can need: nearly all connections insert a few hundred bytes.
 */
static size_t block_size_for(const struct fc__hpack_table *t, size_t need) {
  size_t most = t->max / ENTRY * ENTRY, size = SMALLEST_BLOCK;
  while (size < need * 2 && size < most) size *= 2;
  return size < most ? size : most;
}

/* Makes a block with room for len more bytes and one more entry, and copies the newest count
 * entries. */
static bool move(struct fc__hpack_table *t, size_t count, size_t len, struct fc__hpack_table *to) {
  size_t start = count ? t->newest[count - 1].at : t->strings_end;
  size_t strings = t->strings_end - start;
  *to = *t;
  to->block_size = block_size_for(t, strings + len + (count + 1) * ENTRY);
  to->block = fc__alloc(to->block_size);
  if (!to->block) return false;
  to->newest = (struct fc__hpack_entry *)(void *)(to->block + to->block_size) - count;
  to->strings_end = strings;
  if (strings) memcpy(to->block, t->block + start, strings);
  for (size_t i = 0; i < count; i++) {
    to->newest[i] = t->newest[i];
    to->newest[i].at -= (uint32_t)start;
  }
  return true;
}

static bool has_room(const struct fc__hpack_table *t, size_t len) {
  if (!t->block) return false;
  size_t entries_at = (size_t)((const uint8_t *)t->newest - t->block);
  return t->strings_end + len + ENTRY <= entries_at;
}

static void append(struct fc__hpack_table *t, fc_slice name, fc_slice value, uint8_t token) {
  uint8_t *to = t->block + t->strings_end;
  if (name.len) memcpy(to, name.data, name.len);
  if (value.len) memcpy(to + name.len, value.data, value.len);
  *--t->newest = (struct fc__hpack_entry){.at = (uint32_t)t->strings_end,
                                          .name_len = (uint32_t)name.len,
                                          .value_len = (uint32_t)value.len,
                                          .token = token};
  t->strings_end += name.len + value.len;
  assert(t->strings_end <= (size_t)((uint8_t *)t->newest - t->block) && "strings ran into entries");
}

bool fc__hpack_table_add(struct fc__hpack_table *t, fc_slice name, fc_slice value, uint8_t token) {
  size_t len = name.len + value.len, added = len + FC__HPACK_ENTRY_OVERHEAD, size;
  t->generation++;
  if (added > t->max) {
    evict_to(t, 0);
    return true;
  }
  size_t count = count_within(t, t->max - added, &size);
  uint8_t *old = NULL;
  if (!has_room(t, len)) {
    struct fc__hpack_table moved;
    if (!move(t, count, len, &moved)) return false;
    old = t->block;
    *t = moved;
  }
  append(t, name, value, token);
  fc__free(old);
  t->count = count + 1;
  t->size = size + added;
  return true;
}
