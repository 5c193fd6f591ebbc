/*
 * grpc-message, both ways. Whatever bytes come in, what goes on the wire is printable ASCII and
 * what reaches the application is UTF-8 that a C string can hold.
 */
#include "wire/percent.h"

#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"

static bool is_plain(uint8_t byte) { return byte >= 0x20 && byte <= 0x7e && byte != '%'; }

static size_t plain_run(fc_slice text) {
  size_t len = 0;
  while (len < text.len && is_plain(text.data[len])) len++;
  return len;
}

static bool append_escaped(struct fc__buf *out, const uint8_t *bytes, size_t len) {
  static const char hex[] = "0123456789ABCDEF";
  uint8_t *to = fc__buf_reserve(out, 3 * len);
  if (!to) return false;
  for (size_t i = 0; i < len; i++) {
    *to++ = '%';
    *to++ = (uint8_t)hex[bytes[i] >> 4];
    *to++ = (uint8_t)hex[bytes[i] & 15];
  }
  out->len += 3 * len;
  return true;
}

static bool encode(struct fc__buf *out, fc_slice text) {
  while (text.len) {
    size_t len = plain_run(text);
    if (len) {
      if (!fc__buf_append(out, text.data, len)) return false;
    } else {
      bool valid;
      len = fc__utf8_next(text, &valid);
      const uint8_t *bytes = valid ? text.data : (const uint8_t *)FC__UTF8_REPLACEMENT;
      if (!append_escaped(out, bytes, valid ? len : strlen(FC__UTF8_REPLACEMENT))) return false;
    }
    text = fc__slice_skip(text, len);
  }
  return true;
}

/* RFC 9113 section 8.2.1: a value neither begins nor ends with a blank, and receivers cut those that do. */
static bool encode_ends_too(struct fc__buf *out, fc_slice text) {
  size_t head = text.len > 0 && text.data[0] == ' ';
  size_t tail = text.len > head && text.data[text.len - 1] == ' ';
  return (head == 0 || append_escaped(out, text.data, head)) &&
         encode(out, (fc_slice){text.data + head, text.len - head - tail}) &&
         (tail == 0 || append_escaped(out, text.data + text.len - tail, tail));
}

bool fc__percent_encode(struct fc__buf *out, fc_slice text) {
  size_t before = out->len;
  if (text.len == 0 || encode_ends_too(out, text)) return true;
  out->len = before;
  return false;
}

static int hex_value(uint8_t digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

/* Reads one byte, escaped or not, and returns how much of the text it takes. */
static size_t read_byte(fc_slice text, uint8_t *byte) {
  *byte = text.data[0];
  if (*byte != '%' || text.len < 3) return 1;
  int high = hex_value(text.data[1]), low = hex_value(text.data[2]);
  if (high < 0 || low < 0) return 1;
  *byte = (uint8_t)(high << 4 | low);
  return 3;
}

/* Appends one character, whose bytes may be escaped one by one, and takes it from the text. */
static bool decode_character(struct fc__buf *out, fc_slice *text) {
  uint8_t bytes[4];
  size_t count = 0, ends[4], at = 0;
  while (count < 4 && at < text->len) {
    at += read_byte(fc__slice_skip(*text, at), &bytes[count]);
    ends[count++] = at;
  }
  bool valid;
  size_t len = fc__utf8_next((fc_slice){bytes, count}, &valid);
  *text = fc__slice_skip(*text, ends[len - 1]);
  if (valid && bytes[0] != '\0') return fc__buf_append(out, bytes, len);
  return fc__buf_append(out, FC__UTF8_REPLACEMENT, strlen(FC__UTF8_REPLACEMENT));
}

bool fc__percent_decode(struct fc__buf *out, fc_slice text) {
  size_t before = out->len;
  while (text.len) {
    size_t plain = plain_run(text);
    bool done = plain ? fc__buf_append(out, text.data, plain) : decode_character(out, &text);
    if (!done) {
      out->len = before;
      return false;
    }
    text = fc__slice_skip(text, plain);
  }
  return true;
}
