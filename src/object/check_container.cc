#include <algorithm>
#include <array>
#include <initializer_list>
#include <unordered_set>

#include "base/quantity.h"
#include "object/check_kinds.h"
#include "object/format.h"

namespace duet::object {
namespace {

using Names = std::initializer_list<const char*>;

// Exactly one of `members` must be there; `refused` are those that duet refuses anyway.
void check_one_of(const Place& place, Names members, Names refused = {}) {
  size_t present = 0;
  std::string names;
  for (const char* member : members) {
    present += place[member].present() ? 1 : 0;
    names += (names.empty() ? "" : ", ") + std::string(member);
  }
  for (const char* member : refused) {
    present += place[member].present() ? 1 : 0;
  }
  if (place.present() && present != 1) {
    place.error((present == 0 ? "needs one of " : "takes only one of ") + names);
  }
}

// The fields of a pod that fieldRef can name, and what duet fills in.
bool is_field_path(std::string_view path) {
  constexpr std::array<std::string_view, 9> kPaths = {
      "metadata.name", "metadata.namespace",      "metadata.uid",  "spec.nodeName", "status.hostIP",
      "status.podIP",  "spec.serviceAccountName", "status.podIPs", "status.hostIPs"};
  if (std::find(kPaths.begin(), kPaths.end(), path) != kPaths.end()) {
    return true;
  }
  for (const std::string_view map : {"metadata.labels['", "metadata.annotations['"}) {
    if (path.substr(0, map.size()) == map && path.size() > map.size() + 2 &&
        path.substr(path.size() - 2) == "']") {
      const std::string_view key = path.substr(map.size(), path.size() - map.size() - 2);
      return !format_problem(Format::kLabelKey, key).has_value();
    }
  }
  return false;
}

void check_env(const Place& env) {
  const Place from = env["valueFrom"];
  if (!from.present()) {
    return;
  }
  if (!env["value"].text().empty()) {
    from.error("a variable has either a value or valueFrom");
  }
  check_one_of(from, {"configMapKeyRef", "secretKeyRef", "fieldRef"},
               {"resourceFieldRef", "fileKeyRef"});
  check_field_path(from["fieldRef"]["fieldPath"]);
}

void check_mounts(const Place& mounts, const Place& volumes) {
  std::unordered_set<std::string> names;
  volumes.each([&](const Place& volume) { names.insert(volume["name"].text()); });
  check_unique(mounts, "mountPath", "the mount path");
  mounts.each([&](const Place& mount) {
    const Place name = mount["name"];
    if (!name.text().empty() && names.count(name.text()) == 0) {
      name.error("the pod has no volume " + quote(name.text()));
    }
    const Place path = mount["mountPath"];
    if (path.text().find(':') != std::string::npos) {
      path.error("must not contain \":\"");
    }
  });
}

enum class ProbeKind { kReadiness, kOther };

void check_probe(const Place& probe, ProbeKind kind) {
  check_one_of(probe, {"exec", "httpGet", "tcpSocket"}, {"grpc"});
  if (kind == ProbeKind::kOther && probe["successThreshold"].integer(1) > 1) {
    probe["successThreshold"].error("must be 1 for liveness and startup probes");
  }
  const Place command = probe["exec"]["command"];
  if (command.present() && command.size() == 0) {
    command.error("must name a program");
  }
}

void check_lifecycle(const Place& lifecycle) {
  for (const char* hook : {"postStart", "preStop"}) {
    check_one_of(lifecycle[hook], {"exec", "httpGet"}, {"tcpSocket", "sleep"});
  }
}

// Limits and requests that duet cannot keep are refused; a request for scheduling alone is not.
void check_resource_names(const Place& map, bool enforced) {
  if (!map.present()) {
    return;
  }
  for (const MarkedNode::Member& member : map.node()->members) {
    if (member.key == "cpu" || member.key == "memory") {
      continue;
    }
    const std::string path = join_path(map.path(), member.key);
    if (enforced || member.key != "ephemeral-storage") {
      map.findings().error(member.mark, path,
                           "duet does not support this resource; use cpu and memory");
    } else {
      map.findings().warning(member.mark, path, "accepted without effect: it is not accounted");
    }
  }
}

void check_request_within_limit(const Place& resources, const char* name) {
  const Place request = resources["requests"][name];
  const Place limit = resources["limits"][name];
  if (!request.present() || !limit.present()) {
    return;
  }
  const auto wanted = parse_quantity_millis(request.node()->text);
  const auto allowed = parse_quantity_millis(limit.node()->text);
  if (wanted.ok() && allowed.ok() && *wanted > *allowed) {
    request.error("the request " + quote(request.node()->text) + " is more than the limit " +
                  quote(limit.node()->text));
  }
}

void check_resources(const Place& resources) {
  check_resource_names(resources["limits"], true);
  check_resource_names(resources["requests"], false);
  check_request_within_limit(resources, "cpu");
  check_request_within_limit(resources, "memory");
}

void check_security(const Place& security) {
  if (security["privileged"].is_true() && security["allowPrivilegeEscalation"].present() &&
      !security["allowPrivilegeEscalation"].is_true()) {
    security["allowPrivilegeEscalation"].error("cannot be false when privileged is true");
  }
}

}  // namespace

void check_field_path(const Place& path) {
  if (path.present() && !is_field_path(path.text())) {
    path.error(quote(path.text()) +
               " is no field that can be referred to; use metadata.name, metadata.namespace, "
               "metadata.uid, metadata.labels['KEY'], metadata.annotations['KEY'], spec.nodeName, "
               "spec.serviceAccountName, status.podIP, status.podIPs, status.hostIP or "
               "status.hostIPs");
  }
}

void check_container(const Place& container, const Place& volumes) {
  container["env"].each(check_env);
  container["envFrom"].each(
      [](const Place& from) { check_one_of(from, {"configMapRef", "secretRef"}); });
  check_unique(container["ports"], "name", "the port name");
  check_mounts(container["volumeMounts"], volumes);
  check_resources(container["resources"]);
  check_security(container["securityContext"]);
  check_probe(container["livenessProbe"], ProbeKind::kOther);
  check_probe(container["startupProbe"], ProbeKind::kOther);
  check_probe(container["readinessProbe"], ProbeKind::kReadiness);
  check_lifecycle(container["lifecycle"]);
}

void check_init_container(const Place& container, const Place& volumes) {
  for (const char* member : {"livenessProbe", "readinessProbe", "startupProbe", "lifecycle"}) {
    if (container[member].present()) {
      container[member].error("is not possible for an init container");
    }
  }
  check_container(container, volumes);
}

}  // namespace duet::object
