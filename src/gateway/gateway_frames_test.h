#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <string>

#include "gateway/gateway_fixture_test.h"
#include "sys/fd.h"

// HTTP/2 frames by hand (RFC 9113 section 4.1), for tests that say what no library says.
namespace duet::gateway {

constexpr char kData = 0, kHeaders = 1, kPriority = 2, kReset = 3, kSettings = 4, kPing = 6,
               kGoaway = 7, kWindowUpdate = 8, kContinuation = 9;
constexpr char kEndStream = 1, kEndHeaders = 4, kAck = 1;
constexpr std::uint32_t kCalm = 11;  // ENHANCE_YOUR_CALM
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Four bytes, the highest first.
std::string number(std::uint32_t value);
std::string frame(char type, char flags, std::uint32_t stream, const std::string& payload);

// A field in HPACK, written out and not remembered (RFC 7541 section 6.2.2).
std::string field(const std::string& name, const std::string& value);
// GET http://a/ in HPACK: three entries of the static table, and :authority as a literal.
extern const std::string kGet;

// One side of a connection that writes frames as it likes.
class FramePeer {
 public:
  explicit FramePeer(sys::Fd socket) : socket_(std::move(socket)) {}
  // A client of the gateway at `port`; it has sent its preface and `settings`.
  static FramePeer client(int port, const std::string& settings = "");

  // False: the other side has closed.
  bool send(const std::string& bytes);

  struct Frame {
    int type = -1;  // -1: the connection is over
    int flags = 0;
    std::uint32_t stream = 0;
    std::string payload;
    // Of RST_STREAM and GOAWAY.
    std::uint32_t error() const;
  };
  Frame read();
  // The next frame of this type; frames before it are forgotten.
  Frame read_until(int type);
  // Whether such a frame comes within `wait_ms`; frames before it are forgotten.
  bool has_frame(int type, int wait_ms);
  std::string read_bytes(std::size_t size);
  // The status in a HEADERS frame of an answer; each such frame must be given, in its order. -1:
  // there is none.
  int status(const Frame& headers);

 private:
  struct FreeInflater {
    void operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }
  };
  sys::Fd socket_;
  std::unique_ptr<nghttp2_hd_inflater, FreeInflater> inflater_;
};

}  // namespace duet::gateway
