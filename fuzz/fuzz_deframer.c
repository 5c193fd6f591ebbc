/*
 * Messages out of bytes, then expanded when they say that they are compressed. The first byte chooses the
 * encoding, the second the size of the pieces; the same bytes in one piece must give the same messages.
 */
#include <string.h>

#include "base/bytes.h"
#include "check.h"
#include "wire/compress.h"
#include "wire/deframer.h"

enum { MESSAGE_MAX = 1 << 16, MESSAGES = 64 };

struct outcome {
  fc_bytes *messages[MESSAGES];
  bool compressed[MESSAGES];
  size_t count, consumed;
  fc_result result;
  bool inside;
};

static void read_messages(fc_slice data, size_t piece, struct outcome *o) {
  struct fc__deframer d;
  fc__deframer_init(&d);
  *o = (struct outcome){.result = FC_END};
  while (data.len && o->result >= 0 && o->count < MESSAGES) {
    fc_slice part = {data.data, data.len < piece ? data.len : piece};
    size_t len = part.len;
    o->result =
        fc__deframer_next(&d, &part, MESSAGE_MAX, &o->messages[o->count], &o->compressed[o->count]);
    CHECK((o->result == FC_OK) == (o->messages[o->count] != NULL));
    CHECK(o->result != FC_END || part.len == 0);
    if (o->result == FC_OK) o->count++;
    size_t taken = len - part.len;
    data.data += taken;
    data.len -= taken;
    o->consumed += taken;
    if (d.partial)
      CHECK(d.partial->cap <= 2 * d.partial->len + 4096 && d.partial->cap <= d.message_len);
  }
  o->inside = fc__deframer_in_message(&d);
  fc__deframer_finish(&d);
}

static void check_same(const struct outcome *a, const struct outcome *b) {
  CHECK(a->count == b->count && a->consumed == b->consumed && a->inside == b->inside);
  CHECK((a->result < 0 || b->result < 0) ? a->result == b->result : true);
  for (size_t i = 0; i < a->count; i++) {
    fc_slice x = fc_bytes_slice(a->messages[i]), y = fc_bytes_slice(b->messages[i]);
    CHECK(a->compressed[i] == b->compressed[i] && x.len == y.len);
    CHECK(x.len == 0 || memcmp(x.data, y.data, x.len) == 0);
  }
}

/* What expands can be compressed again, and comes back the same. */
static void check_expansion(enum fc__encoding encoding, fc_slice message) {
  fc_bytes *large, *small, *again;
  fc_result result = fc__decompress(encoding, message, MESSAGE_MAX, &large);
  CHECK((result == FC_OK) == (large != NULL));
  if (result != FC_OK) {
    CHECK(result == FC_ERR_LIMIT || result == FC_ERR_PROTOCOL);
    return;
  }
  fc_slice content = fc_bytes_slice(large);
  CHECK(content.len <= MESSAGE_MAX);
  CHECK(fc__compress(encoding, content, SIZE_MAX, &small) == FC_OK);
  CHECK(fc__decompress(encoding, fc_bytes_slice(small), content.len, &again) == FC_OK);
  CHECK(fc_bytes_slice(again).len == content.len);
  CHECK(content.len == 0 || memcmp(fc_bytes_slice(again).data, content.data, content.len) == 0);
  fc_bytes_unref(large);
  fc_bytes_unref(small);
  fc_bytes_unref(again);
}

static void finish(struct outcome *o) {
  for (size_t i = 0; i < o->count; i++) fc_bytes_unref(o->messages[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  enum fc__encoding encoding = data[0] & 1 ? FC__ENCODING_GZIP : FC__ENCODING_DEFLATE;
  struct outcome whole, pieces;
  fc_slice stream = {data + 2, size - 2};
  read_messages(stream, SIZE_MAX, &whole);
  read_messages(stream, (size_t)data[1] + 1, &pieces);
  check_same(&whole, &pieces);
  for (size_t i = 0; i < whole.count; i++) {
    if (whole.compressed[i]) check_expansion(encoding, fc_bytes_slice(whole.messages[i]));
  }
  check_expansion(encoding, stream);
  finish(&whole);
  finish(&pieces);
  return 0;
}
