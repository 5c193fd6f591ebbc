/*
 * Messages, some of them compressed, in any cuts, beside the list of what was put in: each comes out once, whole and in order.
 * Limits are met exactly. What breaks the rules ends the stream at the byte that tells it. Compression beside zlib itself.
 */
#include "wire/deframer.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "models/model.h"
#include "wire/compress.h"

const unsigned model_short_rounds = 600;

enum { MESSAGES = 12, ROOM = 1 << 19, TEXT_MOST = 1 << 17 };

static uint8_t wire[ROOM];
static size_t wire_len;
static struct message {
  size_t at, len;
  bool compressed;
} messages[MESSAGES];
static size_t count;

/* ---- messages in a stream ---- */

static void put_prefix(unsigned flag, uint64_t len) {
  const uint8_t prefix[5] = {(uint8_t)flag, (uint8_t)(len >> 24), (uint8_t)(len >> 16),
                             (uint8_t)(len >> 8), (uint8_t)len};
  memcpy(wire + wire_len, prefix, 5);
  if (flag < 2) {
    uint8_t ours[5];
    fc__message_prefix(ours, len, flag);
    MODEL_CHECK(memcmp(ours, prefix, 5) == 0, "the prefix of %llu bytes is written otherwise",
                (unsigned long long)len);
  }
  wire_len += 5;
}

static void put_message(struct fc__random *random, size_t max_len) {
  static const size_t most[] = {0, 1, 5, 300, 4096, 20000};
  size_t len = model_between(random, 0, MODEL_PICK(random, most));
  if ((model_chance(random, 10) && max_len <= 20000) || len > max_len) len = max_len;
  struct message *m = &messages[count++];
  *m = (struct message){wire_len + 5, len, model_chance(random, 50)};
  put_prefix(m->compressed, len);
  for (size_t i = 0; i < len; i++) wire[wire_len++] = (uint8_t)fc__random_next(random);
}

/* What comes after the last message: nothing, or what must be refused with this result. */
static fc_result put_end(struct fc__random *random, size_t max_len) {
  unsigned kind = (unsigned)model_between(random, 0, max_len ? 3 : 2);
  if (kind == 1) put_prefix((unsigned)model_between(random, 2, 255), 3);
  if (kind == 2) put_prefix(0, max_len + 1 + (model_chance(random, 50) ? 0x80000000u : 0));
  size_t promised =
      model_chance(random, 50) ? max_len : model_between(random, 1, max_len ? max_len : 1);
  if (kind == 3) put_prefix(1, promised);
  if (kind == 3 && promised > 1) wire[wire_len++] = 'x';
  return kind == 1 ? FC_ERR_PROTOCOL : kind == 2 ? FC_ERR_LIMIT : FC_END;
}

static void check_message(size_t number, fc_bytes *bytes, bool compressed) {
  MODEL_CHECK(number < count, "a message more than the %zu that were sent", count);
  const struct message *m = &messages[number];
  fc_slice slice = fc_bytes_slice(bytes);
  MODEL_CHECK(slice.len == m->len && compressed == m->compressed &&
                  (m->len == 0 || memcmp(slice.data, wire + m->at, m->len) == 0),
              "message %zu of %zu bytes comes as %zu bytes, or other ones", number, m->len,
              slice.len);
  fc_bytes_unref(bytes);
}

static size_t piece_len(struct fc__random *random) {
  static const size_t most[] = {1, 4, 5, 6, 100, 5000, ROOM};
  return model_between(random, 1, MODEL_PICK(random, most));
}

static void play_stream(struct fc__random *random) {
  static const size_t limits[] = {0, 1, 100, 4096, 20000, 0x7ffffff0};
  size_t max_len = MODEL_PICK(random, limits), number = 0;
  wire_len = count = 0;
  for (size_t left = model_between(random, 0, MESSAGES); left > 0; left--)
    put_message(random, max_len);
  size_t good = wire_len;
  fc_result end = put_end(random, max_len), result = FC_END;
  struct fc__deframer d;
  fc__deframer_init(&d);
  for (size_t at = 0, len; at < wire_len && result == FC_END; at += len) {
    len = piece_len(random);
    if (len > wire_len - at) len = wire_len - at;
    uint8_t *exact = malloc(len);
    MODEL_CHECK(exact, "no memory");
    memcpy(exact, wire + at, len);
    fc_slice data = {exact, len};
    fc_bytes *bytes;
    bool compressed;
    while ((result = fc__deframer_next(&d, &data, max_len, &bytes, &compressed)) == FC_OK) {
      check_message(number++, bytes, compressed);
    }
    MODEL_CHECK(result != FC_END || data.len == 0, "%zu bytes are left", data.len);
    free(exact);
    bool told = at + len >= good + 5;
    MODEL_CHECK(result == (told ? end : FC_END), "result %d at byte %zu of %zu", result, at + len,
                good);
  }
  MODEL_CHECK(number == count, "%zu of %zu messages come", number, count);
  MODEL_CHECK(fc__deframer_in_message(&d) == (end == FC_END && wire_len > good), "inside or not");
  const uint8_t *p = wire + good;
  size_t promised = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
  MODEL_CHECK(wire_len == good || d.message_len == promised, "%zu bytes are promised, not %zu",
              promised, d.message_len);
  fc__deframer_finish(&d);
}

/* ---- compression ---- */

static uint8_t text[TEXT_MOST], packed[2 * TEXT_MOST];

static size_t make_text(struct fc__random *random) {
  size_t len = model_between(random, 0, model_chance(random, 20) ? TEXT_MOST : 2000);
  unsigned letters = (unsigned)model_between(random, 1, model_chance(random, 50) ? 3 : 256);
  uint64_t bits = fc__random_next(random);
  for (size_t i = 0; i < len; i++) {
    bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407u;
    text[i] = (uint8_t)((bits >> 33) % letters);
  }
  return len;
}

/* zlib's own: 16 more in the size of the window is gzip. */
static size_t pack(size_t len, enum fc__encoding encoding) {
  z_stream z = {.next_in = text, .avail_in = (uInt)len, .next_out = packed};
  z.avail_out = sizeof packed;
  int window = encoding == FC__ENCODING_GZIP ? 31 : 15;
  MODEL_CHECK(deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK, "no memory");
  MODEL_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END, "zlib does not end");
  deflateEnd(&z);
  return z.total_out;
}

static void check_unpacked(enum fc__encoding encoding, fc_slice in, size_t max_len, fc_result right,
                           size_t len) {
  fc_bytes *out = NULL;
  uint8_t *exact = malloc(in.len ? in.len : 1);
  MODEL_CHECK(exact, "no memory");
  memcpy(exact, in.data, in.len);
  fc_slice slice = {exact, in.len};
  fc_result result = fc__decompress(encoding, slice, max_len, &out);
  MODEL_CHECK(result == right, "%zu bytes, limit %zu: result %d, not %d", len, max_len, result,
              right);
  MODEL_CHECK(fc__decompress_check(encoding, slice, max_len) == right, "looking says otherwise");
  if (result == FC_OK) {
    fc_slice got = fc_bytes_slice(out);
    MODEL_CHECK(got.len == len && (len == 0 || memcmp(got.data, text, len) == 0),
                "%zu bytes come out as %zu, or other ones", len, got.len);
  }
  fc_bytes_unref(out);
  free(exact);
}

static void play_compression(struct fc__random *random) {
  enum fc__encoding encoding = model_chance(random, 50) ? FC__ENCODING_GZIP : FC__ENCODING_DEFLATE;
  size_t len = make_text(random), size = pack(len, encoding);
  fc_slice all = {packed, size};
  check_unpacked(encoding, all, len, FC_OK, len);
  check_unpacked(encoding, all, SIZE_MAX, FC_OK, len);
  if (len) check_unpacked(encoding, all, len - 1, FC_ERR_LIMIT, len);
  if (len) check_unpacked(encoding, all, model_between(random, 0, len - 1), FC_ERR_LIMIT, len);
  fc_slice part = {packed, model_between(random, 0, size - 1)};
  check_unpacked(encoding, part, SIZE_MAX, FC_ERR_PROTOCOL, len);
  packed[size] = 0;
  check_unpacked(encoding, (fc_slice){packed, size + 1}, len, FC_ERR_PROTOCOL, len);
  fc_bytes *ours, *none;
  MODEL_CHECK(fc__compress(encoding, (fc_slice){text, len}, SIZE_MAX, &ours) == FC_OK, "no memory");
  fc_slice shrunk = fc_bytes_slice(ours);
  check_unpacked(encoding, shrunk, len, FC_OK, len);
  MODEL_CHECK(fc__compress(encoding, (fc_slice){text, len}, shrunk.len - 1, &none) == FC_ERR_LIMIT,
              "%zu bytes shrink into less than %zu", len, shrunk.len);
  fc_bytes_unref(ours);
}

void model_round(struct fc__random *random) {
  for (int i = 0; i < 5; i++) play_stream(random);
  if (model_chance(random, 30)) play_compression(random);
}
