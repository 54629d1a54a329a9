#include "gateway/gateway_frames_test.h"

#include <poll.h>
#include <sys/socket.h>

#include "net/http_stream.h"

namespace duet::gateway {
namespace {

std::uint32_t number_at(const std::string& text, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<unsigned char>(text[at + i]);
  }
  return value;
}

// A string without Huffman's code (RFC 7541 section 5.2).
std::string literal(const std::string& text) {
  constexpr std::size_t kPrefix = 127;
  std::string out;
  if (text.size() < kPrefix) {
    out += static_cast<char>(text.size());
    return out + text;
  }
  out += static_cast<char>(kPrefix);
  std::size_t rest = text.size() - kPrefix;
  for (; rest >= 128; rest /= 128) {
    out += static_cast<char>(rest % 128 + 128);
  }
  out += static_cast<char>(rest);
  return out + text;
}

}  // namespace

const std::string kGet = "\x82\x86\x84\x01\x01" + std::string("a");

std::string number(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift);
  }
  return out;
}

std::string frame(char type, char flags, std::uint32_t stream, const std::string& payload) {
  return number(static_cast<std::uint32_t>(payload.size())).substr(1) + type + flags +
         number(stream) + payload;
}

std::string field(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + literal(name) + literal(value);
}

FramePeer FramePeer::client(int port, const std::string& settings) {
  FramePeer peer(
      std::move(*net::connect_tcp(*net::make_address("127.0.0.1", port), kTestTimeoutMs)));
  peer.send(std::string(kPreface) + frame(kSettings, 0, 0, settings));
  return peer;
}

bool FramePeer::send(const std::string& bytes) { return net::send_all(socket_.get(), bytes).ok(); }

std::uint32_t FramePeer::Frame::error() const {
  return payload.size() < 4 ? 0 : number_at(payload, type == kGoaway ? 4 : 0);
}

FramePeer::Frame FramePeer::read() {
  const std::string head = read_bytes(9);
  if (head.size() < 9) {
    return {};
  }
  return {.type = head[3],
          .flags = head[4],
          .stream = number_at(head, 5),
          .payload = read_bytes(number_at('\0' + head.substr(0, 3), 0))};
}

FramePeer::Frame FramePeer::read_until(int type) {
  for (;;) {
    Frame next = read();
    if (next.type == type || next.type < 0) {
      return next;
    }
  }
}

bool FramePeer::has_frame(int type, int wait_ms) {
  pollfd wait{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  while (poll(&wait, 1, wait_ms) == 1) {
    const int next = read().type;
    if (next == type || next < 0) {
      return true;
    }
  }
  return false;
}

int FramePeer::status(const Frame& headers) {
  if (!inflater_) {
    nghttp2_hd_inflater* inflater = nullptr;
    EXPECT_EQ(nghttp2_hd_inflate_new(&inflater), 0);
    inflater_.reset(inflater);
  }
  int status = -1;
  auto* at = reinterpret_cast<std::uint8_t*>(const_cast<char*>(headers.payload.data()));
  std::size_t left = headers.payload.size();
  for (;;) {
    nghttp2_nv field{};
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, at, left, 1);
    if (used < 0) {
      return -1;
    }
    at += used;
    left -= static_cast<std::size_t>(used);
    const std::string name(reinterpret_cast<char*>(field.name), field.namelen);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0 && name == ":status") {
      status = std::stoi(std::string(reinterpret_cast<char*>(field.value), field.valuelen));
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
      nghttp2_hd_inflate_end_headers(inflater_.get());
      return status;
    }
  }
}

std::string FramePeer::read_bytes(std::size_t size) {
  std::string out(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t some = recv(socket_.get(), out.data() + got, size - got, 0);
    if (some <= 0) {
      break;
    }
    got += static_cast<std::size_t>(some);
  }
  out.resize(got);
  return out;
}

}  // namespace duet::gateway
