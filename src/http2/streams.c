/*
 * The stream table: linear probing in which entries stand in the order of their distance from home
 * (Robin Hood hashing). Deletion moves entries back until one is at home: at once, where ids follow
 * each other, however long the run. There are no tombstones, so the cost of a look-up does not
 * depend on how many streams there have been.
 */
#include "http2/streams.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum { SLOTS_KEPT = 1024 }; /* a larger table is given back when its last stream has gone */

void fc__h2_table_init(struct fc__h2_table *t) {
  memset(t, 0, sizeof *t);
  t->slots = t->first;
  t->mask = FC__H2_SLOTS_FIRST - 1;
}

void fc__h2_table_finish(struct fc__h2_table *t) {
  if (t->slots != t->first) fc__free(t->slots);
  fc__h2_table_init(t);
}

static uint32_t distance(const struct fc__h2_table *t, uint32_t slot) {
  return (slot - fc__h2_table_home(t, t->slots[slot]->id)) & t->mask;
}

/* An entry gives way to one that is farther from its home. */
static void place(struct fc__h2_table *t, struct fc__h2_stream *s) {
  uint32_t i = fc__h2_table_home(t, s->id);
  for (uint32_t from_home = 0; t->slots[i]; i = (i + 1) & t->mask, from_home++) {
    uint32_t other = distance(t, i);
    if (other >= from_home) continue;
    struct fc__h2_stream *poorer = s;
    s = t->slots[i];
    t->slots[i] = poorer;
    from_home = other;
  }
  t->slots[i] = s;
}

static bool grow(struct fc__h2_table *t) {
  uint32_t old_size = t->mask + 1;
  struct fc__h2_stream **old = t->slots;
  struct fc__h2_stream **slots = fc__alloc_zero(2 * (size_t)old_size * sizeof *slots);
  if (!slots) return false;
  t->slots = slots;
  t->mask = 2 * old_size - 1;
  for (uint32_t i = 0; i < old_size; i++) {
    if (old[i]) place(t, old[i]);
  }
  if (old != t->first) fc__free(old);
  return true;
}

bool fc__h2_table_add(struct fc__h2_table *t, struct fc__h2_stream *s) {
  if (2 * (t->count + 1) > t->mask + 1 && !grow(t)) return false;
  place(t, s);
  t->count++;
  return true;
}

void fc__h2_table_remove(struct fc__h2_table *t, struct fc__h2_stream *s) {
  uint32_t hole = fc__h2_table_home(t, s->id);
  while (t->slots[hole] != s) {
    assert(t->slots[hole] && "a stream that is removed is in the table");
    hole = (hole + 1) & t->mask;
  }
  for (uint32_t i; t->slots[i = (hole + 1) & t->mask] && distance(t, i) > 0; hole = i) {
    t->slots[hole] = t->slots[i];
  }
  t->slots[hole] = NULL;
  if (--t->count == 0 && t->mask >= SLOTS_KEPT) fc__h2_table_finish(t);
}

/* ---- streams that are over ---- */

static uint64_t *word_of(struct fc__h2_history *h, uint32_t id, unsigned *shift) {
  uint32_t i = id / 2 % FC__H2_REMEMBERED;
  *shift = i % 32 * 2;
  return &h->bits[i / 32];
}

void fc__h2_history_open(struct fc__h2_history *h, uint32_t id) {
  assert(id > h->last && "stream ids rise");
  uint32_t opened = (id - h->last + 1) / 2; /* with those that were skipped */
  if (opened > FC__H2_REMEMBERED) opened = FC__H2_REMEMBERED;
  for (uint32_t i = id; opened > 0; i -= 2, opened--) {
    unsigned shift;
    uint64_t *word = word_of(h, i, &shift);
    *word &= ~(UINT64_C(3) << shift);
  }
  h->last = id;
}

static bool is_remembered(const struct fc__h2_history *h, uint32_t id) {
  return h->last - id < 2 * FC__H2_REMEMBERED;
}

void fc__h2_history_close(struct fc__h2_history *h, uint32_t id, enum fc__h2_past how) {
  if (!is_remembered(h, id)) return;
  unsigned shift;
  uint64_t *word = word_of(h, id, &shift);
  *word = (*word & ~(UINT64_C(3) << shift)) | (uint64_t)how << shift;
}

enum fc__h2_past fc__h2_history_find(const struct fc__h2_history *h, uint32_t id) {
  /* Even ids are the server's, which opens none: section 8.4. */
  if (id % 2 == 0 || id > h->last) return FC__H2_IDLE;
  if (!is_remembered(h, id)) return FC__H2_FORGOTTEN;
  uint32_t i = id / 2 % FC__H2_REMEMBERED;
  return (enum fc__h2_past)(h->bits[i / 32] >> (i % 32 * 2) & 3);
}
