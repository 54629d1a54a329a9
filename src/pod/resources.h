#pragma once

#include <cstdint>
#include <optional>

#include "object/pod.h"

// What requests and limits of resources are in a cgroup, by the kubelet's rules. Pure.
namespace duet::pod {

inline constexpr int64_t kCpuPeriodUs = 100'000;

// Share of the processors when they are all busy (version 1 scale). Who asks for nothing gets the
// least: a request must not be worth less than none. A limit counts as a request of the same size.
uint64_t cpu_shares(const object::Resources& resources);

// Of a whole pod: of what all its containers ask for together, or of its largest init container.
uint64_t cpu_shares(const object::PodSpec& pod);

// Time of each period; none without a limit.
std::optional<int64_t> cpu_quota_us(const object::Resources& resources);

}  // namespace duet::pod
