/* The process's interrupt check. Without a lock, which a child made by fork could find taken for ever. */
#include "io/interrupt.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "farcall/reactor.h"

static _Atomic(fc_interrupt_fn) check;
static _Atomic(void *) check_user;
static _Atomic(pthread_t) setter;

void fc_set_interrupt_check(fc_interrupt_fn fn, void *user) {
  atomic_store(&check, NULL);
  atomic_store(&check_user, user);
  atomic_store(&setter, pthread_self());
  atomic_store(&check, fn);
}

/* A check that is replaced meanwhile is not asked: its user may be another's. */
bool fc__interrupt_asks_to_stop(void) {
  fc_interrupt_fn fn = atomic_load(&check);
  void *user = atomic_load(&check_user);
  return fn && fn == atomic_load(&check) && fn(user);
}

bool fc__interrupt_is_here(void) {
  return atomic_load_explicit(&check, memory_order_acquire) &&
         pthread_equal(atomic_load_explicit(&setter, memory_order_relaxed), pthread_self());
}
