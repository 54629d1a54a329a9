#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace duet::net {

// What stands between a Stream and its non-blocking socket, and enciphers: TLS. Both calls go on
// with the handshake first, as far as it gets. Not thread-safe.
class StreamCipher {
 public:
  enum class State : std::uint8_t {
    kDone,     // `size` bytes of plain text were read or written
    kBlocked,  // the socket must be readable or writable first
    kEnded,    // the peer has ended its side
    kFailed,   // problem() says why
  };
  struct Outcome {
    State state = State::kBlocked;
    std::size_t size = 0;
  };

  virtual ~StreamCipher() = default;
  virtual Outcome read(char* into, std::size_t size) = 0;
  // After kBlocked the next call begins with the same bytes.
  virtual Outcome write(std::string_view text) = 0;
  // What epoll said of the socket: there may be something to receive; the peer's end is near.
  virtual void note_events(bool readable, bool end_near) = 0;
  // Nothing more is written.
  virtual void say_end() = 0;

  // The handshake is over.
  virtual bool ready() const = 0;
  // What ALPN agreed on: "h2", "http/1.1", or nothing.
  virtual std::string_view protocol() const = 0;
  // Why it failed, in the words of the library.
  virtual const std::string& problem() const = 0;
  // It failed because the peer's certificate is none to be trusted.
  virtual bool distrusts() const = 0;
};

}  // namespace duet::net
