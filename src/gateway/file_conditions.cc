#include "gateway/file_conditions.h"

#include <algorithm>
#include <charconv>

#include "net/http_date.h"

namespace duet::gateway {
namespace {

const net::Field* find(std::span<const net::Field> fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [name](const net::Field& field) {
    return net::equals_ignoring_case(field.name, name);
  });
  return found == fields.end() ? nullptr : &*found;
}

// Whether a list of entity tags (all lines of the field) has `etag`, or is "*". A weak tag is equal
// in a weak comparison only (RFC 9110 section 8.8.3.2).
bool lists_tag(std::span<const net::Field> fields, std::string_view name, std::string_view etag,
               bool weakly) {
  for (const net::Field& field : fields) {
    if (!net::equals_ignoring_case(field.name, name)) {
      continue;
    }
    std::string_view rest = field.value;
    if (rest == "*") {
      return true;
    }
    while (!rest.empty()) {
      rest.remove_prefix(std::min(rest.find_first_not_of(" \t,"), rest.size()));
      const bool weak = rest.starts_with("W/");
      rest.remove_prefix(weak ? 2 : 0);
      const std::size_t end = rest.starts_with('"') ? rest.find('"', 1) : std::string_view::npos;
      if (end == std::string_view::npos) {
        break;  // no list of tags
      }
      if (rest.substr(0, end + 1) == etag && (weakly || !weak)) {
        return true;
      }
      rest.remove_prefix(end + 1);
    }
  }
  return false;
}

std::optional<std::int64_t> date_of(const net::Field* field, std::int64_t now_s) {
  return field == nullptr ? std::nullopt : net::parse_http_date(field->value, now_s);
}

// 0: the request goes on.
int failed_condition(std::span<const net::Field> fields, const FileVersion& version,
                     std::int64_t now_s) {
  constexpr int kPreconditionFailed = 412;
  constexpr int kNotModified = 304;
  if (find(fields, "if-match") != nullptr) {
    if (!lists_tag(fields, "if-match", version.etag, false)) {
      return kPreconditionFailed;
    }
  } else if (const auto date = date_of(find(fields, "if-unmodified-since"), now_s)) {
    if (version.modified_s > *date) {
      return kPreconditionFailed;
    }
  }
  if (find(fields, "if-none-match") != nullptr) {
    return lists_tag(fields, "if-none-match", version.etag, true) ? kNotModified : 0;
  }
  const auto date = date_of(find(fields, "if-modified-since"), now_s);
  return date && version.modified_s <= *date ? kNotModified : 0;
}

// Whether the part that a client has is of this version. A date must be the very one.
bool range_applies(std::span<const net::Field> fields, const FileVersion& version,
                   std::int64_t now_s) {
  const net::Field* condition = find(fields, "if-range");
  if (condition == nullptr) {
    return true;
  }
  if (condition->value.starts_with('"')) {
    return condition->value == version.etag;
  }
  const auto date = date_of(condition, now_s);
  // Two changes in one second have one date: it is trusted when that second is over.
  return date && *date == version.modified_s && version.modified_s < now_s;
}

bool parse_number(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc::result_out_of_range) {
    out = UINT64_MAX;
    return true;
  }
  return error == std::errc{} && end == text.data() + text.size();
}

// The part that one range names.
FileAnswer answer_range(std::string_view range, std::uint64_t size_bytes) {
  const std::size_t dash = range.find('-');
  const std::string_view from = range.substr(0, dash);
  const std::string_view to = dash == std::string_view::npos ? "?" : range.substr(dash + 1);
  std::uint64_t first = 0;
  std::uint64_t last = UINT64_MAX;
  if (from.empty()) {
    std::uint64_t count = 0;
    if (!parse_number(to, count)) {
      return {};
    }
    if (count == 0 || size_bytes == 0) {
      return {.status = 416};
    }
    count = std::min(count, size_bytes);
    return {.status = 206, .range = {size_bytes - count, count}};
  }
  if (!parse_number(from, first) || (!to.empty() && !parse_number(to, last)) || last < first) {
    return {};
  }
  if (first >= size_bytes) {
    return {.status = 416};
  }
  last = std::min(last, size_bytes - 1);
  return {.status = 206, .range = {first, last - first + 1}};
}

}  // namespace

FileAnswer judge_request(std::string_view method, std::span<const net::Field> fields,
                         const FileVersion& version, std::int64_t now_s) {
  constexpr std::string_view kBytes = "bytes=";
  if (const int status = failed_condition(fields, version, now_s); status != 0) {
    return {.status = status};
  }
  const net::Field* range = find(fields, "range");
  if (method != "GET" || range == nullptr || range->value.size() <= kBytes.size() ||
      !net::equals_ignoring_case(range->value.substr(0, kBytes.size()), kBytes) ||
      range->value.find(',') != std::string_view::npos || !range_applies(fields, version, now_s)) {
    return {};
  }
  return answer_range(range->value.substr(kBytes.size()), version.size_bytes);
}

}  // namespace duet::gateway
