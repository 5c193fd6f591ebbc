/* The drivers of drive.h. */
#include "support/drive.h"

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/reactor.h"
#include "support/check.h"
#include "support/lock_owner.h"

#pragma weak lock_owner_check /* programs that are not linked with it do not ask */

enum { DRIVES = 3, TESTS_MAX = 100 };

_Noreturn void must_failed(const char *condition, const char *file, int line) {
  fprintf(stderr, "%s:%d: must be: %s\n", file, line, condition);
  abort();
}

/* ---- the host ---- */

/* Rounded up: waking before the time would only spin. */
static int milliseconds(int64_t timeout) {
  const int64_t most = 1000 * FC_SECOND;
  if (timeout > most) timeout = most;
  return (int)((timeout + FC_MILLISECOND - 1) / FC_MILLISECOND);
}

static void *host_main(void *user) {
  struct drive *drive = user;
  struct pollfd fds[2] = {{.fd = drive->stop[0], .events = POLLIN}, {.events = POLLIN}};
  fds[1].fd = fc_reactor_fd(drive->reactor);
  while (fds[0].revents == 0) {
    poll(fds, 2, milliseconds(fc_reactor_timeout(drive->reactor)));
    /* A thread that waits for a call may be dispatching. */
    if (fc_reactor_dispatch(drive->reactor) == FC_ERR_BUSY) sched_yield();
  }
  return NULL;
}

/* ---- drives ---- */

static void hold(struct drive *drive, bool on) {
  struct fc__loop *loop = fc__reactor_loop(drive->reactor);
  fc__loop_lock(loop);
  on ? fc__loop_hold(loop) : fc__loop_unhold(loop);
  fc__loop_unlock(loop);
}

void drive_open(struct drive *drive, enum drive_kind kind) {
  fc_reactor_options options = FC_REACTOR_OPTIONS_INIT;
  *drive = (struct drive){.kind = kind};
  if (kind == DRIVE_HOST) options.mode = FC_REACTOR_HOST;
  assert_int_equal(fc_reactor_create(&options, &drive->reactor, NULL), FC_OK);
  if (kind == DRIVE_BACKGROUND) hold(drive, true);
  if (kind != DRIVE_HOST) return;
  assert_int_equal(pipe(drive->stop), 0);
  assert_int_equal(pthread_create(&drive->thread, NULL, host_main, drive), 0);
}

void drive_close(struct drive *drive) {
  if (drive->kind == DRIVE_BACKGROUND) hold(drive, false);
  if (drive->kind == DRIVE_HOST) {
    assert_int_equal(write(drive->stop[1], "", 1), 1);
    pthread_join(drive->thread, NULL);
    /* What was deferred last, such as the end of a channel, has its turn. */
    assert_int_equal(fc_reactor_dispatch(drive->reactor), FC_OK);
    close(drive->stop[0]);
    close(drive->stop[1]);
  }
  fc_reactor_destroy(drive->reactor);
}

int drive_run_tests(const struct CMUnitTest *tests, size_t count) {
  static enum drive_kind kinds[DRIVES] = {DRIVE_CALLER, DRIVE_BACKGROUND, DRIVE_HOST};
  static const char *const names[DRIVES] = {"caller", "background", "host"};
  static char text[DRIVES * TESTS_MAX][120];
  static struct CMUnitTest all[DRIVES * TESTS_MAX];
  MUST(count <= TESTS_MAX);
  for (size_t i = 0; i < DRIVES * count; i++) {
    snprintf(text[i], sizeof text[i], "%s [%s]", tests[i % count].name, names[i / count]);
    all[i] = tests[i % count];
    all[i].name = text[i];
    all[i].initial_state = &kinds[i / count];
  }
  return _cmocka_run_group_tests("tests", all, DRIVES * count, NULL, NULL);
}

/* ---- gates ---- */

void gate_pass(struct gate *gate) {
  if (lock_owner_check) lock_owner_check("a callback that passes a gate");
  pthread_mutex_lock(&gate->mutex);
  gate->passed++;
  pthread_cond_broadcast(&gate->changed);
  pthread_mutex_unlock(&gate->mutex);
}

void gate_await(struct gate *gate, int many) {
  pthread_mutex_lock(&gate->mutex);
  while (gate->passed < many) pthread_cond_wait(&gate->changed, &gate->mutex);
  pthread_mutex_unlock(&gate->mutex);
}

int gate_passed(struct gate *gate) {
  pthread_mutex_lock(&gate->mutex);
  int passed = gate->passed;
  pthread_mutex_unlock(&gate->mutex);
  return passed;
}
