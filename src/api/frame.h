#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

// The protocol of exec and attach after "Upgrade: duet.channel.v1": frames in both directions.
//
//   offset  size  what
//   0       1     channel
//   1       4     length of the payload, big-endian; at most kFrameLimitBytes
//   5       n     payload
//
// The channels are those of Kubernetes' v5.channel.k8s.io, so that the same code can serve
// WebSockets, whose messages have a length of their own.
namespace duet::api {

inline constexpr std::string_view kChannelProtocol = "duet.channel.v1";
inline constexpr size_t kFrameLimitBytes = 64 << 10;

enum class Channel : uint8_t {
  kStdin = 0,    // to the server
  kStdout = 1,   // to the client
  kStderr = 2,   // to the client; not with a terminal
  kError = 3,    // to the client: a Status as JSON that says how it ended; the last frame
  kResize = 4,   // to the server: {"Width":80,"Height":25}
  kClose = 255,  // to the server: the payload is the one byte of the channel that is at its end
};

struct Frame {
  Channel channel = Channel::kStdin;
  std::string payload;
};

// Sends `payload`, in several frames when it is longer than one may be. `fd` is a blocking socket.
Status send_frames(int fd, Channel channel, std::string_view payload);

// Reads frames from a blocking socket. Not thread-safe.
class FrameReader {
 public:
  // `buffered` came on the connection before.
  FrameReader(int fd, std::string buffered) : fd_(fd), buffer_(std::move(buffered)) {}

  // The next frame; nothing at the end of the connection. kInvalid: what came is no frame.
  Result<std::optional<Frame>> next();
  // Whether next() gives a frame without reading from the socket.
  bool has_buffered() const;

 private:
  Result<std::optional<Frame>> take();
  int fd_;
  std::string buffer_;
};

struct TerminalSize {
  uint16_t columns = 80;
  uint16_t rows = 24;
};
std::string format_resize(TerminalSize size);
Result<TerminalSize> parse_resize(const std::string& payload);

}  // namespace duet::api
