#include "kubelet/spdy_frame.h"

#include "kubelet/big_endian.h"

namespace duet::kubelet {
namespace {

constexpr std::size_t kHeadBytes = 8;
constexpr std::uint32_t kControlBit = 0x8000'0000;
constexpr std::uint32_t kStreamMask = 0x7fff'ffff;
constexpr std::uint32_t kLengthMask = 0x00ff'ffff;
constexpr std::uint32_t kVersion = 3;

SpdyParsed refuse(std::string_view reason) {
  return {.state = SpdyParsed::State::kInvalid, .reason = reason};
}

// How many bytes of a control frame's payload stand before its header block, or are all of it.
std::size_t fixed_bytes(SpdyType type) {
  switch (type) {
    case SpdyType::kSynStream:
      return 10;  // stream, associated stream, priority, slot
    case SpdyType::kSynReply:
    case SpdyType::kHeaders:
    case SpdyType::kPing:
      return 4;
    case SpdyType::kRstStream:
    case SpdyType::kGoAway:
    case SpdyType::kWindowUpdate:
      return 8;
    default:
      return 0;
  }
}

bool has_block(SpdyType type) {
  return type == SpdyType::kSynStream || type == SpdyType::kSynReply || type == SpdyType::kHeaders;
}

// Takes the payload of a control frame apart. Nullptr, or what is wrong.
const char* read_control(std::string_view payload, SpdyFrame& frame) {
  const std::size_t fixed = fixed_bytes(frame.type);
  if (payload.size() < fixed || (fixed != 0 && !has_block(frame.type) && payload.size() != fixed)) {
    return "a control frame has a wrong length";
  }
  if (frame.type == SpdyType::kPing) {
    frame.number = get_u32(payload);
  } else if (fixed != 0) {
    frame.stream = get_u32(payload) & kStreamMask;
  }
  if (frame.type == SpdyType::kRstStream || frame.type == SpdyType::kGoAway) {
    frame.number = get_u32(payload, 4);
  }
  if (has_block(frame.type)) {
    if (frame.stream == 0) {
      return "a stream has the number 0";
    }
    frame.payload = payload.substr(fixed);
  }
  return nullptr;
}

std::string control_head(SpdyType type, std::uint8_t flags, std::size_t size) {
  std::string out;
  put_u32(out, kControlBit | kVersion << 16 | static_cast<std::uint32_t>(type));
  put_u32(out, static_cast<std::uint32_t>(flags) << 24 | static_cast<std::uint32_t>(size));
  return out;
}

}  // namespace

SpdyParsed parse_spdy_frame(std::string_view buffer) {
  if (buffer.size() < kHeadBytes) {
    return {};
  }
  const std::uint32_t first = get_u32(buffer);
  const std::uint32_t second = get_u32(buffer, 4);
  const std::size_t size = second & kLengthMask;
  const bool control = (first & kControlBit) != 0;
  if (control && (first >> 16 & 0x7fff) != kVersion) {
    return refuse("the version is not 3");
  }
  if (size > (control ? kSpdyControlBytes : kSpdyDataBytes)) {
    return refuse("a frame is too long");
  }
  if (buffer.size() < kHeadBytes + size) {
    return {};
  }
  SpdyParsed out{.state = SpdyParsed::State::kDone, .consumed = kHeadBytes + size};
  out.frame.flags = static_cast<std::uint8_t>(second >> 24);
  const std::string_view payload = buffer.substr(kHeadBytes, size);
  if (control) {
    out.frame.type = static_cast<SpdyType>(first & 0xffff);
    const char* wrong = out.frame.type == SpdyType::kData ? "a control frame has the type 0"
                                                          : read_control(payload, out.frame);
    return wrong == nullptr ? out : refuse(wrong);
  }
  out.frame.stream = first;
  out.frame.payload = payload;
  return first != 0 ? out : refuse("a stream has the number 0");
}

std::string spdy_syn_stream(std::uint32_t stream, std::string_view block, bool last) {
  std::string out = control_head(SpdyType::kSynStream, last ? kSpdyFin : 0, block.size() + 10);
  put_u32(out, stream);
  put_u32(out, 0);      // belongs to no other stream
  out.append(2, '\0');  // priority and slot
  return out.append(block);
}

std::string spdy_syn_reply(std::uint32_t stream, std::string_view block) {
  std::string out = control_head(SpdyType::kSynReply, 0, block.size() + 4);
  put_u32(out, stream);
  return out.append(block);
}

std::string spdy_rst_stream(std::uint32_t stream, SpdyReset reason) {
  std::string out = control_head(SpdyType::kRstStream, 0, 8);
  put_u32(out, stream);
  put_u32(out, static_cast<std::uint32_t>(reason));
  return out;
}

std::string spdy_ping(std::uint32_t id) {
  std::string out = control_head(SpdyType::kPing, 0, 4);
  put_u32(out, id);
  return out;
}

std::string spdy_go_away(std::uint32_t last_stream) {
  std::string out = control_head(SpdyType::kGoAway, 0, 8);
  put_u32(out, last_stream);
  put_u32(out, 0);  // OK
  return out;
}

std::string spdy_data(std::uint32_t stream, std::string_view data, bool last) {
  std::string out;
  put_u32(out, stream);
  put_u32(out,
          (last ? std::uint32_t{kSpdyFin} << 24 : 0) | static_cast<std::uint32_t>(data.size()));
  return out.append(data);
}

}  // namespace duet::kubelet
