#ifndef FC_TESTS_PATTERNS_H
#define FC_TESTS_PATTERNS_H
/* Each pattern in each mode (blocking, future, callback) under each driver, to one server; with any credentials. */
#include "support/exchange.h"

/* Runs the tests, each with credentials of its own, which secure makes; NULL: without. Gives what main returns. The failing
 * allocator must be installed. */
int patterns_run(void (*secure)(struct exchange_security *security));

#endif
