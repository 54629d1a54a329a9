#include "cluster/node_object.h"

#include <array>
#include <string_view>

namespace duet::cluster {
namespace {

constexpr std::int64_t kKib = 1024;
// The thresholds at which a kubelet says that it is under pressure (its evictionHard defaults).
constexpr std::int64_t kLeastMemoryBytes = 100LL << 20;
constexpr std::int64_t kLeastStoragePercent = 10;
constexpr std::int64_t kLeastInodesPercent = 5;
constexpr std::int64_t kLeastProcessesPercent = 10;

struct Condition {
  const char* type;
  bool holds;
  const char* reason;
  const char* message;
};

std::string kib(std::int64_t bytes) { return std::to_string(bytes / kKib) + "Ki"; }

bool below(std::int64_t left, std::int64_t all, std::int64_t percent) {
  return all > 0 && left < all / 100 * percent;
}

Condition pressure(const char* type, bool holds, const char* reason, const char* good_reason,
                   const char* message) {
  return {type, holds, holds ? reason : good_reason, holds ? message : "there is enough"};
}

std::array<Condition, 4> conditions_of(const sys::MachineUse& use) {
  return {
      pressure("MemoryPressure", use.memory_available_bytes < kLeastMemoryBytes,
               "NodeHasInsufficientMemory", "NodeHasSufficientMemory",
               "less than 100 MiB of memory are left"),
      pressure("DiskPressure",
               below(use.storage_available_bytes, use.storage_bytes, kLeastStoragePercent) ||
                   below(use.inodes_available, use.inodes, kLeastInodesPercent),
               "NodeHasDiskPressure", "NodeHasNoDiskPressure",
               "less than a tenth of the disk is left"),
      pressure("PIDPressure",
               below(use.process_limit - use.processes, use.process_limit, kLeastProcessesPercent),
               "NodeHasInsufficientPID", "NodeHasSufficientPID",
               "less than a tenth of the process IDs are left"),
      {"Ready", true, "DuetReady", "duet runs pods"}};
}

// When the condition began to be what it is.
std::string since(const Json& earlier, const Condition& condition, const std::string& now) {
  const auto list = earlier.is_object() ? earlier.find("conditions") : earlier.end();
  if (!earlier.is_object() || list == earlier.end() || !list->is_array()) {
    return now;
  }
  for (const Json& one : *list) {
    if (one.is_object() && one.value("type", Json()) == condition.type &&
        one.value("status", Json()) == (condition.holds ? "True" : "False")) {
      const Json time = one.value("lastTransitionTime", Json());
      return time.is_string() ? time.get<std::string>() : now;
    }
  }
  return now;
}

Json conditions_json(const sys::MachineUse& use, const Json& earlier, const std::string& now) {
  Json all = Json::array();
  for (const Condition& one : conditions_of(use)) {
    all.push_back({{"type", one.type},
                   {"status", one.holds ? "True" : "False"},
                   {"reason", one.reason},
                   {"message", one.message},
                   {"lastHeartbeatTime", now},
                   {"lastTransitionTime", since(earlier, one, now)}});
  }
  return all;
}

// Rounded down, so that the parts of a machine are never more than the whole.
std::int64_t part(std::int64_t all, int percent) {
  constexpr std::int64_t kAll = 100;
  return all / kAll * percent + all % kAll * percent / kAll;
}

// As the server writes it: in whole CPUs where it can be.
std::string cpus(std::int64_t milli) {
  return milli % 1000 == 0 ? std::to_string(milli / 1000) : std::to_string(milli) + "m";
}

Json resources_of(const NodeFacts& facts, const sys::MachineUse& use, int percent) {
  return {{"cpu", cpus(part(std::int64_t{facts.machine.cpus} * 1000, percent))},
          {"memory", kib(part(facts.machine.memory_bytes, percent))},
          {"ephemeral-storage", kib(part(use.storage_bytes, percent))},
          {"pods", std::to_string(part(facts.pod_limit, percent))}};
}

// The first has no name: it runs pods that name no RuntimeClass.
Json runtime_handlers_of(const NodeFacts& facts) {
  Json all = Json::array({{{"name", ""}}});
  for (const std::string& name : facts.runtime_handlers) {
    all.push_back({{"name", name}});
  }
  return all;
}

// API servers since 1.36 pass WebSockets on to nodes that say so.
Json declared_features_of(const NodeFacts& facts) {
  return facts.kubelet_port == 0 ? Json::array() : Json::array({"ExtendWebSocketsToKubelet"});
}

Json images_json(const std::vector<NodeImage>& images) {
  Json all = Json::array();
  for (const NodeImage& image : images) {
    all.push_back({{"names", image.names}, {"sizeBytes", image.size_bytes}});
  }
  return all;
}

// metav1.MicroTime: six digits of fraction, no more and no fewer.
std::string micro_time(sys::WallTime now) {
  constexpr std::size_t kWithMicros = std::string_view("2026-01-31T12:00:00.000000").size();
  return sys::format_rfc3339_nano(now).substr(0, kWithMicros) + "Z";
}

}  // namespace

NodeFacts wasm_node(NodeFacts facts) {
  facts.architecture = "wasm32-wasi";
  facts.os = "wasi";
  facts.taints.push_back({"kubernetes.io/arch", facts.architecture, "NoSchedule"});
  return facts;
}

NodeFacts whole_node(NodeFacts facts) {
  facts.os = "linux";
  return facts;
}

void share_machine(NodeFacts& first, NodeFacts& second, int percent) {
  constexpr int kAll = 100;
  first.allocatable_percent = kAll - percent;
  second.capacity_percent = percent;
  second.allocatable_percent = percent;
}

object::StringMap node_labels(const NodeFacts& facts) {
  object::StringMap labels = facts.labels;
  labels["kubernetes.io/arch"] = facts.architecture;
  labels["kubernetes.io/os"] = facts.os;
  labels["kubernetes.io/hostname"] = facts.name;
  return labels;
}

Json node_object(const NodeFacts& facts, const NodeMeasures& measures, sys::WallTime now) {
  Json taints = Json::array();
  for (const Taint& taint : facts.taints) {
    taints.push_back({{"key", taint.key}, {"value", taint.value}, {"effect", taint.effect}});
  }
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata", {{"name", facts.name}, {"labels", node_labels(facts)}}},
          {"spec", {{"taints", taints}}},
          {"status", node_status(facts, measures, nullptr, now)}};
}

Json node_status(const NodeFacts& facts, const NodeMeasures& measures, const Json& earlier,
                 sys::WallTime now) {
  return {{"capacity", resources_of(facts, measures.use, facts.capacity_percent)},
          {"allocatable", resources_of(facts, measures.use, facts.allocatable_percent)},
          {"conditions", conditions_json(measures.use, earlier, sys::format_rfc3339(now))},
          {"images", images_json(measures.images)},
          {"runtimeHandlers", runtime_handlers_of(facts)},
          {"daemonEndpoints", {{"kubeletEndpoint", {{"Port", facts.kubelet_port}}}}},
          {"declaredFeatures", declared_features_of(facts)},
          {"addresses",
           {{{"type", "InternalIP"}, {"address", facts.address}},
            {{"type", "Hostname"}, {"address", facts.host_name}}}},
          {"nodeInfo",
           {{"machineID", facts.machine.id},
            {"systemUUID", facts.machine.id},
            {"bootID", facts.machine.boot_id},
            {"kernelVersion", facts.machine.kernel_version},
            {"osImage", facts.machine.os_image},
            {"containerRuntimeVersion", "duet://" DUET_VERSION},
            {"kubeletVersion", "v" DUET_VERSION "+duet"},
            {"kubeProxyVersion", ""},
            {"operatingSystem", facts.os},
            {"architecture", facts.architecture}}}};
}

bool differs(const Json& status, const Json& other) {
  Json a = status;
  Json b = other;
  for (Json* one : {&a, &b}) {
    if (one->is_object() && one->contains("conditions")) {
      for (Json& condition : (*one)["conditions"]) {
        condition.erase("lastHeartbeatTime");
      }
    }
  }
  return a != b;
}

Json node_lease(const std::string& node, const std::string& node_uid, sys::WallTime now) {
  Json lease = {
      {"apiVersion", "coordination.k8s.io/v1"},
      {"kind", "Lease"},
      {"metadata",
       {{"name", node},
        {"namespace", "kube-node-lease"},
        {"ownerReferences",
         {{{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node}, {"uid", node_uid}}}}}}};
  lease.update(lease_renewal(node, now));
  return lease;
}

Json lease_renewal(const std::string& node, sys::WallTime now) {
  return {{"spec",
           {{"holderIdentity", node},
            {"leaseDurationSeconds", kLeaseSeconds},
            {"renewTime", micro_time(now)}}}};
}

}  // namespace duet::cluster
