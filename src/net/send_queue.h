#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/event_loop.h"

namespace duet::net {

class Stream;

// Sends what several streams have gathered in one go. A peer on the same machine, or behind the
// same network interrupt, is then woken once for many answers instead of once for each: on a
// virtual machine a wake-up costs the sender about as much as the send itself. What waits is sent
// at the end of the loop's round, or earlier when kTogether streams wait or one comes after the
// first has waited for kWaitNs: what takes long to answer does not make others wait for its like.
// Not thread-safe; outlives its streams.
class SendQueue final : public Deferred {
 public:
  static constexpr std::size_t kTogether = 64;
  static constexpr std::int64_t kWaitNs = 500'000;

  explicit SendQueue(EventLoop& loop) : loop_(loop) {}

  // `stream` has something to send; it may be destroyed before it is sent.
  void add(Stream& stream);
  void remove(Stream& stream);
  // Sends everything now.
  void send_all();
  void run_deferred() override { send_all(); }

 private:
  EventLoop& loop_;
  std::vector<Stream*> waiting_;
  std::int64_t since_ns_ = 0;  // when the first of them came
};

}  // namespace duet::net
