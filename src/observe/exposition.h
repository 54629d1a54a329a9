#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// Metrics in Prometheus' text exposition format, version 0.0.4.
namespace duet::observe {

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

// Writes metrics one family after the other.
class Exposition {
 public:
  // Begins a family; `type` is counter, gauge or histogram. Samples belong to the last one begun.
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(const Labels& labels, std::uint64_t value);
  // The same for value / unit, neither negative (1'000'000'000 for ns to seconds).
  void sample(const Labels& labels, std::int64_t value, std::int64_t unit);
  // A histogram's series. `counts` has one more than `bounds` (see Histogram); both bounds and sum
  // are divided by `unit` (1'000'000'000 for ns to seconds).
  void histogram(const Labels& labels, std::span<const std::int64_t> bounds,
                 std::span<const std::uint64_t> counts, std::int64_t sum, std::int64_t unit);
  std::string take() { return std::move(text_); }

 private:
  void line(std::string_view suffix, const Labels& labels, std::string_view bound,
            std::string_view value);
  std::string text_;
  std::string name_;
};

// The metrics of several processes as one: values of equal names and labels are added up, gauges
// too. kCorrupt: a text is not what Exposition writes.
Result<std::string> merge_expositions(std::span<const std::string> texts);

}  // namespace duet::observe
