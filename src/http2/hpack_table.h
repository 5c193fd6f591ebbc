#ifndef FC_HTTP2_HPACK_TABLE_H
#define FC_HTTP2_HPACK_TABLE_H
/* The static and the dynamic table, RFC 7541 section 2.3. */
#include "http2/hpack.h"
#include "http2/hpack_data.h"

/* The known name that equals name, or the first of fc__hpack_names, which is no name. */
const struct fc__hpack_name *fc__hpack_name_of(fc_slice name);

struct fc__hpack_entry {
  uint32_t at; /* of the name in the block; the value follows it */
  uint32_t name_len, value_len;
  uint16_t hash; /* the encoder's, of name and value */
  uint8_t token;
  union {
    uint8_t back; /* the encoder's: how many insertions earlier its chain goes on, 0 for its end */
    uint8_t judged; /* the decoder's: see struct fc__field */
  };
};

/*
 * One block of at most as many bytes as the table may have: strings grow from its start upwards,
 * entries from its end downwards, so that the newest entry, dynamic index 1, is the first of an
 * array. An entry of ours is smaller than the 32 bytes that the RFC counts for it, so what fits in
 * the table fits in the block.
 */
struct fc__hpack_table {
  uint8_t *block; /* NULL until the first insertion */
  struct fc__hpack_entry *newest;
  size_t count;
  size_t size, max; /* RFC 7541 section 4.1 */
  size_t block_size;
  size_t strings_end;  /* where the next string goes */
  uint64_t generation; /* changes with every insertion and change of size */
};

void fc__hpack_table_init(struct fc__hpack_table *t, size_t max);
void fc__hpack_table_finish(struct fc__hpack_table *t);

/* Changes the maximum size and evicts what no longer fits, RFC 7541 section 4.3. */
void fc__hpack_table_resize(struct fc__hpack_table *t, size_t max);

/* Inserts a field, evicting what must go; one that is larger than the table empties it, RFC 7541
 * section 4.4 (its data may be NULL then). name may lie in this table. False: no memory, and
 * nothing has changed. */
bool fc__hpack_table_add(struct fc__hpack_table *t, fc_slice name, fc_slice value, uint8_t token);

/* The field at place i, 0 the newest, below count. */
static inline struct fc__field fc__hpack_table_field(const struct fc__hpack_table *t, size_t i) {
  struct fc__hpack_entry *entry = &t->newest[i];
  const uint8_t *name = t->block + entry->at;
  return (struct fc__field){{name, entry->name_len},
                            {name + entry->name_len, entry->value_len},
                            entry->token,
                            false,
                            &entry->judged};
}

#endif
