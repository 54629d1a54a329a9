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

void read_downward_item(const JsonNode& node, KeyToPath& out) {
  node["fieldRef"]["fieldPath"].read(out.key);
  node["path"].read(out.path);
  node["mode"].read(out.mode);
  if (out.key.empty()) {
    node.fail("only fieldRef is supported", ErrorCode::kUnsupported);
  }
}

// A source is the same as a volume and as a part of a projected one, but for the name's name.
ProjectionSource read_source(const JsonNode& node, ProjectionSource::Type type,
                             const char* name_member = "name") {
  ProjectionSource out{.type = type};
  const bool downward = type == ProjectionSource::Type::kDownwardApi;
  node[name_member].read(out.name);
  node["items"].read_list(out.items, downward ? read_downward_item : read_key_to_path);
  node["optional"].read(out.optional);
  return out;
}

void read_projected_source(const JsonNode& node, ProjectionSource& out) {
  using Type = ProjectionSource::Type;
  if (node["configMap"].check_object()) {
    out = read_source(node["configMap"], Type::kConfigMap);
  } else if (node["secret"].check_object()) {
    out = read_source(node["secret"], Type::kSecret);
  } else if (node["downwardAPI"].check_object()) {
    out = read_source(node["downwardAPI"], Type::kDownwardApi);
  } else {
    node.fail("no source that duet supports here; use configMap, secret or downwardAPI",
              ErrorCode::kUnsupported);
  }
}

// Whether `volume` is one of files that the node writes.
bool read_projected(const JsonNode& volume, Volume& out) {
  using Type = ProjectionSource::Type;
  const char* member = nullptr;
  if (volume["configMap"].check_object()) {
    member = "configMap";
    out.sources.push_back(read_source(volume[member], Type::kConfigMap));
  } else if (volume["secret"].check_object()) {
    member = "secret";
    out.sources.push_back(read_source(volume[member], Type::kSecret, "secretName"));
  } else if (volume["downwardAPI"].check_object()) {
    member = "downwardAPI";
    out.sources.push_back(read_source(volume[member], Type::kDownwardApi));
  } else if (volume["projected"].check_object()) {
    member = "projected";
    volume[member]["sources"].read_list(out.sources, read_projected_source);
  } else {
    return false;
  }
  out.type = Volume::Type::kProjected;
  volume[member]["defaultMode"].read(out.default_mode);
  return true;
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
  } else if (read_projected(node, out)) {
    return;
  } else if (node["emptyDir"].present() || !names_a_source(node)) {
    read_empty_dir(node["emptyDir"], out);  // also what a volume without a source is
  } else {
    node.fail(
        "no volume source that duet supports; use emptyDir, hostPath, configMap, secret, "
        "downwardAPI or projected",
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
  spec["serviceAccountName"].read(out.service_account_name);
  spec["runtimeClassName"].read(out.runtime_class_name);
  spec["hostname"].read(out.hostname);
  spec["hostNetwork"].read(out.host_network);
  spec["enableServiceLinks"].read(out.enable_service_links);
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
