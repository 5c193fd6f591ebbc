/* The mutexes of lock_owner.h: each thread keeps a list of those that it holds. */
#include "support/lock_owner.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { HELD_MAX = 512 }; /* a fork takes those of all reactors */

static _Thread_local struct {
  const pthread_mutex_t *held[HELD_MAX];
  int count;
  int nth;
  lock_owner_fn fn;
  void *user;
} own;

int __real_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attributes);
int __real_pthread_mutex_destroy(pthread_mutex_t *m);
int __real_pthread_mutex_lock(pthread_mutex_t *m);
int __real_pthread_mutex_unlock(pthread_mutex_t *m);
int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *m);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *m);

static _Noreturn void end(const char *what, const char *where) {
  fprintf(stderr, "lock_owner: %s%s\n", what, where);
  abort();
}

/* -1: the thread does not hold it. The one locked last is the likeliest. */
static int find(const pthread_mutex_t *m) {
  int at = own.count - 1;
  while (at >= 0 && own.held[at] != m) at--;
  return at;
}

static void forget(int at) {
  own.count--;
  for (; at < own.count; at++) own.held[at] = own.held[at + 1];
}

/* ---- what tests ask ---- */

int lock_owner_held(void) { return own.count; }

void lock_owner_check(const char *where) {
  if (own.count > 0) end("a lock of the library is held around ", where);
}

bool lock_owner_after_unlock(int nth, lock_owner_fn fn, void *user) {
  bool pending = own.fn != NULL;
  own.nth = nth;
  own.fn = fn;
  own.user = user;
  return pending;
}

static void run_hook(void) {
  if (!own.fn || own.count > 0 || own.nth-- > 0) return;
  lock_owner_fn fn = own.fn;
  own.fn = NULL;
  fn(own.user);
}

/* ---- in front of the system's ---- */

/* In a child made by fork the library makes those anew that it has locked before. */
int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attributes) {
  int at = find(m);
  if (at >= 0) forget(at);
  return __real_pthread_mutex_init(m, attributes);
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *m) {
  if (find(m) >= 0) end("a thread destroys a mutex that it holds", "");
  return __real_pthread_mutex_destroy(m);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *m) {
  if (find(m) >= 0) end("a thread locks a mutex that it holds already", "");
  int error = __real_pthread_mutex_lock(m);
  if (own.count == HELD_MAX) end("a thread holds more mutexes than there is room for", "");
  own.held[own.count++] = m;
  return error;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *m) {
  int at = find(m);
  if (at < 0) end("a thread unlocks a mutex that it does not hold", "");
  forget(at);
  int error = __real_pthread_mutex_unlock(m);
  run_hook();
  return error;
}
