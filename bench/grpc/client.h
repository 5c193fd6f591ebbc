#ifndef BENCH_GRPC_CLIENT_H
#define BENCH_GRPC_CLIENT_H
/* What the workloads of the grpc C++ client share; they are those of the farcall client. */
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "echo.grpc.pb.h"
#include "measure.h"

using bench::Echo;
using bench::Payload;
using bench::StreamSpec;

struct Job {
  std::string target;
  int number;
  measure m;
};

/* A stub with a connection of its own: channels to one target would share it otherwise. */
std::unique_ptr<Echo::Stub> ConnectTo(const std::string &target);
Payload MakePayload(size_t size);
void Check(bool ok, const std::string &why);
void CallOnce(Echo::Stub *stub, const Payload &in, Payload *out);

void RunUnary(Job *job);
void RunEcho1m(Job *job);
void RunOutstanding(Job *job);
void RunBackground(Job *job);
void RunBidi(Job *job);
void RunServerStream(Job *job);
void RunClientStream(Job *job);
void RunHoldConnections(Job *job);
void RunHoldCalls(Job *job);

#endif
