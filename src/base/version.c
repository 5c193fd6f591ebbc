/*
 * The version of the library. A build that knows the version of the project defines FC_VERSION; the
 * number here serves builds by hand.
 */
#include "farcall/base.h"

#ifndef FC_VERSION
#define FC_VERSION "0.1.0"
#endif

const char *fc_version(void) { return FC_VERSION; }
