/* Header fields of either side on their way into a block. */
#include "base/buf.h"
#include "call/internal.h"

void fc__block_text(struct fc__h2_conn *h2, const char *name, const char *value,
                    enum fc__hpack_indexing how) {
  fc__h2_block_field(h2, fc_slice_from_string(name), fc_slice_from_string(value), how);
}

/* Secrets are kept out of every table on the way (RFC 7541 section 7.1.3); other values of applications mostly differ
 * from call to call and would only push out what repeats. */
static void add_entry(void *user, fc_slice key, fc_slice value) {
  bool secret = fc_slice_equals(key, "authorization") || fc_slice_equals(key, "cookie");
  fc__h2_block_field(user, key, value, secret ? FC__HPACK_NEVER : FC__HPACK_LITERAL);
}

fc_result fc__block_metadata(struct fc__h2_conn *h2, const struct fc_metadata *metadata) {
  if (!metadata || metadata->count == 0) return FC_OK;
  struct fc__buf scratch;
  fc__buf_init(&scratch, SIZE_MAX);
  fc_result r = fc__metadata_each_wire(metadata, &scratch, add_entry, h2);
  fc__buf_finish(&scratch);
  return r;
}
