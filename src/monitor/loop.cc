#include "monitor/loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "sys/monotonic_ms.h"

namespace duet::monitor {

Result<std::unique_ptr<Loop>> Loop::create() {
  sys::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) {
    return Error::from_errno("epoll_create", errno);
  }
  return std::unique_ptr<Loop>(new Loop(std::move(epoll)));
}

Result<Loop::Token> Loop::watch(int fd, uint32_t events, Callback callback) {
  const Token token = next_token_++;
  epoll_event event{.events = events, .data = {.u64 = token}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return Error::from_errno("watch a descriptor", errno);
  }
  watches_.emplace(token, Watch{fd, std::make_shared<Callback>(std::move(callback))});
  return token;
}

void Loop::change(Token token, uint32_t events) {
  const auto found = watches_.find(token);
  if (found != watches_.end()) {
    epoll_event event{.events = events, .data = {.u64 = token}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, found->second.fd, &event);
  }
}

void Loop::forget(Token token) {
  const auto found = watches_.find(token);
  if (found != watches_.end()) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.fd, nullptr);
    watches_.erase(found);
  }
  timers_.erase(token);
}

Loop::Token Loop::after(int64_t delay_ms, std::function<void()> callback) {
  const Token token = next_token_++;
  timers_.emplace(token, Timer{sys::monotonic_ms() + delay_ms, std::move(callback)});
  return token;
}

void Loop::run() {
  std::array<epoll_event, 16> events{};
  while (running_) {
    run_deferred();
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   next_timeout_ms());
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      const auto found = watches_.find(event.data.u64);
      if (found != watches_.end()) {
        const std::shared_ptr<Callback> callback = found->second.callback;
        (*callback)(event.events);
      }
    }
    run_timers();
  }
  run_deferred();
}

void Loop::run_deferred() {
  while (!deferred_.empty()) {
    std::vector<std::function<void()>> actions = std::move(deferred_);
    deferred_.clear();
    for (const auto& action : actions) {
      action();
    }
  }
}

void Loop::run_timers() {
  const int64_t now = sys::monotonic_ms();
  for (auto next = timers_.begin(); next != timers_.end();) {
    if (next->second.due_ms > now) {
      ++next;
      continue;
    }
    const auto callback = std::move(next->second.callback);
    timers_.erase(next);
    callback();
    next = timers_.begin();
  }
}

int Loop::next_timeout_ms() const {
  if (!deferred_.empty()) {
    return 0;
  }
  int64_t due = -1;
  for (const auto& [token, timer] : timers_) {
    due = due < 0 ? timer.due_ms : std::min(due, timer.due_ms);
  }
  if (due < 0) {
    return -1;
  }
  return static_cast<int>(std::clamp<int64_t>(due - sys::monotonic_ms(), 0, 60'000));
}

}  // namespace duet::monitor
