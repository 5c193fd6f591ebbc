#ifndef FC_HTTP2_HPACK_TEXT_H
#define FC_HTTP2_HPACK_TEXT_H
/* The two strings of a literal field while they are read, in pieces. RFC 7541 section 5.2 */
#include "http2/hpack.h"
#include "http2/hpack_huffman.h"

struct fc__hpack_text {
  const uint8_t *data; /* in the fragment or a table; NULL when it is in the buffer, or not kept */
  size_t at;           /* in the buffer */
  size_t len;          /* as far as it has been decoded */
};

struct fc__hpack_texts {
  struct fc__hpack_text name, value;
  bool name_in_fragment;
  bool huffman;       /* the string being read is coded */
  size_t coded, left; /* its bytes: all, and those to come */
  struct fc__huffman code;
  size_t kept_max; /* longer strings are counted, not kept */
  struct fc__buf buffer;
};

void fc__hpack_texts_init(struct fc__hpack_texts *t, size_t kept_max);
void fc__hpack_texts_finish(struct fc__hpack_texts *t);
void fc__hpack_texts_keep_more(struct fc__hpack_texts *t, size_t kept_max); /* never less */

/* Begins one of the two, the name before the value. */
void fc__hpack_text_begin(struct fc__hpack_texts *t, struct fc__hpack_text *text, size_t coded,
                          bool huffman);

/* Takes the next bytes, at most t->left; with the last the string is whole. */
enum fc__hpack_result fc__hpack_text_take(struct fc__hpack_texts *t, struct fc__hpack_text *text,
                                          fc_slice piece);

/* A string that is whole; without data when it was too long to be kept. */
fc_slice fc__hpack_text_slice(const struct fc__hpack_texts *t, const struct fc__hpack_text *text);

/* To be called before the fragment goes: copies a name that lies in it. False: no memory. */
bool fc__hpack_texts_keep_name(struct fc__hpack_texts *t);

/* The field is done with. */
void fc__hpack_texts_clear(struct fc__hpack_texts *t);

/* Gives memory back that few fields need. */
void fc__hpack_texts_shrink(struct fc__hpack_texts *t);

#endif
