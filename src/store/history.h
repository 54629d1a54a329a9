#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "object/kind.h"
#include "store/store.h"

namespace duet::store {

// The latest events, for watches to read at their own pace. Bounded in number and bytes: what is
// pushed out raises the floor of its kind, so that only the watches which needed it fall behind.
// Thread-safe.
class History : public std::enable_shared_from_this<History> {
 public:
  // Nothing before `resource_version` can be watched.
  History(size_t event_limit, size_t size_bytes, int64_t resource_version);

  // Adds events in the order of their versions.
  void publish(std::vector<std::shared_ptr<const WatchEvent>> events);

  // A watch from just after `resource_version`; kExhausted if that is too long ago or yet to come.
  Result<std::unique_ptr<Watch>> watch(std::vector<object::Kind> kinds, int64_t resource_version);
  // Ends every watch, now and later.
  void close();

 private:
  class Reader;
  static constexpr size_t kKindCount = static_cast<size_t>(object::Kind::kEvent) + 1;

  // All under mutex_.
  void drop_oldest();
  bool has_lost(const std::vector<object::Kind>& kinds, int64_t after) const;
  // The first event of `kinds` after `after`, or nothing.
  std::shared_ptr<const WatchEvent> find(const std::vector<object::Kind>& kinds,
                                         int64_t after) const;

  const size_t event_limit_;
  const size_t size_bytes_limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<const WatchEvent>> events_;
  size_t size_bytes_ = 0;
  std::array<int64_t, kKindCount> floor_{};  // version of the newest event of a kind that is gone
  int64_t newest_ = 0;
  bool closed_ = false;
};

}  // namespace duet::store
