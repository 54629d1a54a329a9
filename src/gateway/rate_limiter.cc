#include "gateway/rate_limiter.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <span>

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::size_t kWays = 8;  // buckets that share a place
constexpr std::size_t kPlaces = RateLimiter::kBuckets / kWays;

// Both halves of a product: a small difference of the factors changes all bits.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

}  // namespace

std::uint64_t RateLimiter::key_of(std::string_view route, const net::IpAddress& address) const {
  constexpr std::uint64_t kOdd1 = 0x9e3779b97f4a7c15U;
  constexpr std::uint64_t kOdd2 = 0xc2b2ae3d27d4eb4fU;
  std::uint64_t network = 0;
  std::uint64_t host = 0;
  std::memcpy(&network, address.bytes().data(), sizeof(network));
  if (address.is_v4()) {
    std::memcpy(&host, address.bytes().data() + sizeof(network), sizeof(host));
  }
  const std::uint64_t name = std::hash<std::string_view>()(route);
  const std::uint64_t half = fold(network ^ seed_ ^ kOdd1, host ^ name ^ kOdd2);
  return fold(half ^ kOdd1, seed_ ^ kOdd2) | 1U;
}

RateLimiter::Bucket& RateLimiter::bucket_of(std::uint64_t key, std::int64_t now_ns) {
  if (buckets_.empty()) {
    buckets_.resize(kBuckets);
  }
  const std::span<Bucket> place(buckets_.data() + (key >> 32U) % kPlaces * kWays, kWays);
  const auto known =
      std::find_if(place.begin(), place.end(), [key](const Bucket& one) { return one.key == key; });
  if (known != place.end()) {
    return *known;
  }
  Bucket& oldest = *std::min_element(place.begin(), place.end(), [](const auto& a, const auto& b) {
    return a.full_ns < b.full_ns;
  });
  oldest = {key, now_ns};
  return oldest;
}

std::int64_t RateLimiter::take(std::string_view route, const net::IpAddress& address,
                               const RateLimit& limit, std::int64_t now_ns) {
  const std::int64_t interval_ns =
      std::max<std::int64_t>(1, limit.period_ms * kNsPerMs / limit.count);
  Bucket& bucket = bucket_of(key_of(route, address), now_ns);
  const std::int64_t full_ns = std::max(bucket.full_ns, now_ns);
  const std::int64_t wait_ns = full_ns - now_ns - interval_ns * (limit.burst - 1);
  if (wait_ns > 0) {
    return wait_ns;
  }
  bucket.full_ns = full_ns + interval_ns;
  return 0;
}

}  // namespace duet::gateway
