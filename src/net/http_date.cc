#include "net/http_date.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace duet::net {
namespace {

// Spelled out because strftime follows the locale.
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Takes a date's parts from its start; after the first that is missing nothing is taken any more.
class Parts {
 public:
  explicit Parts(std::string_view text) : rest_(text) {}

  bool good() const { return good_; }
  bool done() const { return good_ && rest_.empty(); }
  void skip(std::string_view text) {
    good_ = good_ && rest_.starts_with(text);
    advance(text.size());
  }
  int number(std::size_t digits) {
    int value = 0;
    good_ = good_ && rest_.size() >= digits;
    for (std::size_t i = 0; good_ && i < digits; ++i) {
      good_ = rest_[i] >= '0' && rest_[i] <= '9';
      value = value * 10 + (rest_[i] - '0');
    }
    advance(digits);
    return value;
  }
  // A day of the month as asctime writes it: "06" or " 6".
  int padded_day() {
    if (good_ && rest_.starts_with(' ')) {
      advance(1);
      return number(1);
    }
    return number(2);
  }
  int month() {
    for (std::size_t i = 0; good_ && i < kMonths.size(); ++i) {
      if (rest_.starts_with(kMonths[i])) {
        advance(kMonths[i].size());
        return static_cast<int>(i);
      }
    }
    good_ = false;
    return 0;
  }
  void time(std::tm& tm) {
    tm.tm_hour = number(2);
    skip(":");
    tm.tm_min = number(2);
    skip(":");
    tm.tm_sec = number(2);
  }

 private:
  void advance(std::size_t size) {
    if (good_) {
      rest_.remove_prefix(size);
    }
  }
  std::string_view rest_;
  bool good_ = true;
};

int year_of(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm tm{};
  gmtime_r(&time, &tm);
  return tm.tm_year + 1900;
}

std::optional<std::int64_t> seconds_of(std::tm tm, const Parts& parts) {
  if (!parts.done() || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
      tm.tm_sec > 60) {
    return std::nullopt;
  }
  return timegm(&tm);
}

// "06 Nov 1994 08:49:37 GMT"
std::optional<std::int64_t> parse_fixdate(std::string_view text) {
  Parts parts(text);
  std::tm tm{};
  tm.tm_mday = parts.number(2);
  parts.skip(" ");
  tm.tm_mon = parts.month();
  parts.skip(" ");
  tm.tm_year = parts.number(4) - 1900;
  parts.skip(" ");
  parts.time(tm);
  parts.skip(" GMT");
  return seconds_of(tm, parts);
}

// "06-Nov-94 08:49:37 GMT": a year more than 50 years ahead is in the past (RFC 9110).
std::optional<std::int64_t> parse_rfc850(std::string_view text, std::int64_t now_s) {
  Parts parts(text);
  std::tm tm{};
  tm.tm_mday = parts.number(2);
  parts.skip("-");
  tm.tm_mon = parts.month();
  parts.skip("-");
  const int now = year_of(now_s);
  int year = now - now % 100 + parts.number(2);
  year -= year > now + 50 ? 100 : 0;
  tm.tm_year = year - 1900;
  parts.skip(" ");
  parts.time(tm);
  parts.skip(" GMT");
  return seconds_of(tm, parts);
}

// "Nov  6 08:49:37 1994"
std::optional<std::int64_t> parse_asctime(std::string_view text) {
  Parts parts(text);
  std::tm tm{};
  tm.tm_mon = parts.month();
  parts.skip(" ");
  tm.tm_mday = parts.padded_day();
  parts.skip(" ");
  parts.time(tm);
  parts.skip(" ");
  tm.tm_year = parts.number(4) - 1900;
  return seconds_of(tm, parts);
}

}  // namespace

std::string format_http_date(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm tm{};
  gmtime_r(&time, &tm);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[static_cast<std::size_t>(tm.tm_wday)].data(), tm.tm_mday,
                kMonths[static_cast<std::size_t>(tm.tm_mon)].data(), tm.tm_year + 1900, tm.tm_hour,
                tm.tm_min, tm.tm_sec);
  return text.data();
}

std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now_s) {
  const std::size_t comma = text.find(", ");
  if (comma == 3) {
    return parse_fixdate(text.substr(5));
  }
  if (comma != std::string_view::npos) {
    return parse_rfc850(text.substr(comma + 2), now_s);
  }
  return text.size() > 4 && text[3] == ' ' ? parse_asctime(text.substr(4)) : std::nullopt;
}

}  // namespace duet::net
