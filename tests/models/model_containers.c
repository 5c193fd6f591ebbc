/*
 * The map, the buffer and the list beside arrays: random changes, then everything that can be asked. Keys of the map are few
 * enough to come again and many enough to make it grow, with lengths around the words that are hashed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "models/model.h"

const unsigned model_short_rounds = 150;

/* ---- the map ---- */

enum { KEYS = 200 };

static struct key {
  uint8_t bytes[24];
  size_t len;
  void *value; /* NULL: not in the map */
} keys[KEYS];
static size_t key_count;

static fc_slice slice_of(const struct key *k) { return (fc_slice){k->bytes, k->len}; }

static bool is_new(const struct key *k) {
  for (const struct key *other = keys; other < k; other++) {
    if (other->len == k->len && memcmp(other->bytes, k->bytes, k->len) == 0) return false;
  }
  return true;
}

/* Alike but for one byte, or for the length. */
static void make_keys(struct fc__random *random) {
  size_t wanted = model_between(random, 1, KEYS);
  for (key_count = 0; key_count < wanted;) {
    struct key *k = &keys[key_count];
    *k = (struct key){.len = model_between(random, 0, sizeof k->bytes)};
    for (int changes = 0; k->len && changes < 2; changes++) {
      k->bytes[model_between(random, 0, k->len - 1)] = (uint8_t)model_between(random, 0, 255);
    }
    if (is_new(k)) key_count++;
  }
}

static void check_map(const struct fc__map *m) {
  size_t count = 0, at = 0, seen = 0;
  fc_slice name;
  void *value;
  for (size_t i = 0; i < key_count; i++) {
    count += keys[i].value != NULL;
    MODEL_CHECK(fc__map_get(m, slice_of(&keys[i])) == keys[i].value, "key %zu has another value",
                i);
  }
  MODEL_CHECK(m->count == count, "the map counts %zu keys of %zu", m->count, count);
  while (fc__map_next(m, &at, &name, &value)) {
    const struct key *k = value;
    MODEL_CHECK(k->value == value && name.len == k->len &&
                    (k->len == 0 || memcmp(name.data, k->bytes, k->len) == 0),
                "an entry that was not put");
    seen++;
  }
  MODEL_CHECK(seen == count, "%zu entries are seen of %zu", seen, count);
}

static void change_map(struct fc__random *random, struct fc__map *m, unsigned fill) {
  struct key *k = &keys[model_between(random, 0, key_count - 1)];
  if (model_chance(random, fill)) {
    void *replaced = m;
    MODEL_CHECK(fc__map_put(m, slice_of(k), k, &replaced), "no memory");
    MODEL_CHECK(replaced == k->value, "another value is replaced");
    k->value = k;
  } else {
    MODEL_CHECK(fc__map_remove(m, slice_of(k)) == k->value, "another value is removed");
    k->value = NULL;
  }
}

static void play_map(struct fc__random *random) {
  struct fc__map map;
  make_keys(random);
  fc__map_init(&map, fc__random_next(random));
  for (size_t phases = model_between(random, 1, 6); phases > 0; phases--) {
    unsigned fill = (unsigned)model_between(random, 10, 90);
    for (size_t steps = model_between(random, 1, 200); steps > 0; steps--) {
      change_map(random, &map, fill);
      if (model_chance(random, 20)) check_map(&map);
    }
    check_map(&map);
  }
  fc__map_finish(&map);
}

/* ---- the buffer ---- */

enum { BUFFER_MOST = 5000 };

static void play_buffer(struct fc__random *random) {
  static uint8_t plain[BUFFER_MOST], added[BUFFER_MOST];
  static const size_t most[] = {0, 1, 63, 64, 65, 1000, BUFFER_MOST};
  size_t max = MODEL_PICK(random, most), len = 0;
  struct fc__buf buf;
  fc__buf_init(&buf, max);
  buf.secret = model_chance(random, 30);
  for (size_t steps = model_between(random, 1, 100); steps > 0; steps--) {
    size_t by = model_between(random, 0, model_chance(random, 10) ? max + 1 : 50);
    if (model_chance(random, 70)) {
      for (size_t i = 0; i < by && i < sizeof added; i++)
        added[i] = (uint8_t)fc__random_next(random);
      bool fits = by <= max - len;
      MODEL_CHECK(fits ? fc__buf_append(&buf, added, by) : !fc__buf_reserve(&buf, by),
                  "%zu bytes behind %zu of %zu are %s", by, len, max, fits ? "refused" : "taken");
      if (fits && by) memcpy(plain + len, added, by);
      if (fits) len += by;
    } else {
      by = by < len ? by : len;
      fc__buf_consume(&buf, by);
      len -= by;
      memmove(plain, plain + by, len);
    }
    MODEL_CHECK(buf.len == len && buf.cap <= max && (len == 0 || memcmp(buf.data, plain, len) == 0),
                "%zu bytes are %zu, or other ones, in room for %zu of %zu", len, buf.len, buf.cap,
                max);
  }
  fc__buf_finish(&buf);
}

/* ---- the list ---- */

enum { NODES = 12 };

struct order {
  struct fc__node list;
  size_t nodes[NODES], count;
};

static struct fc__node nodes[NODES];

static void check_order(struct order *o) {
  struct fc__node *n = &o->list;
  MODEL_CHECK(fc__list_empty(&o->list) == (o->count == 0), "empty or not");
  MODEL_CHECK(fc__list_first(&o->list) == (o->count ? &nodes[o->nodes[0]] : NULL),
              "another is first");
  for (size_t i = 0; i <= o->count; i++) {
    struct fc__node *next = i < o->count ? &nodes[o->nodes[i]] : &o->list;
    MODEL_CHECK(n->next == next && next->prev == n, "the chain breaks at %zu of %zu", i, o->count);
    n = next;
  }
}

static void take_out(struct order *o, size_t node) {
  size_t left = 0;
  for (size_t i = 0; i < o->count; i++) {
    if (o->nodes[i] != node) o->nodes[left++] = o->nodes[i];
  }
  o->count = left;
}

static void play_list(struct fc__random *random) {
  static struct order orders[2];
  for (size_t i = 0; i < 2; i++) {
    orders[i].count = 0;
    fc__node_init(&orders[i].list);
  }
  for (size_t i = 0; i < NODES; i++) fc__node_init(&nodes[i]);
  for (size_t steps = 0; steps < 200; steps++) {
    size_t node = model_between(random, 0, NODES - 1), which = model_between(random, 0, 1);
    struct order *o = &orders[which], *other = &orders[1 - which];
    fc__list_remove(&nodes[node]);
    MODEL_CHECK(!fc__node_linked(&nodes[node]), "what was removed is in a list");
    take_out(o, node);
    take_out(other, node);
    if (model_chance(random, 40)) {
      fc__list_push_back(&o->list, &nodes[node]);
      o->nodes[o->count++] = node;
    } else if (model_chance(random, 60)) {
      fc__list_push_front(&o->list, &nodes[node]);
      memmove(o->nodes + 1, o->nodes, o->count++ * sizeof *o->nodes);
      o->nodes[0] = node;
    } else if (model_chance(random, 20)) {
      fc__list_splice_back(&o->list, &other->list);
      memcpy(o->nodes + o->count, other->nodes, other->count * sizeof *o->nodes);
      o->count += other->count;
      other->count = 0;
    }
    check_order(o);
    check_order(other);
  }
}

void model_round(struct fc__random *random) {
  play_map(random);
  for (int i = 0; i < 5; i++) play_buffer(random);
  play_list(random);
}
