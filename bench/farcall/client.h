#ifndef BENCH_FARCALL_CLIENT_H
#define BENCH_FARCALL_CLIENT_H
/* What the workloads of the farcall client share: the job, and how it fails. */
#include <farcall/rpc.h>

#include "measure.h"

struct job {
  const char *target; /* where the server is */
  int number; /* what stands behind the workload's name: outstanding calls, connections, ... */
  fc_channel *channel; /* of a workload that needs one for many calls */
  struct measure measure;
};

_Noreturn void fail(const char *what, const char *why);

/* A channel with a connection of its own; reactor may be NULL. */
fc_channel *connect_to(const char *target, fc_reactor *reactor);

/* `size` bytes that live as long as the program. */
fc_slice payload(size_t size);

/* One blocking unary call, whose answer is checked. */
void call_once(fc_channel *channel, const char *method, fc_slice request);

void run_unary(struct job *job);
void run_blocking(struct job *job);
void run_echo1m(struct job *job);
void run_connections(struct job *job);
void run_methods(struct job *job);
void run_deadline(struct job *job);
void run_outstanding(struct job *job);
void run_background(struct job *job);
void run_bidi(struct job *job);
void run_server_stream(struct job *job);
void run_client_stream(struct job *job);
void run_server_streams(struct job *job);
void run_client_streams(struct job *job);
void run_client_stream_by_callback(struct job *job);
void run_hold_connections(struct job *job);
void run_hold_calls(struct job *job);

#endif
