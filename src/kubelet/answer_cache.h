#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "sys/clock.h"

namespace duet::kubelet {

// Answers that hold for a while, by what was asked. Thread-safe. When it is full, what has ended
// goes, else anything.
template <typename Answer>
class AnswerCache {
 public:
  static constexpr std::size_t kAnswerLimit = 1024;

  explicit AnswerCache(const sys::Clock& clock) : clock_(clock) {}

  std::optional<Answer> find(const std::string& question) {
    const std::lock_guard lock(mutex_);
    const auto found = answers_.find(question);
    if (found == answers_.end() || found->second.end <= clock_.monotonic()) {
      return std::nullopt;
    }
    return found->second.answer;
  }

  void keep(const std::string& question, Answer answer, sys::Duration life) {
    const std::lock_guard lock(mutex_);
    const sys::MonotonicTime now = clock_.monotonic();
    if (answers_.size() >= kAnswerLimit) {
      std::erase_if(answers_, [now](const auto& one) { return one.second.end <= now; });
    }
    if (answers_.size() >= kAnswerLimit) {
      answers_.erase(answers_.begin());
    }
    answers_.insert_or_assign(question, Entry{std::move(answer), now + life});
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return answers_.size();
  }

 private:
  struct Entry {
    Answer answer;
    sys::MonotonicTime end;
  };
  const sys::Clock& clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> answers_;
};

}  // namespace duet::kubelet
