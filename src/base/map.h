#ifndef FC_BASE_MAP_H
#define FC_BASE_MAP_H
/* A hash map from bytes to a pointer. Keys are copied, values belong to the caller. */
#include "base/hash.h"

struct fc__map_slot {
  uint64_t hash;
  uint8_t *key; /* NULL in a free slot */
  size_t key_len;
  void *value;
};

struct fc__map {
  struct fc__hash_key hash_key;
  struct fc__map_slot *slots;
  size_t count, cap; /* cap: a power of two, or 0 while nothing was put */
};

/* Nothing is allocated. The seed is random where a peer may choose keys. */
void fc__map_init(struct fc__map *m, uint64_t seed);
void fc__map_finish(struct fc__map *m); /* frees the keys; the map is empty and usable afterwards */

/* Sets the value (never NULL) of a key and says whether it could; *replaced (may be NULL) gets
 * the value that the key had, or NULL. Without memory nothing has changed. */
bool fc__map_put(struct fc__map *m, fc_slice key, void *value, void **replaced);
void *fc__map_get(const struct fc__map *m, fc_slice key); /* NULL: there is none */
void *fc__map_remove(struct fc__map *m, fc_slice key);    /* the value it had, or NULL */

/* Walks the entries of a map that does not change: *at begins at 0; false after the last. */
bool fc__map_next(const struct fc__map *m, size_t *at, fc_slice *key, void **value);

#endif
