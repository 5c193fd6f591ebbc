#ifndef FC_WIRE_METADATA_H
#define FC_WIRE_METADATA_H
/* The inside of fc_metadata: one arena of bytes and a table of entries. */
#include "farcall/metadata.h"

struct fc_metadata {
  uint8_t *arena;
  size_t arena_len, arena_cap;
  struct fc__metadata_index {
    uint32_t key_at, key_len, value_at, value_len;
  } * entries;
  size_t count, cap;
  bool secret;        /* there are secrets: memory is erased before it is given up... */
  size_t secret_from; /* ...which are the entries from here on */
};

/* For a list inside another object: nothing is allocated. */
void fc__metadata_init(struct fc_metadata *m);
void fc__metadata_finish(struct fc_metadata *m); /* frees what it holds, not m */
void fc__metadata_clear(struct fc_metadata *m);  /* keeps the memory */

enum { FC__METADATA_PARTS_MAX = 128 }; /* in one comma-joined field */

/* Adds a received field: key and wire value as they came, already checked as HTTP fields. A
 * "-bin" value is decoded; a comma-joined one gives an entry for each part (PROTOCOL-HTTP2.md,
 * Binary-Value). What fc_metadata_add would refuse is dropped without an error, so that an
 * application can echo what it received (PROTOCOL-HTTP2.md, ASCII-Value); the names of the protocol
 * itself are among that. FC_ERR_PROTOCOL: bad base64; FC_ERR_LIMIT: too many parts;
 * FC_ERR_NO_MEMORY. */
fc_result fc__metadata_add_wire(struct fc_metadata *m, fc_slice key, fc_slice value);

/* Without any check. FC_ERR_NO_MEMORY. */
fc_result fc__metadata_add_slice(struct fc_metadata *m, fc_slice key, fc_slice value);
bool fc__metadata_key_is_binary(fc_slice key);
bool fc__metadata_key_is_secret(fc_slice key); /* "authorization", "cookie" */
fc_result fc__metadata_append(struct fc_metadata *to, const struct fc_metadata *from);

/* Entries that are added from now on are secrets, until the list is cleared. fc_metadata_add does it
 * by itself for a key that is. */
void fc__metadata_guard(struct fc_metadata *m);
static inline bool fc__metadata_is_secret(const struct fc_metadata *m, size_t index) {
  return m->secret && index >= m->secret_from;
}

/* Clears a list that has secrets and is not needed any more; others may stay as they are. Apart from the rest of it,
 * because most calls have none. */
__attribute__((noinline, cold)) void fc__metadata_erase(struct fc_metadata *m);
static inline void fc__metadata_drop_secrets(struct fc_metadata *m) {
  if (m->secret) fc__metadata_erase(m);
}

/* Makes room for entries and bytes; then store copies bytes into the arena and says where. */
bool fc__metadata_reserve(struct fc_metadata *m, size_t entries, size_t key_len, size_t value_len);
uint32_t fc__metadata_store(struct fc_metadata *m, fc_slice bytes);

/* Calls fn for each entry with its value in wire form ("-bin" in unpadded base64, others without
 * spaces at their ends). scratch is used for encoding. FC_ERR_NO_MEMORY. */
struct fc__buf;
fc_result fc__metadata_each_wire(const struct fc_metadata *m, struct fc__buf *scratch,
                                 void (*fn)(void *user, fc_slice key, fc_slice value), void *user);

#endif
