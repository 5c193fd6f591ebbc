/* The client of the echo service on grpc C++: client WORKLOAD[=NUMBER] PORT LIMIT SERVER_PID; over TLS with BENCH_TLS, as
 * the farcall client. */
#include "client.h"
#include "files.h"

#include <vector>

static std::shared_ptr<grpc::ChannelCredentials> Credentials() {
  const char *folder = getenv("BENCH_TLS");
  if (!folder) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ReadFile(std::string(folder) + "/ca.pem");
  return grpc::SslCredentials(options);
}

std::unique_ptr<Echo::Stub> ConnectTo(const std::string &target) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return Echo::NewStub(grpc::CreateCustomChannel(target, Credentials(), arguments));
}

Payload MakePayload(size_t size) {
  Payload payload;
  payload.set_data(std::string(size, 'x'));
  return payload;
}

void Check(bool ok, const std::string &why) {
  if (ok) return;
  fprintf(stderr, "client: %s\n", why.c_str());
  exit(1);
}

void CallOnce(Echo::Stub *stub, const Payload &in, Payload *out) {
  grpc::ClientContext context;
  grpc::Status status = stub->Unary(&context, in, out);
  Check(status.ok(), status.error_message());
  Check(out->data().size() == in.data().size(), "wrong length");
}

static void RunCalls(Job *job, size_t size, uint64_t warm) {
  measure *m = &job->m;
  auto stub = ConnectTo(job->target);
  Payload in = MakePayload(size), out;
  uint64_t done = 0;
  for (uint64_t i = measure_warm(m, warm); i > 0; i--) CallOnce(stub.get(), in, &out);
  measure_begin(m);
  for (uint64_t begun = m->now; measure_more(m, done); done++) {
    CallOnce(stub.get(), in, &out);
    begun = measure_sample(m, begun);
  }
  measure_end(m, done);
}

void RunUnary(Job *job) { RunCalls(job, 64, 2000); }
void RunEcho1m(Job *job) { RunCalls(job, 1 << 20, 50); }

void RunHoldConnections(Job *job) {
  std::vector<std::unique_ptr<Echo::Stub>> stubs;
  Payload in = MakePayload(64), out;
  while (stubs.size() < 2 * static_cast<size_t>(job->number)) {
    if (stubs.size() == static_cast<size_t>(job->number)) measure_pause(job->number);
    stubs.push_back(ConnectTo(job->target));
    CallOnce(stubs.back().get(), in, &out);
  }
  measure_pause(2 * job->number);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(Job *job);
    int number;
  } workloads[] = {
      {"unary", RunUnary, 0},
      {"echo1m", RunEcho1m, 0},
      {"outstanding", RunOutstanding, 100},
      {"background", RunBackground, 100},
      {"bidi", RunBidi, 0},
      {"sstream", RunServerStream, 0},
      {"cstream", RunClientStream, 0},
      {"hold-connections", RunHoldConnections, 200},
      {"hold-calls", RunHoldCalls, 1000},
  };
  Check(argc == 5, "usage: client WORKLOAD[=NUMBER] PORT LIMIT SERVER_PID");
  const std::string work = argv[1], name = work.substr(0, work.find('='));
  Job job{std::string("127.0.0.1:") + argv[2], 0, {}};
  measure_init(&job.m, argv[3], argv[4]);
  measure_raise_files();
  for (const auto &w : workloads) {
    if (name != w.name) continue;
    job.number = name == work ? w.number : std::stoi(work.substr(name.size() + 1));
    w.run(&job);
    return 0;
  }
  Check(false, "no workload " + work);
}
