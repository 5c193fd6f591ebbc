/* Header fields of either side on their way into a block. */
#include "base/buf.h"
#include "call/internal.h"

void fc__block_text(struct fc__h2_conn *h2, const char *name, const char *value,
                    enum fc__hpack_indexing how) {
  fc__h2_block_field(h2, fc_slice_from_string(name), fc_slice_from_string(value), how);
}

struct entries {
  struct fc__h2_conn *h2;
  const struct fc_metadata *metadata;
  size_t at;
};

/* Secrets are kept out of every table on the way (RFC 7541 section 7.1.3); other values of applications mostly differ
 * from call to call and would only push out what repeats. */
static void add_entry(void *user, fc_slice key, fc_slice value) {
  struct entries *e = user;
  bool secret = fc__metadata_is_secret(e->metadata, e->at++) || fc__metadata_key_is_secret(key);
  fc__h2_block_field(e->h2, key, value, secret ? FC__HPACK_NEVER : FC__HPACK_LITERAL);
}

fc_result fc__block_metadata(struct fc__h2_conn *h2, const struct fc_metadata *metadata) {
  if (!metadata || metadata->count == 0) return FC_OK;
  struct fc__buf scratch;
  struct entries entries = {h2, metadata, 0};
  fc__buf_init(&scratch, SIZE_MAX);
  scratch.secret = metadata->secret;
  fc_result r = fc__metadata_each_wire(metadata, &scratch, add_entry, &entries);
  fc__buf_finish(&scratch);
  return r;
}
