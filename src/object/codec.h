#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "object/kinds.h"
#include "object/object.h"
#include "object/pod.h"

// JSON to the plain structs and status back to JSON. Decoding takes validated objects (validate.h)
// and fills the defaults of the Kubernetes API; it returns kInvalid with the field's path for what
// it cannot read, and never crashes on anything. All functions are pure and thread-safe.
namespace duet::object {

Result<Meta> decode_meta(const nlohmann::json& object);
Result<Pod> decode_pod(const std::string& json);
Result<Deployment> decode_deployment(const std::string& json);
Result<Service> decode_service(const std::string& json);
Result<EndpointSlice> decode_endpoint_slice(const std::string& json);
Result<ConfigMap> decode_config_map(const std::string& json);
Result<Secret> decode_secret(const std::string& json);
Result<Ingress> decode_ingress(const std::string& json);
Result<HttpRoute> decode_http_route(const std::string& json);

// PodStatus as the JSON of a Pod's `status`.
std::string encode_pod_status(const PodStatus& status);

}  // namespace duet::object
