#include "base/quantity.h"

#include <array>
#include <charconv>
#include <limits>
#include <string>

namespace duet {
namespace {

// More digits than 63 bits hold are only remembered as "and a bit".
constexpr int kDigitLimit = 19;
constexpr int kExponentLimit = 1000;

struct Suffix {
  std::string_view text;
  int exponent10;
  int exponent1024;
};

constexpr std::array kSuffixes = {
    Suffix{"", 0, 0},   Suffix{"n", -9, 0}, Suffix{"u", -6, 0}, Suffix{"m", -3, 0},
    Suffix{"k", 3, 0},  Suffix{"M", 6, 0},  Suffix{"G", 9, 0},  Suffix{"T", 12, 0},
    Suffix{"P", 15, 0}, Suffix{"E", 18, 0}, Suffix{"Ki", 0, 1}, Suffix{"Mi", 0, 2},
    Suffix{"Gi", 0, 3}, Suffix{"Ti", 0, 4}, Suffix{"Pi", 0, 5}, Suffix{"Ei", 0, 6},
};

// value = digits * 10^exponent10 * 1024^exponent1024, plus less than one of the last digit.
struct Decimal {
  bool negative = false;
  uint64_t digits = 0;
  bool more = false;
  int exponent10 = 0;
  int exponent1024 = 0;
};

Error malformed(std::string_view text) {
  return invalid("\"" + std::string(text.substr(0, 40)) +
                 "\" is not a quantity; write a number with an optional suffix, for example "
                 "500m, 1.5, 64Mi, 2G");
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads sign and digits off the front of `rest`; false when there is no digit.
bool take_number(std::string_view& rest, Decimal& number) {
  if (!rest.empty() && (rest[0] == '+' || rest[0] == '-')) {
    number.negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  int kept = 0;
  bool any = false;
  bool point = false;
  for (; !rest.empty() && (is_digit(rest[0]) || (rest[0] == '.' && !point));
       rest.remove_prefix(1)) {
    if (rest[0] == '.') {
      point = true;
      continue;
    }
    any = true;
    const uint64_t digit = static_cast<uint64_t>(rest[0] - '0');
    if (kept < kDigitLimit) {
      number.digits = number.digits * 10 + digit;
      kept += number.digits != 0 ? 1 : 0;
      number.exponent10 -= point ? 1 : 0;
    } else {
      number.more = number.more || digit != 0;
      number.exponent10 += point ? 0 : 1;
    }
  }
  return any;
}

bool take_suffix(std::string_view rest, Decimal& number) {
  for (const Suffix& suffix : kSuffixes) {
    if (rest == suffix.text) {
      number.exponent10 += suffix.exponent10;
      number.exponent1024 = suffix.exponent1024;
      return true;
    }
  }
  if (rest.size() < 2 || (rest[0] != 'e' && rest[0] != 'E')) {
    return false;
  }
  rest.remove_prefix(1);
  if (rest[0] == '+' && rest.size() > 1 && is_digit(rest[1])) {
    rest.remove_prefix(1);
  }
  int exponent = 0;
  const auto [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), exponent);
  if (failure != std::errc() || end != rest.data() + rest.size() || exponent > kExponentLimit ||
      exponent < -kExponentLimit) {
    return false;
  }
  number.exponent10 += exponent;
  return true;
}

using Wide = unsigned __int128;

// The magnitude rounded up to a whole number; false when it does not fit 63 bits.
bool round_up(const Decimal& number, int64_t& out) {
  constexpr Wide kMax = static_cast<Wide>(std::numeric_limits<int64_t>::max());
  Wide value = number.digits;
  if (value == 0) {
    out = 0;
    return true;
  }
  value <<= 10 * number.exponent1024;  // at most 64 + 60 bits
  bool more = number.more;
  for (int i = number.exponent10; i < 0 && value != 0; ++i) {
    more = more || value % 10 != 0;
    value /= 10;
  }
  for (int i = number.exponent10; i > 0; --i) {
    if (value > kMax) {
      return false;
    }
    value *= 10;
  }
  value += more ? 1 : 0;
  if (value > kMax) {
    return false;
  }
  out = static_cast<int64_t>(value);
  return true;
}

Result<int64_t> parse(std::string_view text, int unit_exponent10) {
  Decimal number;
  std::string_view rest = text;
  if (!take_number(rest, number) || !take_suffix(rest, number)) {
    return malformed(text);
  }
  number.exponent10 += unit_exponent10;
  int64_t value = 0;
  if (!round_up(number, value)) {
    return Error(ErrorCode::kExhausted,
                 "quantity \"" + std::string(text.substr(0, 40)) + "\" is too large");
  }
  return number.negative ? -value : value;
}

}  // namespace

Result<int64_t> parse_quantity_millis(std::string_view text) { return parse(text, 3); }

Result<int64_t> parse_quantity(std::string_view text) { return parse(text, 0); }

}  // namespace duet
