#ifndef FC_HTTP2_HPACK_INDEX_H
#define FC_HTTP2_HPACK_INDEX_H
/* The encoder's dynamic table, which is searched by content. */
#include "http2/hpack_table.h"

enum { FC__HPACK_BUCKETS = 64 };

struct fc__hpack_index {
  struct fc__hpack_table table;
  uint32_t inserted;                  /* the number of the newest entry; older ones count down */
  uint32_t fields[FC__HPACK_BUCKETS]; /* newest insertion with such a hash: the head of a chain */
  uint32_t names[FC__HPACK_BUCKETS];  /* newest insertion whose name has such a hash */
};

/* A field to be written, with what is needed to find it. */
struct fc__hpack_wanted {
  fc_slice name, value;
  const struct fc__hpack_name *known;
  uint64_t name_hash, hash; /* once fc__hpack_wanted_hash has run */
};

/* Index in the static table of the very field, or 0. Needs no hash. */
size_t fc__hpack_find_static(const struct fc__hpack_wanted *w);

void fc__hpack_wanted_hash(struct fc__hpack_wanted *w);
void fc__hpack_wanted_hash_name(struct fc__hpack_wanted *w); /* enough for fc__hpack_find_name */

/* Index of the very field in the dynamic table, or 0. */
size_t fc__hpack_find_field(const struct fc__hpack_index *x, const struct fc__hpack_wanted *w);

/* Index of a field with this name in either table, or 0. */
size_t fc__hpack_find_name(const struct fc__hpack_index *x, const struct fc__hpack_wanted *w);

/* False, and nothing has changed: no memory, or the field would take most of the table. */
bool fc__hpack_insert(struct fc__hpack_index *x, const struct fc__hpack_wanted *w);

#endif
