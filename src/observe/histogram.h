#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace duet::observe {

// Counts values by upper bounds, as Prometheus' histograms do. Bounds are inclusive and ascend;
// what is above the last one is counted too. Not thread-safe.
template <std::size_t kBuckets>
class Histogram {
 public:
  using Bounds = std::array<std::int64_t, kBuckets>;

  void add(const Bounds& bounds, std::int64_t value) {
    std::size_t bucket = 0;
    while (bucket < kBuckets && value > bounds[bucket]) {
      ++bucket;
    }
    ++counts_[bucket];
    sum_ += value;
  }
  void add(const Histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      counts_[i] += other.counts_[i];
    }
    sum_ += other.sum_;
  }

  // How many fell into each bucket, the last one without a bound; not cumulative.
  std::span<const std::uint64_t> counts() const { return counts_; }
  std::int64_t sum() const { return sum_; }

 private:
  std::array<std::uint64_t, kBuckets + 1> counts_{};
  std::int64_t sum_ = 0;
};

}  // namespace duet::observe
