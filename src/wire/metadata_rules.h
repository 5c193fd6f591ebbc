#ifndef FC_WIRE_METADATA_RULES_H
#define FC_WIRE_METADATA_RULES_H
/* What may be sent as metadata. Spec: PROTOCOL-HTTP2.md, Header-Name, ASCII-Value */
#include "farcall/base.h"

/* FC_ERR_INVALID with the reason in err (may be NULL). The value of a "-bin" key is any bytes. */
fc_result fc__metadata_check(fc_slice key, fc_slice value, fc_error *err);

#endif
