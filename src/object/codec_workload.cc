#include <nlohmann/json.hpp>

#include "object/codec.h"
#include "object/codec_parts.h"

namespace duet::object {
namespace {

void read_deployment(const JsonNode& root, Deployment& out) {
  const JsonNode spec = root["spec"];
  spec["replicas"].read(out.replicas);
  spec["selector"]["matchLabels"].read(out.selector);
  spec["strategy"]["type"].read(out.strategy);
  spec["strategy"]["rollingUpdate"]["maxSurge"].read_int_or_string(out.max_surge);
  spec["strategy"]["rollingUpdate"]["maxUnavailable"].read_int_or_string(out.max_unavailable);
  spec["minReadySeconds"].read(out.min_ready_seconds);
  spec["progressDeadlineSeconds"].read(out.progress_deadline_seconds);
  spec["paused"].read(out.paused);
  const JsonNode pod = spec["template"];
  pod["metadata"]["labels"].read(out.pod_template.labels);
  pod["metadata"]["annotations"].read(out.pod_template.annotations);
  read_pod_spec(pod["spec"], out.pod_template.spec);
  if (pod.present()) {
    out.pod_template_json = pod.value()->dump();
  }
}

void read_secret(const JsonNode& root, Secret& out) {
  root["type"].read(out.type);
  root["data"].read_base64(out.data);
  root["stringData"].read(out.data);
}

}  // namespace

Result<Deployment> decode_deployment(const std::string& json) {
  return decode_with<Deployment>(json, read_deployment);
}

Result<ConfigMap> decode_config_map(const std::string& json) {
  return decode_with<ConfigMap>(json, [](const JsonNode& root, ConfigMap& out) {
    root["data"].read(out.data);
    root["binaryData"].read_base64(out.binary_data);
  });
}

Result<Secret> decode_secret(const std::string& json) {
  return decode_with<Secret>(json, read_secret);
}

}  // namespace duet::object
