#include "gateway/http2_fields.h"

#include <algorithm>
#include <cctype>

namespace duet::gateway {
namespace {

std::uint8_t* bytes(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

bool is_lower(std::string_view name) {
  return std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

void Http2Fields::add(std::string_view name, std::string_view value) {
  if (!is_lower(name)) {
    std::string& lower = kept_.emplace_back(name);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    name = lower;
  }
  while (value.starts_with(' ') || value.starts_with('\t')) {
    value.remove_prefix(1);
  }
  while (value.ends_with(' ') || value.ends_with('\t')) {
    value.remove_suffix(1);
  }
  fields_.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
}

void Http2Fields::add(std::span<const net::Field> fields) {
  for (const net::Field& field : fields) {
    if (!net::is_hop_by_hop(field.id) && field.id != net::FieldId::kHost) {
      add(field.name, field.value);
    }
  }
}

void Http2Fields::add_kept(std::string_view name, std::string value) {
  add(name, kept_.emplace_back(std::move(value)));
}

}  // namespace duet::gateway
