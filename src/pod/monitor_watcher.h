#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "monitor/client.h"
#include "sys/fd.h"

namespace duet::pod {

// Listens to the monitors of all pods on one thread, and wakes a pod when something happened to its
// children or when its monitor went away. Thread-safe.
class MonitorWatcher {
 public:
  // `wake` is called on the watcher's thread with the key given to watch().
  static Result<std::unique_ptr<MonitorWatcher>> start(
      std::function<void(const std::string& key)> wake);
  ~MonitorWatcher();

  // Listens to the monitor in `directory` from now on, on behalf of `key`; one that is listened to
  // already is not asked. kUnavailable: there is none.
  Status watch(const std::string& directory, const std::string& key);

 private:
  struct Watched {
    std::string key;
    monitor::Subscription subscription;
  };
  explicit MonitorWatcher(std::function<void(const std::string&)> wake, sys::Fd stir)
      : wake_(std::move(wake)), stir_(std::move(stir)) {}
  void run();
  // Reads what `watched` has; false when its monitor is gone.
  bool drain(Watched& watched);

  std::function<void(const std::string&)> wake_;
  sys::Fd stir_;  // eventfd: the set has changed, or it is over
  std::mutex mutex_;
  std::map<std::string, Watched> watched_;  // by the monitor's folder
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace duet::pod
