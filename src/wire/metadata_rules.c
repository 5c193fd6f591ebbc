/*
 * The rules for keys and values of metadata: the characters, and the names that belong to gRPC or
 * to HTTP/2 itself. Values never appear in error texts: they may be secrets.
 */
#include "wire/metadata_rules.h"

#include <string.h>

#include "base/error.h"
#include "base/slice.h"
#include "wire/metadata.h"

bool fc__metadata_key_is_binary(fc_slice key) {
  return key.len > 4 && memcmp(key.data + key.len - 4, "-bin", 4) == 0;
}

bool fc__metadata_key_is_secret(fc_slice key) {
  return FC__SLICE_IS(key, "authorization") || FC__SLICE_IS(key, "cookie");
}

static bool key_allows(uint8_t byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
         byte == '_' || byte == '.';
}

static bool value_allows(uint8_t byte) { return byte >= 0x20 && byte <= 0x7e; }

static size_t key_run(fc_slice key) {
  size_t len = 0;
  while (len < key.len && key_allows(key.data[len])) len++;
  return len;
}

/* Eight bytes at once. With all below 0x80, the high bit of each tells: taking 0x20 from a byte
 * with that bit set clears it for one below 0x20, and adding 1 sets it for 0x7f. */
static bool word_is_printable(const uint8_t *bytes) {
  const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return !(word & high) && (((word | high) - 0x20 * ones) & high) == high &&
         !((word + ones) & high);
}

static size_t value_run(fc_slice value) {
  size_t len = 0;
  while (value.len - len >= 8 && word_is_printable(value.data + len)) len += 8;
  while (len < value.len && value_allows(value.data[len])) len++;
  return len;
}

#define NAME(text)                                                                                 \
  { (const uint8_t *)(text), sizeof(text) - 1 }

/* Call-Definition of PROTOCOL-HTTP2.md; connection-specific fields of RFC 9113 section 8.2.2; and
 * content-length, which must agree with the DATA frames (section 8.1.1). */
static const fc_slice reserved_names[] = {
    NAME("te"),         NAME("content-type"),     NAME("content-length"),    NAME("host"),
    NAME("connection"), NAME("proxy-connection"), NAME("transfer-encoding"), NAME("keep-alive"),
    NAME("upgrade"),
};

static bool is_reserved(fc_slice key) {
  if (key.len >= 5 && memcmp(key.data, "grpc-", 5) == 0) return true;
  for (size_t i = 0; i < sizeof reserved_names / sizeof reserved_names[0]; i++) {
    fc_slice name = reserved_names[i];
    if (name.len == key.len && memcmp(name.data, key.data, key.len) == 0) return true;
  }
  return false;
}

static fc_result check_key(fc_slice key, fc_error *err) {
  if (key.len == 0) return fc__error(err, FC_ERR_INVALID, "metadata key is empty");
  size_t good = key_run(key);
  if (good < key.len) {
    return fc__error(err, FC_ERR_INVALID,
                     "metadata key has byte 0x%02x at %zu; only 0-9 a-z _ - . are allowed",
                     key.data[good], good);
  }
  if (!is_reserved(key)) return FC_OK;
  return fc__error(err, FC_ERR_INVALID, "metadata key \"%.*s\" is reserved",
                   key.len < 64 ? (int)key.len : 64, (const char *)key.data);
}

fc_result fc__metadata_check(fc_slice key, fc_slice value, fc_error *err) {
  fc_result result = check_key(key, err);
  if (result != FC_OK) return result;
  if (value.len && !value.data) return fc__error(err, FC_ERR_INVALID, "metadata value is NULL");
  if (fc__metadata_key_is_binary(key)) return FC_OK;
  size_t good = value_run(value);
  if (good == value.len) return FC_OK;
  return fc__error(
      err, FC_ERR_INVALID,
      "metadata value has byte 0x%02x at %zu; only keys that end in -bin take any byte",
      value.data[good], good);
}
