#ifndef FC_WIRE_TIMEOUT_H
#define FC_WIRE_TIMEOUT_H
/* grpc-timeout. Spec: PROTOCOL-HTTP2.md, Timeout: 1 to 8 digits and a unit (H M S m u n) */
#include "farcall/base.h"

enum { FC__TIMEOUT_TEXT_MAX = 10 };

/* Writes the shortest form that is not shorter than timeout_ns (rounded up where 8 digits force
 * it); values of 0 and less give "1n". Returns the length; no NUL. */
size_t fc__timeout_encode(int64_t timeout_ns, char out[FC__TIMEOUT_TEXT_MAX]);

/* Reads a value. More than 8 digits is read as very long (FC_NEVER); nothing ever wraps. False:
 * malformed (empty, no or bad unit, sign, space). */
bool fc__timeout_decode(fc_slice text, int64_t *timeout_ns);

#endif
