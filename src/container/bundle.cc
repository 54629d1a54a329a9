#include "container/bundle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "container/bundle_mounts.h"
#include "container/capabilities.h"
#include "container/seccomp_profile.h"
#include "sys/file.h"

namespace duet::container {

namespace {

using nlohmann::json;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr size_t kProfileLimitBytes = 4 << 20;
constexpr char kDefaultPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool has_zero(const std::string& text) { return text.find('\0') != std::string::npos; }

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Later values win and keep the place of the first.
class Environment {
 public:
  Status set(const std::string& name, const std::string& value) {
    if (name.empty() || name.find('=') != std::string::npos || has_zero(name) || has_zero(value)) {
      return invalid("environment variable \"" + name + "\": not a name that a process can have");
    }
    const auto found = std::find_if(all_.begin(), all_.end(),
                                    [&](const auto& each) { return each.first == name; });
    if (found == all_.end()) {
      all_.emplace_back(name, value);
    } else {
      found->second = value;
    }
    return {};
  }

  json to_json() const {
    json list = json::array();
    for (const auto& [name, value] : all_) {
      list.push_back(name + "=" + value);
    }
    return list;
  }

 private:
  Pairs all_;
};

Result<json> environment_of(const oci::ImageConfig& image, const ContainerSpec& spec) {
  Environment environment;
  DUET_TRY(environment.set("PATH", kDefaultPath));
  if (!spec.hostname.empty()) {
    DUET_TRY(environment.set("HOSTNAME", spec.hostname));
  }
  if (spec.tty) {
    DUET_TRY(environment.set("TERM", "xterm"));
  }
  for (const auto& each : image.env) {
    const size_t equals = each.find('=');
    if (equals != std::string::npos && equals > 0) {
      DUET_TRY(environment.set(each.substr(0, equals), each.substr(equals + 1)));
    }
  }
  for (const auto& [name, value] : spec.env) {
    DUET_TRY(environment.set(name, value));
  }
  return environment.to_json();
}

std::string working_directory_of(const oci::ImageConfig& image, const ContainerSpec& spec) {
  const std::string& own = spec.working_dir.empty() ? image.working_dir : spec.working_dir;
  return own.starts_with('/') ? own : "/" + own;
}

Result<json> arguments_of(const oci::ImageConfig& image, const ContainerSpec& spec) {
  const auto argv = container_argv(image, spec);
  if (argv.empty() || argv[0].empty()) {
    return invalid("no command: neither the container nor its image says what to run");
  }
  if (std::any_of(argv.begin(), argv.end(), has_zero)) {
    return invalid("the command has a zero byte in it");
  }
  return json(argv);
}

Result<Capabilities> capabilities_for(const BundleSecurity& security, const BundleHost& host) {
  if (security.privileged) {
    return capabilities_of_mask(host.capabilities);
  }
  return apply_capabilities(security.add_capabilities, security.drop_capabilities,
                            host.capabilities);
}

Result<json> user_of(const oci::ImageConfig& image, const ContainerSpec& spec,
                     const std::string& rootfs) {
  UserRequest request{image.user, spec.security.run_as_user, spec.security.run_as_group,
                      spec.security.supplemental_groups};
  DUET_ASSIGN(const UserIds ids, resolve_user(rootfs, request));
  if (spec.security.run_as_non_root && ids.uid == 0) {
    return invalid("runAsNonRoot is set, but the container would run as root (user 0)");
  }
  return json{{"uid", ids.uid}, {"gid", ids.gid}, {"additionalGids", ids.additional_gids}};
}

Result<json> process_of(const oci::ImageConfig& image, const ContainerSpec& spec,
                        const std::string& rootfs, const BundleHost& host) {
  DUET_ASSIGN(const json user, user_of(image, spec, rootfs));
  DUET_ASSIGN(const json arguments, arguments_of(image, spec));
  DUET_ASSIGN(const json environment, environment_of(image, spec));
  DUET_ASSIGN(const Capabilities capabilities, capabilities_for(spec.security, host));
  json process = {
      {"terminal", spec.tty},
      {"user", user},
      {"args", arguments},
      {"env", environment},
      {"cwd", working_directory_of(image, spec)},
      {"noNewPrivileges", !spec.security.allow_privilege_escalation},
      {"capabilities",
       {{"bounding", capabilities}, {"effective", capabilities}, {"permitted", capabilities}}}};
  // Lowering the score takes CAP_SYS_RESOURCE; a container that cannot start helps nobody.
  const auto score = spec.resources.oom_score_adj;
  if (score && (host.can_raise_limits || *score >= host.own_oom_score_adj)) {
    process["oomScoreAdj"] = *score;
  }
  return process;
}

json namespaces_of(const ContainerSpec& spec) {
  json list = {{{"type", "mount"}}, {{"type", "cgroup"}}};
  const auto add = [&](const char* type, const std::string& path) {
    list.push_back(path.empty() ? json{{"type", type}} : json{{"type", type}, {"path", path}});
  };
  add("pid", spec.pid_namespace);
  add("ipc", spec.ipc_namespace);
  add("uts", spec.uts_namespace);
  if (!spec.network_namespace.empty()) {
    add("network", spec.network_namespace);
  }
  return list;
}

json resources_of(const ContainerSpec& spec) {
  const BundleResources& from = spec.resources;
  json resources = json::object();
  resources["devices"].push_back(json{{"allow", spec.security.privileged}, {"access", "rwm"}});
  if (from.cpu_shares) {
    resources["cpu"]["shares"] = *from.cpu_shares;
  }
  if (from.cpu_quota_us) {
    resources["cpu"]["quota"] = *from.cpu_quota_us;
    resources["cpu"]["period"] = from.cpu_period_us.value_or(100'000);
  }
  if (from.memory_limit_bytes) {
    resources["memory"]["limit"] = *from.memory_limit_bytes;
  }
  if (from.pids_limit) {
    resources["pids"]["limit"] = *from.pids_limit;
  }
  return resources;
}

// The filter, null for none.
Result<json> seccomp_of(const ContainerSpec& spec, const BundleHost& host,
                        const json& capabilities) {
  const BundleSecurity& security = spec.security;
  if (security.privileged || security.seccomp == SeccompChoice::kUnconfined) {
    return json();
  }
  std::string profile = host.seccomp_profile;
  if (security.seccomp == SeccompChoice::kLocalhost) {
    DUET_ASSIGN(profile, sys::read_file(security.seccomp_path, kProfileLimitBytes));
  } else if (profile.empty()) {
    return not_found(std::string("no default seccomp profile on this node: install the package ") +
                     "golang-github-containers-common (" + kDefaultSeccompProfile +
                     ") or say seccompProfile: {type: Unconfined}");
  }
  SeccompContext context{host.architecture, host.kernel_major, host.kernel_minor,
                         capabilities.get<std::vector<std::string>>(), host.x32};
  DUET_ASSIGN(const std::string converted, convert_seccomp_profile(profile, context));
  return json::parse(converted, nullptr, false);
}

Result<json> linux_of(const ContainerSpec& spec, const BundleHost& host, const json& capabilities) {
  json section = {{"namespaces", namespaces_of(spec)}, {"resources", resources_of(spec)}};
  if (!spec.cgroup_path.empty()) {
    section["cgroupsPath"] = spec.cgroup_path;
  }
  if (spec.security.privileged) {
    DUET_ASSIGN(section["devices"], host_devices());
    return section;
  }
  section["maskedPaths"] = masked_paths();
  section["readonlyPaths"] = readonly_paths();
  DUET_ASSIGN(auto seccomp, seccomp_of(spec, host, capabilities));
  if (!seccomp.is_null()) {
    section["seccomp"] = std::move(seccomp);
  }
  return section;
}

}  // namespace

std::vector<std::string> container_argv(const oci::ImageConfig& image, const ContainerSpec& spec) {
  auto argv = spec.command.empty() ? image.entrypoint : spec.command;
  // The image's cmd belongs to the image's entrypoint: a command without args stands alone.
  const bool takes_cmd = spec.args.empty() && spec.command.empty();
  const auto& rest = takes_cmd ? image.cmd : spec.args;
  argv.insert(argv.end(), rest.begin(), rest.end());
  return argv;
}

Result<std::string> oci_config(const oci::ImageConfig& image, const ContainerSpec& spec,
                               const std::string& rootfs, const BundleHost& host) {
  if (spec.security.privileged && !spec.security.allow_privilege_escalation) {
    return invalid("privileged and allowPrivilegeEscalation: false contradict each other");
  }
  DUET_ASSIGN(const json process, process_of(image, spec, rootfs, host));
  DUET_ASSIGN(const json mounts, bundle_mounts(spec));
  DUET_ASSIGN(const json section, linux_of(spec, host, process["capabilities"]["bounding"]));
  json config = {
      {"ociVersion", "1.0.2"},
      {"process", process},
      {"root", {{"path", rootfs}, {"readonly", spec.security.read_only_root_filesystem}}},
      {"mounts", mounts},
      {"linux", section}};
  if (!spec.hostname.empty()) {
    config["hostname"] = spec.hostname;
  }
  if (!spec.annotations.empty()) {
    config["annotations"] = spec.annotations;
  }
  return dump(config);
}

Status write_bundle(const std::string& bundle, const std::string& config) {
  DUET_TRY(sys::make_directories(bundle, 0711));
  return sys::write_file(bundle + "/config.json", config, 0600);
}

Result<std::string> oci_exec_process(const std::string& config, const ExecSpec& spec) {
  const json parsed = json::parse(config, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("process") || !parsed["process"].is_object()) {
    return Error(ErrorCode::kCorrupt, "the container's config.json has no process");
  }
  if (spec.argv.empty() || spec.argv[0].empty() ||
      std::any_of(spec.argv.begin(), spec.argv.end(), has_zero)) {
    return invalid("exec needs a command");
  }
  json process = parsed["process"];
  process["args"] = spec.argv;
  process["terminal"] = spec.tty;
  auto& environment = process["env"];
  const bool has_terminal =
      environment.is_array() && std::any_of(environment.begin(), environment.end(), [](auto& each) {
        return each.is_string() && each.template get_ref<const std::string&>().starts_with("TERM=");
      });
  if (spec.tty && !has_terminal) {
    environment.push_back("TERM=xterm");
  }
  return dump(process);
}

}  // namespace duet::container
