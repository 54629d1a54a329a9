#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "gateway/config.h"
#include "net/ip_address.h"

namespace duet::gateway {

// Counts the requests of client addresses at routes by token buckets, of which each is one number:
// the time at which it will be full again (the generic cell rate algorithm). An IPv6 client is its
// /64, because a host can have all addresses of one. Knows at most kBuckets at a time; of those
// that share a place in the table the one that is full soonest is forgotten, so that forgetting
// gives as little away as it can. Not thread-safe.
class RateLimiter {
 public:
  static constexpr std::size_t kBuckets = 64 << 10;  // 1 MiB, taken with the first request

  // `seed`: any numbers that clients do not know, so that they cannot choose who shares a place.
  explicit RateLimiter(std::uint64_t seed) : seed_(seed) {}

  // Takes one request off the bucket of `address` at the route of that name. 0: it may pass.
  // Otherwise nothing was taken, and one would pass in so many ns. `now_ns` never goes back.
  std::int64_t take(std::string_view route, const net::IpAddress& address, const RateLimit& limit,
                    std::int64_t now_ns);

 private:
  struct Bucket {
    std::uint64_t key = 0;  // of route and address; 0: free
    std::int64_t full_ns = 0;
  };
  std::uint64_t key_of(std::string_view route, const net::IpAddress& address) const;
  Bucket& bucket_of(std::uint64_t key, std::int64_t now_ns);

  std::uint64_t seed_;
  std::vector<Bucket> buckets_;
};

}  // namespace duet::gateway
