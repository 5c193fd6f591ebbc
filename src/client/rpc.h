#ifndef FC_CLIENT_RPC_H
#define FC_CLIENT_RPC_H
/* What the short functions of both kinds share: rpc.c those that block, rpc_async.c those with
 * callbacks. */
#include "farcall/rpc.h"

/* Reads a user's options, sets the pattern, and copies the request where the pattern has one, into
 * out->request, which the caller unreferences after the call was made. channel may be NULL. */
fc_result fc__rpc_options(const fc_channel *channel, const fc_call_options *from,
                          fc_pattern pattern, fc_slice request, fc_call_options *out,
                          fc_error *err);

/* A message was not taken: drops it, and ends the call, since the rest would make no sense without it. */
void fc__rpc_send_failed(fc_call *call, fc_bytes *message, fc_result result);

/* The status of a call that this error keeps from going on. */
fc_code fc__rpc_code(fc_result result);

#endif
