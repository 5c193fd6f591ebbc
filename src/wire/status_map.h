#ifndef FC_WIRE_STATUS_MAP_H
#define FC_WIRE_STATUS_MAP_H
/* Status codes from what is not a gRPC status. */
#include "farcall/status.h"

/* An answer without grpc-status; 200 gives UNKNOWN. Spec: doc/http-grpc-status-mapping.md */
fc_code fc__code_from_http(int http_status);

/* RST_STREAM of the server. Spec: PROTOCOL-HTTP2.md, Errors */
fc_code fc__code_from_h2(uint32_t h2_error);

/* grpc-status: decimal; "0" to "16" exactly (no sign, space or leading zero); anything else,
 * larger numbers too, is false and *code UNKNOWN. */
bool fc__code_parse(fc_slice text, fc_code *code);

/* False: the details are a google.rpc.Status of another code. */
bool fc__details_agree(fc_slice details, fc_code code);

#endif
