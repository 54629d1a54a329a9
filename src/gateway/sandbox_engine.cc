#include "gateway/sandbox_engine.h"

#include <algorithm>

namespace duet::gateway {

SandboxEngine::SandboxEngine(net::EventLoop& loop, engine::Engine engine,
                             engine::EpochTicker ticker)
    : loop_(loop), engine_(std::move(engine)), ticker_(std::move(ticker)) {}

Result<std::unique_ptr<SandboxEngine>> SandboxEngine::create(net::EventLoop& loop,
                                                             const engine::EngineOptions& options) {
  DUET_ASSIGN(engine::Engine engine, engine::Engine::create(options));
  DUET_ASSIGN(engine::EpochTicker ticker, engine::EpochTicker::start(engine, options.tick_ns));
  std::unique_ptr<SandboxEngine> made(
      new SandboxEngine(loop, std::move(engine), std::move(ticker)));
  DUET_TRY(loop.add(made->engine_.event_fd(), *made, EPOLLIN | EPOLLET));
  loop.add_before_wait(*made);
  return made;
}

SandboxEngine::~SandboxEngine() {
  loop_.remove_before_wait(*this);
  loop_.remove(engine_.event_fd(), *this);
}

std::int64_t SandboxEngine::before_wait(std::int64_t now_ns) {
  const auto now = static_cast<std::uint64_t>(now_ns);
  const std::optional<std::uint64_t> due = engine_.next_timer_ns();
  if (due && *due <= now) {
    engine_.fire_timers(now);
  }
  for (int polls = 0; polls < kPollsARound; ++polls) {
    const std::optional<std::uint64_t> token = engine_.next_ready();
    if (!token) {
      return poll_slow() ? 0 : wait_for_timer(now);
    }
    poll(*token);
  }
  poll_slow();
  return 0;
}

void SandboxEngine::poll(std::uint64_t token) {
  reinterpret_cast<SandboxUser*>(token)->on_sandbox_ready();  // NOLINT(performance-no-int-to-ptr)
}

// Guests that compute for long, or for nothing, share a short turn a round, after everything that
// is quickly done: so others wait for one turn at most, however many of them there are.
bool SandboxEngine::poll_slow() {
  std::optional<std::uint64_t> token = engine_.next_slow();
  if (!token) {
    return false;
  }
  const std::int64_t until_ns = loop_.clock_ns() + static_cast<std::int64_t>(kTurnNs);
  ticker_.end_epochs(kTurnNs);
  do {
    poll(*token);
    token = loop_.clock_ns() < until_ns ? engine_.next_slow() : std::nullopt;
  } while (token);
  ticker_.end_epochs(0);
  return true;
}

std::int64_t SandboxEngine::wait_for_timer(std::uint64_t now_ns) const {
  const std::optional<std::uint64_t> next = engine_.next_timer_ns();
  return next ? static_cast<std::int64_t>(std::max(*next, now_ns) - now_ns) : -1;
}

}  // namespace duet::gateway
