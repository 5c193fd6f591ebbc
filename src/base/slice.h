#ifndef FC_BASE_SLICE_H
#define FC_BASE_SLICE_H
/* Small steps over borrowed bytes. */
#include <string.h>

#include "farcall/base.h"

/* Whether a slice holds just the characters of a literal: a comparison of constant length. */
#define FC__SLICE_IS(slice, literal)                                                               \
  ((slice).len == sizeof(literal) - 1 && memcmp((slice).data, literal, sizeof(literal) - 1) == 0)

static inline size_t fc__smaller(size_t a, size_t b) { return a < b ? a : b; }

static inline fc_slice fc__slice_skip(fc_slice s, size_t len) {
  return s.len ? (fc_slice){s.data + len, s.len - len} : s;
}

static inline bool fc__is_space(uint8_t byte) { return byte == ' ' || byte == '\t'; }

/* Without optional white space at both ends. Spec: RFC 9110 section 5.6.3 */
static inline fc_slice fc__slice_trim(fc_slice s) {
  while (s.len && fc__is_space(s.data[0])) s.data++, s.len--;
  while (s.len && fc__is_space(s.data[s.len - 1])) s.len--;
  return s;
}

/* Takes the part before the next comma, trimmed; *list is what follows the comma.
 * Spec: RFC 9110 section 5.6.1 */
static inline fc_slice fc__slice_next_part(fc_slice *list) {
  size_t len = 0;
  while (len < list->len && list->data[len] != ',') len++;
  fc_slice part = {list->data, len};
  *list = fc__slice_skip(*list, len < list->len ? len + 1 : len);
  return fc__slice_trim(part);
}

#endif
