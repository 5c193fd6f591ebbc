/*
 * Names of the status codes, and the codes that stand for answers which are not gRPC statuses:
 * plain HTTP statuses from proxies, resets, and grpc-status fields that make no sense.
 */
#include "wire/status_map.h"

const char *fc_code_name(fc_code code) {
  switch (code) {
#define X(name, value)                                                                             \
  case FC_CODE_##name:                                                                             \
    return #name;
    FC_CODE_LIST(X)
#undef X
  }
  return "UNKNOWN";
}

fc_code fc__code_from_http(int http_status) {
  switch (http_status) {
    case 400:
      return FC_CODE_INTERNAL;
    case 401:
      return FC_CODE_UNAUTHENTICATED;
    case 403:
      return FC_CODE_PERMISSION_DENIED;
    case 404:
      return FC_CODE_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
      return FC_CODE_UNAVAILABLE;
    default:
      return FC_CODE_UNKNOWN;
  }
}

/* RFC 9113 section 7; the numbers that do not map to INTERNAL. */
enum { REFUSED_STREAM = 7, CANCEL = 8, ENHANCE_YOUR_CALM = 11, INADEQUATE_SECURITY = 12 };

fc_code fc__code_from_h2(uint32_t h2_error) {
  switch (h2_error) {
    case REFUSED_STREAM:
      return FC_CODE_UNAVAILABLE;
    case CANCEL:
      return FC_CODE_CANCELLED;
    case ENHANCE_YOUR_CALM:
      return FC_CODE_RESOURCE_EXHAUSTED;
    case INADEQUATE_SECURITY:
      return FC_CODE_PERMISSION_DENIED;
    default:
      return FC_CODE_INTERNAL;
  }
}

static bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

bool fc__code_parse(fc_slice text, fc_code *code) {
  *code = FC_CODE_UNKNOWN;
  int value = 0;
  if (text.len < 1 || text.len > 2 || (text.len == 2 && text.data[0] == '0')) return false;
  for (size_t i = 0; i < text.len; i++) {
    if (!is_digit(text.data[i])) return false;
    value = value * 10 + (text.data[i] - '0');
  }
  if (value > FC_CODE_UNAUTHENTICATED) return false;
  *code = (fc_code)value;
  return true;
}
