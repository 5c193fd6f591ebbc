#ifndef FC_TESTS_SIM_COUNTS_H
#define FC_TESTS_SIM_COUNTS_H
/*
 * Conservation: whenever nobody holds the lock, each counter and each timer of a connection, and of the channel or
 * server that it belongs to, equals what it counts or waits for. The simulation looks in every turn, so a slot that leaks
 * or is given back twice ends the first test that it happens in.
 */
#include "call/call.h"
#include "sim/sim_internal.h"

/* Looks at all that has a connection without TLS. A counter that is wrong ends the process and names the seed. */
void sim_check_counts(const struct sim *sim);

/* ---- between its files ---- */

#define SIM_MUST(sim, condition) ((condition) ? (void)0 : sim_die(sim, "not so: " #condition))

/* The channel or server of a link; one that has several links is looked at once. */
void sim_check_owner(const struct sim *sim, const struct fc__link *link);

#endif
