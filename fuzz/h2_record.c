/* The tests' recording owner: the fuzzer is built without the library of test support. */
#include "support/h2_record.c"
