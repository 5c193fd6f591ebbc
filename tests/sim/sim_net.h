#ifndef FC_TESTS_SIM_NET_H
#define FC_TESTS_SIM_NET_H
/*
 * A network in memory with a virtual clock below a real reactor in host mode, all in one thread: a blocking call
 * of a client also drives the server on the same reactor, and time passes only while somebody waits. What
 * chance decides comes from the seed: the same seed gives the same run. Addresses look like the system's.
 *
 *   struct sim *sim = sim_create(seed);
 *   fc_reactor *reactor = sim_reactor(sim);      // borrowed: give it to channels and servers
 *   sim_add_host(sim, "example.test", "10.0.0.1", 20 * FC_MILLISECOND);
 *   sim_link(sim, NULL)->latency = 5 * FC_MILLISECOND;
 *   ...
 *   sim_destroy(sim);                            // everything on it must be gone
 *
 * A run that would wait for ever or spins without time passing is ended by abort, with a line that names the seed.
 */
#include "farcall/reactor.h"

struct sim;

struct sim *sim_create(uint64_t seed);
void sim_destroy(struct sim *sim);

fc_reactor *sim_reactor(struct sim *sim);
int64_t sim_now(const struct sim *sim); /* starts at 1,000 s */
uint64_t sim_random(struct sim *sim);   /* for a test's own choices */
uint64_t sim_fingerprint(
    const struct sim *sim); /* of all bytes moved so far and when: equal for equal runs */

/* ---- time ---- */

/* Runs one turn at the time of the next event; false when there is none until limit, which is the time then. */
bool sim_step(struct sim *sim, int64_t limit);
void sim_run_until(struct sim *sim, int64_t time);
void sim_run_for(struct sim *sim, int64_t duration);
/* Until done(user) or the time; says whether it was done. */
bool sim_run_until_done(struct sim *sim, bool (*done)(void *user), void *user, int64_t limit);
/* Time passes, what is on its way arrives, and nobody looks at it. */
void sim_stand_still(struct sim *sim, int64_t duration);
/* Runs action(user) at that time, as a callback: without a lock, free to call anything. */
void sim_at(struct sim *sim, int64_t time, void (*action)(void *user), void *user);

/* ---- links ---- */

enum sim_cut_kind {
  SIM_CUT_NONE,
  SIM_CUT_RESET,      /* after the bytes before it, both sides find the connection reset */
  SIM_CUT_END,        /* the receiver finds the end of the stream; what follows is lost */
  SIM_CUT_BLACK_HOLE, /* nothing arrives any more in either direction, and nobody is told */
};

enum sim_direction { SIM_TO_SERVER, SIM_TO_CLIENT };

struct sim_link {
  int64_t latency; /* one way; 1 ms */
  int64_t jitter;  /* up to so much more for each write, order kept; 0 */
  size_t buffer;   /* bytes that a direction takes in before writes would block; 256 KiB */
  /* A read gives at most read_max bytes, and each time a number from read_min on; 0: whatever is there. */
  size_t read_min, read_max;
  size_t write_max;  /* a write takes at most that many bytes, from 1 on by chance; 0: what fits */
  int connect_now;   /* connect returns this negative errno */
  int connect_error; /* connect ends with this negative errno after a round trip */
  bool connect_unanswered; /* connect never ends */
  enum sim_cut_kind cut;   /* when so many bytes have gone in that direction; 0: once connected */
  enum sim_direction cut_direction;
  uint64_t cut_at;
  const char *client; /* the literal address that clients come from; 127.0.0.1 */
};

/* The link of connections made from now on to an address ("ipv4:10.0.0.1:80", as fc__addr_text writes it), or
 * with NULL of those to addresses without one of their own. */
struct sim_link *sim_link(struct sim *sim, const char *address);

/* Has the seed choose how the default link delays, splits and blocks; it loses nothing. */
void sim_roughen(struct sim *sim);

/* Cuts all connections that exist. */
void sim_cut_all(struct sim *sim, enum sim_cut_kind kind);
size_t sim_connections(const struct sim *sim); /* of which at least one side is open */

/* The next count calls of accept fail with this negative errno, and the connection waits on. */
void sim_fail_accept(struct sim *sim, int error, size_t count);

/* ---- what was asked of the network ---- */

struct sim_attempt {
  int64_t at;
  char address[160];
};

size_t sim_reads(const struct sim *sim); /* of transports so far, also those that found nothing */

/* All calls of connect so far. */
const struct sim_attempt *sim_attempts(const struct sim *sim, size_t *count);
size_t sim_lookups(const struct sim *sim); /* names asked for so far, literals not counted */

/* ---- names ---- */

/* Gives the name one more address, a literal; the latest delay holds. FC_NEVER: no answer comes. */
void sim_add_host(struct sim *sim, const char *host, const char *literal, int64_t delay);
/* The name fails with this text; NULL: it has the addresses that were added, once more. */
void sim_fail_host(struct sim *sim, const char *host, const char *error, int64_t delay);
void sim_remove_host(struct sim *sim, const char *host); /* unknown names fail at once */

#endif
