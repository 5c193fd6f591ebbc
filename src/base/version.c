/*
 * The version of the library. A build that knows it defines FC_VERSION; tests compare it with the
 * version of the project.
 */
#include "farcall/base.h"

#ifndef FC_VERSION
#define FC_VERSION "0.1.0"
#endif

const char *fc_version(void) { return FC_VERSION; }
