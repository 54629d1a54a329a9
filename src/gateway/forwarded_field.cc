#include "gateway/forwarded_field.h"

#include <algorithm>

#include "net/http_message.h"

namespace duet::gateway {
namespace {

// Reads a field's value from its start.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }
  bool take(char c) {
    if (!rest_.starts_with(c)) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view take_token() {
    const std::size_t size = std::min(rest_.find_first_of(" \t=;,\""), rest_.size());
    const std::string_view token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }
  // After its opening quote.
  std::optional<std::string> take_quoted() {
    std::string text;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') {
        return text;
      }
      if (c == '\\') {
        if (rest_.empty()) {
          break;
        }
        text += rest_.front();
        rest_.remove_prefix(1);
      } else {
        text += c;
      }
    }
    return std::nullopt;
  }

 private:
  std::string_view rest_;
};

bool take_pair(Scanner& scanner, ForwardedElement& element) {
  const std::string_view name = scanner.take_token();
  if (!net::is_token(name) || !scanner.take('=')) {
    return false;
  }
  std::string value;
  if (scanner.take('"')) {
    auto quoted = scanner.take_quoted();
    if (!quoted) {
      return false;
    }
    value = std::move(*quoted);
  } else {
    value = scanner.take_token();
    if (!net::is_token(value)) {
      return false;
    }
  }
  std::string* into = net::equals_ignoring_case(name, "for")     ? &element.node
                      : net::equals_ignoring_case(name, "proto") ? &element.proto
                      : net::equals_ignoring_case(name, "host")  ? &element.host
                                                                 : nullptr;
  if (into == nullptr) {
    return true;
  }
  const bool is_first = into->empty();  // each stands once in an element
  *into = std::move(value);
  return is_first;
}

}  // namespace

std::optional<std::vector<ForwardedElement>> parse_forwarded(std::string_view value) {
  std::vector<ForwardedElement> elements;
  Scanner scanner(value);
  scanner.skip_space();
  while (!scanner.at_end()) {
    ForwardedElement element;
    do {
      if (!take_pair(scanner, element)) {
        return std::nullopt;
      }
    } while (scanner.take(';'));
    elements.push_back(std::move(element));
    scanner.skip_space();
    if (scanner.at_end()) {
      break;
    }
    if (!scanner.take(',')) {
      return std::nullopt;
    }
    scanner.skip_space();
  }
  return elements;
}

std::optional<net::IpAddress> parse_node(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    const std::string_view after = end < text.size() ? text.substr(end + 1) : "?";
    return after.empty() || after.starts_with(':') ? net::IpAddress::parse(text.substr(1, end - 1))
                                                   : std::nullopt;
  }
  // A port stands behind an IPv4 address; an IPv6 address has more than one colon.
  const std::size_t colon = text.find(':');
  const bool has_port = colon != std::string_view::npos && text.rfind(':') == colon;
  return net::IpAddress::parse(has_port ? text.substr(0, colon) : text);
}

}  // namespace duet::gateway
