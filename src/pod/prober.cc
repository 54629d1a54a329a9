#include "pod/prober.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace duet::pod {

namespace {

using Time = std::chrono::steady_clock::time_point;
using Key = std::pair<std::string, ProbeKind>;

struct Entry {
  object::Probe probe;
  Check check;
  std::function<void()> changed;
  ProbeResult result = ProbeResult::kUnknown;
  std::string message;
  int successes = 0;  // in a row
  int failures = 0;   // in a row
  uint64_t generation = 0;
};

class ThreadedProber final : public Prober {
 public:
  explicit ThreadedProber(ProberOptions options) : options_(options) {
    for (int i = 0; i < options_.worker_limit; ++i) {
      threads_.emplace_back([this] { work(); });
    }
  }

  ~ThreadedProber() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    due_changed_.notify_all();
    for (auto& thread : threads_) {
      thread.join();
    }
  }

  void watch(const std::string& id, ProbeKind kind, const object::Probe& probe, Check check,
             std::function<void()> changed) override {
    const std::lock_guard lock(mutex_);
    const Key key{id, kind};
    if (entries_.contains(key) || entries_.size() >= options_.probe_limit) {
      return;
    }
    const uint64_t generation = ++generations_;
    entries_[key] = Entry{probe, std::move(check), std::move(changed), ProbeResult::kUnknown, "", 0,
                          0,     generation};
    schedule(key, generation, probe.initial_delay_seconds);
  }

  ProbeResult result(const std::string& id, ProbeKind kind) const override {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find({id, kind});
    return found == entries_.end() ? ProbeResult::kUnknown : found->second.result;
  }

  std::string message(const std::string& id, ProbeKind kind) const override {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find({id, kind});
    return found == entries_.end() ? "" : found->second.message;
  }

  void forget(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&](const auto& entry) { return entry.first.first == id; });
  }

 private:
  struct Due {
    Key key;
    uint64_t generation;
  };

  void schedule(const Key& key, uint64_t generation, int seconds) {
    const auto at =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(seconds * options_.second_ms);
    due_.emplace(at, Due{key, generation});
    due_changed_.notify_one();
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (due_.empty()) {
        due_changed_.wait(lock);
        continue;
      }
      const Time first = due_.begin()->first;
      if (std::chrono::steady_clock::now() < first) {
        due_changed_.wait_until(lock, first);
        continue;
      }
      const Due due = due_.begin()->second;
      due_.erase(due_.begin());
      check(due, lock);
    }
  }

  void check(const Due& due, std::unique_lock<std::mutex>& lock) {
    const auto found = entries_.find(due.key);
    if (found == entries_.end() || found->second.generation != due.generation) {
      return;
    }
    const Check check = found->second.check;
    lock.unlock();
    const Status status = check();
    lock.lock();
    const auto again = entries_.find(due.key);
    if (again == entries_.end() || again->second.generation != due.generation) {
      return;  // forgotten meanwhile
    }
    const bool changed = settle(again->second, status);
    schedule(due.key, due.generation, again->second.probe.period_seconds);
    if (changed) {
      const auto tell = again->second.changed;
      lock.unlock();
      tell();
      lock.lock();
    }
  }

  // Counts the check; true when the result changed.
  static bool settle(Entry& entry, const Status& status) {
    entry.successes = status.ok() ? entry.successes + 1 : 0;
    entry.failures = status.ok() ? 0 : entry.failures + 1;
    if (!status.ok()) {
      entry.message = status.error().message();
    }
    const ProbeResult before = entry.result;
    if (entry.successes >= entry.probe.success_threshold) {
      entry.result = ProbeResult::kSuccess;
    } else if (entry.failures >= entry.probe.failure_threshold) {
      entry.result = ProbeResult::kFailure;
    }
    return entry.result != before;
  }

  ProberOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable due_changed_;
  std::map<Key, Entry> entries_;
  std::multimap<Time, Due> due_;
  uint64_t generations_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Prober> Prober::start(ProberOptions options) {
  return std::make_unique<ThreadedProber>(options);
}

}  // namespace duet::pod
