/* Many calls outstanding on one connection: with a completion queue, and by callbacks. */
#include <condition_variable>
#include <mutex>
#include <vector>

#include "client.h"

namespace {

struct Slot {
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Payload>> reader;
  Payload out;
  grpc::Status status;
  uint64_t begun = 0;
};

struct Queue {
  std::unique_ptr<Echo::Stub> stub;
  Payload in;
  grpc::CompletionQueue queue;

  void Start(Slot *slot) {
    slot->context = std::make_unique<grpc::ClientContext>();
    slot->reader = stub->AsyncUnary(slot->context.get(), in, &queue);
    slot->reader->Finish(&slot->out, &slot->status, slot);
  }

  Slot *Next() {
    void *slot;
    bool ok;
    Check(queue.Next(&slot, &ok), "queue");
    Check(static_cast<Slot *>(slot)->status.ok(),
          static_cast<Slot *>(slot)->status.error_message());
    return static_cast<Slot *>(slot);
  }
};

}  // namespace

void RunOutstanding(Job *job) {
  measure *m = &job->m;
  Queue all{ConnectTo(job->target), MakePayload(64), {}};
  std::vector<Slot> slots(static_cast<size_t>(job->number));
  uint64_t done = 0;
  for (auto &slot : slots) all.Start(&slot);
  for (uint64_t i = measure_warm(m, 10000); i > 0; i--) all.Start(all.Next());
  measure_begin(m);
  for (auto &slot : slots) slot.begun = m->now;
  for (; measure_more(m, done); done++) {
    Slot *slot = all.Next();
    slot->begun = measure_sample(m, slot->begun);
    all.Start(slot);
  }
  measure_end(m, done);
  for (size_t i = 0; i < slots.size(); i++) all.Next();
}

namespace {

/* Callbacks run on several threads of the library, so what they share is under a lock. */
class Callbacks {
 public:
  explicit Callbacks(Job *job)
      : m_(&job->m),
        stub_(ConnectTo(job->target)),
        in_(MakePayload(64)),
        slots_(static_cast<size_t>(job->number)),
        warm_(measure_warm(m_, 10000)) {}

  void Run() {
    measure_begin(m_);
    open_ = slots_.size();
    for (auto &slot : slots_) Start(&slot);
    std::unique_lock<std::mutex> lock(mutex_);
    over_.wait(lock, [this] { return open_ == 0; });
  }

 private:
  void Start(Slot *slot) {
    slot->context = std::make_unique<grpc::ClientContext>();
    stub_->async()->Unary(slot->context.get(), &in_, &slot->out, [this, slot](grpc::Status status) {
      Check(status.ok(), status.error_message());
      if (Another(slot)) Start(slot);
    });
  }

  bool Another(Slot *slot) {
    std::lock_guard<std::mutex> lock(mutex_);
    slot->begun = measure_sample(m_, slot->begun ? slot->begun : m_->now);
    if (warm_ > 0) {
      if (--warm_ == 0) measure_begin(m_);
      return true;
    }
    done_++;
    if (measure_more(m_, done_)) return true;
    if (open_-- == slots_.size()) measure_end(m_, done_);
    if (open_ == 0) over_.notify_one();
    return false;
  }

  measure *m_;
  std::unique_ptr<Echo::Stub> stub_;
  Payload in_;
  std::vector<Slot> slots_;
  uint64_t warm_, done_ = 0;
  size_t open_ = 0;
  std::mutex mutex_;
  std::condition_variable over_;
};

}  // namespace

void RunBackground(Job *job) { Callbacks(job).Run(); }
