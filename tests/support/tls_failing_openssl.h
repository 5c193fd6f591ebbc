#ifndef FC_TESTS_TLS_FAILING_OPENSSL_H
#define FC_TESTS_TLS_FAILING_OPENSSL_H
/*
 * Makes OpenSSL's own allocations fail, as failing_alloc.h does the library's. Leaks are the sanitizers' to find. main calls
 * failing_openssl_install before anything else.
 */
#include <stdbool.h>
#include <stddef.h>

bool failing_openssl_install(void); /* false: OpenSSL has allocated already */

/* The allocation after n more fails, and with all every one from then on. */
void failing_openssl_arm(size_t n, bool all);
bool failing_openssl_disarm(void); /* says whether one has failed */

#endif
