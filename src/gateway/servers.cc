#include "gateway/servers.h"

#include <algorithm>
#include <cstdio>

namespace duet::gateway {
namespace {

bool contains(std::span<Origin* const> tried, const Origin* origin) {
  return std::find(tried.begin(), tried.end(), origin) != tried.end();
}

}  // namespace

Servers::Servers(std::vector<Origin*> origins) : origins_(std::move(origins)) {
  for (Origin* origin : origins_) {
    ++origin->holders;
  }
}

Servers::~Servers() {
  for (Origin* origin : origins_) {
    --origin->holders;
  }
}

Origin* BalancedServers::choose(std::span<Origin* const> tried) {
  const std::int64_t now_ns = loop_.now_ns();
  if (tried.empty()) {
    budget_.note_request();
  }
  turn_ = turn_ + 1 < origins_.size() ? turn_ + 1 : 0;
  Origin* best = nullptr;
  bool best_out = true;
  for (std::size_t i = 0; i < origins_.size(); ++i) {
    const std::size_t place = turn_ + i < origins_.size() ? turn_ + i : turn_ + i - origins_.size();
    Origin* origin = origins_[place];
    const bool out = origin->health.is_out(now_ns);
    const bool better = best == nullptr || (best_out && !out) ||
                        (best_out == out && origin->in_flight < best->in_flight);
    if (better && !contains(tried, origin)) {
      best = origin;
      best_out = out;
      if (!out && origin->in_flight == 0) {
        break;
      }
    }
  }
  if (best != nullptr) {
    best->health.note_request(now_ns);
  }
  return best;
}

void BalancedServers::note_answer(Origin& origin, int status) {
  if (status >= 500 && policy_.health.counts_errors) {
    note_failure(origin, "answers of 500 and above");
  } else {
    origin.health.note_answer();
  }
}

void BalancedServers::note_failure(Origin& origin, std::string_view reason) {
  if (origin.health.note_failure(policy_.health, loop_.now_ns())) {
    // At most once in kFirstOutMs for a server, and less and less often.
    std::fprintf(stderr, "duet-gateway: %s: %s is left out for %lld ms: %.*s\n", service_.c_str(),
                 origin.name.c_str(), static_cast<long long>(origin.health.out_ms()),
                 static_cast<int>(reason.size()), reason.data());
  }
}

bool BalancedServers::take_retry(std::int32_t resent) {
  return resent < policy_.retry_limit && budget_.take();
}

Origin* ListedServers::choose(std::span<Origin* const> tried) {
  const auto found = std::find_if(origins_.begin(), origins_.end(), [tried](const Origin* origin) {
    return !contains(tried, origin);
  });
  return found == origins_.end() ? nullptr : *found;
}

}  // namespace duet::gateway
