#include "observe/exposition.h"

#include <charconv>
#include <memory>
#include <unordered_map>

namespace duet::observe {
namespace {

// "0.0025" for 2'500'000 in 1'000'000'000: exact, without trailing zeros.
std::string decimal(std::int64_t value, std::int64_t unit) {
  std::string out = std::to_string(value / unit);
  std::int64_t rest = value % unit;
  if (rest == 0) {
    return out;
  }
  out += '.';
  for (std::int64_t digit = unit / 10; digit > 0 && rest > 0; digit /= 10) {
    out += static_cast<char>('0' + rest / digit);
    rest %= digit;
  }
  return out;
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '"' || c == '\\') {
        out += '\\';
      }
      out += c;
    }
  }
}

}  // namespace

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
  text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void Exposition::line(std::string_view suffix, const Labels& labels, std::string_view bound,
                      std::string_view value) {
  text_.append(name_).append(suffix);
  const char* before = "{";
  for (const auto& [name, text] : labels) {
    text_.append(before).append(name).append("=\"");
    append_escaped(text_, text);
    text_ += '"';
    before = ",";
  }
  if (!bound.empty()) {
    text_.append(before).append("le=\"").append(bound).append("\"");
    before = ",";
  }
  text_.append(*before == ',' ? "} " : " ").append(value).append("\n");
}

void Exposition::sample(const Labels& labels, std::uint64_t value) {
  line("", labels, "", std::to_string(value));
}

void Exposition::sample(const Labels& labels, std::int64_t value, std::int64_t unit) {
  line("", labels, "", decimal(value, unit));
}

void Exposition::histogram(const Labels& labels, std::span<const std::int64_t> bounds,
                           std::span<const std::uint64_t> counts, std::int64_t sum,
                           std::int64_t unit) {
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    so_far += counts[i];
    line("_bucket", labels, i < bounds.size() ? decimal(bounds[i], unit) : "+Inf",
         std::to_string(so_far));
  }
  line("_sum", labels, "", decimal(sum, unit));
  line("_count", labels, "", std::to_string(so_far));
}

namespace {

// One process's value is a whole number or a decimal; sums keep both exact where they are whole.
struct Value {
  std::uint64_t whole = 0;
  double fraction = 0;
};

bool read_value(std::string_view text, Value& into) {
  const char* end = text.data() + text.size();
  std::uint64_t whole = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, whole);
  double fraction = 0;
  if (error != std::errc{}) {
    return false;
  }
  if (stop != end) {
    const auto rest = std::from_chars(stop, end, fraction);
    if (*stop != '.' || rest.ec != std::errc{} || rest.ptr != end) {
      return false;
    }
  }
  into.whole += whole;
  into.fraction += fraction;
  return true;
}

std::string write_value(const Value& value) {
  const auto carried = static_cast<std::uint64_t>(value.fraction);
  std::string whole = std::to_string(value.whole + carried);
  const double rest = value.fraction - static_cast<double>(carried);
  if (rest == 0) {
    return whole;
  }
  char digits[16];
  const auto [end, error] =
      std::to_chars(digits, digits + sizeof(digits), rest, std::chars_format::fixed, 9);
  std::string_view fraction(digits, static_cast<std::size_t>(end - digits));
  if (fraction.starts_with('1')) {  // rounded up
    return std::to_string(value.whole + carried + 1);
  }
  while (fraction.ends_with('0')) {
    fraction.remove_suffix(1);
  }
  return whole + std::string(fraction.substr(1));
}

struct Family {
  std::string head;
  std::vector<std::string> series;  // in the order in which they were seen
  std::unordered_map<std::string, Value> values;
};

class Merger {
 public:
  Status add(std::string_view text) {
    Family* family = nullptr;
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos) {
        return corrupt(text);
      }
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end + 1);
      if (line.starts_with("# HELP ")) {
        family = &begin(line);
      } else if (line.starts_with("# TYPE ")) {
        if (family != nullptr && family->head.find("# TYPE ") == std::string::npos) {
          family->head.append(line).append("\n");
        }
      } else if (family == nullptr || !add_sample(*family, line)) {
        return corrupt(line);
      }
    }
    return {};
  }

  std::string take() const {
    std::string out;
    for (const auto& family : order_) {
      out += family->head;
      for (const std::string& series : family->series) {
        out += series + " " + write_value(family->values.at(series)) + "\n";
      }
    }
    return out;
  }

 private:
  static Error corrupt(std::string_view line) {
    return {ErrorCode::kCorrupt, "no metrics: \"" + std::string(line.substr(0, 80)) + "\""};
  }

  Family& begin(std::string_view line) {
    const std::size_t start = std::string_view("# HELP ").size();
    const std::string name(line.substr(start, line.find(' ', start) - start));
    auto [found, fresh] = by_name_.emplace(name, nullptr);
    if (fresh) {
      order_.push_back(std::make_unique<Family>());
      order_.back()->head.append(line).append("\n");
      found->second = order_.back().get();
    }
    return *found->second;
  }

  static bool add_sample(Family& family, std::string_view line) {
    const std::size_t space = line.rfind(' ');
    if (space == std::string_view::npos) {
      return false;
    }
    const auto [found, fresh] = family.values.emplace(std::string(line.substr(0, space)), Value{});
    if (fresh) {
      family.series.push_back(found->first);
    }
    return read_value(line.substr(space + 1), found->second);
  }

  std::vector<std::unique_ptr<Family>> order_;
  std::unordered_map<std::string, Family*> by_name_;
};

}  // namespace

Result<std::string> merge_expositions(std::span<const std::string> texts) {
  Merger merger;
  for (const std::string& text : texts) {
    DUET_TRY(merger.add(text));
  }
  return merger.take();
}

}  // namespace duet::observe
