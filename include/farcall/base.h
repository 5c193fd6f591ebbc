#ifndef FARCALL_BASE_H
#define FARCALL_BASE_H
/*
 * Results, errors, slices, message bytes, time and memory: what every other header stands on.
 *
 * Unless a function says otherwise: arguments are borrowed until it returns; strings and options are
 * copied; a returned pointer lives as long as the object that was asked; times are in nanoseconds.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(FC_STATIC)
#define FC_API
#elif defined(__GNUC__)
#define FC_API __attribute__((visibility("default")))
#else
#define FC_API
#endif

#if defined(__GNUC__)
#define FC_MUST_USE __attribute__((warn_unused_result))
#else
#define FC_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** A point in time or a length of time that never comes to its end. */
#define FC_NEVER INT64_MAX
#define FC_MICROSECOND INT64_C(1000)
#define FC_MILLISECOND INT64_C(1000000)
#define FC_SECOND INT64_C(1000000000)

/**
 * What a function that can fail returns: 0 for success, a negative FC_ERR_ for failure, and FC_END (1)
 * where a stream of messages is over. After a failure outputs are NULL and nothing has changed.
 */
typedef int fc_result;

#define FC_OK 0
#define FC_END 1

/* Errors of the library's own functions. What became of a call is told by its status (status.h). */
#define FC_ERROR_LIST(X)                                                                           \
  X(INVALID, -1, "invalid argument")                                                               \
  X(NO_MEMORY, -2, "out of memory")                                                                \
  X(BUSY, -3, "an operation of this kind is already pending")                                      \
  X(CLOSED, -4, "the object is closed or the call is over")                                        \
  X(TIMEOUT, -5, "the time allowed for waiting is over")                                           \
  X(CANCELLED, -6, "cancelled")                                                                    \
  X(SYSTEM, -7, "a system call failed")                                                            \
  X(LIMIT, -8, "a limit is reached")                                                               \
  X(EXISTS, -9, "it exists already")                                                               \
  X(PROTOCOL, -10, "the peer broke the protocol")                                                  \
  X(INTERRUPTED, -11, "the interrupt check ended the wait")

enum {
#define X(name, value, text) FC_ERR_##name = value,
  FC_ERROR_LIST(X)
#undef X
};

/**
 * Names a result: "FC_ERR_BUSY: an operation of this kind is already pending".
 *
 * Owns:    a constant string
 * Errors:  an unknown value gives "unknown result"
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API const char *fc_result_text(fc_result result);

/** The detail of a failure, in the caller's memory: one sentence that says what happened and to what. */
typedef struct fc_error {
  fc_result result; /* FC_OK until something failed */
  int system;       /* errno of the failed system call, 0 where none is to blame */
  char message[256];
} fc_error;

#define FC_ERROR_INIT                                                                              \
  {                                                                                                \
    0, 0, { 0 }                                                                                    \
  }

/** Borrowed bytes. data may be NULL when len is 0. */
typedef struct fc_slice {
  const uint8_t *data;
  size_t len;
} fc_slice;

/** No bytes, for an argument that is not given. */
#ifdef __cplusplus
#define FC_SLICE_EMPTY (fc_slice{nullptr, 0})
#else
#define FC_SLICE_EMPTY ((fc_slice){NULL, 0})
#endif

/** The two arguments that a "%.*s" of printf takes for a slice, of which it prints at most INT32_MAX bytes:
 * printf("%.*s", FC_SLICE_PRINT(slice)). */
#define FC_SLICE_PRINT(slice)                                                                      \
  (int)((slice).len < INT32_MAX ? (slice).len : INT32_MAX),                                        \
      (slice).data ? (const char *)(slice).data : ""

/**
 * Borrows the bytes of a C string, without its end.
 *
 * Owns:    the slice lives as long as text; NULL gives an empty slice
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API fc_slice fc_slice_from_string(const char *text);

/**
 * Says whether a slice holds just the characters of a C string.
 *
 * Owns:    nothing
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API bool fc_slice_equals(fc_slice slice, const char *text);

/** Counted, immutable bytes: one message. References may be taken and dropped on any thread. */
typedef struct fc_bytes fc_bytes;

/** Told that wrapped bytes are no longer used. Runs on any thread, under no lock; must not block. */
typedef void (*fc_release_fn)(void *user);

/** Told that a stored user pointer is no longer used. Runs on any thread, under no lock. */
typedef void (*fc_drop_fn)(void *user);

/**
 * Copies bytes into a new counted object.
 *
 * Owns:    the caller owns one reference to the result
 * Errors:  NULL when out of memory, or when data is NULL and len is not 0
 * Threads: any. Blocks: never
 * Units:   len in bytes
 * Since:   0.1
 */
FC_API fc_bytes *fc_bytes_copy(const void *data, size_t len);

/**
 * Makes an object of len bytes for the caller to fill through *data before anybody else sees it.
 *
 * Owns:    the caller owns one reference; *data lives as long as the object
 * Errors:  NULL when out of memory, with *data NULL, or when data is NULL
 * Threads: any. Blocks: never
 * Units:   len in bytes
 * Since:   0.1
 */
FC_API fc_bytes *fc_bytes_create(size_t len, uint8_t **data);

/**
 * Makes an object of memory that stays where it is; release(user) runs once, after the last reference.
 *
 * Owns:    data must stay unchanged until release runs; release may be NULL for memory that never goes
 * Errors:  NULL when out of memory, or when data is NULL and len is not 0; release is not called then
 * Threads: any. Blocks: never
 * Units:   len in bytes
 * Since:   0.1
 */
FC_API fc_bytes *fc_bytes_wrap(const void *data, size_t len, fc_release_fn release, void *user);

/**
 * Takes one more reference; NULL gives NULL.
 *
 * Owns:    the caller owns one more reference
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API fc_bytes *fc_bytes_ref(fc_bytes *bytes);

/**
 * Drops one reference and frees the object with the last; NULL is fine.
 *
 * Owns:    takes the caller's reference
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API void fc_bytes_unref(fc_bytes *bytes);

/**
 * Borrows the content.
 *
 * Owns:    the slice lives as long as a reference is held; NULL gives an empty slice
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API fc_slice fc_bytes_slice(const fc_bytes *bytes);

/** Memory functions with the contracts of malloc, realloc and free; called on any thread. */
typedef struct fc_allocator {
  void *(*alloc)(size_t size, void *user);
  void *(*resize)(void *memory, size_t size, void *user);
  void (*release)(void *memory, void *user);
  void *user;
} fc_allocator;

/**
 * Makes the library take its memory from these functions; NULL restores malloc, realloc and free.
 *
 * Owns:    the structure is copied; user must live until the library is no longer used
 * Errors:  FC_ERR_INVALID a function is missing. Nothing is checked about memory already in use: call
 *          this before any other function of the library
 * Threads: one at a time, before other threads use the library. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_set_allocator(const fc_allocator *allocator);

/**
 * The library's version, "0.1.0".
 *
 * Owns:    a constant string
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API const char *fc_version(void);

#ifdef __cplusplus
}
#endif
#endif
