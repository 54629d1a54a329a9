#include "api/query.h"

#include <charconv>

namespace duet::api {
namespace {

constexpr size_t kParameterLimit = 1'000;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
      continue;
    }
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) {
      return invalid("the URL has a bad escape: \"" + std::string(text.substr(i, 3)) + "\"");
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Result<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
    if (pair.empty()) {
      continue;
    }
    if (query.values_.size() == kParameterLimit) {
      return invalid("the URL has more than " + std::to_string(kParameterLimit) + " parameters");
    }
    const size_t equals = pair.find('=');
    DUET_ASSIGN(std::string name, percent_decode(pair.substr(0, equals), true));
    std::string value;
    if (equals != std::string_view::npos) {
      DUET_ASSIGN(value, percent_decode(pair.substr(equals + 1), true));
    }
    query.values_.emplace_back(std::move(name), std::move(value));
  }
  return query;
}

bool Query::has(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) {
      return true;
    }
  }
  return false;
}

std::string Query::get(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) {
      return value;
    }
  }
  return "";
}

std::vector<std::string> Query::all(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : values_) {
    if (key == name) {
      out.push_back(value);
    }
  }
  return out;
}

bool Query::flag(std::string_view name) const {
  const std::string value = get(name);
  return has(name) && value != "0" && value != "false";
}

Result<std::optional<int64_t>> Query::number(std::string_view name) const {
  const std::string text = get(name);
  if (text.empty()) {
    return std::optional<int64_t>();
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return invalid("parameter " + std::string(name) + " is not a number: \"" + text + "\"");
  }
  return std::optional(value);
}

}  // namespace duet::api
