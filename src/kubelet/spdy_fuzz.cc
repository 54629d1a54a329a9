// Any bytes as a client's SPDY: in any pieces the same events, and what is answered is SPDY again.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzz_input.h"
#include "base/require.h"
#include "kubelet/spdy_connection.h"

using namespace duet;           // NOLINT
using namespace duet::kubelet;  // NOLINT

namespace {

// Gives `text` in pieces of `piece` bytes, and keeps what is sent.
class PiecewiseStream final : public net::ByteStream {
 public:
  PiecewiseStream(std::string_view text, std::size_t piece) : left_(text), piece_(piece) {}
  Result<std::size_t> receive(char* into, std::size_t size) override {
    const std::string_view given = left_.substr(0, std::min(size, piece_));
    given.copy(into, given.size());
    left_.remove_prefix(given.size());
    return given.size();
  }
  Status send(std::string_view data) override {
    sent += data;
    return {};
  }
  void set_timeout(std::int64_t) override {}
  void end() override {}

  std::string sent;

 private:
  std::string_view left_;
  std::size_t piece_;
};

struct Seen {
  std::string events;
  std::string sent;
  bool operator==(const Seen&) const = default;
};

Seen read_all(std::string_view text, std::size_t piece) {
  PiecewiseStream stream(text, piece);
  SpdyConnection connection(stream, "");
  Seen out;
  for (;;) {
    const auto event = connection.next();
    if (!event.ok() || !event->has_value()) {
      out.events += event.ok() ? "end" : event.error().message();
      break;
    }
    const auto& one = **event;
    out.events += std::to_string(static_cast<int>(one.kind)) + " " + std::to_string(one.stream) +
                  (one.last ? " last " : " ") + one.data;
    require(one.fields.size() <= kSpdyHeaderCount && one.data.size() <= kSpdyDataBytes);
    for (const auto& [name, value] : one.fields) {
      require(!name.empty() && name.size() + value.size() <= kSpdyHeaderBytes);
      out.events += name + "=" + value + ";";
    }
    if (one.kind == SpdyConnection::Event::Kind::kOpened) {
      require(connection.accept(one.stream).ok());
      require(connection.send(one.stream, "answer").ok());
    }
  }
  connection.end();
  out.sent = stream.sent;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimitBytes = 8192;
  if (size > kLimitBytes) {
    return 0;
  }
  FuzzInput input(data, size);
  const std::size_t piece = 1 + input.number(64);
  const Seen whole = read_all(input.rest(), size + 1);
  require(read_all(input.rest(), piece) == whole);
  std::string_view sent = whole.sent;
  while (!sent.empty()) {
    const SpdyParsed frame = parse_spdy_frame(sent);
    require(frame.state == SpdyParsed::State::kDone);
    sent.remove_prefix(frame.consumed);
  }
  return 0;
}
