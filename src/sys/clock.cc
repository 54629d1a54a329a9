#include "sys/clock.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace duet::sys {

WallTime ManualClock::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

MonotonicTime ManualClock::monotonic() const {
  const std::lock_guard lock(mutex_);
  return monotonic_;
}

void ManualClock::advance(Duration by) {
  const std::lock_guard lock(mutex_);
  now_ += std::chrono::duration_cast<WallTime::duration>(by);
  monotonic_ += by;
}

namespace {

std::string format_seconds(WallTime time) {
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return text.data();
}

}  // namespace

std::string format_rfc3339(WallTime time) { return format_seconds(time) + "Z"; }

std::string format_rfc3339_nano(WallTime time) {
  const auto fraction = time - std::chrono::floor<std::chrono::seconds>(time);
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), ".%09lldZ",
                static_cast<long long>(
                    std::chrono::duration_cast<std::chrono::nanoseconds>(fraction).count()));
  return format_seconds(time) + text.data();
}

}  // namespace duet::sys
