#ifndef FC_HTTP2_VALIDATE_H
#define FC_HTTP2_VALIDATE_H
/* The rules for the fields of one header block. Spec: RFC 9113 sections 8.1 to 8.5 */
#include "http2/hpack.h"

struct fc__h2_check {
  bool server; /* who reads: fields are a request's */
  bool trailers;
  bool regular; /* a field that is no pseudo-header has been seen */
  bool connect; /* :method is CONNECT */
  bool has_length;
  uint8_t pseudo;  /* set of pseudo-headers seen, a bit for each token */
  uint16_t status; /* response */
  uint64_t length; /* content-length */
};

/* Judges the next field; false: the message is malformed. Whitespace around a value is cut off. */
bool fc__h2_check_field(struct fc__h2_check *k, struct fc__field *field);

/* Judges the block as a whole, once all of its fields were judged. */
bool fc__h2_check_block(const struct fc__h2_check *k, bool end_stream);

#endif
