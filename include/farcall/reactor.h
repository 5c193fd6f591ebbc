#ifndef FARCALL_REACTOR_H
#define FARCALL_REACTOR_H
/*
 * The reactor owns all network state of the channels and servers made on it. Three drivers can run it:
 *
 *   a blocked caller      a thread that waits for its call polls by itself while nobody else does;
 *   a background thread   of the library, started when something asynchronous needs it;
 *   the host's own loop   with FC_REACTOR_HOST: watch fc_reactor_fd for reading, wait no longer than
 *                         fc_reactor_timeout, then call fc_reactor_dispatch.
 *
 * Callbacks run on the background thread, or in host mode on the thread that dispatches (which includes
 * a thread that blocks in a farcall function, since it dispatches while it waits). No lock is held then,
 * and they may call any function of the library.
 */
#include "farcall/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc_reactor fc_reactor;

typedef enum fc_reactor_mode {
  FC_REACTOR_AUTO = 0, /* blocked callers and, when needed, a background thread */
  FC_REACTOR_HOST = 1, /* the host's loop; the library starts no polling thread */
} fc_reactor_mode;

typedef struct fc_reactor_options {
  size_t size;
  fc_reactor_mode mode;
} fc_reactor_options;

#define FC_REACTOR_OPTIONS_INIT                                                                    \
  { sizeof(fc_reactor_options), FC_REACTOR_AUTO }

/**
 * Makes a reactor. Channels and servers that are given none share one of the process's, made on demand.
 *
 * Owns:    the caller owns one reference, ended with fc_reactor_destroy; options may be NULL
 * Errors:  FC_ERR_INVALID options; FC_ERR_NO_MEMORY; FC_ERR_SYSTEM no descriptor can be had
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_reactor_create(const fc_reactor_options *options, fc_reactor **out,
                                               fc_error *err);

/**
 * Drops the caller's reference; the reactor itself goes with the last channel, server and call on it.
 *
 * Owns:    takes the reference; NULL is fine
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API void fc_reactor_destroy(fc_reactor *reactor);

/**
 * The descriptor that a host loop watches for reading. It changes in a child process after fork.
 *
 * Owns:    the reactor keeps the descriptor; never read, write or close it
 * Errors:  -1 on a platform whose poller has none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API int fc_reactor_fd(fc_reactor *reactor);

/**
 * How long a host loop may wait before it must dispatch, even when the descriptor stays quiet.
 *
 * Owns:    nothing
 * Errors:  none
 * Threads: any. Blocks: never
 * Units:   nanoseconds from now; 0 dispatch at once; FC_NEVER no limit
 * Since:   0.1
 */
FC_API int64_t fc_reactor_timeout(fc_reactor *reactor);

/**
 * Runs one turn: reads and writes what is ready, fires timers, runs callbacks.
 *
 * Owns:    nothing
 * Errors:  FC_ERR_BUSY the reactor is not in host mode, or another thread is dispatching;
 *          FC_ERR_INVALID it is NULL
 * Threads: any, one at a time; may be called from a callback. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_reactor_dispatch(fc_reactor *reactor);

/** Asked on a thread that waits in the library, when the handler of a signal has interrupted it; under no lock. True ends
 * the wait with FC_ERR_INTERRUPTED. It may call any function; others poll meanwhile. */
typedef bool (*fc_interrupt_fn)(void *user);

/**
 * Sets the process's interrupt check; NULL, as at first: interrupted threads go on waiting. Of the functions that block,
 * fc_call_status, fc_call_trailing_metadata and those that destroy or cancel something wait on all the same; those of
 * rpc.h end their call with CANCELLED. A handler that is to interrupt must be installed without SA_RESTART. The thread
 * that sets the check is also asked once when it has waited for 20 ms: a signal may have come before it slept.
 *
 * Owns:    user must live as long as the check is set, and until those that run on other threads have returned
 * Errors:  none
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API void fc_set_interrupt_check(fc_interrupt_fn check, void *user);

#ifdef __cplusplus
}
#endif
#endif
