#ifndef FC_WIRE_PERCENT_H
#define FC_WIRE_PERCENT_H
/* grpc-message: UTF-8, percent-encoded. Spec: PROTOCOL-HTTP2.md, Status-Message */
#include "base/buf.h"

/* Appends the encoded text. Bytes that are not UTF-8 become U+FFFD.
 * False: no memory or past the ceiling, and nothing was appended. */
bool fc__percent_encode(struct fc__buf *out, fc_slice text);
/* Appends the decoded text; a broken escape stays as it is, and what is then not UTF-8 (or is
 * NUL) becomes U+FFFD, so the result is always valid UTF-8 without NUL. */
bool fc__percent_decode(struct fc__buf *out, fc_slice text);

#endif
