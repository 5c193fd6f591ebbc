/*
 * Each block carries its size in front, and is in a list of all. Resizing always moves, so that a
 * pointer kept across a growth is caught by the sanitizers.
 */
#include "support/failing_alloc.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/list.h"

struct block {
  struct fc__node all;
  size_t size;
};

enum { HEADER = 32 }; /* keeps the alignment of malloc */

_Static_assert(sizeof(struct block) <= HEADER, "a block's header would run into its bytes");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;

static struct fc__node blocks = {&blocks, &blocks};

static struct {
  size_t live, live_bytes, peak_bytes, count;
  fc_slice watched; /* no bytes: nothing is */
  size_t spilled;
  size_t until; /* allocations before the one that fails */
  enum failing_alloc_mode mode;
  bool armed, failed, paused;
} state;

static bool must_fail_locked(void) {
  if (state.paused) return false;
  state.count++;
  if (!state.armed) return false;
  if (state.until > 0) return state.until--, false;
  if (state.failed && state.mode == FAILING_ALLOC_ONCE) return false;
  state.failed = true;
  return true;
}

static void count_in_locked(size_t size) {
  state.live++;
  state.live_bytes += size;
  if (state.live_bytes > state.peak_bytes) state.peak_bytes = state.live_bytes;
}

static struct block *block_of(void *memory) {
  return (struct block *)(void *)((uint8_t *)memory - HEADER);
}

static uint8_t *bytes_of(struct block *block) { return (uint8_t *)block + HEADER; }

static bool holds(struct block *block, fc_slice secret) {
  for (size_t at = 0; secret.len && at + secret.len <= block->size; at++) {
    if (memcmp(bytes_of(block) + at, secret.data, secret.len) == 0) return true;
  }
  return false;
}

static void *test_alloc(size_t size, void *user) {
  (void)user;
  pthread_mutex_lock(&lock);
  bool fail = must_fail_locked() || size > SIZE_MAX - HEADER;
  struct block *block = fail ? NULL : malloc(HEADER + size);
  if (block) {
    count_in_locked(size);
    fc__list_push_back(&blocks, &block->all);
    block->size = size;
  }
  pthread_mutex_unlock(&lock);
  if (!block) return NULL;
  return memset(bytes_of(block), 0xa5, size); /* nothing may rely on what was there before */
}

static void test_release(void *memory, void *user) {
  (void)user;
  if (!memory) return;
  struct block *block = block_of(memory);
  pthread_mutex_lock(&lock);
  state.live--;
  state.live_bytes -= block->size;
  if (holds(block, state.watched)) state.spilled++;
  fc__list_remove(&block->all);
  pthread_cond_broadcast(&released);
  pthread_mutex_unlock(&lock);
  memset(memory, 0x5a, block->size);
  free(block);
}

static void *test_resize(void *memory, size_t size, void *user) {
  void *moved = test_alloc(size, user);
  if (!moved || !memory) return moved;
  size_t before = block_of(memory)->size;
  memcpy(moved, memory, before < size ? before : size);
  test_release(memory, user);
  return moved;
}

void failing_alloc_install(void) {
  static const fc_allocator allocator = {test_alloc, test_resize, test_release, NULL};
  if (fc_set_allocator(&allocator) != FC_OK) abort();
}

static void restart_locked(void) {
  state.count = 0;
  state.peak_bytes = state.live_bytes;
}

void failing_alloc_restart(void) {
  pthread_mutex_lock(&lock);
  restart_locked();
  pthread_mutex_unlock(&lock);
}

void failing_alloc_arm(size_t n, enum failing_alloc_mode mode) {
  pthread_mutex_lock(&lock);
  restart_locked();
  state.until = n;
  state.mode = mode;
  state.armed = true;
  state.failed = false;
  pthread_mutex_unlock(&lock);
}

bool failing_alloc_disarm(void) {
  pthread_mutex_lock(&lock);
  bool failed = state.failed;
  state.armed = state.failed = false;
  pthread_mutex_unlock(&lock);
  return failed;
}

/* A large message that another thread frees becomes the spare, of which nobody is told: looks now and then. */
static bool wait_a_moment(void) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 10 * 1000 * 1000;
  if (until.tv_nsec >= 1000 * 1000 * 1000) {
    until.tv_nsec -= 1000 * 1000 * 1000;
    until.tv_sec++;
  }
  return pthread_cond_timedwait(&released, &lock, &until) == 0;
}

bool failing_alloc_comes_to(size_t live) {
  enum { MOMENTS = 1000 };
  size_t now = failing_alloc_live();
  for (int waited = 0; now != live && waited < MOMENTS;) {
    pthread_mutex_lock(&lock);
    if (state.live != live) waited += !wait_a_moment();
    pthread_mutex_unlock(&lock);
    now = failing_alloc_live();
  }
  return now == live;
}

void failing_alloc_pause(bool on) {
  pthread_mutex_lock(&lock);
  state.paused = on;
  pthread_mutex_unlock(&lock);
}

void failing_alloc_watch(fc_slice secret) {
  pthread_mutex_lock(&lock);
  state.watched = secret;
  state.spilled = 0;
  pthread_mutex_unlock(&lock);
}

size_t failing_alloc_holding(fc_slice secret) {
  size_t count = 0;
  pthread_mutex_lock(&lock);
  for (struct fc__node *n = blocks.next; n != &blocks; n = n->next) {
    count += holds(FC__CONTAINER(n, struct block, all), secret);
  }
  pthread_mutex_unlock(&lock);
  return count;
}

static size_t read_locked(const size_t *figure) {
  pthread_mutex_lock(&lock);
  size_t value = *figure;
  pthread_mutex_unlock(&lock);
  return value;
}

/* What the library keeps on purpose is no leak. */
size_t failing_alloc_live(void) {
  fc__bytes_drop_spare();
  return read_locked(&state.live);
}

size_t failing_alloc_live_bytes(void) {
  fc__bytes_drop_spare();
  return read_locked(&state.live_bytes);
}

size_t failing_alloc_peak_bytes(void) { return read_locked(&state.peak_bytes); }
size_t failing_alloc_count(void) { return read_locked(&state.count); }
size_t failing_alloc_spilled(void) { return read_locked(&state.spilled); }
