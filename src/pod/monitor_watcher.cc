#include "pod/monitor_watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace duet::pod {

Result<std::unique_ptr<MonitorWatcher>> MonitorWatcher::start(
    std::function<void(const std::string& key)> wake) {
  sys::Fd stir(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stir.valid()) {
    return Error::from_errno("make an eventfd", errno);
  }
  std::unique_ptr<MonitorWatcher> watcher(new MonitorWatcher(std::move(wake), std::move(stir)));
  watcher->thread_ = std::thread([raw = watcher.get()] { raw->run(); });
  return watcher;
}

MonitorWatcher::~MonitorWatcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ::eventfd_write(stir_.get(), 1);
  thread_.join();
}

Status MonitorWatcher::watch(const std::string& directory, const std::string& key) {
  {
    const std::lock_guard lock(mutex_);
    if (watched_.contains(directory)) {
      return {};
    }
  }
  DUET_ASSIGN(const auto monitor, monitor::MonitorClient::connect(directory));
  DUET_ASSIGN(auto subscription, monitor.subscribe());
  {
    const std::lock_guard lock(mutex_);
    watched_.emplace(directory, Watched{key, std::move(subscription)});
  }
  ::eventfd_write(stir_.get(), 1);
  return {};
}

bool MonitorWatcher::drain(Watched& watched) {
  for (;;) {
    const auto event = watched.subscription.next_event(0);
    if (!event.ok()) {
      return false;
    }
    if (!*event) {
      return true;
    }
  }
}

void MonitorWatcher::run() {
  std::vector<pollfd> fds;
  std::vector<std::string> folders;  // of fds[1...]
  for (;;) {
    fds.assign(1, {stir_.get(), POLLIN, 0});
    folders.clear();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        return;
      }
      for (const auto& [folder, watched] : watched_) {
        fds.push_back({watched.subscription.fd(), POLLIN, 0});
        folders.push_back(folder);
      }
    }
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      continue;
    }
    eventfd_t count = 0;
    ::eventfd_read(stir_.get(), &count);
    std::vector<std::string> keys;
    {
      const std::lock_guard lock(mutex_);
      for (size_t i = 0; i < folders.size(); ++i) {
        const auto found = watched_.find(folders[i]);
        if (fds[i + 1].revents == 0 || found == watched_.end()) {
          continue;
        }
        keys.push_back(found->second.key);
        if (!drain(found->second)) {
          watched_.erase(found);
        }
      }
    }
    for (const auto& key : keys) {
      wake_(key);
    }
  }
}

}  // namespace duet::pod
