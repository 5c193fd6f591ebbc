/*
 * gzip and deflate, one message at a time. Expansion is streamed into memory that grows with the
 * output and stops one byte past the limit, so neither memory nor time can be made to exceed it.
 */
#include "wire/compress.h"

#include <assert.h>
#include <limits.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/slice.h"

static const char *const names[] = {"identity", "deflate", "gzip"};

enum fc__encoding fc__encoding_parse(fc_slice name) {
  for (int i = FC__ENCODING_IDENTITY; i < FC__ENCODING_UNKNOWN; i++) {
    if (fc_slice_equals(name, names[i])) return (enum fc__encoding)i;
  }
  return FC__ENCODING_UNKNOWN;
}

const char *fc__encoding_name(enum fc__encoding encoding) {
  return encoding < FC__ENCODING_UNKNOWN ? names[encoding] : "unknown";
}

unsigned fc__encoding_parse_list(fc_slice list) {
  unsigned set = 1u << FC__ENCODING_IDENTITY;
  /* What grpc core and this library say. */
  if (FC__SLICE_IS(list, FC__ENCODING_ACCEPTED))
    return set | 1u << FC__ENCODING_DEFLATE | 1u << FC__ENCODING_GZIP;
  while (list.len) {
    enum fc__encoding found = fc__encoding_parse(fc__slice_next_part(&list));
    if (found != FC__ENCODING_UNKNOWN) set |= 1u << found;
  }
  return set;
}

static voidpf zlib_alloc(voidpf user, uInt count, uInt size) {
  (void)user;
  return size && count > SIZE_MAX / size ? NULL : fc__alloc((size_t)count * size);
}

static void zlib_free(voidpf user, voidpf memory) {
  (void)user;
  fc__free(memory);
}

static z_stream stream_over(fc_slice in) {
  z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
  z.next_in = (z_const Bytef *)(uintptr_t)in.data;
  z.avail_in = (uInt)in.len;
  return z;
}

/* zlib counts in 32 bits, and so does the length on the wire. */
static bool countable(size_t len) { return len <= UINT_MAX; }

enum { GZIP_WRAPPER = 16, WINDOW_MAX = 15, LOOKAHEAD = 262 /* zlib's MIN_LOOKAHEAD */ };

/* The smallest window from which every match in the message can be reached. zlib's default takes
 * and clears 260 KiB for each message, be it of ten bytes. */
static int window_for(size_t len) {
  int bits = 9;
  while (bits < WINDOW_MAX && (size_t)1 << bits < len + LOOKAHEAD) bits++;
  return bits;
}

static int deflate_begin(z_stream *z, enum fc__encoding encoding, size_t len) {
  int window = window_for(len);
  int memory = window - 6 < 8 ? window - 6
                              : 8; /* symbols for the whole message in one block; 8 is default */
  int wrapper = encoding == FC__ENCODING_GZIP ? GZIP_WRAPPER : 0;
  return deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window + wrapper, memory,
                      Z_DEFAULT_STRATEGY);
}

fc_result fc__compress(enum fc__encoding encoding, fc_slice message, size_t max_len,
                       fc_bytes **out) {
  assert((encoding == FC__ENCODING_GZIP || encoding == FC__ENCODING_DEFLATE) &&
         "identity is sent as it is");
  *out = NULL;
  if (!countable(message.len)) return FC_ERR_LIMIT;
  z_stream z = stream_over(message);
  if (deflate_begin(&z, encoding, message.len) != Z_OK) return FC_ERR_NO_MEMORY;
  size_t room = fc__smaller(fc__smaller(deflateBound(&z, (uLong)message.len), max_len), UINT_MAX);
  fc_result result = FC_ERR_NO_MEMORY;
  fc_bytes *bytes = fc_bytes_create(room, &z.next_out);
  if (!bytes) goto done;
  z.avail_out = (uInt)room;
  result = FC_ERR_LIMIT;
  if (deflate(&z, Z_FINISH) != Z_STREAM_END) goto done;
  bytes->len = z.total_out;
  *out = bytes;
  bytes = NULL;
  result = FC_OK;
done:
  fc_bytes_unref(bytes);
  deflateEnd(&z);
  return result;
}

/* Room for the next step of an expansion. ceiling: the limit and one byte more. */
static fc_result expand_room(fc_bytes **bytes, z_stream *z, size_t ceiling) {
  size_t len = (*bytes)->len;
  if (len == ceiling) return FC_ERR_LIMIT;
  if (len == (*bytes)->cap && !fc__bytes_grow(bytes, len > ceiling / 2 ? ceiling : len * 2)) {
    return FC_ERR_NO_MEMORY;
  }
  z->next_out = (*bytes)->data + len;
  size_t room = fc__smaller((*bytes)->cap, ceiling) - len; /* cap may be more than was asked for */
  z->avail_out = (uInt)fc__smaller(room, UINT_MAX);
  return FC_OK;
}

static fc_result expand(fc_bytes **bytes, z_stream *z, size_t ceiling) {
  for (;;) {
    fc_result result = expand_room(bytes, z, ceiling);
    if (result != FC_OK) return result;
    int state = inflate(z, Z_FINISH); /* with room for all, zlib needs no window of its own */
    (*bytes)->len = (size_t)(z->next_out - (*bytes)->data);
    if (state == Z_MEM_ERROR) return FC_ERR_NO_MEMORY;
    if (state == Z_STREAM_END) break;
    bool full = z->avail_out == 0 && (state == Z_OK || state == Z_BUF_ERROR);
    if (!full) return FC_ERR_PROTOCOL; /* corrupt, or the end is missing */
  }
  if (z->avail_in > 0) return FC_ERR_PROTOCOL;
  return (*bytes)->len == ceiling ? FC_ERR_LIMIT : FC_OK;
}

/* Most messages expand to less than this, so one piece of memory will do. */
static size_t first_guess(size_t len, size_t ceiling) {
  return fc__smaller(len <= SIZE_MAX / 8 ? 4 * len + 64 : len, ceiling);
}

static int inflate_begin(z_stream *z, enum fc__encoding encoding, fc_slice message) {
  assert((encoding == FC__ENCODING_GZIP || encoding == FC__ENCODING_DEFLATE) &&
         "identity has no wrapping");
  *z = stream_over(message);
  return inflateInit2(z, WINDOW_MAX + (encoding == FC__ENCODING_GZIP ? GZIP_WRAPPER : 0));
}

fc_result fc__decompress(enum fc__encoding encoding, fc_slice message, size_t max_len,
                         fc_bytes **out) {
  *out = NULL;
  if (!countable(message.len)) return FC_ERR_LIMIT;
  size_t ceiling = max_len < SIZE_MAX ? max_len + 1 : SIZE_MAX;
  z_stream z;
  if (inflate_begin(&z, encoding, message) != Z_OK) return FC_ERR_NO_MEMORY;
  fc_bytes *bytes = fc_bytes_create(first_guess(message.len, ceiling), &z.next_out);
  fc_result result = FC_ERR_NO_MEMORY;
  if (bytes) {
    bytes->len = 0;
    result = expand(&bytes, &z, ceiling);
  }
  inflateEnd(&z);
  if (result == FC_OK) {
    *out = bytes;
  } else {
    fc_bytes_unref(bytes);
  }
  return result;
}

/* left: bytes of the limit. */
static fc_result skim(z_stream *z, size_t left) {
  uint8_t sink[8192];
  for (;;) {
    z->next_out = sink;
    z->avail_out = sizeof sink;
    int state = inflate(z, Z_NO_FLUSH);
    size_t len = sizeof sink - z->avail_out;
    if (len > left) return FC_ERR_LIMIT;
    left -= len;
    if (state == Z_MEM_ERROR) return FC_ERR_NO_MEMORY;
    if (state == Z_STREAM_END) return z->avail_in > 0 ? FC_ERR_PROTOCOL : FC_OK;
    if (state != Z_OK || z->avail_out > 0) return FC_ERR_PROTOCOL; /* corrupt, or cut */
  }
}

fc_result fc__decompress_check(enum fc__encoding encoding, fc_slice message, size_t max_len) {
  if (!countable(message.len)) return FC_ERR_LIMIT;
  z_stream z;
  if (inflate_begin(&z, encoding, message) != Z_OK) return FC_ERR_NO_MEMORY;
  fc_result result = skim(&z, max_len);
  inflateEnd(&z);
  return result;
}
