#ifndef FARCALL_RPC_H
#define FARCALL_RPC_H
/*
 * Short functions for the common cases, named after the patterns, in three modes: blocking, future, callback.
 * Generated stubs are typed versions of these. Where a call is handed out (`call`, may be NULL in the blocking mode) the
 * caller owns it and ends it with fc_call_destroy. It is stored before any callback of the call runs.
 *
 * A request is a slice that is copied. To hand over counted bytes without a copy, give them as options->request and an
 * empty slice.
 *
 * A pattern that is not below in some mode has it in call.h: a call is itself a future (fc_call_wait), and its
 * receiving side has fc_call_recv_async.
 */
#include "farcall/channel.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * unary-unary, blocking: sends one request and waits for the one response.
 *
 * Owns:    request is copied; the caller owns *response (NULL unless OK is returned) and *call
 * Errors:  the status code. A call that could not be started (bad argument: INVALID_ARGUMENT, no memory:
 *          RESOURCE_EXHAUSTED) leaves *call NULL and its reason in err; for others err holds the status message
 * Threads: any. Blocks: until the call is over
 * Since:   0.1
 */
FC_API fc_code fc_unary_unary(fc_channel *channel, const char *method, fc_slice request,
                              const fc_call_options *options, fc_bytes **response, fc_call **call,
                              fc_error *err);

/**
 * unary-unary as a future: fc_call_wait, then fc_call_status and fc_call_recv.
 *
 * Owns:    request is copied; the caller owns *call
 * Errors:  those of fc_channel_call
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_unary_unary_future(fc_channel *channel, const char *method,
                                                   fc_slice request, const fc_call_options *options,
                                                   fc_call **call, fc_error *err);

/**
 * Told of the outcome of a call with one response. response is NULL unless the status is OK, and belongs to the callee.
 * Runs once, on the driver's thread, under no lock. call lives until it returns, unless the caller has its own handle.
 */
typedef void (*fc_response_fn)(fc_call *call, const fc_status *status, fc_bytes *response,
                               void *user);

/**
 * unary-unary by callback.
 *
 * Owns:    request is copied; user must live until done ran; *call (may be NULL) belongs to the caller
 * Errors:  those of fc_channel_call; done does not run then
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_unary_unary_async(fc_channel *channel, const char *method,
                                                  fc_slice request, const fc_call_options *options,
                                                  fc_response_fn done, void *user, fc_call **call,
                                                  fc_error *err);

/**
 * unary-stream: sends one request; the responses are received with fc_call_recv (blocking) or fc_call_recv_async.
 *
 * Owns:    request is copied; the caller owns *call
 * Errors:  those of fc_channel_call
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_unary_stream(fc_channel *channel, const char *method,
                                             fc_slice request, const fc_call_options *options,
                                             fc_call **call, fc_error *err);

/** Told of each message of a stream in turn, which belongs to the callee; the next is received when it returns. Returning
 * false cancels the call. */
typedef bool (*fc_message_fn)(fc_call *call, fc_bytes *message, void *user);

/**
 * unary-stream by callback: on_message for each response, then done with the status.
 *
 * Owns:    request is copied; user must live until done ran; *call (may be NULL) belongs to the caller
 * Errors:  those of fc_channel_call; nothing runs then
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_unary_stream_async(fc_channel *channel, const char *method,
                                                   fc_slice request, const fc_call_options *options,
                                                   fc_message_fn on_message, fc_response_fn done,
                                                   void *user, fc_call **call, fc_error *err);

/** Gives the next request of a stream, whose reference is given up, or NULL after the last. A source that fails ends the
 * call with fc_call_cancel, a code and a text, and gives NULL; a request that is too long to be sent ends it with
 * RESOURCE_EXHAUSTED. Runs on the thread that made the call (blocking mode) or on
 * the driver's thread (callback mode), under no lock. */
typedef fc_bytes *(*fc_source_fn)(fc_call *call, void *user);

/**
 * stream-unary, blocking: sends what source gives, no faster than the peer takes it, and waits for the response.
 *
 * Owns:    the caller owns *response (NULL unless OK is returned) and *call (may be NULL)
 * Errors:  as fc_unary_unary
 * Threads: any. Blocks: until the call is over
 * Since:   0.1
 */
FC_API fc_code fc_stream_unary(fc_channel *channel, const char *method, fc_source_fn source,
                               void *user, const fc_call_options *options, fc_bytes **response,
                               fc_call **call, fc_error *err);

/**
 * stream-unary as a future: send with fc_call_send, FC_SEND_LAST or fc_call_close_send at the end, then wait.
 *
 * Owns:    the caller owns *call
 * Errors:  those of fc_channel_call
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_stream_unary_future(fc_channel *channel, const char *method,
                                                    const fc_call_options *options, fc_call **call,
                                                    fc_error *err);

/**
 * stream-unary by callback: source is asked for each request when the last has left, done runs at the end.
 *
 * Owns:    user must live until done ran; *call (may be NULL) belongs to the caller
 * Errors:  those of fc_channel_call; nothing runs then
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_stream_unary_async(fc_channel *channel, const char *method,
                                                   fc_source_fn source,
                                                   const fc_call_options *options,
                                                   fc_response_fn done, void *user, fc_call **call,
                                                   fc_error *err);

/**
 * stream-stream: send and receive as the two sides like, one thread each or one for both.
 *
 * Owns:    the caller owns *call
 * Errors:  those of fc_channel_call
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_stream_stream(fc_channel *channel, const char *method,
                                              const fc_call_options *options, fc_call **call,
                                              fc_error *err);

/**
 * stream-stream by callback: source gives the requests, on_message takes the responses, done the status.
 *
 * Owns:    user must live until done ran; *call (may be NULL) belongs to the caller
 * Errors:  those of fc_channel_call; nothing runs then
 * Threads: any. Blocks: never
 * Since:   0.1
 */
FC_API FC_MUST_USE fc_result fc_stream_stream_async(fc_channel *channel, const char *method,
                                                    fc_source_fn source, fc_message_fn on_message,
                                                    const fc_call_options *options,
                                                    fc_response_fn done, void *user, fc_call **call,
                                                    fc_error *err);

#ifdef __cplusplus
}
#endif
#endif
