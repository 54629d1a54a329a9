#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "kubelet/spdy_connection.h"
#include "sys/fd.h"

namespace duet::kubelet {

// Carries connections to ports of one pod over portforward.k8s.io: the client opens two streams for
// each, data and error, which a request ID connects. For one thread; each connection has another
// one for what comes back.
class PortForward {
 public:
  static constexpr std::size_t kForwardLimit = 100;  // connections at a time, whole or not

  // Gives a connection to a port of the pod.
  using Connect = std::function<Result<sys::Fd>(int port)>;

  // `connection` must outlive it.
  PortForward(SpdyConnection& connection, Connect connect);
  ~PortForward();
  PortForward(const PortForward&) = delete;
  PortForward& operator=(const PortForward&) = delete;

  // Serves until the client leaves.
  void run();

 private:
  struct Forward;

  Status take_opened(const SpdyConnection::Event& event);
  Status begin(Forward& forward);
  void take_data(const SpdyConnection::Event& event);
  void take_reset(std::uint32_t stream);
  void drop_over();
  Forward* find(std::uint32_t data_stream);

  SpdyConnection& connection_;
  Connect connect_;
  std::list<Forward> forwards_;
};

}  // namespace duet::kubelet
