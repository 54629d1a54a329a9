#pragma once

#include <string>
#include <vector>

#include "object/kinds.h"
#include "store/controller.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/randomness.h"
#include "workload/pod_view.h"
#include "workload/rollout.h"

namespace duet::workload {

// Brings one Deployment after the other to what it says. Stateless beyond its arguments, so
// different keys may be reconciled on different threads.
class DeploymentReconciler {
 public:
  DeploymentReconciler(store::Store& store, const sys::Clock& clock, sys::Random& random)
      : store_(store), clock_(clock), random_(random) {}

  // `key` is "namespace/name" of a Deployment, which may be gone.
  Result<store::Controller::Next> reconcile(const std::string& key);

 private:
  Result<std::vector<PodView>> pods_of(const object::ObjectKey& deployment);
  Status remove_pods(const object::Deployment* deployment, const std::vector<PodView>& pods,
                     const std::vector<size_t>& which);
  Status create_pods(const object::Deployment& deployment, const std::string& hash,
                     const std::vector<PodView>& pods, const Plan& plan);
  Result<store::Controller::Next> refuse(const object::ObjectKey& key, const std::string& uid,
                                         const std::string& message);
  void tell(const object::Deployment& deployment, const char* type, const char* reason,
            const std::string& message);
  void tell_scaling(const object::Deployment& deployment, const std::string& hash,
                    const Plan& plan);

  store::Store& store_;
  const sys::Clock& clock_;
  sys::Random& random_;
};

}  // namespace duet::workload
