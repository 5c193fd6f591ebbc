/*
 * Reading header blocks. One step reads one thing, an integer or a string, as far as the fragment
 * goes; what is unfinished waits in the decoder, so any split of the bytes gives the same fields. A
 * string that lies whole in the fragment is passed on from there; only a split or Huffman-coded one
 * is copied.
 */
#include "base/mem.h"
#include "http2/hpack_huffman.h"
#include "http2/hpack_table.h"

/* A limit of ours, RFC 7541 section 5.1: a field of two strings this long, at 5 bits a symbol, is
 * still counted in 32 bits. */
#define INTEGER_MAX UINT32_C(0x0fffffff)

enum {
  /* What 32 bits can need, at most 16 bytes of padding (as grpc core allows), and the last. */
  INTEGER_MORE_MAX = 5 + 16 + 1,
  UPDATES_MAX = 2,    /* RFC 7541 section 4.2: the smallest size and the final one */
  BUFFER_KEPT = 1024, /* a larger buffer is given back at the end of a block */
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

/* A string of the literal being read. */
struct text {
  const uint8_t *data; /* in the fragment or a table; NULL when it is in the buffer, or not kept */
  size_t at;           /* in the buffer */
  size_t len;          /* as far as it has been decoded */
};

struct fc__hpack_decoder {
  struct fc__hpack_table table;
  size_t table_max;  /* what we advertised */
  size_t max_string; /* longer ones are not reported */
  size_t kept_max;   /* longer ones are not kept: they fit in no table either */
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
  bool name_in_fragment;
  bool huffman;
  size_t left; /* bytes of the string to come */
  struct fc__huffman code;
  struct text name, value;
  struct fc__buf buffer;
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
  d->kept_max = max_string > table_max ? max_string : table_max;
  fc__buf_init(&d->buffer, 2 * d->kept_max);
  return d;
}

void fc__hpack_decoder_destroy(struct fc__hpack_decoder *d) {
  if (!d) return;
  fc__hpack_table_finish(&d->table);
  fc__buf_finish(&d->buffer);
  fc__free(d);
}

void fc__hpack_decoder_set_table_max(struct fc__hpack_decoder *d, size_t size) {
  if (size < d->table.max && (!d->update_due || size < d->update_most)) {
    d->update_due = true;
    d->update_most = size;
  }
  d->table_max = size;
  if (size > d->kept_max) d->kept_max = size;
  d->buffer.max = 2 * d->kept_max;
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

/* NULL when there is no such index; a field of the dynamic table is put together in *made. Spec: RFC
 * 7541 section 2.3.3 */
static const struct fc__field *field_at(const struct fc__hpack_decoder *d, size_t index,
                                        struct fc__field *made) {
  if (index <= FC__HPACK_STATIC_COUNT) return index ? &fc__hpack_static[index - 1] : NULL;
  size_t place = index - 1 - FC__HPACK_STATIC_COUNT;
  if (place >= d->table.count) return NULL;
  *made = fc__hpack_table_field(&d->table, place);
  return made;
}

/* ---- strings, RFC 7541 section 5.2 ---- */

/* Where a text is now; without data when it was too long to be kept. */
static fc_slice text_slice(const struct fc__hpack_decoder *d, const struct text *t) {
  if (t->data || !t->len || t->len > d->kept_max) return (fc_slice){t->data, t->len};
  return (fc_slice){d->buffer.data + t->at, t->len};
}

/* The fragment goes while the field is unfinished: copies the name out of it. */
static bool keep_name(struct fc__hpack_decoder *d) {
  if (!d->name_in_fragment) return true;
  d->name_in_fragment = false;
  d->name.at = d->buffer.len;
  const uint8_t *data = d->name.data;
  d->name.data = NULL;
  return d->name.len > d->kept_max || fc__buf_append(&d->buffer, data, d->name.len);
}

static bool keep_piece(struct fc__hpack_decoder *d, struct text *t, fc_slice piece) {
  t->len += piece.len;
  return d->integer > d->kept_max || fc__buf_append(&d->buffer, piece.data, piece.len);
}

/* Past kept_max symbols are counted only; what was kept so far is dropped. */
static enum fc__hpack_result decode_piece(struct fc__hpack_decoder *d, struct text *t,
                                          fc_slice piece) {
  size_t room = t->len < d->kept_max ? d->kept_max - t->len : 0, count;
  if (room > fc__huffman_most(piece.len)) room = fc__huffman_most(piece.len);
  uint8_t *to = room ? fc__buf_reserve(&d->buffer, room) : NULL;
  if (room && !to) return FC__HPACK_NO_MEMORY;
  if (!fc__huffman_decode(&d->code, piece, to, room, &count)) return FC__HPACK_ERROR;
  t->len += count;
  d->buffer.len = t->len <= d->kept_max ? t->at + t->len : t->at;
  return FC__HPACK_OK;
}

static enum fc__hpack_result take_piece(struct fc__hpack_decoder *d, struct text *t,
                                        fc_slice piece) {
  if (d->left && d->state == VALUE && !keep_name(d)) return FC__HPACK_NO_MEMORY;
  if (!t->len) t->at = d->buffer.len;
  if (d->huffman) return decode_piece(d, t, piece);
  if (piece.len < d->integer) return keep_piece(d, t, piece) ? FC__HPACK_OK : FC__HPACK_NO_MEMORY;
  t->data = piece.data;
  t->len = piece.len;
  return FC__HPACK_OK;
}

static void finish_name(struct fc__hpack_decoder *d) {
  fc_slice name = text_slice(d, &d->name);
  d->name_in_fragment = d->name.data != NULL;
  d->token = name.data ? (uint8_t)fc__token_of(name) : FC__TOKEN_NONE;
  d->state = VALUE_LENGTH;
}

static enum fc__hpack_result finish_literal(struct fc__hpack_decoder *d, struct input *in) {
  struct fc__field field = {text_slice(d, &d->name), text_slice(d, &d->value), d->token,
                            d->kind == NEVER_INDEXED};
  report(d, in, &field);
  d->state = REPRESENTATION;
  d->name_in_fragment = false;
  d->buffer.len = 0;
  if (d->kind != INSERTED) return FC__HPACK_OK;
  return fc__hpack_table_add(&d->table, field.name, field.value, field.token) ? FC__HPACK_OK
                                                                              : FC__HPACK_NO_MEMORY;
}

static enum fc__hpack_result read_string(struct fc__hpack_decoder *d, struct input *in) {
  size_t there = (size_t)(in->end - in->at);
  fc_slice piece = {in->at, d->left < there ? d->left : there};
  in->at += piece.len;
  d->left -= piece.len;
  enum fc__hpack_result result = take_piece(d, d->state == NAME ? &d->name : &d->value, piece);
  if (result != FC__HPACK_OK || d->left) return result;
  if (d->huffman && !fc__huffman_at_end(&d->code)) return FC__HPACK_ERROR;
  if (d->state == VALUE) return finish_literal(d, in);
  finish_name(d);
  return FC__HPACK_OK;
}

/* Its length is known. An empty one ends here. */
static enum fc__hpack_result begin_string(struct fc__hpack_decoder *d, struct input *in) {
  d->left = d->integer;
  d->code = (struct fc__huffman){0, 0};
  if (d->state <= NAME) {
    d->state = NAME;
    d->name = (struct text){NULL, 0, 0};
  } else {
    d->state = VALUE;
    d->value = (struct text){NULL, 0, 0};
  }
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
    d->name = (struct text){field->name.data, 0, field->name.len};
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
  if (d->buffer.cap > BUFFER_KEPT) fc__buf_finish(&d->buffer);
  return FC__HPACK_OK;
}

enum fc__hpack_result fc__hpack_decode(struct fc__hpack_decoder *d, fc_slice fragment, bool last,
                                       fc__hpack_field_fn fn, void *user) {
  const uint8_t *end = fragment.len ? fragment.data + fragment.len : fragment.data;
  struct input in = {fragment.data, end, fn, user};
  enum fc__hpack_result result = d->failed;
  while (result == FC__HPACK_OK && in.at < in.end) result = step(d, &in);
  if (result == FC__HPACK_OK && last) result = end_block(d);
  if (result == FC__HPACK_OK && !keep_name(d)) result = FC__HPACK_NO_MEMORY;
  return d->failed = result;
}
