#include "store/controller.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "store/work_queue.h"

namespace duet::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kStorePauseMs = 1'000;  // after the store failed to list or watch

class ControllerLoop final : public Controller {
 public:
  ControllerLoop(Store& store, ControllerOptions options, KeysOf keys_of, Reconcile reconcile,
                 Log log)
      : store_(store),
        options_(std::move(options)),
        keys_of_(std::move(keys_of)),
        reconcile_(std::move(reconcile)),
        log_(std::move(log)),
        queue_(options_.queue_limit, options_.backoff_first_ms, options_.backoff_limit_ms) {
    threads_.emplace_back([this] { follow(); });
    for (int i = 0; i < std::max(options_.worker_limit, 1); ++i) {
      threads_.emplace_back([this] { work(); });
    }
  }

  ~ControllerLoop() override {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      if (watch_) {
        watch_->cancel();
      }
      changed_.notify_all();
      paused_.notify_all();
    }
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

  // Returns when changes are seen, or the first attempt failed.
  void wait_until_following() {
    std::unique_lock lock(mutex_);
    following_changed_.wait(lock, [this] { return following_; });
  }

  void wake(const std::string& key) override {
    bool added = false;
    {
      const std::lock_guard lock(mutex_);
      added = queue_.add(key);
      changed_.notify_one();
    }
    if (!added) {
      // The next resync, which wakes every key, repairs it.
      log_(options_.name + ": the queue is full, " + key + " waits for the next resync");
    }
  }

 private:
  // Lists and watches until stopped; the watcher's thread.
  void follow() {
    while (!stopped()) {
      const Status status = list_and_watch();
      note_following();
      if (!status.ok() && status.error().code() != ErrorCode::kExhausted) {
        log_(options_.name + ": " + status.error().message());
        pause(kStorePauseMs);
      }
    }
  }

  // One round: everything that is, then what changes until the resync is due or the watch fails.
  Status list_and_watch() {
    DUET_ASSIGN(const int64_t version, list());
    DUET_ASSIGN(auto watch, store_.watch(options_.kinds, version));
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) {
        return {};
      }
      watch_ = std::move(watch);
    }
    note_following();
    const Status status = watch_until(Clock::now() + std::chrono::milliseconds(options_.resync_ms));
    const std::lock_guard lock(mutex_);
    watch_.reset();
    return status;
  }

  Status watch_until(Clock::time_point resync) {
    while (!stopped()) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(resync - Clock::now()).count();
      if (left <= 0) {
        return {};
      }
      DUET_ASSIGN(const auto event, watch_->next(left));
      if (event) {
        wake_all(keys_of_(*event));
      }
    }
    return {};
  }

  // Wakes the keys of all objects, and of those that were there at the last round: one may have
  // gone unseen. Returns the version that a watch goes on from.
  Result<int64_t> list() {
    std::set<std::string> keys;
    int64_t version = 0;
    for (const object::Kind kind : options_.kinds) {
      DUET_ASSIGN(Listing listing, store_.list(kind));
      version = version == 0 ? listing.resource_version : version;
      for (object::Object& object : listing.objects) {
        const std::vector<std::string> woken =
            keys_of_(WatchEvent{EventType::kAdded, std::move(object)});
        keys.insert(woken.begin(), woken.end());
      }
    }
    wake_all({known_.begin(), known_.end()});
    wake_all({keys.begin(), keys.end()});
    known_ = std::move(keys);
    return version;
  }

  void note_following() {
    const std::lock_guard lock(mutex_);
    following_ = true;
    following_changed_.notify_all();
  }

  void wake_all(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) {
      if (known_.size() < options_.queue_limit) {
        known_.insert(key);
      }
      wake(key);
    }
  }

  // A worker's thread.
  void work() {
    std::unique_lock lock(mutex_);
    while (!stopped_) {
      const auto key = queue_.take(Clock::now());
      if (!key) {
        wait(lock);
        continue;
      }
      if (queue_.next_due()) {
        changed_.notify_one();  // while this one works, another has to look after the delayed keys
      }
      lock.unlock();
      const Result<Next> next = reconcile_(*key);
      lock.lock();
      if (next.ok()) {
        queue_.done(*key, next->after_ms, Clock::now());
        told_.erase(*key);
        continue;
      }
      queue_.failed(*key, Clock::now());
      if (is_new_failure(*key, next.error().message())) {
        lock.unlock();
        log_(options_.name + ": " + *key + ": " + next.error().message() + "; trying again");
        lock.lock();
      }
    }
  }

  // What fails in the same way again and again is told once. With the mutex held.
  bool is_new_failure(const std::string& key, const std::string& message) {
    if (!told_.contains(key) && told_.size() >= options_.queue_limit) {
      return true;
    }
    return std::exchange(told_[key], message) != message;
  }

  void wait(std::unique_lock<std::mutex>& lock) {
    if (const auto due = queue_.next_due()) {
      changed_.wait_until(lock, *due);
    } else {
      changed_.wait(lock);
    }
  }

  void pause(int64_t pause_ms) {
    std::unique_lock lock(mutex_);
    paused_.wait_for(lock, std::chrono::milliseconds(pause_ms), [this] { return stopped_; });
  }

  bool stopped() {
    const std::lock_guard lock(mutex_);
    return stopped_;
  }

  Store& store_;
  const ControllerOptions options_;
  const KeysOf keys_of_;
  const Reconcile reconcile_;
  const Log log_;
  std::set<std::string> known_;  // by the watcher's thread only

  std::mutex mutex_;
  std::condition_variable changed_;  // of the queue
  std::condition_variable paused_;
  std::condition_variable following_changed_;
  WorkQueue queue_;                          // under mutex_
  std::map<std::string, std::string> told_;  // by key: the failure that was logged; under mutex_
  std::unique_ptr<Watch> watch_;             // replaced under mutex_ by the watcher's thread
  bool stopped_ = false;                     // under mutex_
  bool following_ = false;                   // under mutex_
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Controller> Controller::start(Store& store, ControllerOptions options,
                                              KeysOf keys_of, Reconcile reconcile, Log log) {
  auto loop = std::make_unique<ControllerLoop>(store, std::move(options), std::move(keys_of),
                                               std::move(reconcile), std::move(log));
  loop->wait_until_following();
  return loop;
}

std::string key_text(const object::ObjectKey& key) { return key.ns + "/" + key.name; }

object::ObjectKey key_from_text(object::Kind kind, const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) {
    return {kind, "", text};
  }
  return {kind, text.substr(0, slash), text.substr(slash + 1)};
}

}  // namespace duet::store
