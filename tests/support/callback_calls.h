#ifndef FC_TESTS_CALLBACK_CALLS_H
#define FC_TESTS_CALLBACK_CALLS_H
/* What callbacks.c does in each place: callback_calls.c. */
#include "support/callbacks.h"

/* The visit of the calling thread. */
struct callback_visit {
  struct callbacks *all;
  enum callback_place place;
  bool may_block, in_handler;
};

void callback_calls_all(const struct callback_visit *v);

#endif
