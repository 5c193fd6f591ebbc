#ifndef FC_TESTS_WATCHED_H
#define FC_TESTS_WATCHED_H
/* Who watches a test while it runs: all is slow then, and not all that the process does is its own. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define WATCHED_BY_SANITIZER 1
#elif defined(__has_feature)
#define WATCHED_BY_SANITIZER (__has_feature(thread_sanitizer) || __has_feature(address_sanitizer))
#else
#define WATCHED_BY_SANITIZER 0
#endif

/* It says that it is there by a library. */
static inline bool watched_by_valgrind(void) {
  const char *preloaded = getenv("LD_PRELOAD");
  return preloaded && strstr(preloaded, "vgpreload");
}

#endif
