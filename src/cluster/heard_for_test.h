#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <string>
#include <vector>

namespace duet::cluster {

// What a test's server and log were told, a text each. Thread-safe.
class HeardForTest {
 public:
  void note(const std::string& text) {
    const std::lock_guard lock(mutex_);
    texts_.push_back(text);
    changed_.notify_all();
  }
  // How many texts have all `parts`.
  std::size_t count(const std::vector<std::string>& parts) {
    const std::lock_guard lock(mutex_);
    return count_locked(parts);
  }
  // The texts that have all `parts`, in the order in which they came.
  std::vector<std::string> all(const std::vector<std::string>& parts) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    std::copy_if(texts_.begin(), texts_.end(), std::back_inserter(out),
                 [&](const std::string& text) { return has_all(text, parts); });
    return out;
  }
  // Waits until `times` texts have all `parts`; false: they did not come.
  bool wait_for(const std::vector<std::string>& parts, std::size_t times = 1) {
    constexpr std::chrono::seconds kPatience{60};
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return count_locked(parts) >= times; });
  }

 private:
  std::size_t count_locked(const std::vector<std::string>& parts) const {
    return static_cast<std::size_t>(
        std::count_if(texts_.begin(), texts_.end(),
                      [&](const std::string& text) { return has_all(text, parts); }));
  }
  static bool has_all(const std::string& text, const std::vector<std::string>& parts) {
    return std::all_of(parts.begin(), parts.end(), [&](const std::string& part) {
      return text.find(part) != std::string::npos;
    });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> texts_;
};

}  // namespace duet::cluster
