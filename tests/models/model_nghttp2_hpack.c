/*
 * nghttp2 as the other end of header compression, both ways: it reads what our encoder writes and writes what our decoder reads.
 * Tables change their size at any time, fields just fit or just do not, and after each block our tables are compared, entry by
 * entry, with what nghttp2 has in its own.
 */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http2/hpack_index.h"
#include "models/model.h"

const unsigned model_short_rounds = 400;

enum { FIELDS_MOST = 16, TEXT_MOST = 5000, STATIC = 61, BLOCK_MOST = 1 << 17 };

struct field {
  uint8_t name[40], value[TEXT_MOST];
  size_t name_len, value_len;
  enum fc__hpack_indexing how;
};

struct list {
  struct field fields[FIELDS_MOST];
  size_t count, reported;
};

/* ---- fields ---- */

static const char *const names[] = {":path",   ":status", "te",  "grpc-status", "content-type",
                                    "referer", "x-a",     "x-b", "trace-bin",   "x-request-id"};
static const char *const values[] = {
    "200", "404", "/", "/index.html",   "/p.S/M",          "trailers",
    "0",   "",    "a", "gzip, deflate", "application/grpc"};

static void set(uint8_t *to, size_t *len, const char *text) {
  *len = strlen(text);
  memcpy(to, text, *len + 1);
}

/* Two values that our encoder can only tell apart byte by byte: all that it keeps of their hashes is equal. */
static char alike[2][8];

static uint64_t kept_of_hash(const char *value) {
  fc_slice name = fc_slice_from_string("x-a");
  struct fc__hpack_wanted w = {name, fc_slice_from_string(value), fc__hpack_name_of(name), 0, 0};
  fc__hpack_wanted_hash(&w);
  return w.hash & ((UINT64_C(1) << 22) - 1); /* 16 bits, and 6 that choose a bucket */
}

static void find_alike(void) {
  static uint16_t first[1 << 22];
  for (unsigned i = 1; i <= UINT16_MAX && !*alike[0]; i++) {
    char value[8];
    snprintf(value, sizeof value, "%06u", i);
    uint16_t *same_hash = &first[kept_of_hash(value)];
    if (*same_hash) {
      snprintf(alike[0], sizeof alike[0], "%06u", *same_hash);
      memcpy(alike[1], value, sizeof value);
    }
    *same_hash = (uint16_t)i;
  }
  MODEL_CHECK(*alike[0], "no two values of 65,535 have a hash in common");
}

/* Lengths around what is left of a table, so that a field just evicts one or just does not. */
static void make_value(struct fc__random *random, struct field *f, size_t left) {
  size_t around = left + model_between(random, 0, 2);
  bool edge = model_chance(random, 25) && around > f->name_len + 33 && around < TEXT_MOST;
  f->value_len = edge ? around - f->name_len - 33 : model_between(random, 0, 60);
  if (!edge && model_chance(random, 3)) f->value_len = model_between(random, 0, TEXT_MOST);
  bool any = model_chance(random, 30);
  for (size_t i = 0; i < f->value_len; i++) {
    f->value[i] = any ? (uint8_t)fc__random_next(random) : (uint8_t)('a' + i % 3);
  }
}

static void make_field(struct fc__random *random, struct field *f, size_t left) {
  set(f->name, &f->name_len, MODEL_PICK(random, names));
  if (model_chance(random, 20)) { /* many names, of which some share a bucket */
    char name[8];
    snprintf(name, sizeof name, "n-%zu", model_between(random, 0, 99));
    set(f->name, &f->name_len, name);
  }
  f->how = model_chance(random, 70) ? FC__HPACK_INDEX
                                    : (enum fc__hpack_indexing)model_between(random, 0, 2);
  if (strcmp((const char *)f->name, "x-a") == 0 && model_chance(random, 30)) {
    set(f->value, &f->value_len, alike[model_between(random, 0, 1)]);
  } else if (model_chance(random, 50)) {
    set(f->value, &f->value_len, MODEL_PICK(random, values));
  } else {
    make_value(random, f, left);
  }
}

static void make_list(struct fc__random *random, struct list *l, size_t max, size_t size) {
  l->count = model_between(random, 0, FIELDS_MOST);
  l->reported = 0;
  for (size_t i = 0; i < l->count; i++) {
    size_t left = model_chance(random, 50) ? max : max - size;
    make_field(random, &l->fields[i], model_chance(random, 30) ? max / 4 * 3 : left);
  }
}

static bool same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len) {
  return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

static void check_next(struct list *l, fc_slice name, fc_slice value, bool never) {
  MODEL_CHECK(l->reported < l->count, "more than %zu fields are read", l->count);
  const struct field *f = &l->fields[l->reported++];
  MODEL_CHECK(same(name.data, name.len, f->name, f->name_len) &&
                  same(value.data, value.len, f->value, f->value_len),
              "field %zu of %zu is read otherwise", l->reported, l->count);
  MODEL_CHECK(never == (f->how == FC__HPACK_NEVER), "field %zu: never indexed or not", l->reported);
}

/* ---- ours to nghttp2 ---- */

static void inflate(nghttp2_hd_inflater *inflater, fc_slice block, struct list *l) {
  for (int flags = 0; !(flags & NGHTTP2_HD_INFLATE_FINAL);) {
    nghttp2_nv nv;
    ssize_t used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block.data, block.len, 1);
    MODEL_CHECK(used >= 0, "nghttp2 refuses our block: %s", nghttp2_strerror((int)used));
    if (used > 0) block.data += used, block.len -= (size_t)used;
    if (!(flags & NGHTTP2_HD_INFLATE_EMIT)) continue;
    check_next(l, (fc_slice){nv.name, nv.namelen}, (fc_slice){nv.value, nv.valuelen},
               nv.flags & NGHTTP2_NV_FLAG_NO_INDEX);
  }
  nghttp2_hd_inflate_end_headers(inflater);
  MODEL_CHECK(l->reported == l->count, "nghttp2 reads %zu of %zu fields", l->reported, l->count);
}

static bool is_in_table(nghttp2_hd_inflater *inflater, const struct field *f) {
  size_t all = nghttp2_hd_inflate_get_num_table_entries(inflater);
  for (size_t index = 1; index <= all; index++) {
    const nghttp2_nv *nv = nghttp2_hd_inflate_get_table_entry(inflater, index);
    if (same(nv->name, nv->namelen, f->name, f->name_len) &&
        same(nv->value, nv->valuelen, f->value, f->value_len))
      return true;
  }
  return false;
}

static void encode(struct fc__hpack_encoder *e, struct fc__buf *out, const struct list *l) {
  for (size_t i = 0; i < l->count; i++) {
    const struct field *f = &l->fields[i];
    fc_slice name = {f->name, f->name_len}, value = {f->value, f->value_len};
    size_t before = out->len;
    MODEL_CHECK(fc__hpack_encode(e, out, name, value, f->how), "no memory");
    MODEL_CHECK(out->len - before <= fc__hpack_bound(name.len, value.len), "longer than its bound");
  }
}

/* A field that is in a table is written as its index, whatever was inserted and evicted meanwhile. */
static void check_is_found(struct fc__random *random, struct fc__hpack_encoder *e,
                           nghttp2_hd_inflater *inflater, struct list *l) {
  uint8_t memory[TEXT_MOST + 200];
  struct fc__buf out = {.data = memory, .cap = sizeof memory, .max = sizeof memory};
  l->count = 1;
  l->reported = 0;
  make_field(random, &l->fields[0], 100);
  if (l->fields[0].how == FC__HPACK_NEVER || !is_in_table(inflater, &l->fields[0])) return;
  encode(e, &out, l);
  MODEL_CHECK(out.len <= 2, "a field that is in the table takes %zu bytes", out.len);
  inflate(inflater, (fc_slice){out.data, out.len}, l);
}

/* Without room for a field nothing has changed, here or in out. */
static void encode_without_room(struct fc__hpack_encoder *e, const struct field *f) {
  uint8_t memory[TEXT_MOST + 100];
  fc_slice name = {f->name, f->name_len}, value = {f->value, f->value_len};
  size_t room = fc__hpack_bound(name.len, value.len) - 1;
  struct fc__buf out = {.data = memory, .cap = room, .max = room};
  uint64_t generation = fc__hpack_encoder_generation(e);
  bool encoded = fc__hpack_encode(e, &out, name, value, f->how) ||
                 fc__hpack_encode_stateless(&out, name, value, true);
  MODEL_CHECK(!encoded && out.len == 0, "a field is encoded past the ceiling");
  MODEL_CHECK(generation == fc__hpack_encoder_generation(e), "the encoder has changed");
}

static void encode_stateless(struct fc__hpack_encoder *e, struct fc__buf *out,
                             const struct list *l) {
  MODEL_CHECK(fc__hpack_encode_updates(e, out), "no memory");
  for (size_t i = 0; i < l->count; i++) {
    const struct field *f = &l->fields[i];
    fc_slice name = {f->name, f->name_len}, value = {f->value, f->value_len};
    bool never = f->how == FC__HPACK_NEVER;
    MODEL_CHECK(fc__hpack_encode_stateless(out, name, value, never), "no memory");
  }
}

/* A replayed block means what it did as long as the generation stays. */
static void replay(struct fc__hpack_encoder *e, nghttp2_hd_inflater *inflater, struct list *l) {
  struct fc__buf again;
  fc__buf_init(&again, BLOCK_MOST);
  uint64_t generation = fc__hpack_encoder_generation(e);
  encode(e, &again, l);
  bool constant = generation == fc__hpack_encoder_generation(e);
  for (int times = constant ? 2 : 1; times > 0; times--) {
    l->reported = 0;
    inflate(inflater, (fc_slice){again.data, again.len}, l);
  }
  fc__buf_finish(&again);
}

static void resize_encoder(struct fc__random *random, struct fc__hpack_encoder *e,
                           nghttp2_hd_inflater *inflater) {
  static const size_t sizes[] = {0, 31, 32, 80, 200, 1000, 4095, 4096, 65536};
  for (size_t times = model_between(random, 1, 2); times > 0; times--) {
    size_t size = MODEL_PICK(random, sizes);
    fc__hpack_encoder_set_table_max(e, size);
    nghttp2_hd_inflate_change_table_size(inflater, size);
  }
  if (model_chance(random, 20)) fc__hpack_encoder_restart(e);
}

static void play_encoder(struct fc__random *random, struct list *l) {
  struct fc__hpack_encoder *e = fc__hpack_encoder_create();
  nghttp2_hd_inflater *inflater;
  struct fc__buf out;
  MODEL_CHECK(e && nghttp2_hd_inflate_new(&inflater) == 0, "no memory");
  fc__buf_init(&out, BLOCK_MOST);
  for (size_t blocks = model_between(random, 1, 40); blocks > 0; blocks--) {
    if (model_chance(random, 20)) resize_encoder(random, e, inflater);
    size_t max = nghttp2_hd_inflate_get_max_dynamic_table_size(inflater);
    make_list(random, l, max, nghttp2_hd_inflate_get_dynamic_table_size(inflater));
    out.len = 0;
    bool first = model_chance(random, 30);
    MODEL_CHECK(!first || fc__hpack_encode_updates(e, &out), "no memory");
    if (l->count) encode_without_room(e, &l->fields[0]);
    if (model_chance(random, 20)) {
      encode_stateless(e, &out, l);
    } else {
      encode(e, &out, l);
    }
    if (l->count == 0) MODEL_CHECK(fc__hpack_encode_updates(e, &out), "no memory");
    inflate(inflater, (fc_slice){out.data, out.len}, l);
    MODEL_CHECK(nghttp2_hd_inflate_get_dynamic_table_size(inflater) <= FC__HPACK_TABLE_DEFAULT,
                "the encoder makes the table larger than it says");
    if (model_chance(random, 30)) replay(e, inflater, l);
    check_is_found(random, e, inflater, l);
  }
  nghttp2_hd_inflate_del(inflater);
  fc__hpack_encoder_destroy(e);
  fc__buf_finish(&out);
}

/* ---- nghttp2 to ours ---- */

static void take(void *user, const struct fc__field *field, size_t size, bool too_large) {
  MODEL_CHECK(!too_large && size == field->name.len + field->value.len + 32, "a field of %zu bytes",
              size);
  check_next(user, field->name, field->value, field->never_indexed);
}

static void decode(struct fc__random *random, struct fc__hpack_decoder *d, fc_slice block,
                   struct list *l) {
  static const size_t chunks[] = {1, 3, 50, SIZE_MAX};
  size_t chunk = MODEL_PICK(random, chunks);
  do {
    size_t len = block.len < chunk ? block.len : chunk;
    uint8_t *exact = malloc(len + 1);
    MODEL_CHECK(exact, "no memory");
    if (len) memcpy(exact, block.data, len);
    enum fc__hpack_result result =
        fc__hpack_decode(d, (fc_slice){exact, len}, len == block.len, take, l);
    MODEL_CHECK(result == FC__HPACK_OK, "what nghttp2 wrote is refused");
    free(exact);
    block.data += len;
    block.len -= len;
  } while (block.len);
  MODEL_CHECK(l->reported == l->count, "%zu of %zu fields are read", l->reported, l->count);
}

static fc_slice deflate(nghttp2_hd_deflater *deflater, struct list *l) {
  static uint8_t block[BLOCK_MOST];
  nghttp2_nv nv[FIELDS_MOST];
  for (size_t i = 0; i < l->count; i++) {
    struct field *f = &l->fields[i];
    nv[i] = (nghttp2_nv){f->name, f->value, f->name_len, f->value_len,
                         f->how == FC__HPACK_NEVER ? NGHTTP2_NV_FLAG_NO_INDEX : 0};
  }
  ssize_t len = nghttp2_hd_deflate_hd(deflater, block, sizeof block, nv, l->count);
  MODEL_CHECK(len >= 0, "nghttp2: %s", nghttp2_strerror((int)len));
  return (fc_slice){block, (size_t)len};
}

/* Reads all that is in nghttp2's dynamic table by its index, and not one more. */
static void check_table(struct fc__random *random, nghttp2_hd_deflater *deflater,
                        struct fc__hpack_decoder *d, struct list *l) {
  size_t all = nghttp2_hd_deflate_get_num_table_entries(deflater);
  for (size_t index = STATIC + 1; index <= all; index++) {
    const nghttp2_nv *nv = nghttp2_hd_deflate_get_table_entry(deflater, index);
    struct field *f = &l->fields[0];
    *f = (struct field){.name_len = nv->namelen, .value_len = nv->valuelen};
    memcpy(f->name, nv->name, nv->namelen);
    memcpy(f->value, nv->value, nv->valuelen);
    l->count = 1;
    l->reported = 0;
    uint8_t block[2] = {(uint8_t)(0x80 | index), (uint8_t)(index - 127)};
    if (index >= 127) block[0] = 0xff;
    decode(random, d, (fc_slice){block, index < 127 ? 1 : 2}, l);
  }
}

static void resize_decoder(struct fc__random *random, struct fc__hpack_decoder *d,
                           nghttp2_hd_deflater *deflater) {
  static const size_t sizes[] = {0, 31, 32, 80, 200, 1000, 4095, 4096};
  for (size_t times = model_between(random, 1, 2); times > 0; times--) {
    size_t size = MODEL_PICK(random, sizes);
    fc__hpack_decoder_set_table_max(d, size);
    nghttp2_hd_deflate_change_table_size(deflater, size);
  }
}

static void play_decoder(struct fc__random *random, struct list *l) {
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(4096, 2 * TEXT_MOST);
  nghttp2_hd_deflater *deflater;
  MODEL_CHECK(d && nghttp2_hd_deflate_new(&deflater, 4096) == 0, "no memory");
  for (size_t blocks = model_between(random, 1, 40); blocks > 0; blocks--) {
    if (model_chance(random, 20)) resize_decoder(random, d, deflater);
    size_t max = nghttp2_hd_deflate_get_max_dynamic_table_size(deflater);
    make_list(random, l, max, nghttp2_hd_deflate_get_dynamic_table_size(deflater));
    if (l->count == 0) continue;
    decode(random, d, deflate(deflater, l), l);
    if (model_chance(random, 20)) check_table(random, deflater, d, l);
  }
  nghttp2_hd_deflate_del(deflater);
  fc__hpack_decoder_destroy(d);
}

void model_round(struct fc__random *random) {
  static struct list list;
  if (!*alike[0]) find_alike();
  play_encoder(random, &list);
  play_decoder(random, &list);
}
