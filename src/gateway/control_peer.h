#pragma once

#include <functional>

#include "gateway/control.h"
#include "net/event_loop.h"
#include "sys/fd.h"

namespace duet::gateway {

// The answering end of one control connection: a packet, then its reply. Not thread-safe.
class ControlPeer final : public net::IoHandler, public net::Deferred {
 public:
  // `gone` is called once, at the end of a round, when the other side has closed or broke the
  // protocol; it may destroy this.
  ControlPeer(net::EventLoop& loop, PacketHandler& handler, sys::Fd socket,
              std::function<void()> gone);
  ~ControlPeer();
  Status start();
  // The other side has closed, or broke the protocol.
  bool is_gone() const { return gone_told_; }

  void on_io(std::uint32_t events) override;
  void run_deferred() override;

 private:
  bool reply(const std::string& text);

  net::EventLoop& loop_;
  PacketHandler& handler_;
  sys::Fd socket_;
  std::function<void()> gone_;
  bool watching_ = false;
  bool gone_told_ = false;
};

}  // namespace duet::gateway
