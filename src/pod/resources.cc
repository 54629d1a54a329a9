#include "pod/resources.h"

#include <algorithm>

namespace duet::pod {

namespace {

constexpr int64_t kLeastShares = 2;  // the kernel's
constexpr int64_t kLeastQuotaUs = 1'000;
constexpr int64_t kSharesPerCpu = 1'024;

int64_t requested_millis(const object::Resources& resources) {
  return resources.cpu_request_millis.value_or(resources.cpu_limit_millis.value_or(0));
}

uint64_t shares_of(int64_t millis) {
  return static_cast<uint64_t>(std::max(kLeastShares, millis * kSharesPerCpu / 1'000));
}

}  // namespace

uint64_t cpu_shares(const object::Resources& resources) {
  return shares_of(requested_millis(resources));
}

uint64_t cpu_shares(const object::PodSpec& pod) {
  int64_t together = 0;
  for (const auto& container : pod.containers) {
    together += requested_millis(container.resources);
  }
  for (const auto& container : pod.init_containers) {
    together = std::max(together, requested_millis(container.resources));
  }
  return shares_of(together);
}

std::optional<int64_t> cpu_quota_us(const object::Resources& resources) {
  if (!resources.cpu_limit_millis) {
    return std::nullopt;
  }
  return std::max(kLeastQuotaUs, *resources.cpu_limit_millis * kCpuPeriodUs / 1'000);
}

}  // namespace duet::pod
