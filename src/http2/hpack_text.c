/*
 * Strings of literals. One that lies whole in the fragment is used where it is; one that comes in
 * pieces or is Huffman-coded is put together in a buffer, name first, which grows only with what
 * has come.
 */
#include "http2/hpack_text.h"

#include "base/size.h"

enum { BUFFER_KEPT = 1024 };

void fc__hpack_texts_init(struct fc__hpack_texts *t, size_t kept_max) {
  *t = (struct fc__hpack_texts){.kept_max = kept_max};
  fc__buf_init(&t->buffer, fc__product(2, kept_max));
}

void fc__hpack_texts_finish(struct fc__hpack_texts *t) { fc__buf_finish(&t->buffer); }

void fc__hpack_texts_keep_more(struct fc__hpack_texts *t, size_t kept_max) {
  if (kept_max > t->kept_max) t->kept_max = kept_max;
  t->buffer.max = fc__product(2, t->kept_max);
}

void fc__hpack_text_begin(struct fc__hpack_texts *t, struct fc__hpack_text *text, size_t coded,
                          bool huffman) {
  *text = (struct fc__hpack_text){NULL, 0, 0};
  t->coded = t->left = coded;
  t->huffman = huffman;
  t->code = (struct fc__huffman){0, 0};
}

fc_slice fc__hpack_text_slice(const struct fc__hpack_texts *t, const struct fc__hpack_text *text) {
  bool buffered = !text->data && text->len && text->len <= t->kept_max;
  return (fc_slice){buffered ? t->buffer.data + text->at : text->data, text->len};
}

bool fc__hpack_texts_keep_name(struct fc__hpack_texts *t) {
  if (!t->name_in_fragment) return true;
  fc_slice name = {t->name.data, t->name.len};
  t->name_in_fragment = false;
  t->name = (struct fc__hpack_text){NULL, t->buffer.len, name.len};
  return name.len > t->kept_max || fc__buf_append(&t->buffer, name.data, name.len);
}

static bool keep_piece(struct fc__hpack_texts *t, struct fc__hpack_text *text, fc_slice piece) {
  text->len += piece.len;
  return t->coded > t->kept_max || fc__buf_append(&t->buffer, piece.data, piece.len);
}

/* Past kept_max symbols are counted only, and what was kept so far is dropped. */
static enum fc__hpack_result decode_piece(struct fc__hpack_texts *t, struct fc__hpack_text *text,
                                          fc_slice piece) {
  size_t room = text->len < t->kept_max ? t->kept_max - text->len : 0, count;
  if (room > fc__huffman_most(piece.len)) room = fc__huffman_most(piece.len);
  uint8_t *to = room ? fc__buf_reserve(&t->buffer, room) : NULL;
  if (room && !to) return FC__HPACK_NO_MEMORY;
  if (!fc__huffman_decode(&t->code, piece, to, room, &count)) return FC__HPACK_ERROR;
  text->len += count;
  t->buffer.len = text->at + (text->len <= t->kept_max ? text->len : 0);
  return t->left || fc__huffman_at_end(&t->code) ? FC__HPACK_OK : FC__HPACK_ERROR;
}

enum fc__hpack_result fc__hpack_text_take(struct fc__hpack_texts *t, struct fc__hpack_text *text,
                                          fc_slice piece) {
  t->left -= piece.len;
  if (!t->huffman && piece.len == t->coded) {
    text->data = piece.data;
    text->len = piece.len;
    t->name_in_fragment |= text == &t->name;
    return FC__HPACK_OK;
  }
  /* More is to come in another fragment, and the name goes before the value. */
  if (t->left && !fc__hpack_texts_keep_name(t)) return FC__HPACK_NO_MEMORY;
  if (!text->len) text->at = t->buffer.len;
  if (t->huffman) return decode_piece(t, text, piece);
  return keep_piece(t, text, piece) ? FC__HPACK_OK : FC__HPACK_NO_MEMORY;
}

void fc__hpack_texts_clear(struct fc__hpack_texts *t) {
  t->name_in_fragment = false;
  t->buffer.len = 0;
}

void fc__hpack_texts_shrink(struct fc__hpack_texts *t) {
  if (t->buffer.cap > BUFFER_KEPT) fc__buf_finish(&t->buffer);
}
