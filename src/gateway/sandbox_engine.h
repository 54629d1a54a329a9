#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "engine/engine.h"
#include "net/event_loop.h"

namespace duet::gateway {

// A sandbox that wants to be polled.
class SandboxUser {
 public:
  virtual void on_sandbox_ready() = 0;

 protected:
  ~SandboxUser() = default;
};

// The engine of a worker on its event loop: polls the sandboxes that are ready before the loop
// waits, and fires the guests' timers. A sandbox's token is the address of its SandboxUser; the
// engine forgets it with the request.
class SandboxEngine final : public net::BeforeWait, public net::IoHandler {
 public:
  static Result<std::unique_ptr<SandboxEngine>> create(net::EventLoop& loop,
                                                       const engine::EngineOptions& options);
  ~SandboxEngine();

  engine::Engine& engine() { return engine_; }
  static std::uint64_t token(SandboxUser& user) { return reinterpret_cast<std::uint64_t>(&user); }

  std::int64_t before_wait(std::int64_t now_ns) override;
  void on_io(std::uint32_t) override {}  // the loop only has to go round

 private:
  SandboxEngine(net::EventLoop& loop, engine::Engine engine, engine::EpochTicker ticker);
  static void poll(std::uint64_t token);
  bool poll_slow();
  std::int64_t wait_for_timer(std::uint64_t now_ns) const;
  static constexpr int kPollsARound = 64;            // then sockets get their turn
  static constexpr std::uint64_t kTurnNs = 100'000;  // of the guests that compute for long
  net::EventLoop& loop_;
  engine::Engine engine_;
  engine::EpochTicker ticker_;
};

}  // namespace duet::gateway
