#include "object/annotations.h"
#include "object/source_mark.h"
#include "pod/pass.h"

namespace duet::pod {

namespace {

// What a cluster bound to a Node for wasm32-wasi is Wasm, by whatever way it came there.
bool asks_for_wasm(const PodContext& context, const object::Pod& pod) {
  const auto arch = pod.spec.node_selector.find("kubernetes.io/arch");
  return pod.spec.runtime_class_name == "wasm" ||
         (!context.wasm_node_name.empty() && pod.spec.node_name == context.wasm_node_name) ||
         (arch != pod.spec.node_selector.end() && arch->second.starts_with("wasm32"));
}

// Whether `container` can be reached if it is a handler: see route::endpoints_of.
bool can_serve(const object::Pod& pod, const object::Container& container) {
  const auto& all = pod.spec.containers;
  const bool listed = std::any_of(all.begin(), all.end(),
                                  [&](const auto& one) { return one.name == container.name; });
  return listed && (all.size() == 1 || !container.ports.empty());
}

}  // namespace

// The scheduler has looked at the node's labels, of which it knows more.
bool is_bound(const object::Pod& pod) {
  const auto source = pod.meta.annotations.find(object::kSourceAnnotation);
  return source != pod.meta.annotations.end() && source->second == object::kClusterSource;
}

ImageRequest image_request(const PodContext& context, const object::Pod& pod,
                           const object::Container& container) {
  const auto handler = pod.meta.annotations.find(object::kHandlerAnnotation);
  const bool wagi = handler != pod.meta.annotations.end() && handler->second == object::kWagi &&
                    can_serve(pod, container);
  return {container.image, container.image_pull_policy, asks_for_wasm(context, pod), wagi};
}

std::optional<std::string> unsuitable(const PodContext& context, const object::Pod& pod) {
  const std::map<std::string, std::vector<std::string>> labels = {
      {"kubernetes.io/arch",
       {context.architecture, "wasm32-wasi", "wasm32-wasip1", "wasm32-wasip2"}},
      {"kubernetes.io/os", {"linux"}},
      {"kubernetes.io/hostname", {context.node_name}},
  };
  for (const auto& [key, value] : is_bound(pod) ? object::StringMap() : pod.spec.node_selector) {
    const auto label = labels.find(key);
    const bool fits = label != labels.end() && std::find(label->second.begin(), label->second.end(),
                                                         value) != label->second.end();
    if (!fits) {
      return "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector (" +
             key + "=" + value + ")";
    }
  }
  // Of a cluster's pods none comes that is for another node than this machine is there.
  if (!is_bound(pod) && !pod.spec.node_name.empty() && pod.spec.node_name != context.node_name) {
    return "spec.nodeName is " + pod.spec.node_name + ", this node is " + context.node_name;
  }
  const auto& runtime = pod.spec.runtime_class_name;
  if (!runtime.empty() && runtime != "wasm" && runtime != context.runtime_name) {
    return "runtimeClassName \"" + runtime +
           "\" is neither \"wasm\" nor this node's OCI runtime \"" + context.runtime_name + "\"";
  }
  return std::nullopt;
}

}  // namespace duet::pod
