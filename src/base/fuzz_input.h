#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace duet {

// Takes a fuzzer's bytes apart. What is past their end is empty or 0, so that every input is one.
class FuzzInput {
 public:
  explicit FuzzInput(std::string_view bytes) : left_(bytes) {}
  FuzzInput(const std::uint8_t* data, std::size_t size)
      : left_(reinterpret_cast<const char*>(data), size) {}

  // The next byte, as a number below `bound`.
  std::size_t number(std::size_t bound) {
    const std::string_view byte = take(1);
    return byte.empty() ? 0 : static_cast<unsigned char>(byte.front()) % bound;
  }
  // The text up to the next line feed or NUL, which no text has.
  std::string text() {
    const std::size_t end =
        std::min(left_.find_first_of(std::string_view("\n\0", 2)), left_.size());
    std::string found(take(end));
    take(1);
    return found;
  }
  bool empty() const { return left_.empty(); }
  std::string_view rest() const { return left_; }

 private:
  std::string_view take(std::size_t size) {
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view left_;
};

}  // namespace duet
