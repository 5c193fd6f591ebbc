/* What a client may say to a server's connection: see h2_run.h. */
#include "check.h"
#include "h2_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  h2_run_twice(true, data, size);
  return 0;
}
