#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Frames of SPDY version 3 (draft-mbelshe-httpbis-spdy-00, sections 2.2 and 2.6) as bytes. Pure.
namespace duet::kubelet {

inline constexpr std::size_t kSpdyControlBytes = 64 << 10;  // payload of a control frame
inline constexpr std::size_t kSpdyDataBytes = 1 << 20;      // payload of a data frame
inline constexpr std::uint8_t kSpdyFin = 1;                 // a flag: the sender's last frame

enum class SpdyType : std::uint16_t {
  kData = 0,  // no control frame
  kSynStream = 1,
  kSynReply = 2,
  kRstStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kHeaders = 8,
  kWindowUpdate = 9,
};

// Why a stream is reset.
enum class SpdyReset : std::uint32_t {
  kProtocolError = 1,
  kRefused = 3,
  kCancel = 5,
  kInternalError = 6,
};

struct SpdyFrame {
  SpdyType type = SpdyType::kData;  // may be none of those above
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;  // of frames that belong to one
  std::uint32_t number = 0;  // the id of a PING, the reason of RST_STREAM and GOAWAY
  // Of the buffer: the bytes of a data frame, the header block of SYN_STREAM, SYN_REPLY, HEADERS.
  std::string_view payload;
};

struct SpdyParsed {
  enum class State : std::uint8_t { kIncomplete, kDone, kInvalid };
  State state = State::kIncomplete;
  std::size_t consumed = 0;
  std::string_view reason;  // of kInvalid, a constant
  SpdyFrame frame;
};
// The frame at the front of `buffer`.
SpdyParsed parse_spdy_frame(std::string_view buffer);

// Frames to send. `block` is one of SpdyHeaderWriter.
std::string spdy_syn_stream(std::uint32_t stream, std::string_view block, bool last);
std::string spdy_syn_reply(std::uint32_t stream, std::string_view block);
std::string spdy_rst_stream(std::uint32_t stream, SpdyReset reason);
std::string spdy_ping(std::uint32_t id);
std::string spdy_go_away(std::uint32_t last_stream);
std::string spdy_data(std::uint32_t stream, std::string_view data, bool last);

}  // namespace duet::kubelet
