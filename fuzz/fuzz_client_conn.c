/* What a server may say to a client's connection with five requests open: see h2_run.h. */
#include "check.h"
#include "h2_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  h2_run_twice(false, data, size);
  return 0;
}
