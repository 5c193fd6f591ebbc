#ifndef FC_TESTS_DRIVE_H
#define FC_TESTS_DRIVE_H
/*
 * The three drivers of a reactor, so that a test can run under each of them, and what a test's threads need to wait
 * for each other.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "farcall/reactor.h"

struct CMUnitTest;

enum drive_kind {
  DRIVE_CALLER,     /* whoever waits for a call polls */
  DRIVE_BACKGROUND, /* the library's thread polls all the time */
  DRIVE_HOST,       /* the loop of a thread of the test's */
};

struct drive {
  enum drive_kind kind;
  fc_reactor *reactor;
  int stop[2]; /* a pipe that ends the host's loop */
  pthread_t thread;
};

void drive_open(struct drive *drive, enum drive_kind kind);
void drive_close(struct drive *drive); /* gives the reactor back */

/* Runs each test under each driver, with *state pointing to the enum drive_kind. */
int drive_run_tests(const struct CMUnitTest *tests, size_t count);

/* A count that threads raise and wait for. */
struct gate {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int passed;
};

#define GATE_INIT                                                                                  \
  { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }

void gate_pass(struct gate *gate);            /* one more */
void gate_await(struct gate *gate, int many); /* until so many have passed */
int gate_passed(struct gate *gate);

/* An assertion for threads that are not the test's own, where cmocka's cannot be used. */
#define MUST(condition) ((condition) ? (void)0 : must_failed(#condition, __FILE__, __LINE__))
_Noreturn void must_failed(const char *condition, const char *file, int line);

#endif
