#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_message.h"

namespace duet::gateway {

// Gathers one field section of HTTP/2 (RFC 9113 section 8): the head of a request or of an answer,
// or trailers. What nghttp2 has let through is well formed as HTTP/2; here it is held to the same
// bounds and the same strictness as a head of HTTP/1.1. Keeps at most what the limits allow,
// however much comes.
class Http2Head {
 public:
  explicit Http2Head(const net::HttpLimits& limits) : limits_(limits) {}

  void add(std::string_view name, std::string_view value);
  // Bytes of all fields that came, also of those that were too many; 32 are counted for each field,
  // as SETTINGS_MAX_HEADER_LIST_SIZE does (section 6.5.2).
  std::size_t list_bytes() const { return list_bytes_; }

  struct Fault {
    int status = 400;
    std::string_view reason;  // a constant
  };
  // The head as a request; views into this. `ended`: no body follows.
  std::optional<Fault> finish(bool ended, net::RequestHead& request);
  // The head as that of an answer.
  std::optional<Fault> finish(bool ended, net::ResponseHead& response);
  // The fields as trailers, without those that a trailer must not carry.
  std::vector<net::Field> trailers() const;

 private:
  struct Place {
    std::size_t name = 0;
    std::size_t value = 0;
    std::size_t end = 0;
  };
  std::optional<Fault> take_pseudo(std::string_view name, std::string_view value,
                                   net::RequestHead& request);
  std::optional<Fault> take_target(net::RequestHead& request) const;
  static std::optional<Fault> take_length(std::string_view value, std::uint64_t& length,
                                          net::Framing& framing);
  net::Field field(const Place& place) const;

  net::HttpLimits limits_;
  std::string text_;
  std::vector<Place> places_;
  std::string cookies_;  // crumbs of one field (section 8.2.3)
  std::size_t list_bytes_ = 0;
  bool too_large_ = false;
};

}  // namespace duet::gateway
