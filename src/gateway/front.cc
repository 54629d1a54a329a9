#include "gateway/front.h"

#include <chrono>

#include "net/http_date.h"

namespace duet::gateway {

Front::Front(net::EventLoop& event_loop, const ClientLimits& client_limits, std::uint64_t seed)
    : loop(event_loop), limits(client_limits), rates(seed), random_state(seed | 1) {}

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
    text_ = net::format_http_date(std::chrono::duration_cast<std::chrono::seconds>(now).count());
    until_ns_ = loop.now_ns() + kNsPerSecond - now.count() % kNsPerSecond;
  }
  return text_;
}

}  // namespace duet::gateway
