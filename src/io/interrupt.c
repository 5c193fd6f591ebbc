/* The process's interrupt check. */
#include "io/interrupt.h"

#include <pthread.h>

#include "farcall/reactor.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static fc_interrupt_fn check;
static void *check_user;

void fc_set_interrupt_check(fc_interrupt_fn fn, void *user) {
  pthread_mutex_lock(&mutex);
  check = fn;
  check_user = user;
  pthread_mutex_unlock(&mutex);
}

bool fc__interrupt_asks_to_stop(void) {
  pthread_mutex_lock(&mutex);
  fc_interrupt_fn fn = check;
  void *user = check_user;
  pthread_mutex_unlock(&mutex);
  return fn && fn(user);
}
