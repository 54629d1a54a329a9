#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

namespace duet::sys {

using WallTime = std::chrono::system_clock::time_point;
using MonotonicTime = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

// The time, as an argument. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;
  virtual MonotonicTime monotonic() const = 0;
};

// The system's clocks.
class SystemClock final : public Clock {
 public:
  WallTime now() const override { return std::chrono::system_clock::now(); }
  MonotonicTime monotonic() const override { return std::chrono::steady_clock::now(); }
};

// A clock that moves only when told; for tests.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start) : now_(start) {}
  WallTime now() const override;
  MonotonicTime monotonic() const override;
  void advance(Duration by);

 private:
  mutable std::mutex mutex_;
  WallTime now_;
  MonotonicTime monotonic_{std::chrono::hours(1)};
};

// RFC 3339 in UTC with seconds, as Kubernetes' metav1.Time: 2026-01-31T12:00:00Z.
std::string format_rfc3339(WallTime time);
// RFC 3339 in UTC with nine digits of fraction, as CRI logs and metav1.MicroTime readers take it.
std::string format_rfc3339_nano(WallTime time);

}  // namespace duet::sys
