#include "store/history.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

namespace duet::store {
namespace {

size_t size_of(const WatchEvent& event) {
  return sizeof(WatchEvent) + event.object.json.size() + event.object.uid.size() +
         event.object.key.name.size() + event.object.key.ns.size();
}

Error fell_behind(int64_t resource_version) {
  return {ErrorCode::kExhausted, "resource version " + std::to_string(resource_version) +
                                     " is not in the history any more: list anew"};
}

}  // namespace

class History::Reader final : public Watch {
 public:
  Reader(std::shared_ptr<History> history, std::vector<object::Kind> kinds, int64_t after)
      : history_(std::move(history)), kinds_(std::move(kinds)), after_(after) {}

  Result<std::optional<WatchEvent>> next(int64_t timeout_ms) override {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    std::unique_lock lock(history_->mutex_);
    while (!cancelled_ && !history_->closed_) {
      if (history_->has_lost(kinds_, after_)) {
        return fell_behind(after_);
      }
      if (const auto event = history_->find(kinds_, after_)) {
        after_ = event->object.resource_version;
        lock.unlock();
        return std::optional(*event);
      }
      // All there is was looked at: the next search starts after it.
      after_ = std::max(after_, history_->newest_);
      if (history_->changed_.wait_until(lock, deadline) == std::cv_status::timeout &&
          history_->newest_ <= after_) {
        break;
      }
    }
    return std::optional<WatchEvent>();
  }

  void cancel() override {
    const std::lock_guard lock(history_->mutex_);
    cancelled_ = true;
    history_->changed_.notify_all();
  }

 private:
  const std::shared_ptr<History> history_;
  const std::vector<object::Kind> kinds_;
  int64_t after_;           // under history_->mutex_
  bool cancelled_ = false;  // under history_->mutex_
};

History::History(size_t event_limit, size_t size_bytes, int64_t resource_version)
    : event_limit_(event_limit), size_bytes_limit_(size_bytes), newest_(resource_version) {
  floor_.fill(resource_version);
}

void History::publish(std::vector<std::shared_ptr<const WatchEvent>> events) {
  const std::lock_guard lock(mutex_);
  for (auto& event : events) {
    newest_ = event->object.resource_version;
    size_bytes_ += size_of(*event);
    events_.push_back(std::move(event));
  }
  // The newest event always stays, however large it is.
  while (events_.size() > event_limit_ || (size_bytes_ > size_bytes_limit_ && events_.size() > 1)) {
    drop_oldest();
  }
  changed_.notify_all();
}

Result<std::unique_ptr<Watch>> History::watch(std::vector<object::Kind> kinds,
                                              int64_t resource_version) {
  const std::lock_guard lock(mutex_);
  const int64_t after = resource_version == 0 ? newest_ : resource_version;
  // A version yet to come was given by a store that is gone.
  if (after > newest_ || has_lost(kinds, after)) {
    return fell_behind(after);
  }
  return std::unique_ptr<Watch>(
      std::make_unique<Reader>(shared_from_this(), std::move(kinds), after));
}

void History::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

void History::drop_oldest() {
  const WatchEvent& oldest = *events_.front();
  floor_[static_cast<size_t>(oldest.object.key.kind)] = oldest.object.resource_version;
  size_bytes_ -= size_of(oldest);
  events_.pop_front();
}

bool History::has_lost(const std::vector<object::Kind>& kinds, int64_t after) const {
  return std::any_of(kinds.begin(), kinds.end(),
                     [&](object::Kind kind) { return floor_[static_cast<size_t>(kind)] > after; });
}

std::shared_ptr<const WatchEvent> History::find(const std::vector<object::Kind>& kinds,
                                                int64_t after) const {
  const auto first = std::upper_bound(
      events_.begin(), events_.end(), after,
      [](int64_t version, const auto& event) { return version < event->object.resource_version; });
  const auto found = std::find_if(first, events_.end(), [&](const auto& event) {
    return std::find(kinds.begin(), kinds.end(), event->object.key.kind) != kinds.end();
  });
  return found == events_.end() ? nullptr : *found;
}

}  // namespace duet::store
