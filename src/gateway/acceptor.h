#pragma once

#include <string>

#include "gateway/front.h"
#include "net/event_loop.h"
#include "sys/fd.h"

namespace duet::gateway {

// Takes connections from one listening socket. Stops taking while the worker has as many as it may
// have.
class Acceptor final : public net::IoHandler {
 public:
  // With `tls`, Front::tls must be there.
  Acceptor(Front& front, std::string name, sys::Fd fd, bool tls);
  ~Acceptor();
  Status start();
  // Takes the connections that wait now, as far as the bound allows.
  void take_waiting();
  void on_io(std::uint32_t events) override;

 private:
  void take(std::size_t most);
  void pause();
  void resume();

  Front& front_;
  std::string name_;
  sys::Fd fd_;
  bool tls_;
  bool watching_ = false;
  net::MemberTimer<Acceptor, &Acceptor::resume> timer_{*this};
};

}  // namespace duet::gateway
