#pragma once

#include <csignal>
#include <functional>

#include "net/event_loop.h"

namespace duet::gateway {

// Calls `action` once, from the loop, after SIGTERM. SIGINT and SIGHUP, which a terminal sends to
// everyone, and SIGPIPE are ignored from now on. One of a process.
class TerminateSignal final : public net::BeforeWait {
 public:
  TerminateSignal(net::EventLoop& loop, std::function<void()> action);
  ~TerminateSignal();
  std::int64_t before_wait(std::int64_t now_ns) override;

 private:
  net::EventLoop& loop_;
  std::function<void()> action_;
};

}  // namespace duet::gateway
