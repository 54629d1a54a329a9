#include "gateway/cgi_response.h"

#include <charconv>

namespace duet::gateway {
namespace {

constexpr std::size_t kFieldLimit = 100;
constexpr std::size_t kShownBytes = 60;  // of a line that is told
constexpr std::string_view kExtension = "x-cgi-";

bool is_space(char c) { return c == ' ' || c == '\t'; }

// The line as a message may show it.
std::string shown(std::string_view line) {
  std::string out(line.substr(0, kShownBytes));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
      c = '?';
    }
  }
  return out;
}

// "404" or "404 Not Found"; 0: none that can be an answer's.
int parse_status(std::string_view value) {
  int status = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), status);
  const bool whole =
      error == std::errc{} && end == value.data() + 3 && (value.size() == 3 || is_space(value[3]));
  return whole && status >= 200 && status <= 599 ? status : 0;
}

}  // namespace

bool CgiResponseHead::fail(std::string why) {
  why_ = std::move(why);
  return false;
}

CgiResponseHead::State CgiResponseHead::feed(std::string_view& data) {
  for (;;) {
    const std::size_t newline = data.find('\n');
    const bool whole = newline != std::string_view::npos;
    const std::size_t size = whole ? newline + 1 : data.size();
    if (text_.size() + size > limit_bytes_) {
      fail("the head that the guest prints is larger than duet.edge/max-header-bytes (" +
           std::to_string(limit_bytes_) + ")");
      return State::kBad;
    }
    text_.append(data.substr(0, size));
    data.remove_prefix(size);
    if (!whole) {
      return State::kMore;
    }
    std::size_t end = text_.size() - 1;
    if (end > line_at_ && text_[end - 1] == '\r') {
      --end;
    }
    if (end == line_at_) {
      return finish() ? State::kHead : State::kBad;
    }
    if (!add_line(end)) {
      return State::kBad;
    }
    line_at_ = text_.size();
  }
}

// The line from line_at_ to `end`, as name and value.
bool CgiResponseHead::add_line(std::size_t end) {
  const std::string_view line = part(line_at_, end - line_at_);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !net::is_token(line.substr(0, colon))) {
    return fail("what the guest prints does not begin with a CGI head: \"" + shown(line) +
                "\" is no field; print \"Content-Type: ...\" and an empty line first");
  }
  std::size_t from = colon + 1;
  std::size_t to = line.size();
  while (from < to && is_space(line[from])) {
    ++from;
  }
  while (to > from && is_space(line[to - 1])) {
    --to;
  }
  if (!net::is_field_value(line.substr(from, to - from))) {
    return fail("the guest's field \"" + shown(line.substr(0, colon)) +
                "\" has control characters");
  }
  if (lines_.size() == kFieldLimit) {
    return fail("the guest's head has more than " + std::to_string(kFieldLimit) + " fields");
  }
  lines_.push_back({line_at_, colon, line_at_ + from, to - from});
  return true;
}

bool CgiResponseHead::once(bool& seen, std::string_view name) {
  if (seen) {
    return fail("the guest's head has " + std::string(name) + " twice");
  }
  seen = true;
  return true;
}

// Takes a field's meaning; what goes on to the client is in fields_ then.
bool CgiResponseHead::interpret(const net::Field& field) {
  if (net::equals_ignoring_case(field.name, "status")) {
    answer_.status = parse_status(field.value);
    return once(has_status_, "Status") &&
           (answer_.status != 0 ||
            fail("the guest's Status \"" + shown(field.value) + "\" is none between 200 and 599"));
  }
  if (field.id == net::FieldId::kContentLength) {
    const char* end = field.value.data() + field.value.size();
    const auto parsed = std::from_chars(field.value.data(), end, answer_.content_length);
    answer_.framing = net::Framing::kLength;
    answer_.describes_body = true;
    return once(has_length_, "Content-Length") &&
           ((parsed.ec == std::errc{} && parsed.ptr == end) ||
            fail("the guest's Content-Length is no number"));
  }
  if (net::is_hop_by_hop(field.id) || field.id == net::FieldId::kTrailer ||
      net::equals_ignoring_case(field.name.substr(0, kExtension.size()), kExtension)) {
    return true;
  }
  fields_.push_back(field);
  if (net::equals_ignoring_case(field.name, "content-type")) {
    return once(has_type_, "Content-Type");
  }
  if (net::equals_ignoring_case(field.name, "location")) {
    return once(has_location_, "Location");
  }
  return true;
}

bool CgiResponseHead::finish() {
  answer_.framing = net::Framing::kChunked;
  for (const Line& line : lines_) {
    const std::string_view name = part(line.name_at, line.name_size);
    if (!interpret({name, part(line.value_at, line.value_size), net::field_id(name)})) {
      return false;
    }
  }
  if (!has_type_ && !has_location_ && !has_status_) {
    return fail("the guest's head has none of Content-Type, Location and Status");
  }
  if (has_location_ && !has_status_) {
    answer_.status = 302;
  }
  answer_.fields = fields_;
  return true;
}

}  // namespace duet::gateway
