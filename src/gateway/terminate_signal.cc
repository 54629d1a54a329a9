#include "gateway/terminate_signal.h"

#include <utility>

namespace duet::gateway {
namespace {

// What the signal handler can reach.
volatile std::sig_atomic_t asked = 0;  // NOLINT
net::EventLoop* waking = nullptr;      // NOLINT

void on_terminate(int) {
  asked = 1;
  waking->wake();
}

}  // namespace

TerminateSignal::TerminateSignal(net::EventLoop& loop, std::function<void()> action)
    : loop_(loop), action_(std::move(action)) {
  waking = &loop_;
  loop_.add_before_wait(*this);
  struct sigaction action_of_signal{};
  action_of_signal.sa_handler = on_terminate;
  sigaction(SIGTERM, &action_of_signal, nullptr);
  for (const int signal : {SIGINT, SIGHUP, SIGPIPE}) {
    std::signal(signal, SIG_IGN);
  }
}

TerminateSignal::~TerminateSignal() {
  std::signal(SIGTERM, SIG_DFL);
  loop_.remove_before_wait(*this);
}

std::int64_t TerminateSignal::before_wait(std::int64_t) {
  if (asked != 0 && action_) {
    std::exchange(action_, nullptr)();
  }
  return -1;
}

}  // namespace duet::gateway
