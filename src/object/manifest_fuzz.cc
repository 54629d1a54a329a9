// Any bytes as a manifest: no crash, no hang, and what is accepted can be written and read again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "object/codec.h"
#include "object/manifest.h"

namespace {

using duet::object::Kind;
using duet::object::Object;

bool decodes(const Object& object) {
  switch (object.key.kind) {
    case Kind::kPod:
      return duet::object::decode_pod(object.json).ok();
    case Kind::kDeployment:
      return duet::object::decode_deployment(object.json).ok();
    case Kind::kService:
      return duet::object::decode_service(object.json).ok();
    case Kind::kConfigMap:
      return duet::object::decode_config_map(object.json).ok();
    case Kind::kSecret:
      return duet::object::decode_secret(object.json).ok();
    case Kind::kIngress:
      return duet::object::decode_ingress(object.json).ok();
    case Kind::kHttpRoute:
      return duet::object::decode_http_route(object.json).ok();
    case Kind::kEndpointSlice:
      return duet::object::decode_endpoint_slice(object.json).ok();
    default:
      return true;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const duet::object::ManifestLimits limits{.size_bytes = 64 << 10, .node_limit = 20'000};
  const auto manifest = duet::object::parse_manifest(text, "fuzz.yaml", "default", limits);
  for (const auto& problem : manifest.problems) {
    static_cast<void>(problem.describe());
  }
  for (const auto& [object, line] : manifest.objects) {
    const std::string yaml = duet::object::to_yaml(object.json);
    const auto again = duet::object::parse_manifest(yaml, "again.yaml");
    if (again.objects.size() != 1 || again.objects[0].object.json != object.json) {
      std::abort();
    }
    if (!decodes(object)) {
      std::abort();
    }
  }
  static_cast<void>(duet::object::decode_pod(text));
  static_cast<void>(duet::object::decode_http_route(text));
  static_cast<void>(duet::object::parse_object(text));
  return 0;
}
