#ifndef FC_TESTS_HPACK_RECORD_H
#define FC_TESTS_HPACK_RECORD_H
/*
 * What a decoder reports, as text that can be compared: one line a field, "name: value", with
 * "never " before a field that must never be indexed, and "too large, size N" in place of one that
 * is. Bytes that are not printable are written as \xNN. Each field is also checked for what must
 * always hold.
 */
#include "http2/hpack.h"

struct hpack_record {
  char *text; /* NULL until a field has come */
  size_t len, cap;
  size_t fields, size;
};

/* A fc__hpack_field_fn; user is the record. */
void hpack_record_field(void *user, const struct fc__field *field, size_t size, bool too_large);

const char *hpack_record_text(const struct hpack_record *r); /* "" when no field has come */
void hpack_record_clear(struct hpack_record *r);             /* frees, too */

/* Bytes from hexadecimal digits; spaces do not matter. The caller frees data with free(). */
struct hpack_bytes {
  uint8_t *data;
  size_t len;
};
struct hpack_bytes hpack_hex(const char *digits);

/* Decodes one block whole, or in chunks of this many bytes, each in memory of exactly its size. */
enum fc__hpack_result hpack_decode_block(struct fc__hpack_decoder *d, fc_slice block, size_t chunk,
                                         struct hpack_record *r);
enum fc__hpack_result hpack_decode_hex(struct fc__hpack_decoder *d, const char *digits,
                                       struct hpack_record *r);

/* Decodes a block that must be good, and compares what it says. */
void hpack_assert_block(struct fc__hpack_decoder *d, const char *digits, const char *expected);

#endif
