#ifndef FC_BASE_HASH_H
#define FC_BASE_HASH_H
/* Hashing of names that a peer may choose: without the key, collisions cannot be aimed at. */
#include "farcall/base.h"

struct fc__hash_key {
  uint64_t k0, k1;
};

/* SipHash-1-3. Spec: Aumasson, Bernstein: SipHash, a fast short-input PRF, section 2 */
uint64_t fc__hash(const struct fc__hash_key *key, fc_slice data);

#endif
