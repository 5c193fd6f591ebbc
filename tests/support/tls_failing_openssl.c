/* The allocator of tls_failing_openssl.h, for one thread. */
#include "support/tls_failing_openssl.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static struct {
  size_t until;
  bool armed, failed, all;
} state;

static bool must_fail(void) {
  if (!state.armed) return false;
  if (state.failed) return state.all;
  if (state.until > 0) return state.until--, false;
  state.failed = true;
  return true;
}

static void *test_alloc(size_t size, const char *file, int line) {
  (void)file, (void)line;
  return must_fail() ? NULL : malloc(size);
}

static void *test_resize(void *memory, size_t size, const char *file, int line) {
  (void)file, (void)line;
  return must_fail() ? NULL : realloc(memory, size ? size : 1);
}

static void test_release(void *memory, const char *file, int line) {
  (void)file, (void)line;
  free(memory);
}

bool failing_openssl_install(void) {
  return CRYPTO_set_mem_functions(test_alloc, test_resize, test_release) == 1;
}

void failing_openssl_arm(size_t n, bool all) {
  state.until = n;
  state.all = all;
  state.failed = false;
  state.armed = true;
}

bool failing_openssl_disarm(void) {
  state.armed = false;
  return state.failed;
}
