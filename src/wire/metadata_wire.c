/*
 * Metadata to and from header fields: the values of "-bin" keys travel as base64, several of them
 * perhaps joined by commas into one field.
 */
#include "base/buf.h"
#include "base/slice.h"
#include "wire/base64.h"
#include "wire/metadata.h"
#include "wire/metadata_rules.h"

static size_t count_parts(fc_slice value) {
  size_t count = 1;
  for (size_t i = 0; i < value.len; i++) count += value.data[i] == ',';
  return count;
}

/* Decodes one part straight into the arena, where room was reserved. */
static bool store_part(struct fc_metadata *m, uint32_t key_at, size_t key_len, fc_slice part) {
  size_t len;
  if (!fc__base64_decode(part, m->arena + m->arena_len, &len)) return false;
  struct fc__metadata_index *entry = &m->entries[m->count++];
  *entry =
      (struct fc__metadata_index){key_at, (uint32_t)key_len, (uint32_t)m->arena_len, (uint32_t)len};
  m->arena_len += len;
  return true;
}

static fc_result add_binary(struct fc_metadata *m, fc_slice key, fc_slice value) {
  size_t parts = count_parts(value), count = m->count, arena_len = m->arena_len;
  if (parts > FC__METADATA_PARTS_MAX) return FC_ERR_LIMIT;
  /* Decoded parts are no longer than the value. All share one copy of the key, so that a peer
   * cannot make commas multiply a long one. */
  if (!fc__metadata_reserve(m, parts, key.len, value.len)) return FC_ERR_NO_MEMORY;
  uint32_t key_at = fc__metadata_store(m, key);
  for (size_t i = 0; i < parts; i++) {
    if (store_part(m, key_at, key.len, fc__slice_next_part(&value))) continue;
    m->count = count;
    m->arena_len = arena_len;
    return FC_ERR_PROTOCOL;
  }
  return FC_OK;
}

fc_result fc__metadata_add_wire(struct fc_metadata *m, fc_slice key, fc_slice value) {
  if (fc__metadata_check(key, value, NULL) != FC_OK) return FC_OK;
  return fc__metadata_key_is_binary(key) ? add_binary(m, key, value)
                                         : fc__metadata_add_slice(m, key, value);
}

fc_result fc__metadata_each_wire(const struct fc_metadata *m, struct fc__buf *scratch,
                                 void (*fn)(void *user, fc_slice key, fc_slice value), void *user) {
  for (size_t i = 0; i < fc_metadata_count(m); i++) {
    fc_metadata_entry entry = fc_metadata_at(m, i);
    fc_slice value =
        fc__slice_trim(entry.value); /* RFC 9113 section 8.2.1 forbids space at the ends */
    if (fc__metadata_key_is_binary(entry.key)) {
      size_t len = fc__base64_encoded_len(entry.value.len);
      uint8_t *text = fc__buf_reserve(scratch, len);
      if (!text) return FC_ERR_NO_MEMORY;
      fc__base64_encode(entry.value, text);
      value = (fc_slice){text, len};
    }
    fn(user, entry.key, value);
  }
  return FC_OK;
}
