// Any bytes as frames of an HTTP/2 client behind its preface, or as the header block of its first
// request (the first byte says which, and how many bytes come at once), through the gateway's own
// connections to a backend that answers with what it got. In whatever pieces they come the same
// requests are heard; what the gateway says is HTTP/2, and a body that it sends is that of a
// request.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/fuzz_input.h"
#include "gateway/echo_call_for_test.h"
#include "gateway/memory_front_for_test.h"

using namespace duet;           // NOLINT
using namespace duet::gateway;  // NOLINT

namespace {

constexpr std::uint8_t kEndStream = 1;
constexpr std::uint8_t kEndHeaders = 4;

std::list<Heard> heard;

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint8_t stream,
                  std::string_view payload) {
  std::string text;
  for (const std::size_t byte :
       {payload.size() >> 16U, payload.size() >> 8U, payload.size(), std::size_t{type},
        std::size_t{flags}, std::size_t{0}, std::size_t{0}, std::size_t{0}, std::size_t{stream}}) {
    text += static_cast<char>(byte);
  }
  return text.append(payload);
}

// Reads what the gateway says, frame by frame (RFC 9113 section 4), and its heads.
class Answers {
 public:
  Answers() {
    nghttp2_hd_inflater* made = nullptr;
    require(nghttp2_hd_inflate_new(&made) == 0);
    inflater_.reset(made);
  }

  void read(std::string_view said) {
    constexpr std::size_t kHeadBytes = 9;
    while (said.size() >= kHeadBytes) {
      const auto byte = [said](std::size_t at) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(said[at]));
      };
      const std::size_t size = byte(0) << 16U | byte(1) << 8U | byte(2);
      if (said.size() < kHeadBytes + size) {
        return;
      }
      const std::uint32_t stream = byte(5) << 24U | byte(6) << 16U | byte(7) << 8U | byte(8);
      take(byte(3), byte(4), stream, said.substr(kHeadBytes, size));
      said.remove_prefix(kHeadBytes + size);
    }
  }
  // The bodies of the whole answers with status 200.
  std::multiset<std::string> bodies() const {
    std::multiset<std::string> found;
    for (const auto& [id, stream] : streams_) {
      if (stream.ended && stream.status == "200") {
        found.insert(stream.body);
      }
    }
    return found;
  }

 private:
  struct Stream {
    std::string status;
    std::string body;
    bool ended = false;
  };
  void take(std::uint32_t type, std::uint32_t flags, std::uint32_t id, std::string_view payload) {
    require(type <= NGHTTP2_CONTINUATION && type != NGHTTP2_PUSH_PROMISE);
    if (type != NGHTTP2_DATA && type != NGHTTP2_HEADERS && type != NGHTTP2_CONTINUATION) {
      require(block_.empty());  // nothing stands between the parts of a head
      return;
    }
    Stream& stream = streams_[id];
    require(id % 2 == 1 && (!stream.ended || type == NGHTTP2_CONTINUATION));
    stream.ended |= type != NGHTTP2_CONTINUATION && (flags & kEndStream) != 0;
    if (type == NGHTTP2_DATA) {
      require((flags & NGHTTP2_FLAG_PADDED) == 0);
      stream.body += payload;
      return;
    }
    block_ += payload;
    if ((flags & kEndHeaders) != 0) {
      inflate(stream);
      block_.clear();
    }
  }
  void inflate(Stream& stream) {
    auto* in = reinterpret_cast<std::uint8_t*>(block_.data());
    std::size_t left = block_.size();
    for (int flags = 0; (flags & NGHTTP2_HD_INFLATE_FINAL) == 0;) {
      nghttp2_nv field{};
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, in, left, 1);
      require(used >= 0);
      in += used;
      left -= static_cast<std::size_t>(used);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        note(stream, {reinterpret_cast<const char*>(field.name), field.namelen},
             {reinterpret_cast<const char*>(field.value), field.valuelen});
      }
    }
    nghttp2_hd_inflate_end_headers(inflater_.get());
  }
  static void note(Stream& stream, std::string_view name, std::string_view value) {
    if (name == ":status") {
      stream.status = value;
      return;
    }
    require(net::is_token(name) && net::is_field_value(value));
    require(std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
    require(!net::is_hop_by_hop(net::field_id(name)));
  }

  struct FreeInflater {
    void operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }
  };
  std::unique_ptr<nghttp2_hd_inflater, FreeInflater> inflater_;
  std::map<std::uint32_t, Stream> streams_;
  std::string block_;
};

void check_answers(std::string_view said) {
  Answers answers;
  answers.read(said);
  std::multiset<std::string> bodies = answers.bodies();
  for (const Heard& one : heard) {
    const auto found = one.whole ? bodies.find(one.method == "HEAD" ? "" : one.body) : bodies.end();
    if (found != bodies.end()) {
      bodies.erase(found);
    }
  }
  require(bodies.empty());
}

std::string heads() {
  std::string all;
  for (const Heard& one : heard) {
    all += one.head;
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MemoryFront front([](net::EventLoop& loop, const CallHead& head, Caller& caller) {
    return std::make_unique<EchoCall>(loop, head, caller, heard);
  });
  constexpr std::size_t kLimitBytes = 1 << 10;  // fewer requests than may be there at a time
  if (size < 2 || size > kLimitBytes) {
    return 0;
  }
  FuzzInput input(data, size);
  const std::size_t mode = input.number(256);
  std::string text = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(NGHTTP2_SETTINGS, 0, 0, "");
  text += mode % 2 == 0 ? frame(NGHTTP2_HEADERS, kEndStream | kEndHeaders, 1, input.rest())
                        : std::string(input.rest());
  heard.clear();
  check_answers(front.talk(text, text.size()));
  const std::string whole = heads();
  heard.clear();
  check_answers(front.talk(text, 1 + mode / 4));
  // A connection that is ended for its faults is ended sooner when its bytes come slowly.
  require(std::string_view(whole).starts_with(heads()));
  return 0;
}
