#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/front.h"
#include "gateway/transaction.h"
#include "net/event_loop.h"
#include "sys/fd.h"

namespace duet::gateway {

// A connection whose header of the PROXY protocol has not been read yet. It takes no byte more than
// that from the socket, so that TLS may follow, and hands the socket over to the client's
// connection, whose client is whom the header names. A peer that is none of the site's proxies, or
// that sends no such header in time, is cut off with a line in the access log.
class ProxyGreeting final : public FrontConnection, public net::IoHandler, public net::Deferred {
 public:
  // `peer` is who connected.
  ProxyGreeting(Front& front, sys::Fd fd, Client peer);
  ~ProxyGreeting() override;

  void open(std::list<std::unique_ptr<FrontConnection>>::iterator self) override;
  void drain() override { on_io(0); }
  std::string_view listener() const override { return peer_.listener; }
  void on_io(std::uint32_t events) override;
  void run_deferred() override { front_.connections.erase(self_); }  // destroys this

 private:
  bool read_piece();
  void hand_over(std::string address);
  void refuse(std::string_view why);
  void on_timeout() { refuse("no header of the PROXY protocol in time"); }
  void close();

  Front& front_;
  sys::Fd fd_;
  Client peer_;
  std::list<std::unique_ptr<FrontConnection>>::iterator self_;
  std::string header_;  // as far as it was taken from the socket
  bool closed_ = false;
  net::MemberTimer<ProxyGreeting, &ProxyGreeting::on_timeout> timer_{*this};
};

}  // namespace duet::gateway
