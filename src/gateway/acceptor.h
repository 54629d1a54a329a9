#pragma once

#include <string>

#include "gateway/config.h"
#include "gateway/front.h"
#include "gateway/transaction.h"
#include "net/event_loop.h"
#include "sys/fd.h"

namespace duet::gateway {

// Takes connections from one listening socket. Stops taking while the worker has as many as it may
// have.
class Acceptor final : public net::IoHandler {
 public:
  // With Listener::tls, Front::tls must be there.
  Acceptor(Front& front, const Listener& listener, sys::Fd fd);
  ~Acceptor();
  Status start();
  // Whether connections from now on begin with a header of the PROXY protocol.
  void expect_proxy_header(bool expected) { proxy_protocol_ = expected; }
  // Takes the connections that wait now, as far as the bound allows.
  void take_waiting();
  void on_io(std::uint32_t events) override;

 private:
  void take(std::size_t most);
  Client client_from(std::string address) const;
  void pause();
  void resume();

  Front& front_;
  std::string name_;
  sys::Fd fd_;
  bool tls_;
  bool own_routes_;
  bool proxy_protocol_ = false;
  bool watching_ = false;
  net::MemberTimer<Acceptor, &Acceptor::resume> timer_{*this};
};

}  // namespace duet::gateway
