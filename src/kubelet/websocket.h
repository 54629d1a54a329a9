#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kubelet/websocket_frame.h"
#include "net/byte_stream.h"

namespace duet::kubelet {

// The server's side of one WebSocket (RFC 6455) after its handshake. One thread calls next(), any
// thread the others.
class WebSocket {
 public:
  // `stream` must outlive it; `buffered` came on it before.
  WebSocket(net::ByteStream& stream, std::string buffered)
      : stream_(stream), buffer_(std::move(buffered)) {}

  // The client's next message, of text or bytes; nothing: it has closed. Answers pings by itself.
  // kInvalid: what came is no WebSocket, or a message past kWebSocketBytes.
  Result<std::optional<std::string>> next();

  // Sends one message of bytes: `head` and `data`.
  Status send(std::string_view head, std::string_view data);
  // Says that this is the end, for no bad reason, and ends the sending side of the connection.
  void end();
  void set_timeout(std::int64_t timeout_ms) { stream_.set_timeout(timeout_ms); }

 private:
  Result<std::optional<WebSocketParsed>> next_frame();
  Status send_frame(WebSocketOpcode opcode, std::string_view head, std::string_view data);

  net::ByteStream& stream_;
  std::string buffer_;  // of what came; the first consumed_ bytes are done with
  std::size_t consumed_ = 0;
  std::mutex mutex_;  // of what is sent
  bool ended_ = false;
};

// The bytes that a client sends in messages, one after the other; what is sent becomes one message.
class WebSocketStream final : public net::ByteStream {
 public:
  // `socket` must outlive it.
  explicit WebSocketStream(WebSocket& socket) : socket_(socket) {}
  Result<std::size_t> receive(char* into, std::size_t size) override;
  Status send(std::string_view data) override { return socket_.send("", data); }
  void set_timeout(std::int64_t timeout_ms) override { socket_.set_timeout(timeout_ms); }
  void end() override { socket_.end(); }

 private:
  WebSocket& socket_;
  std::string message_;  // the first taken_ bytes were given out
  std::size_t taken_ = 0;
};

}  // namespace duet::kubelet
