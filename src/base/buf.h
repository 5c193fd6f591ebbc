#ifndef FC_BASE_BUF_H
#define FC_BASE_BUF_H
/* A growable run of bytes with a ceiling. */
#include "farcall/base.h"

struct fc__buf {
  uint8_t *data;
  size_t len, cap, max; /* never grows past max bytes */
  bool secret;          /* set by the owner: no memory is given back before it was erased */
};

void fc__buf_init(struct fc__buf *b, size_t max);
void fc__buf_finish(struct fc__buf *b); /* frees; the buffer is empty and usable afterwards */

/* Makes room for len more bytes and returns where they go, without counting them; NULL when out of
 * memory or past max, and nothing has changed. Growth doubles, so appending is O(1) amortised. */
uint8_t *fc__buf_reserve(struct fc__buf *b, size_t len);
bool fc__buf_append(struct fc__buf *b, const void *data, size_t len);
void fc__buf_consume(struct fc__buf *b, size_t len); /* drops the first len bytes */

#endif
