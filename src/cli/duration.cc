#include "cli/duration.h"

#include <charconv>

#include "sys/rfc3339.h"

namespace duet::cli {
namespace {

constexpr int64_t kMinute = 60;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kYear = 365 * kDay;

struct Step {
  int64_t below_seconds;
  int64_t unit_seconds;
  const char* unit;
  int64_t rest_seconds;  // 0: the rest is not told
  const char* rest;
};

// The longer ago, the coarser.
constexpr Step kSteps[] = {
    {2 * kMinute, 1, "s", 0, ""},     {10 * kMinute, kMinute, "m", 1, "s"},
    {3 * kHour, kMinute, "m", 0, ""}, {8 * kHour, kHour, "h", kMinute, "m"},
    {2 * kDay, kHour, "h", 0, ""},    {8 * kDay, kDay, "d", kHour, "h"},
    {2 * kYear, kDay, "d", 0, ""},    {8 * kYear, kYear, "y", kDay, "d"},
};

struct Unit {
  const char* name;
  double nanoseconds;
};
constexpr Unit kUnits[] = {{"ns", 1},  {"us", 1e3},     {"ms", 1e6},
                           {"s", 1e9}, {"m", 60 * 1e9}, {"h", 3600 * 1e9}};

}  // namespace

std::string human_duration(sys::Duration duration) {
  const int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  // Two clocks may differ a little.
  if (seconds < -1) {
    return "<unknown>";
  }
  if (seconds <= 0) {
    return "0s";
  }
  for (const Step& step : kSteps) {
    if (seconds >= step.below_seconds) {
      continue;
    }
    std::string out = std::to_string(seconds / step.unit_seconds) + step.unit;
    const int64_t rest =
        step.rest_seconds == 0 ? 0 : seconds % step.unit_seconds / step.rest_seconds;
    return rest == 0 ? out : out + std::to_string(rest) + step.rest;
  }
  return std::to_string(seconds / kYear) + "y";
}

std::string age_of(const std::string& timestamp, sys::WallTime now) {
  const auto time = sys::parse_rfc3339(timestamp);
  return time ? human_duration(now - *time) : "<unknown>";
}

Result<sys::Duration> parse_duration(const std::string& text) {
  double total = 0;
  const char* at = text.data();
  const char* end = at + text.size();
  const Error wrong = invalid("\"" + text + "\" is no duration; write it as 90s, 5m or 1h30m");
  if (text == "0") {
    return sys::Duration(0);
  }
  if (at == end) {
    return wrong;
  }
  while (at != end) {
    double value = 0;
    const auto [after, error] = std::from_chars(at, end, value, std::chars_format::fixed);
    if (error != std::errc() || value < 0) {
      return wrong;
    }
    const char* unit_end = after;
    while (unit_end != end && *unit_end >= 'a' && *unit_end <= 'z') {
      ++unit_end;
    }
    const std::string_view unit(after, static_cast<size_t>(unit_end - after));
    const Unit* found = nullptr;
    for (const Unit& one : kUnits) {
      found = unit == one.name ? &one : found;
    }
    if (found == nullptr) {
      return wrong;
    }
    total += value * found->nanoseconds;
    at = unit_end;
  }
  constexpr double kLimit = 9e18;
  return total < kLimit ? Result<sys::Duration>(sys::Duration(static_cast<int64_t>(total))) : wrong;
}

}  // namespace duet::cli
