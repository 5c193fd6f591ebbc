/*
 * Metadata beside an array of strings: what may be added, what a header field brings, what is written to the wire and read again,
 * copies, and searches; keys and values right and wrong, binary ones joined by commas, padded or not.
 */
#include "wire/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "models/model.h"
#include "support/plain_base64.h"

const unsigned model_short_rounds = 1500;

enum { ENTRIES = 600, TEXT_MOST = 700, KEY_MOST = 40 };

struct entry {
  char key[KEY_MOST + 1];
  uint8_t value[TEXT_MOST];
  size_t key_len, value_len;
};

struct list {
  struct entry entries[ENTRIES];
  size_t count;
};

static fc_slice key_of(const struct entry *e) {
  return (fc_slice){(const uint8_t *)e->key, e->key_len};
}
static fc_slice value_of(const struct entry *e) { return (fc_slice){e->value, e->value_len}; }

/* ---- the rules: PROTOCOL-HTTP2.md, Custom-Metadata ---- */

static bool is_binary(const struct entry *e) {
  return e->key_len > 4 && strcmp(e->key + e->key_len - 4, "-bin") == 0;
}

static bool key_is_right(const struct entry *e) {
  static const char *const reserved[] = {
      "te",         "content-type",     "content-length",    "connection", "host",
      "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"};
  if (e->key_len == 0 || strncmp(e->key, "grpc-", 5) == 0) return false;
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
    if (strcmp(e->key, reserved[i]) == 0) return false;
  }
  return strspn(e->key, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == e->key_len;
}

static bool value_is_right(const struct entry *e) {
  for (size_t i = 0; i < e->value_len && !is_binary(e); i++) {
    if (e->value[i] < ' ' || e->value[i] > '~') return false;
  }
  return true;
}

/* ---- entries by chance ---- */

static void make_key(struct fc__random *random, struct entry *e) {
  static const char *const keys[] = {
      "a",          "key",     "a-bin", "-bin", "x-bin",      "bin",   "grpc-x",       "grpc-",
      "grpc",       "te",      "tea",   "host", "connection", "x_1.2", "content-type", "te-bin",
      "grpc-x-bin", "upgrade", "key",   "b",    "c-bin",      "a-bin"};
  strcpy(e->key, MODEL_PICK(random, keys));
  if (model_chance(random, 5)) {
    size_t len = model_between(random, 0, KEY_MOST);
    memset(e->key, 'k', len);
    e->key[len] = '\0';
    if (len > 8 && model_chance(random, 50)) strcpy(e->key + len - 4, "-bin");
  }
  size_t len = strlen(e->key);
  if (len && model_chance(random, 5))
    e->key[model_between(random, 0, len - 1)] = (char)model_between(random, 1, 255);
  e->key_len = strlen(e->key);
}

static void make_value(struct fc__random *random, struct entry *e, bool binary) {
  e->value_len = model_between(random, 0, model_chance(random, 5) ? 300 : 20);
  for (size_t i = 0; i < e->value_len; i++) {
    e->value[i] =
        (uint8_t)(binary ? model_between(random, 0, 255) : model_between(random, ' ', '~'));
  }
  if (e->value_len == 0 || !model_chance(random, 15)) return;
  static const uint8_t odd[] = {0x00, 0x1f, 0x20, 0x7e, 0x7f, 0x80, 0xa0, 0xff, ',', '\t'};
  e->value[model_between(random, 0, e->value_len - 1)] = MODEL_PICK(random, odd);
}

/* ---- comparing ---- */

static bool same(fc_slice a, fc_slice b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void check_list(const struct fc_metadata *m, const struct list *l) {
  MODEL_CHECK(fc_metadata_count(m) == l->count, "%zu entries of %zu", fc_metadata_count(m),
              l->count);
  for (size_t i = 0; i < l->count; i++) {
    fc_metadata_entry is = fc_metadata_at(m, i);
    MODEL_CHECK(same(is.key, key_of(&l->entries[i])) && same(is.value, value_of(&l->entries[i])),
                "entry %zu of %zu is another one", i, l->count);
  }
  MODEL_CHECK(fc_metadata_at(m, l->count).key.data == NULL, "an entry behind the last");
}

static void check_find(struct fc__random *random, const struct fc_metadata *m,
                       const struct list *l) {
  struct entry wanted;
  fc_slice value;
  make_key(random, &wanted);
  size_t i = 0;
  while (i < l->count && strcmp(l->entries[i].key, wanted.key) != 0) i++;
  bool found = fc_metadata_find(m, wanted.key, &value);
  MODEL_CHECK(found == (i < l->count), "%s is%s found", wanted.key, found ? "" : " not");
  MODEL_CHECK(!found || same(value, value_of(&l->entries[i])), "another value of %s is found",
              wanted.key);
}

/* ---- adding ---- */

static void add(struct fc__random *random, struct fc_metadata *m, struct list *l) {
  struct entry *e = &l->entries[l->count];
  make_key(random, e);
  make_value(random, e, is_binary(e));
  bool right = key_is_right(e) && value_is_right(e);
  fc_result result = fc_metadata_add(m, e->key, value_of(e), NULL);
  MODEL_CHECK(result == (right ? FC_OK : FC_ERR_INVALID), "\"%s\" with %zu bytes gives %d", e->key,
              e->value_len, result);
  if (right) l->count++;
}

/* One part of a binary field, as some peer may write it. False: it is wrong. */
static bool put_part(struct fc__random *random, struct entry *e, uint8_t *text, size_t *len) {
  e->value_len = model_between(random, 0, 12);
  for (size_t i = 0; i < e->value_len; i++) e->value[i] = (uint8_t)fc__random_next(random);
  if (model_chance(random, 10)) text[(*len)++] = ' ';
  size_t start = *len;
  *len += plain_base64_encode(value_of(e), text + *len);
  if (model_chance(random, 40)) {
    while ((*len - start) % 4) text[(*len)++] = '=';
  }
  if (*len > start && model_chance(random, 3))
    text[start + (*len - start) / 2] = (uint8_t)fc__random_next(random);
  for (size_t i = start; i < *len; i++) {
    if (text[i] == ',' || text[i] == ' ' || text[i] == '\t') text[i] = '!';
  }
  uint8_t plain[TEXT_MOST];
  bool right = plain_base64_decode((fc_slice){text + start, *len - start}, plain, &e->value_len);
  if (right) memcpy(e->value, plain, e->value_len);
  if (model_chance(random, 10)) text[(*len)++] = '\t';
  return right;
}

/* All or nothing: a part that is wrong refuses the field. */
static void add_binary_wire(struct fc__random *random, struct fc_metadata *m, struct list *l,
                            const struct entry *key) {
  static uint8_t text[200 * 40];
  size_t len = 0, parts = model_chance(random, 3) ? model_between(random, 127, 130)
                                                  : model_between(random, 1, 4);
  if (l->count + parts > ENTRIES) return;
  bool right = true;
  for (size_t i = 0; i < parts; i++) {
    struct entry *e = &l->entries[l->count + i];
    strcpy(e->key, key->key);
    e->key_len = key->key_len;
    if (i) text[len++] = ',';
    right = put_part(random, e, text, &len) && right;
  }
  fc_result wanted = !key_is_right(key) ? FC_OK
                     : parts > 128      ? FC_ERR_LIMIT
                     : right            ? FC_OK
                                        : FC_ERR_PROTOCOL;
  fc_result result = fc__metadata_add_wire(m, key_of(key), (fc_slice){text, len});
  MODEL_CHECK(result == wanted, "%s: %.*s gives %d, not %d", key->key, (int)len, text, result,
              wanted);
  if (result == FC_OK && key_is_right(key)) l->count += parts;
}

/* What could not be added is dropped. */
static void add_wire(struct fc__random *random, struct fc_metadata *m, struct list *l) {
  struct entry key;
  make_key(random, &key);
  if (is_binary(&key)) {
    add_binary_wire(random, m, l, &key);
    return;
  }
  struct entry *e = &l->entries[l->count];
  strcpy(e->key, key.key);
  e->key_len = key.key_len;
  make_value(random, e, false);
  fc_result result = fc__metadata_add_wire(m, key_of(e), value_of(e));
  MODEL_CHECK(result == FC_OK, "\"%s\" from the wire gives %d", e->key, result);
  if (key_is_right(e) && value_is_right(e)) l->count++;
}

/* ---- writing ---- */

struct reader {
  const struct list *list;
  size_t at;
  struct fc_metadata *again;
};

static fc_slice trimmed(fc_slice value) {
  while (value.len && value.data[value.len - 1] == ' ') value.len--;
  while (value.len && value.data[0] == ' ') value.data++, value.len--;
  return value;
}

static void take(void *user, fc_slice key, fc_slice value) {
  struct reader *r = user;
  const struct entry *e = &r->list->entries[r->at++];
  uint8_t text[2 * TEXT_MOST];
  fc_slice right = trimmed(value_of(e));
  if (is_binary(e)) right = (fc_slice){text, plain_base64_encode(value_of(e), text)};
  MODEL_CHECK(same(key, key_of(e)) && same(value, right), "entry %zu is written otherwise", r->at);
  MODEL_CHECK(fc__metadata_add_wire(r->again, key, value) == FC_OK, "what was written is refused");
}

static void check_wire(const struct fc_metadata *m, const struct list *l) {
  struct fc_metadata again;
  struct fc__buf scratch;
  struct reader reader = {l, 0, &again};
  fc__metadata_init(&again);
  fc__buf_init(&scratch, 4096);
  MODEL_CHECK(fc__metadata_each_wire(m, &scratch, take, &reader) == FC_OK, "no memory");
  MODEL_CHECK(reader.at == l->count && again.count == l->count, "%zu entries of %zu are written",
              reader.at, l->count);
  for (size_t i = 0; i < l->count; i++) {
    const struct entry *e = &l->entries[i];
    fc_slice right = is_binary(e) ? value_of(e) : trimmed(value_of(e));
    MODEL_CHECK(same(fc_metadata_at(&again, i).value, right), "entry %zu is read otherwise", i);
  }
  fc__metadata_finish(&again);
  fc__buf_finish(&scratch);
}

/* ---- whole lists ---- */

static void check_copy(const struct fc_metadata *m, const struct list *l) {
  fc_metadata *copy = fc_metadata_copy(m);
  MODEL_CHECK(copy, "no memory");
  check_list(copy, l);
  fc_metadata_destroy(copy);
}

/* What the list was some steps ago is appended to what it is now. */
static fc_metadata *earlier;
static struct list earlier_list;

static void keep(const struct fc_metadata *m, const struct list *l) {
  fc_metadata_destroy(earlier);
  earlier = fc_metadata_copy(m);
  earlier_list.count = l->count;
  memcpy(earlier_list.entries, l->entries, l->count * sizeof *l->entries);
}

static void append(struct fc_metadata *m, struct list *l) {
  if (!earlier || l->count + earlier_list.count > ENTRIES - 10) return;
  MODEL_CHECK(fc__metadata_append(m, earlier) == FC_OK, "no memory");
  memcpy(l->entries + l->count, earlier_list.entries, earlier_list.count * sizeof *l->entries);
  l->count += earlier_list.count;
}

/* An entry is added again out of the very memory that may have to grow for it. */
static void repeat(struct fc__random *random, struct fc_metadata *m, struct list *l) {
  if (l->count == 0) return;
  size_t i = model_between(random, 0, l->count - 1);
  fc_metadata_entry entry = fc_metadata_at(m, i);
  MODEL_CHECK(fc__metadata_add_slice(m, entry.key, entry.value) == FC_OK, "no memory");
  l->entries[l->count++] = l->entries[i];
}

static void step(struct fc__random *random, struct fc_metadata *m, struct list *l) {
  size_t what = model_between(random, 0, 99);
  if (what < 40) {
    add(random, m, l);
  } else if (what < 80) {
    add_wire(random, m, l);
  } else if (what < 86) {
    repeat(random, m, l);
  } else if (what < 89) {
    keep(m, l);
  } else if (what < 92) {
    append(m, l);
  } else if (what < 94) {
    fc__metadata_clear(m);
    l->count = 0;
  } else {
    check_find(random, m, l);
  }
}

void model_round(struct fc__random *random) {
  static struct list list;
  fc_metadata *m = fc_metadata_create();
  MODEL_CHECK(m, "no memory");
  list.count = 0;
  for (size_t steps = model_between(random, 1, 60); steps > 0 && list.count < ENTRIES - 1;
       steps--) {
    step(random, m, &list);
    if (model_chance(random, 20)) check_list(m, &list);
  }
  check_list(m, &list);
  check_wire(m, &list);
  check_copy(m, &list);
  fc_metadata_destroy(m);
  fc_metadata_destroy(earlier);
  earlier = NULL;
}
