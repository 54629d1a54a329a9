#include "pod/hooks.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace duet::pod {

namespace {

class ThreadedHooks final : public Hooks {
 public:
  explicit ThreadedHooks(HooksOptions options) : options_(options) {}

  ~ThreadedHooks() override {
    std::unique_lock lock(mutex_);
    fewer_.wait(lock, [this] { return running_ == 0; });
  }

  void begin(const std::string& name, std::function<Status()> hook,
             std::function<void()> done) override {
    const std::lock_guard lock(mutex_);
    if (!ends_.emplace(name, std::nullopt).second) {
      return;
    }
    if (running_ >= options_.running_limit) {
      ends_[name] = Error(ErrorCode::kExhausted,
                          std::to_string(options_.running_limit) + " lifecycle hooks run already");
      return;
    }
    ++running_;
    // Detached, and waited for by number: a thread that has ended needs no join.
    std::thread([this, name, hook = std::move(hook), done = std::move(done)] {
      const Status status = hook();
      settle(name, status);
      done();
      leave();
    }).detach();
  }

  bool knows(const std::string& name) const override {
    const std::lock_guard lock(mutex_);
    return ends_.contains(name);
  }

  std::optional<Status> ended(const std::string& name) const override {
    const std::lock_guard lock(mutex_);
    const auto found = ends_.find(name);
    return found == ends_.end() ? std::nullopt : found->second;
  }

  void forget(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    ends_.erase(name);
  }

 private:
  void settle(const std::string& name, const Status& status) {
    const std::lock_guard lock(mutex_);
    const auto found = ends_.find(name);
    if (found != ends_.end()) {
      found->second = status;
    }
  }

  void leave() {
    const std::lock_guard lock(mutex_);
    --running_;
    // Under the lock: afterwards this may be gone.
    fewer_.notify_all();
  }

  HooksOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable fewer_;
  size_t running_ = 0;
  std::map<std::string, std::optional<Status>> ends_;  // none while it runs
};

}  // namespace

std::unique_ptr<Hooks> Hooks::start(HooksOptions options) {
  return std::make_unique<ThreadedHooks>(options);
}

}  // namespace duet::pod
