#include "gateway/http2_head.h"

#include <algorithm>
#include <charconv>

#include "net/content_length.h"
#include "net/http_body.h"
#include "net/http_target.h"

namespace duet::gateway {
namespace {

constexpr std::size_t kFieldOverhead = 32;

using Fault = Http2Head::Fault;

bool is_target(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

}  // namespace

void Http2Head::add(std::string_view name, std::string_view value) {
  list_bytes_ += name.size() + value.size() + kFieldOverhead;
  const std::size_t bytes = text_.size() + cookies_.size() + name.size() + value.size();
  if (bytes > limits_.head_bytes || places_.size() >= limits_.field_count) {
    too_large_ = true;
    return;
  }
  if (name == "cookie") {
    cookies_.append(cookies_.empty() ? "" : "; ").append(value);
    return;
  }
  const std::size_t begin = text_.size();
  text_.append(name).append(value);
  places_.push_back({begin, begin + name.size(), text_.size()});
}

net::Field Http2Head::field(const Place& place) const {
  const std::string_view text(text_);
  const std::string_view name = text.substr(place.name, place.value - place.name);
  return {name, text.substr(place.value, place.end - place.value), net::field_id(name)};
}

std::optional<Fault> Http2Head::finish(bool ended, net::RequestHead& request) {
  request = net::RequestHead{};
  request.framing = ended ? net::Framing::kNone : net::Framing::kChunked;
  for (const Place& place : places_) {
    const net::Field one = field(place);
    if (one.name.starts_with(':')) {
      if (auto fault = take_pseudo(one.name, one.value, request)) {
        return fault;
      }
      continue;
    }
    if (one.id == net::FieldId::kContentLength) {
      if (auto fault = take_length(one.value, request.content_length, request.framing)) {
        return fault;
      }
      continue;
    }
    if (one.id == net::FieldId::kExpect) {
      if (!net::equals_ignoring_case(one.value, "100-continue")) {
        return Fault{417, "unknown expectation"};
      }
      request.expect_continue = !ended;
    }
    request.fields.push_back(one);
  }
  if (!cookies_.empty()) {
    request.fields.push_back({"cookie", cookies_, net::field_id("cookie")});
  }
  if (too_large_) {
    return Fault{431, "too many or too large header fields"};
  }
  if (ended) {
    request.framing = net::Framing::kNone;
  }
  return take_target(request);
}

std::optional<Fault> Http2Head::finish(bool ended, net::ResponseHead& response) {
  response = net::ResponseHead{};
  response.framing = net::Framing::kChunked;
  for (const Place& place : places_) {
    const net::Field one = field(place);
    if (one.name == ":status") {
      std::from_chars(one.value.data(), one.value.data() + one.value.size(), response.status);
    } else if (one.id == net::FieldId::kContentLength) {
      if (auto fault = take_length(one.value, response.content_length, response.framing)) {
        return fault;
      }
    }
    if (!one.name.starts_with(':')) {
      response.fields.push_back(one);
    }
  }
  if (too_large_) {
    return Fault{502, "too many or too large header fields"};
  }
  if (response.status < 100 || response.status > 599) {
    return Fault{502, "no valid status"};
  }
  if (ended) {
    response.framing = net::Framing::kNone;
  }
  return std::nullopt;
}

std::optional<Fault> Http2Head::take_pseudo(std::string_view name, std::string_view value,
                                            net::RequestHead& request) {
  if (name == ":method") {
    request.method = value;
    if (value == "CONNECT") {
      return Fault{501, "CONNECT is not supported"};
    }
  } else if (name == ":path") {
    request.target = value;
  } else if (name == ":authority") {
    request.authority = value;
  } else if (!net::equals_ignoring_case(value, "http") &&
             !net::equals_ignoring_case(value, "https")) {  // of :scheme: there is no other name
    return Fault{400, "unsupported scheme"};
  }
  return std::nullopt;
}

std::optional<Fault> Http2Head::take_target(net::RequestHead& request) const {
  if (request.target.size() > limits_.target_bytes) {
    return Fault{414, "request target too long"};
  }
  if (!net::is_token(request.method) || !is_target(request.target)) {
    return Fault{400, "invalid request target"};
  }
  const std::size_t query = std::min(request.target.find('?'), request.target.size());
  request.path = request.target.substr(0, query);
  request.query = request.target.substr(query);
  const bool asterisk = request.path == "*" && request.method == "OPTIONS";
  if (!request.path.starts_with('/') && !asterisk) {
    return Fault{400, "invalid request target"};
  }
  if (net::has_dot_segment(request.path)) {
    return Fault{400, "dot segment in request target"};
  }
  const net::Field* host = request.find(net::FieldId::kHost);
  if (host != nullptr) {
    if (!request.authority.empty() && request.authority != host->value) {
      return Fault{400, "Host differs from :authority"};
    }
    request.authority = host->value;
  }
  if (!net::is_authority(request.authority)) {
    return Fault{400, "no valid authority"};
  }
  return std::nullopt;
}

std::optional<Fault> Http2Head::take_length(std::string_view value, std::uint64_t& length,
                                            net::Framing& framing) {
  const auto read = net::parse_content_length(value);
  if (!read || framing == net::Framing::kLength) {
    return Fault{400, "invalid Content-Length"};
  }
  length = *read;
  framing = net::Framing::kLength;
  return std::nullopt;
}

std::vector<net::Field> Http2Head::trailers() const {
  std::vector<net::Field> out;
  for (const Place& place : places_) {
    const net::Field one = field(place);
    if (!one.name.starts_with(':') && net::may_trail(one)) {
      out.push_back(one);
    }
  }
  return out;
}

}  // namespace duet::gateway
