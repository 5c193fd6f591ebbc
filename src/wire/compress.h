#ifndef FC_WIRE_COMPRESS_H
#define FC_WIRE_COMPRESS_H
/* Message compression. Spec: doc/compression.md; gzip is RFC 1952, deflate RFC 1950 (zlib) */
#include "farcall/base.h"

enum fc__encoding {
  FC__ENCODING_IDENTITY = 0,
  FC__ENCODING_DEFLATE = 1,
  FC__ENCODING_GZIP = 2,
  FC__ENCODING_UNKNOWN = 3,
};

enum fc__encoding fc__encoding_parse(fc_slice name);
const char *fc__encoding_name(enum fc__encoding encoding);
/* A grpc-accept-encoding list as a bit set, 1 << encoding; identity is always in it. */
unsigned fc__encoding_parse_list(fc_slice list);
#define FC__ENCODING_ACCEPTED "identity, deflate, gzip"

/* Compresses a message into at most max_len bytes. FC_ERR_LIMIT: it takes more, or the message has 4 GiB;
 * FC_ERR_NO_MEMORY. */
fc_result fc__compress(enum fc__encoding encoding, fc_slice message, size_t max_len,
                       fc_bytes **out);

/* Expands a message, at most max_len bytes. FC_ERR_LIMIT: larger; FC_ERR_PROTOCOL: corrupt,
 * truncated, empty, or followed by anything (several gzip members included); FC_ERR_NO_MEMORY. */
fc_result fc__decompress(enum fc__encoding encoding, fc_slice message, size_t max_len,
                         fc_bytes **out);
/* Says the same of a message without keeping what it expands to. */
fc_result fc__decompress_check(enum fc__encoding encoding, fc_slice message, size_t max_len);

#endif
