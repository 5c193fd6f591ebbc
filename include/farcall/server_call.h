#ifndef FARCALL_SERVER_CALL_H
#define FARCALL_SERVER_CALL_H
/* What only a server's side of a call does: answer. Handlers and interceptors use it; server.h brings it. */
#include "farcall/call.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Sends the initial metadata now; without it, it goes empty with the first message or the status.
 *
 * Owns:    metadata is copied; NULL is an empty list
 * Errors:  FC_ERR_BUSY it was sent before; FC_ERR_CLOSED the call is over; FC_ERR_INVALID a client's call;
 *          FC_ERR_NO_MEMORY; FC_ERR_LIMIT more than the peer takes
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API fc_result fc_call_send_initial_metadata(fc_call *call, const fc_metadata *metadata);

/**
 * Sets the metadata that goes with the status, replacing what was set before.
 *
 * Owns:    metadata is copied; NULL is an empty list
 * Errors:  FC_ERR_CLOSED the call is over; FC_ERR_INVALID a client's call; FC_ERR_NO_MEMORY
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API fc_result fc_call_set_trailing_metadata(fc_call *call, const fc_metadata *metadata);

/**
 * Chooses the compression of the responses, if the client accepts it; before the first message and metadata.
 *
 * Owns:    nothing
 * Errors:  FC_ERR_BUSY the headers were sent; FC_ERR_INVALID
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API fc_result fc_call_set_compression(fc_call *call, fc_compression compression);

/**
 * Ends the call with a status. Messages sent before arrive before it.
 *
 * message: UTF-8 text, NULL for none; what is not UTF-8 is replaced
 * details: google.rpc.Status bytes for grpc-status-details-bin; may be empty
 * Owns:    message and details are copied
 * Errors:  FC_ERR_CLOSED the call is over or finished before; FC_ERR_INVALID no such code (the call then ends UNKNOWN), or
 *          OK where one response is due and none was sent (then INTERNAL), or a client's call; FC_ERR_NO_MEMORY (the
 *          stream is reset then)
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API fc_result fc_call_finish(fc_call *call, fc_code code, const char *message, fc_slice details);

/**
 * Sends one message and ends the call with OK, in one step.
 *
 * Owns:    takes the caller's reference to message on success, nothing on failure
 * Errors:  those of fc_call_send and fc_call_finish
 * Threads: any. Blocks: never: what the peer's window does not take now is queued
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_respond(fc_call *call, fc_bytes *message);

/**
 * Attaches hooks to a server's call, before those attached earlier; for interceptors, before fc_server_next_call.
 *
 * Owns:    the structure is copied; user until drop
 * Errors:  FC_ERR_NO_MEMORY; FC_ERR_INVALID a client's call, or the structure. On a call that is over already on_done
 *          is not told
 * Threads: the interceptor's. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_call_add_hooks(fc_call *call, const fc_call_hooks *hooks);

#ifdef __cplusplus
}
#endif
#endif
