#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace duet::monitor {

// The monitor's event loop: epoll, timers, and things to do after the present callback. Level-
// triggered. A callback may forget anything, itself included. Not thread-safe.
class Loop {
 public:
  using Token = uint64_t;
  using Callback = std::function<void(uint32_t events)>;

  static Result<std::unique_ptr<Loop>> create();

  // Calls `callback` whenever `fd` has one of `events` (EPOLLIN, ...). The caller keeps fd open
  // until it forgets the token.
  Result<Token> watch(int fd, uint32_t events, Callback callback);
  void change(Token token, uint32_t events);
  // Ends a watch or a timer. Zero and unknown tokens are fine.
  void forget(Token token);

  // Calls `callback` once, `delay_ms` from now.
  Token after(int64_t delay_ms, std::function<void()> callback);
  // Calls `action` when the present callbacks are done.
  void defer(std::function<void()> action) { deferred_.push_back(std::move(action)); }

  void run();
  void stop() { running_ = false; }

 private:
  struct Watch {
    int fd;
    std::shared_ptr<Callback> callback;
  };
  struct Timer {
    int64_t due_ms;
    std::function<void()> callback;
  };

  explicit Loop(sys::Fd epoll) : epoll_(std::move(epoll)) {}
  void run_deferred();
  void run_timers();
  int next_timeout_ms() const;

  sys::Fd epoll_;
  Token next_token_ = 1;
  bool running_ = true;
  std::map<Token, Watch> watches_;
  std::map<Token, Timer> timers_;
  std::vector<std::function<void()>> deferred_;
};

}  // namespace duet::monitor
