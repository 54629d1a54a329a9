#include "oci/platform.h"

#include <algorithm>
#include <array>

namespace duet::oci {

namespace {

constexpr int kNoFit = 1000;

// How far `offered` is from `host`: 0 is exact, kNoFit does not run here. A variant counts only
// where machines differ by it: an armv7 runs v7, v6 and v5 in this order.
int host_distance(const Platform& offered, const Platform& host) {
  if (offered.os != host.os || offered.architecture != host.architecture) {
    return kNoFit;
  }
  if (offered.variant == host.variant) {
    return 0;
  }
  const auto level = [](const std::string& variant) {
    return variant.size() == 2 && variant[0] == 'v' ? variant[1] - '0' : -1;
  };
  // What has no variant is for every machine of the architecture; arm64's only level is v8.
  if (offered.variant.empty() || (host.architecture == "arm64" && offered.variant == "v8")) {
    return 10;
  }
  const int host_level = host.variant.empty() ? 1 : level(host.variant);
  const int gap = host_level - level(offered.variant);
  return level(offered.variant) < 0 || gap < 0 ? kNoFit : 1 + gap;
}

int wasm_distance(const Platform& offered) {
  if (!is_wasm_platform(offered)) {
    return kNoFit;
  }
  constexpr std::array<std::string_view, 3> kBest = {"wasip2", "wasip1", "wasi"};
  const auto* const found = std::find(kBest.begin(), kBest.end(), offered.os);
  return 100 + static_cast<int>(found - kBest.begin());
}

std::string platform_name(const Platform& platform) {
  std::string name = platform.os + "/" + platform.architecture;
  return platform.variant.empty() ? name : name + "/" + platform.variant;
}

std::string offered_platforms(const Index& index) {
  constexpr size_t kShown = 12;
  std::string names;
  for (size_t i = 0; i < index.entries.size() && i < kShown; ++i) {
    const auto& platform = index.entries[i].platform;
    names += (i == 0 ? "" : ", ") + (platform ? platform_name(*platform) : "one without platform");
  }
  return index.entries.empty() ? "nothing" : names;
}

bool is_attestation(const IndexEntry& entry) {
  return entry.platform && entry.platform->os == "unknown";
}

}  // namespace

Platform host_platform() {
#if defined(__x86_64__)
  return {"linux", "amd64", ""};
#elif defined(__aarch64__)
  return {"linux", "arm64", "v8"};
#elif defined(__arm__)
  return {"linux", "arm", "v7"};
#elif defined(__riscv)
  return {"linux", "riscv64", ""};
#else
#error "name this machine's architecture as Go does"
#endif
}

bool is_wasm_platform(const Platform& platform) {
  const auto is_wasm = [](const std::string& word) {
    return word == "wasm" || word == "wasm32" || word == "wasm64";
  };
  const auto is_wasi = [](const std::string& word) { return word.starts_with("wasi"); };
  return is_wasm(platform.architecture) || is_wasi(platform.os) ||
         (is_wasm(platform.os) && is_wasi(platform.architecture));
}

Result<IndexEntry> select_entry(const Index& index, const Platform& host, Wanted wanted) {
  const IndexEntry* best = nullptr;
  int best_distance = kNoFit;
  for (const IndexEntry& entry : index.entries) {
    if (!entry.platform) {
      continue;
    }
    int distance = wasm_distance(*entry.platform);
    if (wanted == Wanted::kAny) {
      distance = std::min(distance, host_distance(*entry.platform, host));
    }
    if (distance < best_distance) {
      best = &entry;
      best_distance = distance;
    }
  }
  if (best != nullptr) {
    return *best;
  }
  const auto is_candidate = [](const IndexEntry& entry) {
    return !entry.platform && !is_attestation(entry);
  };
  if (std::count_if(index.entries.begin(), index.entries.end(), is_candidate) == 1) {
    return *std::find_if(index.entries.begin(), index.entries.end(), is_candidate);
  }
  const std::string sought =
      wanted == Wanted::kWasm ? "Wasm" : platform_name(host) + " nor for Wasm";
  return not_found("the image is not there for " + sought +
                   "; it offers: " + offered_platforms(index));
}

}  // namespace duet::oci
