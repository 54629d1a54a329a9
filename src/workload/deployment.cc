#include "workload/deployment.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "object/codec.h"
#include "workload/deployment_reconciler.h"

namespace duet::workload {
namespace {

// The Deployment itself, or the one that a Pod belongs to.
std::vector<std::string> keys_of(const store::WatchEvent& event) {
  const object::ObjectKey& key = event.object.key;
  if (key.kind == object::Kind::kDeployment) {
    return {store::key_text(key)};
  }
  const auto json = nlohmann::json::parse(event.object.json, nullptr, false);
  const auto meta = object::decode_meta(json);
  if (!meta.ok() || meta->owner_kind != "Deployment") {
    return {};
  }
  return {key.ns + "/" + meta->owner_name};
}

}  // namespace

std::unique_ptr<store::Controller> start_deployments(store::Store& store, const sys::Clock& clock,
                                                     sys::Random& random,
                                                     store::Controller::Log log) {
  auto reconciler = std::make_shared<DeploymentReconciler>(store, clock, random);
  return store::Controller::start(
      store,
      {.name = "deployment",
       .kinds = {object::Kind::kDeployment, object::Kind::kPod},
       .worker_limit = 1},
      keys_of, [reconciler](const std::string& key) { return reconciler->reconcile(key); },
      std::move(log));
}

}  // namespace duet::workload
