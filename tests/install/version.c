/* The smallest consumer: fails unless the library that was found is of the version asked for. */
#include <farcall/base.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(fc_version(), argv[1]) != 0) {
    fprintf(stderr, "the library says %s, not %s\n", fc_version(), argv[1]);
    return 1;
  }
  return 0;
}
