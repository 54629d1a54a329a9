#include "gateway/request_metrics.h"

#include <functional>
#include <map>
#include <memory>

namespace duet::gateway {
namespace {

constexpr std::int64_t kUs = 1'000;
constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::string_view kOther = "other";

}  // namespace

const observe::Histogram<RequestMetrics::kDurations>::Bounds RequestMetrics::kDurationNs = {
    100 * kUs, 250 * kUs, 500 * kUs, 1 * kMs,   2500 * kUs,  5 * kMs,     10 * kMs,
    25 * kMs,  50 * kMs,  100 * kMs, 250 * kMs, 1 * kSecond, 5 * kSecond, 30 * kSecond};
const observe::Histogram<RequestMetrics::kCpuTimes>::Bounds RequestMetrics::kCpuNs = {
    10 * kUs, 25 * kUs, 50 * kUs, 100 * kUs, 250 * kUs, 500 * kUs,
    1 * kMs,  5 * kMs,  10 * kMs, 50 * kMs,  250 * kMs};
const observe::Histogram<RequestMetrics::kMemories>::Bounds RequestMetrics::kMemoryBytes = {
    64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20, 128 << 20};

std::size_t RequestMetrics::KeyHash::operator()(const Key& key) const {
  constexpr std::size_t kMix = 0x9e3779b97f4a7c15;
  const std::hash<std::string_view> hash;
  std::size_t out = static_cast<std::size_t>(key.status);
  for (const std::string_view text : {key.route, key.backend, key.reason}) {
    out = (out ^ hash(text)) * kMix;
  }
  return out;
}

void RequestMetrics::Counts::add(const Counts& other) {
  requests += other.requests;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  outgoing += other.outgoing;
  outgoing_bytes += other.outgoing_bytes;
  cold += other.cold;
  retries += other.retries;
  duration_ns.add(other.duration_ns);
  cpu_ns.add(other.cpu_ns);
  memory_bytes.add(other.memory_bytes);
}

RequestMetrics::Counts& RequestMetrics::counts_of(const Key& key) {
  if (last_key_ != nullptr && *last_key_ == key) {
    return *last_;
  }
  auto found = series_.find(key);
  if (found == series_.end() && series_.size() >= kSeriesLimit && key.route != kOther) {
    return counts_of({kOther, kOther, key.reason, key.status});
  }
  if (found == series_.end()) {
    auto series = std::make_unique<Series>(
        Series{std::string(key.route), std::string(key.backend), std::string(key.reason), {}});
    const Key kept{series->route, series->backend, series->reason, key.status};
    found = series_.emplace(kept, std::move(series)).first;
  }
  last_key_ = &found->first;
  last_ = &found->second->counts;
  return *last_;
}

void RequestMetrics::record(const AccessRecord& record) {
  Counts& counts = counts_of({record.route, record.backend, record.reason, record.status});
  ++counts.requests;
  counts.bytes_in += record.bytes_in;
  counts.bytes_out += record.bytes_out;
  counts.duration_ns.add(kDurationNs, record.duration_ns);
  if (record.cpu_ns > 0) {
    counts.cpu_ns.add(kCpuNs, record.cpu_ns);
    counts.memory_bytes.add(kMemoryBytes, static_cast<std::int64_t>(record.peak_memory_bytes));
    counts.outgoing += record.outgoing;
    counts.outgoing_bytes += record.outgoing_bytes;
    counts.cold += record.cold ? 1 : 0;
    counts.retries += record.retries;
  }
}

void RequestMetrics::write(observe::Exposition& out) const {
  out.family("duet_requests_total", "counter",
             "Requests by what became of them; reason as in the access log.");
  for (const auto& [key, series] : series_) {
    out.sample({{"route", key.route},
                {"backend", key.backend},
                {"code", std::to_string(key.status)},
                {"reason", key.reason}},
               series->counts.requests);
  }
  write_backends(out);
}

// Histograms are many lines: they are told apart by route and backend alone.
void RequestMetrics::write_backends(observe::Exposition& out) const {
  std::map<std::pair<std::string_view, std::string_view>, Counts> by_backend;
  for (const auto& [key, series] : series_) {
    by_backend[{key.route, key.backend}].add(series->counts);
  }
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help,
                        const auto& write_one) {
    out.family(name, type, help);
    for (const auto& [names, counts] : by_backend) {
      write_one(observe::Labels{{"route", names.first}, {"backend", names.second}}, counts);
    }
  };
  const auto counter = [&](std::string_view name, std::string_view help,
                           std::uint64_t Counts::* member) {
    each(name, "counter", help, [&](const observe::Labels& labels, const Counts& counts) {
      out.sample(labels, counts.*member);
    });
  };
  counter("duet_request_body_bytes_total", "Bytes of request bodies.", &Counts::bytes_in);
  counter("duet_response_body_bytes_total", "Bytes of response bodies.", &Counts::bytes_out);
  counter("duet_handler_outgoing_requests_total", "Outgoing requests of handlers.",
          &Counts::outgoing);
  counter("duet_handler_outgoing_body_bytes_total",
          "Bytes of the bodies of outgoing requests and of their answers.",
          &Counts::outgoing_bytes);
  counter("duet_handler_cold_requests_total", "Requests that were the first of a handler.",
          &Counts::cold);
  counter("duet_upstream_retries_total", "Requests that were sent to a server once more.",
          &Counts::retries);
  each("duet_request_duration_seconds", "histogram", "Wall time from a request's head to its end.",
       [&](const observe::Labels& labels, const Counts& counts) {
         out.histogram(labels, kDurationNs, counts.duration_ns.counts(), counts.duration_ns.sum(),
                       kSecond);
       });
  each("duet_handler_cpu_seconds", "histogram", "CPU time of handlers for one request.",
       [&](const observe::Labels& labels, const Counts& counts) {
         if (counts.cpu_ns.sum() > 0) {  // else no handler
           out.histogram(labels, kCpuNs, counts.cpu_ns.counts(), counts.cpu_ns.sum(), kSecond);
         }
       });
  each("duet_handler_memory_bytes", "histogram", "Peak linear memory of handlers for one request.",
       [&](const observe::Labels& labels, const Counts& counts) {
         if (counts.cpu_ns.sum() > 0) {
           out.histogram(labels, kMemoryBytes, counts.memory_bytes.counts(),
                         counts.memory_bytes.sum(), 1);
         }
       });
}

}  // namespace duet::gateway
