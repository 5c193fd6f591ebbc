/* Recognises header names, with one comparison whatever the name. */
#include <string.h>

#include "http2/hpack_table.h"

const struct fc__hpack_name *fc__hpack_name_of(fc_slice name) {
  if (!name.len) return fc__hpack_names;
  const uint8_t *mix = fc__hpack_name_mix;
  size_t slot = name.len * mix[0] + name.data[0] * (size_t)mix[1] +
                name.data[name.len / 2] * (size_t)mix[2] + name.data[name.len - 1] * (size_t)mix[3];
  const struct fc__hpack_name *known = &fc__hpack_names[fc__hpack_name_slots[slot & 0xff]];
  if (known->len != name.len || memcmp(known->text, name.data, name.len) != 0)
    return fc__hpack_names;
  return known;
}

enum fc__token fc__token_of(fc_slice name) {
  return (enum fc__token)fc__hpack_name_of(name)->token;
}
