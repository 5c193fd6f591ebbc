/*
 * What the header fields came to that a peer repeats with each call: kept with the link, and given
 * to the next call as a whole, so that a warm call's headers are not read field by field.
 */
#include <string.h>

#include "base/mem.h"
#include "call/internal.h"

struct fc__link_run {
  struct fc__header_state header;
  uint8_t recv_encoding;
  unsigned peer_accepts;
  struct fc__buf path;
  struct fc_metadata initial;
};

enum { PATH_KEPT_MAX = 1024 };

static struct fc__link_run *run_of(struct fc__link *link) {
  if (!link->run && (link->run = fc__alloc_zero(sizeof *link->run))) {
    fc__buf_init(&link->run->path, PATH_KEPT_MAX);
  }
  return link->run;
}

/* A failure's text and details are not worth it. */
static bool is_worth_keeping(const fc_call *call) {
  const struct fc__call_kept *k = &call->kept;
  return !call->header.text && !call->over && k->message.len == 0 && k->details.len == 0;
}

bool fc__repeat_keep(fc_call *call, struct fc__link *link) {
  struct fc__link_run *run = is_worth_keeping(call) ? run_of(link) : NULL;
  const struct fc__call_kept *k = &call->kept;
  if (!run) return false;
  run->header = call->header;
  run->recv_encoding = call->recv_encoding;
  run->peer_accepts = call->peer_accepts;
  run->path.len = 0;
  fc__metadata_clear(&run->initial);
  return (k->path.len == 0 || fc__buf_append(&run->path, k->path.data, k->path.len)) &&
         fc__metadata_append(&run->initial, &k->initial) == FC_OK;
}

void fc__repeat_apply(fc_call *call, const struct fc__link *link) {
  const struct fc__link_run *run = link->run;
  struct fc__call_kept *k = &call->kept;
  if (call->over) return;
  call->header = run->header;
  call->recv_encoding = run->recv_encoding;
  call->peer_accepts = run->peer_accepts;
  k->path.len = 0;
  bool fits = run->path.len == 0 || fc__buf_append(&k->path, run->path.data, run->path.len);
  if (!fits || fc__metadata_append(&k->initial, &run->initial) != FC_OK) {
    fc__call_header_wrong(call, FC_CODE_RESOURCE_EXHAUSTED, "out of memory for metadata");
  }
}

void fc__repeat_finish(struct fc__link *link) {
  if (!link->run) return;
  fc__buf_finish(&link->run->path);
  fc__metadata_finish(&link->run->initial);
  fc__free(link->run);
}
