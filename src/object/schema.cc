#include "object/schema.h"

#include "object/schema_parts.h"

namespace duet::object {

const Structure& schema_of(Kind kind) {
  switch (kind) {
    case Kind::kPod:
      return kPod;
    case Kind::kDeployment:
      return kDeployment;
    case Kind::kService:
      return kService;
    case Kind::kConfigMap:
      return kConfigMap;
    case Kind::kSecret:
      return kSecret;
    case Kind::kNamespace:
      return kNamespace;
    case Kind::kIngress:
      return kIngress;
    case Kind::kHttpRoute:
      return kHTTPRoute;
    case Kind::kEndpointSlice:
      return kEndpointSlice;
    case Kind::kEvent:
      return kEvent;
  }
  return kPod;
}

}  // namespace duet::object
