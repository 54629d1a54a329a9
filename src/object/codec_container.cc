#include "object/codec_container.h"

#include <nlohmann/json.hpp>

namespace duet::object {
namespace {

void read_key_reference(const JsonNode& node, KeyReference& out) {
  node["name"].read(out.name);
  node["key"].read(out.key);
  node["optional"].read(out.optional);
}

void read_env(const JsonNode& node, EnvVar& out) {
  node["name"].read(out.name);
  node["value"].read(out.value);
  const JsonNode from = node["valueFrom"];
  from["configMapKeyRef"].read_object(out.config_map_key, read_key_reference);
  from["secretKeyRef"].read_object(out.secret_key, read_key_reference);
  from["fieldRef"]["fieldPath"].read(out.field_path);
}

void read_env_from(const JsonNode& node, EnvFrom& out) {
  node["prefix"].read(out.prefix);
  node["configMapRef"]["name"].read(out.config_map);
  node["secretRef"]["name"].read(out.secret);
  node[out.secret.empty() ? "configMapRef" : "secretRef"]["optional"].read(out.optional);
}

void read_port(const JsonNode& node, ContainerPort& out) {
  node["name"].read(out.name);
  node["containerPort"].read(out.container_port);
  node["hostPort"].read(out.host_port);
  node["protocol"].read(out.protocol);
}

void read_mount(const JsonNode& node, VolumeMount& out) {
  node["name"].read(out.name);
  node["mountPath"].read(out.mount_path);
  node["subPath"].read(out.sub_path);
  node["readOnly"].read(out.read_only);
}

void read_http_get(const JsonNode& node, Handler::HttpGet& out) {
  node["path"].read(out.path);
  if (out.path.empty()) {
    out.path += "/";
  }
  node["port"].read_int_or_string(out.port);
  node["host"].read(out.host);
  node["scheme"].read(out.scheme);
  node["httpHeaders"].each([&](const JsonNode& header) {
    auto& [name, value] = out.headers.emplace_back();
    header["name"].read(name);
    header["value"].read(value);
  });
}

void read_handler(const JsonNode& node, Handler& out) {
  node["httpGet"].read_object(out.http_get, read_http_get);
  node["tcpSocket"]["port"].read_int_or_string(out.tcp_port);
  node["exec"]["command"].read(out.exec_command);
}

void read_probe(const JsonNode& node, Probe& out) {
  // Zero means "not given" for these in the Kubernetes API.
  const auto read_positive = [&](const char* member, int& value) {
    int given = 0;
    node[member].read(given);
    value = given == 0 ? value : given;
  };
  read_handler(node, out.handler);
  node["initialDelaySeconds"].read(out.initial_delay_seconds);
  read_positive("timeoutSeconds", out.timeout_seconds);
  read_positive("periodSeconds", out.period_seconds);
  read_positive("successThreshold", out.success_threshold);
  read_positive("failureThreshold", out.failure_threshold);
}

void read_resources(const JsonNode& node, Resources& out) {
  node["limits"]["cpu"].read_millis(out.cpu_limit_millis);
  node["limits"]["memory"].read_bytes(out.memory_limit_bytes);
  node["requests"]["cpu"].read_millis(out.cpu_request_millis);
  node["requests"]["memory"].read_bytes(out.memory_request_bytes);
  // A request that is not given is the limit.
  if (!out.cpu_request_millis.has_value()) {
    out.cpu_request_millis = out.cpu_limit_millis;
  }
  if (!out.memory_request_bytes.has_value()) {
    out.memory_request_bytes = out.memory_limit_bytes;
  }
}

std::vector<std::string> without_cap(std::vector<std::string> names) {
  for (std::string& name : names) {
    if (name.rfind("CAP_", 0) == 0) {
      name.erase(0, 4);
    }
  }
  return names;
}

// Always for the tag "latest", given or implied; IfNotPresent for other tags and for digests.
std::string default_pull_policy(std::string_view image) {
  const size_t at = image.find('@');
  const std::string_view name = image.substr(0, at);
  const size_t slash = name.rfind('/');
  const size_t colon = name.find(':', slash == std::string_view::npos ? 0 : slash);
  const std::string_view tag = colon == std::string_view::npos ? "" : name.substr(colon + 1);
  const bool latest = tag == "latest" || (tag.empty() && at == std::string_view::npos);
  return latest ? "Always" : "IfNotPresent";
}

}  // namespace

void read_security_context(const JsonNode& node, SecurityContext& out) {
  node["runAsUser"].read(out.run_as_user);
  node["runAsGroup"].read(out.run_as_group);
  node["runAsNonRoot"].read(out.run_as_non_root);
  node["readOnlyRootFilesystem"].read(out.read_only_root_filesystem);
  node["privileged"].read(out.privileged);
  node["allowPrivilegeEscalation"].read(out.allow_privilege_escalation);
  node["capabilities"]["add"].read(out.add_capabilities);
  node["capabilities"]["drop"].read(out.drop_capabilities);
  out.add_capabilities = without_cap(std::move(out.add_capabilities));
  out.drop_capabilities = without_cap(std::move(out.drop_capabilities));
  node["seccompProfile"]["type"].read(out.seccomp_type);
}

void read_container(const JsonNode& node, Container& out) {
  node["name"].read(out.name);
  node["image"].read(out.image);
  node["imagePullPolicy"].read(out.image_pull_policy);
  if (out.image_pull_policy.empty()) {
    out.image_pull_policy = default_pull_policy(out.image);
  }
  node["command"].read(out.command);
  node["args"].read(out.args);
  node["workingDir"].read(out.working_dir);
  node["env"].read_list(out.env, read_env);
  node["envFrom"].read_list(out.env_from, read_env_from);
  node["ports"].read_list(out.ports, read_port);
  node["volumeMounts"].read_list(out.volume_mounts, read_mount);
  read_resources(node["resources"], out.resources);
  read_security_context(node["securityContext"], out.security);
  node["livenessProbe"].read_object(out.liveness_probe, read_probe);
  node["readinessProbe"].read_object(out.readiness_probe, read_probe);
  node["startupProbe"].read_object(out.startup_probe, read_probe);
  node["lifecycle"]["preStop"].read_object(out.pre_stop, read_handler);
  node["lifecycle"]["postStart"].read_object(out.post_start, read_handler);
  node["stdin"].read(out.stdin_open);
  node["tty"].read(out.tty);
}

}  // namespace duet::object
