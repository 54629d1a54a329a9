#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "object/kinds.h"

namespace duet::route {

// Which EndpointSlices are of which Service. Not thread-safe.
class ServiceSlices {
 public:
  // `slices` must outlive this.
  explicit ServiceSlices(const std::vector<object::EndpointSlice>& slices);

  // Of a Service; those with IPv4 addresses come first.
  const std::vector<const object::EndpointSlice*>& of(const object::Service& service) const;

 private:
  using Name = std::pair<std::string, std::string>;  // namespace, name
  std::map<Name, std::vector<const object::EndpointSlice*>> slices_;
};

}  // namespace duet::route
