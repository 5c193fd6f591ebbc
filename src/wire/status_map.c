/*
 * Names of the status codes, and the codes that stand for answers which are not gRPC statuses:
 * plain HTTP statuses from proxies, resets, and grpc-status fields that make no sense.
 */
#include "wire/status_map.h"

#include "base/slice.h"

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

/* ---- google.rpc.Status: the code is its field 1, a varint ---- */

enum wire_type { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 }; /* of protobuf */
enum { CODE_TAG = 1 << 3 | VARINT };

static bool take_varint(fc_slice *from, uint64_t *value) {
  *value = 0;
  for (unsigned shift = 0; shift < 64 && from->len > 0; shift += 7) {
    uint8_t byte = from->data[0];
    *from = fc__slice_skip(*from, 1);
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

/* The field behind a tag; value is a varint's. */
static bool take_field(fc_slice *from, uint64_t tag, uint64_t *value) {
  uint64_t len;
  switch (tag & 7) {
    case VARINT:
      return take_varint(from, value);
    case FIXED64:
      len = 8;
      break;
    case BYTES:
      if (!take_varint(from, &len)) return false;
      break;
    case FIXED32:
      len = 4;
      break;
    default:
      return false;
  }
  if (len > from->len) return false;
  *from = fc__slice_skip(*from, (size_t)len);
  return true;
}

bool fc__details_agree(fc_slice details, fc_code code) {
  uint64_t found = (uint64_t)code, tag, value = 0;
  while (details.len > 0 && take_varint(&details, &tag) && take_field(&details, tag, &value)) {
    if (tag == CODE_TAG) found = value;
  }
  return found == (uint64_t)code;
}
