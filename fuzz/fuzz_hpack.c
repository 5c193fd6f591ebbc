/*
 * Header blocks from an untrusted peer. The input is a series of blocks, each behind two bytes:
 * what the owner does before it, and how long it is. One decoder takes them whole, one in chunks;
 * one has small limits. All must agree. With FUZZ_WITH_NGHTTP2 also nghttp2's inflater, in what it
 * accepts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http2/hpack.h"

#ifdef FUZZ_WITH_NGHTTP2
#include <nghttp2/nghttp2.h>
#endif

enum { MAX_STRING = 65536, SMALL_STRING = 40, TABLE = 4096, LONGEST = 1 << 16 };

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) abort();                                                                     \
  } while (0)

/* A hash of all that was reported, which two decoders can be compared by. */
struct digest {
  uint64_t fields, sizes;   /* alike for all limits */
  uint64_t texts, reported; /* of what was not too large */
};

static uint64_t absorb(uint64_t hash, const void *data, size_t len) {
  const uint8_t *bytes = data;
  for (size_t i = 0; i < len; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
  return hash;
}

static uint64_t absorb_slice(uint64_t hash, fc_slice slice) {
  return absorb(absorb(hash, &slice.len, sizeof slice.len), slice.data, slice.len);
}

static void note(void *user, const struct fc__field *field, size_t size, bool too_large) {
  struct digest *d = user;
  d->fields++;
  d->sizes = absorb(d->sizes, &size, sizeof size);
  if (too_large) {
    CHECK(!field->name.len && !field->value.len);
    return;
  }
  CHECK(size == field->name.len + field->value.len + FC__HPACK_ENTRY_OVERHEAD);
  CHECK(field->token == fc__token_of(field->name));
  d->texts = absorb_slice(absorb_slice(d->texts, field->name), field->value);
  d->texts = absorb(d->texts, &field->never_indexed, 1);
  d->reported++;
}

/* The fragment lies in memory of its very size, so that a sanitizer sees a read past it. */
static enum fc__hpack_result decode(struct fc__hpack_decoder *d, const uint8_t *data, size_t len,
                                    size_t chunk, struct digest *digest) {
  enum fc__hpack_result result;
  do {
    size_t part = len < chunk ? len : chunk;
    uint8_t *exact = malloc(part ? part : 1);
    CHECK(exact);
    memcpy(exact, data, part);
    result = fc__hpack_decode(d, (fc_slice){exact, part}, part == len, note, digest);
    free(exact);
    data += part;
    len -= part;
  } while (len && result == FC__HPACK_OK);
  return result;
}

#ifdef FUZZ_WITH_NGHTTP2
/* nghttp2 takes any number of size updates; RFC 7541 section 4.2 allows two. */
static bool has_many_updates(const uint8_t *data, size_t len) {
  size_t updates = 0;
  for (size_t at = 0; at < len && (data[at] & 0xe0) == 0x20; at++, updates++) {
    if (data[at] != 0x3f) continue;
    do at++;
    while (at < len && data[at] & 0x80);
  }
  return updates > 2;
}

/* We take integers that are padded, up to a limit; nghttp2 takes five bytes after the first. */
static bool has_long_integer(const uint8_t *data, size_t len) {
  size_t run = 0;
  for (size_t at = 0; at < len && run < 5; at++) run = data[at] & 0x80 ? run + 1 : 0;
  return run >= 5;
}

static bool inflate(nghttp2_hd_inflater *inflater, uint8_t *data, size_t len,
                    struct digest *digest) {
  for (;;) {
    nghttp2_nv nv;
    int flags = 0;
    ssize_t used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, data, len, 1);
    if (used < 0) return false;
    data += used;
    len -= (size_t)used;
    if (flags & NGHTTP2_HD_INFLATE_EMIT) {
      struct fc__field field = {.name = {nv.name, nv.namelen}, .value = {nv.value, nv.valuelen}};
      field.token = (uint8_t)fc__token_of(field.name);
      field.never_indexed = nv.flags & NGHTTP2_NV_FLAG_NO_INDEX;
      note(digest, &field, nv.namelen + nv.valuelen + FC__HPACK_ENTRY_OVERHEAD, false);
    }
    if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
  }
  return nghttp2_hd_inflate_end_headers(inflater) == 0;
}
#endif

struct decoders {
  struct fc__hpack_decoder *whole, *chunked, *small;
#ifdef FUZZ_WITH_NGHTTP2
  nghttp2_hd_inflater *inflater;
#endif
};

static void create(struct decoders *d) {
  d->whole = fc__hpack_decoder_create(TABLE, MAX_STRING);
  d->chunked = fc__hpack_decoder_create(TABLE, MAX_STRING);
  d->small = fc__hpack_decoder_create(TABLE, SMALL_STRING);
  CHECK(d->whole && d->chunked && d->small);
#ifdef FUZZ_WITH_NGHTTP2
  CHECK(nghttp2_hd_inflate_new(&d->inflater) == 0);
#endif
}

static void destroy(struct decoders *d) {
  fc__hpack_decoder_destroy(d->whole);
  fc__hpack_decoder_destroy(d->chunked);
  fc__hpack_decoder_destroy(d->small);
#ifdef FUZZ_WITH_NGHTTP2
  nghttp2_hd_inflate_del(d->inflater);
#endif
}

static void set_table_max(struct decoders *d, size_t size) {
  fc__hpack_decoder_set_table_max(d->whole, size);
  fc__hpack_decoder_set_table_max(d->chunked, size);
  fc__hpack_decoder_set_table_max(d->small, size);
#ifdef FUZZ_WITH_NGHTTP2
  CHECK(nghttp2_hd_inflate_change_table_size(d->inflater, size) == 0);
#endif
}

static bool take_block(struct decoders *d, uint8_t *data, size_t len, size_t chunk) {
  struct digest whole = {0}, chunked = {0}, small = {0};
  enum fc__hpack_result result = decode(d->whole, data, len, LONGEST, &whole);
  CHECK(decode(d->chunked, data, len, chunk, &chunked) == result);
  CHECK(decode(d->small, data, len, chunk, &small) == result);
  CHECK(memcmp(&whole, &chunked, sizeof whole) == 0);
  CHECK(whole.fields == small.fields && whole.sizes == small.sizes);
#ifdef FUZZ_WITH_NGHTTP2
  struct digest other = {0};
  bool accepted = inflate(d->inflater, data, len, &other);
  if (accepted && result == FC__HPACK_OK) CHECK(memcmp(&whole, &other, sizeof whole) == 0);
  if (accepted && result != FC__HPACK_OK) CHECK(has_many_updates(data, len));
  if (!accepted && result == FC__HPACK_OK) CHECK(has_long_integer(data, len));
  if (!accepted) return false;
#endif
  return result == FC__HPACK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct decoders d;
  create(&d);
  while (size >= 2) {
    uint8_t before = data[0];
    size_t len = data[1] < size - 2 ? data[1] : size - 2;
    uint8_t block[256];
    if (before & 0x80) set_table_max(&d, (size_t)(before & 0x70) << 6);
    memcpy(block, data + 2, len);
    /* An empty block makes nghttp2 forget that a size update is due. */
    if (len && !take_block(&d, block, len, 1 + (before & 0x0f))) break;
    data += 2 + len;
    size -= 2 + len;
  }
  destroy(&d);
  return 0;
}
