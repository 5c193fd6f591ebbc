/*
 * A growable run of bytes. It doubles, so that appending costs O(1) a byte, and it never passes the
 * ceiling that its owner named.
 */
#include "base/buf.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum { SMALLEST = 64 };

void fc__buf_init(struct fc__buf *b, size_t max) { *b = (struct fc__buf){.max = max}; }

void fc__buf_finish(struct fc__buf *b) {
  if (b->secret) fc__erase(b->data, b->cap);
  fc__free(b->data);
  fc__buf_init(b, b->max);
}

static size_t grown_cap(const struct fc__buf *b, size_t need) {
  size_t cap = b->cap > b->max / 2 ? b->max : b->cap * 2;
  if (cap < SMALLEST) cap = SMALLEST;
  if (cap > b->max) cap = b->max;
  return cap < need ? need : cap;
}

uint8_t *fc__buf_reserve(struct fc__buf *b, size_t len) {
  if (len > b->max - b->len) return NULL;
  size_t need = b->len + len;
  if (need > b->cap || !b->data) {
    size_t cap = grown_cap(b, need);
    uint8_t *data = b->secret ? fc__resize_secret(b->data, b->cap, cap) : fc__resize(b->data, cap);
    if (!data) return NULL;
    b->data = data;
    b->cap = cap;
  }
  return b->data + b->len;
}

bool fc__buf_append(struct fc__buf *b, const void *data, size_t len) {
  uint8_t *to = fc__buf_reserve(b, len);
  if (!to) return false;
  if (len) memcpy(to, data, len);
  b->len += len;
  return true;
}

void fc__buf_consume(struct fc__buf *b, size_t len) {
  assert(len <= b->len && "more consumed than there is");
  b->len -= len;
  if (len && b->len) memmove(b->data, b->data + len, b->len);
  if (b->secret && len) fc__erase(b->data + b->len, len);
}
