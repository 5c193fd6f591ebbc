/* Records are compared as text, so that a failure shows both lists. */
#include "support/hpack_record.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/check.h"

static void put(struct hpack_record *r, const char *text, size_t len) {
  if (r->len + len + 1 > r->cap) {
    r->cap = 2 * (r->len + len) + 64;
    r->text = realloc(r->text, r->cap);
    assert_non_null(r->text);
  }
  memcpy(r->text + r->len, text, len);
  r->len += len;
  r->text[r->len] = '\0';
}

static void put_slice(struct hpack_record *r, fc_slice slice) {
  for (size_t i = 0; i < slice.len; i++) {
    char text[8] = {(char)slice.data[i]};
    int len = 1;
    if (!isprint(slice.data[i])) len = snprintf(text, sizeof text, "\\x%02x", slice.data[i]);
    put(r, text, (size_t)len);
  }
}

static uint8_t token_by_search(fc_slice name) {
#define X(token, text)                                                                             \
  if (fc_slice_equals(name, text)) return FC__TOKEN_##token;
  FC__TOKEN_LIST(X)
#undef X
  return FC__TOKEN_NONE;
}

void hpack_record_field(void *user, const struct fc__field *field, size_t size, bool too_large) {
  struct hpack_record *r = user;
  r->fields++;
  r->size += size;
  if (field->never_indexed) put(r, "never ", 6);
  if (too_large) {
    char text[64];
    int len = snprintf(text, sizeof text, "too large, size %zu", size);
    put(r, text, (size_t)len);
    assert_int_equal(field->name.len + field->value.len, 0);
  } else {
    put_slice(r, field->name);
    put(r, ": ", 2);
    put_slice(r, field->value);
    assert_int_equal(size, field->name.len + field->value.len + FC__HPACK_ENTRY_OVERHEAD);
    assert_int_equal(field->token, token_by_search(field->name));
  }
  put(r, "\n", 1);
}

const char *hpack_record_text(const struct hpack_record *r) { return r->text ? r->text : ""; }

void hpack_record_clear(struct hpack_record *r) {
  free(r->text);
  *r = (struct hpack_record){0};
}

struct hpack_bytes hpack_hex(const char *digits) {
  struct hpack_bytes bytes = {malloc(strlen(digits) / 2 + 1), 0};
  assert_non_null(bytes.data);
  while (*digits) {
    unsigned value;
    if (*digits == ' ') {
      digits++;
      continue;
    }
    assert_int_equal(sscanf(digits, "%2x", &value), 1);
    bytes.data[bytes.len++] = (uint8_t)value;
    digits += 2;
  }
  return bytes;
}

enum fc__hpack_result hpack_decode_block(struct fc__hpack_decoder *d, fc_slice block, size_t chunk,
                                         struct hpack_record *r) {
  enum fc__hpack_result result = FC__HPACK_OK;
  size_t at = 0;
  do {
    fc_slice part = block;
    if (at) part.data += at, part.len -= at;
    if (part.len > chunk) part.len = chunk;
    uint8_t *exact = exact_copy(part);
    part.data = exact;
    at += part.len;
    result = fc__hpack_decode(d, part, at == block.len, hpack_record_field, r);
    test_free(exact);
  } while (result == FC__HPACK_OK && at < block.len);
  return result;
}

enum fc__hpack_result hpack_decode_hex(struct fc__hpack_decoder *d, const char *digits,
                                       struct hpack_record *r) {
  struct hpack_bytes bytes = hpack_hex(digits);
  enum fc__hpack_result result =
      hpack_decode_block(d, (fc_slice){bytes.data, bytes.len}, SIZE_MAX, r);
  free(bytes.data);
  return result;
}

void hpack_assert_block(struct fc__hpack_decoder *d, const char *digits, const char *expected) {
  struct hpack_record r = {0};
  assert_int_equal(hpack_decode_hex(d, digits, &r), FC__HPACK_OK);
  assert_string_equal(hpack_record_text(&r), expected);
  hpack_record_clear(&r);
}
