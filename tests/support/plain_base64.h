#ifndef FC_TESTS_PLAIN_BASE64_H
#define FC_TESTS_PLAIN_BASE64_H
/* Base64 of RFC 4648 section 4, bit by bit: for models, which compare the library with it. */
#include "farcall/base.h"

/* Without padding; returns the length. out has room for two bytes for each of data. */
size_t plain_base64_encode(fc_slice data, uint8_t *out);
/* Padded to a multiple of four or not at all; bits left over are ignored. False: anything else. */
bool plain_base64_decode(fc_slice text, uint8_t *out, size_t *out_len);

#endif
