#ifndef FC_TESTS_LOCK_OWNER_H
#define FC_TESTS_LOCK_OWNER_H
/*
 * Every mutex knows its owner: lock_owner.c stands in front of pthread_mutex_lock and its kin (-Wl,--wrap, see
 * tests/CMakeLists.txt). A thread that locks a mutex which it holds, or unlocks one which it does not, ends the program at
 * once, where it would hang or go on; and code of the application can ask whether the library calls it under a lock.
 */

/* How many mutexes the calling thread holds. */
int lock_owner_held(void);

/* Ends the program if the calling thread holds any. where names the callback. */
void lock_owner_check(const char *where);

/*
 * Runs fn(user) on the calling thread once, when it has released its last mutex for the nth time from now on (0: the next
 * time): what other threads do meanwhile has happened before the function goes on that has unlocked. fn NULL: not any
 * more. Returns whether the fn of before is still to be run.
 */
typedef void (*lock_owner_fn)(void *user);
_Bool lock_owner_after_unlock(int nth, lock_owner_fn fn, void *user);

#endif
