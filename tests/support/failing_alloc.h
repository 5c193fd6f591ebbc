#ifndef FC_TESTS_FAILING_ALLOC_H
#define FC_TESTS_FAILING_ALLOC_H
/*
 * An allocator for tests: counts what lives, and fails an allocation on demand. Install it before the
 * first use of the library in the process. All functions may be called while other threads allocate.
 *
 *   failing_alloc_install();
 *   for (size_t n = 0;; n++) {
 *     size_t live = failing_alloc_live();
 *     failing_alloc_arm(n, FAILING_ALLOC_ONCE);
 *     scenario();
 *     bool reached = failing_alloc_disarm();
 *     assert_int_equal(failing_alloc_live(), live);
 *     if (!reached) break;
 *   }
 */
#include "farcall/base.h"

enum failing_alloc_mode {
  FAILING_ALLOC_ONCE,     /* that allocation alone */
  FAILING_ALLOC_FROM_THEN /* it and all that follow */
};

void failing_alloc_install(void);

/* The allocation after n more, resizing included, fails. Peak and count begin anew. */
void failing_alloc_arm(size_t n, enum failing_alloc_mode mode);

/* No more failures; says whether any allocation has failed since it was armed. */
bool failing_alloc_disarm(void);

/* While paused, allocations neither fail nor count: for what is not under test. */
void failing_alloc_pause(bool on);

size_t failing_alloc_live(void); /* blocks that are not freed */
/* Waits, ten seconds at most, until so many blocks live: for what other threads free. */
bool failing_alloc_comes_to(size_t live);
size_t failing_alloc_live_bytes(void); /* as asked for */
size_t failing_alloc_peak_bytes(void); /* the most that lived at once since arming or restarting */
size_t failing_alloc_count(void);      /* allocations and resizings since arming or restarting */
void failing_alloc_restart(void);      /* peak and count begin anew */

/* ---- secrets ---- */

/* Blocks that are freed from now on are searched for these bytes, which stay where they are; none: no more. */
void failing_alloc_watch(fc_slice secret);
size_t failing_alloc_spilled(void); /* freed blocks that had them in */
/* Blocks that live and have them in. No other thread may write to one. */
size_t failing_alloc_holding(fc_slice secret);

#endif
