#include "gateway/front.h"

#include <ctime>

namespace duet::gateway {

Front::Front(net::EventLoop& event_loop, const ClientLimits& client_limits, std::uint64_t seed)
    : loop(event_loop), limits(client_limits), random_state(seed | 1) {}

Front::~Front() = default;

Result<net::Resolver*> Front::resolver() {
  if (!resolver_) {
    DUET_ASSIGN(resolver_, net::Resolver::create(loop, dns));
  }
  return resolver_.get();
}

std::string_view DateText::get(const net::EventLoop& loop) {
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  if (loop.now_ns() >= until_ns_) {
    const auto now = loop.clock().now().time_since_epoch();
    const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    // Names are spelled out because strftime follows the locale.
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char text[64];
    snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[parts.tm_wday],
             parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour,
             parts.tm_min, parts.tm_sec);
    text_ = text;
    until_ns_ = loop.now_ns() + kNsPerSecond - now.count() % kNsPerSecond;
  }
  return text_;
}

}  // namespace duet::gateway
