#include "gateway/compression.h"

#include <algorithm>
#include <array>
#include <optional>

namespace duet::gateway {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// Takes what stands before `separator` off `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return trimmed(part);
}

// Whether a quality such as "q=0.5" is more than nothing. One that cannot be read is nothing.
bool is_wanted(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view one = take(parameters, ';');
    if (one.size() >= 2 && (one[0] == 'q' || one[0] == 'Q') && one[1] == '=') {
      const std::string_view value = one.substr(2);
      return value.find_first_not_of("0123456789.") == std::string_view::npos &&
             value.find_first_of("123456789") != std::string_view::npos;
    }
  }
  return true;
}

const net::Field* find(std::span<const net::Field> fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [name](const net::Field& field) {
    return net::equals_ignoring_case(field.name, name);
  });
  return found == fields.end() ? nullptr : &*found;
}

bool is_text(std::string_view content_type) {
  constexpr std::array<std::string_view, 12> kTypes = {"application/json",
                                                       "application/javascript",
                                                       "application/xml",
                                                       "application/yaml",
                                                       "application/wasm",
                                                       "application/manifest+json",
                                                       "application/x-ndjson",
                                                       "application/graphql",
                                                       "application/x-javascript",
                                                       "image/vnd.microsoft.icon",
                                                       "font/ttf",
                                                       "font/otf"};
  std::string_view rest = content_type;
  const std::string_view type = take(rest, ';');
  const auto ends = [type](std::string_view end) {
    return type.size() > end.size() &&
           net::equals_ignoring_case(type.substr(type.size() - end.size()), end);
  };
  return net::equals_ignoring_case(type.substr(0, 5), "text/") || ends("+json") || ends("+xml") ||
         std::any_of(kTypes.begin(), kTypes.end(),
                     [type](std::string_view one) { return net::equals_ignoring_case(type, one); });
}

bool has_whole_body(int status) {
  return status >= 200 && status != 204 && status != 205 && status != 206 && status != 304;
}

}  // namespace

bool accepts_gzip(std::span<const net::Field> request_fields) {
  std::optional<bool> by_name;
  bool by_star = false;
  for (const net::Field& field : request_fields) {
    if (!net::equals_ignoring_case(field.name, "accept-encoding")) {
      continue;
    }
    std::string_view list = field.value;
    while (!list.empty()) {
      std::string_view parameters = take(list, ',');
      const std::string_view coding = take(parameters, ';');
      if (net::equals_ignoring_case(coding, "gzip") ||
          net::equals_ignoring_case(coding, "x-gzip")) {
        by_name = is_wanted(parameters);
      } else if (coding == "*") {
        by_star = is_wanted(parameters);
      }
    }
  }
  return by_name.value_or(by_star);
}

bool is_compressible(const AnswerHead& head) {
  const net::Field* type = find(head.fields, "content-type");
  const net::Field* encoding = find(head.fields, "content-encoding");
  if (!has_whole_body(head.status) || type == nullptr || !is_text(type->value) ||
      (encoding != nullptr && !net::equals_ignoring_case(encoding->value, "identity")) ||
      find(head.fields, "content-range") != nullptr) {
    return false;
  }
  for (const net::Field& field : head.fields) {
    if (net::equals_ignoring_case(field.name, "cache-control") &&
        net::list_has_token(field.value, "no-transform")) {
      return false;
    }
  }
  const bool known = head.framing == net::Framing::kLength || head.describes_body;
  return known ? head.content_length >= kLeastCompressedBytes
               : head.framing == net::Framing::kChunked;
}

AnswerHead head_of_compressible(const AnswerHead& head, bool compressed,
                                std::vector<net::Field>& fields, std::string& text) {
  fields.clear();
  bool varies = false;
  for (const net::Field& field : head.fields) {
    const auto is = [&field](std::string_view name) {
      return net::equals_ignoring_case(field.name, name);
    };
    if (is("vary")) {
      varies |= field.value == "*" || net::list_has_token(field.value, "accept-encoding");
    }
    const bool of_the_plain_body = is("accept-ranges") || is("content-encoding") ||
                                   is("content-md5") || is("digest") || is("content-digest");
    if (compressed && is("etag") && !field.value.starts_with("W/")) {
      text.assign("W/").append(field.value);
      fields.push_back({field.name, text, field.id});
    } else if (!compressed || !of_the_plain_body) {
      fields.push_back(field);
    }
  }
  if (!varies) {
    fields.push_back({"Vary", "Accept-Encoding", net::FieldId::kOther});
  }
  AnswerHead out = head;
  if (compressed) {
    fields.push_back({"Content-Encoding", "gzip", net::FieldId::kOther});
    out.framing = net::Framing::kChunked;
    out.content_length = 0;
    out.describes_body = false;
  }
  out.fields = fields;
  return out;
}

}  // namespace duet::gateway
