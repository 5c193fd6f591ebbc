/* grpc-status: just the seventeen numbers are read, in the one form that a peer writes them. And
 * status details, which agree with one code or, when they name none, with all. */
#include <string.h>

#include "check.h"
#include "wire/status_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fc_code code = FC_CODE_OK;
  bool read = fc__code_parse((fc_slice){data, size}, &code);
  bool known = false;
  for (int i = 0; i <= FC_CODE_UNAUTHENTICATED; i++) {
    char text[4];
    int len = snprintf(text, sizeof text, "%d", i);
    if ((size_t)len != size || memcmp(text, data, size) != 0) continue;
    known = true;
    CHECK((int)code == i);
  }
  CHECK(read == known);
  CHECK(known || code == FC_CODE_UNKNOWN);
  CHECK(fc_code_name(code)[0] != '\0');
  int agreed = 0;
  for (int i = 0; i <= FC_CODE_UNAUTHENTICATED; i++) {
    agreed += fc__details_agree((fc_slice){data, size}, (fc_code)i);
  }
  CHECK(agreed <= 1 || agreed == FC_CODE_UNAUTHENTICATED + 1);
  return 0;
}
