#include "object/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/base64.h"

namespace duet::object {

using Type = MarkedNode::Type;

namespace {

constexpr std::array<std::string_view, 11> kTrue = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                                    "True", "TRUE", "on",  "On",  "ON"};
constexpr std::array<std::string_view, 11> kFalse = {"n",     "N",     "no",  "No",  "NO", "false",
                                                     "False", "FALSE", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";
// Beyond it a double no longer holds every whole number.
constexpr double kWholeLimit = 9007199254740992.0;

template <typename List>
bool among(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

MarkedNode make(Type type, std::string_view text) {
  MarkedNode node;
  node.type = type;
  node.text = std::string(text);
  return node;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Base 10, or 2, 8, 16 by prefix (0b, 0o or a leading zero, 0x), with an optional sign.
bool read_integer(std::string_view text, int64_t& out) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) {
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char letter = static_cast<char>(text[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    text.remove_prefix(letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
  }
  uint64_t magnitude = 0;
  const auto [end, failure] =
      std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  const uint64_t limit = uint64_t{1} << 63;
  if (failure != std::errc() || end != text.data() + text.size() ||
      magnitude > limit - (negative ? 0 : 1)) {
    return false;
  }
  out = static_cast<int64_t>(negative ? ~magnitude + 1 : magnitude);
  return true;
}

void skip_digits(std::string_view& text) {
  while (!text.empty() && is_digit(text[0])) {
    text.remove_prefix(1);
  }
}

// [-+]? ( .digits | digits[.digits] ) [ (e|E) [-+]? digits ]
bool looks_like_float(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    text.remove_prefix(1);
  }
  const size_t before = text.size();
  skip_digits(text);
  const bool whole = text.size() < before;
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    const size_t at_point = text.size();
    skip_digits(text);
    if (!whole && text.size() == at_point) {
      return false;
    }
  } else if (!whole) {
    return false;
  }
  if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
    text.remove_prefix(1);
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
      text.remove_prefix(1);
    }
    const size_t exponent = text.size();
    skip_digits(text);
    return text.empty() && exponent > 0;
  }
  return text.empty();
}

bool looks_like_infinity_or_nan(std::string_view text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") {
    return true;
  }
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    text.remove_prefix(1);
  }
  return text == ".inf" || text == ".Inf" || text == ".INF";
}

bool read_float(std::string_view text, double& out) {
  if (!looks_like_float(text)) {
    return false;
  }
  if (text[0] == '+') {
    text.remove_prefix(1);
  }
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failure == std::errc() && end == text.data() + text.size();
}

std::string without_underscores(std::string_view text) {
  std::string out(text);
  out.erase(std::remove(out.begin(), out.end(), '_'), out.end());
  return out;
}

MarkedNode make_float(double value, std::string_view text) {
  if (value == std::floor(value) && std::fabs(value) <= kWholeLimit) {
    MarkedNode node = make(Type::kInteger, text);
    node.integer = static_cast<int64_t>(value);
    return node;
  }
  MarkedNode node = make(Type::kNumber, text);
  node.number = value;
  return node;
}

Error does_not_fit(std::string_view text, std::string_view what) {
  return invalid("\"" + std::string(text.substr(0, 60)) + "\" is tagged as " + std::string(what) +
                 " and is none");
}

}  // namespace

MarkedNode resolve_plain_scalar(std::string_view text) {
  if (among(kNull, text)) {
    return make(Type::kNull, text);
  }
  if (among(kTrue, text) || among(kFalse, text)) {
    MarkedNode node = make(Type::kBool, text);
    node.boolean = among(kTrue, text);
    return node;
  }
  if (looks_like_infinity_or_nan(text)) {
    MarkedNode node = make(Type::kNumber, text);
    node.number = std::nan("");
    return node;
  }
  const char first = text[0];
  if (!is_digit(first) && first != '-' && first != '+' && first != '.') {
    return make(Type::kString, text);
  }
  const std::string plain = without_underscores(text);
  MarkedNode node = make(Type::kInteger, text);
  if (read_integer(plain, node.integer)) {
    return node;
  }
  double value = 0;
  return read_float(plain, value) ? make_float(value, text) : make(Type::kString, text);
}

Result<MarkedNode> resolve_tagged_scalar(std::string_view tag, std::string_view text) {
  if (tag == "!" || tag == "tag:yaml.org,2002:str" || tag == "tag:yaml.org,2002:timestamp") {
    return make(Type::kString, text);
  }
  const std::string_view name =
      tag.substr(0, kTagPrefix.size()) == kTagPrefix ? tag.substr(kTagPrefix.size()) : "";
  if (name == "binary") {
    auto bytes = base64_decode(text);
    return bytes.ok() ? Result<MarkedNode>(make(Type::kString, *bytes))
                      : bytes.error().wrap("!!binary");
  }
  MarkedNode node = resolve_plain_scalar(text);
  const bool number = node.is(Type::kInteger) || node.is(Type::kNumber);
  if (name == "int") {
    return node.is(Type::kInteger) ? Result<MarkedNode>(node) : does_not_fit(text, "an integer");
  }
  if (name == "float") {
    return number ? Result<MarkedNode>(node) : does_not_fit(text, "a number");
  }
  if (name == "bool") {
    return node.is(Type::kBool) ? Result<MarkedNode>(node) : does_not_fit(text, "a boolean");
  }
  if (name == "null") {
    return node.is(Type::kNull) ? Result<MarkedNode>(node) : does_not_fit(text, "null");
  }
  return invalid("the tag \"" + std::string(tag.substr(0, 60)) + "\" is not known");
}

}  // namespace duet::object
