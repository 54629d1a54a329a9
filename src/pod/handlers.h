#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "object/pod.h"
#include "pod/environment.h"

// The request handlers of this node's pods. They own no process: the gateway answers for them.
namespace duet::pod {

// Where a pod is in the network, if not where the host is.
struct PodNetwork {
  std::string address;                   // IP
  std::string network_namespace;         // path
  std::uint64_t network_namespace_id{};  // sys::network_namespace_id
};

struct HandlerInstance {
  object::ObjectKey pod;
  std::string uid;
  std::string container;
  std::string code_digest;  // of the module; names its code in the code cache, with `use`
  engine::Use use = engine::Use::kOwn;
  bool asynchronous = false;  // of wasi:http 0.3
  std::vector<std::string> args;
  Environment environment;
  object::Resources resources;
  object::StringMap annotations;  // the pod's; duet.edge/... are budgets and rights
  std::vector<object::ContainerPort> ports;
  std::optional<PodNetwork> network;  // none: it is answered by the front door alone
  std::string log_path;
};

// Written by the pods' workers, read by whoever configures the gateway. Thread-safe.
class Handlers {
 public:
  // `changed` is called after every change, from the thread that made it, without a lock.
  explicit Handlers(std::function<void()> changed) : changed_(std::move(changed)) {}

  void put(HandlerInstance instance);
  void remove(const std::string& uid);
  bool has(const std::string& uid, const std::string& container) const;
  // By pod uid, then container.
  std::vector<HandlerInstance> list() const;

 private:
  std::function<void()> changed_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, HandlerInstance> instances_;
};

}  // namespace duet::pod
