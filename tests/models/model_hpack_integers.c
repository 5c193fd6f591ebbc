/*
 * The integers of header blocks against arithmetic that cannot wrap: each way of writing one with up to five bytes from a set
 * of telling ones, each value of the bytes at which 28 and 32 bits end, padding, and all places where an integer stands. A
 * value shows by its effect, so one that wraps to another is found wherever it lands.
 */
#include <string.h>
#include <sys/mman.h>

#include "http2/hpack.h"
#include "models/model.h"

const unsigned model_short_rounds = 7;

enum {
  LARGEST = 0x0fffffff, /* that our decoder takes */
  MORE_MAX = 22,        /* bytes after the first, padding included */
};

struct form {
  uint8_t bytes[MORE_MAX + 4];
  size_t len;
};

/* RFC 7541 section 5.1; -1: more than is taken. */
static int64_t value_of(const struct form *f, uint8_t mask) {
  uint64_t value = f->bytes[0] & mask;
  if (f->len - 1 > MORE_MAX) return -1;
  for (size_t i = 1; i < f->len; i++) {
    uint64_t bits = f->bytes[i] & 0x7f;
    if (bits && i > 8) return -1; /* 2^56 at least; eight bytes fit into 64 bits */
    if (bits) value += bits << 7 * (i - 1);
  }
  return value <= LARGEST ? (int64_t)value : -1;
}

/* ---- where integers stand ---- */

struct shown {
  size_t fields, size;
};

static void note(void *user, const struct fc__field *field, size_t size, bool too_large) {
  struct shown *shown = user;
  (void)field, (void)too_large;
  shown->fields++;
  shown->size = size;
}

/* What a fresh decoder says of a block that comes in two pieces. */
static bool decodes(size_t table_max, fc_slice first, fc_slice second, bool last,
                    struct shown *shown) {
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(table_max, 64);
  MODEL_CHECK(d, "no memory");
  bool good = fc__hpack_decode(d, first, second.len == 0 && last, note, shown) == FC__HPACK_OK;
  if (good && second.len) good = fc__hpack_decode(d, second, last, note, shown) == FC__HPACK_OK;
  fc__hpack_decoder_destroy(d);
  return good;
}

/* A table size update: right if the table may be that large, and not if by one less. */
static void check_update(const struct form *f, size_t cut) {
  int64_t value = value_of(f, 0x1f);
  struct shown shown = {0};
  fc_slice a = {f->bytes, cut}, b = {f->bytes + cut, f->len - cut};
  bool taken = decodes(value < 0 ? SIZE_MAX / 4 : (size_t)value, a, b, true, &shown);
  MODEL_CHECK(taken == (value >= 0), "a size update of %lld is %s", (long long)value,
              taken ? "taken" : "refused");
  if (value <= 0) return;
  MODEL_CHECK(!decodes((size_t)value - 1, a, b, true, &shown), "an update of %lld is less",
              (long long)value);
}

/* As many bytes as a string can have, of which none is read: longer strings are only counted. */
static const uint8_t *endless(void) {
  static uint8_t *memory;
  if (!memory) {
    memory = mmap(NULL, LARGEST + 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  }
  MODEL_CHECK(memory != MAP_FAILED, "no memory");
  return memory;
}

/* A length: the field is there with the last of so many bytes. */
static void check_length(const struct form *f, bool of_name, size_t cut) {
  int64_t value = value_of(f, 0x7f);
  uint8_t start[sizeof f->bytes + 3] = {0, 1, 'n'};
  size_t before = of_name ? 1 : 3;
  memcpy(start + before, f->bytes, f->len);
  struct shown shown = {0};
  fc_slice a = {start, before + cut}, b = {start + before + cut, f->len - cut};
  bool taken = decodes(0, a, b, false, &shown);
  MODEL_CHECK(taken == (value >= 0), "a length of %lld is %s", (long long)value,
              taken ? "taken" : "refused");
  if (value <= 0) return;
  struct fc__hpack_decoder *d = fc__hpack_decoder_create(0, 64);
  const uint8_t *text = endless(), empty = 0;
  (void)fc__hpack_decode(d, (fc_slice){start, before + f->len}, false, note, &shown);
  (void)fc__hpack_decode(d, (fc_slice){text, (size_t)value - 1}, false, note, &shown);
  MODEL_CHECK(shown.fields == 0, "a string of %lld bytes ends early", (long long)value);
  enum fc__hpack_result result = fc__hpack_decode(d, (fc_slice){text, 1}, false, note, &shown);
  if (of_name) result = fc__hpack_decode(d, (fc_slice){&empty, 1}, true, note, &shown);
  size_t size = (size_t)value + 32 + (of_name ? 0 : 1);
  MODEL_CHECK(result == FC__HPACK_OK && shown.fields == 1 && shown.size == size,
              "a string of %lld bytes: result %d, %zu fields, %zu bytes", (long long)value, result,
              shown.fields, shown.size);
  fc__hpack_decoder_destroy(d);
}

/* An index, of which the 61 of the static table are right. */
static void check_index(const struct form *f, uint8_t mask, size_t cut) {
  int64_t value = value_of(f, mask);
  uint8_t block[sizeof f->bytes + 3];
  size_t len = f->len;
  memcpy(block, f->bytes, len);
  if (mask != 0x7f && value == 0) block[len++] = 0; /* an empty name */
  if (mask != 0x7f) block[len++] = 0;               /* an empty value */
  struct shown shown = {0};
  fc_slice a = {block, cut}, b = {block + cut, len - cut};
  bool taken = decodes(4096, a, b, true, &shown);
  bool right = value >= (mask == 0x7f ? 1 : 0) && value <= 61;
  MODEL_CHECK(taken == right && shown.fields == right, "index %lld behind a prefix of 0x%02x is %s",
              (long long)value, mask, taken ? "taken" : "refused");
}

static const struct place {
  uint8_t first, mask;
} places[] = {{0x80, 0x7f}, {0x40, 0x3f}, {0x00, 0x0f}, {0x10, 0x0f},
              {0x20, 0x1f}, {0x00, 0x7f}, {0x00, 0x7f}};
enum { PLACES = 7, UPDATE = 4, OF_NAME = 5, OF_VALUE = 6 };

static void check_form(unsigned place, struct form *f, size_t cut) {
  f->bytes[0] = places[place].first | places[place].mask;
  if (place < UPDATE) {
    check_index(f, places[place].mask, cut);
  } else if (place == UPDATE) {
    check_update(f, cut);
  } else {
    check_length(f, place == OF_NAME, cut);
  }
}

/* ---- which integers ---- */

static const uint8_t telling[] = {0x00, 0x01, 0x02, 0x0f, 0x10, 0x40, 0x70, 0x7f};

/* All forms of len bytes after the first, which are of the telling ones. */
static void check_combinations(unsigned place, size_t len, struct fc__random *random) {
  enum { BASE = sizeof telling };
  size_t all = 1;
  for (size_t i = 0; i < len; i++) all *= BASE;
  for (size_t number = 0; number < all; number++) {
    struct form f = {.len = 1 + len};
    size_t rest = number;
    for (size_t i = 1; i <= len; i++, rest /= BASE) {
      f.bytes[i] = telling[rest % BASE] | (i < len ? 0x80 : 0);
    }
    check_form(place, &f, model_between(random, 1, f.len));
  }
}

/* Each value of one byte between others that are zero or random, padded or not. */
static void check_byte(unsigned place, size_t at, struct fc__random *random) {
  for (unsigned value = 0; value < 0x80; value++) {
    struct form f = {.len = 1 + at};
    for (size_t i = 1; i < at; i++) {
      f.bytes[i] = model_chance(random, 60) ? 0x80 : (uint8_t)(fc__random_next(random) | 0x80);
    }
    f.bytes[at] = (uint8_t)value;
    if (model_chance(random, 50)) {
      while (f.len < sizeof f.bytes && model_chance(random, 95)) {
        f.bytes[f.len - 1] |= 0x80;
        f.bytes[f.len++] = 0;
      }
    }
    check_form(place, &f, model_between(random, 1, f.len));
  }
}

/* Values of one byte, which fit beside the first bits. */
static void check_small(unsigned place) {
  const struct place *p = &places[place];
  for (unsigned value = 0; value < p->mask; value++) {
    struct form f = {.bytes = {(uint8_t)(p->first | value)}, .len = 1};
    if (place < UPDATE) {
      check_index(&f, p->mask, 1);
    } else if (place == UPDATE) {
      check_update(&f, 1);
    } else {
      check_length(&f, place == OF_NAME, 1);
    }
  }
}

/* ---- what we write ---- */

/* The length of a string as it must be written: RFC 7541 section 5.1. */
static size_t write_length(uint8_t *to, size_t len) {
  if (len < 127) return to[0] = (uint8_t)len, 1;
  size_t at = 0;
  to[at++] = 127;
  for (len -= 127; len >= 128; len /= 128) to[at++] = (uint8_t)(len % 128 + 128);
  to[at++] = (uint8_t)len;
  return at;
}

/* Secrets are written plain, whatever their bytes. */
static void check_written(size_t len) {
  struct fc__buf out;
  fc__buf_init(&out, SIZE_MAX / 2);
  uint8_t expected[16] = {0x10, 1, 'n'};
  size_t before = 3 + write_length(expected + 3, len);
  fc_slice name = {(const uint8_t *)"n", 1};
  MODEL_CHECK(fc__hpack_encode_stateless(&out, name, (fc_slice){endless(), len}, true), "memory");
  MODEL_CHECK(out.len == before + len && memcmp(out.data, expected, before) == 0,
              "the length %zu is not written as it should be", len);
  fc__buf_finish(&out);
}

void model_round(struct fc__random *random) {
  unsigned place = (unsigned)(model_seed() % PLACES);
  check_small(place);
  for (size_t len = 1; len <= 5; len++) check_combinations(place, len, random);
  for (size_t at = 1; at <= 11; at++) check_byte(place, at, random);
  for (size_t around = 1 << 7; around <= 1 << 21; around <<= 7) {
    check_written(around - 1 + model_between(random, 0, 130));
    check_written(around + 127 - model_between(random, 0, 2));
  }
}
