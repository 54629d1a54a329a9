#pragma once

#include <algorithm>
#include <tuple>
#include <vector>

namespace duet::route {

// The order that decides between routes that are equally specific: by creation, then by name. Views
// into `objects`.
template <typename Object>
std::vector<const Object*> oldest_first(const std::vector<Object>& objects) {
  std::vector<const Object*> out;
  out.reserve(objects.size());
  for (const auto& object : objects) {
    out.push_back(&object);
  }
  std::sort(out.begin(), out.end(), [](const Object* a, const Object* b) {
    return std::tie(a->meta.creation_timestamp, a->meta.ns, a->meta.name) <
           std::tie(b->meta.creation_timestamp, b->meta.ns, b->meta.name);
  });
  return out;
}

}  // namespace duet::route
