#ifndef FC_WIRE_BASE64_H
#define FC_WIRE_BASE64_H
/* Values of "-bin" keys. Spec: PROTOCOL-HTTP2.md, Binary-Value; RFC 4648 section 4 */
#include "farcall/base.h"

size_t fc__base64_encoded_len(size_t len); /* without padding; SIZE_MAX: more than any memory */
void fc__base64_encode(fc_slice data, uint8_t *out);
size_t fc__base64_decoded_max(size_t len);
/* Padded or not. False: a bad character, bad padding, or a length that no data has. */
bool fc__base64_decode(fc_slice text, uint8_t *out, size_t *out_len);

#endif
