/*
 * Texts of grpc-message beside code that unescapes first and then looks at characters one code point at a time: all strings of
 * four telling bytes, and long random ones. What is written is read again.
 */
#include "wire/percent.h"

#include <stdlib.h>
#include <string.h>

#include "models/model.h"

const unsigned model_short_rounds = 18;

enum { MOST = 60 };

struct text {
  uint8_t bytes[10 * MOST];
  size_t len;
};

static void put(struct text *t, unsigned byte) { t->bytes[t->len++] = (uint8_t)byte; }

static void put_replacement(struct text *t) { put(t, 0xef), put(t, 0xbf), put(t, 0xbd); }

/* ---- UTF-8 by its definition: Unicode 15, section 3.9, table 3-6 ---- */

/* Says whether just these bytes are a character. */
static bool is_character(const uint8_t *p, size_t len) {
  static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
  static const uint8_t lead[5] = {0, 0x00, 0xc0, 0xe0, 0xf0}, mask[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  if (len == 0 || len > 4 || (p[0] & (uint8_t)~mask[len]) != lead[len]) return false;
  uint32_t point = p[0] & mask[len];
  for (size_t i = 1; i < len; i++) {
    if (p[i] >> 6 != 2) return false;
    point = point * 64 + (p[i] & 63);
  }
  return point >= least[len] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

/* Says whether a character could begin so. */
static bool is_beginning(const uint8_t *p, size_t len) {
  for (size_t all = len + 1; all <= 4; all++) {
    uint8_t try[4] = {0x80, 0x80, 0x80, 0x80};
    memcpy(try, p, len);
    for (unsigned next = 0x80; next <= 0xbf; next++) {
      try[len] = (uint8_t)next;
      if (is_character(try, all)) return true;
    }
  }
  return false;
}

/* Each longest piece that is no character becomes U+FFFD, and a NUL too where it must not be. */
static void clean(const struct text *in, struct text *out, bool without_nul) {
  out->len = 0;
  for (size_t at = 0, len; at < in->len; at += len) {
    const uint8_t *p = in->bytes + at;
    size_t left = in->len - at;
    for (len = 1; len < 4 && len < left && !is_character(p, len); len++) continue;
    if (is_character(p, len)) {
      if (without_nul && *p == 0) {
        put_replacement(out);
        continue;
      }
      for (size_t i = 0; i < len; i++) put(out, p[i]);
      continue;
    }
    for (len = 1; len < left && len < 4 && is_beginning(p, len + 1); len++) continue;
    put_replacement(out);
  }
}

/* ---- escapes ---- */

static int digit_of(uint8_t byte) {
  const char *digits = "0123456789abcdef0123456789ABCDEF", *at = byte ? strchr(digits, byte) : NULL;
  return at ? (int)((at - digits) % 16) : -1;
}

static void unescape(fc_slice in, struct text *out) {
  out->len = 0;
  for (size_t i = 0; i < in.len; i++) {
    bool escape = in.data[i] == '%' && in.len - i > 2 && digit_of(in.data[i + 1]) >= 0 &&
                  digit_of(in.data[i + 2]) >= 0;
    put(out,
        escape ? (unsigned)(digit_of(in.data[i + 1]) * 16 + digit_of(in.data[i + 2])) : in.data[i]);
    if (escape) i += 2;
  }
}

static void escape(const struct text *in, struct text *out) {
  out->len = 0;
  for (size_t i = 0; i < in->len; i++) {
    uint8_t byte = in->bytes[i];
    bool at_end = i == 0 || i == in->len - 1;
    if (byte > 0x7e || byte < 0x20 || byte == '%' || (byte == ' ' && at_end)) {
      put(out, '%');
      put(out, (unsigned)"0123456789ABCDEF"[byte / 16]);
      byte = (uint8_t) "0123456789ABCDEF"[byte % 16];
    }
    put(out, byte);
  }
}

/* ---- ours beside it ---- */

/* With room for just the result, and with less: then nothing is appended. */
static void check_ceiling(bool (*code)(struct fc__buf *, fc_slice), fc_slice in, size_t len) {
  struct fc__buf out;
  fc__buf_init(&out, len);
  MODEL_CHECK(code(&out, in) && out.len == len, "%zu bytes do not go into room for them", len);
  fc__buf_finish(&out);
  if (len == 0) return;
  fc__buf_init(&out, len - 1);
  MODEL_CHECK(!code(&out, in) && out.len == 0, "%zu bytes go into room for one less", len);
  fc__buf_finish(&out);
}

static void check_decode(fc_slice in) {
  static struct text bytes, plain;
  unescape(in, &bytes);
  clean(&bytes, &plain, true);
  uint8_t *exact = malloc(in.len ? in.len : 1);
  MODEL_CHECK(exact, "no memory");
  if (in.len) memcpy(exact, in.data, in.len);
  struct fc__buf out;
  fc__buf_init(&out, 4096);
  MODEL_CHECK(fc__percent_decode(&out, (fc_slice){exact, in.len}), "no memory");
  MODEL_CHECK(out.len == plain.len && (out.len == 0 || memcmp(out.data, plain.bytes, out.len) == 0),
              "\"%.*s\" is read as \"%.*s\", not \"%.*s\"", (int)in.len, in.data, (int)out.len,
              out.data, (int)plain.len, plain.bytes);
  fc__buf_finish(&out);
  check_ceiling(fc__percent_decode, in, plain.len);
  free(exact);
}

static void check_encode(fc_slice in) {
  static struct text bytes, cleaned, plain;
  bytes.len = in.len;
  if (in.len) memcpy(bytes.bytes, in.data, in.len);
  clean(&bytes, &cleaned, false);
  escape(&cleaned, &plain);
  struct fc__buf out;
  fc__buf_init(&out, 4096);
  MODEL_CHECK(fc__percent_encode(&out, in), "no memory");
  MODEL_CHECK(out.len == plain.len && (out.len == 0 || memcmp(out.data, plain.bytes, out.len) == 0),
              "%zu bytes are written as \"%.*s\", not \"%.*s\"", in.len, (int)out.len, out.data,
              (int)plain.len, plain.bytes);
  check_decode((fc_slice){out.data, out.len});
  check_ceiling(fc__percent_encode, in, plain.len);
  fc__buf_finish(&out);
}

static void check_both(fc_slice in) {
  check_decode(in);
  check_encode(in);
}

/* The telling bytes behind a different first one in each round. */
static void check_telling(void) {
  static const uint8_t telling[] = {'%',  '2',  'e',  'F',  'g',  ' ',  0x00, 0x1f, 0x7f,
                                    0x80, 0x8f, 0x90, 0xbf, 0xc2, 0xe0, 0xed, 0xf0, 0xf4};
  enum { COUNT = sizeof telling };
  for (size_t number = 0; number < COUNT * COUNT * COUNT; number++) {
    uint8_t text[4] = {telling[model_seed() % COUNT], telling[number % COUNT],
                       telling[number / COUNT % COUNT], telling[number / COUNT / COUNT]};
    check_both((fc_slice){text, 1 + number % 4});
    check_both((fc_slice){text, 4});
  }
}

static void check_long(struct fc__random *random) {
  static const char *const pieces[] = {
      "%", "%4",       "%41",      "%e2%82%ac",        "%C3", "%00", "%zz", "a",
      " ", "\xc3\xa4", "\xe2\x82", "\xf0\x9f\x98\x80", "~",   "\x7f"};
  uint8_t text[MOST + 16];
  size_t len = 0, most = model_between(random, 0, MOST);
  while (len < most) {
    const char *piece = MODEL_PICK(random, pieces);
    memcpy(text + len, piece, strlen(piece));
    len += strlen(piece);
    if (model_chance(random, 30)) text[len - 1] = (uint8_t)fc__random_next(random);
  }
  check_both((fc_slice){text, len});
}

void model_round(struct fc__random *random) {
  check_telling();
  for (int i = 0; i < 1000; i++) check_long(random);
}
