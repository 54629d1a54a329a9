#include "workload/deployment_reconciler.h"

#include <algorithm>
#include <utility>

#include "object/codec.h"
#include "workload/deployment_status.h"
#include "workload/pod_template.h"

namespace duet::workload {
namespace {

using Next = store::Controller::Next;

// Pods made in one turn; the rest come in the next, so that one large Deployment does not keep
// the worker from the others.
constexpr int kCreateLimit = 50;

// Why a Deployment cannot be carried out; empty: it can.
std::string fault_of(const object::Deployment& deployment) {
  if (deployment.selector.empty()) {
    return "spec.selector.matchLabels: must name at least one label";
  }
  for (const auto& [name, value] : deployment.selector) {
    const auto label = deployment.pod_template.labels.find(name);
    if (label == deployment.pod_template.labels.end() || label->second != value) {
      return "spec.selector.matchLabels." + name +
             ": spec.template.metadata.labels does not have " + name + ": " + value;
    }
  }
  return "";
}

std::optional<int64_t> sooner(std::optional<int64_t> a, std::optional<int64_t> b) {
  return a && b ? std::min(*a, *b) : (a ? a : b);
}

}  // namespace

Result<Next> DeploymentReconciler::reconcile(const std::string& key) {
  const object::ObjectKey name = store::key_from_text(object::Kind::kDeployment, key);
  DUET_ASSIGN(std::vector<PodView> pods, pods_of(name));
  const auto stored = store_.get(name);
  if (!stored.ok() && stored.error().code() != ErrorCode::kNotFound) {
    return stored.error();
  }
  // Garbage collection: pods whose own Deployment is gone, even if another has its name now.
  std::vector<size_t> orphans;
  for (size_t i = 0; i < pods.size(); ++i) {
    if ((!stored.ok() || pods[i].owner_uid != stored->uid) && !pods[i].deleting) {
      orphans.push_back(i);
    }
  }
  DUET_TRY(remove_pods(nullptr, pods, orphans));
  if (!stored.ok()) {
    return Next{};
  }
  std::erase_if(pods, [&](const PodView& pod) { return pod.owner_uid != stored->uid; });

  const auto deployment = object::decode_deployment(stored->json);
  if (!deployment.ok()) {
    return refuse(name, stored->uid, deployment.error().message());
  }
  if (const std::string fault = fault_of(*deployment); !fault.empty()) {
    return refuse(name, stored->uid, fault);
  }
  DUET_ASSIGN(const std::string hash, template_hash(deployment->pod_template_json));
  const sys::WallTime now = clock_.now();
  const Plan plan = plan_rollout(*deployment, hash, pods, now);
  const DeploymentStatus status =
      next_status(*deployment, stored->json, plan.counts, plan.old_left, now);
  const auto written = store_.update_status(name, stored->uid, status.json);
  if (!written.ok() && written.error().code() == ErrorCode::kNotFound) {
    return Next{};  // it went meanwhile, and its end is a turn of its own
  }
  if (!written.ok()) {
    return written.error();
  }
  tell_scaling(*deployment, hash, plan);
  DUET_TRY(remove_pods(&*deployment, pods, plan.remove));
  DUET_TRY(create_pods(*deployment, hash, pods, plan));
  return Next{sooner(plan.after_ms, status.after_ms)};
}

Result<std::vector<PodView>> DeploymentReconciler::pods_of(const object::ObjectKey& deployment) {
  DUET_ASSIGN(store::Listing listing, store_.list(object::Kind::kPod, deployment.ns));
  std::vector<PodView> pods;
  for (object::Object& object : listing.objects) {
    if (auto view = view_pod_of(std::move(object), deployment.name)) {
      pods.push_back(std::move(*view));
    }
  }
  return pods;
}

Status DeploymentReconciler::remove_pods(const object::Deployment* deployment,
                                         const std::vector<PodView>& pods,
                                         const std::vector<size_t>& which) {
  for (const size_t i : which) {
    const object::Object& pod = pods[i].object;
    const Status removed = store_.remove(pod.key, {.uid = pod.uid});
    if (!removed.ok() && removed.error().code() != ErrorCode::kNotFound) {
      return removed.error();
    }
    if (deployment != nullptr && removed.ok()) {
      tell(*deployment, "Normal", "SuccessfulDelete", "Deleted pod: " + pod.key.name);
    }
  }
  return {};
}

Status DeploymentReconciler::create_pods(const object::Deployment& deployment,
                                         const std::string& hash, const std::vector<PodView>& pods,
                                         const Plan& plan) {
  // The first pod of a turn wakes this key again, so what is past the limit follows by itself.
  for (int i = 0; i < std::min(plan.create, kCreateLimit); ++i) {
    const PodView* model = plan.copy_of ? &pods[*plan.copy_of] : nullptr;
    DUET_ASSIGN(const object::Object pod, model != nullptr ? copy_pod(deployment, model->object,
                                                                      model->template_hash, random_)
                                                           : make_pod(deployment, hash, random_));
    const auto made = store_.create(pod);
    if (!made.ok()) {
      tell(deployment, "Warning", "FailedCreate",
           "Error creating a pod: " + made.error().message());
      return made.error();
    }
    tell(deployment, "Normal", "SuccessfulCreate", "Created pod: " + pod.key.name);
  }
  return {};
}

// A Deployment that says nothing that can be done: its pods stay as they are, and only a change of
// it helps.
Result<Next> DeploymentReconciler::refuse(const object::ObjectKey& key, const std::string& uid,
                                          const std::string& message) {
  (void)store_.record_event(key, uid, "Warning", "InvalidDeployment", message);
  return Next{};
}

// Events are news for people; a full disk must not stop the work.
void DeploymentReconciler::tell(const object::Deployment& deployment, const char* type,
                                const char* reason, const std::string& message) {
  (void)store_.record_event({object::Kind::kDeployment, deployment.meta.ns, deployment.meta.name},
                            deployment.meta.uid, type, reason, message);
}

void DeploymentReconciler::tell_scaling(const object::Deployment& deployment,
                                        const std::string& hash, const Plan& plan) {
  if (plan.create == 0 && plan.live_removed == 0) {
    return;
  }
  const int after = plan.counts.replicas + plan.create - plan.live_removed;
  std::string message = after >= plan.counts.replicas ? "Scaled up" : "Scaled down";
  message += " pods of " + deployment.meta.name + " from " + std::to_string(plan.counts.replicas) +
             " to " + std::to_string(after) + " (" + std::to_string(plan.create) +
             " made from template " + hash + ", " + std::to_string(plan.live_removed) + " deleted)";
  tell(deployment, "Normal", "ScalingReplicaSet", message);
}

}  // namespace duet::workload
