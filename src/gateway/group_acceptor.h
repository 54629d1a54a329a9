#pragma once

#include "base/result.h"
#include "gateway/groups.h"
#include "net/event_loop.h"
#include "sys/fd.h"

namespace duet::gateway {

// Takes the connections of the shared group's gateway.
class GroupAcceptor final : public net::IoHandler {
 public:
  // `fd` listens, non-blocking.
  GroupAcceptor(net::EventLoop& loop, Groups& groups, sys::Fd fd)
      : loop_(loop), groups_(groups), fd_(std::move(fd)) {}
  ~GroupAcceptor() { loop_.remove(fd_.get(), *this); }
  Status start() { return loop_.add(fd_.get(), *this, EPOLLIN); }
  void on_io(std::uint32_t events) override;

 private:
  net::EventLoop& loop_;
  Groups& groups_;
  sys::Fd fd_;
};

}  // namespace duet::gateway
