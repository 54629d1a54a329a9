#include "kubelet/stats.h"

#include "kubelet/node_pods.h"
#include "object/codec.h"

namespace duet::kubelet {
namespace {

std::string start_of(const object::Pod& pod, const std::string& container) {
  for (const auto* list : {&pod.status.init_container_statuses, &pod.status.container_statuses}) {
    for (const auto& one : *list) {
      if (one.name == container && one.state.type == object::ContainerState::Type::kRunning) {
        return one.state.started_at;
      }
    }
  }
  return "";
}

}  // namespace

Result<NodeStats> measure(const api::Context& context, const NodeView& node) {
  NodeStats out{.time = context.clock.now()};
  DUET_ASSIGN(out.machine, sys::examine_machine());
  DUET_ASSIGN(out.use, sys::measure_machine(node.measured_path));
  DUET_ASSIGN(const auto pods, node_pods(context.store, node));
  for (const NodePod& seen : pods) {
    const object::Object& stored = seen.object;
    const auto pod = object::decode_pod(stored.json);
    const auto usage = context.pods == nullptr
                           ? Result<pod::PodUsage>(not_found("this node runs no pods"))
                           : context.pods->usage(stored.key);
    if (!pod.ok() || !usage.ok()) {
      continue;
    }
    PodStats one{.ns = stored.key.ns,
                 .name = seen.name,
                 .uid = stored.uid,
                 .start_time = pod->status.start_time,
                 .whole = usage->whole};
    for (const auto& container : usage->containers) {
      one.containers.push_back({container.name, start_of(*pod, container.name), container.usage});
    }
    out.pods.push_back(std::move(one));
  }
  return out;
}

}  // namespace duet::kubelet
