#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/access_log.h"
#include "observe/exposition.h"
#include "observe/histogram.h"

namespace duet::gateway {

// Counts what a worker answered, by route, backend, status and reason. Not thread-safe.
class RequestMetrics {
 public:
  // Combinations that are told apart; past them requests count for the route and backend "other".
  // Names come from manifests and go with them, but what was counted stays.
  static constexpr std::size_t kSeriesLimit = 2'000;

  void record(const AccessRecord& record);
  // Adds everything to `out`.
  void write(observe::Exposition& out) const;

 private:
  static constexpr std::size_t kDurations = 14;
  static constexpr std::size_t kCpuTimes = 11;
  static constexpr std::size_t kMemories = 7;
  static const observe::Histogram<kDurations>::Bounds kDurationNs;
  static const observe::Histogram<kCpuTimes>::Bounds kCpuNs;
  static const observe::Histogram<kMemories>::Bounds kMemoryBytes;

  struct Key {
    std::string_view route;
    std::string_view backend;
    std::string_view reason;
    int status = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  struct Counts {
    std::uint64_t requests = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t outgoing = 0;
    std::uint64_t outgoing_bytes = 0;
    std::uint64_t cold = 0;
    std::uint64_t retries = 0;
    observe::Histogram<kDurations> duration_ns;
    observe::Histogram<kCpuTimes> cpu_ns;
    observe::Histogram<kMemories> memory_bytes;
    void add(const Counts& other);
  };
  struct Series {
    std::string route;  // what the key's views show
    std::string backend;
    std::string reason;
    Counts counts;
  };
  using SeriesMap = std::unordered_map<Key, std::unique_ptr<Series>, KeyHash>;

  Counts& counts_of(const Key& key);
  void write_backends(observe::Exposition& out) const;

  SeriesMap series_;
  const Key* last_key_ = nullptr;  // requests come in rows of the same
  Counts* last_ = nullptr;
};

}  // namespace duet::gateway
