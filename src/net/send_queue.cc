#include "net/send_queue.h"

#include "net/stream.h"

namespace duet::net {

void SendQueue::add(Stream& stream) {
  if (stream.queue_ != nullptr) {
    return;
  }
  const std::int64_t now_ns = loop_.clock_ns();
  since_ns_ = waiting_.empty() ? now_ns : since_ns_;
  stream.queue_ = this;
  stream.queue_place_ = waiting_.size();
  waiting_.push_back(&stream);
  if (waiting_.size() >= kTogether || now_ns - since_ns_ >= kWaitNs) {
    send_all();
  } else {
    loop_.defer(*this);
  }
}

void SendQueue::remove(Stream& stream) {
  if (stream.queue_ == this) {
    waiting_[stream.queue_place_] = nullptr;
    stream.queue_ = nullptr;
  }
}

void SendQueue::send_all() {
  for (Stream* stream : waiting_) {
    if (stream != nullptr) {
      stream->queue_ = nullptr;
      stream->flush();
      stream->release_memory();
    }
  }
  waiting_.clear();
}

}  // namespace duet::net
