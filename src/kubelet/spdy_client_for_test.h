#pragma once

#include <gtest/gtest.h>

#include <string>

#include "kubelet/big_endian.h"
#include "kubelet/spdy_frame.h"
#include "kubelet/spdy_headers.h"

namespace duet::kubelet {

// The client's side of SPDY over anything with write() and read_exactly().
template <typename Transport>
class SpdyClientForTest {
 public:
  explicit SpdyClientForTest(Transport& transport) : transport_(transport) {}

  // Opens a stream, and gives its number.
  std::uint32_t open(const net::FieldList& fields) {
    const std::uint32_t stream = next_;
    next_ += 2;
    open_as(stream, fields);
    return stream;
  }
  void open_as(std::uint32_t stream, const net::FieldList& fields) {
    write(spdy_syn_stream(stream, writer_.write(fields), false));
  }
  bool write(const std::string& frame) { return transport_.write(frame); }

  struct Got {
    SpdyType type = SpdyType::kData;
    std::uint32_t stream = 0;
    std::uint32_t number = 0;
    bool last = false;
    std::string payload;
    bool over = false;  // the server has ended
  };
  Got next() {
    const std::string head = transport_.read_exactly(8);
    if (head.size() < 8) {
      return {.over = true};
    }
    const std::string frame = head + transport_.read_exactly(get_u32(head, 4) & 0xff'ffff);
    const auto parsed = parse_spdy_frame(frame);
    EXPECT_EQ(parsed.state, SpdyParsed::State::kDone);
    return {.type = parsed.frame.type,
            .stream = parsed.frame.stream,
            .number = parsed.frame.number,
            .last = (parsed.frame.flags & kSpdyFin) != 0,
            .payload = std::string(parsed.frame.payload)};
  }
  // The next frame must be the answer to an opened stream, but for ends of others.
  void expect_accepted(std::uint32_t stream) {
    Got got = next();
    while (got.type == SpdyType::kData && got.last && got.payload.empty()) {
      got = next();
    }
    EXPECT_EQ(got.type, SpdyType::kSynReply);
    EXPECT_EQ(got.stream, stream);
  }

 private:
  Transport& transport_;
  SpdyHeaderWriter writer_;
  std::uint32_t next_ = 1;
};

}  // namespace duet::kubelet
