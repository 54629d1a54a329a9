#include "cluster/node_keeper.h"

#include <chrono>

#include "cluster/backoff.h"
#include "sys/machine.h"

namespace duet::cluster {
namespace {

constexpr const char* kNodes = "/api/v1/nodes";
constexpr const char* kLeases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

}  // namespace

Status NodeKeeper::beat() {
  // Who was away for so long that the cluster may have called its conditions unknown says them
  // again.
  constexpr std::chrono::seconds kAway{kLeaseSeconds / 2};
  const auto now = clock_.monotonic();
  if (now - last_beat_ > kAway) {
    tell_at_ = now;
  }
  DUET_TRY(try_beat());
  last_beat_ = clock_.monotonic();
  return {};
}

Status NodeKeeper::try_beat() {
  if (uid_.empty()) {
    DUET_TRY(find_or_make());
  }
  DUET_TRY(renew_lease());
  return tell_status();
}

Status NodeKeeper::find_or_make() {
  const std::string path = std::string(kNodes) + "/" + options_.facts.name;
  auto node = api_.get(path);
  if (!node.ok() && node.error().code() == ErrorCode::kNotFound) {
    DUET_ASSIGN(const NodeMeasures measures, measure());
    node = api_.create(kNodes, node_object(options_.facts, measures, clock_.now()));
  }
  if (!node.ok()) {
    return node.error();
  }
  DUET_TRY(set_labels(*node));
  const Json uid = member(member(*node, "metadata"), "uid");
  if (!uid.is_string()) {
    return Error(ErrorCode::kCorrupt, "the server's Node " + options_.facts.name + " has no uid");
  }
  uid_ = uid.get<std::string>();
  told_ = member(*node, "status");
  tell_at_ = clock_.monotonic();
  return {};
}

// Labels that this node gave itself may be others by now. Taints it can set once, when it makes its
// Node: NodeRestriction leaves them to the cluster's administrators afterwards.
Status NodeKeeper::set_labels(const Json& node) {
  const Json labels = member(member(node, "metadata"), "labels");
  Json wrong = Json::object();
  for (const auto& [name, value] : node_labels(options_.facts)) {
    if (member(labels, name.c_str()) != value) {
      wrong[name] = value;
    }
  }
  if (wrong.empty()) {
    return {};
  }
  const auto done = api_.patch(std::string(kNodes) + "/" + options_.facts.name, PatchType::kMerge,
                               {{"metadata", {{"labels", wrong}}}});
  return done.ok() ? Status() : Status(done.error());
}

Status NodeKeeper::renew_lease() {
  const std::string& name = options_.facts.name;
  auto done = api_.patch(std::string(kLeases) + "/" + name, PatchType::kMerge,
                         lease_renewal(name, clock_.now()));
  if (!done.ok() && done.error().code() == ErrorCode::kNotFound) {
    done = api_.create(kLeases, node_lease(name, uid_, clock_.now()));
  }
  return done.ok() ? Status() : Status(done.error());
}

Status NodeKeeper::tell_status() {
  DUET_ASSIGN(const NodeMeasures measures, measure());
  const Json status = node_status(options_.facts, measures, told_, clock_.now());
  if (clock_.monotonic() < tell_at_ && !differs(status, told_)) {
    return {};
  }
  const auto done = api_.patch(std::string(kNodes) + "/" + options_.facts.name + "/status",
                               PatchType::kStrategic, {{"status", status}});
  if (!done.ok()) {
    if (done.error().code() == ErrorCode::kNotFound) {
      uid_.clear();  // somebody removed the Node: it is made anew with the next beat
    }
    return done.error();
  }
  told_ = status;
  // Nodes that began together shall not go on together.
  const std::int64_t tenth = options_.status_ms / 10;
  tell_at_ = clock_.monotonic() + std::chrono::milliseconds(options_.status_ms - tenth +
                                                            random_below(random_, 2 * tenth + 1));
  return {};
}

Result<NodeMeasures> NodeKeeper::measure() const {
  NodeMeasures measures;
  DUET_ASSIGN(measures.use, sys::measure_machine(options_.measured_path));
  if (options_.images) {
    measures.images = options_.images();
  }
  return measures;
}

}  // namespace duet::cluster
