#include "store/work_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace duet::store {

bool WorkQueue::add(const std::string& key) {
  if (dirty_.contains(key)) {
    return true;
  }
  // A delayed key that comes early leaves the delay: it asks for its own again when it was seen to.
  drop_delay(key);
  if (waiting() >= key_limit_) {
    return false;
  }
  dirty_.insert(key);
  if (!busy_.contains(key)) {
    ready_.push_back(key);
  }
  return true;
}

std::optional<std::string> WorkQueue::take(sys::MonotonicTime now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const std::string key = due_.begin()->second;
    add(key);
  }
  if (ready_.empty()) {
    return std::nullopt;
  }
  std::string key = std::move(ready_.front());
  ready_.pop_front();
  dirty_.erase(key);
  busy_.insert(key);
  return key;
}

std::optional<sys::MonotonicTime> WorkQueue::next_due() const {
  return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
}

void WorkQueue::done(const std::string& key, std::optional<int64_t> after_ms,
                     sys::MonotonicTime now) {
  failures_.erase(key);
  if (after_ms) {
    delay(key, *after_ms, now);
  }
  release(key);
}

int64_t WorkQueue::failed(const std::string& key, sys::MonotonicTime now) {
  const int count = failures_[key]++;
  int64_t pause_ms = backoff_first_ms_;
  for (int i = 0; i < count && pause_ms < backoff_limit_ms_; ++i) {
    pause_ms *= 2;
  }
  pause_ms = std::min(pause_ms, backoff_limit_ms_);
  delay(key, pause_ms, now);
  release(key);
  return pause_ms;
}

void WorkQueue::delay(const std::string& key, int64_t after_ms, sys::MonotonicTime now) {
  if (dirty_.contains(key)) {
    return;  // it comes back at once anyway
  }
  drop_delay(key);
  const sys::MonotonicTime due = now + std::chrono::milliseconds(after_ms);
  delayed_.emplace(key, due);
  due_.emplace(due, key);
}

void WorkQueue::drop_delay(const std::string& key) {
  if (const auto found = delayed_.find(key); found != delayed_.end()) {
    due_.erase({found->second, key});
    delayed_.erase(found);
  }
}

void WorkQueue::release(const std::string& key) {
  busy_.erase(key);
  if (dirty_.contains(key)) {
    ready_.push_back(key);
  }
}

}  // namespace duet::store
