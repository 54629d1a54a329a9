// Any bytes as a client's WebSocket: every prefix of a frame agrees with the whole, and a frame
// that is taken is read the same when it is written anew with another mask.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/require.h"
#include "kubelet/websocket_frame.h"

using namespace duet;           // NOLINT
using namespace duet::kubelet;  // NOLINT

namespace {

using State = WebSocketParsed::State;

void check_written(const WebSocketParsed& frame) {
  std::string text = websocket_head(frame.opcode, frame.payload.size());
  text[0] = static_cast<char>(frame.last ? text[0] : text[0] & 0x7f);
  text[1] = static_cast<char>(text[1] | 0x80);
  text += std::string(4, '\0');  // a mask that changes nothing
  text += frame.payload;
  const WebSocketParsed again = parse_websocket_frame(text);
  require(again.state == State::kDone && again.consumed == text.size());
  require(again.payload == frame.payload && again.opcode == frame.opcode &&
          again.last == frame.last);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimitBytes = 1024;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (size > kLimitBytes) {
    return 0;
  }
  const WebSocketParsed whole = parse_websocket_frame(text);
  require(whole.consumed <= text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const WebSocketParsed part = parse_websocket_frame(text.substr(0, i));
    require(part.state == State::kIncomplete || part.state == whole.state);
    require(part.state != State::kDone || part.consumed == whole.consumed);
  }
  if (whole.state == State::kDone) {
    check_written(whole);
  }
  return 0;
}
