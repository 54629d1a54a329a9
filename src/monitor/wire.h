#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Fields of messages as bytes; protocol.h has the format.
namespace duet::monitor {

class WireWriter {
 public:
  template <typename Integer>
  void number(Integer value) {
    using Unsigned = std::make_unsigned_t<Integer>;
    auto rest = static_cast<uint64_t>(static_cast<Unsigned>(value));
    for (size_t i = 0; i < sizeof(Integer); ++i) {
      bytes_.push_back(static_cast<char>(rest & 0xff));
      rest >>= 8;
    }
  }
  void flag(bool value) { number<uint8_t>(value ? 1 : 0); }
  void text(std::string_view value) {
    number(static_cast<uint32_t>(value.size()));
    bytes_.append(value);
  }
  void list(const std::vector<std::string>& values) {
    number(static_cast<uint32_t>(values.size()));
    for (const std::string& value : values) {
      text(value);
    }
  }
  void raw(std::string_view bytes) { bytes_.append(bytes); }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Reads what WireWriter wrote. A read past the end gives zeros and makes done() false for good.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  template <typename Integer>
  Integer number() {
    uint64_t value = 0;
    if (rest_.size() < sizeof(Integer)) {
      failed_ = true;
      rest_ = {};
      return 0;
    }
    for (size_t i = sizeof(Integer); i > 0; --i) {
      value = (value << 8) | static_cast<uint8_t>(rest_[i - 1]);
    }
    rest_.remove_prefix(sizeof(Integer));
    return static_cast<Integer>(value);
  }
  bool flag() { return number<uint8_t>() != 0; }
  std::string text() {
    const auto size = number<uint32_t>();
    if (size > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return value;
  }
  std::vector<std::string> list() {
    const auto count = number<uint32_t>();
    std::vector<std::string> values;
    for (uint32_t i = 0; i < count && !failed_; ++i) {
      values.push_back(text());
    }
    return values;
  }
  // Everything was there and nothing is left.
  bool done() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace duet::monitor
