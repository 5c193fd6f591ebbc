/* Each pattern in each mode under each driver, in the clear. */
#include "support/failing_alloc.h"
#include "support/patterns.h"

int main(void) {
  failing_alloc_install();
  return patterns_run(NULL);
}
