/*
 * Slices and counted bytes. A message is one block of memory, its header first; wrapped bytes stay
 * where the host has them and the block holds the header alone.
 */
#include "base/bytes.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

fc_slice fc_slice_from_string(const char *text) {
  return (fc_slice){(const uint8_t *)text, text ? strlen(text) : 0};
}

bool fc_slice_equals(fc_slice slice, const char *text) {
  size_t len = text ? strlen(text) : 0;
  return slice.len == len && (len == 0 || (slice.data && memcmp(slice.data, text, len) == 0));
}

static uint8_t *behind_header(fc_bytes *bytes) { return (uint8_t *)(bytes + 1); }

/* ---- the spare ---- */

/* What a large message leaves is kept for the next: the system takes large blocks back and gives new ones page by page,
 * which costs more than what is done with the message. One for the process, no larger than messages are by default. */
static _Atomic(fc_bytes *) spare;
enum { SPARE_MIN = 128 * 1024, SPARE_MAX = 4 * 1024 * 1024 };

static void free_bytes(fc_bytes *bytes) {
  if (bytes->cap >= SPARE_MIN && bytes->cap <= SPARE_MAX)
    bytes = atomic_exchange_explicit(&spare, bytes, memory_order_acq_rel);
  fc__free(bytes);
}

/* One with room for cap bytes, but no more than twice that. */
static fc_bytes *take_spare(size_t cap) {
  if (cap < SPARE_MIN || cap > SPARE_MAX) return NULL;
  fc_bytes *bytes = atomic_exchange_explicit(&spare, NULL, memory_order_acq_rel);
  if (!bytes || (bytes->cap >= cap && bytes->cap / 2 <= cap)) return bytes;
  free_bytes(bytes);
  return NULL;
}

void fc__bytes_drop_spare(void) {
  fc__free(atomic_exchange_explicit(&spare, NULL, memory_order_acq_rel));
}

/* ---- life ---- */

fc_bytes *fc_bytes_create(size_t len, uint8_t **data) {
  if (!data) return NULL;
  *data = NULL;
  if (len > SIZE_MAX - sizeof(fc_bytes)) return NULL;
  fc_bytes *bytes = take_spare(len);
  if (!bytes) {
    bytes = fc__alloc(sizeof *bytes + len);
    if (!bytes) return NULL;
    bytes->cap = len;
  }
  atomic_init(&bytes->refs, 1);
  bytes->packed = false;
  bytes->data = behind_header(bytes);
  bytes->len = len;
  bytes->release = NULL;
  bytes->user = NULL;
  *data = bytes->data;
  return bytes;
}

fc_bytes *fc_bytes_copy(const void *data, size_t len) {
  uint8_t *copy;
  if (!data && len) return NULL;
  fc_bytes *bytes = fc_bytes_create(len, &copy);
  if (bytes && len) memcpy(copy, data, len);
  return bytes;
}

fc_bytes *fc_bytes_wrap(const void *data, size_t len, fc_release_fn release, void *user) {
  fc_bytes *bytes = data || len == 0 ? fc__alloc(sizeof *bytes) : NULL;
  if (!bytes) return NULL;
  atomic_init(&bytes->refs, 1);
  bytes->packed = false;
  bytes->data = (uint8_t *)(uintptr_t)data; /* never written through: cap is 0 */
  bytes->len = len;
  bytes->cap = 0;
  bytes->release = release;
  bytes->user = user;
  return bytes;
}

fc_bytes *fc_bytes_ref(fc_bytes *bytes) {
  if (bytes) atomic_fetch_add_explicit(&bytes->refs, 1, memory_order_relaxed);
  return bytes;
}

/* Release, then acquire by the last: other threads have read the bytes before they go. */
static bool was_last(fc_bytes *bytes) {
  return bytes && atomic_fetch_sub_explicit(&bytes->refs, 1, memory_order_acq_rel) == 1;
}

static void end(fc_bytes *bytes) {
  if (bytes->release) bytes->release(bytes->user);
  free_bytes(bytes);
}

void fc_bytes_unref(fc_bytes *bytes) {
  if (was_last(bytes)) end(bytes);
}

void fc__bytes_discard(fc_bytes **garbage, fc_bytes *bytes) {
  if (!was_last(bytes)) return;
  if (!bytes->release) {
    end(bytes);
    return;
  }
  bytes->next = *garbage;
  *garbage = bytes;
}

void fc__bytes_sweep(fc_bytes *garbage) {
  for (fc_bytes *next; garbage; garbage = next) {
    next = garbage->next;
    end(garbage);
  }
}

fc_slice fc_bytes_slice(const fc_bytes *bytes) {
  return bytes ? (fc_slice){bytes->data, bytes->len} : (fc_slice){NULL, 0};
}

static fc_bytes *move_to_spare(fc_bytes *bytes, size_t cap) {
  fc_bytes *room = take_spare(cap);
  if (!room) return NULL;
  size_t room_cap = room->cap;
  memcpy(room, bytes, sizeof *room);
  memcpy(behind_header(room), bytes->data, bytes->len);
  room->cap = room_cap;
  fc__free(bytes);
  return room;
}

bool fc__bytes_grow(fc_bytes **b, size_t cap) {
  assert((*b)->data == behind_header(*b) && "wrapped memory is the host's and cannot grow");
  assert(atomic_load_explicit(&(*b)->refs, memory_order_relaxed) == 1 &&
         "others read shared bytes");
  assert(cap >= (*b)->len && "the content stays");
  if (cap > SIZE_MAX - sizeof(fc_bytes)) return false;
  fc_bytes *grown = move_to_spare(*b, cap);
  if (!grown) {
    grown = fc__resize(*b, sizeof *grown + cap);
    if (!grown) return false;
    grown->cap = cap;
  }
  grown->data = behind_header(grown);
  *b = grown;
  return true;
}
