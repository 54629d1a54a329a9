#include <array>
#include <unordered_map>

#include "object/check_kinds.h"
#include "object/format.h"

namespace duet::object {
namespace {

// In a volume labels and annotations may be told as a whole; addresses are not known yet when it is
// made.
void check_downward_items(const Place& items) {
  items.each([](const Place& item) {
    const Place path = item["fieldRef"]["fieldPath"];
    if (!path.present()) {
      item.error("needs fieldRef with a fieldPath");
    } else if (path.text().starts_with("status.")) {
      path.error(quote(path.text()) + " is not known before the pod runs; use it in env");
    } else if (path.text() != "metadata.labels" && path.text() != "metadata.annotations") {
      check_field_path(path);
    }
  });
}

void check_volume(const Place& volume) {
  if (!volume.present()) {
    return;
  }
  std::string first;
  for (const MarkedNode::Member& member : volume.node()->members) {
    const bool source = member.key != "name" && !member.value.is(MarkedNode::Type::kNull);
    if (source && !first.empty()) {
      volume.findings().error(member.mark, join_path(volume.path(), member.key),
                              "a volume has one source, and this one has " + quote(first));
    }
    first = source && first.empty() ? member.key : first;
  }
  check_downward_items(volume["downwardAPI"]["items"]);
  volume["projected"]["sources"].each(
      [](const Place& source) { check_downward_items(source["downwardAPI"]["items"]); });
  const Place path = volume["hostPath"]["path"];
  if (("/" + path.text() + "/").find("/../") != std::string::npos) {
    path.error("must not contain \"..\"");
  }
}

void check_toleration(const Place& toleration) {
  const bool exists = toleration["operator"].text() == "Exists";
  const std::string effect = toleration["effect"].text();
  if (exists && !toleration["value"].text().empty()) {
    toleration["value"].error("must be empty when the operator is \"Exists\"");
  }
  if (!exists && toleration["key"].text().empty()) {
    toleration.error("a toleration without a key needs the operator \"Exists\"");
  }
  if (toleration["tolerationSeconds"].present() && effect != "NoExecute") {
    toleration["tolerationSeconds"].error("needs the effect \"NoExecute\"");
  }
}

// Two containers cannot publish the same port of the node.
void check_host_ports(const Place& spec) {
  const bool host_network = spec["hostNetwork"].is_true();
  std::unordered_map<std::string, std::string> seen;
  spec["containers"].each([&](const Place& container) {
    container["ports"].each([&](const Place& port) {
      const Place host_port = port["hostPort"];
      const int64_t number = host_port.integer();
      if (number == 0) {
        return;
      }
      if (host_network && number != port["containerPort"].integer()) {
        host_port.error("must be the containerPort when hostNetwork is true");
      }
      const std::string key = std::to_string(number) + "/" + port["protocol"].text("TCP");
      const auto [earlier, fresh] = seen.emplace(key, port.path());
      if (!fresh) {
        host_port.error("port " + key + " of the node is taken by " + earlier->second);
      }
    });
  });
}

void check_container_names(const Place& spec) {
  std::unordered_map<std::string, std::string> seen;
  for (const char* list : {"initContainers", "containers"}) {
    spec[list].each([&](const Place& container) {
      const Place name = container["name"];
      if (name.text().empty()) {
        return;
      }
      const auto [earlier, fresh] = seen.emplace(name.text(), container.path());
      if (!fresh) {
        name.error(quote(name.text()) + " is the name of " + earlier->second + " already");
      }
    });
  }
}

}  // namespace

void check_pod_spec(const Place& spec) {
  const Place containers = spec["containers"];
  if (containers.present() && containers.node()->is(MarkedNode::Type::kList) &&
      containers.size() == 0) {
    containers.error("a pod needs at least one container");
  }
  const Place volumes = spec["volumes"];
  check_unique(volumes, "name", "the volume");
  volumes.each(check_volume);
  check_container_names(spec);
  containers.each([&](const Place& container) { check_container(container, volumes); });
  spec["initContainers"].each(
      [&](const Place& container) { check_init_container(container, volumes); });
  check_host_ports(spec);
  spec["tolerations"].each(check_toleration);
}

void check_pod(const Place& object) {
  check_handler(object["metadata"]["annotations"], object["spec"]);
  check_pod_spec(object["spec"]);
}

}  // namespace duet::object
