/*
 * The token bucket. Time passes only when a token is taken, so a connection that costs nothing
 * spends nothing on it either.
 */
#include "http2/abuse.h"

void fc__h2_bucket_init(struct fc__h2_bucket *b, uint32_t burst, uint32_t per_second, int64_t now) {
  b->burst = b->level = (int64_t)burst * FC__H2_TOKEN;
  b->per_second = per_second;
  b->filled_at = now;
}

static void refill(struct fc__h2_bucket *b, int64_t now) {
  int64_t elapsed = now - b->filled_at;
  if (elapsed <= 0) return;
  b->filled_at = now;
  /* A nanosecond brings per_second billionths. The division keeps the product from overflowing. */
  int64_t missing = b->burst - b->level;
  if (b->per_second > 0 && elapsed > missing / b->per_second) {
    b->level = b->burst;
  } else {
    b->level += elapsed * b->per_second;
  }
}

bool fc__h2_bucket_take(struct fc__h2_bucket *b, int64_t now) {
  refill(b, now);
  if (b->level < FC__H2_TOKEN) return false;
  b->level -= FC__H2_TOKEN;
  return true;
}
