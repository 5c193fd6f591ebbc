#ifndef FC_HTTP2_ABUSE_H
#define FC_HTTP2_ABUSE_H
/*
 * The abuse budget of a connection: one token bucket on injected time.
 *
 * A token is taken for what costs this side more than it costs the peer and what no call needs: a
 * reset (sent by the peer, or by us because of it), a refused or malformed request, frames that
 * carry nothing, PRIORITY, SETTINGS, unknown frames, PINGs without traffic between them,
 * WINDOW_UPDATEs far beyond the data sent, fields of a header block past its limits. What serves
 * calls is free, so a correct peer does not run dry at any speed. The one thing among them that a
 * correct client does in bulk is to cancel: each call that ends in order gives one token back, so a
 * client may cancel every second call for ever, while one that only resets gets bucket_per_second
 * of them.
 */
#include <stdbool.h>
#include <stdint.h>

struct fc__h2_bucket {
  int64_t level, burst; /* in billionths of a token */
  int64_t per_second;   /* tokens */
  int64_t filled_at;
};

void fc__h2_bucket_init(struct fc__h2_bucket *b, uint32_t burst, uint32_t per_second, int64_t now);
/* Takes one token. False: there was none. */
bool fc__h2_bucket_take(struct fc__h2_bucket *b, int64_t now);

enum { FC__H2_TOKEN = 1000000000 };

static inline void fc__h2_bucket_give(struct fc__h2_bucket *b) {
  b->level += FC__H2_TOKEN;
  if (b->level > b->burst) b->level = b->burst;
}

#endif
