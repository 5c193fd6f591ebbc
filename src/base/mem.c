/*
 * The one door to memory: malloc and friends, or what fc_set_allocator put in their place. Nothing
 * else in the library may call malloc, so that a test can make any allocation fail.
 */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "farcall/base.h"

static void *system_alloc(size_t size, void *user) {
  (void)user;
  return malloc(size);
}

static void *system_resize(void *memory, size_t size, void *user) {
  (void)user;
  return realloc(memory, size);
}

static void system_release(void *memory, void *user) {
  (void)user;
  free(memory);
}

static const fc_allocator system_allocator = {system_alloc, system_resize, system_release, NULL};
static fc_allocator current = {system_alloc, system_resize, system_release, NULL};

fc_result fc_set_allocator(const fc_allocator *allocator) {
  if (!allocator) allocator = &system_allocator;
  if (!allocator->alloc || !allocator->resize || !allocator->release) return FC_ERR_INVALID;
  fc__bytes_drop_spare(); /* it is the present allocator's */
  current = *allocator;
  return FC_OK;
}

/* malloc(0) may give NULL, which would read as a failure. */
static size_t at_least_one(size_t size) { return size ? size : 1; }

/* No object is larger, and the sum would wrap in an allocator that puts a header in front of each block. */
static bool is_possible(size_t size) { return size <= PTRDIFF_MAX; }

void *fc__alloc(size_t size) {
  return is_possible(size) ? current.alloc(at_least_one(size), current.user) : NULL;
}

void *fc__alloc_zero(size_t size) {
  void *memory = fc__alloc(size);
  if (memory) memset(memory, 0, size);
  return memory;
}

void *fc__resize(void *memory, size_t size) {
  if (!memory) return fc__alloc(size);
  if (!is_possible(size)) return NULL;
  return current.resize(memory, at_least_one(size), current.user);
}

void fc__free(void *memory) {
  if (memory) current.release(memory, current.user);
}

/* A compiler cannot know what the pointer holds, so it cannot leave the call out. */
void fc__erase(void *memory, size_t len) {
  static void *(*const volatile set)(void *, int, size_t) = memset;
  if (len) set(memory, 0, len);
}

void *fc__resize_secret(void *memory, size_t used, size_t size) {
  void *moved = fc__alloc(size);
  if (!moved || !memory) return moved;
  memcpy(moved, memory, used < size ? used : size);
  fc__erase(memory, used);
  fc__free(memory);
  return moved;
}

char *fc__strdup(const char *text) { return fc__strndup(text, strlen(text)); }

char *fc__strndup(const char *text, size_t len) {
  if (len == SIZE_MAX) return NULL;
  char *copy = fc__alloc(len + 1);
  if (!copy) return NULL;
  if (len) memcpy(copy, text, len);
  copy[len] = '\0';
  return copy;
}
