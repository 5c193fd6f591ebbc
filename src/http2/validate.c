/*
 * Field rules. A name that has a token is known to be well-formed, and values are scanned eight
 * bytes at a time, for this runs over every byte of every call's headers.
 */
#include "http2/validate.h"

#include <string.h>

#include "base/slice.h"

#define BYTES(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Section 8.2.1: no control characters, space, upper case, DEL or bytes above; the colon is for
 * pseudo-headers. */
static bool name_is_valid(fc_slice name) {
  for (size_t i = 0; i < name.len; i++) {
    uint8_t ch = name.data[i];
    if (ch <= 0x20 || ch >= 0x7f || ch == ':' || (ch >= 'A' && ch <= 'Z')) return false;
  }
  return name.len > 0;
}

static bool has_control(uint64_t eight) {
  return ((eight - BYTES(0x20)) & ~eight & BYTES(0x80)) != 0;
}

static bool byte_is_forbidden(uint8_t ch) { return ch == '\0' || ch == '\n' || ch == '\r'; }

static bool any_is_forbidden(const uint8_t *p, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (byte_is_forbidden(p[i])) return true;
  }
  return false;
}

/* Section 8.2.1: no NUL, LF or CR. */
static bool value_is_valid(fc_slice value) {
  const uint8_t *p = value.data;
  size_t left = value.len;
  for (uint64_t eight; left >= 8; p += 8, left -= 8) {
    memcpy(&eight, p, 8);
    if (has_control(eight) && any_is_forbidden(p, 8)) return false;
  }
  return !any_is_forbidden(p, left);
}

static bool is_blank(uint8_t ch) { return ch == ' ' || ch == '\t'; }

/* Section 8.2.1 forbids whitespace around a value, but gRPC peers send it and PROTOCOL-HTTP2.md
 * lets a receiver cut it off: that is safe, and no call fails for it. */
static void trim(fc_slice *value) {
  while (value->len && is_blank(value->data[0])) value->data++, value->len--;
  while (value->len && is_blank(value->data[value->len - 1])) value->len--;
}

static bool read_status(struct fc__h2_check *k, fc_slice value) {
  if (value.len != 3) return false;
  for (size_t i = 0; i < 3; i++) {
    if (value.data[i] < '0' || value.data[i] > '9') return false;
    k->status = (uint16_t)(k->status * 10 + (value.data[i] - '0'));
  }
  /* 101 has no meaning in HTTP/2: section 8.6. */
  return k->status >= 100 && k->status != 101;
}

static bool read_length(struct fc__h2_check *k, fc_slice value) {
  uint64_t length = 0;
  if (value.len == 0 || value.len > 18) return false;
  for (size_t i = 0; i < value.len; i++) {
    if (value.data[i] < '0' || value.data[i] > '9') return false;
    length = length * 10 + (uint64_t)(value.data[i] - '0');
  }
  if (k->has_length && length != k->length) return false;
  k->has_length = true;
  k->length = length;
  return true;
}

/* Section 8.3: before all other fields, each once, those of this direction only, never in
 * trailers. */
static bool check_pseudo(struct fc__h2_check *k, const struct fc__field *field) {
  uint8_t bit = (uint8_t)(1u << field->token);
  if (k->trailers || k->regular || (k->pseudo & bit)) return false;
  k->pseudo |= bit;
  if (!k->server) return field->token == FC__TOKEN_STATUS && read_status(k, field->value);
  if (field->token == FC__TOKEN_STATUS || field->value.len == 0) return false;
  if (field->token == FC__TOKEN_METHOD) k->connect = FC__SLICE_IS(field->value, "CONNECT");
  return true;
}

/* The rules that do not depend on where a field stands. A field that comes from the dynamic
 * table is judged once. */
static bool check_bytes(struct fc__field *field) {
  fc_slice *value = &field->value;
  if (field->judged && (*field->judged & FC__JUDGED_VALID)) return true;
  if (!value_is_valid(*value)) return false;
  if (field->token == FC__TOKEN_NONE && !name_is_valid(field->name)) return false;
  if (value->len && (is_blank(value->data[0]) || is_blank(value->data[value->len - 1]))) {
    trim(value);
  } else if (field->judged) {
    *field->judged |= FC__JUDGED_VALID;
  }
  return true;
}

bool fc__h2_check_field(struct fc__h2_check *k, struct fc__field *field) {
  fc_slice *value = &field->value;
  if (!check_bytes(field)) return false;
  switch ((enum fc__token)field->token) {
    case FC__TOKEN_AUTHORITY:
    case FC__TOKEN_METHOD:
    case FC__TOKEN_PATH:
    case FC__TOKEN_SCHEME:
    case FC__TOKEN_STATUS:
      return check_pseudo(k, field);
    case FC__TOKEN_CONNECTION: /* section 8.2.2 */
    case FC__TOKEN_KEEP_ALIVE:
    case FC__TOKEN_PROXY_CONNECTION:
    case FC__TOKEN_TRANSFER_ENCODING:
    case FC__TOKEN_UPGRADE:
      return false;
    case FC__TOKEN_TE:
      k->regular = true;
      return FC__SLICE_IS(*value, "trailers");
    case FC__TOKEN_CONTENT_LENGTH:
      k->regular = true;
      return read_length(k, *value);
    default:
      k->regular = true;
      return true;
  }
}

bool fc__h2_check_block(const struct fc__h2_check *k, bool end_stream) {
  enum {
    AUTHORITY = 1 << FC__TOKEN_AUTHORITY,
    METHOD = 1 << FC__TOKEN_METHOD,
    PATH = 1 << FC__TOKEN_PATH,
    SCHEME = 1 << FC__TOKEN_SCHEME,
    STATUS = 1 << FC__TOKEN_STATUS,
    REQUEST = METHOD | PATH | SCHEME,
  };
  if (k->trailers) return end_stream; /* section 8.1 */
  if (!k->server) return k->pseudo == STATUS && !(k->status < 200 && end_stream);
  if (k->connect) return k->pseudo == (METHOD | AUTHORITY); /* section 8.5 */
  return (k->pseudo & REQUEST) == REQUEST;
}
