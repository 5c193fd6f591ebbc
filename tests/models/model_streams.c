/*
 * The table of streams beside an array, with ids in order, ids that leap and ids that share a home; and what became of streams
 * that are over beside an array of all ids.
 */
#include "http2/streams.h"

#include <stdlib.h>
#include <string.h>

#include "models/model.h"

const unsigned model_short_rounds = 300;

/* ---- the table ---- */

enum { STREAMS = 1200 };

static struct fc__h2_stream streams[STREAMS];
static bool in_table[STREAMS];

/* Distances of 2 fill the table in order; larger powers of two make ids share the few places where they are looked for first. */
static void number_streams(struct fc__random *random, size_t count) {
  static const uint32_t steps[] = {2, 2, 4, 128, 512, 8192, 8192};
  uint32_t first = (uint32_t)model_between(random, 0, 1000) * 2 + 1,
           step = MODEL_PICK(random, steps);
  size_t spread = step < 128 ? 0 : model_between(random, 0, 60);
  for (size_t i = 0; i < count; i++) {
    uint32_t id = first + step * (uint32_t)i + 2 * (uint32_t)model_between(random, 0, spread);
    streams[i] = (struct fc__h2_stream){.id = id};
    in_table[i] = false;
  }
}

static void check_table(const struct fc__h2_table *t, size_t count) {
  size_t inside = 0;
  for (size_t i = 0; i < count; i++) {
    inside += in_table[i];
    struct fc__h2_stream *found = fc__h2_table_find(t, streams[i].id);
    MODEL_CHECK(found == (in_table[i] ? &streams[i] : NULL), "stream %u is%s found", streams[i].id,
                found ? "" : " not");
  }
  MODEL_CHECK(t->count == inside, "%u streams are counted of %zu", t->count, inside);
}

/* The last one to go gives a large table back. */
static void empty_table(struct fc__h2_table *t, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (in_table[i]) fc__h2_table_remove(t, &streams[i]);
    in_table[i] = false;
  }
}

static void play_table(struct fc__random *random) {
  struct fc__h2_table table;
  static const size_t most[] = {20, 20, 300, STREAMS};
  size_t count = model_between(random, 1, model_chance(random, 50) ? 20 : MODEL_PICK(random, most));
  number_streams(random, count);
  fc__h2_table_init(&table);
  for (size_t phases = model_between(random, 1, 6); phases > 0; phases--) {
    unsigned fill = (unsigned)model_between(random, 10, 90);
    for (size_t steps = model_between(random, 1, 2 * count); steps > 0; steps--) {
      size_t i = model_between(random, 0, count - 1);
      bool add = model_chance(random, fill);
      if (add && !in_table[i]) MODEL_CHECK(fc__h2_table_add(&table, &streams[i]), "no memory");
      if (!add && in_table[i]) fc__h2_table_remove(&table, &streams[i]);
      in_table[i] = add;
      if (count <= 20) check_table(&table, count);
    }
    if (model_chance(random, 20)) empty_table(&table, count);
    check_table(&table, count);
  }
  fc__h2_table_finish(&table);
}

/* ---- what became of them ---- */

enum { IDS = 4000 };

static uint8_t past[IDS]; /* by half of the id */

/* The last 512 odd ids up to the highest are remembered. */
static enum fc__h2_past plain_past(uint32_t last, uint32_t id) {
  if (id % 2 == 0 || id > last) return FC__H2_IDLE;
  return last - id >= 1024 ? FC__H2_FORGOTTEN : (enum fc__h2_past)past[id / 2];
}

static void check_history(const struct fc__h2_history *h, uint32_t last, uint32_t id) {
  enum fc__h2_past is = fc__h2_history_find(h, id), right = plain_past(last, id);
  MODEL_CHECK(is == right, "stream %u of %u is told to be %d, not %d", id, last, is, right);
}

static void play_history(struct fc__random *random) {
  struct fc__h2_history history = {0};
  uint32_t last = 0, leap = model_chance(random, 30) ? 700 : 5;
  memset(past, FC__H2_NEVER_OPENED, sizeof past);
  for (;;) {
    uint32_t id = (last + 1) | 1;
    if (model_chance(random, 10)) id += 2 * (uint32_t)model_between(random, 0, leap);
    if (id >= 2 * IDS) break;
    bool leaps = id > last + 100;
    fc__h2_history_open(&history, last = id);
    for (uint32_t i = last; leaps && i > 1 && i + 1030 > last; i -= 2)
      check_history(&history, last, i);
    for (int i = 0; i < 2; i++) {
      size_t back = model_between(random, 0, model_chance(random, 80) ? 20 : 600);
      uint32_t closed = back > last / 2 ? last : last - 2 * (uint32_t)back;
      enum fc__h2_past how = (enum fc__h2_past)model_between(random, 0, 3);
      fc__h2_history_close(&history, closed, how);
      past[closed / 2] = (uint8_t)how;
    }
    for (int i = 0; i < 3; i++) {
      check_history(&history, last, (uint32_t)model_between(random, 0, last + 3));
      check_history(&history, last,
                    last - (uint32_t)model_between(random, 0, last < 1030 ? 0 : 1030));
    }
  }
}

void model_round(struct fc__random *random) {
  play_table(random);
  if (model_chance(random, 50)) play_history(random);
}
