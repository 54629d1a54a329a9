#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kubelet/spdy_frame.h"
#include "kubelet/spdy_headers.h"
#include "net/byte_stream.h"

namespace duet::kubelet {

// The server's side of one SPDY/3.1 connection as Kubernetes' clients speak it: the client opens
// streams, both sides send on them. Nobody there takes part in flow control by WINDOW_UPDATE: what
// a peer does not take waits in the connection. One thread calls next(), any thread the others.
class SpdyConnection {
 public:
  static constexpr std::size_t kStreamLimit = 256;  // open at a time; more are refused

  // `stream` must outlive it; `buffered` came on it before.
  SpdyConnection(net::ByteStream& stream, std::string buffered)
      : stream_(stream), buffer_(std::move(buffered)) {}

  struct Event {
    enum class Kind : std::uint8_t {
      kOpened,  // with `fields`; to be answered by accept() or reset()
      kData,    // `data`, which may be empty
      kReset,   // the client gave the stream up
    };
    Kind kind = Kind::kOpened;
    std::uint32_t stream = 0;
    net::FieldList fields;
    std::string data;
    bool last = false;  // the client sends no more on this stream
  };

  // What the client does next; nothing: it has closed the connection. Answers pings by itself.
  // kInvalid: what came is no SPDY.
  Result<std::optional<Event>> next();

  Status accept(std::uint32_t stream);
  // In several frames if need be. kUnavailable: the stream is over.
  Status send(std::uint32_t stream, std::string_view data);
  // Nothing more is sent on the stream. One that is over is fine.
  Status finish(std::uint32_t stream);
  Status reset(std::uint32_t stream, SpdyReset reason);
  // Finishes all streams, says so, and ends the sending side of the connection.
  void end();

 private:
  struct StreamState {
    bool remote_over = false;
    bool local_over = false;
  };

  Result<std::optional<Event>> take_event(const SpdyFrame& frame);
  Result<std::optional<Event>> take_opened(const SpdyFrame& frame);
  std::optional<Event> take_data(const SpdyFrame& frame);
  // With mutex_ held.
  void drop_if_over(std::uint32_t stream);
  Status finish_locked(std::uint32_t stream);

  net::ByteStream& stream_;
  std::string buffer_;  // of what came; the first consumed_ bytes are done with
  std::size_t consumed_ = 0;
  SpdyHeaderReader reader_;
  std::uint32_t newest_ = 0;  // stream

  std::mutex mutex_;  // of the rest, and of what is sent
  SpdyHeaderWriter writer_;
  std::map<std::uint32_t, StreamState> streams_;
};

}  // namespace duet::kubelet
