#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "sys/clock.h"

namespace duet::store {

// The keys that wait for a worker, after client-go's work queue: a key waits once however often it
// was added, is never given out twice at a time, and one that was added while it was out comes back
// when it is done. Time is an argument. Not thread-safe.
class WorkQueue {
 public:
  // `key_limit`: keys that wait, now or for their time.
  WorkQueue(size_t key_limit, int64_t backoff_first_ms, int64_t backoff_limit_ms)
      : key_limit_(key_limit),
        backoff_first_ms_(backoff_first_ms),
        backoff_limit_ms_(backoff_limit_ms) {}

  // False: the queue is full and the key was dropped.
  bool add(const std::string& key);

  // The key that has waited longest, and makes it busy.
  std::optional<std::string> take(sys::MonotonicTime now);
  // When the next delayed key is due; nothing: none is delayed.
  std::optional<sys::MonotonicTime> next_due() const;

  // Ends what take() began, well; comes back after `after_ms` if that is given.
  void done(const std::string& key, std::optional<int64_t> after_ms, sys::MonotonicTime now);
  // Ends what take() began, badly: comes back after a pause that doubles with each failure in a
  // row. Returns the pause in ms.
  int64_t failed(const std::string& key, sys::MonotonicTime now);

 private:
  size_t waiting() const { return dirty_.size() + delayed_.size(); }
  void delay(const std::string& key, int64_t after_ms, sys::MonotonicTime now);
  void drop_delay(const std::string& key);
  void release(const std::string& key);

  const size_t key_limit_;
  const int64_t backoff_first_ms_;
  const int64_t backoff_limit_ms_;
  std::deque<std::string> ready_;          // dirty and not busy, in order
  std::unordered_set<std::string> dirty_;  // to be worked on
  std::unordered_set<std::string> busy_;   // given out
  std::unordered_map<std::string, sys::MonotonicTime> delayed_;
  std::set<std::pair<sys::MonotonicTime, std::string>> due_;  // delayed_ by time
  std::unordered_map<std::string, int> failures_;             // in a row
};

}  // namespace duet::store
