/*
 * Messages out of a stream of bytes. One that lies whole in the data is copied once into memory of
 * its size; one that comes in pieces is gathered in a buffer that follows what has arrived, because
 * the length is the peer's promise and nothing is allocated for a promise.
 */
#include "wire/deframer.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/size.h"
#include "base/slice.h"

/* Room beyond twice of what has arrived: 4 KiB with the header of the bytes. */
enum { SLACK = 4096 - sizeof(fc_bytes) };

void fc__deframer_init(struct fc__deframer *d) { *d = (struct fc__deframer){0}; }

void fc__deframer_finish(struct fc__deframer *d) {
  fc_bytes_unref(d->partial);
  fc__deframer_init(d);
}

bool fc__deframer_in_message(const struct fc__deframer *d) { return d->prefix_len > 0; }

static const uint8_t *take(fc_slice *data, size_t len) {
  const uint8_t *taken = data->data;
  data->data += len;
  data->len -= len;
  return taken;
}

static fc_result read_prefix(struct fc__deframer *d, fc_slice *data, size_t max_len) {
  size_t len = fc__smaller(FC__MESSAGE_PREFIX - d->prefix_len, data->len);
  if (len) memcpy(d->prefix + d->prefix_len, take(data, len), len);
  d->prefix_len = (uint8_t)(d->prefix_len + len);
  if (d->prefix_len < FC__MESSAGE_PREFIX) return FC_END;
  const uint8_t *p = d->prefix;
  d->message_len = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
  if (p[0] > 1) return FC_ERR_PROTOCOL;
  return d->message_len > max_len ? FC_ERR_LIMIT : FC_OK;
}

static bool make_room(struct fc__deframer *d, size_t arriving) {
  size_t have = d->partial ? d->partial->len : 0;
  if (d->partial && arriving <= d->partial->cap - have) return true;
  size_t ample = fc__sum(fc__product(2, fc__sum(have, arriving)), SLACK);
  size_t cap = fc__smaller(d->message_len, ample);
  if (d->partial) return fc__bytes_grow(&d->partial, cap);
  uint8_t *start;
  d->partial = fc_bytes_create(cap, &start);
  if (d->partial) d->partial->len = 0;
  return d->partial;
}

/* Adds what there is of a message that does not lie whole in the data. */
static fc_result gather(struct fc__deframer *d, fc_slice *data) {
  size_t have = d->partial ? d->partial->len : 0;
  size_t len = fc__smaller(d->message_len - have, data->len);
  if (len == 0) return FC_END;
  if (!make_room(d, len)) return FC_ERR_NO_MEMORY;
  memcpy(d->partial->data + have, take(data, len), len);
  d->partial->len += len;
  return d->partial->len == d->message_len ? FC_OK : FC_END;
}

static fc_result read_message(struct fc__deframer *d, fc_slice *data, fc_bytes **message) {
  if (d->partial || data->len < d->message_len) {
    fc_result result = gather(d, data);
    if (result != FC_OK) return result;
    *message = d->partial;
    d->partial = NULL;
    return FC_OK;
  }
  *message = fc_bytes_copy(data->data, d->message_len);
  if (!*message) return FC_ERR_NO_MEMORY;
  take(data, d->message_len);
  return FC_OK;
}

fc_result fc__deframer_next(struct fc__deframer *d, fc_slice *data, size_t max_len,
                            fc_bytes **message, bool *compressed) {
  *message = NULL;
  *compressed = false;
  fc_result result = FC_OK;
  if (d->prefix_len < FC__MESSAGE_PREFIX) result = read_prefix(d, data, max_len);
  if (result == FC_OK) result = read_message(d, data, message);
  if (result == FC_END) return FC_END;
  *compressed = result == FC_OK && d->prefix[0] == 1;
  size_t promised = d->message_len;
  fc__deframer_finish(d);
  d->message_len = promised;
  return result;
}

void fc__message_prefix(uint8_t out[FC__MESSAGE_PREFIX], size_t len, bool compressed) {
  assert(len <= UINT32_MAX && "a longer message is refused before it is framed");
  out[0] = compressed;
  out[1] = (uint8_t)(len >> 24 & 0xff);
  out[2] = (uint8_t)(len >> 16 & 0xff);
  out[3] = (uint8_t)(len >> 8 & 0xff);
  out[4] = (uint8_t)(len & 0xff);
}
