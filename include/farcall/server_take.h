#ifndef FARCALL_SERVER_TAKE_H
#define FARCALL_SERVER_TAKE_H
/*
 * Handlers on threads of the application's own: calls of the kind FC_HANDLER_TAKEN wait in a queue until a thread takes
 * them. Made for hosts that have a pool of threads already and start one when there is work, such as bindings.
 *
 * At most one thread of a queue is on its way to a call at any time: one that waits in fc_server_await, or else one that
 * fc_server_options.on_untaken has asked for. When it has come and calls are left, the next one is sent for. So a thread
 * that takes one call after the other is not joined by a crowd that would only compete with it for the processor, and yet
 * a call never waits for a handler that blocks.
 */
#include "farcall/server.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Flags of fc_server_take. */
enum {
  /* The thread was on its way: fc_server_await or on_untaken has sent for it. Once for each time. */
  FC_TAKE_SENT_FOR = 1,
  /* It takes nothing: another thread is sent for in its place, if calls wait. */
  FC_TAKE_NOTHING = 2,
};

/**
 * Takes the call that has waited longest in a queue.
 *
 * Owns:    the caller owns *call and ends it with fc_call_destroy; *user, which may be NULL, is the handler's
 * Errors:  FC_ERR_TIMEOUT no call waits; FC_ERR_INVALID no such queue or flag
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_server_take(fc_server *server, uint32_t queue, unsigned flags,
                                            fc_call **call, void **user);

/**
 * Waits until a call waits that the thread should take. A thread that waits polls by itself while nobody else does, so it
 * reads its next request with no other thread woken.
 *
 * Owns:    nothing
 * Errors:  FC_OK take a call, with FC_TAKE_SENT_FOR; FC_ERR_TIMEOUT; FC_ERR_CLOSED the server was shut down, and no
 *          call will come any more; FC_ERR_INVALID no such queue, or a negative timeout
 * Threads: any. Blocks: for timeout_ns at most
 * Units:   nanoseconds from now, FC_NEVER without end
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_server_await(fc_server *server, uint32_t queue, int64_t timeout_ns);

#ifdef __cplusplus
}
#endif
#endif
