#include "sys/rfc3339.h"

#include <cstdint>

namespace duet::sys {
namespace {

// Takes pieces off the front of a text; once one does not fit, `ok` stays false.
struct Reader {
  std::string_view text;
  bool ok = true;

  int number(size_t digits) {
    int value = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (i >= text.size() || text[i] < '0' || text[i] > '9') {
        ok = false;
        return 0;
      }
      value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(digits);
    return value;
  }

  bool take(std::string_view one_of) {
    if (text.empty() || one_of.find(text.front()) == std::string_view::npos) {
      return false;
    }
    text.remove_prefix(1);
    return true;
  }

  void must_take(std::string_view one_of) { ok = take(one_of) && ok; }

  // Digits after the point, cut to nanoseconds.
  int64_t nanoseconds() {
    int64_t value = 0;
    int64_t unit = 100'000'000;
    size_t count = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; ++count) {
      value += (text.front() - '0') * unit;
      unit /= 10;
      text.remove_prefix(1);
    }
    ok = ok && count > 0;
    return value;
  }
};

}  // namespace

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  using std::chrono::seconds;
  Reader reader{text};
  const std::chrono::year year(reader.number(4));
  reader.must_take("-");
  const std::chrono::month month(static_cast<unsigned>(reader.number(2)));
  reader.must_take("-");
  const std::chrono::day day(static_cast<unsigned>(reader.number(2)));
  reader.must_take("Tt");
  const int hour = reader.number(2);
  reader.must_take(":");
  const int minute = reader.number(2);
  reader.must_take(":");
  const int second = reader.number(2);  // 60: a leap second, counted as the next one
  const int64_t fraction = reader.take(".") ? reader.nanoseconds() : 0;
  int offset = 0;
  if (!reader.take("Zz")) {
    const bool west = reader.take("-");
    if (!west) {
      reader.must_take("+");
    }
    const int hours = reader.number(2);
    reader.must_take(":");
    offset = (hours * 60 + reader.number(2)) * (west ? -60 : 60);
  }
  const std::chrono::year_month_day date{year, month, day};
  if (!reader.ok || !reader.text.empty() || !date.ok() || hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  const auto whole =
      std::chrono::sys_days(date) + seconds(hour * 3600 + minute * 60 + second) - seconds(offset);
  return std::chrono::time_point_cast<WallTime::duration>(whole +
                                                          std::chrono::nanoseconds(fraction));
}

}  // namespace duet::sys
