#include <nlohmann/json.hpp>

#include "object/codec.h"
#include "object/codec_container.h"
#include "object/codec_parts.h"

namespace duet::object {
namespace {

void read_key_to_path(const JsonNode& node, KeyToPath& out) {
  node["key"].read(out.key);
  node["path"].read(out.path);
  node["mode"].read(out.mode);
}

void read_empty_dir(const JsonNode& node, Volume& out) {
  std::string medium;
  node["medium"].read(medium);
  if (!medium.empty() && medium != "Memory") {
    node["medium"].fail("\"" + medium + "\" is not supported; use \"\" or \"Memory\"",
                        ErrorCode::kUnsupported);
  }
  out.memory_medium = medium == "Memory";
  node["sizeLimit"].read_bytes(out.size_limit_bytes);
}

// configMap and secret volumes differ only in how they name their source.
void read_projection(const JsonNode& node, const char* name_member, Volume& out) {
  node[name_member].read(out.source_name);
  node["items"].read_list(out.items, read_key_to_path);
  node["defaultMode"].read(out.default_mode);
  node["optional"].read(out.optional);
}

bool names_a_source(const JsonNode& volume) {
  if (!volume.check_object()) {
    return false;
  }
  for (const auto& [key, value] : volume.value()->items()) {
    if (key != "name" && !value.is_null()) {
      return true;
    }
  }
  return false;
}

void read_volume(const JsonNode& node, Volume& out) {
  node["name"].read(out.name);
  if (node["hostPath"].check_object()) {
    out.type = Volume::Type::kHostPath;
    node["hostPath"]["path"].read(out.host_path);
    node["hostPath"]["type"].read(out.host_path_type);
  } else if (node["configMap"].check_object()) {
    out.type = Volume::Type::kConfigMap;
    read_projection(node["configMap"], "name", out);
  } else if (node["secret"].check_object()) {
    out.type = Volume::Type::kSecret;
    read_projection(node["secret"], "secretName", out);
  } else if (node["emptyDir"].present() || !names_a_source(node)) {
    read_empty_dir(node["emptyDir"], out);  // also what a volume without a source is
  } else {
    node.fail("no volume source that duet supports; use emptyDir, hostPath, configMap or secret",
              ErrorCode::kUnsupported);
  }
}

void read_toleration(const JsonNode& node, Toleration& out) {
  out.op = "Equal";
  node["key"].read(out.key);
  node["operator"].read(out.op);
  node["value"].read(out.value);
  node["effect"].read(out.effect);
}

}  // namespace

void read_pod_spec(const JsonNode& spec, PodSpec& out) {
  spec["initContainers"].read_list(out.init_containers, read_container);
  spec["containers"].read_list(out.containers, read_container);
  spec["volumes"].read_list(out.volumes, read_volume);
  spec["restartPolicy"].read(out.restart_policy);
  spec["terminationGracePeriodSeconds"].read(out.termination_grace_period_seconds);
  spec["activeDeadlineSeconds"].read(out.active_deadline_seconds);
  spec["nodeSelector"].read(out.node_selector);
  spec["tolerations"].read_list(out.tolerations, read_toleration);
  spec["nodeName"].read(out.node_name);
  spec["runtimeClassName"].read(out.runtime_class_name);
  spec["hostname"].read(out.hostname);
  spec["hostNetwork"].read(out.host_network);
  read_security_context(spec["securityContext"], out.security);
  spec["securityContext"]["fsGroup"].read(out.fs_group);
  spec["securityContext"]["supplementalGroups"].read(out.supplemental_groups);
}

Result<Pod> decode_pod(const std::string& json) {
  return decode_with<Pod>(json, [](const JsonNode& root, Pod& out) {
    read_pod_spec(root["spec"], out.spec);
    read_pod_status(root["status"], out.status);
  });
}

}  // namespace duet::object
