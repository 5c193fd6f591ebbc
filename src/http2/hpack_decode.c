/*
 * Reading header blocks. One step reads one thing, an integer or a string, as far as the fragment
 * goes; what is unfinished waits in the decoder, so any split of the bytes gives the same fields.
 */
#include "base/mem.h"
#include "http2/hpack_table.h"
#include "http2/hpack_text.h"

/* A limit of ours, RFC 7541 section 5.1: a field of two strings this long, at 5 bits a symbol, is
 * still counted in 32 bits. */
#define INTEGER_MAX UINT32_C(0x0fffffff)

enum {
  /* What 32 bits can need, at most 16 bytes of padding (as grpc core allows), and the last. */
  INTEGER_MORE_MAX = 5 + 16 + 1,
  UPDATES_MAX = 2, /* RFC 7541 section 4.2: the smallest size and the final one */
};

enum state {
  REPRESENTATION, /* the first byte of one comes next */
  INDEX,          /* more of its integer */
  NAME_LENGTH,    /* the first byte of a string comes next */
  NAME_LENGTH_MORE,
  NAME,
  VALUE_LENGTH,
  VALUE_LENGTH_MORE,
  VALUE,
};

enum kind { INDEXED, INSERTED, SIZE_UPDATE, NOT_INSERTED, NEVER_INDEXED };

struct fc__hpack_decoder {
  struct fc__hpack_table table;
  size_t table_max;  /* what we advertised */
  size_t max_string; /* longer ones are not reported */
  enum fc__hpack_result failed;
  enum state state;
  enum kind kind;
  bool fields_begun; /* in this block: no size update may follow */
  uint8_t updates;   /* of this block */
  bool update_due;   /* the next block must begin with a size update to at most update_most */
  size_t update_most;
  uint32_t integer;     /* being read */
  uint8_t integer_more; /* bytes after its first */
  uint8_t token;
  bool huffman;
  struct fc__hpack_texts texts;
};

struct input {
  const uint8_t *at, *end;
  fc__hpack_field_fn fn;
  void *user;
};

struct fc__hpack_decoder *fc__hpack_decoder_create(size_t table_max, size_t max_string) {
  struct fc__hpack_decoder *d = fc__alloc_zero(sizeof *d);
  if (!d) return NULL;
  fc__hpack_table_init(&d->table, table_max);
  d->table_max = table_max;
  d->max_string = max_string;
  /* A string that is longer than both is not reported, and fits in no table. */
  fc__hpack_texts_init(&d->texts, max_string > table_max ? max_string : table_max);
  return d;
}

void fc__hpack_decoder_destroy(struct fc__hpack_decoder *d) {
  if (!d) return;
  fc__hpack_table_finish(&d->table);
  fc__hpack_texts_finish(&d->texts);
  fc__free(d);
}

void fc__hpack_decoder_set_table_max(struct fc__hpack_decoder *d, size_t size) {
  if (size < d->table.max && (!d->update_due || size < d->update_most)) {
    d->update_due = true;
    d->update_most = size;
  }
  d->table_max = size;
  fc__hpack_texts_keep_more(&d->texts, size);
}

uint64_t fc__hpack_decoder_generation(const struct fc__hpack_decoder *d) {
  return d->table.generation;
}

static void report_large(const struct input *in, const struct fc__field *field, size_t size) {
  struct fc__field large = {.token = field->token, .never_indexed = field->never_indexed};
  in->fn(in->user, &large, size, true);
}

static inline void report(const struct fc__hpack_decoder *d, const struct input *in,
                          const struct fc__field *field) {
  size_t size = field->name.len + field->value.len + FC__HPACK_ENTRY_OVERHEAD;
  if (field->name.len <= d->max_string && field->value.len <= d->max_string) {
    in->fn(in->user, field, size, false);
  } else {
    report_large(in, field, size);
  }
}

/* NULL when there is no such index; a field of the dynamic table is put together in *made. Spec:
 * RFC 7541 section 2.3.3 */
static const struct fc__field *field_at(const struct fc__hpack_decoder *d, size_t index,
                                        struct fc__field *made) {
  if (index <= FC__HPACK_STATIC_COUNT) return index ? &fc__hpack_static[index - 1] : NULL;
  size_t place = index - 1 - FC__HPACK_STATIC_COUNT;
  if (place >= d->table.count) return NULL;
  *made = fc__hpack_table_field(&d->table, place);
  return made;
}

/* ---- strings, RFC 7541 section 5.2 ---- */

static void finish_name(struct fc__hpack_decoder *d) {
  fc_slice name = fc__hpack_text_slice(&d->texts, &d->texts.name);
  d->token = name.data ? (uint8_t)fc__token_of(name) : FC__TOKEN_NONE;
  d->state = VALUE_LENGTH;
}

static enum fc__hpack_result finish_literal(struct fc__hpack_decoder *d, struct input *in) {
  struct fc__field field = {fc__hpack_text_slice(&d->texts, &d->texts.name),
                            fc__hpack_text_slice(&d->texts, &d->texts.value), d->token,
                            d->kind == NEVER_INDEXED, NULL};
  report(d, in, &field);
  d->state = REPRESENTATION;
  bool ok =
      d->kind != INSERTED || fc__hpack_table_add(&d->table, field.name, field.value, field.token);
  fc__hpack_texts_clear(&d->texts);
  return ok ? FC__HPACK_OK : FC__HPACK_NO_MEMORY;
}

static enum fc__hpack_result read_string(struct fc__hpack_decoder *d, struct input *in) {
  struct fc__hpack_texts *t = &d->texts;
  size_t there = (size_t)(in->end - in->at);
  fc_slice piece = {in->at, t->left < there ? t->left : there};
  in->at += piece.len;
  enum fc__hpack_result result =
      fc__hpack_text_take(t, d->state == NAME ? &t->name : &t->value, piece);
  if (result != FC__HPACK_OK || t->left) return result;
  if (d->state == VALUE) return finish_literal(d, in);
  finish_name(d);
  return FC__HPACK_OK;
}

/* Its length is known. An empty one ends here. */
static enum fc__hpack_result begin_string(struct fc__hpack_decoder *d, struct input *in) {
  struct fc__hpack_texts *t = &d->texts;
  d->state = d->state <= NAME ? NAME : VALUE;
  fc__hpack_text_begin(t, d->state == NAME ? &t->name : &t->value, d->integer, d->huffman);
  return read_string(d, in);
}

/* ---- representations, RFC 7541 section 6 ---- */

/* Spec: RFC 7541 sections 4.2 and 6.3 */
static enum fc__hpack_result take_size_update(struct fc__hpack_decoder *d) {
  d->state = REPRESENTATION;
  if (d->fields_begun || ++d->updates > UPDATES_MAX || d->integer > d->table_max)
    return FC__HPACK_ERROR;
  if (d->update_due && d->integer > d->update_most) return FC__HPACK_ERROR;
  d->update_due = false;
  fc__hpack_table_resize(&d->table, d->integer);
  return FC__HPACK_OK;
}

/* Spec: RFC 7541 section 6.1 */
static inline enum fc__hpack_result take_indexed(struct fc__hpack_decoder *d, struct input *in,
                                                 size_t index) {
  struct fc__field made;
  const struct fc__field *field = field_at(d, index, &made);
  if (!field || d->update_due) return FC__HPACK_ERROR;
  d->fields_begun = true;
  d->state = REPRESENTATION;
  report(d, in, field);
  return FC__HPACK_OK;
}

/* Spec: RFC 7541 section 6.2 */
static enum fc__hpack_result take_literal(struct fc__hpack_decoder *d) {
  struct fc__field made;
  const struct fc__field *field = field_at(d, d->integer, &made);
  if ((d->integer && !field) || d->update_due) return FC__HPACK_ERROR;
  d->fields_begun = true;
  d->state = field ? VALUE_LENGTH : NAME_LENGTH;
  if (field) {
    d->texts.name = (struct fc__hpack_text){field->name.data, 0, field->name.len};
    d->token = field->token;
  }
  return FC__HPACK_OK;
}

static enum fc__hpack_result take_integer(struct fc__hpack_decoder *d, struct input *in) {
  switch (d->kind) {
    case INDEXED:
      return take_indexed(d, in, d->integer);
    case SIZE_UPDATE:
      return take_size_update(d);
    default:
      return take_literal(d);
  }
}

static bool is_short_indexed(uint8_t first) { return first >= 0x80 && first < 0xff; }

static uint8_t kind_of(uint8_t first, enum kind *kind) {
  if (first & 0x80) return *kind = INDEXED, 0x7f;
  if (first & 0x40) return *kind = INSERTED, 0x3f;
  if (first & 0x20) return *kind = SIZE_UPDATE, 0x1f;
  return *kind = first & 0x10 ? NEVER_INDEXED : NOT_INSERTED, 0x0f;
}

/* ---- integers, RFC 7541 section 5.1 ---- */

/* The first byte of an integer, whose prefix fills mask; says whether it is the only one. */
static bool begin_integer(struct fc__hpack_decoder *d, uint8_t byte, uint8_t mask) {
  d->integer = byte & mask;
  d->integer_more = 0;
  return d->integer < mask;
}

/* Fields that are one byte each: nearly all of a warm call. */
static enum fc__hpack_result read_indexed_run(struct fc__hpack_decoder *d, struct input *in) {
  do {
    enum fc__hpack_result result = take_indexed(d, in, *in->at++ & 0x7f);
    if (result != FC__HPACK_OK) return result;
  } while (in->at < in->end && is_short_indexed(*in->at));
  return FC__HPACK_OK;
}

static enum fc__hpack_result read_representation(struct fc__hpack_decoder *d, struct input *in) {
  if (is_short_indexed(*in->at)) return read_indexed_run(d, in);
  uint8_t first = *in->at++;
  if (begin_integer(d, first, kind_of(first, &d->kind))) return take_integer(d, in);
  d->state = INDEX;
  return FC__HPACK_OK;
}

static enum fc__hpack_result read_length(struct fc__hpack_decoder *d, struct input *in) {
  uint8_t first = *in->at++;
  d->huffman = first & 0x80;
  if (begin_integer(d, first, 0x7f)) return begin_string(d, in);
  d->state++;
  return FC__HPACK_OK;
}

static enum fc__hpack_result read_more(struct fc__hpack_decoder *d, struct input *in) {
  uint8_t byte = *in->at++, bits = byte & 0x7f;
  unsigned shift = 7U * d->integer_more++;
  if (bits && shift > 21) return FC__HPACK_ERROR;
  if (bits) d->integer += (uint32_t)bits << shift;
  if (d->integer > INTEGER_MAX) return FC__HPACK_ERROR;
  if (byte & 0x80) return d->integer_more < INTEGER_MORE_MAX ? FC__HPACK_OK : FC__HPACK_ERROR;
  return d->state == INDEX ? take_integer(d, in) : begin_string(d, in);
}

/* ---- blocks ---- */

static enum fc__hpack_result step(struct fc__hpack_decoder *d, struct input *in) {
  switch (d->state) {
    case REPRESENTATION:
      return read_representation(d, in);
    case NAME_LENGTH:
    case VALUE_LENGTH:
      return read_length(d, in);
    case NAME:
    case VALUE:
      return read_string(d, in);
    default:
      return read_more(d, in);
  }
}

static enum fc__hpack_result end_block(struct fc__hpack_decoder *d) {
  if (d->state != REPRESENTATION) return FC__HPACK_ERROR;
  d->fields_begun = false;
  d->updates = 0;
  fc__hpack_texts_shrink(&d->texts);
  return FC__HPACK_OK;
}

enum fc__hpack_result fc__hpack_decode(struct fc__hpack_decoder *d, fc_slice fragment, bool last,
                                       fc__hpack_field_fn fn, void *user) {
  const uint8_t *end = fragment.len ? fragment.data + fragment.len : fragment.data;
  struct input in = {fragment.data, end, fn, user};
  enum fc__hpack_result result = d->failed;
  while (result == FC__HPACK_OK && in.at < in.end) result = step(d, &in);
  if (result == FC__HPACK_OK && last) result = end_block(d);
  if (result == FC__HPACK_OK && !fc__hpack_texts_keep_name(&d->texts)) result = FC__HPACK_NO_MEMORY;
  return d->failed = result;
}
