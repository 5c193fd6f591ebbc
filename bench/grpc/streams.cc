/* Messages of 64 B on one stream, and many streams that are held open. */
#include <vector>

#include "client.h"

namespace {

constexpr int kSize = 64, kWarm = 10000, kWarmPing = 2000;
using Stream = grpc::ClientReaderWriter<Payload, Payload>;

void Ping(Stream *stream, const Payload &in, Payload *out) {
  Check(stream->Write(in) && stream->Read(out), "stream");
  Check(out->data().size() == in.data().size(), "wrong length");
}

}  // namespace

void RunBidi(Job *job) {
  measure *m = &job->m;
  auto stub = ConnectTo(job->target);
  grpc::ClientContext context;
  auto stream = stub->BidiStream(&context);
  Payload in = MakePayload(kSize), out;
  uint64_t done = 0;
  for (uint64_t i = measure_warm(m, kWarmPing); i > 0; i--) Ping(stream.get(), in, &out);
  measure_begin(m);
  for (uint64_t begun = m->now; measure_more(m, done); done++) {
    Ping(stream.get(), in, &out);
    begun = measure_sample(m, begun);
  }
  measure_end(m, done);
  stream->WritesDone();
  Check(stream->Finish().ok(), "bidi");
}

void RunServerStream(Job *job) {
  measure *m = &job->m;
  auto stub = ConnectTo(job->target);
  grpc::ClientContext context;
  StreamSpec spec;
  spec.set_count(m->operations ? static_cast<uint32_t>(m->operations) : UINT32_MAX);
  spec.set_size(kSize);
  Payload out;
  uint64_t done = 0;
  auto reader = stub->ServerStream(&context, spec);
  for (uint64_t i = measure_warm(m, kWarm); i > 0; i--) Check(reader->Read(&out), "read");
  for (measure_begin(m); measure_more(m, done); done++) Check(reader->Read(&out), "read");
  measure_end(m, done);
  context.TryCancel();
  while (reader->Read(&out)) continue;
  reader->Finish();
}

void RunClientStream(Job *job) {
  measure *m = &job->m;
  auto stub = ConnectTo(job->target);
  grpc::ClientContext context;
  Payload in = MakePayload(kSize), out;
  uint64_t done = 0;
  auto writer = stub->ClientStream(&context, &out);
  for (uint64_t i = measure_warm(m, kWarm); i > 0; i--) Check(writer->Write(in), "write");
  for (measure_begin(m); measure_more(m, done); done++) Check(writer->Write(in), "write");
  writer->WritesDone();
  Check(writer->Finish().ok(), "cstream"); /* the server has read every message */
  measure_end(m, done);
}

void RunHoldCalls(Job *job) {
  struct Held {
    grpc::ClientContext context;
    std::unique_ptr<Stream> stream;
  };
  auto stub = ConnectTo(job->target);
  std::vector<std::unique_ptr<Held>> all;
  Payload in = MakePayload(kSize), out;
  while (all.size() < 2 * static_cast<size_t>(job->number)) {
    if (all.size() == static_cast<size_t>(job->number)) measure_pause(job->number);
    auto held = std::make_unique<Held>();
    held->stream = stub->BidiStream(&held->context);
    Ping(held->stream.get(), in, &out);
    all.push_back(std::move(held));
  }
  measure_pause(2 * job->number);
  for (auto &held : all) {
    held->context.TryCancel();
    held->stream->Finish();
  }
}
