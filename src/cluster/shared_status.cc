#include "cluster/shared_status.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cluster/api_error.h"
#include "cluster/backoff.h"
#include "cluster/object_path.h"
#include "object/kind.h"

namespace duet::cluster {

std::unique_ptr<SharedStatus> SharedStatus::start(store::Store& store, ApiClient& api,
                                                  const sys::Clock& clock, sys::Random& random,
                                                  Options options) {
  std::unique_ptr<SharedStatus> status(new SharedStatus(api, clock, random, std::move(options)));
  SharedStatus& self = *status;
  // What the node's store has of a cluster's objects is without the server's status: see() wakes
  // it.
  status->controller_ = store::Controller::start(
      store, {.name = "shared status", .kinds = {}, .worker_limit = 1},
      [](const store::WatchEvent&) { return std::vector<std::string>(); },
      [&self](const std::string& work) { return self.write(work); }, self.options_.log);
  return status;
}

void SharedStatus::see(const object::ObjectKey& key, std::optional<Json> patch) {
  const bool due = patch.has_value();
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.monotonic();
    std::erase_if(
        seen_, [&](const auto& one) { return !one.second.patch && one.second.not_before <= now; });
    if (const auto known = seen_.find(key); known != seen_.end()) {
      known->second.patch = std::move(patch);
    } else if (due && seen_.size() < options_.object_limit) {
      const std::chrono::milliseconds wait(random_below(random_, options_.spread_ms));
      seen_[key] = {std::move(patch), now + wait};
    }
  }
  if (due) {
    controller_->wake(work_key(key));
  }
}

Result<SharedStatus::Next> SharedStatus::write(const std::string& work) {
  const auto key = key_of_work(work);
  Turn turn = key ? take_turn(*key) : Turn{};
  if (!turn.wait_ms || *turn.wait_ms > 0) {
    return Next{turn.wait_ms};
  }
  const auto patched = api_.patch(status_path(*key), PatchType::kMerge, turn.patch);
  if (!patched.ok()) {
    return failed(*key, std::move(turn.patch), patched.error());
  }
  refused_.erase(key->kind);
  return Next{};
}

// What is heard from now on is about what comes after the patch that it gives.
SharedStatus::Turn SharedStatus::take_turn(const object::ObjectKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = seen_.find(key);
  if (found == seen_.end() || !found->second.patch) {
    return {};
  }
  const auto now = clock_.monotonic();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(found->second.not_before - now);
  if (left.count() > 0) {
    return {left.count(), {}};
  }
  Turn turn{0, std::move(*found->second.patch)};
  found->second = {std::nullopt, now + std::chrono::milliseconds(options_.pause_ms)};
  return turn;
}

Result<SharedStatus::Next> SharedStatus::failed(const object::ObjectKey& key, Json patch,
                                                const Error& error) {
  const std::lock_guard lock(mutex_);
  if (is_moot(error)) {
    seen_.erase(key);  // it is gone or another one by now, of which the watch will tell
    if (error.code() == ErrorCode::kInvalid) {
      options_.log("cluster: the status of " + object::describe(key) +
                   " is not written: " + error.message());
    }
    return Next{};
  }
  const bool refused = error.code() == ErrorCode::kPermission;
  const std::int64_t pause_ms = refused ? options_.pause_ms : 0;
  Object& object = seen_[key];
  if (!object.patch) {  // of what was heard meanwhile
    object.patch = std::move(patch);
  }
  object.not_before = clock_.monotonic() + std::chrono::milliseconds(pause_ms);
  if (!refused) {
    return error;
  }
  if (refused_.insert(key.kind).second) {
    options_.log("cluster: the status of " + std::string(object::kind_info(key.kind).plural) +
                 " is not written: " + error.message() +
                 "; examples/cluster/route-rights.yaml has the right");
  }
  return Next{pause_ms};
}

}  // namespace duet::cluster
