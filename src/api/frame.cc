#include "api/frame.h"

#include <sys/socket.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "net/http_stream.h"

namespace duet::api {
namespace {

constexpr size_t kHeaderBytes = 5;

std::string header_of(Channel channel, size_t size) {
  std::string out(1, static_cast<char>(channel));
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += static_cast<char>((size >> shift) & 0xff);
  }
  return out;
}

size_t length_in(std::string_view header) {
  size_t out = 0;
  for (size_t i = 1; i < kHeaderBytes; ++i) {
    out = out << 8 | static_cast<unsigned char>(header[i]);
  }
  return out;
}

bool is_channel(unsigned char byte) {
  return byte <= static_cast<unsigned char>(Channel::kResize) ||
         byte == static_cast<unsigned char>(Channel::kClose);
}

}  // namespace

Status send_frames(int fd, Channel channel, std::string_view payload) {
  do {
    const std::string_view part = payload.substr(0, kFrameLimitBytes);
    std::string frame = header_of(channel, part.size());
    frame += part;
    DUET_TRY(net::send_all(fd, frame));
    payload.remove_prefix(part.size());
  } while (!payload.empty());
  return {};
}

Result<std::optional<Frame>> FrameReader::take() {
  if (buffer_.empty()) {
    return std::optional<Frame>();
  }
  if (!is_channel(static_cast<unsigned char>(buffer_[0]))) {
    return invalid("the peer sent no frame of " + std::string(kChannelProtocol) + ": channel " +
                   std::to_string(static_cast<unsigned char>(buffer_[0])));
  }
  if (buffer_.size() < kHeaderBytes) {
    return std::optional<Frame>();
  }
  const size_t length = length_in(buffer_);
  if (length > kFrameLimitBytes) {
    return invalid("the peer sent a frame of " + std::to_string(length) + " bytes, the limit is " +
                   std::to_string(kFrameLimitBytes));
  }
  if (buffer_.size() < kHeaderBytes + length) {
    return std::optional<Frame>();
  }
  Frame frame{.channel = static_cast<Channel>(static_cast<unsigned char>(buffer_[0])),
              .payload = buffer_.substr(kHeaderBytes, length)};
  buffer_.erase(0, kHeaderBytes + length);
  return std::optional(std::move(frame));
}

bool FrameReader::has_buffered() const {
  return buffer_.size() >= kHeaderBytes && buffer_.size() >= kHeaderBytes + length_in(buffer_);
}

Result<std::optional<Frame>> FrameReader::next() {
  while (true) {
    DUET_ASSIGN(auto frame, take());
    if (frame) {
      return frame;
    }
    char piece[16 << 10];
    const ssize_t got = recv(fd_, piece, sizeof(piece), 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Error::from_errno("read from the connection", errno);
    }
    if (got == 0) {
      return buffer_.empty() ? Result<std::optional<Frame>>(std::optional<Frame>())
                             : Error(ErrorCode::kUnavailable, "the connection ended in a frame");
    }
    buffer_.append(piece, static_cast<size_t>(got));
  }
}

std::string format_resize(TerminalSize size) {
  return nlohmann::json{{"Width", size.columns}, {"Height", size.rows}}.dump();
}

Result<TerminalSize> parse_resize(const std::string& payload) {
  const auto json = nlohmann::json::parse(payload, nullptr, false);
  const auto read = [&](const char* name) -> int64_t {
    const auto found = json.is_object() ? json.find(name) : json.end();
    return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : -1;
  };
  const int64_t columns = read("Width");
  const int64_t rows = read("Height");
  if (columns < 0 || columns > UINT16_MAX || rows < 0 || rows > UINT16_MAX) {
    return invalid("a terminal size must be like {\"Width\":80,\"Height\":25}");
  }
  return TerminalSize{static_cast<uint16_t>(columns), static_cast<uint16_t>(rows)};
}

}  // namespace duet::api
