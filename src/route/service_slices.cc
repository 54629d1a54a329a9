#include "route/service_slices.h"

namespace duet::route {

ServiceSlices::ServiceSlices(const std::vector<object::EndpointSlice>& slices) {
  for (const char* type : {"IPv4", "IPv6"}) {  // the API's FQDN is of no use without a resolver
    for (const auto& slice : slices) {
      if (!slice.service.empty() && slice.address_type == type) {
        slices_[{slice.meta.ns, slice.service}].push_back(&slice);
      }
    }
  }
}

const std::vector<const object::EndpointSlice*>& ServiceSlices::of(
    const object::Service& service) const {
  static const std::vector<const object::EndpointSlice*> kNone;
  const auto found = slices_.find({service.meta.ns, service.meta.name});
  return found == slices_.end() ? kNone : found->second;
}

}  // namespace duet::route
