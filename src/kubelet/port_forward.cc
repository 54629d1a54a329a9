#include "kubelet/port_forward.h"

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <charconv>
#include <thread>

#include "net/byte_stream.h"

namespace duet::kubelet {
namespace {

constexpr int kMostPort = 65'535;

// 0: it is none.
int port_in(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool good = error == std::errc() && end == text.data() + text.size();
  return good && port > 0 && port <= kMostPort ? port : 0;
}

}  // namespace

struct PortForward::Forward {
  std::string request_id;
  int port = 0;
  std::uint32_t data_stream = 0;
  std::uint32_t error_stream = 0;
  sys::Fd pod;  // the connection, when both streams are there
  std::thread back;
  std::atomic<bool> over{false};  // nothing comes back any more
};

PortForward::PortForward(SpdyConnection& connection, Connect connect)
    : connection_(connection), connect_(std::move(connect)) {}

PortForward::~PortForward() {
  for (Forward& one : forwards_) {
    if (one.pod.valid()) {
      shutdown(one.pod.get(), SHUT_RDWR);
    }
  }
  for (Forward& one : forwards_) {
    if (one.back.joinable()) {
      one.back.join();
    }
  }
}

void PortForward::run() {
  for (;;) {
    const auto event = connection_.next();
    if (!event.ok() || !event->has_value()) {
      return;
    }
    switch ((*event)->kind) {
      case SpdyConnection::Event::Kind::kOpened:
        if (!take_opened(**event).ok()) {
          return;
        }
        break;
      case SpdyConnection::Event::Kind::kData:
        take_data(**event);
        break;
      case SpdyConnection::Event::Kind::kReset:
        take_reset((*event)->stream);
        break;
    }
  }
}

Status PortForward::take_opened(const SpdyConnection::Event& event) {
  drop_over();
  const std::string_view type = net::find_value(event.fields, "streamtype");
  const std::string_view id = net::find_value(event.fields, "requestid");
  const int port = port_in(net::find_value(event.fields, "port"));
  const bool is_data = type == "data";
  if (port == 0 || id.empty() || (!is_data && type != "error")) {
    return connection_.reset(event.stream, SpdyReset::kProtocolError);
  }
  auto forward = forwards_.begin();
  while (forward != forwards_.end() && (forward->request_id != id || forward->port != port)) {
    ++forward;
  }
  if (forward == forwards_.end()) {
    if (forwards_.size() >= kForwardLimit) {
      return connection_.reset(event.stream, SpdyReset::kRefused);
    }
    forward = forwards_.emplace(forwards_.end());
    forward->request_id = id;
    forward->port = port;
  }
  std::uint32_t& stream = is_data ? forward->data_stream : forward->error_stream;
  if (stream != 0) {
    return connection_.reset(event.stream, SpdyReset::kProtocolError);
  }
  stream = event.stream;
  DUET_TRY(connection_.accept(event.stream));
  const bool whole = forward->data_stream != 0 && forward->error_stream != 0;
  return whole ? begin(*forward) : Status();
}

Status PortForward::begin(Forward& forward) {
  auto connected = connect_(forward.port);
  if (!connected.ok()) {
    forward.over = true;
    DUET_TRY(connection_.send(forward.error_stream, "port " + std::to_string(forward.port) + ": " +
                                                        connected.error().message()));
    DUET_TRY(connection_.finish(forward.error_stream));
    return connection_.finish(forward.data_stream);
  }
  forward.pod = std::move(*connected);
  forward.back = std::thread([this, &forward] {
    net::SocketStream pod(forward.pod.get());
    std::array<char, 16 << 10> piece{};
    for (;;) {
      const auto got = pod.receive(piece.data(), piece.size());
      if (!got.ok() || *got == 0 ||
          !connection_.send(forward.data_stream, {piece.data(), *got}).ok()) {
        break;
      }
    }
    (void)connection_.finish(forward.data_stream);
    (void)connection_.finish(forward.error_stream);
    forward.over = true;
  });
  return {};
}

void PortForward::take_data(const SpdyConnection::Event& event) {
  Forward* forward = find(event.stream);
  if (forward == nullptr) {
    return;  // clients end the error stream, on which they say nothing
  }
  const bool taken =
      event.data.empty() || net::SocketStream(forward->pod.get()).send(event.data).ok();
  if (!taken || event.last) {
    shutdown(forward->pod.get(), taken ? SHUT_WR : SHUT_RDWR);
  }
}

void PortForward::take_reset(std::uint32_t stream) {
  if (Forward* forward = find(stream)) {
    shutdown(forward->pod.get(), SHUT_RDWR);
  }
}

PortForward::Forward* PortForward::find(std::uint32_t data_stream) {
  for (Forward& one : forwards_) {
    if (one.data_stream == data_stream && one.pod.valid()) {
      return &one;
    }
  }
  return nullptr;
}

// What has no answer to come is forgotten; what the client still sends of it is dropped.
void PortForward::drop_over() {
  for (auto it = forwards_.begin(); it != forwards_.end();) {
    if (it->over) {
      if (it->back.joinable()) {
        it->back.join();
      }
      it = forwards_.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace duet::kubelet
