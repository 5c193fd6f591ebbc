/*
 * Header blocks written plainly, in every representation, against what the decoder reports: fields of all sizes around what
 * the table holds, tables that change their size, strings over the limit, any cuts. A round ends with a block that breaks one
 * rule.
 */
#include <stdlib.h>
#include <string.h>

#include "http2/hpack.h"
#include "models/model.h"
#include "support/plain_hpack.h"

const unsigned model_short_rounds = 400;

enum { FIELDS_MOST = 12, TEXT_MOST = 6000 };

struct text {
  uint8_t bytes[TEXT_MOST];
  size_t len;
};

struct expected {
  struct text name, value;
  bool never;
};

static struct plain_hpack plain;

struct game {
  struct fc__random *random;
  struct fc__hpack_decoder *d;
  size_t limit;       /* what was advertised last */
  size_t update_most; /* of the size that the next block must begin with; SIZE_MAX: it need not */
  size_t max_string;
  struct expected fields[FIELDS_MOST];
  size_t count, reported;
};

static fc_slice slice_of(const struct text *t) { return (fc_slice){t->bytes, t->len}; }

static void set_text(struct text *t, fc_slice from) {
  t->len = from.len;
  if (from.len) memcpy(t->bytes, from.data, from.len);
}

/* ---- what is written ---- */

static const char *const names[] = {
    "a",           "te",          "tx",           ":path",
    "grpc-status", "grpc-stazus", "content-type", "content-tipe",
    "user-agent",  "host",        "hoot",         "x-long-name-of-a-field"};

/* Often so long that the field just fills the table, or what is left of it. */
static size_t some_len(struct game *g, size_t name_len) {
  size_t room = model_chance(g->random, 50) ? plain.max : plain.max - plain.size;
  size_t around = room + model_between(g->random, 0, 2);
  if (model_chance(g->random, 20) && around > name_len + 33 && around < TEXT_MOST)
    return around - name_len - 33;
  if (model_chance(g->random, 10)) return g->max_string + model_between(g->random, 0, 1);
  if (model_chance(g->random, 2)) return 4096;
  return model_between(g->random, 0, model_chance(g->random, 5) ? TEXT_MOST : 40);
}

static void make_field(struct game *g, struct expected *e) {
  set_text(&e->name, fc_slice_from_string(MODEL_PICK(g->random, names)));
  if (model_chance(g->random, 10)) e->name.len = model_between(g->random, 0, 300);
  e->value.len = some_len(g, e->name.len);
  uint8_t fill = (uint8_t)model_between(g->random, '0', '3');
  bool binary = model_chance(g->random, 30);
  memset(e->value.bytes, fill, e->value.len);
  for (size_t i = 0; binary && i < e->value.len; i++) {
    e->value.bytes[i] = (uint8_t)fc__random_next(g->random);
  }
  e->never = model_chance(g->random, 15);
  plain_hpack_put(&plain, g->random, slice_of(&e->name), slice_of(&e->value), e->never);
}

/* One that is in a table, by its index alone. */
static void repeat_field(struct game *g, struct expected *e) {
  fc_slice name, value;
  size_t index = model_between(g->random, 1, PLAIN_HPACK_STATIC + plain.count);
  if (plain.count && model_chance(g->random, 70)) {
    index = PLAIN_HPACK_STATIC + model_between(g->random, 1, plain.count);
  }
  (void)plain_hpack_at(&plain, index, &name, &value);
  set_text(&e->name, name);
  set_text(&e->value, value);
  e->never = false;
  plain_hpack_indexed(&plain, index);
}

/* RFC 7541 section 4.2: at most two, the smallest first, if one is due. */
static void make_updates(struct game *g) {
  bool due = g->update_most != SIZE_MAX;
  if (!due && !model_chance(g->random, 15)) return;
  if (due || model_chance(g->random, 50)) {
    plain_hpack_update(&plain, model_between(g->random, 0, due ? g->update_most : g->limit));
    g->update_most = SIZE_MAX;
  }
  if (model_chance(g->random, 50)) {
    plain_hpack_update(&plain, model_between(g->random, g->limit / 2, g->limit));
  }
}

static void make_block(struct game *g) {
  plain_hpack_begin(&plain);
  make_updates(g);
  size_t count = model_between(g->random, 0, FIELDS_MOST);
  for (g->count = 0; g->count < count; g->count++) {
    struct expected *e = &g->fields[g->count];
    if (model_chance(g->random, 40)) {
      repeat_field(g, e);
    } else {
      make_field(g, e);
    }
  }
}

/* ---- what is reported ---- */

static bool same(fc_slice a, const struct text *b) {
  return a.len == b->len && (a.len == 0 || memcmp(a.data, b->bytes, a.len) == 0);
}

static uint8_t token_of(fc_slice name) {
#define X(token, text)                                                                             \
  if (fc_slice_equals(name, text)) return FC__TOKEN_##token;
  FC__TOKEN_LIST(X)
#undef X
  return FC__TOKEN_NONE;
}

static void take(void *user, const struct fc__field *field, size_t size, bool too_large) {
  struct game *g = user;
  MODEL_CHECK(g->reported < g->count, "a field more than the %zu that were sent", g->count);
  const struct expected *e = &g->fields[g->reported++];
  MODEL_CHECK(size == e->name.len + e->value.len + 32, "field %zu has size %zu", g->reported, size);
  MODEL_CHECK(field->never_indexed == e->never, "field %zu: never indexed or not", g->reported);
  bool large = e->name.len > g->max_string || e->value.len > g->max_string;
  MODEL_CHECK(too_large == large, "field %zu of %zu + %zu bytes is%s too large", g->reported,
              e->name.len, e->value.len, too_large ? "" : " not");
  if (large) return;
  MODEL_CHECK(same(field->name, &e->name) && same(field->value, &e->value), "field %zu differs",
              g->reported);
  MODEL_CHECK(field->token == token_of(field->name), "field %zu has token %u", g->reported,
              field->token);
}

/* Each fragment in memory of its very size. */
static enum fc__hpack_result feed(struct game *g, fc_slice block) {
  static const size_t chunks[] = {1, 2, 3, 17, 400, SIZE_MAX};
  size_t chunk = MODEL_PICK(g->random, chunks);
  enum fc__hpack_result result;
  g->reported = 0;
  do {
    size_t len = chunk == 400 ? model_between(g->random, 0, 400) : chunk;
    if (len > block.len) len = block.len;
    uint8_t *exact = malloc(len ? len : 1);
    MODEL_CHECK(exact, "no memory");
    if (len) memcpy(exact, block.data, len);
    result = fc__hpack_decode(g->d, (fc_slice){exact, len}, len == block.len, take, g);
    free(exact);
    block.data += len;
    block.len -= len;
  } while (block.len && result == FC__HPACK_OK);
  return result;
}

static void check_block(struct game *g) {
  enum fc__hpack_result result = feed(g, plain_hpack_block(&plain));
  MODEL_CHECK(result == FC__HPACK_OK, "a block of %zu fields and %zu bytes is refused", g->count,
              plain.len);
  MODEL_CHECK(g->reported == g->count, "%zu fields are reported of %zu", g->reported, g->count);
}

/* All of the dynamic table, from its oldest entry. */
static void check_table(struct game *g) {
  for (size_t left = plain.count; left > 0;) {
    plain_hpack_begin(&plain);
    for (g->count = 0; g->count < FIELDS_MOST && left > 0; g->count++, left--) {
      struct expected *e = &g->fields[g->count];
      fc_slice name, value;
      (void)plain_hpack_at(&plain, PLAIN_HPACK_STATIC + left, &name, &value);
      set_text(&e->name, name);
      set_text(&e->value, value);
      e->never = false;
      plain_hpack_indexed(&plain, PLAIN_HPACK_STATIC + left);
    }
    check_block(g);
  }
}

/* ---- settings, and what breaks a rule ---- */

static void change_limit(struct game *g) {
  static const size_t limits[] = {0, 31, 32, 33, 64, 100, 500, 1000, 4096, 8000};
  g->limit = MODEL_PICK(g->random, limits);
  fc__hpack_decoder_set_table_max(g->d, g->limit);
  if (g->limit < plain.max && g->limit < g->update_most) g->update_most = g->limit;
}

/* Lowered and raised again before the next block, too: then the lowest must be announced. */
static void change_limits(struct game *g, unsigned percent) {
  while (model_chance(g->random, percent)) {
    change_limit(g);
    percent = 50;
  }
}

static const fc_slice x = {(const uint8_t *)"x", 1};

static void write_broken(struct game *g) {
  plain_hpack_begin(&plain);
  bool due = g->update_most != SIZE_MAX;
  unsigned kind = (unsigned)model_between(g->random, due ? 0 : 2, 7);
  if (due && kind > 1) plain_hpack_update(&plain, g->update_most);
  switch (kind) {
    case 0: /* without the update that is due: RFC 7541 section 4.2 */
      if (model_chance(g->random, 50)) plain_hpack_indexed(&plain, 2);
      if (plain.len == 0) plain_hpack_literal(&plain, PLAIN_LITERAL, 0, x, x, false);
      break;
    case 1: /* to more than was allowed meanwhile */
      plain_hpack_update(&plain, g->update_most + 1);
      break;
    case 2: /* an index past the tables: section 2.3.3 */
      plain_hpack_indexed(&plain, PLAIN_HPACK_STATIC + plain.count + 1);
      break;
    case 3:
      plain_hpack_literal(&plain, PLAIN_LITERAL, PLAIN_HPACK_STATIC + plain.count + 1, x, x, false);
      break;
    case 4: /* a table larger than what was advertised: section 6.3 */
      plain_hpack_update(&plain, g->limit + 1);
      break;
    case 5: /* an update behind a field: section 4.2 */
      plain_hpack_indexed(&plain, 2);
      plain_hpack_update(&plain, 0);
      break;
    case 6: /* one that is cut off */
      plain_hpack_literal(&plain, PLAIN_INSERTED, 0, x, x, false);
      plain.len -= model_between(g->random, 1, 4);
      break;
    default:
      for (int i = 0; i < 3; i++) plain_hpack_update(&plain, 0);
      break;
  }
}

static void check_broken(struct game *g) {
  write_broken(g);
  set_text(&g->fields[0].name, fc_slice_from_string(":method"));
  set_text(&g->fields[0].value, fc_slice_from_string("GET"));
  g->fields[0].never = false;
  g->count = 1;
  MODEL_CHECK(feed(g, plain_hpack_block(&plain)) == FC__HPACK_ERROR, "a broken block is taken");
}

void model_round(struct fc__random *random) {
  static const size_t strings[] = {0, 1, 39, 40, 300, 5000}, limits[] = {0, 64, 4096, 4096};
  static struct game game;
  struct game *g = &game;
  g->random = random;
  g->limit = MODEL_PICK(random, limits);
  g->update_most = SIZE_MAX;
  g->max_string = MODEL_PICK(random, strings);
  plain_hpack_init(&plain, g->limit);
  g->d = fc__hpack_decoder_create(g->limit, g->max_string);
  MODEL_CHECK(g->d, "no memory");
  for (size_t blocks = model_between(random, 1, 40); blocks > 0; blocks--) {
    change_limits(g, 15);
    make_block(g);
    check_block(g);
  }
  check_table(g);
  change_limits(g, 30);
  check_broken(g);
  fc__hpack_decoder_destroy(g->d);
  plain_hpack_finish(&plain);
}
