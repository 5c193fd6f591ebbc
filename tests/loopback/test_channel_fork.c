/* Forks in the clear. */
#include "support/forks.h"

int main(void) {
  const struct forks_security none = {NULL, NULL};
  return forks_run(&none);
}
