/*
 * The Huffman code of RFC 7541 appendix B, bit by bit, as nghttp2 writes it, against ours: each code, all strings of two bytes,
 * texts of all bytes in any pieces, and strings of random bits, of which most are broken somewhere.
 */
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "http2/hpack_huffman.h"
#include "models/model.h"

const unsigned model_short_rounds = 256;

enum { EOS = 256, TEXT_MOST = 400, CODED_MOST = 4 * TEXT_MOST };

/* A tree of codes: the node that each bit leads to, or the symbol at its end. */
static struct node {
  uint16_t next[2];
  int16_t symbol; /* -1: not the end of a code */
} nodes[2 * (EOS + 1)];
static unsigned node_count;

struct code {
  uint32_t bits;
  unsigned len;
};
static struct code codes[EOS + 1];

/* ---- the codes, from nghttp2 ---- */

static bool bit_of(const uint8_t *bytes, size_t i) { return bytes[i / 8] >> (7 - i % 8) & 1; }

/* nghttp2 writes 20 zeros of 5 bits, the symbol, a zero; then ones that fill a byte. The last zero bit that is there ends the
 * second zero. */
static struct code ask_nghttp2(nghttp2_hd_deflater *deflater, uint8_t symbol) {
  uint8_t text[22], block[64];
  memset(text, '0', sizeof text);
  text[20] = symbol;
  nghttp2_nv field = {(uint8_t *)"k", text, 1, sizeof text, NGHTTP2_NV_FLAG_NO_INDEX};
  ssize_t len = nghttp2_hd_deflate_hd(deflater, block, sizeof block, &field, 1);
  MODEL_CHECK(len > 4 && block[0] == 0x10 && block[2] == 'k' && block[3] > 0x80,
              "nghttp2 writes no Huffman code");
  const uint8_t *coded = block + 4;
  size_t end = (size_t)(block[3] & 0x7f) * 8;
  while (bit_of(coded, end - 1)) end--;
  struct code code = {0, (unsigned)(end - 5 - 100)};
  for (size_t i = 100; i < end - 5; i++) code.bits = code.bits << 1 | bit_of(coded, i);
  return code;
}

static void grow_tree(struct code code, int16_t symbol) {
  unsigned at = 0;
  for (unsigned i = code.len; i > 0; i--) {
    uint16_t *next = &nodes[at].next[code.bits >> (i - 1) & 1];
    if (*next == 0) {
      *next = (uint16_t)node_count;
      nodes[node_count++] = (struct node){.symbol = -1};
    }
    at = *next;
  }
  nodes[at].symbol = symbol;
}

static void learn_codes(void) {
  nghttp2_hd_deflater *deflater;
  MODEL_CHECK(nghttp2_hd_deflate_new(&deflater, 4096) == 0, "no memory");
  nodes[node_count++] = (struct node){.symbol = -1};
  for (unsigned symbol = 0; symbol < EOS; symbol++) {
    codes[symbol] = ask_nghttp2(deflater, (uint8_t)symbol);
    grow_tree(codes[symbol], (int16_t)symbol);
  }
  codes[EOS] = (struct code){0x3fffffff, 30}; /* RFC 7541 section 5.2 and appendix B */
  grow_tree(codes[EOS], EOS);
  nghttp2_hd_deflate_del(deflater);
}

/* ---- reading and writing plainly ---- */

struct text {
  uint8_t bytes[CODED_MOST * 2];
  size_t len;
};

/* False: EOS, or an end that is no padding of less than eight ones. */
static bool read_plainly(const struct text *coded, struct text *out) {
  unsigned at = 0, depth = 0;
  bool ones = true;
  out->len = 0;
  for (size_t i = 0; i < coded->len * 8; i++) {
    bool bit = bit_of(coded->bytes, i);
    at = nodes[at].next[bit];
    depth++;
    ones = ones && bit;
    if (nodes[at].symbol == EOS) return false;
    if (nodes[at].symbol < 0) continue;
    out->bytes[out->len++] = (uint8_t)nodes[at].symbol;
    at = depth = 0;
    ones = true;
  }
  return depth < 8 && ones;
}

static void put_code(struct text *coded, size_t *bits, struct code code) {
  for (unsigned i = code.len; i > 0; i--, ++*bits) {
    if (*bits % 8 == 0) coded->bytes[coded->len++] = 0;
    coded->bytes[*bits / 8] |= (uint8_t)((code.bits >> (i - 1) & 1) << (7 - *bits % 8));
  }
}

static void write_plainly(const struct text *text, struct text *coded) {
  size_t bits = 0;
  coded->len = 0;
  for (size_t i = 0; i < text->len; i++) put_code(coded, &bits, codes[text->bytes[i]]);
  if (bits % 8) put_code(coded, &bits, (struct code){0xff >> bits % 8, 8 - bits % 8});
}

/* ---- ours beside it ---- */

/* Memory of the very size at both ends; past room symbols are counted only. */
static bool read_piece(struct fc__huffman *h, fc_slice piece, struct text *out, size_t room) {
  uint8_t *exact = malloc(piece.len + 1), *to = malloc(room + 1);
  size_t count;
  MODEL_CHECK(exact && to, "no memory");
  memcpy(exact, piece.data, piece.len);
  bool good = fc__huffman_decode(h, (fc_slice){exact, piece.len}, to, room, &count);
  if (good) memcpy(out->bytes + out->len, to, count < room ? count : room);
  if (good) out->len += count;
  free(exact);
  free(to);
  return good;
}

static bool read_in_pieces(struct fc__random *random, const struct text *coded, struct text *out) {
  struct fc__huffman h = {0, 0};
  size_t chunk = model_chance(random, 50) ? coded->len : model_between(random, 1, 9);
  out->len = 0;
  for (size_t at = 0; at < coded->len; at += chunk) {
    size_t len = coded->len - at < chunk ? coded->len - at : chunk;
    if (!read_piece(&h, (fc_slice){coded->bytes + at, len}, out, fc__huffman_most(len)))
      return false;
  }
  return fc__huffman_at_end(&h);
}

static void check_small_room(struct fc__random *random, const struct text *coded,
                             const struct text *plain) {
  static struct text ours;
  struct fc__huffman h = {0, 0};
  size_t room = model_between(random, 0, plain->len);
  ours.len = 0;
  bool good = read_piece(&h, (fc_slice){coded->bytes, coded->len}, &ours, room);
  MODEL_CHECK(good && ours.len == plain->len && memcmp(ours.bytes, plain->bytes, room) == 0,
              "with room for %zu of %zu symbols %zu are counted", room, plain->len, ours.len);
}

static void check_coded(struct fc__random *random, const struct text *coded) {
  static struct text plain, ours;
  bool good = read_plainly(coded, &plain), taken = read_in_pieces(random, coded, &ours);
  MODEL_CHECK(good == taken, "a string of %zu bytes from 0x%02x is %s", coded->len,
              coded->len ? coded->bytes[0] : 0, taken ? "taken" : "refused");
  MODEL_CHECK(!good || (plain.len == ours.len && memcmp(plain.bytes, ours.bytes, ours.len) == 0),
              "%zu symbols are read, not %zu, or other ones", ours.len, plain.len);
  if (good) check_small_room(random, coded, &plain);
}

static void check_text(struct fc__random *random, const struct text *text) {
  static struct text coded;
  uint8_t ours[CODED_MOST + 1];
  write_plainly(text, &coded);
  fc_slice slice = {text->bytes, text->len};
  MODEL_CHECK(fc__huffman_length(slice) == coded.len, "%zu bytes are said to take %zu, not %zu",
              text->len, fc__huffman_length(slice), coded.len);
  MODEL_CHECK(fc__huffman_encode(ours, slice) == ours + coded.len &&
                  memcmp(ours, coded.bytes, coded.len) == 0,
              "%zu bytes are written otherwise", text->len);
  check_coded(random, &coded);
  if (coded.len == 0) return;
  unsigned change = (unsigned)model_between(random, 0, 3);
  if (change == 0) coded.bytes[coded.len++] = 0xff; /* padding that is too long */
  if (change == 1) coded.len--;
  if (change == 2) coded.bytes[coded.len - 1] ^= (uint8_t)(1 << model_between(random, 0, 7));
  if (change == 3) coded.bytes[model_between(random, 0, coded.len - 1)] = 0xff;
  check_coded(random, &coded);
}

static void fill(struct fc__random *random, struct text *text, size_t most, unsigned ones) {
  text->len = model_between(random, 0, most);
  for (size_t i = 0; i < text->len; i++) {
    text->bytes[i] = model_chance(random, ones) ? 0xff : (uint8_t)fc__random_next(random);
  }
}

/* Strings of one and two bytes, a part of them in each round. */
static void check_short(struct fc__random *random) {
  for (unsigned second = 0; second < 256; second++) {
    struct text coded = {.bytes = {(uint8_t)model_seed(), (uint8_t)second}, .len = 2};
    check_coded(random, &coded);
    coded.len = 1;
    check_coded(random, &coded);
    check_text(random, &coded);
  }
}

void model_round(struct fc__random *random) {
  static struct text text;
  if (node_count == 0) learn_codes();
  check_short(random);
  for (int i = 0; i < 100; i++) {
    fill(random, &text, model_chance(random, 20) ? TEXT_MOST : 12, 0);
    check_text(random, &text);
    fill(random, &text, 12, 60);
    check_coded(random, &text);
  }
}
