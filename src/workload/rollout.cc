#include "workload/rollout.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "sys/rfc3339.h"

namespace duet::workload {
namespace {

// A pod that ended soon after it was made is replaced only when it is this old, so that one that
// can never run does not spin.
constexpr int64_t kReplacePauseMs = 10'000;

std::optional<int> parse_int(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value >= 0 ? std::optional(value) : std::nullopt;
}

// One decision in the making.
class Planner {
 public:
  Planner(const object::Deployment& deployment, const std::string& hash,
          const std::vector<PodView>& pods, sys::WallTime now)
      : deployment_(deployment),
        pods_(pods),
        now_(now),
        replicas_(std::max(deployment.replicas, 0)) {
    for (size_t i = 0; i < pods.size(); ++i) {
      sort_in(i, hash);
    }
    // The first to go: those that are not ready, then the youngest.
    const auto first_to_go = [this](size_t a, size_t b) {
      if (pods_[a].ready != pods_[b].ready) {
        return pods_[b].ready;
      }
      return pods_[a].created > pods_[b].created;
    };
    std::stable_sort(new_.begin(), new_.end(), first_to_go);
    std::stable_sort(old_.begin(), old_.end(), first_to_go);
    plan_.counts.replicas = static_cast<int>(new_.size() + old_.size());
    plan_.counts.updated = static_cast<int>(new_.size());
    plan_.old_left = !old_.empty();
    left_ = plan_.counts.replicas;
    available_left_ = plan_.counts.available;
  }

  Plan make() {
    if (deployment_.paused) {
      scale_paused();
    } else if (deployment_.strategy == "Recreate") {
      recreate();
    } else {
      roll();
    }
    plan_.create = std::max(plan_.create - held_back_, 0);
    return std::move(plan_);
  }

 private:
  void sort_in(size_t i, const std::string& hash) {
    const PodView& pod = pods_[i];
    if (pod.deleting) {
      old_is_ending_ = old_is_ending_ || pod.template_hash != hash;
      return;
    }
    if (pod.ended) {
      replace_ended(i);
      return;
    }
    (pod.template_hash == hash ? new_ : old_).push_back(i);
    const auto in_ms = available_in_ms(pod, deployment_.min_ready_seconds, now_);
    plan_.counts.ready += in_ms ? 1 : 0;
    if (in_ms == 0) {
      ++plan_.counts.available;
    } else if (in_ms) {
      look_again(*in_ms);
    }
  }

  void replace_ended(size_t i) {
    const auto created = sys::parse_rfc3339(pods_[i].created).value_or(sys::WallTime());
    const auto age_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(now_ - created).count();
    if (age_ms >= 0 && age_ms < kReplacePauseMs) {
      ++held_back_;
      look_again(kReplacePauseMs - age_ms);
    } else {
      plan_.remove.push_back(i);
    }
  }

  void look_again(int64_t in_ms) {
    plan_.after_ms = std::min(plan_.after_ms.value_or(in_ms), in_ms);
  }

  // Takes up to `count` pods from the front of `group`.
  int take(std::vector<size_t>& group, int count) {
    const auto taken = std::clamp<size_t>(static_cast<size_t>(std::max(count, 0)), 0, group.size());
    const auto end = group.begin() + static_cast<std::ptrdiff_t>(taken);
    plan_.remove.insert(plan_.remove.end(), group.begin(), end);
    left_ -= static_cast<int>(taken);
    plan_.live_removed += static_cast<int>(taken);
    available_left_ -= static_cast<int>(
        std::count_if(group.begin(), end, [this](size_t i) { return is_available(i); }));
    group.erase(group.begin(), end);
    return static_cast<int>(taken);
  }

  // Keeps the number, but not a new template: what is missing is made like what is there.
  void scale_paused() {
    const int surplus = plan_.counts.replicas - replicas_;
    if (surplus > 0) {
      take(new_, surplus - take(old_, surplus));
      return;
    }
    plan_.create = -surplus;
    if (!old_.empty()) {
      plan_.copy_of = old_.back();
    }
  }

  void recreate() {
    if (!old_.empty() || old_is_ending_) {
      take(old_, static_cast<int>(old_.size()));
      return;  // the end of the last one wakes us
    }
    const int missing = replicas_ - plan_.counts.updated;
    take(new_, -missing);
    plan_.create = std::max(missing, 0);
  }

  void roll() {
    const int surge = resolve_count(deployment_.max_surge, replicas_, Rounding::kUp);
    int may_miss = resolve_count(deployment_.max_unavailable, replicas_, Rounding::kDown);
    if (surge == 0 && may_miss == 0) {
      may_miss = 1;  // else nothing could ever move
    }
    const int missing = replicas_ - plan_.counts.updated;
    take(new_, -missing);
    plan_.create = std::max(std::min(missing, replicas_ + surge - plan_.counts.replicas), 0);
    take_old(std::max(replicas_ - may_miss, 0));
  }

  // Old pods may go as long as `must_be_available` pods stay available; those that serve nobody
  // first.
  void take_old(int must_be_available) {
    const auto new_missing =
        std::count_if(new_.begin(), new_.end(), [this](size_t i) { return !is_available(i); });
    int budget = left_ - must_be_available - static_cast<int>(new_missing);
    std::stable_partition(old_.begin(), old_.end(), [this](size_t i) { return !is_available(i); });
    const auto idle =
        std::count_if(old_.begin(), old_.end(), [this](size_t i) { return !is_available(i); });
    budget -= take(old_, std::min(static_cast<int>(idle), budget));
    take(old_, std::min(budget, available_left_ - must_be_available));
  }

  bool is_available(size_t i) const {
    return available_in_ms(pods_[i], deployment_.min_ready_seconds, now_) == 0;
  }

  const object::Deployment& deployment_;
  const std::vector<PodView>& pods_;
  const sys::WallTime now_;
  const int replicas_;
  Plan plan_;
  std::vector<size_t> new_;  // live, of the current template
  std::vector<size_t> old_;  // live, of others
  int left_ = 0;             // live pods but for those taken
  int available_left_ = 0;   // of these
  int held_back_ = 0;        // pods that ended and are not replaced yet
  bool old_is_ending_ = false;
};

}  // namespace

int resolve_count(const std::string& number_or_percent, int replicas, Rounding rounding) {
  const std::string_view text = number_or_percent;
  if (!text.ends_with('%')) {
    if (const auto number = parse_int(text)) {
      return *number;
    }
  }
  const int64_t percent =
      text.ends_with('%') ? parse_int(text.substr(0, text.size() - 1)).value_or(25) : 25;
  const int64_t up = rounding == Rounding::kUp ? 99 : 0;
  return static_cast<int>(std::min<int64_t>((percent * replicas + up) / 100, 1'000'000));
}

Plan plan_rollout(const object::Deployment& deployment, const std::string& hash,
                  const std::vector<PodView>& pods, sys::WallTime now) {
  return Planner(deployment, hash, pods, now).make();
}

}  // namespace duet::workload
