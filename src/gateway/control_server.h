#pragma once

#include <sys/types.h>

#include <list>
#include <memory>
#include <string>

#include "base/result.h"
#include "gateway/control.h"
#include "gateway/control_peer.h"
#include "net/event_loop.h"
#include "sys/fd.h"

namespace duet::gateway {

// A bound and listening control socket at `path`, mode 0600; replaces a socket file that is there.
Result<sys::Fd> listen_control(const std::string& path);

// Takes agents' control connections (control.h). Agents may come and go; what they sent stays.
class ControlServer final : public net::IoHandler {
 public:
  // `owner`: the only user but root who may connect.
  ControlServer(net::EventLoop& loop, PacketHandler& handler, sys::Fd socket, uid_t owner);
  ~ControlServer();
  Status start();
  void on_io(std::uint32_t events) override;

 private:
  static constexpr std::size_t kPeers = 8;  // agents at the same time

  net::EventLoop& loop_;
  PacketHandler& handler_;
  sys::Fd socket_;
  uid_t owner_;
  std::list<ControlPeer> peers_;
};

}  // namespace duet::gateway
