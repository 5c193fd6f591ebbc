/*
 * The echo service on grpc C++: server sync|callback|async. It prints its port and serves until SIGTERM. Each of the
 * three interfaces (with BENCH_TLS in the environment over TLS) has handlers of its own: sync blocks on the library's threads and has all four patterns; callback
 * has Unary and BidiStream; async has Unary, on one completion queue and one thread.
 */
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "echo.grpc.pb.h"
#include "files.h"
#include "measure.h"

using bench::Echo;
using bench::Payload;
using bench::StreamSpec;
using grpc::ServerContext;
using grpc::Status;

namespace {

class SyncEcho final : public Echo::Service {
  Status Unary(ServerContext *, const Payload *in, Payload *out) override {
    out->set_data(in->data());
    return Status::OK;
  }

  Status ServerStream(ServerContext *, const StreamSpec *spec,
                      grpc::ServerWriter<Payload> *writer) override {
    Payload message;
    message.set_data(std::string(spec->size(), 'x'));
    for (uint32_t i = 0; i < spec->count() && writer->Write(message); i++) continue;
    return Status::OK;
  }

  Status ClientStream(ServerContext *, grpc::ServerReader<Payload> *reader, Payload *out) override {
    while (reader->Read(out)) continue;
    return Status::OK;
  }

  Status BidiStream(ServerContext *, grpc::ServerReaderWriter<Payload, Payload> *stream) override {
    Payload message;
    while (stream->Read(&message) && stream->Write(message)) continue;
    return Status::OK;
  }
};

class EchoReactor final : public grpc::ServerBidiReactor<Payload, Payload> {
 public:
  EchoReactor() { StartRead(&message_); }
  void OnReadDone(bool ok) override { ok ? StartWrite(&message_) : Finish(Status::OK); }
  void OnWriteDone(bool ok) override { ok ? StartRead(&message_) : Finish(Status::CANCELLED); }
  void OnDone() override { delete this; }

 private:
  Payload message_;
};

class CallbackEcho final : public Echo::CallbackService {
  grpc::ServerUnaryReactor *Unary(grpc::CallbackServerContext *context, const Payload *in,
                                  Payload *out) override {
    out->set_data(in->data());
    auto *reactor = context->DefaultReactor();
    reactor->Finish(Status::OK);
    return reactor;
  }

  grpc::ServerBidiReactor<Payload, Payload> *BidiStream(grpc::CallbackServerContext *) override {
    return new EchoReactor;
  }
};

using AsyncEcho = Echo::WithAsyncMethod_Unary<Echo::Service>;

/* Waits for a call, answers it, waits for the next. */
class AsyncSlot {
 public:
  AsyncSlot(AsyncEcho *service, grpc::ServerCompletionQueue *queue)
      : service_(service), queue_(queue) {
    Wait();
  }

  void Proceed() {
    if (answered_) return Wait();
    answered_ = true;
    out_.set_data(in_.data());
    writer_->Finish(out_, Status::OK, this);
  }

 private:
  void Wait() {
    answered_ = false;
    context_ = std::make_unique<ServerContext>();
    writer_ = std::make_unique<grpc::ServerAsyncResponseWriter<Payload>>(context_.get());
    service_->RequestUnary(context_.get(), &in_, writer_.get(), queue_, queue_, this);
  }

  AsyncEcho *service_;
  grpc::ServerCompletionQueue *queue_;
  std::unique_ptr<ServerContext> context_;
  std::unique_ptr<grpc::ServerAsyncResponseWriter<Payload>> writer_;
  Payload in_, out_;
  bool answered_;
};

class AsyncLoop {
 public:
  explicit AsyncLoop(grpc::ServerBuilder *builder) : queue_(builder->AddCompletionQueue()) {}

  void Start(AsyncEcho *service) {
    for (int i = 0; i < 256; i++)
      slots_.push_back(std::make_unique<AsyncSlot>(service, queue_.get()));
    thread_ = std::thread([this] {
      void *slot;
      bool ok;
      while (queue_->Next(&slot, &ok))
        if (ok) static_cast<AsyncSlot *>(slot)->Proceed();
    });
  }

  void Stop() {
    queue_->Shutdown();
    thread_.join();
  }

 private:
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::vector<std::unique_ptr<AsyncSlot>> slots_;
  std::thread thread_;
};

std::shared_ptr<grpc::ServerCredentials> Credentials() {
  const char *folder = getenv("BENCH_TLS");
  if (!folder) return grpc::InsecureServerCredentials();
  const std::string path = std::string(folder) + "/server";
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({ReadFile(path + ".key"), ReadFile(path + ".pem")});
  return grpc::SslServerCredentials(options);
}

}  // namespace

int main(int argc, char **argv) {
  const std::string how = argc > 1 ? argv[1] : "sync";
  SyncEcho sync;
  CallbackEcho callback;
  AsyncEcho async;
  std::unique_ptr<AsyncLoop> loop;
  grpc::ServerBuilder builder;
  int port = 0, signal_number;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  measure_raise_files();
  builder.AddListeningPort("127.0.0.1:0", Credentials(), &port);
  if (how == "async") {
    builder.RegisterService(&async);
    loop = std::make_unique<AsyncLoop>(&builder);
  } else if (how == "callback") {
    builder.RegisterService(&callback);
  } else {
    builder.RegisterService(&sync);
  }
  auto server = builder.BuildAndStart();
  if (!server) return 1;
  if (loop) loop->Start(&async);
  printf("%d\n", port);
  fflush(stdout);
  sigwait(&stop, &signal_number);
  server->Shutdown(std::chrono::system_clock::now());
  if (loop) loop->Stop();
  return 0;
}
