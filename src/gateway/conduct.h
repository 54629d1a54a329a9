#pragma once

#include <cstdint>

namespace duet::gateway {

// How a handler has used its CPU time of late, by which its next requests go at once or after those
// of others. It forgets by what is used and not by time, so that it needs no clock. Not
// thread-safe.
class Conduct {
 public:
  // A request that used this much computes for long. More than what a short one may seem to take
  // when the worker is preempted (the engine's meter counts up to a tick a poll).
  static constexpr std::uint64_t kLongNs = 5'000'000;
  // Of the time that is remembered; then old time counts half.
  static constexpr std::uint64_t kMemoryNs = 100'000'000;
  // So much of it may be spoiled.
  static constexpr std::uint64_t kSpoiledParts = 4;

  // A request has ended that used `cpu_ns`. `well`: it answered, within its bounds.
  void note(std::uint64_t cpu_ns, bool well);
  // Whether its next request is expected to compute for long, or for nothing.
  bool goes_last() const {
    return last_was_long_ || (spoiled_ns_ >= kLongNs && spoiled_ns_ * kSpoiledParts > used_ns_);
  }

 private:
  std::uint64_t used_ns_ = 0;
  std::uint64_t spoiled_ns_ = 0;  // by requests that did not end well
  bool last_was_long_ = false;
};

}  // namespace duet::gateway
